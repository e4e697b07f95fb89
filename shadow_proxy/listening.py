"""The sockets that workers accept from: one for each worker, all on one address (SO_REUSEPORT).

Knows sockets only. The parent opens and keeps them, so that a worker which dies leaves its connections
waiting for the next one instead of refusing them, and so that port 0 becomes one port for all.
"""

import socket

from recording.errors import InputError
from shadow_proxy.config import host_and_port

BACKLOG = 1024


def open_listeners(address: str, *, count: int) -> list[socket.socket]:
    """`count` listening sockets on the same address; `InputError` if it cannot be had."""
    host, port = host_and_port(address)
    listeners: list[socket.socket] = []
    try:
        if port:
            _open(host, port, shared=False).close()  # SO_REUSEPORT would share it with a stranger silently
        for _ in range(count):
            listener = _open(host, port, shared=True)
            listeners.append(listener)
            port = listener.getsockname()[1]
    except OSError as error:
        for listener in listeners:
            listener.close()
        raise InputError(
            f"cannot listen on {address}: {error.strerror}", place="listen", fix="use a free port, or 0"
        ) from None
    return listeners


def _open(host: str, port: int, *, shared: bool) -> socket.socket:
    family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, int(shared))
        listener.bind(where)
        if shared:
            listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def address_of(listener: socket.socket) -> str:
    """`HOST:PORT` as it can be connected to."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
