"""The facts of one exchange while it goes on: its stamps, its bytes, and what is kept of the answer.

Knows what a row needs; refuses to know connections, counts and clients. Kept by `Exchange`, read by
`rows.py`. What most exchanges never change has its first value in the class: two of these are made for every
request.
"""

import hashlib
from typing import Final

from recording.journal_codec import MAX_CHUNK_INSTANTS
from shadow_proxy.incoming import Incoming
from shadow_proxy.target import Target
from wire.response_reader import ResponseReader

NOT_YET: Final = -1
NOTHING_KEPT: Final = -1


class ExchangeState:
    """Stamps are raw monotonic nanoseconds, `NOT_YET` until they happened.

    `left_to_keep` is how much more of the answer's body a recording keeps; -1 says that nothing is recorded.
    """

    incoming: Incoming
    target: Target
    left_to_keep: int
    kept: list[bytes]
    sent_ns: int = NOT_YET
    first_byte_ns: int = NOT_YET
    done_ns: int = NOT_YET
    request_bytes: int = 0
    response_bytes: int = 0
    status: int = 0
    response_lines: bytes = b""
    faults: bytes = b""
    chunks: int = 0
    chunk_ns: list[int] | None = None
    _digest: "hashlib._Hash | None" = None

    def note_pieces(self, reader: ResponseReader, pieces: list[bytes], now_ns: int) -> None:
        """A part of the answer's body."""
        if reader.content_length < 0:
            self._note_chunks(len(pieces), now_ns)
        for piece in pieces:
            size = len(piece)
            self.response_bytes += size
            left = self.left_to_keep
            if size <= left:
                self.kept.append(piece)
                self.left_to_keep = left - size
            elif left >= 0:
                self._cut(piece, left)

    def response_body(self) -> bytes:
        """The kept part of the answer."""
        kept = self.kept
        return kept[0] if len(kept) == 1 else b"".join(kept)

    def keep_start(self, size: int) -> None:
        """Of what is kept of the answer only the first `size` bytes."""
        start = b""
        for piece in self.kept:
            start += piece[: size - len(start)]
            if len(start) == size:
                break
        self.kept = [start]

    def response_digest(self) -> bytes:
        """The SHA-256 of the answer's body so far if not all of it is kept, otherwise empty."""
        return self._digest.digest() if self._digest is not None else b""

    def _cut(self, piece: bytes, left: int) -> None:
        if self._digest is None:
            self._digest = hashlib.sha256()
            for earlier in self.kept:
                self._digest.update(earlier)
        self._digest.update(piece)
        if left:
            self.kept.append(piece[:left])
            self.left_to_keep = 0

    def _note_chunks(self, count: int, now_ns: int) -> None:
        if self.chunk_ns is None:
            self.chunk_ns = []
        self.chunks += count
        room = MAX_CHUNK_INSTANTS - len(self.chunk_ns)
        self.chunk_ns.extend([now_ns] * min(count, room))
