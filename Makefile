# make demo: the console on the embedded stack. make test: everything that is checked before a change counts.
PYTHON ?= $(shell for one in python3 python3.11 python3.12 python3.13 python3.14; do \
	"$$one" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$one"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 3

# Bytecode is written whatever the machine's default is: the tests start the program hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint clean

demo: $(VENV)/.sandbox
	$(BIN)/vq-tui demo

# What fails beside others on a loaded machine is looked at once more, alone; it must pass there, and both runs are printed.
test: lint
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup || { \
		[ $$? -eq 1 ] || exit 1; \
		echo "make: a second look, alone, at what failed"; \
		$(BIN)/pytest --last-failed --last-failed-no-failures none; }

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; name one with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.sandbox: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[sandbox]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.sandbox

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
