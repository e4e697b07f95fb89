"""The proxies whose answers are compared, each in front of one upstream that takes everything.

Knows their configurations, all with deadlines of `DEADLINE_S`; refuses to know the table. What is not asked
for here is each program's default, since that is what people run.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from benchmarks.proxy.nginx import command as nginx_command
from benchmarks.proxy.processes import python
from shadow_proxy.testing import Visit

DEADLINE_S: Final = 3
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_END: Final = b"\r\n\r\n"

_NGINX: Final = """
worker_processes 1; daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_header_timeout {deadline_s}s; client_body_timeout {deadline_s}s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{
    proxy_http_version 1.1; proxy_set_header Connection ''; proxy_pass http://127.0.0.1:{target}; }} }}
}}
"""
_HAPROXY: Final = """
defaults
  mode http
  timeout connect {deadline_s}s
  timeout client {deadline_s}s
  timeout http-request {deadline_s}s
  timeout server 10s
frontend clients
  bind 127.0.0.1:{port}
  default_backend model
backend model
  server one 127.0.0.1:{target}
"""


def ours(folder: Path, *, port: int, target: int) -> list[str]:
    """This proxy, with a candidate that is the same upstream."""
    url = f"http://127.0.0.1:{target}"
    config = {
        "listen": f"127.0.0.1:{port}",
        "targets": [{"name": name, "role": name, "url": url} for name in ("baseline", "candidate")],
        "deadlines": {"client_head_s": DEADLINE_S, "client_body_s": DEADLINE_S},
    }
    path = folder / "sparring.json"
    path.write_text(json.dumps(config))
    return python("-m", "shadow_proxy", str(path))


def nginx(folder: Path, *, port: int, target: int) -> list[str]:
    """nginx as a plain proxy."""
    path = folder / "nginx.conf"
    path.write_text(_NGINX.format(folder=folder, port=port, target=target, deadline_s=DEADLINE_S))
    return nginx_command(path)


def haproxy(folder: Path, *, port: int, target: int) -> list[str]:
    """HAProxy as a plain proxy."""
    path = folder / "haproxy.cfg"
    path.write_text(_HAPROXY.format(port=port, target=target, deadline_s=DEADLINE_S))
    return ["haproxy", "-db", "-f", str(path)]


class Command(Protocol):
    """How to start a proxy: writes its configuration into the folder."""

    def __call__(self, folder: Path, *, port: int, target: int) -> list[str]:
        """The command line."""


SERVERS: Final[Mapping[str, Command]] = {
    "sparring": ours,
    "nginx": nginx,
    "haproxy": haproxy,
}


async def lenient(visit: Visit) -> None:
    """An upstream that answers whatever looks like the end of a message, as often as it comes."""
    waiting = b""
    while part := await visit.part():
        waiting += part
        while (end := _end_of_first(waiting)) >= 0:
            waiting = waiting[end:]
            await visit.say(OK)


def _end_of_first(waiting: bytes) -> int:
    """Where the first message seems to end; -1 while it does not."""
    head, found, rest = waiting.partition(_END)
    if not found:
        return -1
    begins = len(head) + len(_END)
    names = head.lower()
    if b"\r\ntransfer-encoding:" in names:
        last = rest.find(b"0\r\n")
        end = rest.find(_END, last) if last >= 0 else -1
        return begins + end + len(_END) if end >= 0 else -1
    length = names.partition(b"\r\ncontent-length:")[2].split(b"\r\n")[0].strip()
    ends = begins + (int(length) if length.isdigit() else 0)
    return ends if len(waiting) >= ends else -1
