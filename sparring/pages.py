"""Pages of the processes around us: is it ready, and what does its JSON say.

Knows HTTP GET with a short deadline; refuses to wait for anything. Called by the supervisor between two
looks.
"""

import json
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from sparring.processes import accepts
from sparring.run_config import Target

TIMEOUT_S = 2.0


def is_ready(target: Target) -> bool:
    """Whether a target may be sent traffic now."""
    if target.ready.path is None:
        return accepts(target.address)
    try:
        with urlopen(Request(target.url.rstrip("/") + target.ready.path), timeout=TIMEOUT_S) as answer:
            return int(answer.status) < 400
    except (URLError, OSError, ValueError):
        return False


def fetch_json(url: str) -> dict[str, Any]:  # Any: JSON
    """A JSON page of one of our own processes; empty if it does not answer."""
    try:
        with urlopen(url, timeout=TIMEOUT_S) as answer:
            return dict(json.load(answer))
    except (URLError, OSError, ValueError):
        return {}
