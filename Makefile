SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON3 ?= python3
PYTHON := .venv/bin/python
MSGRAPH_SDK := .local/msgraph-sdk/bin/python
SETUP := $(PYTHON3) -m localdev.setup

.PHONY: help setup demo up test check format bench bench-quick whole clean python

help: ## Show the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 13

python:
	@$(SETUP) python

setup: ## Only set up what the other verbs need; each of them does it too, and it is done once
	@$(SETUP) python node

demo: setup ## Set up, run the whole product offline on a sample company, print what came out, stop (or: MAIL=mail.csv.gz DOMAIN=w3.org AS_OF=2001-12-31)
	@$(PYTHON) -m localdev demo $(if $(MAIL),--mail "$(MAIL)") $(if $(DOMAIN),--domain "$(DOMAIN)") $(if $(AS_OF),--as-of "$(AS_OF)")

up: setup ## The same world, left running: prints its addresses, Ctrl-C stops it (EMPTY=1: with nothing saved yet, for docs/tour.md)
	@$(PYTHON) -m localdev up $(if $(EMPTY),--empty)

test: setup ## Set up and run all tests (ARGS="tests/core -k score" for some)
	@$(PYTHON) -m pytest -n 2 --dist loadfile $(ARGS)

check: setup ## What CI runs: format, lint, types, import rules, tests
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(PYTHON) -m pytest -n 2 --dist loadfile

format: python ## Format the code and fix what the linter can fix
	@$(PYTHON) -m ruff format .
	@$(PYTHON) -m ruff check --fix .

# Apart from everything else: it brings its own versions of what the app uses, and half a gigabyte.
$(MSGRAPH_SDK):
	@$(PYTHON) -m venv .local/msgraph-sdk
	@$(MSGRAPH_SDK) -m pip install --quiet --disable-pip-version-check msgraph-sdk==1.65.0 \
	  || { rm -rf .local/msgraph-sdk; echo "msgraph-sdk cannot be installed: measured without it"; }

bench: setup $(MSGRAPH_SDK) ## The benchmarks, each beside what it is compared with, at full size; fills docs/performance.md
	@$(PYTHON) -m bench

bench-quick: setup ## The same, each shorter
	@$(PYTHON) -m bench --quick

whole: setup ## 2,500 mailboxes through emulator, local host and Azurite to tables, once, and what a month would cost (ARGS="--mailboxes 250")
	@$(PYTHON) -m bench.whole $(ARGS)

clean: ## Remove everything that the verbs made
	rm -rf .venv .local node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
