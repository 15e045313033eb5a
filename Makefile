# Two commands do everything: `make demo` and `make test`.
# Paths are relative throughout, so that the clone may lie in a folder with a
# space in its name.
# Not the default shell: make would look up plain commands without it, in the
# PATH that it was called with.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help env demo test lint types tests clean

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

help:
	@echo 'make env    make .venv with pinned versions, mmcv with its ops'
	@echo 'make demo   data, training and test of baseline and OHEM, a report'
	@echo 'make test   lint, type check, all tests'
	@echo 'make clean  delete what demo and test wrote, keep .venv'

env:
	@PYTHON='$(PYTHON)' bash dev/setup_env.sh

demo: env
	@bash tools/demo.sh

test: env lint types tests

lint:
	ruff check .
	ruff format --check .

types:
	mypy

tests:
	python -m pytest -q

clean:
	rm -rf work_dirs data/demo .mypy_cache .ruff_cache .pytest_cache
