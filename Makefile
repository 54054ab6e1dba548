# `make demo` and `make test` need CPython 3.11+, pip, make and the package registry; nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
export OMP_NUM_THREADS := 1

.PHONY: demo test lint bench bench-attacks bench-training bench-gans clean

demo: $(VENV)/.run
	$(BIN)/pryproof demo

test: $(VENV)/.test lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.run
	$(BIN)/python benchmarks/demo.py

# PRYPROOF_PEERS names a folder with clones of the peers' repositories; without it fewer are measured
bench-attacks: $(VENV)/.bench
	$(BIN)/python benchmarks/bench_attacks.py

# the plain script it is compared with runs with torch's default threads, so none are set here
bench-training: $(VENV)/.run
	env -u OMP_NUM_THREADS $(BIN)/python benchmarks/bench_training.py

# as in bench-training: the plain script keeps torch's default threads
bench-gans: $(VENV)/.run
	env -u OMP_NUM_THREADS $(BIN)/python benchmarks/bench_gans.py

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pryproof needs Python 3.11 or newer, this is " + sys.version.split()[0] + ". Run: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@ $(VENV)/.run

$(VENV)/.bench: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache dist
