# Everything there is to do with this project; `make help` explains the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CODE := ingest processors schemas deploy tests
ARGS ?=
SECONDS ?= 60
STACK ?= local
# Two stacks side by side: most of the tests' time is waiting for servers that start or are killed.
WORKERS ?= --numprocesses 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help install run test fuzz chaos check format demo image helm promtool strimzi chart lock clean clean-data

help: ## explain the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

install: $(STAMP) ## make .venv with the locked packages (the other targets do it when needed)
	@:

run: $(STAMP) ## start the whole pipeline here and keep it running until Ctrl-C
	@exec $(BIN)/python -m deploy.local.run

test: $(STAMP) ## run all tests; also while `make run` is up (STACK=docker, ARGS="-k word" for pytest, WORKERS= for one stack)
	@STACK=$(STACK) exec $(BIN)/python -m pytest $(WORKERS) $(ARGS)

fuzz: $(STAMP) ## put any input into every parser, for SECONDS=60 or longer
	@exec $(BIN)/python -m tests.fuzz $(SECONDS)

chaos: $(STAMP) ## kill everything under load, look what is lost (ARGS="--seed 1 --seconds 300 --phones 20 --workers 2")
	@exec $(BIN)/python -m tests.chaos $(ARGS)

check: $(STAMP) ## lint, format, types and import rules
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/mypy --strict $(CODE)
	@$(BIN)/lint-imports --no-cache

format: $(STAMP) ## put imports and layout of the code in order
	@$(BIN)/ruff check --fix-only --quiet $(CODE)
	@$(BIN)/ruff format $(CODE)

demo: $(STAMP) ## simulated phones make calls, analysts see them (ARGS="--calls 1000")
	@exec $(BIN)/python -m deploy.demo $(ARGS)

image: ## build the container image and try it, without a container engine (needs root, buildah)
	@deploy/image/check.sh

helm: $(STAMP) ## build helm from its Go module, unless it is here (tests of the chart need it)
	@exec $(BIN)/python -m deploy.manifests.helm

promtool: $(STAMP) ## build promtool from its Go module, unless it is here (tests of the alerts need it)
	@exec $(BIN)/python -m deploy.manifests.promtool

strimzi: $(STAMP) ## fetch Strimzi's classes of its resources (a test of the chart needs them)
	@exec $(BIN)/python -m deploy.manifests.strimzi

chart: $(STAMP) ## lint the Helm chart and make deploy/manifests from it anew
	@exec $(BIN)/python -m deploy.manifests

lock: ## make requirements.lock anew from pyproject.toml (versions stay unless ARGS=--upgrade)
	@deploy/local/lock.sh $(PYTHON) $(ARGS)

clean: ## delete .venv, the cache of jars and what tools left; never the data folder
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build *.egg-info
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

clean-data: ## ask, then delete the data folder with all calls and recordings
	@deploy/local/clean-data.sh

$(STAMP): requirements.lock
	@deploy/local/install.sh $(PYTHON) $(VENV) requirements.lock $(STAMP)
