"""The byte table as seeds of the fuzzer, and words that it would take long to find.

Knows how `invariants.one_input` reads its bytes; refuses to know the fuzzer.
"""

from pathlib import Path
from typing import Final

from tests.shadow_proxy.byte_table.answers import ANSWERS
from tests.shadow_proxy.byte_table.forwarding import FORWARDING
from tests.shadow_proxy.byte_table.requests import CHUNKED, REQUESTS

MAX_SEED_BYTES: Final = 2000
STEPS: Final = (0, 6)
REQUEST: Final = 0
RESPONSE: Final = 1
TO_HEAD: Final = 2
CHUNKS: Final = 3
WORDS: Final = (
    b"\r\n", b"\r\n\r\n", b"0\r\n\r\n", b"HTTP/1.1", b"HTTP/1.0", b"Host: a\r\n", b"Content-Length: ",
    b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"http://a",
    b"POST / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 103 E\r\n\r\n", b"Upgrade: h2c\r\n",
)  # fmt: skip


def seeds() -> list[bytes]:
    """Every row that is not too long, as each reader would get it."""
    sent = [row.sent for row in (*REQUESTS, *FORWARDING)]
    said = [row.said for row in ANSWERS if row.said]
    kinds = [(REQUEST, raw) for raw in sent]
    kinds += [(kind, raw) for kind in (RESPONSE, TO_HEAD) for raw in said]
    kinds += [(CHUNKS, raw.removeprefix(CHUNKED)) for raw in sent if raw.startswith(CHUNKED)]
    short = [(kind, raw) for kind, raw in kinds if len(raw) <= MAX_SEED_BYTES]
    return [bytes([kind, step]) + raw for kind, raw in short for step in STEPS]


def write_seeds(folder: Path) -> None:
    """One file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (folder / f"seed-{number:04}").write_bytes(seed)


def write_words(path: Path) -> None:
    """As libFuzzer reads a dictionary."""
    words = ("".join(f"\\x{byte:02x}" for byte in word) for word in WORDS)
    path.write_text("".join(f'"{word}"\n' for word in words))
