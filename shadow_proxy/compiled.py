"""The hot path as machine code: mypyc compiles the modules that every request passes through, unchanged.

    python -m shadow_proxy.compiled        # half a minute; needs mypy and a C compiler

Knows which modules are hot, where a build lies, and how a worker is started on it; refuses to know what the
modules do. The result halves the proxy's CPU time a request. It is optional and cannot go stale: a build lies
in the user's cache under the digest of the very sources it was made from, and workers use it only if that
digest is today's. Without one the same sources run as Python.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PACKAGES: Final = ("recording", "scenarios", "shadow_proxy", "wire")
HOT: Final = (
    "recording/clock.py",
    "recording/journal.py",
    "recording/journal_codec.py",
    "recording/redaction.py",
    *(f"shadow_proxy/{name}.py" for name in (
        "accounting", "breaker", "canary", "client", "client_phase", "clients", "counters", "deadlines",
        "dispatch", "exchange", "exchange_state", "framing", "held", "incoming", "intake", "mirror",
        "mirror_rules", "pool", "primary", "rows", "sampling", "slow_lane", "target", "upstream",
    )),
    *(f"wire/{name}.py" for name in (
        "chunked", "errors", "fields", "heads", "request_line", "request_reader", "response_reader",
    )),
)  # fmt: skip


def worker_command(module: str) -> list[str]:
    """The interpreter and its first arguments for running `module`."""
    if not is_built():
        return [sys.executable, "-m", module]
    return [sys.executable, "-P", "-m", module]  # -P: the working folder must not come before the build


def worker_environment() -> dict[str, str]:
    """The environment in which the build, if there is one, comes before the sources."""
    if not is_built():
        return dict(os.environ)
    path = os.pathsep.join(filter(None, (str(build_path()), os.environ.get("PYTHONPATH", ""), str(ROOT))))
    return {**os.environ, "PYTHONPATH": path}


def is_built() -> bool:
    """Whether there is a build of exactly these sources for this interpreter."""
    return build_path().is_dir()


@lru_cache(maxsize=1)
def build_path() -> Path:
    """Where the build of these sources is, or would be."""
    digest = hashlib.sha256((sysconfig.get_config_var("EXT_SUFFIX") or "").encode())
    for source in _sources():
        digest.update(str(source.relative_to(ROOT)).encode())
        digest.update(source.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "sparring" / "compiled" / digest.hexdigest()[:16]


def build() -> Path:
    """Compile, and publish the result in one step; earlier builds are removed."""
    target = build_path()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        staging = Path(scratch) / "build"
        for source in _sources():
            copied = staging / source.relative_to(ROOT)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copied)
        command = [sys.executable, "-m", "mypyc", "--ignore-missing-imports", *HOT]
        subprocess.run(command, cwd=staging, check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(staging / "build")
        for earlier in target.parent.glob("[0-9a-f]" * 16):
            shutil.rmtree(earlier)
        staging.rename(target)
    return target


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def main() -> int:
    """The command line."""
    if is_built():
        print(f"up to date: {build_path()}")
        return 0
    try:
        print(f"compiled: {build()}")
    except subprocess.CalledProcessError as failed:
        print(f"mypyc failed ({failed.returncode}); the proxy runs as Python all the same", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
