"""The proxy and its recorder as one service: started, watched, reloaded on SIGHUP, drained on SIGTERM.

Knows processes and signals; refuses to know flags and files of the user. Recording is never a reason not to
serve: a folder that cannot be written, or a recorder that dies, is said and tried again, while the proxy goes
on and the journal keeps what it can.
"""

import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from recording.errors import InputError
from recording.run_folder import RunFolder, write_json
from shadow_proxy.config import INHERITED
from sparring.exit_codes import ExitCode
from sparring.process_configs import config_file
from sparring.processes import Child, wait_until
from sparring.proxy_file import ProxyFile
from sparring.stage import START_TIMEOUT_S, Stage
from sparring.waiting import Interruption

LOOK_EVERY_S = 0.1
RECORDER_AGAIN_S = 5.0


class _Service:
    def __init__(
        self, config: ProxyFile, *, read_again: Callable[[], ProxyFile], stage: Stage, scratch: Path
    ) -> None:
        self._config = config
        self._read_again = read_again
        self._stage = stage
        self._scratch = scratch
        self._reload_wanted = False
        self._recorder_at = 0.0
        self._recorder_ready = False
        self._interruption = Interruption()

    def run(self) -> int:
        """Until the proxy ends or the user ends it; the proxy's exit code."""
        signal.signal(signal.SIGHUP, self._want_reload)
        with self._interruption:
            write_json(self._proxy_file, self._config.of_proxy())
            command = [sys.executable, "-m", "shadow_proxy", str(self._proxy_file), "--reload-above"]
            grace_s = self._config.deadlines.drain_s + 5
            child = self._stage.start(
                "proxy", command, speaks=True, grace_s=grace_s, pass_fds=handed_over(self._config.listen)
            )
            ready = self._stage.spoken["proxy"].wait_for("ready", child=child, timeout_s=START_TIMEOUT_S)
            if ready is None:
                code = child.exit_code()
                return int(ExitCode.INTERNAL_ERROR) if code is None else code
            _announce(ready)
            code = self._stay(child)
            self._finish_recording()
        return code

    @property
    def _proxy_file(self) -> Path:
        return self._scratch / "proxy.json"

    def _want_reload(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - what a signal passes
        self._reload_wanted = True

    def _stay(self, child: Child) -> int:
        told = False
        while child.exit_code() is None:
            if self._interruption.happened and not told:
                told = True
                child.process.terminate()
            if self._reload_wanted:
                self._reload_wanted = False
                self._reload(child)
            if self._config.record is not None and not told:
                self._keep_recorder()
            wait_until(lambda: child.exit_code() is not None, timeout_s=LOOK_EVERY_S)
        return child.exit_code() or 0

    def _reload(self, child: Child) -> None:
        try:
            config = self._read_again()
        except InputError as error:
            print(f"not reloaded: {error}", file=sys.stderr, flush=True)
            return
        write_json(self._proxy_file, config.of_proxy())
        child.process.send_signal(signal.SIGHUP)
        if (config.predictions, config.labels) != (self._config.predictions, self._config.labels):
            self._config = self._config.model_copy(
                update={"predictions": config.predictions, "labels": config.labels}
            )
            self._recorder_at = 0.0
            if "recorder" in self._stage.children:
                self._stage.stop("recorder")

    def _keep_recorder(self) -> None:
        """Start it if there is none, but not in a frenzy; say where its page is once it answers."""
        if "recorder" in self._stage.ended():
            self._stage.stop("recorder")
            print("recorder: ended; the journal keeps what comes", file=sys.stderr, flush=True)
        if "recorder" in self._stage.children:
            self._hear_recorder(self._stage.spoken["recorder"].take())
        elif time.monotonic() >= self._recorder_at:
            self._start_recorder()

    def _start_recorder(self) -> None:
        self._recorder_at = time.monotonic() + RECORDER_AGAIN_S
        self._recorder_ready = False
        assert self._config.record is not None
        folder = RunFolder(self._config.record)
        try:
            folder.create()
            write_json(config_file(folder, "recorder"), self._config.of_recorder(folder))
        except OSError as error:
            print(
                f"recorder: {folder.path}: {error.strerror}; it is tried again", file=sys.stderr, flush=True
            )
            if not config_file(folder, "recorder").is_file():
                return
        command = [sys.executable, "-m", "sparring.recorder", str(config_file(folder, "recorder"))]
        self._stage.start("recorder", command, speaks=True)

    def _hear_recorder(self, lines: list[dict[str, Any]]) -> None:  # Any: JSON
        for line in lines:
            if "ready" in line:
                self._recorder_ready = True
                print(f"recorder: metrics on {line['listen']}/metrics", flush=True)

    def _finish_recording(self) -> None:
        """What is in the journal becomes files before the service ends.

        A recorder that has only just been started, or has to be, is told to stop when it can hear it.
        """
        if self._config.record is None:
            return
        if "recorder" in self._stage.ended():
            self._stage.stop("recorder")
        if "recorder" not in self._stage.children:
            self._start_recorder()
        recorder = self._stage.children.get("recorder")
        if recorder is None:
            return
        if not self._recorder_ready:
            self._stage.spoken["recorder"].wait_for("ready", child=recorder, timeout_s=START_TIMEOUT_S)
        recorder.process.terminate()
        wait_until(lambda: recorder.exit_code() is not None, timeout_s=START_TIMEOUT_S)


def handed_over(listen: str) -> tuple[int, ...]:
    """The open files that the proxy needs from us: the socket of `fd:N`.

    >>> handed_over("fd:3"), handed_over("127.0.0.1:8080")
    ((3,), ())
    """
    return (int(listen.removeprefix(INHERITED)),) if listen.startswith(INHERITED) else ()


def serve(config: ProxyFile, *, read_again: Callable[[], ProxyFile]) -> int:
    """Run the service; `read_again` gives the configuration at a reload, or raises `InputError`."""
    with tempfile.TemporaryDirectory(prefix="sparring-") as scratch, Stage(None) as stage:
        return _Service(config, read_again=read_again, stage=stage, scratch=Path(scratch)).run()


def _announce(ready: dict[str, Any]) -> None:  # Any: JSON
    print(f"listening on {', '.join(ready['listen'])}", flush=True)
    if ready.get("admin"):
        print(f"admin on {ready['admin']}", flush=True)
