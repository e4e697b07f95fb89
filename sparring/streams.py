"""What a streamed answer tells beyond its bytes: time to first chunk, gaps, tokens, and errors inside a 200.

Knows server-sent events and the instants at which pieces came; refuses to know sockets. Called by the
recorder. Servers answer 200 and then put the error into the stream (`data: {"error": …}`); the status alone
would call that a success.
"""

import json
from dataclasses import dataclass

import numpy as np

from recording.exchange import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """Times in ns, from `sent`; None where the answer was not streamed or does not say."""

    ttft_ns: int | None = None
    itl_p50_ns: int | None = None
    itl_p99_ns: int | None = None
    output_tokens: int | None = None
    failed: bool = False


NOT_STREAMED = StreamFacts()


def stream_facts(exchange: Exchange, *, event_stream: bool) -> StreamFacts:
    """The facts of one exchange; cheap for answers that came in one piece."""
    if not event_stream and exchange.chunks < 2:
        return NOT_STREAMED
    gaps = np.diff(np.asarray(exchange.chunk_ns, dtype=np.int64))
    tokens, failed = _events(exchange.response_body) if event_stream else (None, False)
    return StreamFacts(
        ttft_ns=exchange.chunk_ns[0] - exchange.sent_ns if exchange.chunk_ns else None,
        itl_p50_ns=int(np.quantile(gaps, 0.5)) if gaps.size else None,
        itl_p99_ns=int(np.quantile(gaps, 0.99)) if gaps.size else None,
        output_tokens=tokens,
        failed=failed,
    )


def _events(body: bytes) -> tuple[int | None, bool]:
    """Tokens that the stream's `usage` reports, and whether any event is an error."""
    tokens, failed = None, False
    for line in body.splitlines():
        if not line.startswith(b"data:"):
            continue
        try:
            event = json.loads(line[5:])
        except ValueError:
            continue  # `[DONE]`, and text that is not JSON
        if isinstance(event, dict):
            failed = failed or bool(event.get("error"))
            usage = event.get("usage")
            if isinstance(usage, dict) and isinstance(usage.get("completion_tokens"), int):
                tokens = usage["completion_tokens"]
    return tokens, failed
