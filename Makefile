# Two commands matter: `make run` (the whole system on this machine) and `make test` (the proof).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run fresh test lint clean

run: $(STAMP)  ## the whole system on this machine, then the demo
	@exec $(BIN)/perennial up

fresh: $(STAMP)  ## the same, forgetting everything first
	@exec $(BIN)/perennial up --fresh

test: $(STAMP)  ## the whole suite: real PostgreSQL, real Temporal, the local Stripe; no network
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Perennial needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

clean:
	rm -rf $(VENV) .local
