"""The facts of one exchange while it goes on: its stamps, its bytes, and what is kept of the answer.

Knows what a row needs; refuses to know connections, counts and clients. Kept by `Exchange`, read by
`rows.py`.
"""

from typing import Final

from recording.journal_codec import MAX_CHUNK_INSTANTS
from shadow_proxy.incoming import Incoming
from shadow_proxy.target import Target
from wire.response_reader import ResponseReader

NOT_YET: Final = -1


class ExchangeState:
    """Stamps are raw monotonic nanoseconds, `NOT_YET` until they happened."""

    __slots__ = (
        "_kept",
        "_left_to_keep",
        "chunk_ns",
        "chunks",
        "done_ns",
        "faults",
        "first_byte_ns",
        "incoming",
        "request_bytes",
        "response_bytes",
        "response_lines",
        "sent_ns",
        "status",
        "target",
    )

    def __init__(self, incoming: Incoming, target: Target, *, max_kept_bytes: int) -> None:
        self.incoming = incoming
        self.target = target
        self.sent_ns = NOT_YET
        self.first_byte_ns = NOT_YET
        self.done_ns = NOT_YET
        self.request_bytes = 0
        self.response_bytes = 0
        self.status = 0
        self.response_lines = b""
        self.faults = b""
        self.chunks = 0
        self.chunk_ns: list[int] | None = None
        self._kept: list[bytes] = []
        self._left_to_keep = max_kept_bytes

    def note_answer(self, reader: ResponseReader, pieces: list[bytes], now_ns: int) -> None:
        """What the last read brought."""
        if self.first_byte_ns < 0:
            self.first_byte_ns = now_ns
        if not pieces:
            return
        if reader.content_length < 0:
            self._note_chunks(len(pieces), now_ns)
        for piece in pieces:
            self.response_bytes += len(piece)
            if self._left_to_keep > 0:
                self._kept.append(piece[: self._left_to_keep])
                self._left_to_keep -= len(piece)

    def note_head(self, reader: ResponseReader) -> None:
        """The answer's status and fields, as far as they came."""
        self.status = reader.status
        self.response_lines = reader.lines

    def response_body(self) -> bytes:
        """The kept part of the answer."""
        kept = self._kept
        return kept[0] if len(kept) == 1 else b"".join(kept)

    def _note_chunks(self, count: int, now_ns: int) -> None:
        if self.chunk_ns is None:
            self.chunk_ns = []
        self.chunks += count
        room = MAX_CHUNK_INSTANTS - len(self.chunk_ns)
        self.chunk_ns.extend([now_ns] * min(count, room))
