"""What may change while the proxy runs, and what a configuration must not be, whatever it says.

Knows two configurations, the files that they name and the proxy's own addresses; refuses to know processes.
Asked by the parent before anything is started or changed.
"""

import os
import socket
from typing import Final

from recording.errors import InputError
from shadow_proxy.access_log import open_access_log
from shadow_proxy.canary import Canary
from shadow_proxy.config import ProxyConfig, host_and_port
from shadow_proxy.rewriting import Rewriting
from shadow_proxy.target_config import TargetConfig
from shadow_proxy.transport_security import listener_context, target_context

# Sockets, files and processes that are there already.
FIXED: Final = (
    "listen",
    "workers",
    "admin",
    "admin_token_file",
    "record",
    "clock",
    "due_header",
    "log_format",
)


def check_reloadable(now: ProxyConfig, wanted: ProxyConfig) -> None:
    """`InputError` if a part differs that only a restart can change."""
    changed = [name for name in FIXED if getattr(now, name) != getattr(wanted, name)]
    if (now.tls is None) != (wanted.tls is None) or (
        now.tls is not None and wanted.tls is not None and now.tls.client_ca != wanted.tls.client_ca
    ):
        changed.append("tls")
    if changed:
        raise InputError(
            "cannot be changed while the proxy runs",
            place=", ".join(changed),
            fix="restart it; nothing was changed",
        )


def with_shares(config: ProxyConfig, *, canary: float | None, mirror: float | None) -> ProxyConfig:
    """The same with another share or two."""
    share = config.canary.share if canary is None else canary
    return config.model_copy(
        update={
            "mirror": config.mirror if mirror is None else mirror,
            "canary": config.canary.model_copy(update={"share": share}),
        }
    )


def check_shares(config: ProxyConfig) -> None:
    """`InputError` if a share is none, or nobody can answer it."""
    for name, share in (("canary", config.canary.share), ("mirror", config.mirror)):
        if not 0.0 <= share <= 1.0:
            raise InputError(f"{share:g} is not a share", place=name, fix="a number from 0 to 1")
    try:
        ProxyConfig.model_validate(config.model_dump())
    except ValueError:
        raise InputError(
            "no candidate can answer clients", place="canary", fix="name a candidate without an adapter"
        ) from None


def check_startable(config: ProxyConfig) -> None:
    """`InputError` for what shows only when it is used: certificates, credentials, adapters, logs."""
    if config.tls is not None:
        listener_context(config.tls)
    for target in config.targets:
        target_context(target)
        if target.rewrites:
            Rewriting(target)
    Canary(share=config.canary.share, salt=config.salt, sticky=config.canary.sticky)
    if config.access_log is not None:
        os.close(open_access_log(config.access_log))


def check_own_addresses(config: ProxyConfig, *, listen: str) -> None:
    """`InputError` if a target is the proxy itself: a request would go round for ever."""
    own = {address for text in (listen, config.admin) for address in _addresses(text)}
    for target in config.targets:
        if own & _target_addresses(target):
            raise InputError(
                "is the proxy itself", place=f"targets.{target.name}.url", fix="name the model server"
            )


def _addresses(text: str | None) -> set[tuple[str, int]]:
    if text is None or text.startswith(("unix:", "fd:")):
        return {(text or "", 0)} - {("", 0)}
    host, port = host_and_port(text)
    hosts = (
        ["127.0.0.1", "::1", *_resolved(socket.gethostname())]
        if host in {"0.0.0.0", "::"}
        else _resolved(host)
    )
    return {(one, port) for one in hosts if port}


def _target_addresses(target: TargetConfig) -> set[tuple[str, int]]:
    if target.socket_path:
        return {(target.url, 0)}
    return {(host, target.port) for host in _resolved(target.host_name)}


def _resolved(host: str) -> list[str]:
    try:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []
