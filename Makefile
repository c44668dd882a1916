# Every target sets itself up: `make run` and `make test` work on a bare Python 3.11 with pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: run test check bench soak clean

run: $(STAMP)  ## the main job on the embedded data: train, score, draw
	$(BIN)/bmbench run --method unet_shrink

test: $(STAMP)  ## style, types, layers and all tests
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/pytest -n 2 --quiet

bench: $(STAMP)  ## side by side with other evaluators, and a whole slide; half an hour
	$(BIN)/pip install --quiet -r benchmarks/requirements.txt
	$(BIN)/python benchmarks/bench_score.py
	$(BIN)/python benchmarks/bench_segmentation.py
	$(BIN)/python benchmarks/bench_merging.py
	$(BIN)/python benchmarks/bench_slide.py benchmarks/made/slide
	$(BIN)/python benchmarks/bench_qupath.py benchmarks/made/qupath
	$(BIN)/python benchmarks/bench_leaderboard.py
	$(BIN)/python benchmarks/bench_cluster.py
	$(BIN)/python benchmarks/bench_training.py --whole

soak: $(STAMP)  ## kill runs and workers, and compare what they end with; half an hour
	$(BIN)/python benchmarks/soak.py --kills 50
	$(BIN)/python benchmarks/soak_cluster.py --kills 20
	$(BIN)/python benchmarks/soak_faults.py --rounds 3

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "bmbench needs Python 3.11 or later: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up $(VENV): torch and its libraries are about 5 GB, a few minutes the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:  ## remove the environment and caches, keep runs
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
