"""The null fault."""

import random

from scenarios.fault import Send
from scenarios.nothing import Nothing


def test_it_never_applies() -> None:
    assert Nothing().apply(Send(body=b"x"), random.Random(0)) is None
