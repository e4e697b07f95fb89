"""The model servers' own Python environment, made once from the hashed lock beside this file, then reused.

Knows where the environment is (`SPARRING_MLSERVER_ENV`, or `.env` beside this file) and when it is complete:
a stamp holds the digest of the lock it was made from, so that another lock makes another environment.
Refuses to know what runs inside. Called by `prepare.py` and by hand (`python environment.py`, to have it made
beforehand). Needs nothing but the standard library.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCK = HERE / "requirements.txt"
ENVIRONMENT_VARIABLE = "SPARRING_MLSERVER_ENV"


def environment_folder() -> Path:
    """Where the environment is, or will be."""
    return Path(os.environ.get(ENVIRONMENT_VARIABLE, HERE / ".env")).resolve()


def is_complete(folder: Path) -> bool:
    """Whether the environment was made, to the end, from the lock as it is now."""
    stamp = folder / "complete"
    return stamp.is_file() and stamp.read_text() == _lock_digest()


def ensure_environment() -> Path:
    """The folder of a complete environment; makes it where it is missing (a minute or more, 530 MB)."""
    folder = environment_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(folder.with_name(folder.name + ".lock")):
        if not is_complete(folder):
            _install(folder)
    return folder


def _install(folder: Path) -> None:
    print(f"making the MLServer environment in {folder} …", file=sys.stderr)
    python = folder / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)], check=True)
    (folder / "complete").write_text(_lock_digest())


def _lock_digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    print(ensure_environment())
