"""Requests and their right answers, for the slow tests: a pure function of the id, the path and the body.

Knows bytes; refuses to know sockets. The target answers by it and the client checks by it, so an answer that
is cut, mixed up or somebody else's is seen. Paths: `/fixed/SIZE` with Content-Length, `/chunked/SIZE`,
`/sse/EVENTS`.
"""

import hashlib

_PIECE_BYTES = 4096


def request_bytes(request_id: str, path: str, *, body: bytes = b"", chunked: bool = False) -> bytes:
    """A POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: model\r\nX-Request-Id: {request_id}\r\n"
    if not chunked:
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + _chunked(_cut(body))


def answer_body(path: str, *, request_id: bytes, body: bytes) -> bytes:
    """The right answer's body."""
    return b"".join(_body_pieces(path, request_id=request_id, body=body))


def answer_pieces(path: str, *, request_id: bytes, body: bytes) -> list[bytes]:
    """The right answer as a server sends it, the head first."""
    pieces = _body_pieces(path, request_id=request_id, body=body)
    kind = path.split("/")[1]
    if kind == "fixed":
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
        return [head % sum(map(len, pieces)) + b"".join(pieces)]
    media_type = b"text/event-stream" if kind == "sse" else b"text/plain"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: " + media_type + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    return [head, *(_chunk(piece) for piece in pieces), b"0\r\n\r\n"]


def answer_bytes(path: str, *, request_id: bytes, body: bytes) -> bytes:
    """The same in one."""
    return b"".join(answer_pieces(path, request_id=request_id, body=body))


def _body_pieces(path: str, *, request_id: bytes, body: bytes) -> list[bytes]:
    _, kind, size = path.split("/")
    digest = hashlib.sha256(request_id + b"\n" + body).hexdigest().encode()
    if kind == "sse":
        return [b"data: %s %d\n\n" % (digest, event) for event in range(int(size))]
    filled = digest * (int(size) // len(digest) + 1)
    return _cut(filled[: int(size)])


def _cut(body: bytes) -> list[bytes]:
    return [body[at : at + _PIECE_BYTES] for at in range(0, len(body), _PIECE_BYTES)]


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(piece), piece)


def _chunked(pieces: list[bytes]) -> bytes:
    return b"".join(map(_chunk, pieces)) + b"0\r\n\r\n"
