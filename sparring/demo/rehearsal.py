"""The demo's folder: trace, trained models, run file, criteria and scenario, made from one seed.

Knows what a demo consists of and writes it down as a user would, so that every file can be read, changed and
run again with `sparring run`. Refuses to run anything. Called by `sparring demo`.

The load ramps up, holds, bursts and holds again. In the middle, on the calm stretch, a third of the payments
lose their merchant risk, some payloads are damaged and some are late: the same ones for baseline and
candidate.
"""

import math
import socket
import sys
from pathlib import Path

import yaml

from loadprofiles.notation import parse_profile
from loadprofiles.profile import total
from recording.errors import InputError
from sparring.demo.models import RECIPES, train
from sparring.demo.payments import payments
from sparring.demo.traffic import PATH, write_trace

CANDIDATES = tuple(name for name in RECIPES if name != "baseline")
TRAINING_ROWS = 40_000

# Shares of the whole duration; the scenario's window lies within the first calm stretch.
_RAMP, _CALM, _BURST, _REST = 0.3, 0.25, 0.05, 0.4
_FAULTS_FROM, _FAULTS_TO = 0.34, 0.5


def build_demo(out: Path, *, candidate: str, duration_s: float, seed: int) -> Path:
    """Build the demo in the folder `out` and return the path of its run file.

    `candidate` is one of `CANDIDATES`; `seed` decides data, models, arrivals and faults. Ports are free ones.
    """
    if candidate not in CANDIDATES:
        raise InputError(
            f"no candidate {candidate!r}", place="--candidate", fix=f"one of {', '.join(CANDIDATES)}"
        )
    if duration_s < 1:
        raise InputError(f"{duration_s:g} s is too short", place="--duration", fix="a second or more")
    (out / "models").mkdir(parents=True, exist_ok=True)
    training = payments(TRAINING_ROWS, seed=seed)
    for name in ("baseline", candidate):
        train(name, training).save(_model_file(out, name))
    profile = _profile(duration_s)
    replayed = payments(_most_arrivals(profile), seed=seed + 1)
    write_trace(out / "trace.parquet", replayed, seed=seed)
    _write(out / "criteria.yaml", _criteria())
    _write(out / "scenario.yaml", _scenario(duration_s, seed=seed))
    _write(out / "run.yaml", _run(candidate, profile=profile, seed=seed))
    return out / "run.yaml"


def _model_file(out: Path, name: str) -> Path:
    return out / "models" / f"{name}.joblib"


def _profile(duration_s: float) -> str:
    ramp, calm, burst, rest = (_seconds(share * duration_s) for share in (_RAMP, _CALM, _BURST, _REST))
    return (
        f"ramp 40/s to 200/s over {ramp}, then constant 150/s for {calm}, "
        f"then constant 300/s for {burst}, then constant 150/s for {rest}"
    )


def _seconds(duration_s: float) -> str:
    return f"{round(duration_s, 3)}s"


def _most_arrivals(profile: str) -> int:
    """More than Poisson arrivals of this profile will ever need, so that no payment is sent twice."""
    expected = total(parse_profile(profile))
    return math.ceil(expected + 6 * math.sqrt(expected))


def _run(candidate: str, *, profile: str, seed: int) -> dict[str, object]:
    ports = free_ports(2)
    return {
        "version": 1,
        "name": f"demo: a candidate that is {candidate}",
        "notes": f"Fraud or not? The candidate is the recipe {candidate!r} of sparring/demo/models.py.",
        "seed": seed,
        "targets": {
            "baseline": _target("baseline", port=ports[0]),
            "candidate": _target(candidate, port=ports[1]),
        },
        "traffic": {"trace": "trace.parquet", "profile": profile, "arrival": "poisson"},
        "predictions": {"prediction": "predictions[*].label", "score": "predictions[*].score"},
        "scenario": "scenario.yaml",
        "criteria": "criteria.yaml",
    }


def _target(model: str, *, port: int) -> dict[str, object]:
    server = [sys.executable, "-m", "sparring.demo.model_server"]
    return {
        "url": f"http://127.0.0.1:{port}",
        "command": [*server, "--model", f"models/{model}.joblib", "--port", str(port)],
        "env": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        "ready": {"path": "/healthz"},
    }


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


def _scenario(duration_s: float, *, seed: int) -> dict[str, object]:
    window = {"from": _seconds(_FAULTS_FROM * duration_s), "to": _seconds(_FAULTS_TO * duration_s)}
    where = {"target": "both", "match": {"method": "POST", "path": PATH}, "window": window}
    return {
        "version": 1,
        "name": "bad-minute",
        "description": "The risk feed drops out, some payloads are damaged, the network is slow.",
        "seed": seed,
        "faults": [
            {"id": "no-merchant-risk", "type": "missing", **where, "probability": 0.3,
             "params": {"path": "$.instances[*].merchant_risk", "how": "drop_key"}},
            {"id": "damaged", "type": "corrupt", **where, "probability": 0.08, "params": {"flip_bits": 6}},
            {"id": "late", "type": "delay", **where, "probability": 0.2,
             "params": {"lognormal": {"median": "15ms", "sigma": 0.6, "max": "150ms"}}},
        ],
    }  # fmt: skip


def _criteria() -> dict[str, object]:
    return {
        "version": 1,
        "aim": "Stop as much fraud as today, without more errors or slower answers.",
        "criteria": [
            {"id": "accuracy", "metric": "accuracy", "role": "primary",
             "margin": _points(1, "one payment in a hundred, the product owner's limit"),
             "margin_under_fault": _points(5, "what the reviewers can take over in a bad minute")},
            {"id": "errors", "metric": "error_rate", "role": "guardrail",
             "margin": _points(0.5, "half of the monthly error budget"),
             "margin_under_fault": _points(2, "declared errors on damaged payloads are no harm")},
            {"id": "in-time", "metric": "latency_budget", "role": "guardrail", "budget_ms": 500,
             "margin": _points(1, "the checkout gives up after half a second"),
             "margin_under_fault": _points(3, "the checkout gives up after half a second")},
            {"id": "p99", "metric": "latency_quantile", "role": "info", "quantile": 0.99},
        ],
    }  # fmt: skip


def _points(percentage_points: float, source: str) -> dict[str, object]:
    return {"absolute": percentage_points / 100, "source": source}


def _write(path: Path, document: dict[str, object]) -> None:
    path.write_text(
        yaml.dump(document, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110), "utf-8"
    )


class _Plain(yaml.SafeDumper):
    """Writes equal parts out in full: anchors are not for readers."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # PyYAML's signature
        return True
