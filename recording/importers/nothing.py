"""The null importer: recognises nothing, yields nothing. The shortest correct member, and the template."""

from collections.abc import Iterator
from typing import BinaryIO

from recording.exchange import Request
from recording.importers.importer import Tally


class Nothing:
    """Reads no requests from any file."""

    name = "nothing"

    def recognises(self, head: bytes) -> bool:  # noqa: ARG002 - the protocol's signature
        """No bytes are of this format."""
        return False

    def read(self, file: BinaryIO, tally: Tally) -> Iterator[Request]:  # noqa: ARG002 - the protocol's signature
        """Yields nothing."""
        yield from ()
