"""What a run file means for each process: proxy, recorder, engine. Pure; JSON out.

Knows which setting goes where; refuses to start anything. Written into the run's `logs/` folder, so that a
run can be looked at process by process, and its journals be recovered.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from judge.criteria import Criteria
from recording.run_folder import RunFolder
from sparring.run_config import RunConfig

Json = dict[str, Any]  # Any: JSON


def config_file(folder: RunFolder, name: str) -> Path:
    """Where a process's configuration lies."""
    return folder.logs / f"{name}.json"


def proxy_config(config: RunConfig, folder: RunFolder) -> Json:
    """The proxy mirrors every request and takes the due instant from the engine.

    There is no breaker: a rehearsal measures a candidate that fails, and does not spare it.
    """
    settings = config.proxy
    return {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "targets": [
            {"name": name, "role": config.role_of(name).value, "url": target.url}
            for name, target in config.targets.items()
        ],
        "mirror": settings.mirror,
        "breaker": None,
        "workers": settings.workers,
        "limits": settings.limits.model_dump(mode="json"),
        "deadlines": settings.deadlines.model_dump(mode="json"),
        "seed": config.seed,
        "scenario": str(config.scenario) if config.scenario else None,
        "record": str(folder.path),
        "clock": str(folder.clock),
        "due_header": True,
    }


def recorder_config(
    config: RunConfig, folder: RunFolder, *, criteria: Criteria, pids: Mapping[str, int]
) -> Json:
    """The recorder joins the trace's labels, watches our targets, and counts at the criteria's budgets."""
    return {
        "folder": str(folder.path),
        "clock": str(folder.clock),
        "trace": str(config.traffic.trace),
        "predictions": config.predictions.model_dump(mode="json"),
        "targets": [
            {
                "name": name,
                "role": config.role_of(name).value,
                "pid": pids.get(name),
                "metrics": target.metrics,
            }
            for name, target in config.targets.items()
        ],
        "budgets_s": sorted({each.budget_ms / 1e3 for each in criteria.criteria if each.budget_ms}),
        "sample_every_s": config.sample_every_s,
        "stay": True,
    }


def engine_config(config: RunConfig, folder: RunFolder, *, to: str) -> Json:
    """The engine starts at the run's origin, which is set once it is ready."""
    traffic = config.traffic
    return {
        "trace": str(traffic.trace),
        "to": to,
        "profile": traffic.profile,
        "arrival": traffic.arrival,
        "speed": traffic.speed,
        "duration_s": traffic.duration_s,
        "seed": config.seed,
        "max_in_flight": traffic.max_in_flight,
        "timeout_s": traffic.timeout_s,
        "clock": str(folder.clock),
        "start_at_ns": 0,
        "due_header": True,
        "record": str(folder.path),
        "writer": "client-0",
    }
