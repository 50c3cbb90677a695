# `make demo` and `make test` are each the one command on a fresh Debian machine.

PYTHON ?= python3
PYTEST_ARGS ?=
BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Debian packages: repositories of throwaway .deb and .rpm files, their signatures, and machines to put them on.
DEBIAN_PACKAGES := apt-utils busybox-static createrepo-c dnf dnf-plugins-core dpkg faketime git gpg gpg-agent \
    gpgv python3-cryptography python3-venv rpm systemd

UV_VERSION := 0.13.8

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Debian packages come first, then the virtual environment.
.NOTPARALLEL:
.PHONY: help system venv check test demo agent-packages schemas lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

system: ## Install the Debian packages that the demo and the tests need
	@missing=; \
	for package in $(DEBIAN_PACKAGES); do \
	    case "$$(dpkg-query --show --showformat='$${db:Status-Abbrev}' $$package 2>/dev/null)" in \
	        ii*) ;; \
	        *) missing="$$missing $$package" ;; \
	    esac; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	install="apt-get install --yes --no-install-recommends$$missing"; \
	if [ "$$(id -u)" -ne 0 ]; then \
	    echo "Debian packages are missing; as root, run:" >&2; \
	    echo "    apt-get update && $$install" >&2; \
	    exit 1; \
	fi; \
	echo "Installing Debian packages:$$missing"; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get update && $$install

venv: $(STAMP) ## Install the locked Python packages into .venv

$(STAMP): requirements.lock pyproject.toml
	@echo "Installing Python packages into .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

check: venv ## Format, lint, types, layers, unit and property tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vermin --quiet --no-tips --violations --eval-annotations --target=3.9- reconciler/model reconciler/agent
	$(BIN)/pytest tests/unit tests/property -n 2 --dist worksteal $(PYTEST_ARGS)

test: system venv ## All tests except the slow and the huge ones
	$(BIN)/pytest -m "not slow and not huge" -n 2 --dist worksteal --cov $(PYTEST_ARGS)

demo: system venv ## The main job, on throwaway machines of this host
	$(BIN)/patchwright demo

agent-packages: system venv ## The agent as zipapp, .deb and .rpm, in dist/
	$(BIN)/python packaging/agent/build.py dist

schemas: venv ## Write schemas/ from the kinds
	$(BIN)/patchwright schemas --folder schemas

lock: ## Choose new versions of the Python packages and write requirements.lock
	@test -x .lock-venv/bin/python || $(PYTHON) -m venv .lock-venv
	@.lock-venv/bin/python -m pip --disable-pip-version-check --quiet install uv==$(UV_VERSION)
	.lock-venv/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	    --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade --quiet \
	    --no-config --output-file requirements.lock

clean: ## Remove everything that make made
	rm -rf .venv .lock-venv build dist *.egg-info .coverage .coverage.* .hypothesis
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find reconciler tests -name __pycache__ -type d -prune -exec rm -rf {} +
