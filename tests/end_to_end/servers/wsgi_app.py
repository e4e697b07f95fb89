"""A small WSGI model for gunicorn: says what arrived; `/stream` answers in pieces of unknown length.

Runs in the clients' environment, so it imports nothing but the standard library.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Environ = dict[str, Any]  # Any: as WSGI has it
StartResponse = Callable[[str, list[tuple[str, str]]], object]


def app(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """One request."""
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return events()
    document = {
        "method": environ["REQUEST_METHOD"],
        "target": environ["RAW_URI"],
        "body": body.decode("latin-1"),
        "kinds": [environ["CONTENT_TYPE"]] if environ.get("CONTENT_TYPE") else [],
        "from": int(environ["REMOTE_PORT"]),
    }
    answer = json.dumps(document).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]


def events() -> Iterator[bytes]:
    """An answer in pieces."""
    yield b"data: one\n\n"
    yield b"data: two\n\n"
