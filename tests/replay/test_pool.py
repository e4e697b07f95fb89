"""Idle connections: last in, first out, and none older than servers keep them."""

from replay.pool import MOST_IDLE_NS, Pool


class Connection:
    """Knows whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True


def pool_of(*idle_since_ns: int) -> tuple[Pool[Connection], list[Connection]]:
    pool: Pool[Connection] = Pool()
    connections = [Connection() for _ in idle_since_ns]
    for connection, now_ns in zip(connections, idle_since_ns, strict=True):
        pool.put(connection, now_ns=now_ns)
    return pool, connections


def test_the_connection_used_last_is_taken_first() -> None:
    pool, (first, second) = pool_of(0, 10)
    assert pool.maybe_take(now_ns=20) is second
    assert pool.maybe_take(now_ns=20) is first
    assert pool.maybe_take(now_ns=20) is None


def test_a_connection_idle_too_long_is_not_used_but_closed() -> None:
    pool, (old, young) = pool_of(0, MOST_IDLE_NS)
    pool.close_old(now_ns=MOST_IDLE_NS + 1)
    assert (old.closed, young.closed, len(pool)) == (True, False, 1)
    assert pool.maybe_take(now_ns=2 * MOST_IDLE_NS + 1) is None
    assert len(pool) == 1
    pool.close_old(now_ns=2 * MOST_IDLE_NS + 1)
    assert (young.closed, len(pool)) == (True, 0)


def test_a_connection_that_the_other_side_closed_is_forgotten() -> None:
    pool, (first, second) = pool_of(0, 10)
    pool.remove(second)
    pool.remove(second)
    assert pool.maybe_take(now_ns=20) is first


def test_all_are_closed_at_the_end() -> None:
    pool, connections = pool_of(0, 1, 2)
    pool.close_all()
    assert all(connection.closed for connection in connections)
