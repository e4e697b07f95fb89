"""The demo's models are as good and as bad as their names say."""

from pathlib import Path

import joblib
import numpy as np
import pytest

from sparring.demo.models import RECIPES, Model, load_model, shaped, train
from sparring.demo.payments import FEATURES, Payments, payments
from sparring.demo.rehearsal import TRAINING_ROWS


def accuracy(model: Model, rows: Payments) -> float:
    return float(((model.scores(rows.numbers) >= 0.5) == rows.fraud).mean())


@pytest.mark.parametrize("seed", [7, 11])
def test_better_same_and_worse_differ_from_the_baseline_as_promised(seed: int) -> None:
    training, replayed = payments(TRAINING_ROWS, seed=seed), payments(20_000, seed=seed + 1)
    right = {name: accuracy(train(name, training), replayed) for name in RECIPES}
    assert right["better"] - right["baseline"] >= 0.015
    assert abs(right["same"] - right["baseline"]) <= 0.003
    assert right["worse"] - right["baseline"] <= -0.03


@pytest.fixture(scope="module")
def rows() -> Payments:
    return payments(4_000, seed=1)


def test_a_missing_feature_costs_accuracy_and_is_no_error(rows: Payments) -> None:
    for name in RECIPES:
        model = train(name, rows)
        gaps = rows.numbers.copy()
        gaps[:, FEATURES.index("merchant_risk")] = np.nan
        blind = float(((model.scores(gaps) >= 0.5) == rows.fraud).mean())
        assert 0.5 < blind < accuracy(model, rows)


def test_a_row_alone_is_scored_as_in_a_batch(rows: Payments) -> None:
    model = train("better", rows)
    alone = [model.scores(rows.numbers[at : at + 1])[0] for at in range(20)]
    assert np.allclose(alone, model.scores(rows.numbers[:20]), rtol=1e-12)


def test_a_saved_model_scores_as_before(rows: Payments, tmp_path: Path) -> None:
    model = train("baseline", rows)
    model.save(tmp_path / "model.joblib")
    assert np.array_equal(
        load_model(tmp_path / "model.joblib").scores(rows.numbers), model.scores(rows.numbers)
    )


def test_a_file_with_something_else_is_refused(tmp_path: Path) -> None:
    joblib.dump({"no": "model"}, tmp_path / "x.joblib")
    with pytest.raises(TypeError, match="holds a dict"):
        load_model(tmp_path / "x.joblib")


def test_sentinels_below_zero_do_not_break_the_logarithms() -> None:
    assert np.isfinite(shaped(np.full((1, len(FEATURES)), -999.0))).all()
