"""Which lines are drawn: a class a role, a break where nothing was due, bands where faults were."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from report.facts import gather
from report.run_charts import charts_of

S = 1_000_000_000
Write = Callable[[Sequence[Mapping[str, object]]], Path]


def test_a_whole_run_has_every_chart(untouched_run: Path) -> None:
    charts = charts_of(gather(untouched_run))
    assert len(charts.latency) == 3
    assert len(charts.traffic) == 2
    assert len(charts.lag) == 2
    assert len(charts.resources) == 2
    assert charts.lanes is not None


def test_nothing_recorded_means_nothing_drawn(bare_folder: Path) -> None:
    charts = charts_of(gather(bare_folder))
    assert (charts.legend, charts.latency, charts.lanes) == ((), (), None)


def test_arms_keep_one_style_through_all_charts(untouched_run: Path) -> None:
    charts = charts_of(gather(untouched_run))
    styles = {key.name: key.style for key in charts.legend}
    assert styles == {"stable": "baseline", "smaller": "candidate", "stable-b": "reference"}
    assert {key.name: key.style for key in charts.resources_legend} == styles


def test_several_references_differ_in_dash(with_rows: Write) -> None:
    folder = with_rows([{"target": name, "role": "reference"} for name in ("a", "b")])
    assert [key.style for key in charts_of(gather(folder)).legend] == ["reference", "reference second"]


def test_a_pause_breaks_the_latency_and_takes_the_rate_to_nought(with_rows: Write) -> None:
    dues = (0, S, 7 * S, 8 * S, 9 * S)
    facts = gather(with_rows([{"due_ns": due, "sent_ns": due, "done_ns": due + S // 9} for due in dues]))
    charts = charts_of(facts)
    assert charts.latency[0].wide.count('class="line baseline"') == 0
    assert charts.latency[0].wide.count('class="dot baseline"') == 5
    assert "from 0/s to" in charts.traffic[0].wide


def test_a_fault_without_an_end_reaches_to_the_end_of_the_run(untouched_run: Path) -> None:
    facts = gather(untouched_run)
    charts = charts_of(facts)
    assert charts.lanes is not None
    assert "slow-features from 4 s to 6 s; no-tenure from 6 s to 7 s" in charts.lanes.wide


def test_the_failure_chart_is_drawn_where_nothing_failed(with_rows: Write) -> None:
    charts = charts_of(gather(with_rows([{}])))
    assert json.dumps([figure.title for figure in charts.traffic]).count("Failed") == 1
