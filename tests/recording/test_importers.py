"""Importers keep every byte they can, count what they cannot, and say where."""

import contextlib
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recording.errors import InputError
from recording.importers.goreplay import SEPARATOR
from recording.importers.table import IMPORTERS, Imported, import_files
from recording.trace import iter_requests

POST = b"1 aa 2000 1\nPOST /p?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nX-A:  v \r\n\r\nhello"
CHUNKED = (
    b"1 bb 1000\nPUT /q HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-T: 1\r\n\r\n"
)
ANSWER = b"2 aa 2500 1\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def imported(tmp_path: Path, content: bytes, *, name: str = "in.gor", **options: str | bool) -> Imported:
    (tmp_path / name).write_bytes(content)
    return import_files([tmp_path / name], out=tmp_path / "out.parquet", **options)  # type: ignore[arg-type]  # options


def test_goreplay_requests_are_kept_and_sorted(tmp_path: Path) -> None:
    """Bodies whole and de-chunked, headers in order without framing, answers counted, times from the
    first."""
    result = imported(tmp_path, SEPARATOR.join([POST, ANSWER, CHUNKED]) + SEPARATOR)
    requests = list(iter_requests(tmp_path / "out.parquet"))
    assert [(r.id, r.at_ns, r.method, r.path, r.body) for r in requests] == [
        ("bb", 0, "PUT", "/q", b"abcde"),
        ("aa", 1000, "POST", "/p?x=1", b"hello"),
    ]
    assert requests[1].headers == (("Host", "h"), ("X-A", "v"))
    assert requests[0].headers == (("Host", "h"),)
    assert result.facts.changed == {"responses_left_out": 1, "out_of_order": 1}


def test_goreplay_damage_is_counted_with_its_place(tmp_path: Path) -> None:
    """A cut body and a broken head cost only themselves."""
    result = imported(tmp_path, SEPARATOR.join([POST[:-2], b"1 x notanumber\nGET", POST]))
    assert result.facts.requests == 1
    assert result.facts.changed == {"truncated": 1, "malformed": 1}
    assert any("record 2" in note for note in result.notes)


def test_strict_refuses_at_the_place(tmp_path: Path) -> None:
    """And leaves no trace behind."""
    with pytest.raises(InputError, match="record 1: the request's body is cut short"):
        imported(tmp_path, POST[:-2], strict=True)
    assert not (tmp_path / "out.parquet").exists()


def test_equal_ids_become_unique(tmp_path: Path) -> None:
    """Ids join everything later on, so two requests never share one."""
    result = imported(tmp_path, SEPARATOR.join([POST, POST]))
    assert [r.id for r in iter_requests(tmp_path / "out.parquet")] == ["aa", "aa#2"]
    assert result.facts.changed == {"ids_made_unique": 1}


def test_an_id_that_cannot_travel_in_a_header_is_replaced(tmp_path: Path) -> None:
    """It goes out as X-Request-Id, and must come back as the same text."""
    lines = [{"id": name, "at_s": 0, "path": "/"} for name in ("caf\u00e9", "a\nb", "x" * 300, "fine id")]
    result = imported(tmp_path, "\n".join(map(json.dumps, lines)).encode(), name="in.jsonl")
    assert [r.id for r in iter_requests(tmp_path / "out.parquet")] == ["r1", "r2", "r3", "fine id"]
    assert result.facts.changed == {"ids_replaced": 3}


def test_json_lines_with_labels_and_slices(tmp_path: Path) -> None:
    """Bodies as JSON, text or base64; labels as JSON; a bad line is named by its number."""
    lines = [
        {"id": "a", "at_s": 0.5, "path": "/p", "body": {"x": 1}, "label": 1, "slices": {"r": "EU"}},
        {"at_ns": 500_000_000, "path": "/q", "body_base64": "AP8=", "headers": [["A", "1"], ["A", "2"]]},
        {"at_s": 1, "path": "/x", "lable": 1},
        {"at_s": 1, "path": "no-slash"},
    ]
    result = imported(tmp_path, "\n\n".join(map(json.dumps, lines)).encode(), name="in.jsonl")
    first, second = iter_requests(tmp_path / "out.parquet")
    assert (first.id, first.method, first.body, first.label, first.slices) == (
        "a",
        "POST",
        b'{"x":1}',
        "1",
        {"r": "EU"},
    )
    assert (second.at_ns, second.body, second.headers) == (0, b"\0\xff", (("A", "1"), ("A", "2")))
    assert result.facts.changed == {"malformed": 2}
    assert any(":5: unknown key 'lable' (did you mean 'label'?)" in note for note in result.notes)


def test_gzip_is_seen_through_and_a_cut_one_is_counted(tmp_path: Path) -> None:
    """By content, not by name."""
    packed = gzip.compress(SEPARATOR.join([POST] * 200))
    assert imported(tmp_path, packed).facts.requests == 200
    cut = imported(tmp_path, packed[:-20])
    assert cut.facts.requests > 0
    assert any("cut short" in note for note in cut.notes)


@pytest.mark.parametrize("content", [b"", b"hello world", b"PAR1....PAR1", b'{"a": 1}\n'])
def test_a_foreign_file_is_refused_with_the_formats_known(tmp_path: Path, content: bytes) -> None:
    """The message shows how it begins and names --format."""
    with pytest.raises(InputError, match="--format"):
        imported(tmp_path, content)


def test_a_file_without_requests_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    """Empty in effect is an error, not an empty trace."""
    with pytest.raises(InputError, match="holds no requests"):
        imported(tmp_path, ANSWER)
    with pytest.raises(InputError, match="cannot be read"):
        import_files([tmp_path / "none"], out=tmp_path / "out.parquet")
    with pytest.raises(InputError, match="no importer"):
        imported(tmp_path, POST, format_name="pcap")


@given(
    base=st.sampled_from(
        [SEPARATOR.join([POST, CHUNKED, ANSWER]), b'{"at_s":0,"path":"/p","body":"x"}\n' * 3]
    ),
    places=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=12),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
def test_mutated_files_import_or_are_refused(
    base: bytes, places: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the bytes, the only error is one that a person can act on."""
    content = bytearray(base)
    for place, value in places:
        content[place % len(content)] = value
    with contextlib.suppress(InputError):
        imported(tmp_path_factory.mktemp("fuzz"), bytes(content))


def test_the_table_has_a_null_member(tmp_path: Path) -> None:
    """The template reads nothing, and says so as any other."""
    assert not IMPORTERS["nothing"].recognises(POST)
    with pytest.raises(InputError, match="holds no requests"):
        imported(tmp_path, POST, format_name="nothing")


def test_the_recorded_capture_imports_whole(shared_data: Path, tmp_path: Path) -> None:
    """A real capture: all requests, byte counts and duration as recorded."""
    capture = shared_data / "goreplay" / "datadog_requests_0.gor"
    result = import_files([capture], out=tmp_path / "out.parquet")
    requests = list(iter_requests(tmp_path / "out.parquet"))
    assert (len(requests), result.facts.changed) == (101, {})
    assert [sum(r.method == m for r in requests) for m in ("GET", "POST")] == [99, 2]
    assert result.facts.duration_ns == 518_564_210_000
