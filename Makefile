# Every line calls what CI calls too.
.DEFAULT_GOAL := help
.PHONY: help check format test test-core demo bench count audit sbom ci

help: ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

check: ## Lint, format check, types
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

format: ## Format and sort imports
	.venv/bin/ruff format . && .venv/bin/ruff check --fix .

test: ## All tests, on the real Kafka, Flink and Valkey
	./kairos test

test-core: ## The pure core only: seconds
	./kairos test -m "not flink and not e2e"

demo: ## Everything on this machine, with real events
	./kairos demo

bench: ## The benchmark tables
	./kairos bench latency && ./kairos bench throughput

count: ## Production lines by layer, the largest module, the longest function
	PYTHONPATH=. .venv/bin/python -P -m tests.sizes

audit: ## Known holes in the dependencies of uv.lock (asks PyPI)
	PYTHONPATH=. .venv/bin/python -P -m scripts.ops.audit_dependencies

sbom: ## The dependencies of uv.lock as CycloneDX: sbom.json
	PATH="$$PATH:$$PWD/.kairos/tools/bin:$$PWD/.kairos/tools/venv/bin" uv export --frozen --quiet --format cyclonedx1.5 --output-file sbom.json

ci: ## What CI runs
	.ci/run
