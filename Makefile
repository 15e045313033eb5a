# Two commands do everything: `make demo` and `make test`.
# Paths are relative throughout, so that the clone may lie in a folder with a
# space in its name.
# Not the default shell: make would look up plain commands without it, in the
# PATH that it was called with.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help env demo docs test test-all lint types tests tests-all clean

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

help:
	@echo 'make env    make .venv with pinned versions, mmcv with its ops'
	@echo 'make demo   data, training and test of baseline and OHEM, a report'
	@echo 'make test   lint, type check, all tests that are not slow'
	@echo 'make test-all  the slow ones, too: kills, full disks, fuzzing'
	@echo 'make docs   the documentation as a site in site/, links checked'
	@echo 'make clean  delete what demo and test wrote, keep .venv'

env:
	@PYTHON='$(PYTHON)' bash dev/setup_env.sh

demo: env
	@bash tools/demo.sh

# Strict: a link that leads nowhere ends it.
docs: env
	NO_MKDOCS_2_WARNING=1 mkdocs build --quiet
	@echo 'open site/index.html'

test: env lint types tests

test-all: env lint types tests-all

lint:
	ruff check .
	ruff format --check .

types:
	mypy

tests:
	python -m pytest -q -m 'not slow' --durations 12

# At 100 000 cases for the fuzzing tests: nightly.
tests-all:
	HYPOTHESIS_PROFILE=nightly python -m pytest -q

clean:
	rm -rf site work_dirs data/demo .mypy_cache .ruff_cache .pytest_cache
