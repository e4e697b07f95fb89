"""A small model server for the demo: `python -m sparring.demo.model_server --model FILE --port P`.

Knows KServe's V1 protocol and one model. Refuses to know runs and proxies: it is a target like any other, in
a process of its own. Started by the run file that `rehearsal.py` writes.

`POST /v1/models/payments:predict` answers `{"predictions": [{"label": 0, "score": 0.07}]}`. A malformed body
is answered with 400 and `{"error": …}`; a missing feature is imputed. `GET /healthz` and `GET /metrics` are
there too. The model runs in the event loop: a row takes less time than handing it to a thread would.
"""

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import sklearn
import uvloop
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest

from sparring.demo.instances import BadRequestError, rows_of
from sparring.demo.models import Model, load_model
from sparring.demo.traffic import PATH

HOST = "127.0.0.1"
THRESHOLD = 0.5
KEEP_ALIVE_S = 75.0
_BUCKETS_S = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What `/metrics` shows."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    requests: Counter = field(init=False)
    seconds: Histogram = field(init=False)

    def __post_init__(self) -> None:
        ProcessCollector(registry=self.registry)
        counter = Counter("model_requests", "Predictions asked for.", ["code"], registry=self.registry)
        seconds = Histogram("model_request_seconds", "From a whole body to an answer.", buckets=_BUCKETS_S,
                            registry=self.registry)  # fmt: skip
        object.__setattr__(self, "requests", counter)
        object.__setattr__(self, "seconds", seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelServer:
    """The pages of one model."""

    model: Model
    numbers: Numbers = field(default_factory=Numbers)

    def application(self) -> web.Application:
        """The aiohttp application that serves them."""
        application = web.Application()
        application.router.add_post(PATH, self.predict)
        application.router.add_get("/healthz", self.healthz)
        application.router.add_get("/metrics", self.metrics)
        return application

    async def predict(self, request: web.Request) -> web.Response:
        """A prediction for each instance, or 400 with the reason."""
        body = await request.read()
        began_s = time.perf_counter()
        try:
            answer: dict[str, object] = {"predictions": self._predictions(body)}
            status = 200
        except BadRequestError as error:
            answer, status = {"error": str(error)}, 400
        self.numbers.requests.labels(code=str(status)).inc()
        self.numbers.seconds.observe(time.perf_counter() - began_s)
        return web.json_response(answer, status=status)

    def _predictions(self, body: bytes) -> list[dict[str, float]]:
        scores = self.model.scores(rows_of(body, self.model.features)).tolist()
        return [{"label": int(score >= THRESHOLD), "score": round(score, 6)} for score in scores]

    async def healthz(self, _: web.Request) -> web.Response:
        """That the model is loaded, and which."""
        return web.json_response({"status": "ok", "model": self.model.name})

    async def metrics(self, _: web.Request) -> web.Response:
        """The Prometheus page."""
        return web.Response(body=generate_latest(self.numbers.registry), content_type="text/plain")


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="sparring.demo.model_server", description="Serve one demo model.")
    parser.add_argument("--model", type=Path, required=True, help="a file that the demo wrote")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)
    server = ModelServer(model=load_model(options.model))
    web.run_app(
        server.application(),
        host=HOST,
        port=options.port,
        access_log=None,
        print=None,
        keepalive_timeout=KEEP_ALIVE_S,
        loop=uvloop.new_event_loop(),
    )


if __name__ == "__main__":
    main()
