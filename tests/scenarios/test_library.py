"""Every member of the table keeps the duties of a fault, without being asked what it is."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.fault import Fault, Send
from scenarios.library import FAULTS, read_fault

EXAMPLES: dict[str, list[dict[str, object]]] = {
    "corrupt": [
        {"flip_bits": 3},
        {"keep_fraction": 0.5},
        {"keep_bytes": 2},
        {"append_bytes": 4},
        {"invalid_utf8": 2},
    ],
    "delay": [
        {"fixed": "1ms"},
        {"uniform": {"lower": 0, "upper": 1}},
        {"lognormal": {"median": "5ms", "sigma": 1, "max": "9ms"}},
    ],
    "missing": [
        {"path": "$.a"},
        {"path": "$.a[0]", "how": "null"},
        {"path": "$.a[*]", "how": "sentinel", "value": {"deep": [1]}},
    ],
    "nothing": [{}],
}
faults = [read_fault(name, params) for name, examples in EXAMPLES.items() for params in examples]
bodies = st.binary(max_size=50) | st.sampled_from(
    [b'{"a": [1, 2], "b": "c"}', b'{"a": 1}', b"[]", b'"\\u00e9"']
)
sends = st.builds(Send, body=bodies, content_type=st.binary(max_size=5), delay_ns=st.integers(0, 10**9))


def test_every_member_has_an_example_here() -> None:
    assert set(EXAMPLES) == set(FAULTS)


@pytest.mark.parametrize("fault", faults, ids=repr)
@given(send=sends, seed=st.integers(0, 2**64))
def test_a_fault_is_a_pure_function_that_changes_something_or_does_not_apply(
    fault: Fault, send: Send, seed: int
) -> None:
    state = random.getstate()
    after = fault.apply(send, random.Random(seed))
    assert after == fault.apply(send, random.Random(seed))
    assert random.getstate() == state
    if after is not None:
        assert after.content_type == send.content_type
        assert after.delay_ns >= send.delay_ns
