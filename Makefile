# `make` lists what there is. Everything runs in .venv, which the first command builds.
PYTHON ?= python3
BIN := .venv/bin
# Modules of ours are compiled once too, not in each of the processes of a run.
export PYTHONDONTWRITEBYTECODE :=
.DEFAULT_GOAL := help
.PHONY: help install demo test test-fast test-jax test-long test-kill test-slurm test-browser page page-check check format bench bench-peers lock schema docs clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 12

install: .venv/.installed  ## the environment in .venv, with the versions of requirements.lock

# Compiled once: where Python may not write bytecode, each import of TensorFlow would take 15 s instead of 5.
# uv is quick; where it cannot reach its index, pip does the same with your pip configuration.
.venv/.installed: requirements.lock pyproject.toml
	@echo "installing into .venv (once, a minute)"
	@$(PYTHON) -m venv .venv || { echo "python3-venv is missing: apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python -r requirements.lock \
	  || $(BIN)/python -m pip install --quiet -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e . \
	  || $(BIN)/python -m pip install --quiet --no-deps -e .
	@touch $@

demo: install  ## two synthetic recordings all the way to poses, report and overlays (3 to 18 minutes)
	@$(BIN)/python workflow/demo.py

# Two processes, as each needs up to 2 GB for TensorFlow; a file's tests in one of them, the longest files first.
PARALLEL := -n 2 --dist loadfile --no-loadscope-reorder

test: install  ## all tests (5 to 11 minutes)
	@$(BIN)/python -m pytest $(PARALLEL)

test-fast: install  ## unit tests of a tenth of a second or less each, without real recordings (a minute)
	@$(BIN)/python -m pytest $(PARALLEL) -m "not slow and not workflow and not slurm and not long and not browser"

# SLURM_TESTS="slurm and not slow" leaves out those that wait for SLURM's own delays, or train again and again.
SLURM_TESTS ?= slurm
test-slurm: install  ## tests on a SLURM cluster that this brings up; needs root and Debian's SLURM (CONTRIBUTING.md)
	@$(BIN)/python -m pytest -m "$(SLURM_TESTS)" tests/cluster

# Beside TensorFlow, whose lock they agree with: Keras takes the backend that KERAS_BACKEND names.
.venv/.jax: .venv/.installed requirements-jax.lock
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps -r requirements-jax.lock \
	  || $(BIN)/python -m pip install --quiet --no-deps -r requirements-jax.lock
	@touch $@

test-jax: .venv/.jax  ## the tests of the networks once more, with Keras on JAX (5 minutes)
	@KERAS_BACKEND=jax $(BIN)/python -m pytest $(PARALLEL) -m backend

test-long: install  ## one of each bad thing, SIGKILLs at random moments, a backbone of each family (7 minutes)
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m long

test-kill: install  ## twenty SIGKILLs at random moments, then the same tables as an undisturbed run
	@POSEFLOW_KILLS=20 $(BIN)/python -m pytest -m long tests/workflow/test_kill.py

test-browser: install  ## the page in Debian's Chromium, with real runs and trainings (5 minutes; apt install chromium)
	@$(BIN)/python -m pytest -m browser tests/browser

# The page's bundle is committed, so that nobody needs node but who changes the page (CONTRIBUTING.md).
src/page/node_modules: src/page/package-lock.json
	@cd src/page && npm ci --no-audit --no-fund --loglevel=error && touch node_modules

page: src/page/node_modules  ## the page's bundle from src/page, with node 20 or newer
	@cd src/page && node build.mjs

page-check: src/page/node_modules  ## the page's sources: linter, types, unit tests, and that the bundle is theirs
	@cd src/page && npx biome check --error-on-warnings . && npx tsc --noEmit && npx vitest run --reporter=dot
	@cd src/page && node build.mjs ../../build/page && diff -r ../../build/page ../poseflow/server/static \
	  || { echo "the bundle is not that of src/page: make page" >&2; exit 1; }

check: install  ## linters, types, layers, formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakemake --lint --configfile config/demo.yaml

format: install  ## format the code
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

bench: install  ## speed and memory
	@$(BIN)/python benchmarks/bench.py

# PyTorch is some gigabytes; PEERS="--rounds 9" and the like are its options.
bench-peers: install  ## speed beside sleap-nn, in an environment of its own (.peers), with POSEFLOW_REAL_DATA
	@$(BIN)/python benchmarks/peers.py $(PEERS)

COMPILE := uv pip compile pyproject.toml --quiet --no-emit-index-url --no-annotate --no-header --python-version 3.11

lock: install  ## requirements.lock and requirements-jax.lock anew from pyproject.toml
	$(BIN)/$(COMPILE) --extra dev --extra exports --extra runtimes --extra docs --upgrade --output-file requirements.lock
	$(BIN)/$(COMPILE) --extra jax --constraint requirements.lock | grep -vxFf requirements.lock > requirements-jax.lock

schema: install  ## config.yaml, JSON schemas, docs/reference/configuration.md and the page's types from their models; each step's defaults
	$(BIN)/python -m poseflow.config
	$(BIN)/python tests/record_defaults.py
	$(BIN)/python -m poseflow.server.typescript src/page/types.ts

docs: install  ## the site of docs/ into site/: open site/index.html
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

clean:  ## remove caches and the demo's recordings; results/ and .venv stay
	rm -rf demo build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks workflow -name __pycache__ -prune -exec rm -rf {} +
