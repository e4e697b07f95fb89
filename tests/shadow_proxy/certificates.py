"""Certificates of an authority that exists for one test."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """An authority's certificate, and one that it issued with its key, as files; and a server's context."""

    ca: Path
    certificate: Path
    key: Path
    server: ssl.SSLContext


def issue(folder: Path, *, name: str = "127.0.0.1") -> Issued:
    """Make them in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    issued = authority.issue_cert(name)
    files = Issued(
        ca=folder / "ca.pem",
        certificate=folder / "certificate.pem",
        key=folder / "key.pem",
        server=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
    )
    authority.cert_pem.write_to_path(str(files.ca))
    files.certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(files.key))
    files.server.load_cert_chain(files.certificate, files.key)
    return files
