.PHONY: help check fix test live browser bench lock
help: ## List what a contributor does
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/'
check: ## Lint, types, import directions, unused dependencies
	./taarafo dev ruff check .
	./taarafo dev ruff format --check .
	./taarafo dev mypy
	./taarafo dev lint-imports
	./taarafo dev deptry .
fix: ## Format and mend what can be mended by machine
	./taarafo dev ruff check --fix .
	./taarafo dev ruff format .
test: ## Every test
	./taarafo test
live: ## Tests on a real Docker engine
	./taarafo test --live
browser: ## Tests in real Chromium
	./taarafo test --browser
bench: ## The benchmarks, as JSON
	./taarafo bench create --json
	./taarafo bench measure --json
	./taarafo bench memory --json
	./taarafo bench trust --json
	./taarafo bench drill --json
lock: ## Lock Python dependencies with hashes and without addresses
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
