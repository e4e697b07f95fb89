"""Settings that cannot work are refused with a reason before anything is opened."""

import json
from typing import Any

import pytest

from recording.documents import load_text
from recording.errors import InputError
from replay.config import ReplayConfig


def load(**settings: Any) -> ReplayConfig:  # Any: settings as a person writes them, checked by the model
    text = json.dumps({"trace": "t.parquet", "to": "http://localhost:80", **settings})
    return load_text(text, ReplayConfig, source="config.json")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"to": "localhost:80"}, "is not of the form http://HOST[:PORT]"),
        ({"to": "https://localhost"}, "is not of the form http://HOST[:PORT]"),
        ({"to": "http://localhost:99999"}, "is not a URL"),
        ({"to": "http://localhost:0"}, "is not of the form"),
        ({"to": "http://localhost/v1"}, "paths come from the trace"),
        ({"to": "http://me@localhost"}, "more than a host and a port"),
        ({"speed": 0}, "speed"),
        ({"max_in_flight": 0}, "max_in_flight"),
        ({"duration_s": -1}, "duration_s"),
        ({"arrival": "gamma"}, "arrival"),
        ({"profile": "recorded", "speed": 2}, "write `recorded at 10x` in the profile"),
        ({"arrival": "poisson"}, "needs a profile"),
        ({"writer": "../up"}, "writer"),
        ({"max_inflight": 5}, "did you mean 'max_in_flight'"),
    ],
)
def test_it_is_named_what_is_wrong(settings: dict[str, object], says: str) -> None:
    with pytest.raises(InputError) as refusal:
        load(**settings)
    assert says in str(refusal.value)


def test_the_address_and_the_host_field_come_from_the_url() -> None:
    config = load(to="http://[::1]:8080/")
    assert (config.address, config.authority) == (("::1", 8080), b"[::1]:8080")
    assert load(to="http://model.example").address == ("model.example", 80)
