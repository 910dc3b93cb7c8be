# Everything a contributor types. Each target installs what it needs on first use.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
PEERS := .venv-bench/installed
COVERING := tests/domain tests/services tests/engine tests/kinds tests/api
COVERED := src/strongroom/domain/*,src/strongroom/services/*,src/strongroom/engine/*
.DEFAULT_GOAL := help
.PHONY: help install demo serve test coverage fuzz crash check format reference bench lock clean

# Compiled code is kept, whatever the environment says: each process of a server would compile its source anew.
unexport PYTHONDONTWRITEBYTECODE

help:  ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

install: $(INSTALLED)  ## make .venv with the strongroom command and the tools

$(INSTALLED): pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Strongroom needs Python 3.11 or later as '$(PYTHON)'; set PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing; on Debian: apt-get install python3-venv." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

demo: $(INSTALLED)  ## every job kind against a fresh sample Vault, over HTTPS
	$(BIN)/strongroom demo

serve: $(INSTALLED)  ## a Vault on https://localhost:8443/, kept in ./data
	$(BIN)/strongroom serve --data-dir data

test: $(INSTALLED)  ## the whole test suite, on two cores
	$(BIN)/pytest -n 3 --dist worksteal

# One seed for the whole run, so that what it finds can be found again: make fuzz SEED=...
SEED := $(or $(SEED),$(shell od -An -N4 -tu4 /dev/urandom | tr -d ' '))
EXAMPLES ?= 1000

fuzz: $(INSTALLED)  ## tests/fuzz and the state machine of jobs at length: EXAMPLES=1000 for each test, SEED=... to repeat a run
	@echo "make fuzz EXAMPLES=$(EXAMPLES) SEED=$(SEED)"
	FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/pytest tests/fuzz tests/engine/test_state_machine.py -n 2 --dist worksteal --hypothesis-seed=$(SEED)

KILLS ?= 500
FIRST ?= 1
MINUTES ?= 600
crash: $(INSTALLED)  ## KILLS=500 kills of a server under work, SEED=... to repeat a run; counts them in docs/reliability.md
	$(BIN)/python -m tests.process.crashes --kills $(KILLS) --seed $(SEED) --first $(FIRST) --minutes $(MINUTES) \
		--write docs/reliability.md

coverage: $(INSTALLED)  ## branch coverage of domain, services and engine; less than 95 % is an error
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist worksteal $(COVERING)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include='$(COVERED)' --skip-covered --show-missing --fail-under=95

check: $(INSTALLED)  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED)  ## put the code in shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

reference: $(INSTALLED)  ## write the generated pages of docs/reference anew
	$(BIN)/python tools/make_settings_reference.py
	$(BIN)/python tools/make_endpoints_reference.py
	$(BIN)/python tools/make_status_reference.py

bench: $(INSTALLED) $(PEERS)  ## measure beside peers, write docs/benchmarks.md (NAMES="status starts": only these)
	$(BIN)/python -m benchmarks $(NAMES)

# What is compared with, in an environment of its own: none of it is a dependency of Strongroom's.
$(PEERS): requirements/bench.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

lock:  ## resolve the dependencies anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--no-emit-find-links --quiet pyproject.toml -o requirements/runtime.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--no-emit-find-links --quiet --group dev pyproject.toml -o requirements/dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
		--no-emit-find-links --quiet requirements/bench.in -o requirements/bench.txt

clean:  ## remove what was made here
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* htmlcov dist
