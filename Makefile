# What is tested is what requirements/dev.txt pins. Without make: README.md.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/setup.stamp
PIP := $(RUN) -m pip --disable-pip-version-check

# TensorFlow's notes on the processor are no findings.
export TF_CPP_MIN_LOG_LEVEL ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow lint lock clean

help:
	@echo "make setup             .venv with the pinned versions; does nothing when nothing changed"
	@echo "make demo              trains on synthetic photographs, exports, runs the file: demo/report.html"
	@echo "make demo DATA=FOLDER  the same on real photographs, for instance path/to/toplogo10"
	@echo "make test              ruff and the tests that are not slow"
	@echo "make test-slow         the slow tests and nothing else"
	@echo "make lint              ruff alone"
	@echo "make lock              writes requirements/ anew from pyproject.toml; the versions there are kept where they fit"
	@echo "make clean             removes what demo, tests and builds left; keeps .venv"

setup: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "logo_keras needs Python 3.11 or newer; choose one with make PYTHON=...")'
	@echo "Installing TensorFlow and the rest into $(VENV): some minutes and about 3 GB."
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -r requirements/dev.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: setup
	$(RUN) -m logo_keras.commands.demo --out demo $(if $(DATA),--data "$(DATA)")

test: lint
	$(RUN) -m pytest -m "not slow"

test-slow: setup
	$(RUN) -m pytest -m slow

lint: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

# base.txt is what the edge runtime alone needs, in the versions of dev.txt.
LOCK := $(RUN) -m uv pip compile --quiet --universal --custom-compile-command "make lock" pyproject.toml
lock: setup
	$(LOCK) --extra dev --output-file requirements/dev.txt
	$(LOCK) --no-annotate --constraints requirements/dev.txt --output-file requirements/base.txt

clean:
	rm -rf demo build dist .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -not -path "./$(VENV)/*" -prune -exec rm -rf {} +
