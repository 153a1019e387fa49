# Everything here is a plain command too; `make help` prints them. Needed: uv and a Python that pyproject.toml allows.
export UV_PYTHON_DOWNLOADS := never
# Commands start in a second instead of five, also where Python may not write byte code.
export UV_COMPILE_BYTECODE := 1
SYNC := uv sync --locked --all-extras --all-groups
COMPOSE := docker compose

.DELETE_ON_ERROR:
.PHONY: help setup demo fmt lint types imports contracts test chaos fuzz bench soak train eval eval-external eval-crisis check up down clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## uv sync --locked --all-extras --all-groups
	$(SYNC)

demo: ## uv run --no-dev --extra embedded webcare demo
	uv run --no-dev --extra embedded webcare demo

fmt: ## uv run ruff format && uv run ruff check --fix
	uv run ruff format
	uv run ruff check --fix

lint: ## uv run ruff check && uv run ruff format --check
	uv run ruff check
	uv run ruff format --check

types: ## uv run mypy
	uv run mypy

imports: ## uv run lint-imports
	uv run lint-imports

contracts: ## uv run python -m agents.contracts check
	uv run python -m agents.contracts check

test: ## uv run --all-extras --group dev pytest
	uv run --all-extras --group dev pytest

chaos: ## uv run --all-extras python tests/chaos/run.py --seeds 1-22 --jobs 2 --report tests/reports
	uv run --all-extras python tests/chaos/run.py --seeds 1-22 --jobs 2 --report tests/reports

fuzz: ## uv run --all-extras --group dev python tests/fuzz/run.py --seed 1 (about 8 minutes of CPU)
	uv run --all-extras --group dev python tests/fuzz/run.py --seed 1

bench: ## uv run --all-extras --group bench python tests/bench/bench.py (about 15 minutes; --quick: 2; nothing else should run)
	uv run --all-extras --group bench python tests/bench/bench.py

soak: ## uv run --all-extras --group bench python tests/bench/soak.py --output tests/reports (15 minutes; nothing else should run)
	uv run --all-extras --group bench python tests/bench/soak.py --output tests/reports

train: ## uv run --group train python deploy/lexicons/train.py --data DIR (the linear layers; DATA=folder of the sets that may train)
	uv run --all-extras --group dev --group train python deploy/lexicons/train.py --data $(DATA)
	uv run --all-extras --group dev python tests/eval/own.py --report tests/reports

eval: ## uv run python tests/eval/own.py --report tests/reports (language and sentiment on our own texts)
	uv run --all-extras --group dev python tests/eval/own.py --report tests/reports

eval-external: ## uv run python tests/eval/external.py --data DIR (DATA=folder with sentiment/ and language/; the targets, met or missed)
	uv run --all-extras --group dev python tests/eval/external.py --data $(DATA)

eval-crisis: ## uv run python tests/simulation/evaluate.py --report tests/reports (DATA=folder with crisis/nab: those parts too; 10 minutes of CPU)
	uv run --all-extras --group dev python tests/simulation/evaluate.py --report tests/reports

check: lint types imports contracts test ## all of the above, as CI does

up: .env ## docker compose up --build --detach (Kafka and a worker)
	$(COMPOSE) up --build --detach

down: .env ## docker compose down (the data stays; add --volumes to drop it)
	$(COMPOSE) down

.env:
	umask 077 && uv run --no-project python -c "import secrets; print('WEBCARE_AUTHOR_KEY=' + secrets.token_hex(32))" > $@

clean: ## remove what the tools made; the broker's cache and .env stay
	rm -rf .venv dist out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find agents pipeline schemas tests -name __pycache__ -type d -prune -exec rm -rf {} +
