"""The fixture of every end-to-end test."""

from pathlib import Path

import pytest

from tests.end_to_end.rehearsing import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A folder to write run files in and to run the command on them."""
    return Bench(folder=tmp_path)
