"""From journal records to rows: an exchange becomes a row of the exchange schema, a request one of a trace,
a refusal one of its own.

Knows heads, content codings, labels and predictions; refuses to know files and segments. Pure: records in,
Arrow tables out. Called by the converter for every batch.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from recording.exchange import Exchange, Outcome, RefusedSeen, RequestSeen
from recording.schema import EXCHANGE_SCHEMA, REFUSED_SCHEMA, TRACE_SCHEMA
from sparring.predictions import NOTHING, PredictionReader
from sparring.recorder.labels import Labels
from sparring.streams import stream_facts

_MAX_STATUS = 32_767


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the live numbers need of one exchange."""

    request_id: str
    target: str
    role: str
    outcome: str
    latency_ns: int
    service_ns: int
    right: bool | None
    faulted: bool


class RowMaker:
    """Turns records into tables of one schema each."""

    def __init__(self, *, labels: Labels, predictions: PredictionReader) -> None:
        self._labels = labels
        self._predictions = predictions

    def exchanges(self, exchanges: Iterable[Exchange]) -> tuple[pa.Table, list[Seen]]:
        """The rows of a batch of exchanges, and what the live numbers need of them."""
        columns: dict[str, list[Any]] = {name: [] for name in EXCHANGE_SCHEMA.names}  # Any: of each type
        seen = []
        for exchange in exchanges:
            row = self._row(exchange)
            for name, column in columns.items():
                column.append(row[name])
            seen.append(_seen(exchange, row))
        return pa.Table.from_pydict(columns, schema=EXCHANGE_SCHEMA), seen

    def requests(self, requests: Iterable[RequestSeen]) -> pa.Table:
        """The rows of a batch of requests, as a trace has them."""
        return pa.Table.from_pylist([self._request_row(request) for request in requests], schema=TRACE_SCHEMA)

    def refused(self, refusals: Iterable[RefusedSeen]) -> pa.Table:
        """The rows of a batch of refusals."""
        rows = [{name: getattr(refusal, name) for name in REFUSED_SCHEMA.names} for refusal in refusals]
        return pa.Table.from_pylist(rows, schema=REFUSED_SCHEMA)

    def _row(self, exchange: Exchange) -> dict[str, Any]:  # Any: one row of the schema
        label, slices = self._labels.find(exchange.request_id)
        event_stream, encoding = _content(exchange.response_head)
        stream = stream_facts(exchange, event_stream=event_stream)
        outcome = Outcome.HTTP_ERROR if stream.failed and exchange.outcome == Outcome.OK else exchange.outcome
        answer = NOTHING
        if outcome == Outcome.OK and not event_stream:
            answer = self._predictions.read(exchange.response_body, encoding)
        return {
            "request_id": exchange.request_id,
            "target": exchange.target,
            "role": exchange.role,
            "due_ns": exchange.due_ns,
            "sent_ns": exchange.sent_ns,
            "first_byte_ns": exchange.first_byte_ns,
            "done_ns": exchange.done_ns,
            "outcome": str(outcome),
            "status": min(exchange.status, _MAX_STATUS),
            "request_bytes": exchange.request_bytes,
            "response_bytes": exchange.response_bytes,
            "response_body": exchange.response_body or None,
            "prediction": answer.prediction,
            "score": answer.score,
            "label": label,
            "faults": list(exchange.faults),
            "slices": slices,
            "chunks": exchange.chunks,
            "ttft_ns": stream.ttft_ns,
            "itl_p50_ns": stream.itl_p50_ns,
            "itl_p99_ns": stream.itl_p99_ns,
            "output_tokens": stream.output_tokens,
            "response_sha256": exchange.digest.hex() or None,
        }

    def _request_row(self, request: RequestSeen) -> dict[str, Any]:  # Any: one row of the schema
        label, slices = self._labels.find(request.request_id)
        headers = _headers(request.fields)
        return {
            "id": request.request_id,
            "at_ns": request.received_ns,
            "method": request.method,
            "path": request.path,
            "headers": headers,
            "body": request.body,
            "body_bytes": request.body_bytes if request.body_bytes > len(request.body) else None,
            "body_sha256": request.digest.hex() or None,
            "label": label,
            "slices": slices,
        }


def _seen(exchange: Exchange, row: dict[str, Any]) -> Seen:  # Any: one row of the schema
    answered = exchange.done_ns >= 0
    since = exchange.due_ns if exchange.due_ns >= 0 else exchange.sent_ns
    right = None if row["label"] is None else row["prediction"] == row["label"]
    return Seen(
        request_id=exchange.request_id,
        target=exchange.target,
        role=exchange.role,
        outcome=row["outcome"],
        latency_ns=exchange.done_ns - since if answered else -1,
        service_ns=exchange.done_ns - exchange.sent_ns if answered and exchange.sent_ns >= 0 else -1,
        right=right,
        faulted=bool(exchange.faults),
    )


@lru_cache(maxsize=1024)
def _headers(fields: bytes) -> list[dict[str, str]]:
    """A request's header lines as the trace's column has them; clients repeat themselves."""
    return [{"name": name, "value": value} for name, value in header_fields(fields, lower=False)]


@lru_cache(maxsize=1024)
def _content(head: bytes) -> tuple[bool, str]:
    """Whether an answer is a stream of events, and its content coding; heads mostly differ by date only."""
    fields = dict(header_fields(head))
    event_stream = fields.get("content-type", "").startswith("text/event-stream")
    return event_stream, fields.get("content-encoding", "").lower()


def header_fields(head: bytes, *, lower: bool = True) -> list[tuple[str, str]]:
    """Names and values of a head's lines; a first line without a colon (a status line) is passed over."""
    fields = []
    for line in head.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon and b" " not in name:
            text = name.decode("latin-1")
            fields.append((text.lower() if lower else text, value.strip(b" \t").decode("latin-1")))
    return fields
