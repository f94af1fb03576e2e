# make demo and make test do all the set-up: a private environment in .venv, exact versions from requirements.lock.
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c requirements.lock
TS := sdk/typescript
PATH := $(PATH):/usr/local/go/bin
export PATH
# A program of ours starts in half the time where what was compiled is kept.
unexport PYTHONDONTWRITEBYTECODE
# One file's tests stay together, since they share kernels.
PYTEST_FLAGS ?= -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo test check generate fuzz soak stress labs nightly pjdfstest bench connections clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/run.stamp ## the main job, shown: a kernel of five processes reads a real ext4 image
	@$(BIN)/rump demo $(if $(IMAGE),--image $(IMAGE))

test: check $(TS)/node_modules/stamp ## lint, types, architecture, generated code, and all tests
	$(BIN)/pytest $(PYTEST_FLAGS)

check: $(VENV)/dev.stamp ## what needs no kernel: lint, types, architecture, generated code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/codegen --check
	$(BIN)/python -m tools.manual --check

generate: $(VENV)/dev.stamp ## everything that comes out of proto/, and the manual (with LANGUAGES=1 Go and TypeScript classes too)
	$(BIN)/python tools/codegen $(if $(LANGUAGES),--languages)
	$(BIN)/python -m tools.manual

fuzz: $(VENV)/dev.stamp ## IMAGES=100000 hostile images of each format, FRAMES=1000000 frames (FORMATS="ffs frames": of these), 10,000 cuts of power
	$(BIN)/python -m tests.fuzz $(FORMATS) $(if $(IMAGES),--images $(IMAGES)) $(if $(FRAMES),--frames $(FRAMES))
	$(BIN)/python -m tests.crash.ext4 --cuts 10000

soak: $(VENV)/dev.stamp ## FAULTS=2000 ends of random components under a checked load (SEED=1)
	$(BIN)/python -m tests.soak --faults $(or $(FAULTS),2000) --seed $(or $(SEED),1)

stress: $(VENV)/dev.stamp ## 32 clients of 8 threads that are killed one after another, for SECONDS=60 (SEED=1)
	$(BIN)/python -m tests.soak.clients --seconds $(or $(SECONDS),60) --seed $(or $(SEED),1)

labs: $(VENV)/dev.stamp ## LAB=8 kernels of several processes each on a bus, and 50 with 10 routers in one process: all ping all, a seed repeats
	RUMP_LAB=$(or $(LAB),8) $(BIN)/pytest -q --durations=3 --timeout 0 tests/integration/test_split_lab.py tests/unit/net/ifaces/test_labs.py

nightly: soak stress labs connections ## what takes too long for make test, one after another

pjdfstest: $(VENV)/dev.stamp ## pjdfstest on tmpfs and ext4 through rump_fuse: PJDFSTEST=/path/to/your/built/copy; as root
	@test -x "$(PJDFSTEST)/pjdfstest" || { echo "make: PJDFSTEST names no built copy: see docs/tools.md" >&2; exit 1; }
	PJDFSTEST=$(PJDFSTEST) $(BIN)/pytest -n 2 --timeout 0 -rP tests/integration/test_pjdfstest.py

connections: $(VENV)/dev.stamp ## 10,000 connections each way with the kernel of Linux, as root
	RUMP_CONNECTIONS=10000 $(BIN)/pytest -q --durations=2 tests/integration/test_many_connections.py

bench: $(VENV)/run.stamp ## the benchmarks, each beside its yardstick
	$(BIN)/rump bench

clean: ## removes all that make has made
	rm -rf $(VENV) build dist sdk/go/bin $(TS)/dist $(TS)/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The build backend is installed first and used as it is, so that its version is locked as well.
$(VENV)/run.stamp: pyproject.toml requirements.lock tools/venv.sh
	@test -x $(BIN)/python || tools/venv.sh $(VENV)
	@echo "setting up $(VENV)"
	@$(PIP) hatchling editables
	@$(PIP) --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp
	@echo "setting up $(VENV) for the checks"
	@$(PIP) --no-build-isolation -e '.[dev$(if $(filter true,$(CI)),$(comma)deploy)]'
	@touch $@

comma := ,

# Packages of the TypeScript SDK's test and of the contract's lint. Without node those are skipped, but not where CI=true.
$(TS)/node_modules/stamp: $(TS)/package-lock.json
	@if command -v npm >/dev/null 2>&1; then \
		cd $(TS) && npm ci --ignore-scripts --no-audit --no-fund --loglevel error && touch node_modules/stamp; \
	elif [ "$(CI)" = true ]; then \
		echo "make: npm is not installed" >&2; exit 1; \
	else \
		echo "npm is not installed: the TypeScript SDK is not tested"; \
	fi
