"""The made-up payments stream."""

import numpy as np
import pytest

from sparring.demo.payments import FEATURES, TEXTS, log_odds, payments


def test_the_same_seed_gives_the_same_payments_and_another_seed_others() -> None:
    one, again, other = (payments(500, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(one.numbers, again.numbers)
    assert np.array_equal(one.fraud, again.fraud)
    assert all(np.array_equal(one.texts[name], again.texts[name]) for name in TEXTS)
    assert not np.array_equal(one.numbers, other.numbers)


@pytest.mark.parametrize("seed", [1, 7, 2026])
def test_about_three_in_ten_are_fraud_so_that_accuracy_means_something(seed: int) -> None:
    assert 0.25 < payments(20_000, seed=seed).fraud.mean() < 0.35


def test_labels_follow_the_stated_log_odds() -> None:
    rows = payments(40_000, seed=5)
    stated = 1 / (1 + np.exp(-log_odds(rows.numbers)))
    for lower in np.arange(0, 1, 0.1):
        inside = (stated >= lower) & (stated < lower + 0.1)
        expected, error = stated[inside].mean(), np.sqrt(stated[inside].mean() / inside.sum())
        assert abs(rows.fraud[inside].mean() - expected) < 4 * error


def test_every_row_has_all_columns_with_numbers_that_can_be() -> None:
    rows = payments(5_000, seed=1)
    assert rows.numbers.shape == (len(rows), len(FEATURES))
    assert np.isfinite(rows.numbers).all()
    assert (rows.numbers >= 0).all()
    assert (rows.numbers[:, FEATURES.index("hour")] <= 24).all()
    assert (rows.numbers[:, FEATURES.index("amount")] > 0).all()
    assert all(len(rows.texts[name]) == len(rows) for name in TEXTS)
    assert len(set(rows.texts["merchant"])) > 100
