"""Where an answer holds its prediction: JMESPath expressions, with presets for the usual protocols.

Knows model servers' answer shapes and how one answer becomes canonical JSON text, so that 0, 0.0, [0] and
[[0]] from five servers compare equal; refuses to know labels and rows. Called by the recorder, once per
answer.

A batch keeps its list; a list of one is its member, all the way down, because servers disagree about
nesting (MLServer answers `[1, 1]` where KServe answers `[1]`). Bodies are decoded from gzip or deflate on a
copy, up to a cap; what cannot be read has no prediction, and an answered, labelled request without a
prediction is wrong.
"""

import json
import math
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Self

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import model_validator

from recording.documents import Model

PresetName = Literal["kserve_v1", "open_inference_v2", "mlflow", "tensorflow_serving", "plain_json"]

MAX_DECODED_BYTES = 16 << 20
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """JMESPath expressions of the prediction and of its score ("" for none)."""

    prediction: str
    score: str = ""


PRESETS: dict[PresetName, Paths] = {
    "kserve_v1": Paths(prediction="predictions"),
    "open_inference_v2": Paths(prediction="outputs[0].data"),
    "mlflow": Paths(prediction="predictions"),
    "tensorflow_serving": Paths(prediction="not_null(predictions, outputs)"),
    "plain_json": Paths(
        prediction="not_null(prediction, predictions, @)", score="not_null(score, probability)"
    ),
}


class PredictionSource(Model):
    """The part of a run file that says where predictions are; paths given here win over the preset's."""

    preset: PresetName = "plain_json"
    prediction: str = ""
    score: str = ""

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        for expression in (self.prediction, self.score):
            try:
                jmespath.compile(expression or "@")
            except JMESPathError as error:
                raise ValueError(f"{expression!r} is not a JMESPath expression: {error}") from None
        return self

    def paths(self) -> Paths:
        """The expressions to use."""
        preset = PRESETS[self.preset]
        return Paths(
            prediction=self.prediction or preset.prediction,
            score=self.score or ("" if self.prediction else preset.score),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What one body said: canonical JSON text of the prediction, and a score; either may be missing."""

    prediction: str | None
    score: float | None


NOTHING = Answer(None, None)


class PredictionReader:
    """Reads predictions out of answer bodies; equal bodies are read once."""

    def __init__(self, paths: Paths) -> None:
        self._prediction = jmespath.compile(paths.prediction)
        self._score = jmespath.compile(paths.score) if paths.score else None
        self.read = lru_cache(maxsize=_REMEMBERED)(self._read)

    def _read(self, body: bytes, encoding: str) -> Answer:
        plain = decoded(body, encoding)
        if not plain:
            return NOTHING
        try:
            document = json.loads(plain)
            prediction = simplified(self._prediction.search(document))
            score = simplified(self._score.search(document)) if self._score else None
        except (ValueError, RecursionError, JMESPathError):
            return NOTHING
        number = float(score) if isinstance(score, int | float) and not isinstance(score, bool) else None
        return Answer(canonical(prediction), number if number is None or math.isfinite(number) else None)


def decoded(body: bytes, encoding: str) -> bytes:
    """The body without its content coding, up to `MAX_DECODED_BYTES`; b"" if it cannot be decoded."""
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        return b""
    try:
        return zlib.decompressobj(wbits=47 if encoding != "deflate" else 15).decompress(
            body, MAX_DECODED_BYTES
        )
    except zlib.error:
        return b""


def simplified(value: Any) -> Any:  # Any: JSON
    """Lists of one become their member, whole floats become integers, all the way down.

    >>> simplified([[1.0]])
    1
    >>> simplified({"label": [0], "scores": [0.25, 1.0]})
    {'label': 0, 'scores': [0.25, 1]}
    """
    if isinstance(value, list):
        inner = [simplified(member) for member in value]
        return inner[0] if len(inner) == 1 else inner
    if isinstance(value, dict):
        return {key: simplified(member) for key, member in value.items()}
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def canonical(value: Any) -> str | None:  # Any: JSON
    """One text per value: sorted keys, no blanks; None for null and for what holds NaN or Infinity.

    >>> canonical({"b": 1, "a": [True, "x"]})
    '{"a":[true,"x"],"b":1}'
    """
    if value is None:
        return None
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    except ValueError:
        return None


def canonical_label(label: str | None) -> str | None:
    """A trace's label in the same form as predictions; text that is not JSON is taken as a string."""
    if label is None:
        return None
    try:
        return canonical(simplified(json.loads(label)))
    except ValueError:
        return canonical(label)
