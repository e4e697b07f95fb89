"""A loop that is starved of CPU runs its ticks late, and one late tick in many is no verdict."""

from replay.watchdog import TICK_NS, TOLERANCE_NS, Watchdog


def after(lags_ns: list[int]) -> Watchdog:
    watchdog = Watchdog()
    now_ns = 12345
    watchdog.expect(now_ns)
    for lag_ns in lags_ns:
        now_ns += TICK_NS + lag_ns
        watchdog.tick(now_ns)
    return watchdog


def test_ticks_on_time_leave_no_mark() -> None:
    watchdog = after([0, TOLERANCE_NS, -5])
    assert (watchdog.ticks, watchdog.late_ticks, watchdog.limited) == (3, 0, False)
    assert watchdog.worst_lag_ns == TOLERANCE_NS


def test_more_than_one_late_tick_in_a_hundred_marks_the_generator_as_the_limit() -> None:
    assert not after([0] * 99 + [TOLERANCE_NS + 1]).limited
    assert after([0] * 98 + [TOLERANCE_NS + 1] * 2).limited


def test_no_ticks_say_nothing() -> None:
    assert not Watchdog().limited
