"""The recorder as a process: a loop that converts, a sampler of resources, and a small page of numbers.

Knows its own configuration and when it may end; refuses to slow anybody: it only reads what others
appended. It ends by itself once every journal writer is gone and everything they wrote is durable, or on
SIGTERM as soon as nothing new can be read. Run as `python -m sparring.recorder CONFIG.json`; prints one
JSON line when it is ready, which is not before an earlier recorder of the same folder has ended.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from recording.clock import RunClock
from recording.documents import Model
from recording.run_folder import RunFolder
from sparring.predictions import PredictionReader, PredictionSource
from sparring.recorder.converter import Converter
from sparring.recorder.folder_lock import FolderLock
from sparring.recorder.labels import Labels
from sparring.recorder.live import LiveNumbers
from sparring.recorder.metrics import RecorderCollector
from sparring.recorder.resources import ResourceLog, Watched, sample
from sparring.recorder.rows import RowMaker

IDLE_S = 0.2
RESOURCES_SAVED_EVERY = 30
FETCH_TIMEOUT_S = 1.0


class RecorderConfig(Model):
    """What the recorder is told: the run's folder, where labels and predictions are, whom to watch."""

    folder: Path
    clock: Path | None = None
    trace: Path | None = None
    predictions: PredictionSource = PredictionSource()
    targets: tuple[Watched, ...] = ()
    budgets_s: tuple[float, ...] = ()
    sample_every_s: float = 1.0
    listen: str = "127.0.0.1:0"
    stay: bool = False
    """Stay when nobody writes (a proxy may come back); otherwise end once every writer is gone."""


class Recorder:
    """The state of one recorder process."""

    def __init__(self, config: RecorderConfig) -> None:
        self.config = config
        self.folder = RunFolder(config.folder).create()
        self.live = LiveNumbers(budgets_s=config.budgets_s)
        self.resources = ResourceLog(path=self.folder.resources)
        self.converters: dict[Path, Converter] = {}
        self.stopping = False
        self._clock = RunClock.open(config.clock) if config.clock else RunClock.standalone()
        self._rows = RowMaker(
            labels=Labels(config.trace), predictions=PredictionReader(config.predictions.paths())
        )

    def step(self) -> bool:
        """Convert one batch of every journal; whether there was anything new."""
        for journal in self.folder.journals():
            if journal not in self.converters:
                self.converters[journal] = Converter(journal=journal, folder=self.folder, rows=self._rows)
        batches = [converter.step() for converter in self.converters.values()]
        for seen in batches:
            for one in seen or ():
                self.live.add(one)
        return any(seen is not None for seen in batches)

    @property
    def drained(self) -> bool:
        """Whether every writer is gone and all they wrote is durable."""
        return bool(self.converters) and all(converter.exhausted for converter in self.converters.values())

    def take_samples(self) -> None:
        """One resource sample of every target; may wait for a metrics page, so it runs in a thread."""
        if self._clock.now_ns() < 0:
            return  # the run's origin is not set yet
        for watched in self.config.targets:
            usage = sample(watched, fetch_text)
            if usage is not None:
                self.resources.add(watched, usage, at_ns=self._clock.now_ns())

    def snapshot(self) -> dict[str, object]:
        """The live numbers with the recorder's own state."""
        troubles = [converter.trouble for converter in self.converters.values() if converter.trouble]
        unread = sum(converter.unread_bytes() for converter in self.converters.values())
        rows = sum(converter.rows_written for converter in self.converters.values())
        return {**self.live.snapshot(), "trouble": troubles, "unread_bytes": unread, "rows": rows}

    def close(self) -> None:
        """Leave only whole files behind."""
        for converter in self.converters.values():
            converter.abandon()
        self.resources.save()


def fetch_text(url: str) -> str | None:
    """The text at a URL of the run file, or None if it cannot be had now."""
    try:
        with urlopen(url, timeout=FETCH_TIMEOUT_S) as answer:  # the user's own target, from the run file
            return str(answer.read().decode("utf-8", "replace"))
    except (URLError, OSError, ValueError):
        return None


async def serve(config: RecorderConfig, *, announce: Callable[[str], None]) -> int:
    """Run until finished; the exit code (1 if rows could not be written)."""
    recorder = Recorder(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, setattr, recorder, "stopping", True)
    lock = FolderLock(recorder.folder.path)
    if not await take_folder(lock, recorder):
        return 0
    runner = web.AppRunner(_application(recorder), access_log=None)
    await runner.setup()
    host, _, port = config.listen.rpartition(":")
    site = web.TCPSite(runner, host, int(port))
    await site.start()
    address = runner.addresses[0]
    announce(json.dumps({"ready": True, "listen": f"http://{address[0]}:{address[1]}"}))
    try:
        async with asyncio.TaskGroup() as tasks:
            sampler = tasks.create_task(_sample_forever(recorder))
            await convert(recorder)
            sampler.cancel()
    finally:
        recorder.close()
        lock.release()
        await runner.cleanup()
    return 1 if any(converter.trouble for converter in recorder.converters.values()) else 0


async def take_folder(lock: FolderLock, recorder: Recorder) -> bool:
    """Wait until no other recorder is at work there; False if told to stop meanwhile."""
    said = False
    while not lock.take_nowait():
        if recorder.stopping:
            return False
        if not said:
            print(f"recorder: waits for another one in {recorder.folder.path}", file=sys.stderr, flush=True)
            said = True
        await asyncio.sleep(IDLE_S)
    return True


async def convert(recorder: Recorder) -> None:
    """Until told to stop and nothing is new, or until every writer is gone and nobody will come back."""
    while True:
        if recorder.step():
            await asyncio.sleep(0)
        elif recorder.stopping or (recorder.drained and not recorder.config.stay):
            return
        else:
            await asyncio.sleep(IDLE_S)


async def _sample_forever(recorder: Recorder) -> None:
    with contextlib.suppress(asyncio.CancelledError):  # the end of the run is the only way out
        for count in range(1, 1 << 62):
            await asyncio.to_thread(recorder.take_samples)
            if count % RESOURCES_SAVED_EVERY == 0:
                recorder.resources.save()
            await asyncio.sleep(recorder.config.sample_every_s)


def _application(recorder: Recorder) -> web.Application:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(
        RecorderCollector(
            live=recorder.live, converters=recorder.converters.values(), resources=recorder.resources
        )
    )

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def live(_: web.Request) -> web.Response:
        return web.json_response(recorder.snapshot())

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    application = web.Application()
    application.add_routes(
        [web.get("/metrics", metrics), web.get("/live", live), web.get("/healthz", health)]
    )
    return application
