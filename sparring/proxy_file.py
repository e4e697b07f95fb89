"""The file of `sparring proxy`: the proxy's own settings, and what the recorder beside it needs to know.

Knows which keys are whose; refuses to start anything. The proxy forwards and journals; where predictions and
labels are is the recorder's business, so those keys are not in the proxy's own configuration.
"""

from pathlib import Path
from typing import Any

from pydantic import Field

from recording.run_folder import RunFolder
from shadow_proxy.config import ProxyConfig
from sparring.predictions import PredictionSource

_OF_THE_RECORDER = {"predictions", "labels"}


class ProxyFile(ProxyConfig):
    """A proxy with a recorder beside it."""

    predictions: PredictionSource = PredictionSource()
    labels: Path | None = Field(
        default=None, description="a trace whose labels and slices join by request id"
    )

    def of_proxy(self) -> dict[str, Any]:  # Any: JSON
        """The part for `python -m shadow_proxy`."""
        return self.model_dump(mode="json", exclude=_OF_THE_RECORDER)

    def of_recorder(self, folder: RunFolder) -> dict[str, Any]:  # Any: JSON
        """The part for `python -m sparring.recorder`."""
        return {
            "folder": str(folder.path),
            "stay": True,
            "trace": str(self.labels) if self.labels else None,
            "predictions": self.predictions.model_dump(mode="json"),
            "targets": [{"name": target.name, "role": target.role.value} for target in self.targets],
        }
