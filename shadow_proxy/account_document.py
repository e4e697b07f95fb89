"""The account of the whole proxy as one JSON document: what `/accounting` says and `accounting.json` holds.

Knows how sums of cells become a document that a person or a check can read; refuses to know where the sums
come from. The identities of `accounting.py` are stated in it as `problems`, which must be empty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from scenarios.scenario import Scenario
from shadow_proxy.accounting import CLIENT_CELLS, FAULT_CELLS, JOURNAL_CELLS, TargetAccount, target_account
from shadow_proxy.target_config import TargetConfig

VERSION = 1


def accounts(totals: Mapping[str, int], targets: Iterable[TargetConfig]) -> dict[str, TargetAccount]:
    """Every target's account by its name, of one configuration."""
    return {
        target.name: target_account(totals, target=target.name, role=target.role.value) for target in targets
    }


def account_document(
    totals: Mapping[str, int],
    by_target: Mapping[str, TargetAccount],
    *,
    scenario: Scenario | None,
    workers: int,
    restarts: int,
) -> dict[str, object]:
    """The document; its numbers are exact at the instant at which the cells were read."""
    problems = [problem for name, account in by_target.items() for problem in account.problems(name)]
    return {
        "version": VERSION,
        "requests": totals["requests"],
        "client": {name.removeprefix("client/"): totals[name] for name in CLIENT_CELLS if "/" in name},
        "targets": {name: asdict(account) for name, account in by_target.items()},
        "journal": {
            name.removeprefix("journal/"): totals[name] for name in JOURNAL_CELLS if "journal" in name
        },
        "faults": fault_counts(totals, scenario),
        "workers": {"configured": workers, "restarts": restarts},
        "problems": problems,
    }


def fault_counts(totals: Mapping[str, int], scenario: Scenario | None) -> dict[str, dict[str, int]]:
    """By fault id, as `Timeline.counts` has them."""
    faults = scenario.faults if scenario else ()
    return {fault.id: {cell: totals[f"fault/{fault.id}/{cell}"] for cell in FAULT_CELLS} for fault in faults}
