"""What the page about profiles shows can be read, and gives the arrivals that the page says."""

import re
from pathlib import Path

import numpy as np
import pytest

from loadprofiles.arrivals import ARRIVALS
from loadprofiles.notation import parse_profile
from loadprofiles.profile import total
from loadprofiles.shapes import FORMS

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text("utf-8")
OFFSETS = np.array([0, 10, 30], dtype=np.int64)
NOTATION = PAGE.partition("## Writing a profile")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| `([^`]+)` \| .* \| (\d+|as recorded) \|$", NOTATION, re.MULTILINE)
BLOCKS = re.findall(r"```profile\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r'--profile "([^"]+)"', PAGE)


@pytest.mark.parametrize(("text", "count"), ROWS)
def test_every_profile_of_the_table_expects_what_the_table_says(text: str, count: str) -> None:
    expected = len(OFFSETS) if count == "as recorded" else int(count)
    assert total(parse_profile(text, offsets_ns=OFFSETS)) == pytest.approx(expected)


@pytest.mark.parametrize("text", [*BLOCKS, *COMMANDS])
def test_every_profile_of_the_page_can_be_read(text: str) -> None:
    assert total(parse_profile(text, offsets_ns=OFFSETS)) > 0


def test_the_page_has_every_shape_and_every_process() -> None:
    shown = [text.split()[0] for text, _ in ROWS]
    assert set(FORMS) == set(shown)
    assert len(BLOCKS) == len(COMMANDS) == 1
    for name in ARRIVALS:
        assert f"| `{name}` |" in PAGE
