"""A scenario as it runs: the same faults on the same requests for every target, worker and order."""

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.fault import Fault, Send
from scenarios.scenario import FaultEntry, Scenario
from scenarios.timeline import Timeline, merged

S = 1_000_000_000
BODY = b'{"instances": [{"income": 10, "city": "Z\xc3\xbcrich"}]}'
WINDOW = {"from": "10s", "to": "20s"}
FAULTS: list[dict[str, object]] = [
    {"id": "gap", "type": "missing", "probability": 0.5, "params": {"path": "$.instances[*].income"}},
    {"id": "bits", "type": "corrupt", "probability": 0.5, "params": {"flip_bits": 3}},
    {
        "id": "slow",
        "type": "delay",
        "probability": 0.5,
        "params": {"uniform": {"lower": "1ms", "upper": "1s"}},
    },
]


def timeline(*faults: Mapping[str, object], seed: int = 1, own_seed: int | None = None) -> Timeline:
    entries = [{"id": "f", **fault} for fault in faults]
    document = {"version": 1, "name": "drill", "seed": own_seed, "faults": entries}
    return Timeline(Scenario.model_validate(document), seed)


def pass_through(
    run: Timeline, request_id: bytes, role: str, *, now_ns: int = 15 * S, path: bytes = b"/p"
) -> tuple[Send, tuple[str, ...]]:
    chosen = run.choose(request_id, now_ns, method=b"POST", path=path)
    return run.apply(chosen, role, Send(body=BODY))


@given(
    st.integers(0, 2**63),
    st.lists(st.binary(min_size=1, max_size=16), unique=True, max_size=20),
    st.randoms(),
)
@settings(max_examples=50)
def test_a_request_meets_the_same_faults_on_every_target_in_any_order_and_worker(
    seed: int, ids: list[bytes], order: random.Random
) -> None:
    one = timeline(*FAULTS, seed=seed)
    expected = {request_id: pass_through(one, request_id, "baseline") for request_id in ids}
    workers = [timeline(*FAULTS, seed=seed) for _ in range(3)]
    arrivals = [(request_id, role) for request_id in ids for role in ("baseline", "candidate")]
    order.shuffle(arrivals)
    for request_id, role in arrivals:
        assert pass_through(order.choice(workers), request_id, role) == expected[request_id]
    in_all = merged(worker.counts for worker in workers)
    for fault_id, counts in one.counts.items():
        assert in_all[fault_id]["injected"] == 2 * counts["injected"]


@given(st.lists(st.integers(0, 30 * S), max_size=60), st.floats(0, 1), st.integers(0, 5) | st.none())
def test_every_request_that_a_fault_could_meet_is_accounted_for(
    arrivals: Sequence[int], probability: float, max_total: int | None
) -> None:
    run = timeline(
        {"type": "missing", "probability": probability, "window": WINDOW, "target": "candidate",
         "params": {"path": "$.instances[*].income"}, "limits": {"max_total": max_total}},
        {"id": "absent", "type": "missing", "params": {"path": "$.nowhere"}},
    )  # fmt: skip
    for number, now_ns in enumerate(arrivals):
        for role in ("baseline", "candidate"):
            pass_through(run, b"%d" % number, role, now_ns=now_ns)
    for counts in run.counts.values():
        skipped = counts["skipped_window"] + counts["skipped_probability"] + counts["skipped_limit"]
        assert counts["matched"] == skipped + counts["selected"] == 2 * len(arrivals)
        assert counts["applied"] == counts["injected"] + counts["skipped_not_applicable"] + counts["failed"]
    assert run.counts["absent"]["skipped_not_applicable"] == 4 * len(arrivals) // 2
    assert max_total is None or run.counts["f"]["selected"] <= max_total


@pytest.mark.parametrize(
    ("now_ns", "holds"), [(10 * S - 1, False), (10 * S, True), (20 * S - 1, True), (20 * S, False)]
)
def test_a_window_is_open_at_its_beginning_and_closed_at_its_end(now_ns: int, holds: bool) -> None:
    run = timeline({"type": "nothing", "window": WINDOW})
    assert bool(run.choose(b"1", now_ns, method=b"GET", path=b"/")) is holds


def test_the_timeline_spans_its_windows_and_is_empty_without_faults() -> None:
    run = timeline(
        {"type": "nothing", "window": WINDOW}, {"id": "g", "type": "nothing", "window": {"to": "12s"}}
    )
    assert (run.opens_ns, run.closes_ns) == (0, 20 * S)
    assert timeline().opens_ns == timeline().closes_ns


@pytest.mark.parametrize(
    ("match", "path", "holds"),
    [
        ({}, b"/any", True),
        ({"method": "post"}, b"/any", True),
        ({"method": ["GET", "PUT"]}, b"/any", False),
        ({"path": "/v1/models/*:predict"}, b"/v1/models/a/b:predict?x=1", True),
        ({"path": "/v1/models/*:predict"}, b"/v1/models/a:explain", False),
        ({"path": "/v1/*"}, b"/\xff/v1/", False),
        ({"path": "*"}, b"/\xff\n", True),
    ],
)
def test_a_fault_matches_by_method_and_by_path_without_query(
    match: dict[str, object], path: bytes, holds: bool
) -> None:
    run = timeline({"type": "nothing", "match": match})
    assert bool(run.choose(b"1", 0, method=b"POST", path=path)) is holds


def test_only_the_struck_target_is_changed() -> None:
    run = timeline({"type": "delay", "target": "candidate", "params": {"fixed": "1s"}})
    assert pass_through(run, b"1", "baseline") == (Send(body=BODY), ())
    assert pass_through(run, b"1", "candidate") == (Send(body=BODY, delay_ns=S), ("f",))


def test_a_target_may_be_struck_by_its_name() -> None:
    run = timeline({"type": "delay", "target": "eu-2", "params": {"fixed": "1s"}})
    chosen = run.choose(b"1", 0, method=b"POST", path=b"/")
    assert run.apply(chosen, "reference", Send(body=BODY), target_name="eu-2")[1] == ("f",)
    assert run.apply(chosen, "reference", Send(body=BODY), target_name="eu-1")[1] == ()


def test_faults_act_in_the_order_of_the_file() -> None:
    cut = {"id": "cut", "type": "corrupt", "params": {"keep_bytes": 0}}
    gap = {"id": "gap", "type": "missing", "params": {"path": "$.instances[*].income"}}
    assert pass_through(timeline(cut, gap), b"1", "candidate")[1] == ("cut",)
    assert pass_through(timeline(gap, cut), b"1", "candidate")[1] == ("gap", "cut")


def test_the_seed_of_the_scenario_rules_over_that_of_the_run() -> None:
    requests = [b"%d" % number for number in range(64)]

    def hit(run: Timeline) -> list[bool]:
        return [bool(pass_through(run, request, "candidate")[1]) for request in requests]

    assert hit(timeline(*FAULTS, seed=1)) != hit(timeline(*FAULTS, seed=2))
    assert hit(timeline(*FAULTS, seed=1, own_seed=2)) == hit(timeline(*FAULTS, seed=2))


class Broken(Fault):
    """Breaks itself instead of the request."""

    def apply(self, send: Send, chance: random.Random) -> Send | None:
        raise RuntimeError(f"cannot do {len(send.body)} bytes with {chance.random():.3f}")


def test_a_fault_that_fails_is_counted_and_the_request_goes_on_with_the_other_faults() -> None:
    entry = FaultEntry.model_validate({"id": "bad", "type": "nothing"}).model_copy(
        update={"params": Broken()}
    )
    slow = FaultEntry.model_validate({"id": "slow", "type": "delay", "params": {"fixed": 1}})
    run = Timeline(Scenario(version=1, name="x", faults=(entry, slow)), 1)
    assert pass_through(run, b"1", "candidate") == (Send(body=BODY, delay_ns=S), ("slow",))
    assert run.counts["bad"]["failed"] == 1
    assert run.failures["bad"].startswith("RuntimeError: cannot do")


class Forgetful(Fault):
    """Breaks duty 1: other bytes at every call."""

    def apply(self, send: Send, chance: random.Random) -> Send | None:  # noqa: ARG002  # breaks the duty
        return Send(body=random.SystemRandom().randbytes(16), delay_ns=send.delay_ns)


def test_the_copies_of_a_request_get_one_outcome_and_the_next_request_its_own() -> None:
    entry = FaultEntry.model_validate({"id": "f", "type": "nothing"}).model_copy(
        update={"params": Forgetful()}
    )
    run = Timeline(Scenario(version=1, name="x", faults=(entry,)), 1)
    first = pass_through(run, b"1", "baseline")
    assert pass_through(run, b"1", "candidate") == first
    assert pass_through(run, b"2", "baseline") != first
    assert run.counts["f"]["injected"] == 3
