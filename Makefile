# Two commands matter: `make run` (the whole system on this machine) and `make test` (the proof).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
COMPILE := uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help run fresh test lint lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' Makefile

run: $(STAMP)  ## the whole system on this machine, then the demo
	@exec $(BIN)/perennial up

fresh: $(STAMP)  ## the same, forgetting everything first
	@exec $(BIN)/perennial up --fresh

test: $(STAMP)  ## the whole suite: real PostgreSQL, real Temporal, the local Stripe
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: $(STAMP)  ## style, types and which room may import which
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

lock:  ## write the lock files anew from pyproject.toml (needs uv); versions that still fit stay
	env -u PIP_FIND_LINKS -u UV_FIND_LINKS $(COMPILE) --extra local --extra dev -o requirements.lock
	env -u PIP_FIND_LINKS -u UV_FIND_LINKS $(COMPILE) -o requirements-runtime.lock

clean:  ## remove the virtual environment and the stack's state
	rm -rf $(VENV) .local

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Perennial needs Python 3.11 or newer")'
	@echo "Making the virtual environment …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)
