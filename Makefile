# Two commands to begin with: `make demo` and `make test`. Each sets up what is missing.
# Variables: PYTHON (interpreter for the environment), VENV (its folder),
#            TORCH_INSTALL (pip's arguments for torch, where the automatic choice is not wanted),
#            TESTS (what to test, for instance TESTS=tests/flow),
#            JOBS (processes that test, one a core by default),
#            BENCH (arguments of the benchmark, for instance BENCH=--quick),
#            REPO (owner and name on Hugging Face, MONAI/fusioninn by default),
#            DATA (folder of data of a release), RELEASE (its other arguments, for instance RELEASE="--only speed").

VENV  ?= .venv
TESTS ?=
JOBS  ?= auto
BENCH ?=
DATA  ?=
RELEASE ?=
PY    := $(VENV)/bin/python
READY := $(VENV)/.ready

# Each file runs in one process, so that its fixtures are made once; tests/conftest.py orders the files.
SHARED := -n $(JOBS) --dist loadfile --no-loadscope-reorder

# glibc hands large blocks back to the system after each layer and pages them in again for the
# next; told to keep them it is several times faster. Other systems ignore these.
export MALLOC_MMAP_THRESHOLD_ = 1073741824
export MALLOC_TRIM_THRESHOLD_ = 1073741824

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all bench bundle huggingface web release lint format clean distclean always

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## build the environment in .venv (the others do it when needed)

# A python that is gone (the folder was moved, the interpreter removed) means set-up, stamp or not.
$(READY): requirements.txt requirements-clinic.txt research/requirements.txt requirements-dev.txt tools/setup_env.py $(if $(wildcard $(PY)),,always)
	@python=$$(sh tools/find_python.sh) && "$$python" tools/setup_env.py --venv "$(VENV)"

demo: $(READY) ## fuse and decompose the embedded example, end with a picture
	@$(VENV)/bin/fusioninn demo demo

# Each process computes in one thread: tiny tensors gain nothing from more.
test test-all: export OMP_NUM_THREADS := 1

test: $(READY) ## run the tests, without the slow ones
	@$(PY) -m pytest $(SHARED) -m "not slow" $(TESTS)

test-all: $(READY) ## run all tests, as CI does
	@$(PY) -m pytest $(SHARED) $(TESTS)

bench: $(READY) ## time fusing, decomposing and training beside the published network
	@$(PY) benchmarks/speed.py $(BENCH)

bundle: $(READY) ## pack the bundle as others download it, dist/fusioninn_v*.zip
	@$(PY) tools/build_bundle.py dist

huggingface: $(READY) ## make the folder for Hugging Face, dist/huggingface/fusioninn
	@$(PY) tools/build_huggingface.py $(if $(REPO),--repo $(REPO))

web: $(READY) ## build the page for browsers, dist/fusioninn.html (needs Node.js)
	@$(PY) tools/build_web.py dist

release: $(READY) ## after new weights: remake all that depends on them, DATA=folder
	@$(PY) tools/release.py $(if $(DATA),--data "$(DATA)",--list) $(RELEASE)

lint: $(READY) ## check style and formatting
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

format: $(READY) ## correct style and formatting where a tool can
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

clean: ## remove caches, what pip leaves when it builds, and the demo's results
	@find . -path './$(VENV)' -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +
	@rm -rf .pytest_cache .ruff_cache build *.egg-info demo

distclean: clean ## remove the environment, too
	@rm -rf "$(VENV)"

always:
