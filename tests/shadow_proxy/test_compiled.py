"""The compiled hot path is the same program: it passes the same tests, and it cannot be stale."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shadow_proxy import compiled

TESTS = ("tests/wire", "tests/shadow_proxy/test_client.py", "tests/shadow_proxy/test_mirror.py")


def test_every_hot_module_exists() -> None:
    assert [name for name in compiled.HOT if not (compiled.ROOT / name).is_file()] == []


def test_without_a_build_the_sources_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled.build_path.cache_clear()
    assert not compiled.is_built()
    assert compiled.worker_command("m") == [sys.executable, "-m", "m"]
    assert compiled.worker_environment() == dict(os.environ)
    compiled.build_path().mkdir(parents=True)
    assert compiled.worker_command("m") == [sys.executable, "-P", "-m", "m"]
    assert compiled.worker_environment()["PYTHONPATH"].startswith(str(compiled.build_path()))
    compiled.build_path.cache_clear()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_build_passes_the_same_tests(tmp_path: Path) -> None:
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        pytest.skip("needs a C compiler (apt-get install gcc)")
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-m", "shadow_proxy.compiled"], env=environment, check=True, cwd=compiled.ROOT
    )
    (folder,) = (tmp_path / "sparring" / "compiled").iterdir()
    environment["PYTHONPATH"] = str(folder)
    where = "import wire.fields, shadow_proxy.client as c; print(wire.fields.__file__, c.__file__)"
    told = subprocess.run(
        [sys.executable, "-P", "-c", where], env=environment, check=True, capture_output=True, text=True
    )
    assert [Path(name).suffix for name in told.stdout.split()] == [".so", ".so"]
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", *TESTS]
    subprocess.run(command, env=environment, check=True, cwd=compiled.ROOT)
