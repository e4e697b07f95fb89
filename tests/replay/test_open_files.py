"""The limit of open files is raised before the start, or the replay does not start."""

import resource

import pytest

from recording.errors import InputError
from replay import open_files


class Limits:
    """The process's limits, as far as a test may touch them."""

    RLIMIT_NOFILE = resource.RLIMIT_NOFILE
    RLIM_INFINITY = resource.RLIM_INFINITY

    def __init__(self, soft: int, hard: int) -> None:
        self.now = (soft, hard)

    def getrlimit(self, _: int) -> tuple[int, int]:
        return self.now

    def setrlimit(self, _: int, limits: tuple[int, int]) -> None:
        self.now = limits


@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [
        (1024, 4096, (1064, 4096)),
        (1024, resource.RLIM_INFINITY, (1064, resource.RLIM_INFINITY)),
        (2000, 4096, (2000, 4096)),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)),
    ],
)
def test_the_soft_limit_is_raised_as_far_as_needed(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, expected: tuple[int, int]
) -> None:
    limits = Limits(soft, hard)
    monkeypatch.setattr(open_files, "resource", limits)
    open_files.allow_open_files(1000)
    assert limits.now == expected


def test_a_hard_limit_below_what_is_needed_is_the_users_to_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_files, "resource", Limits(256, 512))
    with pytest.raises(
        InputError, match="1000 requests in flight need 1064 open files; this process may have 512"
    ):
        open_files.allow_open_files(1000)
