# Every target sets itself up: `make run` and `make test` work on a bare Python 3.11 (or later) with pip.
PYTHON ?= python3
INSTALL := -m pip --disable-pip-version-check install --quiet
LOCKED := --require-hashes --only-binary :all: --requirement
HERE := --no-deps --no-build-isolation --editable .
HOST := bmbench/leaderboards/hosting/template
COMPILE := .venv-uv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
  --fork-strategy fewest --custom-compile-command 'make lock'

.PHONY: run test test-light test-extras test-lowest test-newest docs lock changelog release models bench calibrate soak clean

run: .venv/installed  ## the main job on the embedded data: train, score, draw
	.venv/bin/bmbench run --method unet_shrink

test: .venv/installed  ## style, types, layers and all tests
	.venv/bin/ruff check --quiet .
	.venv/bin/ruff format --check --quiet .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	.venv/bin/pytest -n 2 --dist worksteal --quiet

test-light: .venv-light/installed  ## every quick test that needs no torch, in an environment without it
	.venv-light/bin/pytest -n 2 --dist worksteal --quiet -m "not slow"

test-extras: .venv-extras/installed  ## all tests, with every extra: those of other programs' methods, notebooks and logs too
	.venv-extras/bin/pytest -n 2 --dist worksteal --quiet

test-lowest: .venv-lowest/installed  ## all tests, with the lowest release of every direct dependency
	.venv-lowest/bin/pytest -n 2 --dist worksteal --quiet

test-newest:  ## all tests, with the newest release of everything, fetched anew each time
	@$(MAKE) --no-print-directory --always-make .venv-newest/installed
	.venv-newest/bin/pytest -n 2 --dist worksteal --quiet

docs: .venv-docs/installed  ## the documentation site in site/; a warning or a dead link ends it
	PYTHONPATH=. NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet
	@echo "Written: site/index.html; to search in it: $(PYTHON) -m http.server --directory site"

lock: .venv-uv/installed  ## write locks/ anew from pyproject.toml; `make lock UPGRADE=--upgrade` renews every pin
	$(COMPILE) $(UPGRADE) --output-file locks/full.txt --extra dev pyproject.toml
	$(COMPILE) --constraints locks/full.txt --override locks/no-torch.in --output-file locks/light.txt --extra dev pyproject.toml
	$(COMPILE) $(UPGRADE) --output-file locks/extras.txt --extra extras pyproject.toml
	$(COMPILE) --constraints locks/full.txt --output-file locks/docs.txt --extra docs pyproject.toml
	$(COMPILE) --constraints locks/full.txt --output-file locks/release.txt --extra release pyproject.toml
	$(COMPILE) $(UPGRADE) --output-file locks/uv.txt locks/uv.in
	$(COMPILE) --constraints locks/full.txt --output-file $(HOST)/ci/requirements.txt --extra leaderboard pyproject.toml locks/leaderboard.in

changelog: .venv-light/installed  ## the section of this version in CHANGELOG.md, from the fragments in changes/
	.venv-light/bin/python locks/changelog.py

release: .venv-light/installed .venv-release/installed  ## a rehearsal: all that a release is, built, looked at and run; no upload
	rm -rf dist
	.venv-light/bin/python -m hatchling build --directory dist
	.venv-release/bin/twine check --strict dist/*
	$(PYTHON) locks/sbom.py dist/*.whl > dist/sbom.cdx.json
	.venv-light/bin/python locks/changelog.py --check > dist/CHANGES.md
	$(PYTHON) locks/check_release.py dist
	@echo "Nothing was uploaded. A tag vX.Y.Z does that: .github/workflows/release.yml"

models: .venv/installed  ## the models that come with bmbench, in benchmarks/made/models: `make models DSB=FOLDER`
	.venv/bin/python benchmarks/make_models.py --dsb $(DSB)

bench: .venv/installed  ## side by side with other evaluators, and a whole slide; half an hour
	.venv/bin/python $(INSTALL) -r benchmarks/requirements.txt
	.venv/bin/python benchmarks/bench_score.py
	.venv/bin/python benchmarks/bench_commands.py
	.venv/bin/python benchmarks/bench_segmentation.py
	.venv/bin/python benchmarks/bench_predict.py
	.venv/bin/python benchmarks/bench_merging.py
	.venv/bin/python benchmarks/bench_slide.py benchmarks/made/slide
	.venv/bin/python benchmarks/bench_areas.py
	.venv/bin/python benchmarks/bench_qupath.py benchmarks/made/qupath
	.venv/bin/python benchmarks/bench_leaderboard.py
	.venv/bin/python benchmarks/bench_cluster.py
	.venv/bin/python benchmarks/bench_steps.py
	.venv/bin/python benchmarks/bench_training.py --whole

calibrate: .venv/installed  ## how often intervals and verdicts are wrong, by simulation; a quarter of an hour
	.venv/bin/python benchmarks/calibrate.py
	.venv/bin/python benchmarks/calibrate_counts.py

soak: .venv/installed  ## kill everything, let every system call fail, damage a million files; two hours
	.venv/bin/python benchmarks/soak.py --kills 50
	.venv/bin/python benchmarks/soak_cluster.py --kills 20
	.venv/bin/python benchmarks/soak_faults.py --rounds 3
	.venv/bin/python benchmarks/soak_kills.py --kills 30
	.venv/bin/python benchmarks/soak_calls.py
	.venv/bin/python benchmarks/fuzz_readers.py --inputs 1000000

.venv/installed: pyproject.toml locks/full.txt
	@echo "Setting up .venv: torch and its libraries are about 5 GB, a few minutes the first time"
	@$(environment)
	@.venv/bin/python $(INSTALL) $(LOCKED) locks/full.txt
	@.venv/bin/python $(INSTALL) $(HERE)
	@touch $@

.venv-light/installed: pyproject.toml locks/light.txt
	@$(environment)
	@.venv-light/bin/python $(INSTALL) $(LOCKED) locks/light.txt
	@.venv-light/bin/python $(INSTALL) $(HERE)
	@touch $@

.venv-extras/installed: pyproject.toml locks/extras.txt
	@$(environment)
	@.venv-extras/bin/python $(INSTALL) $(LOCKED) locks/extras.txt
	@.venv-extras/bin/python $(INSTALL) $(HERE)
	@touch $@

.venv-docs/installed: pyproject.toml locks/docs.txt
	@$(environment)
	@.venv-docs/bin/python $(INSTALL) $(LOCKED) locks/docs.txt
	@touch $@

.venv-release/installed: pyproject.toml locks/release.txt
	@$(environment)
	@.venv-release/bin/python $(INSTALL) $(LOCKED) locks/release.txt
	@touch $@

.venv-lowest/installed: pyproject.toml .venv-uv/installed
	@$(environment)
	@.venv-uv/bin/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable '.[dev]'
	@touch $@

.venv-newest/installed: pyproject.toml
	@$(environment)
	@.venv-newest/bin/python $(INSTALL) --upgrade --upgrade-strategy eager --editable '.[dev]'
	@touch $@

.venv-uv/installed: locks/uv.txt
	@$(environment)
	@.venv-uv/bin/python $(INSTALL) $(LOCKED) locks/uv.txt
	@touch $@

# A virtual environment in the target's folder, unless it is there; one that a broken installation left is used again.
define environment
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
  { echo "bmbench needs Python 3.11 or later: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }; \
test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
endef

clean:  ## remove the environments and caches, keep runs
	rm -rf site .venv .venv-docs .venv-extras .venv-light .venv-lowest .venv-newest .venv-release .venv-uv .mypy_cache .ruff_cache .pytest_cache .hypothesis
