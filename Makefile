# The only list of commands; CI calls the same ones. Variables come from the environment or after the target:
#   make up TRAMA_PORT=9000        make token ROLE=secretariat NETWORK=alleanza        make demo ONCE=1 JSON=out.json
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Whatever the shell says: tests, stack and commands start a hundred processes, and each would compile it all again.
export PYTHONDONTWRITEBYTECODE :=
# Each worker has a PostgreSQL and a NATS of its own, and is given whole files; 0: everything in one process. Three on two
# processors: a fifth of their time is waiting for what another process does.
WORKERS ?= 3
TOGETHER := $(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 30
ALONE := $(PY) -m pytest -n 0

.DEFAULT_GOAL := help
.PHONY: help install up demo test test-all alone nightly check contracts bench down logs token clock lock

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

install: $(INSTALLED) ## the virtual environment, from the hash-locked set; redone only when that changes

# Removed first and written last, so that an interrupted installation is done again.
$(INSTALLED): requirements/dev.txt
	@rm -f $@
	@$(PYTHON) -c 'import sys, venv; sys.exit("Python 3.11 or newer is needed: make install PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(PY) -m pip install --quiet --disable-pip-version-check uv
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements/dev.txt
	@touch $@

up: install ## start an empty platform and stay in the foreground (Ctrl-C stops it)
	@$(PY) -m deploy.local up

demo: install ## start it, play the scenarios, print a summary (ONCE=1 stops afterwards, JSON=<file> writes the summary)
	@$(PY) -m deploy.local.demo

test: install ## all tests that need no browser and no real data, but for the faults of the whole platform (5 minutes more)
	$(TOGETHER) --ignore tests/faults -m "not browser and not real_data and not long and not bench"

test-all: install ## test, the fault proofs, the pages in a browser, the real files of TRAMA_REAL_DATA
	$(TOGETHER) --ignore tests/faults -m "not browser and not real_data and not long and not bench"
	$(TOGETHER) -m "(faults or browser or real_data) and not long"

alone: install ## a service tested without the folders of the others (SERVICE=mapping; all of them if not said)
	$(PY) -m tests.alone $(SERVICE)

nightly: install ## what takes too long for every change: the long fault proofs, and each service alone
	$(ALONE) -m long --timeout 7200
	$(PY) -m tests.alone

check: install ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

contracts: install ## what others rely on, written from the code: facts, OpenAPI documents, problems (docs/, samples, NATS users)
	$(PY) -m tests.contracts.samples --write
	$(PY) -m shared.contracts.catalogue > docs/messages.md
	$(PY) -m shared.contracts.asyncapi > docs/asyncapi.json
	$(PY) -m tests.contracts.documents
	$(PY) -m deploy.operate nats-config > deploy/nats/nats-server.conf

bench: install ## the figures of docs/performance.md with their floors (QUICK=1: a smoke run)
	@$(PY) -m tests.bench

down: ## stop a running platform and clear all that it kept
	@test ! -x $(PY) || $(PY) -m deploy.local down

logs: install ## follow the logs (SERVICE=registry for one)
	@$(PY) -m deploy.local logs

token: install ## print a bearer token (ROLE=admin, or ROLE=secretariat NETWORK=<slug>)
	@$(PY) -m deploy.local token

clock: install ## tell the platform's clock, or set it forward (TO=2025-03-13T09:00)
	@$(PY) -m deploy.local clock

# Locks what pyproject.toml names; no header and no annotation, so that no index host is written.
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11
lock: ## lock the dependencies again (hashes, no hosts)
	$(LOCK) pyproject.toml --all-extras --group dev -o requirements/dev.txt
	$(LOCK) pyproject.toml --group territories -o requirements/territories.txt
	$(LOCK) --group mail -o requirements/mail.txt
	for service in registry mapping events learning notify; do $(LOCK) pyproject.toml --extra $$service -o requirements/$$service.txt || exit 1; done
