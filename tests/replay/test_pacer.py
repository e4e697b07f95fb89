"""The pacer against a clock and an alarm in the test's hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from replay.backlog import MOST_PER_TURN
from replay.pacer import Pacer
from replay.testing import HeldAlarm, HeldClock


class Scene:
    """A pacer with everything it talks to; what it let go is kept with the instant."""

    def __init__(self, due_ns: list[int], *, places: int = 1000) -> None:
        self.clock = HeldClock()
        self.alarm = HeldAlarm()
        self.places = places
        self.sent: list[tuple[int, int]] = []
        self.shed: list[int] = []
        self.pacer = Pacer(
            np.array(due_ns, dtype=np.int64),
            clock=self.clock,
            send=lambda index: self.sent.append((index, self.clock.now_ns())),
            shed=self.shed.append,
            free=lambda: self.places - len(self.sent),
        )

    def run(self) -> None:
        """Let time pass from alarm to alarm."""
        self.pacer.start(self.alarm)
        while not self.pacer.finished:
            assert self.alarm.at_monotonic_ns is not None
            self.clock.at_ns = max(self.clock.at_ns, self.alarm.at_monotonic_ns - self.clock.origin_ns)
            self.pacer.wake()


@given(due_ns=st.lists(st.integers(min_value=0, max_value=10**12), max_size=200).map(sorted))
def test_every_arrival_goes_exactly_when_it_is_due(due_ns: list[int]) -> None:
    scene = Scene(due_ns)
    scene.run()
    assert scene.sent == list(enumerate(due_ns))


def test_an_early_alarm_sends_nothing_and_is_set_again() -> None:
    scene = Scene([1000, 2000])
    scene.pacer.start(scene.alarm)
    scene.clock.at_ns = 999
    scene.pacer.wake()
    assert scene.sent == []
    assert scene.alarm.at_monotonic_ns == 1000


def test_late_arrivals_go_at_once_and_later_ones_keep_their_instants() -> None:
    scene = Scene([0, 10, 20, 500])
    scene.pacer.start(scene.alarm)
    scene.clock.at_ns = 400  # the loop was blocked
    scene.pacer.wake()
    assert scene.sent == [(0, 0), (1, 400), (2, 400)]
    assert scene.alarm.at_monotonic_ns == 500


def test_what_finds_no_place_is_shed_when_due_and_not_later() -> None:
    scene = Scene([0, 10, 20], places=1)
    scene.run()
    assert scene.sent == [(0, 0)]
    assert scene.shed == [1, 2]


def test_a_long_backlog_is_worked_off_in_turns() -> None:
    scene = Scene([0] * (2 * MOST_PER_TURN + 1))
    scene.pacer.start(scene.alarm)
    assert len(scene.sent) == MOST_PER_TURN
    assert scene.alarm.at_monotonic_ns == 0
    scene.run()
    assert len(scene.sent) == 2 * MOST_PER_TURN + 1


def test_before_the_first_arrival_a_moved_origin_is_noticed() -> None:
    scene = Scene([10**9])
    scene.clock.at_ns = -(10**12)  # the supervisor has not set the origin yet
    scene.pacer.start(scene.alarm)
    assert scene.alarm.at_monotonic_ns is not None
    assert scene.alarm.at_monotonic_ns - scene.clock.at_ns < 10**9
    scene.clock.at_ns, scene.clock.origin_ns = 10**9 - 1000, 77
    scene.pacer.wake()
    assert scene.alarm.at_monotonic_ns == 10**9 + 77


def test_after_a_stop_nothing_is_let_go() -> None:
    scene = Scene([0, 10, 20])
    scene.pacer.start(scene.alarm)
    scene.pacer.stop()
    scene.clock.at_ns = 100
    scene.pacer.wake()
    assert scene.pacer.finished
    assert [index for index, _ in scene.sent] == [0]
