"""Lay out an MLServer folder with a classifier of irises; run inside the model servers' environment.

Knows the recipes of a baseline and of a candidate that answers almost alike; refuses to know who asks. Run
with the folder, the first of three ports, and the recipe's name.
"""

import json
import sys
from pathlib import Path
from typing import Any

import joblib
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

RECIPES: dict[str, Any] = {  # Any: scikit-learn has no types
    "baseline": LogisticRegression(max_iter=500),
    "candidate": RandomForestClassifier(n_estimators=5, random_state=0),
}


def main(folder: Path, first_port: int, recipe: str) -> None:
    """Train and write."""
    rows, classes = load_iris(return_X_y=True)
    folder.mkdir(parents=True)
    joblib.dump(RECIPES[recipe].fit(rows, classes), folder / "model.joblib")
    ports = {"http_port": first_port, "grpc_port": first_port + 1, "metrics_port": first_port + 2}
    settings = {"host": "127.0.0.1", "parallel_workers": 0, "debug": False, **ports}
    model = {
        "name": "iris",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib", "version": "v1"},
    }
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
