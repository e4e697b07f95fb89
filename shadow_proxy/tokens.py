"""The token of the admin port: where it comes from, and who needs one.

Knows an environment variable and a file; refuses to know HTTP. The token is never part of a configuration, a
log or a page.
"""

import ipaddress
import os
from typing import Final

from recording.errors import InputError
from shadow_proxy.config import ProxyConfig, host_and_port

VARIABLE: Final = "SPARRING_ADMIN_TOKEN"
MIN_CHARACTERS: Final = 16


def admin_token(config: ProxyConfig) -> str | None:
    """The token, or None if none is set; `InputError` if one is needed or it is too short.

    Without a token the port must be on loopback, shows what is counted, and changes nothing.
    """
    token = _given(config)
    if token is not None and (len(token) < MIN_CHARACTERS or not token.isascii() or not token.isprintable()):
        raise InputError(
            f"the admin token must have at least {MIN_CHARACTERS} printable characters",
            place=str(config.admin_token_file or VARIABLE),
            fix="openssl rand -hex 32",
        )
    if token is None and config.admin is not None and not _is_loopback(config.admin):
        raise InputError(
            f"the admin port {config.admin} can be reached from other machines and has no token",
            place="admin",
            fix=f"set admin_token_file or {VARIABLE}, or listen on 127.0.0.1",
        )
    return token


def _given(config: ProxyConfig) -> str | None:
    if config.admin_token_file is None:
        return os.environ.get(VARIABLE) or None
    try:
        return config.admin_token_file.read_text("utf-8").strip()
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", place=f"admin_token_file: {config.admin_token_file}"
        ) from None


def _is_loopback(address: str) -> bool:
    host, _ = host_and_port(address)
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
