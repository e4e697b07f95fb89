"""Payloads, good and bad."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.demo.instances import MAX_ROWS, BadRequestError, rows_of

FEATURES = ("amount", "hour")


def test_columns_stand_in_the_order_of_the_model_whatever_that_of_the_client() -> None:
    body = b'{"instances": [{"hour": 3, "x": "ignored", "amount": 1.5}, {"amount": true, "hour": -0.0}]}'
    assert rows_of(body, FEATURES).tolist() == [[1.5, 3.0], [1.0, -0.0]]


def test_missing_and_null_become_nan() -> None:
    assert np.isnan(rows_of(b'{"instances": [{"amount": null}]}', FEATURES)).all()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"instances": [{"amount": "\xff"}]}', "not UTF-8"),
        (b"[]", "`instances` must be"),
        (b'{"instances": []}', "`instances` must be"),
        (b'{"instances": {"amount": 1}}', "`instances` must be"),
        (b'{"instances": [[1.5, 3]]}', "named features"),
        (b'{"instances": [{"amount": "12"}]}', "'amount' must be a finite number"),
        (b'{"instances": [{"amount": [12]}]}', "'amount' must be a finite number"),
        (b'{"instances": [{"amount": 1e400}]}', "'amount' must be a finite number"),
        (b'{"instances": [{"amount": NaN}]}', "'amount' must be a finite number"),
        (b'{"instances": [{"amount": %s}]}' % (b"9" * 400), "'amount' must be a finite number"),
        (json.dumps({"instances": [{}] * (MAX_ROWS + 1)}).encode(), "`instances` must be"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason(body: bytes, says: str) -> None:
    with pytest.raises(BadRequestError, match=says):
        rows_of(body, FEATURES)


@given(st.binary(max_size=60), st.integers(0, 60))
def test_damaged_payloads_give_rows_or_a_reason_and_nothing_else(junk: bytes, at: int) -> None:
    body = b'{"instances": [{"amount": 12.5, "hour": 3, "city": "Berlin"}]}'
    with contextlib.suppress(BadRequestError):  # the one error that is allowed
        rows = rows_of(body[:at] + junk + body[at:], FEATURES)
        assert rows.shape[1] == len(FEATURES)
        assert not np.isinf(rows).any()
