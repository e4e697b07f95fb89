# The README's commands. Each sets up its own environment from the pinned requirements.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCUST := .venv-locust
CLIENTS := .venv-clients
READY := $(VENV)/.ready-dev
READY_RUN := $(VENV)/.ready-run

.PHONY: demo test test-slow check bench lock clean

demo: $(READY_RUN)
	$(BIN)/sparring demo

test: check test-slow

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist worksteal

test-slow: $(READY) $(LOCUST)/.ready $(CLIENTS)/.ready
	SPARRING_LOCUST=$(CURDIR)/$(LOCUST)/bin/locust SPARRING_CLIENTS=$(CURDIR)/$(CLIENTS)/bin/python \
		$(BIN)/python -m pytest -m slow

bench: $(READY)
	$(BIN)/python benchmarks/all.py

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml requirements/build.in --extra demo -o requirements/run.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml requirements/build.in --extra demo --extra dev -o requirements/dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		requirements/clients.in -o requirements/clients.txt

clean:
	rm -rf $(VENV) $(LOCUST) $(CLIENTS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(LOCUST)/.ready: deploy/locust/requirements.txt  # of its own: importing locust patches the process it is in
	$(PYTHON) -m venv $(LOCUST)
	$(LOCUST)/bin/python -m pip install --quiet --require-hashes -r deploy/locust/requirements.txt
	touch $@

$(CLIENTS)/.ready: requirements/clients.txt  # what talks to the proxy in tests, in the versions that people have
	$(PYTHON) -m venv $(CLIENTS)
	$(CLIENTS)/bin/python -m pip install --quiet --require-hashes -r requirements/clients.txt
	touch $@

$(READY): requirements/dev.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e .
	touch $(READY) $(READY_RUN)

$(READY_RUN): requirements/run.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e .
	touch $(READY_RUN)
