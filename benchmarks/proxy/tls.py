"""What TLS costs: on the listener, to the targets, and both; 32 connections that stay open.

A certificate of its own making, verified by the proxy (nginx does not verify upstreams by itself). Handshakes
are not in it but for the first second's: connections are kept on both sides, as they are in production.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.proxy.bench import Bench, bench
from benchmarks.proxy.load import Load, write_script
from benchmarks.proxy.nginx import Shape
from benchmarks.proxy.rounds import Row, cost_ratio, measure, table
from benchmarks.proxy.sparring_proxy import Settings, plain_targets, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Where there is TLS."""

    name: str
    listener: bool
    upstream: bool


CASES: Final = (
    Case(name="clear", listener=False, upstream=False),
    Case(name="TLS on the listener", listener=True, upstream=False),
    Case(name="TLS to the targets", listener=False, upstream=True),
    Case(name="TLS on both sides", listener=True, upstream=True),
)
BOTH_ENDS: Final = (CASES[0], CASES[-1])


def make_certificate(folder: Path) -> Path:
    """cert.pem and key.pem for 127.0.0.1; their folder."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(command, check=True, capture_output=True)
    return folder


class Cases:
    """Starts one proxy for each case."""

    def __init__(self, on: Bench, folder: Path) -> None:
        self._on = on
        self._pair = make_certificate(folder)
        self._script = write_script(folder)
        self._clear = {name: on.stub(name) for name in ("baseline", "candidate")}
        secured = Shape(tls=self._pair)
        self._secured = {name: on.stub(f"{name}-tls", shape=secured) for name in ("baseline", "candidate")}

    def ours(self, case: Case) -> Row:
        """Our proxy."""
        pair = {"certificate": str(self._pair / "cert.pem"), "key": str(self._pair / "key.pem")}
        listener = {"tls": pair} if case.listener else {}
        started = self._on.ours(f"ours-{CASES.index(case)}", self._targets(case), more=listener)
        return self._row(f"sparring, {case.name}", case, port=started.port, pid=started.pid)

    def mirror(self, case: Case) -> Row:
        """nginx."""
        ports = self._secured if case.upstream else self._clear
        shape = Shape(
            tls=self._pair if case.listener else None, upstream_scheme="https" if case.upstream else "http"
        )
        started = self._on.nginx_mirror(
            f"mirror-{CASES.index(case)}", target=ports["baseline"], shadow=ports["candidate"], shape=shape
        )
        return self._row(f"nginx mirror, {case.name}", case, port=started.port, pid=started.pid)

    def _targets(self, case: Case) -> list[Settings]:
        if not case.upstream:
            return plain_targets(**self._clear)
        authority = {"tls": {"ca": str(self._pair / "cert.pem")}}
        return [
            target(role, f"https://127.0.0.1:{port}", **authority) for role, port in self._secured.items()
        ]

    def _row(self, name: str, case: Case, *, port: int, pid: int) -> Row:
        load = Load(port=port, script=self._script, scheme="https" if case.listener else "http")
        return Row(name=name, load=load, pid=pid)


def run(folder: Path, windows: int, seconds: int) -> None:
    """Measure and print."""
    with bench(folder) as on:
        cases = Cases(on, folder)
        ours = [cases.ours(case) for case in CASES]
        theirs = [cases.mirror(case) for case in BOTH_ENDS]
        measure([*ours, *theirs], rounds=windows, seconds=seconds, between=on.forget_old_segments)
    print(table([*ours, *theirs], title="32 connections"))
    for rows in (ours, theirs):
        for row in rows[1:]:
            print(f"{row.name}: {cost_ratio(row, rows[0]):.2f} x the CPU of {rows[0].name}")
