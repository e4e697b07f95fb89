"""The sockets that workers accept from: TCP, a socket of this machine, or one that the parent was started
with.

Knows sockets only. The parent opens and keeps them, so that a worker which dies leaves its connections
waiting for the next one instead of refusing them, and so that port 0 becomes one port for all. TCP has one
socket for each worker (SO_REUSEPORT); the others are one socket that all workers accept from.
"""

import contextlib
import os
import socket
import stat
from pathlib import Path

from recording.errors import InputError
from shadow_proxy.config import INHERITED, UNIX, host_and_port

BACKLOG = 1024


def open_listeners(address: str, *, count: int) -> list[socket.socket]:
    """`count` listening sockets on the same address; `InputError` if it cannot be had."""
    try:
        if address.startswith(UNIX):
            return _copies(_open_unix(Path(address.removeprefix(UNIX))), count)
        if address.startswith(INHERITED):
            return _copies(_inherited(int(address.removeprefix(INHERITED))), count)
        return _open_tcp(address, count=count)
    except OSError as error:
        raise InputError(
            f"cannot listen on {address}: {error.strerror}", place="listen", fix="use a free port, or 0"
        ) from None


def address_of(listener: socket.socket) -> str:
    """`HOST:PORT` or `unix:/PATH`, as it can be connected to."""
    if listener.family is socket.AF_UNIX:
        return f"{UNIX}{listener.getsockname()}"
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def forget(address: str) -> None:
    """Remove the file of a socket that nobody listens on any more."""
    if address.startswith(UNIX):
        with contextlib.suppress(OSError):  # somebody else was quicker
            Path(address.removeprefix(UNIX)).unlink()


def _open_tcp(address: str, *, count: int) -> list[socket.socket]:
    host, port = host_and_port(address)
    listeners: list[socket.socket] = []
    try:
        if port:
            _open(host, port, shared=False).close()  # SO_REUSEPORT would share it with a stranger silently
        for _ in range(count):
            listener = _open(host, port, shared=True)
            listeners.append(listener)
            port = listener.getsockname()[1]
    except OSError:
        for listener in listeners:
            listener.close()
        raise
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


def _open_unix(path: Path) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    """A socket that a killed process left behind goes; one that somebody listens on, or a file, stays."""
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()


def _inherited(number: int) -> socket.socket:
    """A listening socket that was there at the start, as systemd hands it over."""
    listener = socket.socket(fileno=os.dup(number))
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def _copies(listener: socket.socket, count: int) -> list[socket.socket]:
    return [listener, *(listener.dup() for _ in range(count - 1))]
