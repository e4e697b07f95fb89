"""HAProxy as a plain proxy to one target, keep-alive on both sides.

Knows HAProxy's words; refuses to know processes. It cannot mirror by itself, so this is what forwarding alone
costs there.
"""

from pathlib import Path
from typing import Final

_CONFIG: Final = """
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option http-keep-alive
  http-reuse always
frontend clients
  bind 127.0.0.1:{port}
  default_backend baseline
backend baseline
  server one 127.0.0.1:{target}
"""


def plain(folder: Path, *, port: int, target: int) -> Path:
    """The configuration's file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "haproxy.cfg"
    path.write_text(_CONFIG.format(port=port, target=target))
    return path


def command(config: Path) -> list[str]:
    """How to start HAProxy, in the foreground."""
    return ["haproxy", "-db", "-q", "-f", str(config)]
