"""A scenario against recorded requests."""

from recording.exchange import Request
from scenarios.dry_run import dry_run
from scenarios.scenario import Scenario

TARGETS = {"blue": "baseline", "green": "candidate"}


def scenario(*faults: dict[str, object]) -> Scenario:
    return Scenario.model_validate({"version": 1, "name": "x", "faults": faults})


def test_it_counts_copies_as_the_run_would() -> None:
    broken = scenario(
        {"id": "gap", "type": "missing", "params": {"path": "$.a"}, "window": {"from": "1s"}},
        {"id": "late", "type": "delay", "params": {"fixed": "1ms"}, "target": "green"},
    )
    requests = [
        Request(
            id=str(second),
            at_ns=second * 10**9,
            method="POST",
            path="/",
            body=b'{"a": 1}' if second < 4 else b"",
        )
        for second in range(6)
    ]
    counts = dry_run(broken, requests, targets=TARGETS, seed=1)
    assert counts["gap"] == {
        "matched": 6, "skipped_window": 1, "skipped_probability": 0, "skipped_limit": 0, "selected": 5,
        "applied": 10, "injected": 6, "skipped_not_applicable": 4, "failed": 0,
    }  # fmt: skip
    assert counts["late"]["injected"] == 6
