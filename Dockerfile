# Three images from one file: `sparring` (default), `locust`, and `model-server` for the electricity example.
# Every package is pinned and checked by its hash; every image runs as a user without rights.
FROM python:3.11-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN groupadd --gid 10001 sparring && useradd --uid 10001 --gid sparring --create-home sparring \
    && install -d -o sparring -g sparring /runs
ENV PATH=/opt/venv/bin:$PATH

FROM base AS build
COPY requirements/run.txt /src/requirements/run.txt
RUN python -m venv /opt/venv && pip install --require-hashes -r /src/requirements/run.txt
COPY . /src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels /src \
    && pip install --no-deps /wheels/*.whl

FROM base AS model-server
COPY examples/electricity/requirements.txt /tmp/requirements.txt
RUN python -m venv /opt/venv && pip install --require-hashes -r /tmp/requirements.txt
USER sparring
WORKDIR /models
CMD ["mlserver", "start", "/models"]

FROM base AS locust
COPY deploy/locust/requirements.txt /tmp/requirements.txt
RUN python -m venv /opt/venv && pip install --require-hashes -r /tmp/requirements.txt
COPY --from=build /wheels /wheels
RUN pip install --no-deps /wheels/*.whl
COPY replay/locust_trace.py /locust/locust_trace.py
USER sparring
WORKDIR /locust
CMD ["locust", "-f", "locust_trace.py"]

FROM base AS sparring
COPY --from=build /opt/venv /opt/venv
USER sparring
WORKDIR /runs
ENTRYPOINT ["sparring"]
CMD ["--help"]
