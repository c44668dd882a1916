"""From options to cells, and the folder that they are kept in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bmbench.benchmark.records.options import parse_list
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import Matrix, plan
from bmbench.benchmark.reproduce.options import ReproduceOptions, parse_seeds
from bmbench.core.errors import BadInputError, UnknownNameError
from tests.benchmark.reproduce.finished import FACTS, cell, write_elsewhere


@pytest.fixture
def options(marrow, tmp_path) -> ReproduceOptions:
    return ReproduceOptions(out=tmp_path / "study", dataset=str(marrow), methods=("blob_log", "unet_shrink"))


@pytest.mark.usefixtures("torch")
def test_every_combination_once(options):
    matrix = plan(replace(options, artefacts=("background", "foreground"), seeds=(0, 4)))
    assert len({one.name for one in matrix.cells}) == len(matrix.cells) == 2 * 2 * 2 * 2
    assert matrix.cells[0].name == "precise-background-blob_log-s0"


@pytest.mark.usefixtures("torch")
def test_a_setting_goes_to_the_methods_that_have_it(options):
    matrix = plan(replace(options, settings=("steps=7", "blob_log:n_blobs=2"), tracks=("weak",)))
    assert {one.method: one.settings for one in matrix.cells} == {
        "blob_log": (("n_blobs", "2"),),
        "unet_shrink": (("steps", "7"),),
    }


@pytest.mark.usefixtures("torch")
def test_a_method_that_cannot_learn_a_class_is_left_out_of_that_mode(options):
    matrix = plan(replace(options, artefacts=("background", "class"), tracks=("weak",), seeds=(0,)))
    assert {(one.method, one.artefacts) for one in matrix.cells} == {
        ("blob_log", "background"),
        ("unet_shrink", "background"),
        ("unet_shrink", "class"),
    }
    assert any("blob_log" in note for note in matrix.notes)


@pytest.mark.usefixtures("torch")
def test_classes_are_asked_of_every_run_and_kept_in_the_folder(options):
    """By methods that can tell them: a plain one is refused, with what it has to be called."""
    asked = replace(options, methods=("blob_log+crops",), classes=("all",), tracks=("weak",), seeds=(0,))
    matrix = plan(asked)
    (one,) = matrix.cells
    assert matrix.facts.run_options(one, options.out).classes == ("all",)
    folder = StudyFolder(options.out)
    folder.join(matrix)
    assert folder.read().facts.classes == ("all",)
    with pytest.raises(BadInputError, match=r"has other classes"):
        folder.check(replace(matrix, facts=replace(matrix.facts, classes=())))
    with pytest.raises(BadInputError, match=r"blob_log\+crops"):
        plan(replace(asked, methods=("blob_log",)))
    with pytest.raises(BadInputError, match=r"tells classes apart"):
        plan(replace(asked, classes=()))
    with pytest.raises(UnknownNameError, match=r"unicorn"):
        plan(replace(asked, classes=("unicorn",)))


def test_points_have_one_track_and_no_artefacts_one_mode(shared_data, tmp_path):
    matrix = plan(
        ReproduceOptions(
            out=tmp_path / "study",
            dataset="kainz",
            data=shared_data / "kainz_bm",
            methods=("blob_log",),
            artefacts=("background", "foreground"),
            seeds=(0,),
            folds=("test_patients=0001", "test_patients=0002"),
        )
    )
    assert [one.name for one in matrix.cells] == [
        "weak-background-blob_log-0001-s0",
        "weak-background-blob_log-0002-s0",
    ]
    assert len(matrix.notes) == 2


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"methods": ("blob_lug",)}, "blob_log"),
        ({"tracks": ("week",)}, "weak"),
        ({"artefacts": ("cells",)}, "artefact mode"),
        ({"profile": "fast"}, "profile"),
        ({"settings": ("stepz=3",)}, "steps"),
        ({"settings": ("steps",)}, "name=value"),
        ({"settings": ("steps=many",)}, "whole number"),
        ({"settings": ("unet_shrunk:steps=3",)}, "unet_shrink"),
        ({"folds": ("patients",)}, "name=value"),
        ({"folds": ("patients=1",)}, "patients"),
        ({"dataset": "nowhere/gt.json"}, "nowhere"),
        ({"methods": ("blob_log",), "artefacts": ("class",)}, "nothing to run"),
        ({"test_on": ("synthetic,cell_px=30", "synthetic,cell_px=60")}, "names synthetic twice"),
        ({"test_on": ("/a/gt.json", "/b/gt.json")}, r"names gt twice \(got /a/gt.json and /b/gt.json\)"),
    ],
)
@pytest.mark.usefixtures("torch")
def test_bad_options_are_found_before_anything_is_done(options, changes, fact):
    with pytest.raises(BadInputError, match=fact):
        plan(replace(options, **changes))
    assert not options.out.exists()


def test_lists():
    assert parse_list("a, b", option="--methods") == ("a", "b")
    assert parse_seeds("0,2") == (0, 2)
    for text in ("", "a,,b", "a,a"):
        with pytest.raises(BadInputError):
            parse_list(text, option="--methods")
    with pytest.raises(BadInputError, match="whole numbers"):
        parse_seeds("0,-1")


def test_a_folder_collects_cells_and_keeps_them(tmp_path):
    folder = StudyFolder(tmp_path)
    first, second = cell("blob_log"), cell("unet_shrink")
    for one in (first, second, first):
        folder.join(Matrix(facts=FACTS, cells=(one,)))
    assert folder.read() == Matrix(facts=FACTS, cells=(first, second))


def test_two_at_once_lose_no_cell(tmp_path):
    folder, cells = StudyFolder(tmp_path), [cell("blob_log", seed=seed) for seed in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: folder.join(Matrix(facts=FACTS, cells=(one,))), cells))
    assert set(folder.read().cells) == set(cells)


def test_a_folder_of_another_study_is_refused(tmp_path):
    folder = StudyFolder(tmp_path)
    folder.join(Matrix(facts=FACTS, cells=(cell("blob_log"),)))
    for facts in (replace(FACTS, profile="paper"), replace(FACTS, dataset_options={"size": "256"})):
        with pytest.raises(BadInputError, match="another"):
            folder.check(Matrix(facts=facts, cells=(cell("blob_log"),)))
    changed = replace(cell("blob_log", seed=1), settings=(("n_blobs", "2"),))
    with pytest.raises(BadInputError, match="other settings"):
        folder.join(Matrix(facts=FACTS, cells=(changed,)))
    assert folder.read().cells == (cell("blob_log"),)


def test_images_of_one_name_are_not_taken_for_each_other(tmp_path):
    """Two files called gt.json, and one with another size of its cells."""
    folder, one = StudyFolder(tmp_path), cell("blob_log")
    study = Matrix(facts=FACTS, cells=(one,), test_on=("/a/gt.json",))
    folder.join(study)
    write_elsewhere(folder, one, "gt", [4], asked="/a/gt.json")
    assert folder.untested(one, ["/a/gt.json"]) == ()
    others = ("/b/gt.json", "/a/gt.json,cell_px=30", "/a/gt.json,data=/a")
    assert folder.untested(one, others) == others
    for other in others:
        with pytest.raises(BadInputError, match=r"other images called gt \(expected /a/gt.json, got "):
            folder.join(replace(study, test_on=(other,)))
    assert folder.join(replace(study, test_on=("/a/gt.json", "/a/more.json"))).test_on == (
        "/a/gt.json",
        "/a/more.json",
    )


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(BadInputError, match="something else"):
        StudyFolder(tmp_path).check(Matrix(facts=FACTS, cells=()))
    with pytest.raises(UnknownNameError):
        plan(ReproduceOptions(out=tmp_path, methods=("blob_lug",)))
