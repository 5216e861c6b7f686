# make demo: three runs that show what seqproof does. make test: the whole test suite. Each sets itself up in .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: demo test test-kit test-model test-rest certify lint docs wheel clean
.DELETE_ON_ERROR:

demo: .venv/installed
	$(BIN)/seqproof demo

# Two at once, as most machines have two processors: the longest first, then the others. Each prints when it is done.
test: .venv/installed-dev
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-kit $(ALSO) test-model test-rest

test-model: .venv/installed-dev
	$(BIN)/pytest model

test-kit: .venv/installed-dev
	$(BIN)/pytest conformance

test-rest: .venv/installed-dev
	$(BIN)/pytest reference_impl reports docs

# Who tests the tests: every known fault is found by the standard suite, and no correct server or phone is blamed.
certify: .venv/installed
	$(BIN)/seqproof mutants --engine standard

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright

docs: .venv/installed-dev
	$(BIN)/python docs/print.py
	$(BIN)/python docs/print_reference.py
	$(BIN)/python docs/print_targets.py
	$(BIN)/python reports/gallery.py

wheel: .venv/installed-dev
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "seqproof needs Python 3.11 or newer; run: make PYTHON=python3.11 ...")'
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "this Python has no venv; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) install --upgrade pip
	@touch $@

.venv/installed: .venv/made pyproject.toml constraints.txt
	$(PIP) install --editable '.[nats,postgres,valkey]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(PIP) install --group dev
	@touch $@

clean:
	rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
