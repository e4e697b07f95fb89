"""Payments as requests."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np

from recording.trace import iter_requests, trace_facts
from sparring.demo.instances import rows_of
from sparring.demo.payments import FEATURES, payments
from sparring.demo.traffic import PATH, requests, write_trace


def test_a_trace_holds_every_payment_with_label_and_slices(tmp_path: Path) -> None:
    rows = payments(300, seed=2)
    write_trace(tmp_path / "trace.parquet", rows, seed=2)
    sent = list(iter_requests(tmp_path / "trace.parquet"))
    assert trace_facts(tmp_path / "trace.parquet").labelled == len(sent) == 300
    assert [json.loads(request.label or "") for request in sent] == rows.fraud.astype(int).tolist()
    assert {request.path for request in sent} == {PATH}
    assert [request.slices["country"] for request in sent] == rows.texts["country"].tolist()
    assert all(earlier.at_ns < later.at_ns for earlier, later in pairwise(sent))


def test_a_body_carries_exactly_the_numbers_of_its_payment() -> None:
    rows = payments(100, seed=2)
    for request, numbers in zip(requests(rows, seed=2), rows.numbers, strict=True):
        assert np.array_equal(rows_of(request.body, FEATURES)[0], numbers)


def test_ids_are_different_and_those_of_the_seed() -> None:
    rows = payments(200, seed=2)
    ids = [request.id for request in requests(rows, seed=5)]
    assert len(set(ids)) == 200
    assert ids == [request.id for request in requests(rows, seed=5)]
    assert not set(ids) & {request.id for request in requests(rows, seed=6)}
