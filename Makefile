# hlsgen: `make demo` is the tour, `make test` the fast tests, `make test-all` all of them, `make mutants` how well they bite,
# `make conformance` what of the official suite of ONNX passes, `make pages` the site.
# Everything lands in .venv, from PyPI; the machine needs python3 >= 3.11, a C++ compiler, make and perl.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# Two tests at a time; a test process needs up to 2 GB.
WORKERS ?= 2

.PHONY: demo test test-all mutants conformance pages venv check-machine clean

demo: $(STAMP)
	$(RUN) examples/digits/demo.py

test: $(STAMP)
	$(RUN) -m pytest -n $(WORKERS)

test-all: $(STAMP)
	$(RUN) -m pytest -n $(WORKERS) -m ""

mutants: $(STAMP)
	$(RUN) -m pip install --quiet --disable-pip-version-check -e '.[mutants]'
	$(RUN) -m benchmarks.mutants

pages: $(STAMP)
	$(RUN) -m pip install --quiet --disable-pip-version-check -e '.[pages]'
	$(RUN) -m mkdocs build --strict

# DEVICES: CPU takes a minute; CPU RTL also simulates circuits, for hours.
DEVICES ?= CPU
conformance: $(STAMP)
	$(RUN) -m benchmarks.conformance $(foreach device,$(DEVICES),--device $(device))

venv: $(STAMP)

$(STAMP): pyproject.toml | check-machine
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --upgrade pip setuptools
	$(RUN) -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $(STAMP)

check-machine:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "hlsgen needs Python 3.11 or newer as '$(PYTHON)': install the package python3.11 (or name one: make PYTHON=python3.12)." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "hlsgen needs Python's venv module: install the package python3-venv." >&2; exit 2; }
	@command -v $(firstword $(CXX)) >/dev/null || \
	  { echo "hlsgen needs a C++ compiler to build simulators: install the package g++ (or set CXX)." >&2; exit 2; }
	@command -v perl >/dev/null || \
	  { echo "hlsgen needs perl, in which Verilator's command is written: install the package perl." >&2; exit 2; }

clean:
	rm -rf $(VENV) build hlsgen.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
