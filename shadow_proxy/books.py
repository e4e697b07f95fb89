"""All that was counted, over all workers and over all configurations that the proxy has had.

Knows that targets and faults give cells their names, so that every configuration has a counter file of its
own; refuses to know what a worker does. The parent opens a file for each configuration and adds up; a worker
opens the newest. A target's account adds up over the configurations that had it, so that the identities hold
through every reload.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scenarios.scenario import Scenario, load_scenario
from shadow_proxy.account_document import accounts
from shadow_proxy.accounting import TargetAccount, layout, merged, settle
from shadow_proxy.config import ProxyConfig
from shadow_proxy.counters import CounterFile


def scenario_of(config: ProxyConfig) -> Scenario | None:
    """The scenario that the configuration names; `InputError` if it is for targets that are not here."""
    if config.scenario is None:
        return None
    scenario = load_scenario(config.scenario)
    scenario.check_targets([target.name for target in config.targets], source=str(config.scenario))
    return scenario


def counter_file(path: Path, config: ProxyConfig, scenario: Scenario | None) -> CounterFile:
    """The shared file of one configuration, opened or made."""
    faults = [fault.id for fault in scenario.faults] if scenario else []
    names = layout(targets=[target.name for target in config.targets], faults=faults)
    return CounterFile(path, names=names, rows=config.workers)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    config: ProxyConfig
    scenario: Scenario | None
    counters: CounterFile
    path: Path


def _same_targets(one: ProxyConfig, other: ProxyConfig) -> bool:
    return [(t.name, t.role) for t in one.targets] == [(t.name, t.role) for t in other.targets]


class Books:
    """The parent's; `folder` is where the files lie."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._books: list[_Book] = []

    def open(self, config: ProxyConfig) -> Path:
        """A file for one more configuration, or the last one's if it counts the same things.

        `InputError` if the configuration's scenario cannot be used. Faults are counted from nought by each
        configuration, so with a scenario there is always a new file.
        """
        scenario = scenario_of(config)
        last = self._books[-1] if self._books else None
        if last is not None and not last.scenario and not scenario and _same_targets(last.config, config):
            self._books[-1] = dataclasses.replace(last, config=config)
            return last.path
        path = self._folder / f"counters-{len(self._books)}"
        counters = counter_file(path, config, scenario)
        self._books.append(_Book(config=config, scenario=scenario, counters=counters, path=path))
        return path

    @property
    def scenario(self) -> Scenario | None:
        """Of the newest configuration."""
        return self._books[-1].scenario

    def totals(self) -> Mapping[str, int]:
        """Every cell with its sum; a name that no configuration has is 0."""
        sums: Counter[str] = Counter()
        for book in self._books:
            for name, value in book.counters.totals().items():
                sums[name] += value
        return sums

    def accounts(self) -> dict[str, TargetAccount]:
        """Every target that there is or was, by its name."""
        found: dict[str, TargetAccount] = {}
        for book in self._books:
            for name, account in accounts(book.counters.totals(), book.config.targets).items():
                found[name] = merged(found[name], account) if name in found else account
        return found

    def settle(self, number: int) -> None:
        """Worker `number` is dead: what it left open was lost."""
        for book in self._books:
            if number < book.config.workers:
                settle(book.counters.row(number), targets=[target.name for target in book.config.targets])
