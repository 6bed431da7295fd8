# One way to do each common thing. Python 3.11+, git and make are all that is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= 3

.PHONY: setup demo test check bench soak lock clean

setup: $(VENV)/.ready

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("secd needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup            ## a guarded courthouse on this machine; make demo ARGS=--once plays it at once
	@$(BIN)/secd-sim demo $(ARGS)

test: setup            ## every test this machine can run, WORKERS at a time
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: setup           ## format, lint, types, architecture
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@said=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$said"; exit 1; }
	@$(BIN)/python -m pytest -q tests/architecture

bench: setup           ## make bench ARGS="start panic --json"
	@$(BIN)/python -m benchmarks $(ARGS)

soak: setup            ## the long, random runs
	@SECD_SOAK=1 $(BIN)/python -m pytest tests/soak $(ARGS)

lock: setup            ## renew the hashed locks (needs uv)
	@uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes --extra dev --extra demo pyproject.toml requirements/build.in --output-file requirements/dev.txt
	@uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes pyproject.toml --output-file requirements/runtime.txt

clean:
	rm -rf $(VENV) build dist *.egg-info demo-run
