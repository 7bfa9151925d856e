# Rootline. `make help` lists the targets; nothing but python3 (3.11+), pip and make is needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint type fmt bench train clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## install everything into .venv

# Debian's python3 comes without ensurepip unless python3-venv is there: then the system's pip
# installs pip into the new environment.
$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Rootline needs Python 3.11 or later; $(PYTHON) is {v[0]}.{v[1]}. Try: make PYTHON=python3.12 setup")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { $(PYTHON) -m venv --clear --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install -q pip; }
	@echo "installing into $(VENV) (about a minute the first time)"
	@$(BIN)/python -m pip install -q --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install -q --editable . --group dev
	@touch $@

demo: $(STAMP)  ## play the storm end to end on an embedded broker
	@$(BIN)/rootline demo

test: $(STAMP)  ## run all the tests
	$(BIN)/python -m pytest

check: lint type  ## what CI runs besides the tests

lint: $(STAMP)  ## ruff and import-linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

type: $(STAMP)  ## mypy --strict
	$(BIN)/mypy

fmt: $(STAMP)  ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## run the benchmarks
	$(BIN)/python -m bench

train: $(STAMP)  ## train the shipped ranker again from the shipped case rows
	$(BIN)/rootline train

clean:  ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
