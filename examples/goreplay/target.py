"""A server for the example: answers every request with 200 and keeps the bytes that came.

    python examples/goreplay/target.py [PORT [FILE]]

It listens on loopback (port 8088 unless given; 0 takes a free one), prints its address, and serves until
Ctrl-C. With FILE, every request is written there as it came, GoReplay's separator line behind it.
"""

import asyncio
import signal
import sys
from pathlib import Path

from replay.testing import Arrived, RecordingTarget

SEPARATOR = "\n🐵🙈🙉\n".encode()


async def serve(port: int) -> list[Arrived]:
    """Serve until interrupted; what came."""
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupted.set)
    async with RecordingTarget(port=port) as target:
        print(target.url, flush=True)
        await interrupted.wait()
    return target.arrived


if __name__ == "__main__":
    arrived = asyncio.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 8088))
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_bytes(b"".join(request.raw + SEPARATOR for request in arrived))
    print(f"{len(arrived)} requests arrived")
