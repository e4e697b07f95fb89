"""What a scenario would do to recorded requests, before any traffic: how many each fault would strike.

Knows requests and the timeline that the proxy uses. Refuses to send anything. Called by whoever checks a
scenario against a trace; a fault that nothing would meet shows at once, not after the run.
"""

from collections.abc import Iterable, Mapping

from recording.exchange import Request
from scenarios.fault import Send
from scenarios.scenario import Scenario
from scenarios.timeline import Counts, Timeline


def dry_run(
    scenario: Scenario, requests: Iterable[Request], *, targets: Mapping[str, str], seed: int
) -> Counts:
    """The counts of a run in which each request is due at its `at_ns`; `targets` gives each name its role.

    The run's own ids, instants and seed give the run's own numbers, short of copies that were dropped.
    """
    timeline = Timeline(scenario, seed)
    for request in requests:
        chosen = timeline.choose(
            request.id.encode(), request.at_ns, method=request.method.encode(), path=request.path.encode()
        )
        send = Send(body=request.body, content_type=_content_type(request))
        for name, role in targets.items():
            timeline.apply(chosen, role, send, target_name=name)
    return timeline.counts


def _content_type(request: Request) -> bytes:
    named = (value for name, value in request.headers if name.lower() == "content-type")
    return next(named, "").encode("latin-1", "replace")
