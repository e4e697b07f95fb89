"""The picture of a criterion: the margin is drawn on its side, and unknown ends have arrows."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from report.intervals import Interval, draw_interval

ACCURACY = Interval(
    estimate=0.004,
    one_look=(-0.003, 0.011),
    deciding=(-0.006, 0.014),
    neutral=0.0,
    limit=-0.01,
    worse=-1,
    neutral_name="no difference",
    limit_name="margin −1 pp",
    style="pass",
    sentence="the candidate is as good",
)


def _attribute(drawn: str, class_: str, name: str) -> float:
    element = next(piece for piece in drawn.split("<") if f'class="{class_}"' in piece)
    found = re.search(rf' {name}="([-\d.]+)"', element)
    assert found
    return float(found[1])


def test_the_side_beyond_the_margin_is_shaded() -> None:
    lower_is_worse = draw_interval(ACCURACY)
    assert _attribute(lower_is_worse, "forbidden", "x") < _attribute(lower_is_worse, "limit", "x1")
    higher_is_worse = draw_interval(replace(ACCURACY, worse=1, limit=0.02))
    assert _attribute(higher_is_worse, "forbidden", "x") == _attribute(higher_is_worse, "limit", "x1")


def test_order_on_the_axis_is_the_order_of_values() -> None:
    drawn = draw_interval(ACCURACY)
    places = [_attribute(drawn, name, "x1") for name in ("limit", "span", "one-look", "neutral")]
    assert places == sorted(places)
    assert _attribute(drawn, "point", "cx") > places[-1]


def test_bounds_without_an_end_run_to_the_edge_with_an_arrow() -> None:
    assert draw_interval(ACCURACY).count("<path") == 0
    assert draw_interval(replace(ACCURACY, deciding=(None, 0.014))).count("<path") == 1


def test_without_bounds_and_margin_the_estimate_stands_alone() -> None:
    bare = replace(ACCURACY, deciding=(None, None), one_look=(None, None), limit=None, neutral=None)
    drawn = draw_interval(bare)
    assert "<circle" in drawn
    assert not re.search("span|one-look|forbidden|neutral", drawn)


NUMBERS = st.one_of(st.none(), st.floats(-1e6, 1e6))


@given(st.floats(-1e6, 1e6), NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.sampled_from((-1, 1)))
def test_every_finite_result_can_be_drawn(
    estimate: float,
    low: float | None,
    high: float | None,
    limit: float | None,
    other: float | None,
    worse: int,
) -> None:
    interval = replace(
        ACCURACY, estimate=estimate, one_look=(low, high), deciding=(other, high), limit=limit, worse=worse
    )
    drawn = draw_interval(interval)
    assert "nan" not in drawn.lower()
    for x in re.findall(r' (?:x|x1|x2|cx)="([^"]*)"', drawn):
        assert 0 <= float(x) <= 320
