"""The demo's models: four recipes, trained with scikit-learn when the demo is built.

Knows recipes, and which rows each is trained on. Refuses to know requests. Trained by `rehearsal.py`, loaded
by `model_server.py`.

| model | recipe | how good | |---|---|---| | `baseline` | logistic regression on the columns as they come |
yesterday's model | | `same` | the same recipe on the other half of the rows | as good, answers differ on a
few rows | | `better` | logarithms of skewed columns, a night flag, two features together | sees more | |
`worse` | the baseline's recipe, trained on amounts in cents and distances in metres | the classic unit mix-up
|

Every recipe begins with an imputer: a missing feature costs accuracy and is no error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sparring.demo.payments import FEATURES, Column, Payments


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A trained pipeline, and the order of the features in its rows (NaN for a missing one)."""

    name: str
    features: tuple[str, ...]
    pipeline: Pipeline

    def scores(self, rows: Column) -> Column:
        """The probability of fraud of each row."""
        probabilities: Column = self.pipeline.predict_proba(rows)[:, 1]
        return probabilities

    def save(self, path: Path) -> None:
        """Write the model to a file."""
        joblib.dump(self, path)


def load_model(path: Path) -> Model:
    """The model of a file that `save` wrote; a pickle, so only of files that one trusts."""
    model = joblib.load(path)
    if not isinstance(model, Model):
        raise TypeError(f"{path} holds a {type(model).__name__}, not a model of the demo")
    return model


def train(name: str, rows: Payments) -> Model:
    """The model `name` of the table above, trained on its part of `rows`."""
    recipe = RECIPES[name]
    part = slice(recipe.first, None, 2)
    pipeline = recipe.pipeline()
    pipeline.fit(recipe.units(rows.numbers[part]), rows.fraud[part])
    return Model(name=name, features=FEATURES, pipeline=pipeline)


class MedianImputer(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Puts a column's median where a value is missing; on single rows ten times as fast as SimpleImputer."""

    def fit(self, rows: Column, _fraud: object = None) -> "MedianImputer":
        """Learn the medians."""
        self.medians_ = np.nanmedian(rows, axis=0)
        return self

    def transform(self, rows: Column) -> Column:
        """The rows without gaps."""
        return np.where(np.isnan(rows), self.medians_, rows)


def plain() -> Pipeline:
    """Columns as they come."""
    return make_pipeline(MedianImputer(), StandardScaler(), LogisticRegression())


def engineered() -> Pipeline:
    """Columns as an analyst would shape them."""
    return make_pipeline(MedianImputer(), FunctionTransformer(shaped), StandardScaler(), LogisticRegression())


def shaped(rows: Column) -> Column:
    """Logarithms of the skewed columns, a night flag, and mismatch at night."""
    amount, hour, distance, velocity, device_age, card_age, risk, mismatch = rows.T
    night = ((hour < 5) | (hour >= 23)).astype(np.float64)
    logs = (np.log1p(np.maximum(column, 0)) for column in (amount, distance, device_age, card_age))
    return np.column_stack([*logs, night, velocity, risk, mismatch, mismatch * night])


def as_they_come(rows: Column) -> Column:
    """The units of the traffic."""
    return rows


def cents_and_metres(rows: Column) -> Column:
    """The units of an export that nobody checked."""
    factors = np.ones(len(FEATURES))
    factors[FEATURES.index("amount")] = 100
    factors[FEATURES.index("distance_km")] = 1000
    return rows * factors


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a model is trained: on every second row from `first` on, in these units, by this pipeline."""

    pipeline: Callable[[], Pipeline] = plain
    units: Callable[[Column], Column] = as_they_come
    first: int = 0


RECIPES: dict[str, Recipe] = {
    "baseline": Recipe(),
    "same": Recipe(first=1),
    "better": Recipe(pipeline=engineered, first=1),
    "worse": Recipe(units=cents_and_metres, first=1),
}
