# `make help` lists the targets. Everything runs from .venv, which `make setup` builds from hashes.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check fmt bench chaos accessibility lock clean

PYTHON := $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/ready
WORKERS ?= 3
DECIDES := tests/streams tests/schemas tests/model

help: ## Show this text
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with cairn in it (nothing to do when it is up to date)

demo: setup ## Play 90 days of a coaching practice on real Kafka, Postgres and SMTP
	@$(BIN)/python -m demo

test: check ## The checks, then every test: what decides to the last branch, the rest on real components
	@$(BIN)/pytest $(DECIDES) --cov=streams --cov=schemas --cov-branch --cov-report=term:skip-covered --cov-fail-under=100
	@$(BIN)/pytest $(DECIDES:%=--ignore=%) --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

check: setup ## Lint, format, types and import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fmt: setup ## Format the code and repair what the linter can
	@$(BIN)/ruff check --fix --quiet || true
	@$(BIN)/ruff format

bench: setup ## Measure: figures beside their peers in one run, and build/bench.json
	@$(BIN)/python -m tests.benchmarks

chaos: setup ## Prove: faults under load, an independent check, and build/chaos.json (half an hour)
	@$(BIN)/python -m tests.chaos

accessibility: setup ## Hold what clients read against WCAG 2.2 AA: axe-core in Chromium, which must be here
	@$(BIN)/python -m tests.agents.preview.accessibility

clean: ## Remove what can be made again, the virtual environment included
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache

# Interrupted installs leave no stamp behind, so the next run repeats them.
$(READY): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Cairn needs Python 3.11 or newer: install python3.11." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Cairn needs Python 3.11 or newer.")'
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@echo "Installing Cairn into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check --quiet
	@touch $@

# uv resolves in a place of its own: it is a tool of this target alone.
COMPILE = build/lock/bin/uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate
PEERS = bare_loop faust_manual quix_streams

lock: setup ## Renew requirements/*.txt, those of the bench's peers, and the lists of jars
	@"$(PYTHON)" -m venv --clear build/lock
	@build/lock/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(COMPILE) pyproject.toml --output-file requirements/runtime.txt
	@$(COMPILE) pyproject.toml --extra embedded --extra dev --output-file requirements/dev.txt
	@cd tests/benchmarks/peers && for peer in $(PEERS); do ../../../$(COMPILE) $$peer.in --output-file $$peer.txt; done
	@$(BIN)/python -m agents.embedded.pin_jars
	@$(BIN)/python -m tests.benchmarks.pin_streams
