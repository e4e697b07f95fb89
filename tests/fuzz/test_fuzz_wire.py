"""The rules of the readers hold for the byte table and its neighbours, and under the fuzzer."""

import importlib.util
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import invariants
from tests.fuzz.seeds import seeds
from wire.request_reader import RequestReader

ROOT = Path(__file__).parents[2]
RUNS = 200_000
NEIGHBOURS = 5


def test_the_rules_hold_for_every_row_of_the_byte_table() -> None:
    accepted = sum(map(invariants.one_input, seeds()))
    assert accepted > 100


def test_the_rules_hold_for_neighbours_of_every_row() -> None:
    chance = random.Random(7)
    for seed in seeds():
        for _ in range(NEIGHBOURS):
            near = bytearray(seed)
            at = chance.randrange(2, len(near))
            near[at : at + chance.randrange(3)] = chance.choice(
                [b"", b"\r", b"\n", b" ", b"\x00", b"0", b","]
            )
            invariants.one_input(bytes(near))


@pytest.mark.parametrize(
    "broken",
    [b"\x00\x00" + b"x" * 3, b"\x00\x00GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ids=["refused", "accepted"],
)
def test_a_reader_that_breaks_a_rule_is_noticed(broken: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(self: object, received: bytes) -> None:
        del self
        raise IndexError(received)

    monkeypatch.setattr(RequestReader, "feed", feed)
    with pytest.raises(IndexError):
        invariants.one_input(broken)


@pytest.mark.slow
def test_the_rules_hold_under_the_fuzzer(tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("needs the fuzzer atheris, which is not installed: pip install atheris")
    done = subprocess.run(
        [
            sys.executable,
            "tests/fuzz/fuzz_wire.py",
            f"-runs={RUNS}",
            "-seed=7",
            f"-artifact_prefix={tmp_path}/",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    ended = re.search(r"Done (\d+) runs", done.stdout + done.stderr)
    assert ended is not None
    assert int(ended[1]) >= RUNS
