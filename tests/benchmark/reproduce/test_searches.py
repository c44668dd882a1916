"""The search before the runs of a row: what it finds is run, killed it goes on, its cost is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")
pytest.importorskip("optuna", reason="searches need Optuna (bmbench[tune])")

from bmbench.benchmark.protocol.tracks import PROFILES
from bmbench.benchmark.reproduce import work as work_module
from bmbench.benchmark.reproduce.estimate import estimate
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import plan
from bmbench.benchmark.reproduce.options import ReproduceOptions
from bmbench.benchmark.reproduce.study import preview, reproduce
from bmbench.core.errors import BadInputError, TrainingFailedError
from bmbench.core.progress import Silent

pytestmark = pytest.mark.slow

TINY = (
    "steps=2",
    "validate_every=1",
    "cell_px=10",
    "depth=2",
    "width=4",
    "patch_px=48",
    "batch=2",
    "shard=1",
)


def quietly(_: str) -> None:
    pass


def of(marrow, out) -> ReproduceOptions:
    return ReproduceOptions(
        out=out,
        dataset=str(marrow),
        methods=("unet_shrink", "blob_log"),
        tracks=("weak",),
        seeds=(0, 1),
        settings=(*TINY, "views=1", "validation_patches=2"),
        search=2,
    )


@pytest.fixture(name="options")
def _options(marrow, tmp_path) -> ReproduceOptions:
    return of(marrow, tmp_path / "study")


@pytest.fixture(name="whole", scope="module")
def _whole(marrow, tmp_path_factory):
    """A study with searches, from beginning to end, and what was said."""
    said: list[str] = []
    summary = reproduce(of(marrow, tmp_path_factory.mktemp("whole") / "study"), Silent(), said.append)
    assert summary.failures == ()
    return summary.report.parent, said


def test_what_a_search_finds_is_run_with_every_seed(whole):
    folder, said = whole
    searches = list((folder / "searches").iterdir())
    assert [path.name for path in searches] == ["weak-background-unet_shrink"]
    (settings,) = searches[0].glob("*/settings.json")
    found = json.loads(settings.read_text())
    assert found["chosen"]["of"] == 2
    for seed in (0, 1):
        config = folder / "runs" / f"weak-background-unet_shrink-s{seed}" / "config.json"
        assert json.loads(config.read_text())["settings"] == found["settings"]
    assert found["settings"]["steps"] == 2
    assert "note: blob_log: nothing to search, run as the profile has it" in said
    assert "first a search for each of 1 row, 2 trainings each" in said
    assert "the best of 2 trainings of a search" in " ".join((folder / "report.md").read_text().split())


def test_a_search_that_was_stopped_goes_on_and_ends_with_the_same_settings(options, whole, monkeypatch):
    one = replace(options, methods=("unet_shrink",), seeds=(0,))
    from bmbench.benchmark.search import search

    make, made = search.make_trial, []

    def once(*args, **options):
        made.append(None)
        if len(made) == 2:
            raise KeyboardInterrupt
        return make(*args, **options)

    monkeypatch.setattr(search, "make_trial", once)
    with pytest.raises(BaseException, match="stopped"):
        reproduce(one, Silent(), quietly)
    assert not list((one.out / "searches").rglob("settings.json"))
    monkeypatch.setattr(search, "make_trial", make)
    reproduce(one, Silent(), quietly)
    (mine,), (theirs,) = (list((out / "searches").rglob("settings.json")) for out in (one.out, whole[0]))
    assert mine.read_bytes() == theirs.read_bytes()


def test_a_search_that_fails_costs_its_row_only(options, monkeypatch):
    def fail(*_):
        raise TrainingFailedError("all 2 trials were given up")

    monkeypatch.setattr(work_module, "search_row", fail)
    summary = reproduce(options, Silent(), quietly)
    assert {name for name, _ in summary.failures} == {
        "weak-background-unet_shrink-s0",
        "weak-background-unet_shrink-s1",
    }
    assert all("all 2 trials were given up" in reason for _, reason in summary.failures)
    assert StudyFolder(options.out).is_finished(plan(options).cells[-1])


def test_another_search_is_another_study(options):
    folder = StudyFolder(options.out)
    folder.join(plan(options))
    with pytest.raises(BadInputError, match="another search"):
        folder.check(plan(replace(options, search=3)))


def test_a_search_is_not_copied_elsewhere(options):
    with pytest.raises(BadInputError, match="leave --publish out"):
        plan(replace(options, publish="file:///nowhere"))


def test_the_profile_of_the_study_has_its_search(options):
    assert plan(replace(options, search=None)).facts.search == PROFILES["quick"].search == 0
    small = replace(options, methods=("blob_log",), settings=(), profile="paper", search=None)
    assert plan(small).facts.search == PROFILES["paper"].search > 0


def test_the_cost_is_told_from_steps_that_were_timed(options):
    """Two runs of 2 steps of 3 s, two trainings of a search; blob_log, 10 s a run."""
    seen = preview(options, Silent())
    assert "by steps timed here; trainings may end earlier" in seen.time
    assert "for searches; a step takes unet_shrink" in seen.time
    assert not options.out.exists()
    matrix = plan(options)
    found = estimate(StudyFolder(options.out), matrix.cells, matrix.facts, {"unet_shrink": 3.0})
    assert (found.runs, found.searches) == (2 * 6 + 2 * 10, 2 * 6)
    paper = replace(matrix.facts, profile="paper")
    # Five models, or one of blob_log, each fitted twice.
    assert (
        estimate(StudyFolder(options.out), matrix.cells, paper, {"unet_shrink": 3.0}).runs == 2 * 60 + 2 * 20
    )
