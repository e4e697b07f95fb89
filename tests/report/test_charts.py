"""A panel breaks its lines where nothing was measured and never draws what is not a number."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.charts import NARROW, WIDE, Band, Line, Panel, draw, draw_lanes
from report.wording import duration

Points = tuple[tuple[float, float | None], ...]


def _panel(points: Points, *, bands: tuple[Band, ...] = (), end_s: float = 10.0) -> Panel:
    line = Line(name="stable", style="baseline", points=points)
    return Panel(
        title="p99",
        start_s=0.0,
        end_s=end_s,
        lines=(line,),
        bands=bands,
        shown=duration,
        may_be_logarithmic=True,
    )


def test_a_line_breaks_where_nothing_was_measured() -> None:
    drawn = draw(_panel(((0, 1.0), (1, 2.0), (2, None), (3, 2.0), (4, 1.0))), width=WIDE)
    assert drawn.count("<path") == 2


def test_a_lone_value_is_a_dot() -> None:
    drawn = draw(_panel(((0, None), (1, 2.0), (2, None))), width=WIDE)
    assert drawn.count("<circle") == 1
    assert "<path" not in drawn


def test_a_panel_tells_its_lines_in_words() -> None:
    drawn = draw(_panel(((0, 2e6), (1, 4e6), (2, 3e6))), width=WIDE)
    assert "stable: typically 3 ms, from 2 ms to 4 ms." in drawn


def test_a_panel_without_values_says_so() -> None:
    assert "stable: nothing was measured." in draw(_panel(((0, None),)), width=NARROW)


def test_a_logarithmic_scale_is_said_in_words() -> None:
    assert "logarithmic" in draw(_panel(((0, 1e6), (1, 1e9))), width=WIDE)


def test_bands_lie_on_the_same_scale_as_the_lines() -> None:
    drawn = draw(
        _panel(((0, 1.0), (10, 1.0)), bands=(Band(name="slow", start_s=0.0, end_s=10.0),)), width=WIDE
    )
    found = re.search(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', drawn)
    line = re.search(r'd="M([\d.]+) [\d.]+L([\d.]+) ', drawn)
    assert found
    assert line
    assert float(found[1]) == float(line[1])
    assert float(found[1]) + float(found[2]) == pytest.approx(float(line[2]))


def test_windows_that_overlap_are_shaded_once() -> None:
    spans = ((5.0, 9.0), (1.0, 3.0), (2.0, 4.0))
    bands = tuple(Band(name=f"b{start}", start_s=start, end_s=end) for start, end in spans)
    assert draw(_panel(((0, 1.0),), bands=bands), width=WIDE).count('class="band"') == 2


def test_the_first_line_is_drawn_on_top() -> None:
    lines = tuple(
        Line(name=name, style=name, points=((0, 1.0), (1, 1.0))) for name in ("baseline", "candidate")
    )
    panel = Panel(title="p50", start_s=0, end_s=1, lines=lines, bands=(), shown=duration)
    drawn = draw(panel, width=WIDE)
    assert drawn.index("line candidate") < drawn.index("line baseline")


def test_names_of_windows_are_drawn_and_escaped() -> None:
    drawn = draw_lanes((Band(name="<script>", start_s=1, end_s=2),), start_s=0, end_s=10, width=NARROW)
    assert "<script>" not in drawn
    assert drawn.count("&lt;script&gt;") >= 2


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1e13)), max_size=40),
    st.floats(0.001, 1e6),
    st.sampled_from((NARROW, WIDE)),
)
def test_all_numbers_of_a_drawing_are_finite_and_inside(
    values: list[float | None], end_s: float, width: float
) -> None:
    points = tuple((index / 40 * end_s, value) for index, value in enumerate(values))
    drawn = draw(_panel(points, end_s=end_s), width=width)
    for attribute in re.findall(r' (?:x|y|x1|x2|y1|y2|cx|cy|d|width|height)="([^"]*)"', drawn):
        for piece in re.findall(r"[^\sML]+", attribute):
            assert -1 <= float(piece) <= WIDE
