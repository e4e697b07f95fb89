"""What an importer is: bytes of a file in, arrivals out, and a count of everything it could not keep.

Knows the protocol and the tally; refuses to know any format. Duties of a member: read in constant memory;
give arrivals in the order of the file with absolute times in ns; never guess silently: what it drops or
repairs is counted under a name and, for malformed input, noted with its place; raise `InputError` only when
the whole file cannot be used.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from recording.errors import InputError
from recording.exchange import Request

MAX_NOTES = 20


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts of what an import changed or dropped, with the first places; `strict` refuses instead."""

    path: Path
    strict: bool = False
    changed: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def count(self, kind: str, *, place: str = "", reason: str = "") -> None:
        """One more of `kind`; with `strict`, an `InputError` at that place."""
        if self.strict:
            raise InputError(
                reason or kind, place=f"{self.path}:{place}" if place else str(self.path),
                fix="repair the file, or import without --strict",
            )  # fmt: skip
        self.changed[kind] = self.changed.get(kind, 0) + 1
        if place and len(self.notes) < MAX_NOTES:
            self.notes.append(f"{self.path}:{place}: {reason or kind}")


class Importer(Protocol):
    """One format. `at_ns` of what it yields is absolute (any epoch); `import_files` re-bases and sorts."""

    name: str

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins with these bytes (at least 4 KiB, if it has them) is of this format."""
        ...

    def read(self, file: BinaryIO, tally: Tally) -> Iterator[Request]:
        """The requests of an open file, in the file's order."""
        ...
