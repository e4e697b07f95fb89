"""A manifest is whole or not there."""

from pathlib import Path

import pytest

from recording.errors import InputError
from recording.run_folder import RunFolder


def test_keys_are_added_and_replaced(tmp_path: Path) -> None:
    """And no temporary file stays."""
    folder = RunFolder(tmp_path).create()
    folder.update_manifest(a=1, b=2)
    folder.update_manifest(b=3)
    assert folder.read_manifest() == {"version": 1, "a": 1, "b": 3}
    assert not list(tmp_path.glob(".*"))


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    """Not read as an empty one."""
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json"):
        RunFolder(tmp_path).read_manifest()
