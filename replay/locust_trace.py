"""A Locust user that sends the requests of a trace: the one module of ours that imports Locust.

Knows which part of the trace this process sends and how one request becomes a call of Locust's client;
refuses to know when a request was due: Locust is closed-loop, so a slow answer delays the user's next
request, and what it measures is not the engine's latency. Request ids are the trace's own, so labels join as
usual. Nothing imports this module (Locust patches the whole process); Locust loads it:

    SPARRING_TRACE=trace.parquet locust -f replay/locust_trace.py --headless --users 20 --host http://HOST:PORT

Every request is sent once: of N workers (`SPARRING_LOCUST_WORKERS`) worker i sends rows i, i+N, i+2N, …; a
user that finds no more stops. `SPARRING_LOCUST_RATE_PER_USER_S` caps what one user sends in a second.
"""

# Locust is not in every environment that checks types; where it is missing its classes are unknown.
# mypy: allow-subclassing-any, allow-untyped-decorators

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from locust import FastHttpUser, constant_throughput, events, task
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import WorkerRunner

from recording.exchange import Request
from recording.trace import iter_requests

_OF_THE_CONNECTION = {"host", "content-length", "connection", "transfer-encoding", "x-request-id"}

_share: list[Iterator[Request]] = []


@events.test_start.add_listener
def _open_trace(environment: Environment, **_: object) -> None:
    """Find this process's share; a test that is started again begins anew."""
    runner = environment.runner
    first = runner.worker_index if isinstance(runner, WorkerRunner) else 0
    step = int(os.environ.get("SPARRING_LOCUST_WORKERS", "1"))
    requests = iter_requests(Path(os.environ["SPARRING_TRACE"]))
    _share[:] = [islice(requests, first, None, step)]


class TraceUser(FastHttpUser):
    """Takes the next request that no other user of this process took, sends it, waits for the answer."""

    wait_time = constant_throughput(float(os.environ.get("SPARRING_LOCUST_RATE_PER_USER_S", "10")))

    @task
    def send_next(self) -> None:
        """One request; its statistics are kept under the path without the query."""
        request = next(_share[0], None)
        if request is None:
            raise StopUser
        if request.body_bytes is not None:
            self._count_cut(request)
            return
        headers = {name: value for name, value in request.headers if name.lower() not in _OF_THE_CONNECTION}
        body: Any = request.body  # Any: Locust's annotations know text and forms only; bytes go as they are
        self.client.request(
            request.method,
            request.path,
            name=request.path.partition("?")[0],
            data=body,
            headers={**headers, "X-Request-Id": request.id},
        )

    def _count_cut(self, request: Request) -> None:
        """The recording did not keep its whole body: it is a failure in the statistics, and is not sent."""
        self.environment.events.request.fire(
            request_type=request.method,
            name=request.path.partition("?")[0],
            response_time=0,
            response_length=0,
            exception=ValueError("the recording cut its body"),
            context={},
        )
