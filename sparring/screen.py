"""What a person sees while something lasts: a live table on a terminal, plain lines elsewhere.

Knows how to draw progress and live numbers; refuses to know where they come from. The null screen is for
`--json`.
"""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

PLAIN_EVERY_S = 5.0
Numbers = dict[str, Any]  # Any: JSON of the recorder and of the engine


class Screen(Protocol):
    """Where progress goes."""

    def say(self, text: str) -> None:
        """One line that stays."""
        ...

    def show(self, progress: Numbers, live: Numbers) -> None:
        """The numbers as they are now; drawn over the last ones, or printed now and then."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class NoScreen:
    """Shows nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def show(self, progress: Numbers, live: Numbers) -> None:
        """Nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class PlainScreen(NoScreen):
    """Lines, for logs: what happens, and the numbers every few seconds."""

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._shown_s = clock_s()

    def say(self, text: str) -> None:
        """Print the line at once."""
        print(text, file=sys.stderr, flush=True)

    def show(self, progress: Numbers, live: Numbers) -> None:
        """Print one line if the last one is old enough."""
        now = self._clock_s()
        if now - self._shown_s >= PLAIN_EVERY_S:
            self._shown_s = now
            self.say(
                " | ".join([progress_text(progress), *(_target_line(t) for t in live.get("targets", []))])
            )


class LiveScreen(NoScreen):
    """A table that is drawn anew while the run goes on."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=8, transient=True)

    def say(self, text: str) -> None:
        """Print the line above the table."""
        self._console.print(text, highlight=False, markup=False)

    def show(self, progress: Numbers, live: Numbers) -> None:
        """Draw the numbers."""
        total, sent = progress.get("total") or 1, progress.get("sent", 0)
        bar = ProgressBar(total=total, completed=sent, width=60)
        self._live.update(Group(Text(progress_text(progress)), bar, _table(live)))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


def screen_for(*, progress: bool, json_output: bool) -> Screen:
    """The screen that fits: live on a terminal, plain elsewhere or without progress, none for JSON."""
    if json_output:
        return NoScreen()
    console = Console(stderr=True)
    return LiveScreen(console) if progress and console.is_terminal else PlainScreen()


def progress_text(progress: Numbers) -> str:
    """One line about the engine."""
    if not progress:
        return "starting"
    lag = progress.get("lag_p99_ms")
    shown = f", lag p99 {lag:.1f} ms" if isinstance(lag, int | float) else ""
    sent, total, in_flight = (progress.get(key, 0) for key in ("sent", "total", "in_flight"))
    return f"sent {sent:,} of {total:,}, in flight {in_flight}{shown}"


def _target_line(target: Numbers) -> str:
    answered = f"{target['target']} ok {target['ok']:,}/{target['sent']:,}"
    return f"{answered} p99 {_ms(target['latency_p99_s'])}{_right(target)}"


def _table(live: Numbers) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("target")
    for name in ("sent", "ok", "not ok", "p50", "p99", "right"):
        table.add_column(name, justify="right")
    for target in live.get("targets", []):
        counts = (target["sent"], target["ok"], target["sent"] - target["ok"])
        times = (_ms(target["latency_p50_s"]), _ms(target["latency_p99_s"]))
        table.add_row(target["target"], *(f"{count:,}" for count in counts), *times, _right(target).strip())
    return table


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e3:g} ms"


def _right(target: Numbers) -> str:
    return f" {target['right'] / target['labelled']:.2%}" if target["labelled"] else ""
