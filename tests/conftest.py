"""Fixtures that every test folder shares: where real recorded inputs are, if they are here at all."""

import os
from pathlib import Path

import pytest

SHARED_DATA = Path(os.environ.get("SPARRING_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real traces, payloads and labelled data; the test is skipped where it is missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"needs the folder of real inputs, not found at {SHARED_DATA} (set SPARRING_DATA)")
    return SHARED_DATA
