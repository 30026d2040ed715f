# What is tested is what requirements/dev.txt pins. Without make: README.md.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/setup.stamp
# Programs that run exported files, in environments of their own: their packages collide with ours.
CLIENTS := mediapipe triton
# What our batches are measured against; several GB, so that neither set-up nor tests install it.
COMPARISONS := torchvision
CLIENT_STAMPS := $(CLIENTS:%=.clients/%/setup.stamp)
PIP := $(RUN) -m pip --disable-pip-version-check

# TensorFlow's notes on the processor are no findings.
export TF_CPP_MIN_LOG_LEVEL ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup clients comparison demo test test-slow soak lint lock clean

help:
	@echo "make setup             .venv with the pinned versions; does nothing when nothing changed"
	@echo "make demo              names brands without training; trains on synthetic photographs, exports: demo/report.html"
	@echo "make demo DATA=FOLDER  the same on real photographs, for instance path/to/toplogo10"
	@echo "make test              ruff and the tests that are not slow"
	@echo "make test-slow         the slow tests and nothing else; those of clients that are not installed are skipped"
	@echo "make clients           installs the clients from pip and npm: MediaPipe, Triton, OpenVINO, TensorRT-RTX, the browser page"
	@echo "make comparison        installs torch and torchvision beside ours, for benchmarks/loading.py: 6 GB"
	@echo "make soak              kills training runs at named points and random moments: benchmarks/results/soak.md"
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

clients: setup $(CLIENT_STAMPS) .clients/local.stamp deploy/web/node_modules/.package-lock.json

comparison: setup $(COMPARISONS:%=.clients/%/setup.stamp)

.clients/%/setup.stamp: requirements/clients/%.txt
	$(PYTHON) -m venv .clients/$*
	.clients/$*/bin/python -m pip --disable-pip-version-check install -r $<
	@touch $@

# These live beside our packages.
.clients/local.stamp: requirements/clients/local.txt $(STAMP)
	$(PIP) install -r $<
	@mkdir -p $(@D) && touch $@

deploy/web/node_modules/.package-lock.json: deploy/web/package-lock.json
	cd deploy/web && npm ci --no-audit --no-fund
	@touch $@

demo: setup
	$(RUN) -m logo_keras.commands.demo --out demo $(if $(DATA),--data "$(DATA)")

# A file of tests in one process: what its fixtures trained serves them all. Each process takes up to 5 GB.
test: lint
	$(RUN) -m pytest -m "not slow" -n 2 --dist loadfile

test-slow: setup
	$(RUN) -m pytest -m slow

soak: setup
	$(RUN) benchmarks/soak.py --moments=20

lint: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

CLIENT_LOCK := $(RUN) -m uv pip compile --quiet --no-annotate --custom-compile-command "make lock"
# base.txt is what the edge runtime alone needs, in the versions of dev.txt.
LOCK := $(RUN) -m uv pip compile --quiet --universal --custom-compile-command "make lock" pyproject.toml
lock: setup
	$(LOCK) --extra dev --output-file requirements/dev.txt
	$(LOCK) --no-annotate --constraints requirements/dev.txt --output-file requirements/base.txt
	$(CLIENT_LOCK) requirements/clients/local.in --constraints requirements/dev.txt --output-file requirements/clients/local.txt
	for name in $(CLIENTS) $(COMPARISONS); do $(CLIENT_LOCK) requirements/clients/$$name.in --output-file requirements/clients/$$name.txt; done

clean:
	rm -rf demo build dist .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -not -path "./$(VENV)/*" -prune -exec rm -rf {} +
