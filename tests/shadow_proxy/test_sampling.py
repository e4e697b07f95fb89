"""The share is kept, is the same everywhere, and moves with the salt."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

import shadow_proxy.config
import shadow_proxy.sampling
from shadow_proxy.sampling import Sampler


def test_the_examples_hold() -> None:
    for module in (shadow_proxy.sampling, shadow_proxy.config):
        assert doctest.testmod(module).failed == 0


@given(request_id=st.binary(max_size=100), share=st.floats(0, 1), salt=st.text(max_size=20))
def test_a_decision_is_a_function_of_id_share_and_salt(request_id: bytes, share: float, salt: str) -> None:
    first, second = Sampler(share=share, salt=salt), Sampler(share=share, salt=salt)
    assert first.takes(request_id) == second.takes(request_id)


@given(request_id=st.binary(max_size=100))
def test_nothing_is_nothing_and_all_is_all(request_id: bytes) -> None:
    assert not Sampler(share=0.0, salt="s").takes(request_id)
    assert Sampler(share=1.0, salt="s").takes(request_id)


@given(request_id=st.binary(max_size=100), low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_larger_share_takes_all_that_a_smaller_one_takes(
    request_id: bytes, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    if Sampler(share=low, salt="s").takes(request_id):
        assert Sampler(share=high, salt="s").takes(request_id)


def test_the_share_is_kept_within_five_standard_deviations() -> None:
    count, share = 20_000, 0.1
    taken = sum(Sampler(share=share, salt="salt").takes(b"%d" % number) for number in range(count))
    assert abs(taken - count * share) < 5 * (count * share * (1 - share)) ** 0.5


def test_another_salt_takes_others() -> None:
    ids = [b"%d" % number for number in range(1000)]
    one, other = Sampler(share=0.5, salt="one"), Sampler(share=0.5, salt="other")
    assert 400 < sum(one.takes(one_id) == other.takes(one_id) for one_id in ids) < 600
