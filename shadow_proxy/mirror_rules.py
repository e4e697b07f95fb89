"""Which requests may be sent twice: by their method, unless a route says otherwise.

Knows methods, path patterns and marks; refuses to know targets and shares. Pure. Inference is a POST, so POST
is mirrored unless its route is marked unsafe; what stores, changes or deletes something (PUT, PATCH, DELETE)
only where a route is marked shadow_safe. Asked once for a request, by the mirror.
"""

import re
from collections.abc import Sequence
from fnmatch import translate
from typing import Final

from shadow_proxy.config import Route

MIRRORED_METHODS: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"POST", b"QUERY"})
_MAX_REMEMBERED: Final = 4096


class MirrorRules:
    """The reason against a copy, or None; remembered by method and path."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = [
            (re.compile(translate(route.path)), frozenset(m.upper() for m in route.methods), route.unsafe)
            for route in routes
        ]
        self._remembered: dict[tuple[bytes, bytes], str | None] = {}

    def reason_against(self, method: bytes, target: bytes) -> str | None:
        """`unsafe_method`, `unsafe_route`, or None if it may be mirrored."""
        if not self._routes:
            return None if method in MIRRORED_METHODS else "unsafe_method"
        key = (method, target.partition(b"?")[0])
        if key in self._remembered:
            return self._remembered[key]
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        reason = self._remembered[key] = self._decide(*key)
        return reason

    def _decide(self, method: bytes, path: bytes) -> str | None:
        method_text, path_text = method.decode("latin-1"), path.decode("latin-1")
        for pattern, methods, unsafe in self._routes:
            if (not methods or method_text in methods) and pattern.match(path_text):
                return "unsafe_route" if unsafe else None
        return None if method in MIRRORED_METHODS else "unsafe_method"
