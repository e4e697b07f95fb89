"""The collector is off inside, and afterwards as it was before."""

import gc

import pytest

from replay.quiet import no_collections


def test_nothing_is_collected_inside_and_the_collector_is_back_afterwards() -> None:
    assert gc.isenabled()
    with no_collections():
        assert not gc.isenabled()
        assert gc.get_freeze_count() > 0
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with no_collections():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_failure_inside_brings_it_back_too() -> None:
    with pytest.raises(RuntimeError), no_collections():
        raise RuntimeError
    assert gc.isenabled()
