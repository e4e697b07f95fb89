"""The page stands alone, says everything in its place, and cannot be made to say what it should not."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from report.facts import gather
from report.html import render, write_html

VOID = {"meta", "br", "hr", "img", "link", "input"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
Write = Callable[[Sequence[Mapping[str, object]]], Path]


class Page(HTMLParser):
    """Which elements there are, whether they nest, and what they say."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def _page(folder: Path) -> tuple[str, Page]:
    text = write_html(folder).read_text("utf-8")
    return text, Page(text)


@pytest.fixture(scope="module")
def whole(untouched_run: Path) -> tuple[str, Page]:
    """The page of a whole run."""
    text = render(gather(untouched_run))
    return text, Page(text)


def test_every_element_is_closed_where_it_was_opened(whole: tuple[str, Page]) -> None:
    _, page = whole
    assert page.open == []


def test_the_verdict_comes_before_everything_else(whole: tuple[str, Page]) -> None:
    _, page = whole
    said = " ".join(page.said)
    assert said.index("HOLD") < said.index("latency_budget: undecided") < said.index("Criteria")


def test_nothing_is_loaded_from_outside(whole: tuple[str, Page]) -> None:
    text, page = whole
    assert {"script", "link", "img", "iframe", "object", "image", "use"}.isdisjoint(
        tag for tag, _ in page.seen
    )
    links = [found["href"] or "" for _, found in page.seen if "href" in found]
    assert links
    assert all(link.startswith("#") for link in links)
    assert not re.search(r"url\(|@import|src=", text)


def test_links_inside_the_page_lead_somewhere(whole: tuple[str, Page]) -> None:
    _, page = whole
    ids = {found["id"] for _, found in page.seen if "id" in found}
    assert {(found["href"] or "")[1:] for _, found in page.seen if "href" in found} <= ids


def test_every_drawing_has_words_for_those_who_do_not_see_it(whole: tuple[str, Page]) -> None:
    _, page = whole
    drawings = [found for tag, found in page.seen if tag == "svg"]
    assert drawings
    assert all(found.get("aria-label") or found.get("aria-hidden") == "true" for found in drawings)


def test_no_drawing_holds_what_is_not_a_number(whole: tuple[str, Page]) -> None:
    _, page = whole
    shapes = [found for tag, found in page.seen if tag in {"path", "rect", "line", "circle", "text"}]
    assert shapes
    for found in shapes:
        assert not re.search(
            r"nan|inf|none", " ".join(found.get(name) or "" for name in ("d", "x", "y", "width"))
        )


def test_the_same_files_give_the_same_bytes(run_folder: Path) -> None:
    first = write_html(run_folder).read_bytes()
    assert write_html(run_folder).read_bytes() == first


def test_hostile_names_stay_text(with_rows: Write, judged: Callable[..., dict[str, object]]) -> None:
    folder = with_rows([{"target": HOSTILE, "outcome": HOSTILE}, {"target": HOSTILE, "role": HOSTILE}])
    result = {"id": HOSTILE, "metric": HOSTILE, "status": HOSTILE, "sentence": HOSTILE, "estimate": 1.0}
    (folder / "manifest.json").write_text(json.dumps({"name": HOSTILE, "notes": HOSTILE, HOSTILE: HOSTILE}))
    (folder / "verdict.json").write_text(json.dumps(judged(reasons=[HOSTILE], results=[result])))
    text, page = _page(folder)
    assert "<script" not in text
    assert "<img" not in text
    assert not any(name.startswith("on") for _, found in page.seen for name in found)
    assert page.open == []


def test_each_part_says_what_is_missing(bare_folder: Path) -> None:
    text, page = _page(bare_folder)
    assert page.open == []
    for name in (
        "exchanges/*.parquet",
        "client/*.parquet",
        "resources.parquet",
        "faults.parquet",
        "manifest.json",
    ):
        assert f"<code>{name}</code>" in text


def test_an_empty_verdict_is_still_a_page(tmp_path: Path) -> None:
    (tmp_path / "verdict.json").write_text('{"verdict": "INVALID"}')
    _, page = _page(tmp_path)
    assert "The verdict holds no results." in " ".join(page.said)


@pytest.mark.parametrize("verdict", ["PASS", "FAIL", "HOLD", "INVALID"])
def test_each_verdict_is_explained(
    bare_folder: Path, judged: Callable[..., dict[str, object]], verdict: str
) -> None:
    (bare_folder / "verdict.json").write_text(json.dumps(judged(verdict=verdict)))
    text, _ = _page(bare_folder)
    assert f'<section class="verdict {verdict.lower()}"' in text


def test_files_without_rows_are_no_reason_to_fail(with_rows: Write) -> None:
    _, page = _page(with_rows([]))
    assert page.open == []


def test_exchanges_that_never_were_sent_have_no_place_in_time(with_rows: Write) -> None:
    never = {"due_ns": -1, "sent_ns": -1, "first_byte_ns": -1, "done_ns": -1, "outcome": "dropped:draining"}
    text, _ = _page(with_rows([never]))
    assert "dropped:draining" in text


def test_a_page_is_never_half_there(run_folder: Path) -> None:
    write_html(run_folder)
    assert [path.name for path in run_folder.glob("*report*")] == ["report.html"]
