# Every target works in a fresh clone with Python ≥ 3.11, git and make; the first one makes the environment.
SHELL := /bin/sh
VENV ?= .venv
PYTHON3 ?= python3
PY := $(VENV)/bin/python
LOCK := requirements-dev.lock
E2E_ON ?= devserver
# A worker for each core, and one more (tests/conftest.py).
PYTEST ?= $(PY) -m pytest -q -n auto --dist loadfile
# What a fork tests of its own: its inputs, and what `new.py` made.
OWN_TESTS = tests/fork $(wildcard tests/components tests/pipelines)
PRODUCT_TESTS ?= tests
# A repository is the product's own as long as it has the id that ships; a fork sets another.
id = $(shell awk '$$1 == "id:" { print $$2; exit }' $(1)/environments/base.yaml)
export PYTHONPATH := $(CURDIR)/scripts:$(CURDIR)/components/src
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-both test-own test-product check fix forks e2e e2e-scaling bench render components reference rules shipped lock clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The lock is whole, so nothing is resolved (older pips fail at a dependency on `package[extra]` with hashes).
# Keyed by the lock's content, so that a changed lock installs anew and an old one costs nothing.
# What builds a package that has no wheel comes from a lock, too: nothing unhashed is fetched, or run.
$(VENV)/.installed: $(LOCK) requirements-build.lock
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON3=…")'
	$(PYTHON3) -m venv $(VENV)
	$(PY) -m pip install --quiet --require-hashes --only-binary :all: --requirement requirements-build.lock
	$(PY) -m pip install --quiet --no-deps --no-compile --require-hashes --no-build-isolation --use-pep517 --requirement $(LOCK)
	@-$(PY) -m compileall -qq -j 0 $(VENV)/lib  # as pip would, on all cores; some files are of other Pythons
	@touch $@

demo: $(VENV)/.installed  ## the whole way once, on this machine: render, plan, apply, run, report
	$(PY) scripts/demo.py

test: $(if $(filter $(call id,.),$(call id,tests/shipped)),test-both,test-own)  ## a fork's own tests; in the product's repository the product's, too

test-both: $(VENV)/.installed
	$(PYTEST) tests

test-own: $(VENV)/.installed  ## inputs render, compile, keep the policy and run; tests that new.py made
	$(PYTEST) --dist load $(OWN_TESTS)

test-product: $(VENV)/.installed  ## all tests of the product, which see what ships, whatever a fork set
	$(PYTEST) $(PRODUCT_TESTS) $(addprefix --ignore=,$(OWN_TESTS))

forks: $(VENV)/.installed  ## make five forks and run both in each: ARGS=--all for the product's tests whole
	$(PY) tests/fork/forks.py $(ARGS)

check: $(VENV)/.installed  ## format, lint, types, layers, component specs, rendered manifests, policy
	$(PY) -m ruff format --check --quiet .
	$(PY) -m ruff check --quiet .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-cache
	$(PY) scripts/components.py --check
	$(PY) scripts/reference.py --check
	$(PY) scripts/prometheus_rules.py --check
	$(PY) scripts/render.py --all --check
	$(PY) scripts/policy.py

fix: $(VENV)/.installed  ## mend what `make check` would refuse, as far as a machine can, and say what is left
	$(PY) scripts/fix.py

e2e: $(VENV)/.installed  ## merge, sync, promote, roll back; on the development server, E2E_ON=cluster or kind
	PYTHON=$(abspath $(PY)) tests/e2e/scenario $(E2E_ON)

e2e-scaling: $(VENV)/.installed  ## usage, floors and proposals on a real Kubernetes: ARGS="floors usage proposals", ARGS=--help
	PYTHON=$(abspath $(PY)) tests/e2e/scaling $(ARGS)

bench: $(VENV)/.installed  ## measure speed, as ratios against a peer in the same run: SECTION=render JSON=FILE
	$(PY) -m tests.bench $(SECTION) $(if $(JSON),--json $(JSON))

components: $(VENV)/.installed  ## compile component.py → component.yaml, pipeline.py → compiled.yaml
	$(PY) scripts/components.py

reference: $(VENV)/.installed  ## write docs/manifest-reference.md from the manifest's JSON Schema
	$(PY) scripts/reference.py

rules: $(VENV)/.installed  ## write the alerts' pages and the forms of charts into docs/prometheus
	$(PY) scripts/prometheus_rules.py

render: components rules  ## compile components and pipelines in Python, then render and lock every environment
	$(PY) scripts/render.py --all --lock

shipped: $(VENV)/.installed  ## copy what ships to tests/shipped, which the product's tests see in a fork
	$(PY) tests/assembly.py

lock:  ## refresh the lock files from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --generate-hashes --python-version=3.11 pyproject.toml --output-file=requirements.lock
	uv pip compile --quiet --universal --generate-hashes --python-version=3.11 pyproject.toml --extra=reconcile --extra=fast --output-file=requirements-reconcile.lock
	uv pip compile --quiet --universal --generate-hashes --python-version=3.11 pyproject.toml --extra=dev --output-file=requirements-dev.lock
	uv pip compile --quiet --universal --generate-hashes --python-version=3.11 components/pyproject.toml --extra=image --output-file=components/requirements.lock
	uv pip compile --quiet --universal --generate-hashes --python-version=3.11 requirements-build.in --output-file=requirements-build.lock
	uv pip compile --quiet --universal --generate-hashes --python-version=3.11 requirements-build.in --output-file=components/requirements-build.lock
	uv pip compile --quiet --universal --generate-hashes --python-version=3.11 tests/servers/swift.in --output-file=tests/servers/swift.lock

clean:  ## remove what the targets made
	rm -rf $(VENV) .demo .local-runs .pytest_cache .mypy_cache .ruff_cache .hypothesis
