"""nginx configurations: the stub targets, nginx as a plain proxy, nginx as a mirroring proxy.

Knows nginx's words; refuses to know processes. Keep-alive is on towards clients and upstreams, and nothing is
logged, so that what is compared is the forwarding.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FRAME: Final = """
worker_processes {workers}; daemon off; {master} pid {folder}/nginx.pid;
error_log {folder}/error.log crit; worker_rlimit_nofile {files};
events {{ worker_connections {files}; }}
http {{
  access_log off; keepalive_requests 100000000; client_max_body_size 0; client_body_buffer_size {buffer};
  proxy_buffering {buffering}; proxy_read_timeout 300s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {inside}
}}
"""
ANSWER: Final = (
    '{"model_name":"iris","model_version":"v1","id":"x","parameters":{},"outputs":[{"name":"predict",'
    '"shape":[2,1],"datatype":"INT64","parameters":{"content_type":"np"},"data":[0,2]}]}'
)
_UPSTREAM: Final = (
    "upstream {name} {{ server 127.0.0.1:{port}; keepalive 512; keepalive_requests 100000000; }}"
)
_PASS: Final = "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host;"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What differs between the benchmarks; a certificate's folder turns on TLS on the listener."""

    workers: int = 1
    files: int = 8192
    body_buffer: str = "64k"
    buffering: str = "on"
    tls: Path | None = None
    upstream_scheme: str = "http"


USUAL: Final = Shape()


def stub(folder: Path, *, port: int, answer: str = ANSWER, shape: Shape = USUAL) -> Path:
    """A target that answers every request with the same bytes, 200 of them if not told otherwise."""
    inside = f"""server {{ {_listen(port, shape)} default_type application/json;
      location / {{ return 200 '{answer}'; }} }}"""
    return _written(folder, inside, shape)


def plain(folder: Path, *, port: int, target: int, shape: Shape = USUAL) -> Path:
    """A proxy to one target."""
    inside = f"""{_UPSTREAM.format(name="baseline", port=target)}
    server {{ {_listen(port, shape)}
      location / {{ {_PASS} proxy_pass {shape.upstream_scheme}://baseline; }} }}"""
    return _written(folder, inside, shape)


def mirror(folder: Path, *, port: int, target: int, shadow: int, shape: Shape = USUAL) -> Path:
    """A proxy to one target that mirrors every request, body included, to another."""
    scheme = shape.upstream_scheme
    inside = f"""{_UPSTREAM.format(name="baseline", port=target)}
    {_UPSTREAM.format(name="candidate", port=shadow)}
    server {{ {_listen(port, shape)}
      location / {{ mirror /mirror; mirror_request_body on; {_PASS} proxy_pass {scheme}://baseline; }}
      location = /mirror {{ internal; {_PASS} proxy_pass {scheme}://candidate$request_uri; }} }}"""
    return _written(folder, inside, shape)


def command(config: Path) -> list[str]:
    """How to start nginx with a configuration."""
    return ["nginx", "-p", str(config.parent), "-e", str(config.parent / "error.log"), "-c", str(config)]


def _listen(port: int, shape: Shape) -> str:
    if shape.tls is None:
        return f"listen 127.0.0.1:{port} backlog=4096;"
    pair = f"ssl_certificate {shape.tls}/cert.pem; ssl_certificate_key {shape.tls}/key.pem;"
    return f"listen 127.0.0.1:{port} ssl backlog=4096; {pair}"


def _written(folder: Path, inside: str, shape: Shape) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nginx.conf"
    text = _FRAME.format(
        folder=folder,
        inside=inside,
        workers=shape.workers,
        master="" if shape.workers > 1 else "master_process off;",
        files=shape.files,
        buffer=shape.body_buffer,
        buffering=shape.buffering,
    )
    path.write_text(text)
    return path
