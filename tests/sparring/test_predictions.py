"""Predictions are found in every protocol's answers, and equal answers become equal text."""

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.predictions import (
    PRESETS,
    Answer,
    PredictionReader,
    PredictionSource,
    PresetName,
    canonical_label,
    decoded,
)

# Answers as real servers gave them (MLServer, KServe, MLflow, LitServe, BentoML, TensorFlow Serving).
ANSWERS: list[tuple[PresetName, str, str]] = [
    ("open_inference_v2", '{"id":"f5","outputs":[{"name":"predict","shape":[1,1],"data":[0]}]}', "0"),
    ("open_inference_v2", '{"outputs":[{"name":"o","shape":[2],"data":[[0],[2]]}]}', "[0,2]"),
    ("kserve_v1", '{"predictions":[0]}', "0"),
    ("kserve_v1", '{"predictions":[{"label":1.0,"b":2}]}', '{"b":2,"label":1}'),
    ("mlflow", '{"predictions": [0]}', "0"),
    ("tensorflow_serving", '{"predictions":[[2.5]]}', "2.5"),
    ("tensorflow_serving", '{"outputs":[false]}', "false"),
    ("plain_json", '{"prediction":"cat","score":0.5}', '"cat"'),
    ("plain_json", '{"predictions":[0]}', "0"),
    ("plain_json", "[0]", "0"),
    ("plain_json", '"cat"', '"cat"'),
]


@pytest.mark.parametrize(("preset", "body", "prediction"), ANSWERS)
def test_the_presets_read_what_servers_answer(preset: PresetName, body: str, prediction: str) -> None:
    """One text per value, whatever the nesting and spacing."""
    reader = PredictionReader(PRESETS[preset])
    assert reader.read(body.encode(), "").prediction == prediction


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"predictions":[NaN]}', b"[" * 100_000, b"null"])
def test_what_cannot_be_read_has_no_prediction(body: bytes) -> None:
    """Neither text nor an exception."""
    assert PredictionReader(PRESETS["kserve_v1"]).read(body, "") == Answer(None, None)


def test_a_score_is_a_finite_number_or_nothing() -> None:
    """Text, booleans and infinities are no scores."""
    reader = PredictionReader(PredictionSource(prediction="label", score="p").paths())
    scores = {
        text: reader.read(b'{"label":1,"p":%s}' % text.encode(), "").score
        for text in ("0.25", "1", '"x"', "true")
    }
    assert scores == {"0.25": 0.25, "1": 1.0, '"x"': None, "true": None}
    assert reader.read(b'{"label":1,"p":1e999}', "").score is None


def test_encoded_bodies_are_read_from_a_copy() -> None:
    """gzip and deflate; what claims to be and is not has no prediction."""
    body = b'{"predictions":[3]}'
    reader = PredictionReader(PRESETS["kserve_v1"])
    assert reader.read(gzip.compress(body), "gzip").prediction == "3"
    assert reader.read(zlib.compress(body), "deflate").prediction == "3"
    assert reader.read(body, "gzip").prediction is None
    assert reader.read(body, "br").prediction is None


def test_a_bomb_is_inflated_only_to_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded by the cap, not by what the body claims."""
    monkeypatch.setattr("sparring.predictions.MAX_DECODED_BYTES", 1000)
    assert len(decoded(gzip.compress(bytes(1_000_000)), "gzip")) == 1000


def test_own_paths_win_over_the_preset_and_must_compile() -> None:
    """A bad expression is refused when the file is read, not when traffic runs."""
    assert PredictionSource(preset="kserve_v1", prediction="a.b").paths().prediction == "a.b"
    with pytest.raises(ValueError, match="not a JMESPath expression"):
        PredictionSource(prediction="a..b")


@given(
    st.recursive(
        st.integers(-9, 9) | st.booleans() | st.text(max_size=3),
        lambda c: st.lists(c, min_size=1, max_size=3),
    )
)
def test_a_label_equals_the_prediction_it_names(value: object) -> None:
    """Whatever is written into a trace as label is right when a server answers it."""
    reader = PredictionReader(PredictionSource(prediction="@").paths())
    text = json.dumps(value)
    assert reader.read(text.encode(), "").prediction == canonical_label(text)


def test_a_label_that_is_not_json_is_text() -> None:
    """`cat` in a CSV column is the string cat."""
    assert canonical_label("cat") == '"cat"'
    assert canonical_label(None) is None
