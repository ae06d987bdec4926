# `make up` runs Breakwater on this machine, `make test` passes its tests. Both install what they need.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
DATA ?= $(wildcard $(or $(BREAKWATER_DATA),../shared/data))
# Tests wait as much as they work. What BREAKWATER_FULL=1 asks for works more.
TESTERS := $(if $(BREAKWATER_FULL),2,3)
PYTEST := BREAKWATER_DATA="$(abspath $(DATA))" $(BIN)/pytest

# What was compiled once is kept: each of the processes that we start would compile it again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up test test-services lint bench lock clean

# In make's own child, which hears what make is told: a shell between them would leave the product behind.
up: .venv/.installed-run
	@mkdir -p $(or $(BREAKWATER_VAR),var)
	@exec env DEMO=1 $(BIN)/python manage.py up --port $(PORT)

test: .venv/.installed-test
	$(PYTEST) -n $(TESTERS) --dist loadgroup $(ARGS)

# The same tests on a real PostgreSQL and a real Redis, which are started for them and stopped after.
test-services: .venv/.installed-test
	BREAKWATER_DATA="$(abspath $(DATA))" $(BIN)/python -m tests.servers $(BIN)/pytest -n $(TESTERS) --dist loadgroup $(ARGS)

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: .venv/.installed-bench
	@BREAKWATER_DATA="$(abspath $(DATA))" $(BIN)/python -m tests.bench $(ARGS)

lock:
	uv pip compile -q --universal --python-version 3.11 --all-extras --no-emit-index-url --no-header --no-annotate \
		pyproject.toml -o requirements.lock

clean:
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

.venv/.installed-run: requirements.lock pyproject.toml | .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e .
	@touch $@

.venv/.installed-test: requirements.lock pyproject.toml | .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[test]'
	@touch $@ .venv/.installed-run

.venv/.installed-bench: requirements.lock pyproject.toml | .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[test,bench]'
	@touch $@ .venv/.installed-test .venv/.installed-run

.venv:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing. Install it: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv .venv
