"""What went wrong, by whose fault.

Knows the two faults that a recording can meet: the user's (a file or option that cannot be used) and the
file's (bytes that were damaged after they were written). Refuses to know exit codes and screens; the command
line turns these into messages. Raised by every package that reads what a person or another program wrote.
"""


class InputError(ValueError):
    """Something the user gave cannot be used: says what, where, and what to do about it.

    `place` is a file, `file:line`, or the name of an option; `fix` is the next step in plain words.
    """

    def __init__(self, problem: str, *, place: str = "", fix: str = "") -> None:
        self.problem = problem
        self.place = place
        self.fix = fix
        super().__init__(str(self))

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        what_to_do = f" ({self.fix})" if self.fix else ""
        return f"{where}{self.problem}{what_to_do}"


class DamageError(InputError):
    """A file of ours whose bytes do not check out: truncated, overwritten, or not ours at all."""
