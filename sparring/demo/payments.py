"""A made-up payments stream: what each payment looks like, and whether it was fraud.

Knows one stated process, from which training and replay rows are drawn, and one seed. Refuses to know models,
requests and files. Called by `rehearsal.py` and by tests.

Numbers are drawn by numpy, all rows at once; names of people, places and merchants are Faker's, in the
language of the country. A payment is fraud with probability 1 / (1 + exp(-z)), where z is `log_odds`: the sum
of a few effects, most of them of logarithms and of two features together, so that a model of the raw columns
sees a part of it, and no model can see the last draw. About three payments in ten are fraud: a stream behind
a first filter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from faker import Faker
from numpy.typing import NDArray

Column = NDArray[np.float64]
Texts = NDArray[np.str_]

FEATURES = (
    "amount",
    "hour",
    "distance_km",
    "payments_last_hour",
    "device_age_days",
    "card_age_days",
    "merchant_risk",
    "country_mismatch",
)
TEXTS = ("merchant", "category", "city", "country", "cardholder")

_COUNTRIES = {"DE": "de_DE", "FR": "fr_FR", "IT": "it_IT", "ES": "es_ES", "NL": "nl_NL", "PL": "pl_PL"}
_COUNTRY_SHARES = (0.3, 0.22, 0.16, 0.14, 0.1, 0.08)
_CATEGORIES = ("groceries", "travel", "electronics", "games", "fashion", "fuel")
_CATEGORY_SHARES = (0.34, 0.1, 0.16, 0.12, 0.18, 0.1)
_MEDIAN_AMOUNTS = np.array([35.0, 280.0, 190.0, 25.0, 70.0, 55.0])
_RISKY_SHAPES = np.array([1.0, 3.0, 4.0, 5.0, 2.0, 1.0])
_WORDS_PER_COUNTRY = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Payments:
    """Payments in order of arrival: `numbers` has the columns `FEATURES`, `texts` those of `TEXTS`."""

    numbers: Column
    texts: dict[str, Texts]
    fraud: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.fraud)


def payments(count: int, *, seed: int) -> Payments:
    """`count` payments of the process; the same seed gives the same payments."""
    chance = np.random.default_rng(seed)
    country = chance.choice(len(_COUNTRIES), count, p=_COUNTRY_SHARES)
    category = chance.choice(len(_CATEGORIES), count, p=_CATEGORY_SHARES)
    numbers = _numbers(category, chance)
    fraud = chance.random(count) < 1 / (1 + np.exp(-log_odds(numbers)))
    return Payments(numbers=numbers, texts=_texts(country, category, chance), fraud=fraud)


def log_odds(numbers: Column) -> Column:
    """The truth: the log-odds of fraud of each row."""
    amount, hour, distance, velocity, device_age, card_age, risk, mismatch = numbers.T
    night = (hour < 5) | (hour >= 23)
    effects: Column = (
        0.9 * np.log(amount / 60)
        + 1.6 * night
        + 0.55 * np.log1p(distance / 10)
        + 0.8 * velocity
        - 0.5 * np.log(device_age / 60)
        - 0.45 * np.log(card_age / 400)
        + 4.0 * (risk - 0.3)
        + 1.2 * mismatch
        + 1.2 * mismatch * night
    )
    return 1.3 * effects - 2.7


def _numbers(category: NDArray[np.int64], chance: np.random.Generator) -> Column:
    count = len(category)
    columns: tuple[NDArray[Any], ...] = (  # Any: of whatever number the distribution has
        np.round(_MEDIAN_AMOUNTS[category] * chance.lognormal(0, 0.9, count) + 0.01, 2),
        np.round((15 + 6 * chance.standard_normal(count)) % 24, 2),
        np.round(chance.lognormal(1.8, 1.3, count), 1),
        chance.poisson(0.7, count),
        np.ceil(chance.exponential(90, count) + 1),
        np.ceil(chance.lognormal(6, 1, count)),
        np.round(chance.beta(_RISKY_SHAPES[category], 8), 3),
        chance.random(count) < 0.12,
    )
    return np.column_stack([column.astype(np.float64) for column in columns])


def _texts(
    country: NDArray[np.int64], category: NDArray[np.int64], chance: np.random.Generator
) -> dict[str, Texts]:
    seed = int(chance.integers(2**32))
    word = chance.integers(_WORDS_PER_COUNTRY, size=(3, len(country)))
    return {
        "merchant": _words(lambda fake: fake.company(), seed)[country, word[0]],
        "category": np.array(_CATEGORIES)[category],
        "city": _words(lambda fake: fake.city(), seed)[country, word[1]],
        "country": np.array(list(_COUNTRIES))[country],
        "cardholder": _words(lambda fake: fake.name(), seed)[country, word[2]],
    }


def _words(word: Callable[[Faker], str], seed: int) -> Texts:
    """Some words of each country, one row a country."""
    rows = []
    for locale in _COUNTRIES.values():
        fake = Faker(locale)
        fake.seed_instance(seed)
        rows.append([word(fake) for _ in range(_WORDS_PER_COUNTRY)])
    return np.array(rows)
