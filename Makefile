# Sojourn. `make help` lists what there is; `make run` and `make test` do all their own set-up.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PORT ?= 8080
GROUP ?= spine
BIN := .venv/bin
export SOJOURN_DATA_DIR ?= $(CURDIR)/data
export PYTHONDONTWRITEBYTECODE ?=
export CI ?=

.PHONY: help setup setup-run run test check fix bench bench-full soak schema lock console api dev pictures

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make the environment in .venv (the others call it)
	@sh .ci/setup requirements-dev.lock

setup-run:
	@sh .ci/setup requirements.lock

run: setup-run ## start everything with demo data; PORT=8081 for another port
	@$(BIN)/python scripts/build_console.py || echo "going on without the console; to build it later: make console"
	@exec $(BIN)/python -m sojourn run --port $(PORT)

test: setup ## everything: checks, unit, integration, acceptance, faults, browser
	@sh .ci/chromium
	@$(BIN)/python scripts/build_console.py
	@CI=true $(BIN)/python tests/suite.py

check: setup ## style, types, imports, dependencies, lock, schema
	@$(BIN)/python tests/suite.py checks

fix: setup ## repair what can be repaired: formatting and simple findings
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

console: setup-run ## build the web console
	@$(BIN)/python scripts/build_console.py

api: setup ## write the console's client anew from the product's description
	@$(BIN)/python scripts/build_console.py --api

dev: setup-run ## serve the console with changes at once, beside a `make run`
	@$(BIN)/python scripts/build_console.py --dev

pictures: setup console ## take the pictures of every screen for docs/images
	@sh .ci/chromium
	@$(BIN)/python -m tests.browser.pictures

bench: setup ## measure: GROUP=spine (table, and build/bench.json)
	@$(BIN)/python -m bench --group $(GROUP)

bench-full: setup ## measure at full size and with five repeats
	@$(BIN)/python -m bench --group $(GROUP) --full

soak: setup ## the long matrix: stories and faults under every disturbance
	@$(BIN)/python tests/suite.py soak

schema: setup ## write migrations/schema.sql anew from the migrations
	@$(BIN)/python -m sojourn schema

lock: setup ## choose versions anew within pyproject.toml (needs uv and the package index)
	@sh .ci/lock
