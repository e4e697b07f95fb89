"""A budget of bytes: never over its bound, and what was taken can be given back."""

from hypothesis import given
from hypothesis import strategies as st

from shadow_proxy.held import HeldBudget


@given(sizes=st.lists(st.integers(0, 50), max_size=40), keep=st.lists(st.booleans(), max_size=40))
def test_it_is_never_over_its_bound_and_empty_when_all_is_given_back(
    sizes: list[int], keep: list[bool]
) -> None:
    budget = HeldBudget(100)
    taken: list[int] = []
    for size, kept in zip(sizes, keep, strict=False):
        fits = sum(taken) + size <= 100
        assert budget.take(size) == fits
        if fits:
            taken.append(size)
        if taken and not kept:
            budget.give_back(taken.pop())
        assert budget.held_bytes == sum(taken) <= budget.peak_bytes <= 100
    for size in taken:
        budget.give_back(size)
    assert budget.held_bytes == 0
