# `make check` is what .ci/run runs, in the environment that is active now.
export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: check lint types test format

check: lint types test

lint:
	ruff check
	ruff format --check

types:
	mypy

test:
	pytest

format:
	ruff check --fix
	ruff format
