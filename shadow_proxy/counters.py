"""Numbers in a file that several processes share: one row of cells for each worker.

Knows names, cells and the file; refuses to know what a number means. A worker maps its own row and adds to
its cells of a memoryview (no lock: there is one writer); the parent maps all rows and adds them
up. A killed worker leaves its row as it was, so no count is lost with it.
"""

import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

CELL_BYTES = 8


class CounterFile:
    """The shared file: `rows` workers by `names` cells, all zero at first."""

    def __init__(self, path: Path, *, names: Sequence[str], rows: int) -> None:
        self.names = tuple(names)
        self._index = {name: at for at, name in enumerate(self.names)}
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            if os.fstat(fd).st_size < rows * len(self.names) * CELL_BYTES:
                os.ftruncate(fd, rows * len(self.names) * CELL_BYTES)
            mapped = mmap.mmap(fd, rows * len(self.names) * CELL_BYTES)
        finally:
            os.close(fd)
        self._cells = memoryview(mapped).cast("q")
        self._rows = rows

    def row(self, number: int) -> "CounterRow":
        """The cells of one worker."""
        width = len(self.names)
        return CounterRow(cells=self._cells[number * width : (number + 1) * width], index=self._index)

    def totals(self) -> dict[str, int]:
        """Every name with its sum over all workers.

        Read last cell first: a layout names what starts before what ends, so a sum never ends before it
        began.
        """
        width = len(self.names)
        sums = [0] * width
        for at in range(width - 1, -1, -1):
            sums[at] = sum(self._cells[at::width])
        return dict(zip(self.names, sums, strict=True))


class CounterRow:
    """One worker's cells, by position on the hot path and by name elsewhere.

    Whoever counts uses `add` of one and the same row: it remembers what is in the cells, since to store a
    number costs half as much as to read it first.
    """

    __slots__ = ("_index", "_numbers", "cells")

    def __init__(self, *, cells: "memoryview[int]", index: dict[str, int]) -> None:
        self.cells = cells
        self._numbers: list[int] = cells.tolist()
        self._index = index

    def add(self, at: int, more: int = 1) -> None:
        """Count `more` in the cell at that position."""
        number = self._numbers[at] + more
        self._numbers[at] = number
        self.cells[at] = number

    @classmethod
    def private(cls, names: Sequence[str]) -> Self:
        """Cells of one process that nobody else sees."""
        cells = memoryview(bytearray(len(names) * CELL_BYTES)).cast("q")
        return cls(cells=cells, index={name: at for at, name in enumerate(names)})

    def at(self, name: str) -> int:
        """The position of a name; KeyError for one that the layout does not have."""
        return self._index[name]

    def values(self) -> dict[str, int]:
        """Every name with its number, last cell read first."""
        numbers = {name: self.cells[at] for name, at in reversed(self._index.items())}
        return dict(reversed(numbers.items()))
