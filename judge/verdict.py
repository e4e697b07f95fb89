"""A folder and criteria in, a verdict with reasons out.

Knows the order of work: open, choose the arms, count once, test the measurement, judge each criterion, combine.
Refuses to know formulas and rows. Nothing but evidence makes PASS: an unsound measurement is INVALID whatever the
numbers say, a failed computation is INVALID, too little data HOLDs, and an interrupted run is HOLD at best. The same
rows, criteria and seed give the same verdict bit for bit, however rows are ordered and cut into files. Called by
the command line and at the end of a run.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from judge.arms import Arms, choose_arms
from judge.completeness import Completeness, LabelJoin, completeness, label_join
from judge.criteria import Criteria, Criterion, Metric
from judge.exchanges import Exchanges, open_exchanges
from judge.fidelity import Fidelity, fidelity
from judge.kinds import Ints, Kinds
from judge.pairs import Mark, count_kinds, first_duplicate, latencies, mark_rows, pair_up, span
from judge.quantile_rule import judge_quantile
from judge.result import Result
from judge.rule import Question, identity, judge_share
from judge.soundness import completeness_problems, event_problems, fidelity_problems, label_problems
from judge.status import EXIT_CODES, Status, combine
from recording.exchange import NEVER
from recording.run_folder import RunFolder, write_json

VERDICT_VERSION = 1
_NS_PER_S = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was decided, why, and from what. `expires` is None where no manifest says when the run was."""

    verdict: Status
    reasons: tuple[str, ...]
    criteria_digest: str
    data_digest: str
    seed: int
    pairs: dict[str, int]
    self_tests: dict[str, object]
    results: tuple[Result, ...]
    pairs_needed: int | None
    eta_s: float | None
    expires: str | None

    @property
    def exit_code(self) -> int:
        """0 PASS, 3 FAIL, 4 HOLD, 5 INVALID."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The object that verdict.json holds."""
        return {
            "version": VERDICT_VERSION,
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "criteria_digest": self.criteria_digest,
            "data_digest": self.data_digest,
            "seed": self.seed,
            "pairs": self.pairs,
            "self_tests": self.self_tests,
            "results": [result.as_json() for result in self.results],
            "next": {"pairs_needed": self.pairs_needed, "eta_s": self.eta_s},
            "expires": self.expires,
        }
