"""The table of importers, and the one way through it: files in, one sorted trace out.

Knows which formats there are, how to tell them apart by content, and how arrivals of several files become one
trace: times from the first arrival on, stable order, unique ids. Refuses to know any format. Called by
`sparring import`.

A file that is in order is streamed. One that is not is sorted on disk, in runs of bounded size that are
merged (the arrivals alone are too few bytes to matter; the requests are not).
"""

import heapq
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from recording.errors import InputError
from recording.exchange import Request
from recording.importers.goreplay import GoReplay
from recording.importers.importer import Importer, Tally
from recording.importers.jsonl import JsonLines
from recording.importers.nothing import Nothing
from recording.importers.opened import open_input
from recording.trace import TraceFacts, TraceWriter

IMPORTERS: dict[str, Importer] = {member.name: member for member in (GoReplay(), JsonLines(), Nothing())}
AUTO = "auto"
_HEAD_BYTES = 64 << 10
_RUN_REQUESTS = 20_000
MAX_ID_CHARACTERS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import made, and what it had to say."""

    facts: TraceFacts
    notes: tuple[str, ...]
    formats: tuple[str, ...]


def import_files(files: list[Path], *, out: Path, format_name: str = AUTO, strict: bool = False) -> Imported:
    """Read `files` of one or several formats into one trace at `out`."""
    members = [(path, _member(path, format_name)) for path in files]
    tallies = [Tally(path=path, strict=strict) for path in files]
    requests = (
        request
        for (path, member), tally in zip(members, tallies, strict=True)
        for request in _read(path, member, tally)
    )
    formats = tuple(dict.fromkeys(member.name for _, member in members))
    with tempfile.TemporaryDirectory(dir=_folder_of(out), prefix=".import-") as scratch:
        facts = _write(requests, out=out, tallies=tallies, formats=formats, scratch=Path(scratch))
    return Imported(
        facts=facts, notes=tuple(note for tally in tallies for note in tally.notes), formats=formats
    )


def _folder_of(out: Path) -> Path:
    folder = out.resolve().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"cannot make the folder: {error.strerror}", place=str(folder), fix="choose another --out"
        ) from None
    return folder


def _write(
    requests: Iterable[Request], *, out: Path, tallies: list[Tally], formats: tuple[str, ...], scratch: Path
) -> TraceFacts:
    origin = ", ".join(tally.path.name for tally in tallies)
    writer = TraceWriter(out, origin=origin, importer="+".join(formats))
    try:
        first_ns: int | None = None
        seen: dict[str, int] = {}
        for number, request in enumerate(_in_order(requests, scratch=scratch, tally=tallies[0]), 1):
            first_ns = request.at_ns if first_ns is None else first_ns
            name = _unique(request.id, number=number, seen=seen, tally=tallies[0])
            writer.append(replace(request, id=name, at_ns=request.at_ns - first_ns))
        if first_ns is None:
            expected = " or ".join(formats)
            raise InputError("holds no requests", place=origin, fix=f"is it {expected}? see --format")
    except BaseException:
        writer.abandon()
        raise
    writer.changed = _together(tallies)
    return writer.close()


def _together(tallies: list[Tally]) -> dict[str, int]:
    changed: dict[str, int] = {}
    for tally in tallies:
        for kind, count in tally.changed.items():
            changed[kind] = changed.get(kind, 0) + count
    return changed


def _member(path: Path, format_name: str) -> Importer:
    if format_name != AUTO:
        if format_name not in IMPORTERS:
            raise InputError(
                f"no importer {format_name!r}", place="--format", fix=f"one of {', '.join(IMPORTERS)}"
            )
        return IMPORTERS[format_name]
    file, _ = open_input(path)
    with file:
        head = file.read(_HEAD_BYTES)
    for member in IMPORTERS.values():
        if member.recognises(head):
            return member
    shown = "it is empty" if not head else f"it begins with {head[:24]!r}"
    raise InputError(
        f"is of no format that is known here; {shown}",
        place=str(path),
        fix=f"name the format: --format {'|'.join(IMPORTERS)}",
    )


def _read(path: Path, member: Importer, tally: Tally) -> Iterator[Request]:
    file, packed = open_input(path)
    with file:
        yield from member.read(file, tally)
    if packed is not None and packed.damage:
        tally.count("truncated", place="end", reason=packed.damage)


def _unique(request_id: str, *, number: int, seen: dict[str, int], tally: Tally) -> str:
    """An id that no other request has and that can travel in a header field."""
    if not request_id:
        return f"r{number}"
    if len(request_id) > MAX_ID_CHARACTERS or not request_id.isascii() or not request_id.isprintable():
        tally.count(
            "ids_replaced", place=f"r{number}", reason=f"id {request_id[:40]!r} cannot be a header's value"
        )
        return f"r{number}"
    count = seen.get(request_id, 0) + 1
    seen[request_id] = count
    if count == 1:
        return request_id
    tally.count("ids_made_unique", place=request_id, reason=f"id {request_id!r} stands more than once")
    return _unique(f"{request_id}#{count}", number=number, seen=seen, tally=tally)


def _in_order(requests: Iterable[Request], *, scratch: Path, tally: Tally) -> Iterator[Request]:
    """By time, first come first; sorted runs go to disk, and one run in order costs nothing but that."""
    runs: list[Path] = []
    last_ns = -(1 << 63)
    run: list[Request] = []
    for request in requests:
        if request.at_ns < last_ns:
            tally.count("out_of_order", place=request.id, reason="arrives before the one ahead of it")
        last_ns = max(last_ns, request.at_ns)
        run.append(request)
        if len(run) >= _RUN_REQUESTS:
            runs.append(_spill(run, scratch / str(len(runs))))
            run = []
    run.sort(key=_arrival)
    yield from heapq.merge(*(_spilled(path) for path in runs), run, key=_arrival)


def _arrival(request: Request) -> int:
    return request.at_ns


def _spill(run: list[Request], path: Path) -> Path:
    run.sort(key=_arrival)
    with path.open("wb") as file:
        for request in run:
            pickle.dump(request, file)
    return path


def _spilled(path: Path) -> Iterator[Request]:
    with path.open("rb") as file:
        while True:
            try:
                yield pickle.load(file)  # what this process wrote a moment ago, in its own folder
            except EOFError:
                return
