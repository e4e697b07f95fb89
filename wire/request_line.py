"""The first line of a request, and which authority it is for.

Knows the request line (RFC 9112 section 3), the forms of a target and what Host must look like, every choice
taken on the strict side; refuses to know fields and bodies. Called by the request reader for every head;
lines and hosts seen before are known by their bytes, since many requests are for few targets.

The methods are those that llhttp knows, without tunnels: an unknown one is refused as a malformed line is.
"""

import re
from typing import Final

from wire.errors import WireError

MAX_HOST_BYTES: Final = 512
MAX_KNOWN_LINES: Final = 1024
MAX_KNOWN_HOSTS: Final = 256
MAX_KNOWN_BYTES: Final = 512

StartLine = tuple[bytes, bytes, int]

METHODS: Final = frozenset(
    b"ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE "
    b"NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE "
    b"TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE".split()
)
_VERSIONS: Final = {b"HTTP/1.1": 1, b"HTTP/1.0": 0}
_NOT_SPOKEN: Final = frozenset({b"HTTP/0.9", b"HTTP/2.0"})
_TARGET: Final = re.compile(rb"/[!\"$-~]*")
_ABSOLUTE: Final = re.compile(rb"((?i:https?))://([^/?#]+)([/?][!\"$-~]*)?")
_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=%-]*(?::\d{0,5})?|\[[0-9A-Fa-f:.]+\](?::\d{0,5})?")
_DEFAULT_PORTS: Final = {b"http": b":80", b"https": b":443"}


def start_line(line: bytes) -> StartLine:
    """Method, target as it was sent, and minor version."""
    known = _LINES.get(line)
    if known is not None:
        return known
    read = _read(line)
    if len(line) <= MAX_KNOWN_BYTES:
        if len(_LINES) >= MAX_KNOWN_LINES:
            _LINES.clear()
        _LINES[line] = read
    return read


_LINES: Final[dict[bytes, StartLine]] = {}


def _read(line: bytes) -> StartLine:
    parts = line.split(b" ")
    if len(parts) != 3:
        raise WireError("the request line is not method, target and version", status=400)
    method, target, version = parts
    if version in _NOT_SPOKEN:
        raise WireError("only HTTP/1.0 and HTTP/1.1 are spoken here", status=505)
    minor = _VERSIONS.get(version)
    if minor is None:
        raise WireError("malformed head: not a version of HTTP", status=400)
    if method == b"CONNECT":
        raise WireError("tunnels are not offered here", status=405)
    if method not in METHODS:
        raise WireError("malformed head: not a method", status=400)
    if not _TARGET.fullmatch(target) and not _ABSOLUTE.fullmatch(target) and line[:10] != b"OPTIONS * ":
        raise WireError("the target is not a path", status=400)
    return method, target, minor


def origin_form(target: bytes, *, host: bytes | None, method: bytes) -> bytes:
    """What a target that is no path asks of the authority that Host names (RFC 9112 section 3.2.4).

    >>> origin_form(b"https://a:443/p", host=b"A", method=b"GET")
    b'/p'
    >>> origin_form(b"http://a", host=b"a", method=b"OPTIONS")
    b'*'
    """
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        return target
    scheme, authority, rest = absolute[1].lower(), absolute[2], absolute[3] or b""
    if not _HOST.fullmatch(authority) or authority.startswith(b":"):
        raise WireError("the target's authority is not one host and port", status=400)
    if host is None or _authority(authority, scheme=scheme) != _authority(host, scheme=scheme):
        raise WireError("the target names another authority than Host", status=400)
    if not rest:
        return b"*" if method == b"OPTIONS" else b"/"
    return bytes(rest if rest.startswith(b"/") else b"/" + rest)


def _authority(written: bytes, *, scheme: bytes) -> bytes:
    """Lower-cased, without a port that says nothing."""
    return written.lower().removesuffix(b":").removesuffix(_DEFAULT_PORTS[scheme])


def check_host(host: bytes | None, *, minor: int) -> None:
    """Refuse a Host that is missing, stands twice (its values are joined by a comma) or is none."""
    if host is None:
        if minor:
            raise WireError("exactly one Host is required", status=400)
    elif host not in _HOSTS:
        _learn_host(host)


_HOSTS: Final[set[bytes]] = set()


def _learn_host(host: bytes) -> None:
    if len(host) > MAX_HOST_BYTES or not _HOST.fullmatch(host):
        raise WireError("Host is not one host and port", status=400)
    if len(_HOSTS) >= MAX_KNOWN_HOSTS:
        _HOSTS.clear()
    _HOSTS.add(host)
