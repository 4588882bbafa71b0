# Everything that people and CI run. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PY := .venv/bin/python
HOME_DIR ?= $(CURDIR)/.reqtrail
WITH_NODE := . scripts/node_path.sh &&

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

.PHONY: setup
setup: setup-backend setup-frontend ## Install everything that is needed, from the locks

.PHONY: setup-backend
setup-backend:
	@scripts/setup_backend.sh

.PHONY: setup-frontend
setup-frontend: setup-backend
	@scripts/setup_frontend.sh

.PHONY: build
build: setup-frontend ## Build the browser application if its sources are newer
	@scripts/build_frontend.sh

.PHONY: wheel
wheel: build ## Write dist/reqtrail-*.whl, which holds all that an installation needs
	@scripts/build_wheel.sh

.PHONY: run
run: build ## Build what is needed and run Reqtrail with .reqtrail/ as its home
	@REQTRAIL_HOME="$${REQTRAIL_HOME:-$(HOME_DIR)}" exec $(PY) -m reqtrail up

.PHONY: test
test: build ## All tests: backend, frontend units, browser
	@scripts/test.sh

.PHONY: test-backend
test-backend: setup-backend ## Backend tests only
	cd backend && ../$(PY) -m pytest -n $${PYTEST_WORKERS:-2} --dist worksteal -m "not long"

.PHONY: test-install
test-install: ## Prove that a fresh clone installs, tests and runs: as a user, as root, without Node
	@scripts/test_install.sh

.PHONY: test-long
test-long: build ## Tests that take hours: seeded, resumable, results appended to a file
	@cd backend && failed=0; ../$(PY) -m pytest -n $${PYTEST_WORKERS:-2} -m long --timeout 0 || failed=1; \
	E2E_LONG=1 ../scripts/browser_tests.sh corpora.spec.ts || failed=1; \
	../$(PY) -m tests.model.test_engine_long; ../$(PY) -m tests.concurrency.results; \
	../$(PY) -m tests.faults.results; exit $$failed

.PHONY: check
check: build ## Formats, lints, types, contracts, the OpenAPI file, the bundles' budgets
	@scripts/check.sh

.PHONY: format
format: setup ## Format all code
	cd backend && ../$(PY) -m black -q --config pyproject.toml src tests migrations setup.py ../benchmarks ../scripts
	$(WITH_NODE) cd frontend && npm run --silent format

.PHONY: sbom
sbom: setup ## Write dist/sbom-backend.json and dist/sbom-frontend.json (CycloneDX) from the locks
	@scripts/sbom.sh

.PHONY: openapi
openapi: setup ## Write frontend/openapi.json and the client's types from the API
	cd backend && ../$(PY) -m reqtrail.api.openapi > ../frontend/openapi.json
	$(WITH_NODE) cd frontend && npm run --silent generate:api

.PHONY: bench
bench: setup-backend ## Measure against bare SQL in the same run
	cd benchmarks && ../$(PY) -m benchmarks

.PHONY: bench-branches
bench-branches: setup-backend ## Branches, baselines, merges, the past (BENCH_SIZES=10000,1000000: a million takes 10 minutes more)
	cd benchmarks && ../$(PY) -m benchmarks branches

.PHONY: bench-merges
bench-merges: setup-backend ## Merges of 1,000 and 10,000 changes, and how long others wait for them
	cd benchmarks && ../$(PY) -m benchmarks merges

.PHONY: bench-sign-in
bench-sign-in: setup-backend ## What a flood of sign-ins costs those who are signed in
	cd benchmarks && ../$(PY) -m benchmarks sign-in

.PHONY: bench-admission
bench-admission: setup-backend ## What proving a session costs, beside asking Redis
	cd benchmarks && ../$(PY) -m benchmarks admission

.PHONY: bench-live
bench-live: setup-backend ## How soon a save shows on 200 other screens
	cd benchmarks && ../$(PY) -m benchmarks live

.PHONY: bench-caching
bench-caching: setup-backend ## What each level of caching saves, and what it costs to fill
	cd benchmarks && ../$(PY) -m benchmarks caching

.PHONY: bench-tracing
bench-tracing: setup-backend ## What traces cost a request, off, a tenth and all traced, in turns
	cd benchmarks && ../$(PY) -m benchmarks tracing

.PHONY: bench-jobs
bench-jobs: setup-backend ## The round trip of a job, and 2,000 small ones
	cd benchmarks && ../$(PY) -m benchmarks jobs

.PHONY: bench-mixed
bench-mixed: setup-backend ## Reads and saves at 100 and 1,000 requests a second, for a minute each
	cd benchmarks && ../$(PY) -m benchmarks mixed

.PHONY: screenshots
screenshots: build ## Pictures of every screen in frontend/.screenshots (SIZES=60 SCREENS=item,types for some)
	$(WITH_NODE) cd frontend && npx --no-install playwright test -c e2e/screenshots

.PHONY: coverage
coverage: setup ## Line coverage of the backend, and the files that miss most
	@scripts/coverage.sh

.PHONY: mutation
mutation: setup-backend ## Share of planted faults that tests find in merging and versions (MUTANTS=300 GROUP=pure SEED=1)
	@nice -n 15 $(PY) scripts/mutation.py $(GROUP) $(if $(MUTANTS),--mutants $(MUTANTS)) $(if $(SEED),--seed $(SEED))

.PHONY: clean
clean: ## Remove what was built; data in .reqtrail/ stays
	rm -rf .venv .stamps dist frontend/node_modules frontend/dist
