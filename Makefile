# Octo's daily commands. `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CATALOGS := $(wildcard octo/translations/*/LC_MESSAGES/messages.po)
ENGINES ?= sqlite,postgresql
# Those of tests/instants.py.
INSTANTS ?= all
# One more than two processors: some tests wait for a lease to end.
WORKERS ?= 3
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

export PYTHONPATH := .
export PYTHONUNBUFFERED := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
# Where it is set, every process compiles all of Octo anew: two seconds for each worker a test starts.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Set-up: a virtual environment with the locked packages, and the message catalogs. Debian's
# --- Python may lack ensurepip, so the environment is made without pip and filled from outside.

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Octo needs Python 3.11 or later: make PYTHON=python3.11 …' >&2; exit 2; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { echo 'Octo needs pip for $(PYTHON)' >&2; exit 2; }
	@$(PYTHON) -m venv --without-pip $(VENV)

define install
	@echo 'Installing $(1) (once, a minute or two)…'
	@$(PYTHON) -m pip --python $(BIN)/python install -qq --require-hashes -r $(1)
	@touch $@
endef

$(VENV)/run.stamp: requirements.txt $(VENV)/pyvenv.cfg
	$(call install,requirements.txt)

$(VENV)/develop.stamp: requirements-dev.txt $(VENV)/pyvenv.cfg
	$(call install,requirements-dev.txt)
	@touch $(VENV)/run.stamp

$(VENV)/catalogs.stamp: $(CATALOGS) | $(VENV)/pyvenv.cfg
	@if [ -n '$(CATALOGS)' ]; then $(BIN)/pybabel --quiet compile --directory octo/translations; fi
	@touch $@

.PHONY: setup setup-dev
setup: $(VENV)/run.stamp $(VENV)/catalogs.stamp
setup-dev: $(VENV)/develop.stamp $(VENV)/catalogs.stamp

# --- Running

.PHONY: run
run: setup ## Start the sandbox, the site and a worker; Ctrl-C stops them
	@exec $(BIN)/python -m demo.runner

# --- Proving

.PHONY: test test-all test-fast test-dates coverage chaos replay bench screenshots fresh
test: setup-dev ## Every test: the database's on SQLite and PostgreSQL, the others on the day's
	@OCTO_TEST_DATABASE=$(ENGINES) $(PYTEST) -m 'not chaos' $(ARGS)

test-all: setup-dev ## Every test, on SQLite and on PostgreSQL
	@OCTO_BOTH=1 OCTO_TEST_DATABASE=$(ENGINES) $(PYTEST) -m 'not chaos' $(ARGS)

test-fast: setup-dev ## SQLite only; no browser, no planted faults, nothing that takes seconds
	@OCTO_TEST_DATABASE=sqlite $(PYTEST) -m 'not chaos and not browser and not slow and not fault' \
	  --ignore=tests/faults $(ARGS)

test-dates: setup-dev ## What depends on the day or the hour, at six awkward instants (INSTANTS=day: one)
	@OCTO_TEST_INSTANTS=$(INSTANTS) OCTO_TEST_DATABASE=$(ENGINES) $(PYTEST) \
	  -m 'dates and not chaos' $(ARGS)

coverage: setup-dev ## Branches that tests reach, but for those in processes of their own; has a floor
	@OCTO_TEST_DATABASE=sqlite $(PYTEST) -m 'not chaos and not browser' \
	  --cov --cov-report=term:skip-covered $(ARGS)

chaos: setup-dev ## The long fault runs
	@OCTO_BOTH=1 OCTO_TEST_DATABASE=$(ENGINES) $(PYTEST) -m chaos $(ARGS)

replay: setup-dev ## Tell the stories of one seed again: make replay SEED=…
	@OCTO_BOTH=1 OCTO_SEED=$(SEED) OCTO_TEST_DATABASE=$(ENGINES) $(BIN)/python -m pytest -n 0 -s \
	  -m 'not chaos' tests/faults/test_money_machine.py $(ARGS)

bench: setup-dev ## Measure, print a table, write bench/results.json
	@$(BIN)/python -m bench

screenshots: setup-dev ## Pictures of the main pages, in screenshots/
	@OCTO_TEST_DATABASE=sqlite $(PYTEST) -m browser tests/browser $(ARGS)

fresh: ## Clone into an empty home, run the demo, test
	@sh tests/fresh.sh

# --- Checking: each tool is a target of its own, so that they run side by side.

CHECKS := check-ruff check-format check-types check-imports check-bandit check-templates \
  check-migrations

.PHONY: check $(CHECKS)
check: setup-dev ## Linters, types, layers, migrations
	@$(MAKE) -j $(WORKERS) --output-sync=target --keep-going $(CHECKS)

check-ruff:
	@$(BIN)/ruff check --quiet .

check-format:
	@$(BIN)/ruff format --quiet --check --diff .

check-types:
	@$(BIN)/mypy --no-error-summary

check-imports:
	@$(BIN)/lint-imports --no-logo --no-cache > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }

check-bandit:
	@$(BIN)/bandit --quiet --configfile pyproject.toml --severity-level medium \
	  --recursive octo campaigns payments treasury stripe_sandbox demo wsgi.py

check-templates:
	@$(BIN)/djlint templates --lint --quiet

check-migrations:
	@$(BIN)/python -m tests.house.drift

# --- Maintaining

.PHONY: catalogs lock format
catalogs: setup-dev ## Extract sentences and bring the catalogs up to date
	@mkdir -p build
	@$(BIN)/pybabel --quiet extract --mapping-file octo/translations/babel.cfg --keyword _l \
	  --no-location --sort-output --output-file build/messages.pot .
	@$(BIN)/pybabel --quiet update --input-file build/messages.pot --output-dir octo/translations \
	  --no-wrap --ignore-obsolete --no-fuzzy-matching --ignore-pot-creation-date

format: setup-dev ## Format Python and sort imports
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --fork-strategy fewest --no-emit-index-url --no-emit-find-links --no-header
lock: $(VENV)/develop.stamp ## Resolve requirements*.in again (needs uv on PATH)
	@$(LOCK) requirements.in --output-file requirements.txt
	@$(LOCK) requirements-dev.in --constraints requirements.txt --output-file requirements-dev.txt
