# Everything a person types. `make help` prints the targets below.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV = $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := true
# One more than two cores: a test often waits for a broker, a server or a logger. Each has its own of them.
WORKERS := 3
SHARED = -m 'not chaos' --numprocesses $(WORKERS) --no-loadscope-reorder --durations 20

.DEFAULT_GOAL := help
.PHONY: help setup run test check long unit integration e2e chaos bench bench-tables bench-qa bench-doors bench-deliveries bench-delivery-chaos bench-stack bench-curve fuzz schemas docs lock clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## start everything with the demo: files in, page and API out (Ctrl-C stops it)
	@$(BIN)/quantrac up --demo

# The start of a command compiles some 250 modules where no bytecode is kept: three times its CPU.
unexport PYTHONDONTWRITEBYTECODE

test: setup check ## run every check and every test but those of `make chaos` and the long forms of `make long`
	@$(BIN)/pytest $(SHARED) tests

setup: $(VENV)/.complete ## make the environment from the lock and fetch the broker's jars

$(VENV)/.complete: requirements.lock pyproject.toml quantrac/local/kafka-4.2.0.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=...")'
	@command -v uv >/dev/null 2>&1 || test -x .tools/bin/uv || \
	  { echo 'setup: fetching uv, the installer, into .tools'; $(PYTHON) -m venv .tools && .tools/bin/python -m pip install --quiet --disable-pip-version-check uv; }
	@echo 'setup: making the environment in $(VENV), some 1.2 GB; a minute, the first time longer'
	@$(UV) venv --quiet --clear --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@echo 'setup: looking for the jars of Apache Kafka; what is missing is fetched, once a machine'
	@$(BIN)/python -m quantrac.local.jars
	@echo 'setup: done; the command is $(BIN)/quantrac'
	@touch $@

check: setup ## lint, formatting, types, import arrows, names
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m tools.names

long: setup ## the tests of `make test` with all their examples and their long histories (half an hour)
	@QUANTRAC_TESTS=long $(BIN)/pytest $(SHARED) tests

unit: setup ## only the tests that need nothing but Python
	@$(BIN)/pytest tests/unit tests/contract

integration: setup ## only the tests of single parts against their real neighbours
	@$(BIN)/pytest -m 'not chaos' tests/integration

chaos: setup ## only the tests that kill and double processes while they work (minutes)
	@$(BIN)/pytest -m chaos tests/integration tests/e2e

e2e: setup ## only the tests of the whole stack
	@$(BIN)/pytest tests/e2e

bench: setup ## measure the pipeline, the parser by dialect, the lane of the backlog (minutes)
	@$(BIN)/python benchmarks/pipeline.py
	@$(BIN)/python benchmarks/dialects.py
	@$(BIN)/python benchmarks/backlog.py

bench-tables: setup ## measure the store, averages, a national burst, alerts, questions on 50 million readings, history, comparing (minutes)
	@$(BIN)/python benchmarks/store.py
	@$(BIN)/python benchmarks/windows.py
	@$(BIN)/python benchmarks/burst.py
	@$(BIN)/python benchmarks/watch.py
	@$(BIN)/python benchmarks/queries.py
	@$(BIN)/python benchmarks/history.py
	@$(BIN)/python benchmarks/reconcile.py

bench-qa: setup ## measure the quality tests on labelled series and their speed, beside ioos_qc and SaQC (minutes)
	@$(BIN)/python benchmarks/qa/labelled.py
	@$(BIN)/python benchmarks/qa/speed.py

bench-stack: setup ## measure starts, memory and idle load of the demo (minutes; Linux)
	@$(BIN)/python benchmarks/stack.py

bench-doors: setup ## measure 2,000 loggers at the doors, beside vsftpd and pure-ftpd (minutes)
	@$(BIN)/python benchmarks/doors.py

bench-deliveries: setup ## measure how long readings take to the ministry, and catching up, near and far (minutes; Linux)
	@$(BIN)/python benchmarks/to_the_ministry.py
	@$(BIN)/python benchmarks/deliveries.py

bench-delivery-chaos: setup ## deliver 100,000 sets under kill -9 of forwarder, door and broker and a bad way between (minutes)
	@$(BIN)/python benchmarks/delivery_chaos.py

bench-curve: setup ## measure registries of 2,000, 20,000 and 100,000 stations (an hour; Linux)
	@$(BIN)/python benchmarks/curve.py

fuzz: setup ## put 10 million random files through the parser (MILLIONS=10, SEED=1; some 20 minutes)
	@$(BIN)/python benchmarks/fuzz_parser.py $(or $(MILLIONS),10) $(or $(SEED),1)

schemas: setup ## write the JSON Schemas from the messages
	@$(BIN)/python -m schemas.json

docs: setup ## write the generated parts of the pages in docs/, and the conformance corpus
	@$(BIN)/python -m docs.qa_page
	@$(BIN)/python -m docs.limits_page
	@$(BIN)/python -m docs.operating_page
	@$(BIN)/python -m docs.registry_page
	@$(BIN)/python -m docs.station_files_page
	@$(BIN)/python -m quantrac.conformance

lock: setup ## resolve the dependencies anew into requirements.lock
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	  --extra server --extra local --extra dev pyproject.toml --output-file requirements.lock

clean: ## remove the environment and caches; data folders stay
	@rm -rf $(VENV) .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis
