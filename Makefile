# make demo: the console on the embedded stack. make check: what a minute and a half can check. make test: everything
# that is checked before a change counts. make sweep: every crash point, on every real part.
PYTHON ?= $(shell for one in python3 python3.11 python3.12 python3.13 python3.14; do \
	"$$one" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$one"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 4
SWEEPS := tests/end_to_end/test_crash_sweep.py tests/end_to_end/test_nginx_sweep.py tests/docker tests/runner

# Bytecode is written whatever the machine's default is: the tests start the program hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo check test sweep lint clean

demo: $(VENV)/.sandbox
	$(BIN)/vq-tui demo

# What fails beside others on a loaded machine is looked at once more, alone; it must pass there, and both runs are printed.
test: lint
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup || { \
		[ $$? -eq 1 ] || exit 1; \
		echo "make: a second look, alone, at what failed"; \
		$(BIN)/pytest --last-failed --last-failed-no-failures none; }

check: lint
	$(BIN)/pytest -n 2 -m "not real"

sweep: $(VENV)/.test
	VQ_SWEEP=all $(BIN)/pytest -n $(WORKERS) --dist loadgroup $(SWEEPS)

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
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --editable '.[test]'
	@touch $@ $(VENV)/.sandbox

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
