"""Damaged payloads."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scenarios.corrupt import Corrupt
from scenarios.fault import Send


def corrupt(body: bytes, *, seed: int = 1, **params: object) -> bytes | None:
    after = Corrupt.model_validate(params).apply(Send(body=body), random.Random(seed))
    return None if after is None else after.body


@given(st.binary(min_size=1, max_size=200), st.integers(1, 40), st.integers(0, 2**64))
def test_flip_changes_exactly_so_many_bits(body: bytes, bits: int, seed: int) -> None:
    after = corrupt(body, seed=seed, flip_bits=bits)
    assert after is not None
    assert len(after) == len(body)
    changed = sum((before ^ now).bit_count() for before, now in zip(body, after, strict=True))
    assert changed == min(bits, 8 * len(body))


@given(st.binary(min_size=1, max_size=200), st.floats(0, 0.999))
def test_keep_fraction_leaves_a_shorter_beginning(body: bytes, fraction: float) -> None:
    after = corrupt(body, keep_fraction=fraction)
    assert after is not None
    assert body.startswith(after)
    assert len(after) == int(len(body) * fraction) < len(body)


@given(st.binary(min_size=1, max_size=200), st.integers(0, 300))
def test_keep_bytes_cuts_what_is_longer_and_does_not_apply_to_the_rest(body: bytes, keep: int) -> None:
    assert corrupt(body, keep_bytes=keep) == (body[:keep] if keep < len(body) else None)


@given(st.binary(min_size=1, max_size=200), st.integers(1, 300), st.integers(0, 2**64))
def test_append_adds_so_many_bytes_behind_the_body(body: bytes, junk: int, seed: int) -> None:
    after = corrupt(body, seed=seed, append_bytes=junk)
    assert after is not None
    assert after.startswith(body)
    assert len(after) == len(body) + junk


@given(st.text(min_size=1, max_size=100), st.integers(1, 5), st.integers(0, 2**64))
def test_no_text_survives_invalid_utf8_as_text(text: str, count: int, seed: int) -> None:
    after = corrupt(text.encode(), seed=seed, invalid_utf8=count)
    assert after is not None
    assert len(after) == len(text.encode()) + count
    with pytest.raises(UnicodeDecodeError):
        after.decode("utf-8")


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), min_size=1), st.integers(0, 2**64))
def test_the_bad_byte_stands_inside_a_string_of_a_json_body(document: dict[str, str], seed: int) -> None:
    after = corrupt(json.dumps(document).encode(), seed=seed, invalid_utf8=1)
    assert after is not None
    json.loads(after.decode("latin-1"), strict=False)  # still JSON, but for the encoding


def test_the_same_draws_give_the_same_damage() -> None:
    assert corrupt(b"a body of some length", seed=5, flip_bits=3) == corrupt(
        b"a body of some length", seed=5, flip_bits=3
    )
    assert corrupt(b"a body", seed=5, append_bytes=9) != corrupt(b"a body", seed=6, append_bytes=9)


@pytest.mark.parametrize(
    "params", [{"flip_bits": 1}, {"keep_bytes": 0}, {"append_bytes": 1}, {"invalid_utf8": 1}]
)
def test_a_request_without_a_body_stays_without(params: dict[str, object]) -> None:
    assert Corrupt.model_validate(params).apply(Send(body=b""), random.Random(1)) is None


@pytest.mark.parametrize(
    "params",
    [{}, {"flip_bits": 0}, {"flip_bits": 1, "append_bytes": 1}, {"keep_fraction": 1.0}, {"keep_bytes": -1}],
)
def test_parameters_that_cannot_work_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Corrupt.model_validate(params)
