"""Realtime scheduling is asked for, used where it is granted, and gone afterwards."""

import os
import sys

import pytest

from replay.priority import prompt_wakes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="scheduling classes are Linux's")


def test_the_class_is_back_to_what_it_was() -> None:
    before = os.sched_getscheduler(0)
    with prompt_wakes(wanted=True) as granted:
        assert (os.sched_getscheduler(0) == os.SCHED_RR) is granted
    assert os.sched_getscheduler(0) == before


def test_where_it_is_refused_the_engine_runs_as_any_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    with prompt_wakes(wanted=True) as granted:
        assert granted is False


def test_it_is_left_alone_where_it_is_not_wanted() -> None:
    before = os.sched_getscheduler(0)
    with prompt_wakes(wanted=False) as granted:
        assert (granted, os.sched_getscheduler(0)) == (False, before)
