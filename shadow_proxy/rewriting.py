"""What one target gets otherwise than the client sent it: fields, Host, path, credentials, model, body.

Knows bytes of heads and bodies; refuses to know sockets and when anything is sent. Pure, but for an adapter,
which is the user's. Everything that is not named stays byte for byte. Called by dispatch and mirror for
targets whose configuration changes something; the others share the head that intake made.
"""

import importlib
import json
import re
from collections.abc import Callable
from typing import Final

from recording.errors import InputError
from scenarios.json_path import parse_path
from scenarios.json_spans import first_value
from shadow_proxy.exchange import Exchange
from shadow_proxy.target_config import PathChanges, TargetConfig

Adapter = Callable[[bytes], bytes]
_MODEL_IN_PATH: Final = re.compile(rb"(?<=/models/)[^/:?]+")
_MODEL: Final = parse_path("$.model")
MAX_SEARCHED_CHARACTERS: Final = 256 << 10


class Rewriting:
    """One target's. `needs_body` says that the whole body must be here before anything is sent."""

    __slots__ = ("_adapter", "_added", "_model", "_path", "_removed", "needs_body")

    def __init__(self, config: TargetConfig) -> None:
        added = {
            name.lower().encode(): (name.encode(), value.encode())
            for name, value in config.headers.set.items()
        }
        if config.host is not None:
            added[b"host"] = (b"Host", config.host.encode())
        if config.credentials is not None:
            name = config.credentials.header
            added[name.lower().encode()] = (name.encode(), config.credentials.value().encode())
        self._added = b"".join(b"%b: %b\r\n" % field for field in added.values())
        self._removed = frozenset(name.lower().encode() for name in config.headers.remove) | frozenset(added)
        self._path = config.path
        self._model = config.model.encode() if config.model else b""
        self._adapter = load_adapter(config.adapter) if config.adapter else None
        self.needs_body = bool(self._model) or self._adapter is not None

    def apply(self, exchange: Exchange) -> bool:
        """Change what this exchange sends; False if there is no body for this target."""
        exchange.start = self.start(exchange.start)
        if self.needs_body and exchange.incoming.head.has_body:
            body = self.body(exchange.incoming.whole())
            if body is None:
                return False
            exchange.body = body
        return True

    def start(self, start: bytes) -> bytes:
        """A head without its framing (`framing.request_start`), changed for this target."""
        first, _, lines = start.partition(b"\r\n")
        method, target, version = first.split(b" ")
        kept = [
            line + b"\r\n"
            for line in lines.split(b"\r\n")
            if line and line.partition(b":")[0].lower() not in self._removed
        ]
        return b"%b %b %b\r\n%b%b" % (method, self._target(target), version, b"".join(kept), self._added)

    def body(self, body: bytes) -> bytes | None:
        """The body for this target; None if it cannot be made from this one.

        A body that is no JSON object, or names no model, is left as it is. What the adapter raises means that
        it cannot adapt this body: the request is not sent to this target, and that is counted.
        """
        if self._adapter is not None:
            try:
                body = bytes(self._adapter(body))
            except Exception:  # noqa: BLE001  # the adapter is the user's code, and says no in any way it likes
                return None
        return self._with_model(body) if self._model else body

    def _target(self, target: bytes) -> bytes:
        if not target.startswith(b"/"):
            return target
        if self._model:
            target = _MODEL_IN_PATH.sub(lambda _: self._model, target, count=1)
        return _with_path_changes(target, self._path)

    def _with_model(self, body: bytes) -> bytes:
        if b'"model"' not in body:
            return body
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return body
        found = first_value(text[:MAX_SEARCHED_CHARACTERS], _MODEL)
        if found is None:
            return body
        name = json.dumps(self._model.decode())
        return f"{text[: found.start]}{name}{text[found.end :]}".encode()


def _with_path_changes(target: bytes, changes: PathChanges) -> bytes:
    path, question, query = target.partition(b"?")
    for old, new in changes.replace.items():
        path = path.replace(old.encode(), new.encode(), 1)
    return changes.prefix.encode() + path + question + query


def load_adapter(name: str) -> Adapter:
    """The function that `MODULE:FUNCTION` names; `InputError` if there is none."""
    module_name, _, function_name = name.partition(":")
    try:
        adapter: Adapter = getattr(importlib.import_module(module_name), function_name)
    except Exception as error:  # noqa: BLE001  # a user's module can fail in any way it likes
        raise InputError(
            f"cannot load the adapter: {type(error).__name__}: {error}",
            place=name,
            fix="check MODULE:FUNCTION and PYTHONPATH",
        ) from None
    if not callable(adapter):
        raise InputError("is not a function from bytes to bytes", place=name)
    return adapter
