# Everything a contributor needs is one of these; each does its own set-up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test check sample proof bench lock clean setup
.DEFAULT_GOAL := test

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)  ## run the main job for real
	@$(BIN)/jobboard demo

test: $(STAMP)  ## every test
	@$(BIN)/python -m pytest

check: $(STAMP)  ## every static check
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/unit/test_agreement.py

sample: $(STAMP)  ## a minute of the proof of the schedule, drawn anew
	@PYTHONPATH=tests $(BIN)/python -m kit.proof --for 60

proof: $(STAMP)  ## every schedule around every clock change; 100,000 fires and 10,000 runs while everybody is killed
	@PYTHONPATH=tests $(BIN)/python -m kit.proof
	@PYTHONPATH=tests $(BIN)/python -m kit.storm
	@PYTHONPATH=tests $(BIN)/python -m kit.gale

bench: $(STAMP)  ## every claim about speed, beside its reference
	@$(BIN)/python -m bench

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "make lock"

lock:  ## refresh requirements.lock, and what the benchmark measures, from pyproject.toml (needs uv)
	$(LOCK) pyproject.toml --group dev --output-file requirements.lock
	$(LOCK) --group peers --output-file bench/peers.lock
	$(LOCK) --group peers-arq --output-file bench/peers-arq.lock

clean:
	rm -rf $(VENV) $(VENV)-peers build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
