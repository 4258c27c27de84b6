# Needs make and Python 3.11 or newer; everything else comes into .venv, pinned by hash.
# Another Python: make test PYTHON=python3.12        More test processes: make test WORKERS=8

SHELL := /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The first that is new enough.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; done; echo python3)
WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.installed-runtime
DEVELOPMENT := $(VENV)/.installed-development
RELEASE := .venv-release
PACKAGES := ivigilant listener worker inbox history parsers rules store forwarding clinical synthetic

# Only pip's index settings may come from the machine, not where it installs to.
PIP := env -u PIP_TARGET -u PIP_PREFIX PIP_USER=0 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip --quiet
# Once for all processes: where PYTHONDONTWRITEBYTECODE is set, each compiled the whole product again, a second of processor.
COMPILED := $(BIN)/python -m compileall -q -j 0
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --extra build

.PHONY: help demo test test-thorough check map bench docs manifests sbom advisories pictures format install requirements secrets clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNTIME)  ## the whole product with a synthetic hospital, in a temporary folder
	@$(COMPILED) $(PACKAGES)
	@$(BIN)/ivigilant demo

test: $(DEVELOPMENT)  ## every test, on SQLite, PostgreSQL and Redis that it starts itself
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 || \
		echo "No Chromium found: the tests of the pages in a browser are left out (Debian: apt-get install chromium)."
	@$(COMPILED) $(PACKAGES) tests
	@$(BIN)/pytest -n $(WORKERS) --dist worksteal --durations 10

test-thorough: $(DEVELOPMENT)  ## the tests that draw stories or race workers, for much longer
	@THOROUGH=1 $(BIN)/pytest -n $(WORKERS) --timeout 0 tests/journeys \
		tests/chaos/test_queue_faults.py tests/chaos/test_database_away.py tests/chaos/test_killed_chains.py

check: $(DEVELOPMENT)  ## format, lint, types and import arrows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict $(PACKAGES) tests $(wildcard bench)
	$(BIN)/lint-imports

map: $(DEVELOPMENT)  ## the shape of the code in figures: rooms, imports, the files one order enters
	@$(BIN)/python -m bench.structure

bench: $(DEVELOPMENT)  ## throughput and latency beside the baseline; the last table is bench/RESULTS.md
	@$(BIN)/python -m bench

docs: $(DEVELOPMENT)  ## write docs/vignettes.md, phrases.md, interface.md with its profile, and burden.md from a run (a few minutes)
	@$(BIN)/python -m tests.journeys.vignette_table
	@$(BIN)/python -m tests.journeys.phrase_table
	@$(BIN)/python -m tests.field.interface_page
	@$(BIN)/python -m tests.field.interface_profile
	@$(BIN)/python -m ivigilant.knowledge.burden_page docs/burden.md

manifests: $(DEVELOPMENT)  ## write deploy/kubernetes from docker-compose.yml
	@$(BIN)/python -m tests.deployment.manifests

sbom: $(RELEASE)/.installed  ## the bill of materials of requirements.txt, as CycloneDX: dist/ivigilant.cdx.json
	@mkdir -p dist
	@$(RELEASE)/bin/python -W ignore -m cyclonedx_py requirements requirements.txt --pyproject pyproject.toml \
		--output-reproducible --validate --of JSON -o dist/ivigilant.cdx.json
	@echo dist/ivigilant.cdx.json

advisories: $(RELEASE)/.installed  ## ask OSV what is known against what requirements.txt names, or say that nobody could be asked
	@mkdir -p dist
	@$(RELEASE)/bin/pip-audit --vulnerability-service osv --disable-pip --require-hashes -r requirements.txt \
		--progress-spinner off --timeout 5 2>dist/advisories.log || { \
		code=$$?; grep -q "exceptions.ConnectionError" dist/advisories.log || { cat dist/advisories.log; exit $$code; }; \
		echo "Nothing was audited: the service of advisories (api.osv.dev) cannot be reached from here."; exit 3; }

pictures: $(DEVELOPMENT)  ## take docs/pictures from a demonstration (needs a browser)
	@$(BIN)/python -m tests.inbox.pictures

format: $(DEVELOPMENT)  ## rewrite what the formatter and the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

install: $(DEVELOPMENT)  ## only prepare .venv
	@:

requirements: $(DEVELOPMENT)  ## pin the newest versions that pyproject.toml allows
	$(COMPILE) --upgrade pyproject.toml -o requirements.txt
	$(COMPILE) --upgrade --extra embedded -c requirements.txt pyproject.toml -o requirements-embedded.txt
	$(COMPILE) --upgrade --extra apprise -c requirements.txt pyproject.toml -o requirements-apprise.txt
	$(COMPILE) --upgrade --extra otel -c requirements.txt pyproject.toml -o requirements-otel.txt
	$(COMPILE) --upgrade --extra embedded --extra apprise --extra otel --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	$(subst --extra build,,$(COMPILE)) --upgrade --group release -o requirements-release.txt

secrets: $(RUNTIME)  ## the files that docker-compose.yml reads passwords and keys from
	@$(BIN)/python -m ivigilant.secret_files secrets

clean:  ## remove .venv and every cache
	rm -rf $(VENV) $(RELEASE) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(RUNTIME): requirements-embedded.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "IVIgilant needs Python 3.11 or newer; name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python cannot make virtual environments (Debian: apt-get install python3-venv)"; exit 1; }
	@echo "Preparing $(VENV) (once, about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --no-deps -r requirements-embedded.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(DEVELOPMENT): $(RUNTIME) requirements-dev.txt
	@echo "Adding what the tests and checks need ..."
	@$(PIP) install --require-hashes --no-deps -r requirements-dev.txt
	@touch $@

$(RELEASE)/.installed: requirements-release.txt
	@$(PYTHON) -m venv $(RELEASE)
	@env -u PIP_TARGET -u PIP_PREFIX PIP_USER=0 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 $(RELEASE)/bin/python -m pip --quiet \
		install --require-hashes --no-deps -r requirements-release.txt
	@touch $@
