"""Train the four models that the rehearsals compare, and lay each out as a folder that MLServer serves.

Knows the recipes and which rows of the stream each may see; refuses to know the replay. Runs inside the
MLServer environment (`prepare.py` starts it there): a model is pickled by the versions that will load it.

The stream is half-hourly and drifts: from row 17,424 on, New South Wales trades with Victoria, and the
last three columns, constant until then, begin to matter. Every training row lies before the replayed ones.

| model    | recipe                                                           | rows                         |
|----------|------------------------------------------------------------------|------------------------------|
| baseline | logistic regression on New South Wales' own price and demand     | one half of the first 12,000 |
| better   | gradient boosting on all six columns                             | 13,000 to 18,000, the latest |
| equal    | the baseline's                                                   | the other half               |
| degraded | the baseline's, trained on percentages but served shares of one  | the baseline's               |
"""

import json
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

FIRST_PORT = {"baseline": 28_080, "better": 28_090, "equal": 28_100, "degraded": 28_110}
OLD_ROWS = 12_000
RECENT_ROWS = slice(13_000, 18_000)
NSW_PRICE_AND_DEMAND = [1, 2]

Rows = NDArray[np.float64]
Classifier = Any  # Any: scikit-learn has no types


def own_market() -> Classifier:
    """Sees the two columns that said something before the markets were joined."""
    columns = FunctionTransformer(np.take, kw_args={"indices": NSW_PRICE_AND_DEMAND, "axis": 1})
    return make_pipeline(columns, StandardScaler(), LogisticRegression())


def both_markets() -> Classifier:
    """Sees all six columns."""
    return GradientBoostingClassifier(n_estimators=30, max_depth=3, random_state=0)


def fit_all(rows: Rows) -> dict[str, Classifier]:
    """Each model by name, fitted on its rows; a row is six features and the class."""
    halves = np.random.default_rng(1).permutation(OLD_ROWS).reshape(2, -1)
    one, other, recent = rows[halves[0]], rows[halves[1]], rows[RECENT_ROWS]
    return {
        "baseline": fitted(own_market(), one),
        "better": fitted(both_markets(), recent),
        "equal": fitted(own_market(), other),
        "degraded": fitted(own_market(), one, unit=100.0),
    }


def fitted(model: Classifier, rows: Rows, *, unit: float = 1.0) -> Classifier:
    """The model, fitted on features in the given unit; classes are integers, so predictions are, too."""
    return model.fit(unit * rows[:, :6], rows[:, 6].astype(np.int64))


def write_server(folder: Path, model: Classifier, *, first_port: int) -> None:
    """An MLServer folder: one process, loopback only, its three ports in a row."""
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    settings = {
        "host": "127.0.0.1",
        "http_port": first_port,
        "grpc_port": first_port + 1,
        "metrics_port": first_port + 2,
        "parallel_workers": 0,
        "debug": False,
    }
    model_settings = {
        "name": "elec",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib", "version": folder.name},
    }
    (folder / "settings.json").write_text(json.dumps(settings, indent=2) + "\n")
    (folder / "model-settings.json").write_text(json.dumps(model_settings, indent=2) + "\n")


def main(csv: Path, out: Path) -> None:
    """Train on the CSV file and write one folder a model under `out`."""
    rows = np.loadtxt(csv, delimiter=",", skiprows=1)
    for name, model in fit_all(rows).items():
        write_server(out / name, model, first_port=FIRST_PORT[name])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
