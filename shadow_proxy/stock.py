"""Which cells a configuration needs, and the file that holds them for all its workers.

Knows that targets and faults give cells their names; called by the parent, which makes the file, and by each
worker, which opens the same one.
"""

from pathlib import Path

from scenarios.scenario import Scenario, load_scenario
from shadow_proxy.accounting import layout
from shadow_proxy.config import ProxyConfig
from shadow_proxy.counters import CounterFile


def scenario_of(config: ProxyConfig) -> Scenario | None:
    """The scenario that the configuration names; `InputError` if it is for targets that are not here."""
    if config.scenario is None:
        return None
    scenario = load_scenario(config.scenario)
    scenario.check_targets([target.name for target in config.targets], source=str(config.scenario))
    return scenario


def cell_names(config: ProxyConfig, scenario: Scenario | None) -> tuple[str, ...]:
    """The layout of this configuration."""
    faults = [fault.id for fault in scenario.faults] if scenario else []
    return layout(targets=[target.name for target in config.targets], faults=faults)


def counter_file(path: Path, config: ProxyConfig, scenario: Scenario | None) -> CounterFile:
    """The shared file, opened or made."""
    return CounterFile(path, names=cell_names(config, scenario), rows=config.workers)
