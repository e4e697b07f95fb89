"""What the rows say is what the journal holds, and no secret of a head is in it."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recording.clock import RunClock
from recording.exchange import Exchange, RefusedSeen, RequestSeen, Role
from recording.journal import EXCHANGE, REFUSED, REQUEST, JournalWriter
from recording.journal_codec import decode_exchange, decode_refused, decode_request
from recording.journal_reader import JournalReader
from recording.redaction import RAW_BYTES, RedactConfig, Redactor
from shadow_proxy.accounting import JOURNAL_CELLS, TargetTally, layout
from shadow_proxy.counters import CounterRow
from shadow_proxy.exchange_state import ExchangeState
from shadow_proxy.incoming import Incoming
from shadow_proxy.rows import JournalRows, NoRows, Rows
from shadow_proxy.target import Target
from shadow_proxy.target_config import TargetConfig
from wire.request_reader import RequestHead
from wire.response_reader import ResponseReader

Record = RequestSeen | Exchange | RefusedSeen
CANDIDATE = Target(
    TargetConfig(name="candidate", role=Role.CANDIDATE, url="http://127.0.0.1:1"),
    tally=TargetTally(CounterRow.private(layout(targets=["candidate"])), target="candidate"),
)
DECODE: dict[int, Callable[[bytes], Record]] = {
    REQUEST: decode_request,
    EXCHANGE: decode_exchange,
    REFUSED: decode_refused,
}


class Recorded:
    """Rows into a journal, and what can be read of it."""

    def __init__(self, directory: Path, *, redactor: Redactor | None = None) -> None:
        self.directory = directory
        self.clock = RunClock.standalone()
        self.row = CounterRow.private(JOURNAL_CELLS)
        self._journal = JournalWriter(directory, segment_bytes=1 << 16)
        self.rows = JournalRows(self._journal, clock=self.clock, row=self.row, redactor=redactor)

    def read(self) -> list[Record]:
        """All records."""
        self._journal.close()
        return [DECODE[entry.kind](entry.payload) for entry in JournalReader(self.directory).read()]

    def bytes_on_disk(self) -> bytes:
        """Of all segments."""
        return b"".join(path.read_bytes() for path in self.directory.glob("*.seg"))


def incoming(*, target: bytes = b"/p", lines: bytes = b"", kept: int = 1 << 20) -> Incoming:
    head = RequestHead(
        method=b"POST", target=target, minor=1, lines=lines, found={}, content_length=-1, chunked=True,
        keep_alive=True,
    )  # fmt: skip
    return Incoming(
        head,
        request_id=b"r1",
        lines=lines,
        start=b"",
        received_ns=0,
        due_ns=0,
        max_held_bytes=1 << 20,
        max_kept_bytes=kept,
    )


def answered(
    request: Incoming, *, lines: bytes = b"", body: bytes = b"", kept: int = 1 << 20
) -> ExchangeState:
    state = ExchangeState()
    state.incoming = request
    state.target = CANDIDATE
    state.kept = []
    state.left_to_keep = kept
    state.sent_ns = state.done_ns = 1
    state.status = 200
    state.response_lines = lines
    state.note_pieces(ResponseReader(), [body], 1)
    return state


def test_bodies_over_the_limit_are_recorded_with_length_and_digest(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path)
    request = incoming(kept=4)
    request.take(b"0123456789")
    request.complete = True
    recorded.rows.request(request)
    recorded.rows.exchange(answered(request, body=b"abcdef", kept=3), "ok")
    seen, answer = recorded.read()
    assert isinstance(seen, RequestSeen)
    assert (seen.body, seen.body_bytes) == (b"0123", 10)
    assert seen.digest == hashlib.sha256(b"0123456789").digest()
    assert isinstance(answer, Exchange)
    assert (answer.response_body, answer.response_bytes) == (b"abc", 6)
    assert answer.digest == hashlib.sha256(b"abcdef").digest()


def test_a_refusal_is_recorded_with_the_start_of_its_bytes(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path)
    raw = b"GET / HTTP/1.1\r\nCookie: hidden-1\r\n" + b"x" * 2 * RAW_BYTES
    now_ns = recorded.clock.origin_ns + 5
    recorded.rows.refused(raw, status=400, reason="no Host for sk-abcdefghijklmnopqrst", received_ns=now_ns)
    (seen,) = recorded.read()
    assert isinstance(seen, RefusedSeen)
    assert (seen.status, seen.received_ns, seen.raw_bytes) == (400, 5, len(raw))
    assert seen.reason == "no Host for [redacted]"
    assert seen.raw.startswith(b"GET / HTTP/1.1\r\nCookie: [redacted]\r\nxxx")
    assert len(seen.raw) == RAW_BYTES


secrets = st.text(alphabet="abcdefghijkmnpqrstuvwxyz23456789", min_size=16, max_size=40).map(str.encode)
carriers = st.sampled_from(
    [
        b"Authorization: Bearer %b\r\n",
        b"authorization: %b\r\n",
        b"Proxy-Authorization: Basic %b\r\n",
        b"Cookie: a=1; session=%b\r\n",
        b"Set-Cookie: sid=%b; HttpOnly\r\n",
        b"X-API-KEY: %b\r\n",
        b"X-Custom-Token:%b\r\n",
        b"X-Note: uses sk-%b here\r\n",
        b"X-Forwarded: Bearer %b\r\n",
        b"Referer: https://h/?access_token=%b&x=1\r\n",
        b"Origin: https://me:%b@h\r\n",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(secret=secrets, lines=st.lists(carriers, min_size=1, max_size=4))
def test_no_secret_of_a_head_is_ever_in_the_journals_bytes(
    secret: bytes, lines: list[bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In a request's head or query, an answer's head, or what was refused."""
    recorded = Recorded(tmp_path_factory.mktemp("journal"))
    head = b"Host: a\r\n" + b"".join(line % secret for line in lines)
    for _ in range(2):  # new, and remembered
        request = incoming(target=b"/p?api_key=%b&q=1" % secret, lines=head)
        recorded.rows.request(request)
        recorded.rows.exchange(answered(request, lines=head), "ok")
        recorded.rows.dropped(request, target=b"t", role=b"reference", reason="too_large")
        recorded.rows.refused(
            b"GET /?key=%b HTTP/1.1\r\n" % secret + head, status=400, reason="", received_ns=0
        )
    assert len(recorded.read()) == 8
    assert secret not in recorded.bytes_on_disk()


def test_a_secret_is_recorded_if_that_was_asked_for(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path, redactor=Redactor(RedactConfig(keep=("Authorization",))))
    recorded.rows.request(incoming(lines=b"Authorization: Bearer wanted\r\nCookie: not\r\n"))
    (seen,) = recorded.read()
    assert isinstance(seen, RequestSeen)
    assert seen.fields == b"Authorization: Bearer wanted\r\nCookie: [redacted]\r\n"


def test_what_the_journal_drops_is_counted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    recorded = Recorded(tmp_path / "file" / "journal")
    recorded.rows.request(incoming())
    recorded.rows.refused(b"x", status=400, reason="", received_ns=0)
    assert recorded.row.values()["journal/dropped"] == 2


def test_a_proxy_that_does_not_record_takes_the_same_calls() -> None:
    rows: Rows = NoRows()
    rows.request(incoming())
    rows.exchange(answered(incoming()), "ok")
    rows.dropped(incoming(), target=b"t", role=b"r", reason="x")
    rows.refused(b"", status=400, reason="", received_ns=0)
