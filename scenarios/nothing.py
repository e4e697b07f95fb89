"""The null fault: chosen and counted like any other, changes nothing.

Knows nothing. For measuring what the machinery of faults costs by itself, and as the template of a new fault.
Found through `library.py`; called by `Timeline`.
"""

import random

from scenarios.fault import Fault, Send


class Nothing(Fault):
    """Goes through the motions: always selected as stated, never applicable."""

    def apply(self, send: Send, chance: random.Random) -> Send | None:  # noqa: ARG002  # the template's form
        return None
