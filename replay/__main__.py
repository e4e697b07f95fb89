"""The replay engine as a process: `python -m replay CONFIG.json`.

Knows arguments, signals, standard output and exit codes; refuses to know how a replay goes. The application
starts it; so may anybody. Lines of JSON on standard output: `{"progress": …}` about twice a second, the first
one when everything is ready to send, and `{"done": …}` at the end. SIGTERM or SIGINT end the replay early,
with all rows kept. Exit codes: 0 done (or stopped), 2 unusable input, 1 anything else.
"""

import asyncio
import json
import select
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from recording.clock import RunClock
from recording.documents import load_document
from recording.errors import InputError
from replay.config import ReplayConfig
from replay.engine import Engine
from replay.message import HostField
from replay.open_files import allow_open_files
from replay.rows import open_rows
from replay.schedule import plan
from replay.traffic import Rows, Traffic, read_offsets

if sys.platform == "win32":
    from asyncio import new_event_loop
else:
    from uvloop import new_event_loop


def main(arguments: list[str]) -> int:
    """Run one replay; the exit code."""
    if len(arguments) != 1:
        print("usage: python -m replay CONFIG.json", file=sys.stderr)
        return 2
    try:
        config = load_document(arguments[0], ReplayConfig)
        _print_line(replay(config))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def replay(config: ReplayConfig) -> dict[str, object]:
    """Prepare, replay, and return the `{"done": …}` line; progress goes to standard output."""
    with ExitStack() as stack:
        allow_open_files(config.max_in_flight)
        thread = stack.enter_context(ThreadPoolExecutor(max_workers=1, thread_name_prefix="trace"))
        offsets_ns = read_offsets(config.trace)
        schedule = plan(config, offsets_ns)
        traffic = Traffic(
            Rows.of_trace(config.trace, thread=thread),
            requests=len(offsets_ns),
            host=HostField(authority=config.authority, replace=config.host == "target"),
            prepared_bytes=config.prepared_bytes,
        )
        rows = open_rows(config.record, writer=config.writer, target=config.target, role=config.role)
        stack.callback(rows.close)
        clock = RunClock.standalone() if config.clock is None else _shared_clock(config.clock)

        async def run() -> dict[str, object]:
            engine = Engine(
                config, schedule=schedule, traffic=traffic, rows=rows, clock=clock, report=_maybe_print_line
            )
            for signal_number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(signal_number, engine.stop)
            return await engine.run()

        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            return runner.run(run())


def _shared_clock(path: Path) -> RunClock:
    try:
        return RunClock.open(path)
    except (OSError, ValueError) as error:
        raise InputError(f"is not a clock file: {error}", place=str(path)) from None


def _maybe_print_line(line: dict[str, object]) -> None:
    """Print unless that would wait for a reader that has fallen behind."""
    if select.select([], [sys.stdout], [], 0)[1]:
        _print_line(line)


def _print_line(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
