"""nginx configurations: the two stub targets, nginx as a plain proxy, nginx as a mirroring proxy.

Knows nginx's words; refuses to know processes. Keep-alive is on towards clients and upstreams, and nothing is
logged, so that what is compared is the forwarding.
"""

from pathlib import Path
from typing import Final

_FRAME: Final = """
worker_processes 1; daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_buffer_size 64k;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {inside}
}}
"""
_ANSWER: Final = (
    '{"model_name":"iris","model_version":"v1","id":"x","parameters":{},"outputs":[{"name":"predict",'
    '"shape":[2,1],"datatype":"INT64","parameters":{"content_type":"np"},"data":[0,2]}]}'
)
_UPSTREAM: Final = (
    "upstream {name} {{ server 127.0.0.1:{port}; keepalive 512; keepalive_requests 100000000; }}"
)
_PASS: Final = "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host;"


def stub(folder: Path, *, port: int) -> Path:
    """A target that answers every request with the same 200 bytes, and counts at /stub_status."""
    inside = f"""server {{ listen 127.0.0.1:{port}; default_type application/json;
      location / {{ return 200 '{_ANSWER}'; }}
      location = /stub_status {{ stub_status; }} }}"""
    return _written(folder, inside)


def plain(folder: Path, *, port: int, target: int) -> Path:
    """A proxy to one target."""
    inside = f"""{_UPSTREAM.format(name="baseline", port=target)}
    server {{ listen 127.0.0.1:{port}; location / {{ {_PASS} proxy_pass http://baseline; }} }}"""
    return _written(folder, inside)


def mirror(folder: Path, *, port: int, target: int, shadow: int) -> Path:
    """A proxy to one target that mirrors every request, body included, to another."""
    inside = f"""{_UPSTREAM.format(name="baseline", port=target)}
    {_UPSTREAM.format(name="candidate", port=shadow)}
    server {{ listen 127.0.0.1:{port};
      location / {{ mirror /mirror; mirror_request_body on; {_PASS} proxy_pass http://baseline; }}
      location = /mirror {{ internal; {_PASS} proxy_pass http://candidate$request_uri; }} }}"""
    return _written(folder, inside)


def command(config: Path) -> list[str]:
    """How to start nginx with a configuration."""
    return ["nginx", "-p", str(config.parent), "-e", str(config.parent / "error.log"), "-c", str(config)]


def _written(folder: Path, inside: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "nginx.conf"
    path.write_text(_FRAME.format(folder=folder, inside=inside))
    return path
