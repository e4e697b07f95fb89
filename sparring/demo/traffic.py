"""The demo's trace: payments as requests of KServe's V1 protocol, with labels and slices.

Knows how a payment is written as a request. Refuses to know rates: the requests stand a fixed gap apart, and
the run's profile says when they are really sent. Called by `rehearsal.py`.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from recording.exchange import Request
from recording.trace import TraceWriter
from sparring.demo.payments import FEATURES, TEXTS, Payments

PATH = "/v1/models/payments:predict"
HEADERS = (("Content-Type", "application/json"), ("Accept", "application/json"))
SLICED_BY = ("country", "category")
_GAP_NS = 10_000_000
_WHOLE = frozenset({"payments_last_hour", "device_age_days", "card_age_days", "country_mismatch"})


def write_trace(path: Path, rows: Payments, *, seed: int) -> None:
    """Write `rows` as a trace of one request each; `seed` gives the requests their ids."""
    with TraceWriter(path, origin="sparring demo", importer="synthetic payments") as trace:
        trace.extend(requests(rows, seed=seed))


def requests(rows: Payments, *, seed: int) -> Iterator[Request]:
    """One request for each payment, in order."""
    ids = random.Random(seed)
    for position, body in enumerate(bodies(rows)):
        yield Request(
            id=f"{ids.getrandbits(128):032x}",
            at_ns=position * _GAP_NS,
            method="POST",
            path=PATH,
            headers=HEADERS,
            body=body,
            label=json.dumps(int(rows.fraud[position])),
            slices={name: str(rows.texts[name][position]) for name in SLICED_BY},
        )


def bodies(rows: Payments) -> Iterator[bytes]:
    """The payload of each payment."""
    texts = [rows.texts[name].tolist() for name in TEXTS]
    for numbers, *words in zip(rows.numbers.tolist(), *texts, strict=True):
        features = {name: _number(name, value) for name, value in zip(FEATURES, numbers, strict=True)}
        instance = features | dict(zip(TEXTS, words, strict=True))
        yield json.dumps({"instances": [instance]}, ensure_ascii=False).encode()


def _number(name: str, value: float) -> float:
    return int(value) if name in _WHOLE else value
