# Each target sets up what it needs: Python 3.11 and make are enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help demo demo-dataverse test test-postgres lint bench chaos clean
.DEFAULT_GOAL := help

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c .ci/constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP) ## Plan, apply, plan again: Work 365 becomes Autotask, on a copy, on this machine
	@$(BIN)/python tests/demo.py

demo-dataverse: $(STAMP) ## The same, with Work 365 in a Dataverse on this machine
	@$(BIN)/python tests/demo.py --dataverse

test: lint ## Lint, types, import contracts and all tests
	$(BIN)/pytest -n 2 --dist worksteal -q

lint: $(STAMP) ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-postgres: $(STAMP) ## The SQL source on the PostgreSQL that TRUEUP_TEST_POSTGRES names (an SQLAlchemy URL)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,postgres]'
	@test -n "$(TRUEUP_TEST_POSTGRES)" || { echo "set TRUEUP_TEST_POSTGRES=postgresql+psycopg://user:secret@host/base"; exit 1; }
	$(BIN)/pytest -q tests/ports/test_source.py tests/source/test_sql.py

bench: $(STAMP) ## Rows per second, memory, ratios against peers
	$(BIN)/python -m tests.bench

chaos: $(STAMP) ## Kill and break apply a thousand times, then compare
	$(BIN)/python -m tests.chaos

clean: ## Remove what the targets made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
