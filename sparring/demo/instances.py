"""From a payload to rows of numbers: KServe's V1 `{"instances": [{"amount": 12.5, …}]}`.

Knows JSON and what a client may get wrong. Refuses to know the model: a feature that is missing or null
becomes NaN, for the model's imputer. Called by `model_server.py`.
"""

import json
import math

import numpy as np

from sparring.demo.payments import Column

MAX_ROWS = 1_000


class BadRequestError(ValueError):
    """The client's mistake, in words for the client."""


def rows_of(body: bytes, features: tuple[str, ...]) -> Column:
    """One row for each instance, its columns in the order of `features`; `BadRequestError` otherwise."""
    instances = _instances(body)
    return np.array([[_number(instance, name) for name in features] for instance in instances])


def _instances(body: bytes) -> list[dict[str, object]]:
    try:
        document = json.loads(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BadRequestError(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"the body is not JSON: {error}") from None
    instances = document.get("instances") if isinstance(document, dict) else None
    if not isinstance(instances, list) or not 1 <= len(instances) <= MAX_ROWS:
        raise BadRequestError(f"`instances` must be a list of 1 to {MAX_ROWS} objects")
    if not all(isinstance(instance, dict) for instance in instances):
        raise BadRequestError("every instance must be an object of named features")
    return instances


def _number(instance: dict[str, object], name: str) -> float:
    value = instance.get(name)
    if value is None:
        return math.nan
    if not isinstance(value, int | float) or (isinstance(value, float) and not math.isfinite(value)):
        raise BadRequestError(f"the feature {name!r} must be a finite number, not {value!r:.40}")
    try:
        return float(value)
    except OverflowError:
        raise BadRequestError(f"the feature {name!r} must be a finite number, not {value!r:.40}") from None
