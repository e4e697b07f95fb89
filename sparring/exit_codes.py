"""What the command tells its caller by its exit code. Others rely on these numbers."""

from enum import IntEnum


class ExitCode(IntEnum):
    """0 is the only good one; a gate can be told apart from a crash."""

    PASS = 0
    INTERNAL_ERROR = 1
    USAGE = 2
    FAIL = 3
    HOLD = 4
    INVALID = 5
    CAP_BREACHED = 6
    INTERRUPTED = 130
