"""What the parent tells its workers while they run, and what they say back: one JSON line each way.

Knows the two orders and their answers; refuses to know how they are carried out. The parent writes to a
worker's standard input, the worker answers on its standard output; the end of the input means: drain.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """Serve by this configuration, and count in this file."""

    config: Path
    counters: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SetShares:
    """Serve by these shares."""

    canary: float
    mirror: float


Order = Reload | SetShares


def order_line(number: int, order: Order) -> bytes:
    """The order as the worker reads it."""
    if isinstance(order, Reload):
        body: dict[str, object] = {"config": str(order.config), "counters": str(order.counters)}
    else:
        body = {"canary": order.canary, "mirror": order.mirror}
    return json.dumps({"order": number, type(order).__name__: body}).encode() + b"\n"


def parsed_order(line: bytes) -> tuple[int, Order]:
    """An order's number and itself."""
    document: dict[str, Any] = json.loads(line)  # Any: JSON
    if "Reload" in document:
        body = document["Reload"]
        return document["order"], Reload(config=Path(body["config"]), counters=Path(body["counters"]))
    return document["order"], SetShares(**document["SetShares"])


def reply_line(number: int, problem: str) -> str:
    """The worker's answer: done, or what was wrong."""
    return json.dumps({"order": number, "problem": problem})


def parsed_reply(line: bytes) -> tuple[int, str] | None:
    """An answer's number and problem; None for a line that is none."""
    try:
        document = json.loads(line)
        return int(document["order"]), str(document["problem"])
    except (ValueError, KeyError, TypeError):
        return None
