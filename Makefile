# All of it works on a machine with make, Python, and either Docker or Java with Maven. Versions are in
# pyproject.toml and uv.lock, of Neo4j in deploy/neo4j/pom.xml; this file has none.
# Arguments for the command behind a target: make run ARGS=--help

MAKEFLAGS += --no-print-directory
# `make test` starts some hundred processes of ours: each would compile all that it loads anew.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
COMPLETE := $(VENV)/.complete
ARGS ?=
MINUTES ?= 10

.PHONY: help run test coverage chaos test-vllm test-browser chromium check bench client environment again

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: environment ## start it all, with an example: Neo4j, the API, a deliberation that you can watch
	@$(BIN)/council up --example $(ARGS)

# Three processes, each with a Neo4j of its own; on one that was given there can be but one. They wait for a third of their time:
# with two, two cores have nothing to do for a quarter of theirs. In the order of tests/conftest.py: otherwise files with few tests
# come last, which are the longest, and one process waits for the others.
SIDE_BY_SIDE := $(if $(NEO4J_URI),,--numprocesses=3 --dist=loadfile --no-loadscope-reorder)

USUAL := not vllm and not browser

test: environment ## run all tests but those that need a real vLLM or a browser
	$(BIN)/pytest -m "$(USUAL)" $(SIDE_BY_SIDE) --durations=15 $(ARGS)

coverage: environment ## run the same tests slowly, and say which lines none of them ran
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "$(USUAL)" $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

chaos: environment ## kill, pause and cut everything at random, and judge what came of it: make chaos MINUTES=10 SEED=7
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(ARGS)

test-vllm: environment ## install a real vLLM for the CPU, and run the main job against it
	$(BIN)/pytest tests/vllm -m vllm $(ARGS)

test-browser: environment chromium ## look at GraphiQL in Chromium
	$(BIN)/uv run --frozen --isolated --group browser pytest tests/browser -m browser $(ARGS)

chromium: ## install Chromium, where this is root on Debian or Ubuntu and it is missing
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && { apt-get install -qq --yes chromium || \
		{ apt-get update -qq && apt-get install -qq --yes chromium; }; } >/dev/null; } || \
		{ echo "Chromium is needed. Debian, Ubuntu: sudo apt install chromium" >&2; exit 1; }

check: environment ## check format, style, types and the direction of imports
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

bench: environment ## measure, beside a floor in the same run
	@$(BIN)/python -m tests.benchmarks $(ARGS)

client: environment ## make orchestrator/client/generated anew, of graphql/schema.graphql and graphql/operations
	@rm -rf orchestrator/client/generated
	@cd graphql/client && $(CURDIR)/$(BIN)/uv run --frozen --quiet python -m ariadne_codegen | sed -n '/^Generated/,$$p'

environment: $(COMPLETE) ## make Python's environment in .venv; the other targets do it where needed

# The scripts in an environment name its directory, and its packages are of one Python 3.x: where the checkout was moved, or that
# Python is another now or gone, it is made anew.
MADE_OF = $(CURDIR) with $$($(BIN)/python --version 2>/dev/null | cut -d . -f 1,2)
ifneq ($(shell cat $(COMPLETE) 2>/dev/null),$(shell echo "$(MADE_OF)"))
$(COMPLETE): again
endif

# The oldest Python that will do, and uv, are what pyproject.toml says.
$(COMPLETE): pyproject.toml uv.lock
	@set -e; \
	oldest=$$(sed -n 's/^requires-python = ">=3\.\([0-9]*\)"$$/\1/p' pyproject.toml); \
	uv=$$(sed -n 's/^.*"\(uv==[0-9.]*\)".*$$/\1/p' pyproject.toml); \
	fits="import sys, venv; sys.exit(sys.version_info < (3, $$oldest))"; \
	made_of=$$(cat $@ 2>/dev/null || echo "$(MADE_OF)"); \
	if [ "$$made_of" != "$(MADE_OF)" ] || ! $(BIN)/python -c "$$fits" 2>/dev/null; then \
		for python in "$$PYTHON" python3 $$(seq -f 'python3.%.0f' 30 -1 $$oldest); do \
			[ -n "$$python" ] && "$$python" -c "$$fits" 2>/dev/null && break; \
			python=; \
		done; \
		if [ -z "$$python" ]; then \
			echo "Python 3.$$oldest or later is needed, and python3 is $$(python3 --version 2>/dev/null || echo missing)." >&2; \
			echo "  Debian, Ubuntu:  sudo apt install python3 python3-venv" >&2; \
			echo "  macOS:           brew install python" >&2; \
			echo "Where it has another name: make PYTHON=/path/to/python" >&2; \
			exit 1; \
		fi; \
		echo "Making the environment in $(VENV) with $$("$$python" --version)."; \
		"$$python" -m venv --clear $(VENV) || { \
			rm -rf $(VENV); \
			echo "Python's venv does not work. Debian, Ubuntu: sudo apt install python3-venv" >&2; \
			exit 1; \
		}; \
	fi; \
	rm -f $@; \
	if [ "$$($(BIN)/uv --version 2>/dev/null | cut -d ' ' -f 2)" != "$${uv#uv==}" ]; then \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$uv"; \
	fi; \
	$(BIN)/uv sync --frozen --quiet; \
	echo "$(MADE_OF)" > $@
