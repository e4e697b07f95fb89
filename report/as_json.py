"""The report's facts as JSON, for programs.

Knows how frozen records become objects; refuses to add or to leave out. The keys are the records' names.
"""

import json
from dataclasses import asdict
from pathlib import Path

from report.facts import RunFacts, gather
from report.identities import identities_of

FORMAT_VERSION = 1


def as_json(folder: Path) -> str:
    """The facts of the run in `folder` as one JSON object."""
    return render(gather(folder))


def render(facts: RunFacts) -> str:
    """The same from facts."""
    identities = [asdict(identity) | {"holds": identity.holds} for identity in identities_of(facts)]
    document = {"format_version": FORMAT_VERSION, **asdict(facts), "identities": identities}
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
