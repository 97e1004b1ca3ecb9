# Everything that CI runs is a target here. Needs git, make and Python 3.11 or newer; the rest is set up in this folder.
PYTHON ?= python3
TOOLS := .tools
UV := $(TOOLS)/bin/uv
RUN := $(UV) run --no-sync
ONCE ?=
# Not empty: `make test` runs what repeats at length too.
LONG ?=
# Senders that `make chaos` kills.
KILLS ?= 10000

# Some images set this. Without compiled files each of our many short processes compiles thousands of modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-long check pytest check-python check-sql fmt docs bench chaos clean setup

demo: setup
	$(RUN) millstream demo $(if $(ONCE),--once)

# The checks run beside the tests: the tests wait now and then, for a browser or for another process.
test: setup
	@$(MAKE) --no-print-directory --jobs 3 pytest check-python check-sql

check: setup
	@$(MAKE) --no-print-directory --jobs 2 check-python check-sql

# Its last line says how many tests are left to `test-long`.
pytest:
	$(RUN) pytest -n auto --dist loadgroup -ra $(if $(LONG),,-m 'not long')

# What repeats at length: thousands of random timelines, kills of real commands, ten thousand events by real clients,
# whole demos, outside data.
test-long: setup
	$(RUN) pytest -n auto --dist loadgroup -ra -m long

check-python:
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) lint-imports

check-sql:
	cd dbt_project && ../$(UV) run --no-sync sqlfluff lint --nocolor -q models tests

fmt: setup
	$(RUN) ruff check --fix
	$(RUN) ruff format

docs: setup
	$(RUN) python -m pipelines.transform.metrics_docs

bench: $(UV)
	@$(UV) sync --locked --quiet --group bench
	$(RUN) python -m benchmarks

chaos: setup
	$(RUN) pytest -ra tests/faults
	$(RUN) python -m tests.delivery.chaos $(KILLS)

setup: $(UV)
	@$(UV) sync --locked --quiet

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Millstream needs Python 3.11 or newer; set PYTHON=python3.12 or the like."; exit 1; }
	@$(PYTHON) -m venv $(TOOLS) || \
		{ rm -rf $(TOOLS); echo "Python's venv module is missing. On Debian: apt install python3-venv"; exit 1; }
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

clean:
	rm -rf .venv $(TOOLS) .mypy_cache .ruff_cache .pytest_cache .hypothesis dbt_project/target dbt_project/logs data/demo
