"""A feature that does not arrive."""

import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from scenarios.fault import Send
from scenarios.missing import Missing

V1 = b'{"instances": [{"income": 10, "age": 3}, {"age": 4}, {"income": null, "age": 5}]}'
V2 = b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP64","data":[[1.5,2.50,3]]}]}'


def missing(body: bytes, **params: object) -> bytes | None:
    after = Missing.model_validate(params).apply(Send(body=body, content_type=b"x"), random.Random(1))
    assert after is None or (after.content_type, after.delay_ns) == (b"x", 0)
    return None if after is None else after.body


@pytest.mark.parametrize(
    ("params", "after"),
    [
        ({}, b'{"instances": [{"age": 3}, {"age": 4}, {"age": 5}]}'),
        (
            {"how": "null"},
            b'{"instances": [{"income": null, "age": 3}, {"age": 4}, {"income": null, "age": 5}]}',
        ),
        (
            {"how": "sentinel", "value": -999},
            b'{"instances": [{"income": -999, "age": 3}, {"age": 4}, {"income": -999, "age": 5}]}',
        ),
    ],
)
def test_every_row_that_has_the_feature_loses_it_in_the_stated_way(
    params: dict[str, object], after: bytes
) -> None:
    assert missing(V1, path="$.instances[*].income", **params) == after


def test_dropping_an_element_moves_the_later_ones_up() -> None:
    assert missing(V2, path="$.inputs[0].data[0][1]") == V2.replace(b"2.50,", b"")
    assert missing(V2, path="$.inputs[0].data[0][*]") == V2.replace(b"1.5,2.50,3", b"")


def test_null_keeps_the_shape_of_a_tensor() -> None:
    assert missing(V2, path="$.inputs[0].data[0][1]", how="null") == V2.replace(b"2.50", b"null")


@pytest.mark.parametrize("body", [b"", b"no json", V1[:-1], gzip.compress(V1), b"\xff" + V1, b"[]", b"7"])
def test_what_has_no_such_feature_is_left_alone(body: bytes) -> None:
    assert missing(body, path="$.instances[*].income") is None


@pytest.mark.parametrize(
    "params",
    [
        {"path": "income"},
        {"path": "$.a", "how": "sentinel"},
        {"path": "$.a", "value": 3},
        {"path": "$.a", "how": "empty"},
        {},
    ],
)
def test_parameters_that_cannot_work_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Missing.model_validate(params)


def _json_bodies(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*.json"))[:200]:
        body = path.read_bytes()
        if isinstance(json.loads(body), dict):
            yield body


def test_real_payloads_lose_exactly_one_key(shared_data: Path) -> None:
    seen = 0
    for body in _json_bodies(shared_data / "payloads"):
        document = json.loads(body)
        for key in [key for key in document if "'" not in key and key]:
            after = missing(body, path=f"$['{key}']")
            assert after is not None
            assert json.loads(after) == {k: v for k, v in document.items() if k != key}
            seen += 1
    assert seen > 0
