"""Our own line format: one JSON object a line, the columns of a trace as keys.

Knows the keys `id`, `at_ns` (or `at_s`), `method`, `path`, `headers` (an object or a list of pairs), one of
`body` (text, or any JSON value: then it is written compactly), `body_base64`, and `session`, `label` (any
JSON value), `slices`. `method` defaults to POST where there is a body and GET where there is none. An
unknown key makes the line malformed, so that a typo is not silently lost.
"""

import base64
import binascii
import difflib
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from recording.exchange import Request
from recording.importers.importer import Tally

_KEYS = {
    "id",
    "at_ns",
    "at_s",
    "method",
    "path",
    "headers",
    "body",
    "body_base64",
    "session",
    "label",
    "slices",
}


class JsonLines:
    """JSON lines, UTF-8; blank lines are passed over."""

    name = "jsonl"

    def recognises(self, head: bytes) -> bool:
        """The first line is a JSON object with a `path`."""
        first = head.lstrip().partition(b"\n")[0]
        try:
            row = json.loads(first)
        except ValueError:
            return False
        return isinstance(row, dict) and "path" in row and bool({"at_ns", "at_s"} & row.keys())

    def read(self, file: BinaryIO, tally: Tally) -> Iterator[Request]:
        """One request per line; a line that cannot be one is counted with its number."""
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                request = _request(json.loads(line))
            except ValueError as error:
                tally.count("malformed", place=str(number), reason=str(error))
                continue
            yield request


def _request(row: Any) -> Request:  # Any: JSON
    if not isinstance(row, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004 - malformed input, as every other line here
    unknown = sorted(row.keys() - _KEYS)
    if unknown:
        close = difflib.get_close_matches(unknown[0], _KEYS, n=1)
        raise ValueError(f"unknown key {unknown[0]!r}" + (f" (did you mean {close[0]!r}?)" if close else ""))
    body = _body(row)
    method = str(row.get("method", "POST" if body else "GET"))
    return Request(
        id=str(row.get("id", "")), at_ns=_at_ns(row), method=method,
        path=_path(row), headers=_headers(row.get("headers", ())), body=body,
        session=None if row.get("session") is None else str(row["session"]),
        label=None if row.get("label") is None else json.dumps(row["label"], separators=(",", ":")),
        slices={str(name): str(value) for name, value in (row.get("slices") or {}).items()},
    )  # fmt: skip


def _at_ns(row: dict[str, Any]) -> int:
    at_ns, at_s = row.get("at_ns"), row.get("at_s")
    if isinstance(at_ns, int):
        return at_ns
    if isinstance(at_s, int | float):
        return round(at_s * 1e9)
    raise ValueError("has no arrival time: `at_ns` (whole nanoseconds) or `at_s` (seconds)")


def _path(row: dict[str, Any]) -> str:
    path = row.get("path")
    if not isinstance(path, str) or not path.startswith("/"):
        raise ValueError(f"`path` must be text that begins with `/`, not {path!r}")
    return path


def _body(row: dict[str, Any]) -> bytes:
    if "body_base64" in row:
        try:
            return base64.b64decode(row["body_base64"], validate=True)
        except (binascii.Error, TypeError) as error:
            raise ValueError(f"`body_base64` is not base64: {error}") from None
    body = row.get("body")
    if body is None:
        return b""
    return (body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))).encode()


def _headers(raw: Any) -> tuple[tuple[str, str], ...]:
    pairs = list(raw.items()) if isinstance(raw, dict) else list(raw)
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise ValueError("`headers` must be an object or a list of [name, value] pairs")
    return tuple((str(name), str(value)) for name, value in pairs)
