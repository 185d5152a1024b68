# Every target sets up what it needs in .venv, once: `make demo` and `make test`
# work in a fresh clone on a machine that has only Python 3.11 and make.
#
#   make PYTHON=/path/to/python3.11 test     another interpreter
#   make test PYTEST_ARGS="-k stacked"       some of the tests, in one process
#   make quick PYTEST_ARGS=tests/layers      the fast tests of one folder

PYTHON ?= $(shell command -v python3.11 || command -v python3 || \
	echo python3.11)
# Two workers keep two cores busy: many tests wait for processes they start.
PYTEST_ARGS ?= --numprocesses=2 --dist=loadfile

VENV := .venv
BIN := $(VENV)/bin
TORCH := .venv-torch
# Newer than pyproject.toml and constraints.txt: nothing to install.
INSTALLED := $(VENV)/installed
# Folders whose code uses keras.ops only and runs on every Keras backend.
ON_JAX := $(wildcard \
	tests/layers tests/models tests/metrics tests/image_encoders)

SHAPE = $$($(BIN)/python -c "import easy_vqa, pathlib; \
	print(pathlib.Path(easy_vqa.__file__).parent / 'data/test/images/0.png')")

export KERAS_BACKEND := tensorflow
export TF_CPP_MIN_LOG_LEVEL := 3

.DEFAULT_GOAL := help
.PHONY: help install demo quick test test-tensorflow test-jax test-torch lint \
	format bench lock clean
.NOTPARALLEL:

help: ## Lists the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | \
		expand -t 18

install: $(INSTALLED) ## Sets up .venv; the other targets do so themselves.

# The lock has a hash of every file, hatchling's too, which builds the package.
# Only wheels: building another one would fetch its tools without hashes.
$(INSTALLED): pyproject.toml constraints.txt
	@echo "== Installing into $(VENV), once: a few minutes"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --only-binary=:all: --requirement constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@touch $@

demo: $(INSTALLED) ## Data, training, evaluation, report, served answer.
	@echo "== 1 of 7: records of easy-VQA, in demo/records"
	$(BIN)/python -m pipelines.write_records --dataset=easy_vqa \
		--output=demo/records
	@echo "== 2 of 7: training, in demo/run"
	$(BIN)/python -m vqa_keras.zoo.train stacked --data=demo/records \
		--output=demo/run
	@echo "== 3 of 7: accuracy, baselines and grounding on the test questions"
	$(BIN)/python -m vqa_keras.zoo.evaluate demo/run --data=demo/records \
		--split=test
	@echo "== 4 of 7: heat maps, in demo/report.html"
	$(BIN)/python -m vqa_keras.zoo.report demo/run --data=demo/records \
		--output=demo/report.html
	@echo "== 5 of 7: one question, with its heat maps in demo/answer.html"
	$(BIN)/python -m vqa_keras.zoo.ask demo/run --image="$(SHAPE)" \
		--question="what is the color of the shape?" \
		--output=demo/answer.html
	@echo "== 6 of 7: SavedModel, in demo/saved_model"
	test -d demo/saved_model/1 || $(BIN)/python -m vqa_keras.zoo.export \
		demo/run --output=demo/saved_model
	@echo "== 7 of 7: one question to the SavedModel, without vqa_keras"
	$(BIN)/python examples/ask_saved_model.py demo/saved_model "$(SHAPE)" \
		"what is the color of the shape?"
	@echo "== Look at demo/report.html, and ask your own question:"
	@echo "$(BIN)/python -m vqa_keras.zoo.ask demo/run --image=FILE" \
		"--question=TEXT"

quick: $(INSTALLED) ## Fast tests, on TensorFlow: after each change.
	$(BIN)/python -m pytest -m "not slow and not beam" $(PYTEST_ARGS)

test: test-tensorflow test-jax ## All tests, on both backends.

test-tensorflow: $(INSTALLED) ## All tests, on TensorFlow.
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# JAX compiles every operation for every shape, and a test runs few of them
# twice: code that is not optimized, from the emitters before the newer fusion
# emitters, is ready in half of the time. The workers share what they compiled
# in a folder that lasts as long as the run.
test-jax: export XLA_FLAGS := --xla_backend_optimization_level=0 \
	--xla_cpu_use_fusion_emitters=false
test-jax: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS := 0
test-jax: export KERAS_BACKEND := jax
test-jax: $(INSTALLED) ## Tests of layers, models, metrics and encoders, on JAX.
	compiled=$$(mktemp -d) && trap 'rm -rf "$$compiled"' EXIT INT TERM && \
		JAX_COMPILATION_CACHE_DIR="$$compiled" \
		$(BIN)/python -m pytest $(ON_JAX) $(PYTEST_ARGS)

# Not in .venv: torch is no dependency, and its packages take several GB.
$(TORCH)/installed: pyproject.toml constraints.txt
	@echo "== Installing torch and the rest into $(TORCH), once: several GB"
	$(PYTHON) -m venv $(TORCH)
	$(TORCH)/bin/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --only-binary=:all: --requirement constraints.txt
	$(TORCH)/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-build-isolation --editable '.[dev,torch]'
	@touch $@

test-torch: export KERAS_BACKEND := torch
test-torch: $(TORCH)/installed ## The tests of test-jax, on torch: several GB.
	$(TORCH)/bin/python -m pytest $(ON_JAX) $(PYTEST_ARGS)
	$(TORCH)/bin/python benchmarks/backends.py

lint: $(INSTALLED) ## Checks style, formatting and types, changes nothing.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python

format: $(INSTALLED) ## Formats the code and repairs what ruff can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED) ## Runs the benchmarks, one after the other.
	@set -e; for file in benchmarks/*.py; do \
		echo "== $$file"; $(BIN)/python "$$file"; done

lock: $(INSTALLED) ## Renews constraints.txt from pyproject.toml.
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-annotate --no-header --no-emit-index-url \
		--extra dev \
		pyproject.toml --output-file constraints.txt

clean: ## Removes the demo, the environment and the caches.
	rm -rf demo $(VENV) $(TORCH) .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
