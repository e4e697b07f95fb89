"""Real servers as processes: nginx, uvicorn, gunicorn, MLServer; started, heard of, and stopped.

Knows each one's command line and where its program is found; refuses to know what a test asks. A server is
ready when it answers over HTTP. A program or environment that is missing skips the test with the reason.
"""

import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest

from tests.end_to_end.clients.programs import clients_python, program
from tests.end_to_end.clients.proxied import ROOT, wait_until

HERE = Path(__file__).parent
START_S = 60.0
PORTS = range(20_000, 32_000)  # below those that Linux gives to outgoing connections
NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{}}
http {{
  access_log off;
  default_type "";
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location /files/ {{ root {folder}; gzip on; gzip_types *; gzip_proxied any; gzip_comp_level 1; }}
    location /few {{ keepalive_requests 3; return 200 "$connection"; }}
    location /bare {{ return 299; }}
    location / {{ return 200 "$connection $request_method $request_uri\\n"; }}
  }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A command that serves on a port of this machine."""

    command: Sequence[str]
    port: int
    ready: str = "/"
    folder: Path = HERE

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Whether it says that it is ready."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", self.ready)
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


@contextmanager
def running(*servers: Server) -> Iterator[None]:
    """All of them, ready; each is the leader of a process group that ends with it."""
    started = [
        subprocess.Popen(server.command, cwd=server.folder, start_new_session=True, stdout=subprocess.DEVNULL)
        for server in servers
    ]
    try:
        for server, process in zip(servers, started, strict=True):
            _wait_for(server, process)
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            _end(process)


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Until it answers; a server that ends instead is a failure at once."""
    wait_until(
        lambda: server.answers() or process.poll() is not None, what="the server answers", patience_s=START_S
    )
    assert process.poll() is None, f"{server.command} ended with {process.returncode}"


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


_numbers = itertools.count(os.getpid() * 37)


def free_ports(count: int = 1) -> int:
    """The first of some ports in a row that nobody has, and that no outgoing connection will be given."""
    for number in _numbers:
        first = PORTS[number * count % (len(PORTS) - count)]
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise AssertionError("the numbers have no end")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def uvicorn(*, http: str, idle_s: int = 60) -> Server:
    """The ASGI application, on one of uvicorn's two parsers."""
    port = free_ports()
    words = ("--http", http, "--timeout-keep-alive", str(idle_s), "--port", str(port), "--no-access-log")
    command = (clients_python(), "-m", "uvicorn", "asgi_app:app", *words, "--log-level", "warning")
    return Server(command=command, port=port)


def gunicorn(*, worker: str) -> Server:
    """The WSGI application, in one worker."""
    port = free_ports()
    words = ("-k", worker, "--bind", f"127.0.0.1:{port}", "--log-level", "error", "--no-control-socket")
    return Server(command=(clients_python(), "-m", "gunicorn", *words, "wsgi_app:app"), port=port)


def nginx(folder: Path, *, file: bytes = b"") -> Server:
    """Debian's nginx with a file (`/files/model.txt`) and answers of its own."""
    port = free_ports()
    files = folder / "files"
    files.mkdir(parents=True)
    (files / "model.txt").write_bytes(file)
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port))
    return Server(command=(program("nginx"), "-c", str(config), "-p", str(folder)), port=port)


def mlserver(folder: Path, *, recipe: str) -> Server:
    """An MLServer with a model of irises, of the environment that the electricity example makes."""
    make = [sys.executable, str(ROOT / "examples" / "electricity" / "environment.py")]
    made = subprocess.run(make, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"the MLServer environment cannot be made here: {made.stderr.strip()[-300:]}")
    programs = Path(made.stdout.strip()) / "bin"
    port = free_ports(3)
    train = [str(programs / "python"), str(HERE / "iris.py"), str(folder / recipe), str(port), recipe]
    subprocess.run(train, check=True)
    command = (str(programs / "mlserver"), "start", ".")
    return Server(command=command, port=port, ready="/v2/models/iris/ready", folder=folder / recipe)
