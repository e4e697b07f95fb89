"""TLS contexts from the configuration: towards clients, and towards targets.

Knows files and Python's ssl; refuses to know connections. Verification is on unless the configuration turns
it off in so many words. ALPN offers HTTP/1.1 alone, so that a client that could speak HTTP/2 does not try.
"""

import ssl
from pathlib import Path

from recording.errors import InputError
from shadow_proxy.config import ListenerTls
from shadow_proxy.target_config import TargetConfig

_ALPN = ["http/1.1"]


def listener_context(tls: ListenerTls) -> ssl.SSLContext:
    """The context of the listening socket; `InputError` names the file that does not do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(_ALPN)
    load_own_certificate(context, tls.certificate, tls.key, place="tls")
    if tls.client_ca is not None:
        _load_authorities(context, tls.client_ca, place="tls.client_ca")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def target_context(target: TargetConfig) -> ssl.SSLContext | None:
    """The context for connections to a target; None if it is spoken to in clear."""
    if target.scheme != "https":
        return None
    tls = target.tls
    context = ssl.create_default_context()
    context.set_alpn_protocols(_ALPN)
    if tls.ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.set_alpn_protocols(_ALPN)
        _load_authorities(context, tls.ca, place=f"targets.{target.name}.tls.ca")
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate is not None:
        load_own_certificate(context, tls.certificate, tls.key, place=f"targets.{target.name}.tls")
    return context


def load_own_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None, *, place: str) -> None:
    """Load a certificate and its key; a context in use serves them from its next handshake on."""
    for path in filter(None, (certificate, key)):
        _check_readable(path, place=place)
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")  # nobody is there to be asked
    except OSError as error:
        reason = getattr(error, "reason", None) or error.strerror or str(error)
        raise InputError(
            f"no usable certificate and key: {reason}",
            place=f"{place}: {certificate}",
            fix="give both as PEM, without a passphrase",
        ) from None


def _load_authorities(context: ssl.SSLContext, path: Path, *, place: str) -> None:
    _check_readable(path, place=place)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise InputError("holds no certificate in PEM", place=f"{place}: {path}") from None


def _check_readable(path: Path, *, place: str) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=f"{place}: {path}") from None
