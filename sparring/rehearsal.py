"""One rehearsal from start to verdict: targets up, proxy, recorder, traffic, everything down again, judged.

Knows the order of things and what each death means; refuses to send, forward, record or judge anything
itself. Called by `sparring run` and `sparring demo`.

A run ends early when a process that it needs is gone: what follows could not be a fair comparison. The
moment is noted in the manifest, everything recorded until then is kept, and the judge says INVALID with
that moment. An interrupted run is HOLD at best. Whatever happens, every started process group is stopped
(`stage.py`) and the journals are turned into Parquet.
"""

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from judge.criteria import Criteria, load_criteria
from judge.verdict import Verdict, judge_folder, write_verdict
from recording.clock import RunClock
from recording.errors import InputError
from recording.run_folder import RunFolder, write_json
from scenarios.scenario import Scenario, load_scenario
from sparring.exit_codes import ExitCode
from sparring.fault_windows import write_fault_windows
from sparring.manifest import manifest
from sparring.pages import fetch_json, is_ready
from sparring.process_configs import config_file, engine_config, proxy_config, recorder_config
from sparring.processes import Child, accepts, wait_until
from sparring.recovery import recover_folder
from sparring.run_config import RunConfig, Target
from sparring.screen import Screen
from sparring.stage import START_TIMEOUT_S, Stage
from sparring.waiting import Interruption

HOUR_NS = 3_600_000_000_000
LEAD_NS = 300_000_000
LOAD_TIMEOUT_S = 600.0
DRAIN_TIMEOUT_S = 60.0
LOOK_EVERY_S = 0.1
SHOW_EVERY_S = 0.5
PROXY, RECORDER, ENGINE = "proxy", "recorder", "engine"
_EVENT_OF = {PROXY: "proxy_died", RECORDER: "recorder_died", ENGINE: "engine_died"}


class NotReadyError(Exception):
    """A process did not come up: the run cannot be measured (INVALID), and nobody's input is wrong."""


@dataclass(slots=True, kw_only=True)
class Rehearsal:
    """One run in one folder."""

    config: RunConfig
    run_text: str
    folder: RunFolder
    screen: Screen
    events: list[dict[str, object]] = field(default_factory=list)
    _interruption: Interruption = field(default_factory=Interruption)
    _criteria: Criteria = field(init=False)
    _stage: Stage = field(init=False)
    _clock: RunClock = field(init=False)
    _scenario: Scenario | None = field(init=False, default=None)
    _progress: dict[str, Any] = field(default_factory=dict)  # Any: JSON of the engine
    _done: dict[str, Any] | None = None

    def run(self) -> Verdict:
        """The whole of it; the verdict is written before it is returned."""
        self._criteria = load_criteria(self.config.criteria)
        self._scenario = load_scenario(self.config.scenario) if self.config.scenario else None
        if self._scenario is not None:
            self._scenario.check_targets(self.config.targets, source=str(self.config.scenario))
        self._check_ports()
        self._prepare()
        with self._interruption, Stage(self.folder.logs) as self._stage, self.screen:
            try:
                self._perform()
            except NotReadyError as error:
                self.screen.say(str(error))
            finally:
                self._wind_down()
        self._note_end()
        self._recover()
        self.screen.say("judging")
        verdict = judge_folder(self.folder.path, self._criteria, seed=self.config.seed)
        write_verdict(self.folder.path, verdict)
        return verdict

    @property
    def interrupted(self) -> bool:
        """Whether the user ended it."""
        return self._interruption.happened

    def exit_code(self, verdict: Verdict) -> int:
        """An interrupted run says so whatever the verdict."""
        return int(ExitCode.INTERRUPTED) if self.interrupted else verdict.exit_code

    def _check_ports(self) -> None:
        for name, target in self.config.targets.items():
            if target.command is not None and accepts(target.address):
                raise InputError(
                    f"port {target.address[1]} of {target.address[0]} is in use by another process",
                    place=f"targets.{name}.url",
                    fix="end that process, or choose another port",
                )

    def _prepare(self) -> None:
        if self.folder.path.exists() and any(self.folder.path.iterdir()):
            raise InputError(
                "the folder is not empty", place=str(self.folder.path), fix="choose another --out"
            )
        facts = manifest(self.config, self.run_text)
        self.folder.create()
        self.folder.run_file.write_text(self.run_text, "utf-8")
        self.folder.criteria_file.write_bytes(self.config.criteria.read_bytes())
        if self.config.scenario:
            (self.folder.path / "scenario.yaml").write_bytes(self.config.scenario.read_bytes())
        self.folder.update_manifest(**facts)
        self._clock = RunClock.create(self.folder.clock, origin_ns=time.monotonic_ns() + HOUR_NS)

    def _perform(self) -> None:
        for name, target in self.config.targets.items():
            self._start_target(name, target)
        proxy = self._start_own(PROXY, "shadow_proxy", proxy_config(self.config, self.folder))
        recorder = self._start_own(
            RECORDER,
            "sparring.recorder",
            recorder_config(self.config, self.folder, criteria=self._criteria, pids=self._pids()),
        )
        for name, target in self.config.targets.items():
            self._wait_until_ready(name, target)
        engine = engine_config(self.config, self.folder, to=f"http://{proxy['listen'][0]}")
        self._start_own(ENGINE, "replay", engine, sign="progress", timeout_s=LOAD_TIMEOUT_S)
        self._clock.set_origin(time.monotonic_ns() + LEAD_NS)
        self.screen.say(
            f"traffic starts; live numbers at {recorder['listen']}/metrics and {proxy['admin']}/metrics"
        )
        self._watch(recorder["listen"])
        self._drain(proxy["admin"])

    def _start_target(self, name: str, target: Target) -> None:
        if target.command is None:
            return
        self.screen.say(f"starting {name}: {' '.join(target.command)}")
        self._stage.start(
            name,
            target.command,
            cwd=target.cwd,
            env=target.env,
            grace_s=target.stop_grace_s,
            port=target.address,
        )

    def _wait_until_ready(self, name: str, target: Target) -> None:
        child = self._stage.children.get(name)

        def ended() -> bool:
            return child is not None and child.exit_code() is not None

        wait_until(lambda: ended() or is_ready(target), timeout_s=target.ready.timeout_s)
        if ended() or not is_ready(target):
            why = f"ended with exit code {child.exit_code()}" if child and ended() else "did not get ready"
            problem = f"{name} at {target.url} {why} (waited up to {target.ready.timeout_s:g} s)"
            self._fail(name, problem, kind="target_not_ready", child=child)

    def _pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self._stage.children.items()}

    def _fail(self, name: str, problem: str, *, kind: str, child: Child | None) -> None:
        said = child.tail() if child else ""
        self._note(kind, target=name, detail=problem)
        log = f"the last it said ({child.log}):\n{said}" if child and said else ""
        raise NotReadyError(log)

    def _start_own(
        self,
        name: str,
        module: str,
        config: dict[str, Any],  # Any: JSON
        *,
        sign: str = "ready",
        timeout_s: float = START_TIMEOUT_S,
    ) -> dict[str, Any]:  # Any: JSON
        """Start one of our own processes and wait for the line that says it is ready (the key `sign`)."""
        path = config_file(self.folder, name)
        write_json(path, config)
        child = self._stage.start(name, [sys.executable, "-m", module, str(path)], speaks=True)
        ready = self._stage.spoken[name].wait_for(sign, child=child, timeout_s=timeout_s)
        if ready is None:
            code = child.exit_code()
            if code == ExitCode.USAGE:
                raise InputError(child.tail(), place=name)
            why = "did not get ready in time" if code is None else f"ended with exit code {code}"
            self._fail(name, f"the {name} {why}", kind=_EVENT_OF[name], child=child)
        return ready or {}

    def _watch(self, recorder_url: str) -> None:
        """Until the engine is done, a process that is needed is gone, or the user has had enough."""
        shown_s = 0.0
        while not self._engine_finished() and not self.interrupted:
            if self._note_deaths():
                break
            if time.monotonic() - shown_s >= SHOW_EVERY_S:
                shown_s = time.monotonic()
                self.screen.show(self._progress, fetch_json(f"{recorder_url}/live"))
            time.sleep(LOOK_EVERY_S)
        if ENGINE in self._stage.children:
            self._stage.stop(ENGINE)
        self._read_engine()

    def _engine_finished(self) -> bool:
        self._read_engine()
        return self._done is not None and ENGINE in self._stage.ended()

    def _read_engine(self) -> None:
        for line in self._stage.spoken[ENGINE].take():
            self._progress = line.get("progress", self._progress)
            self._done = line.get("done", self._done)

    def _note_deaths(self) -> bool:
        """Whether something ended that should not have; each is noted with its moment."""
        dead = {
            name: code for name, code in self._stage.ended().items() if name != ENGINE or self._done is None
        }
        for name, code in dead.items():
            detail = f"{name} ended with exit code {code}; the run is over"
            self._note(_EVENT_OF.get(name, "target_died"), target=name, detail=detail)
        return bool(dead)

    def _drain(self, admin_url: str) -> None:
        """Give exchanges that are under way their time, as the proxy's own deadlines allow."""
        if self.interrupted or self.events:
            return
        self.screen.say("waiting for the last answers")

        def idle() -> bool:
            return _in_flight(fetch_json(f"{admin_url}/accounting")) == 0

        wait_until(idle, timeout_s=self.config.proxy.deadlines.total_s)

    def _wind_down(self) -> None:
        """Stop in the order that loses nothing: traffic, proxy, recorder, targets."""
        for name in (ENGINE, PROXY, RECORDER):
            if name in self._stage.children:
                if name == RECORDER:
                    self.screen.say("writing what was recorded")
                    self._let_recorder_finish()
                self._stage.stop(name)

    def _let_recorder_finish(self) -> None:
        child = self._stage.children[RECORDER]
        child.process.terminate()
        wait_until(lambda: child.exit_code() is not None, timeout_s=DRAIN_TIMEOUT_S)

    def _note_losses(self, name: str, lost: int) -> None:
        if lost:
            why = f"there was no space for its journal in {self.folder.path}"
            self._note(
                "recording_incomplete", target=name, detail=f"{lost:,} records of the {name} are lost: {why}"
            )

    def _recover(self) -> None:
        """What a dead recorder or a full disk left in the journals; what cannot be written yet stays."""
        try:
            recover_folder(self.folder)
        except InputError as error:
            self._note("recording_incomplete", target=RECORDER, detail=str(error))
            self.folder.update_manifest(events=self.events)

    def _note(self, kind: str, *, target: str, detail: str) -> None:
        """One more event of the run, told at once and kept in the manifest."""
        self.events.append({"at_ns": self._now_ns(), "kind": kind, "target": target, "detail": detail})
        self.screen.say(detail)

    def _now_ns(self) -> int:
        return max(0, self._clock.now_ns())

    def _note_end(self) -> None:
        accounting = json.loads(self.folder.accounting.read_text()) if self.folder.accounting.exists() else {}
        end_ns = self._now_ns()
        if _worker_restarts(accounting):
            self._note("proxy_died", target=PROXY, detail="a proxy worker died and was started again")
        self._note_losses(PROXY, int(accounting.get("journal", {}).get("dropped", 0)))
        self._note_losses(ENGINE, int((self._done or {}).get("rows_dropped", 0)))
        if self._scenario is not None:
            counts = accounting.get("faults", {})
            write_fault_windows(self.folder.faults, self._scenario, counts=counts, end_ns=end_ns)
        self.folder.update_manifest(
            events=self.events, interrupted=self.interrupted, accounting=accounting, engine=self._done,
            duration_ns=end_ns,
        )  # fmt: skip
        self.folder.clock.unlink()


def _in_flight(accounting: dict[str, Any]) -> int:  # Any: JSON
    targets = accounting.get("targets", {})
    return sum(int(counts.get("in_flight", 0)) for counts in targets.values())


def _worker_restarts(accounting: dict[str, Any]) -> int:  # Any: JSON
    return int(accounting.get("workers", {}).get("restarts", 0))


def new_run_folder(name: str, *, out: Path | None) -> RunFolder:
    """`out`, or a fresh folder under `runs/` named after the run and the moment."""
    if out is not None:
        return RunFolder(out)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    slug = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    base = Path("runs") / f"{slug}-{stamp}"
    number = 1
    while base.exists():
        number += 1
        base = Path("runs") / f"{slug}-{stamp}-{number}"
    return RunFolder(base)
