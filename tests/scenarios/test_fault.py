"""Whom a fault strikes."""

import pytest

from scenarios.fault import Target


@pytest.mark.parametrize(
    ("word", "struck"),
    [
        ("baseline", {"baseline"}),
        ("candidate", {"candidate"}),
        ("reference", {"reference"}),
        ("both", {"baseline", "candidate"}),
        ("all", {"baseline", "candidate", "reference"}),
    ],
)
def test_a_word_stands_for_roles_and_never_for_a_name(word: str, struck: set[str]) -> None:
    roles = {"baseline", "candidate", "reference"}
    assert {role for role in roles if Target(word=word).covers(role, "x")} == struck
    assert not Target(word="candidate").covers("reference", "candidate")


def test_any_other_word_is_a_name_whatever_the_role() -> None:
    assert Target(word="eu-2").covers("reference", "eu-2")
    assert not Target(word="eu-2").covers("candidate", "eu-1")
