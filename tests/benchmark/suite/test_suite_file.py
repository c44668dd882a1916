"""Suites of others: what they may say, and how what they may not is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from bmbench.adapters import METHODS
from bmbench.benchmark.suite.places import folders_of, folds_there, source_of
from bmbench.benchmark.suite.plan import SuiteOptions, plan_suite
from bmbench.benchmark.suite.suite_file import SuiteSet, read_suite
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.datasets import DATASETS


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "tiny"', 'name = "ti/ny"', "name"),
        ('name = "real"', 'name = "drawn"', "each once"),
        ("drawn = true", "drwan = true", "drwan"),
        ("seeds = [0, 1]", "seeds = [-1]", "seeds"),
        ("seeds = [0, 1]", "seeds = 3", "sets"),
        ('dataset = "synthetic"', "", "dataset, folder, or both"),
        ('methods = ["blob_log"]', "", "without methods"),
        ("drawn = true", 'folds = ["a"]', "fold_by and folds"),
        ("schema", "schem", "schem"),
        ("[lite]", "[lite", "TOML"),
        ("f1 = 0.84", "f1 = 84", "a number of at most 1"),
        ("[lite]", "[[lite]]", r", lite: .*expected \[lite\], got a list; write \[lite\], once"),
        ("drawn = true", "drwan = true", "unknown key 'drwan'; did you mean 'drawn'"),
        ("drawn = true", 'drawn = "yes"', r"sets\[0\].drawn: .*expected true or false, got a text"),
        ('methods = ["blob_log"]', 'methods = "blob_log"', r"methods: .*in brackets, with commas between"),
        ("bmbench.suite/1", "bmbench.suite/9", 'write schema = "bmbench.suite/1"'),
        ("[lite]", "[lite", "not a TOML file: expected .*; correct that line"),
    ],
)
def test_what_no_suite_can_mean_is_refused(suite_path, old, new, said):
    text = suite_path.read_text()
    assert old in text
    suite_path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadInputError, match=said) as fault:
        read_suite(suite_path)
    assert str(suite_path) in str(fault.value)
    assert "`" not in str(fault.value)
    assert "array" not in str(fault.value).replace("array declaration", "")


def test_a_table_where_a_list_of_them_is_wanted_is_told_in_the_words_of_toml(suite_path):
    head, _, rest = suite_path.read_text().partition("[[sets]]")
    suite_path.write_text(f"{head}[sets]{rest.partition('[[sets]]')[0]}")
    with pytest.raises(BadInputError) as fault:
        read_suite(suite_path)
    said = "not a suite: expected [[sets]], a list of tables, got a table; write [[sets]] before each of them"
    assert str(fault.value) == f"{suite_path}, sets: {said}"


def test_the_suite_that_comes_with_the_repository_names_methods_and_sets_that_there_are():
    suite = read_suite(Path(__file__).parents[3] / "suites" / "marrow.toml")
    rows = [rows for one in suite.sets for rows in (one, *one.also)]
    assert {METHODS.parts(name)[0] for some in rows for name in some.methods} <= set(METHODS)
    assert {one.dataset for one in suite.sets} - {""} <= set(DATASETS)
    assert set(suite.lite.methods) <= set(suite.sets[0].methods)
    assert all({*suite.baselines} & {*(one.methods or suite.methods)} for one in suite.sets)


def test_settings_of_files_reach_the_runs_that_have_them():
    suite = read_suite(Path("marrow")).without(only=("marrow_1_study",), lite=False)
    cells = plan_suite(SuiteOptions(suite=suite, out=Path("nowhere"))).sets[0].matrix.cells
    settings = {cell.method: dict(cell.settings) for cell in cells}
    assert settings["blob_log"] == {}
    assert settings["unet_shrink"]["overlap"] == "union"
    assert settings["unet_statistical"]["marker"] == "0.4"
    assert settings["unet_statistical_scaled"]["scaled"] == "regression"


def test_a_misspelt_set_gets_the_nearest_name(suite, tmp_path):
    with pytest.raises(UnknownNameError, match="real"):
        suite.without(only=("reel",), lite=False)
    with pytest.raises(UnknownNameError, match="real"):
        folders_of(suite, {"rael": tmp_path}, None)
    with pytest.raises(BadInputError, match="nowhere: folder not found; check --data-root"):
        folders_of(suite, {}, tmp_path / "nowhere")


def test_a_first_look_is_one_seed_of_the_named_sets(suite):
    look = suite.without(only=(), lite=True)
    assert [(one.name, one.seeds, one.methods) for one in look.sets] == [("drawn", (0,), ("blob_log",))]


def test_a_set_without_its_data_is_left_out_and_said(suite, marrow, tmp_path):
    plan = plan_suite(SuiteOptions(suite=suite, out=tmp_path / "out"))
    assert [one.set.name for one in plan.sets] == ["drawn"]
    assert any("real left out: no data" in note for note in plan.notes)
    whole = plan_suite(SuiteOptions(suite=suite, out=tmp_path / "out", root=marrow.parent))
    assert [len(one.matrix.cells) for one in whole.sets] == [2, 1]
    with pytest.raises(BadInputError, match="no set of this suite"):
        plan_suite(SuiteOptions(suite=suite, out=tmp_path / "out", only=("real",)))


def test_further_rows_ask_for_no_run_twice(suite_path, tmp_path):
    more = '\n[[sets.also]]\ntracks = ["precise", "weak"]\n'
    suite_path.write_text(suite_path.read_text().replace("seeds = [0, 1]\n", "seeds = [0, 1]\n" + more))
    (one,) = plan_suite(SuiteOptions(suite=read_suite(suite_path), out=tmp_path)).sets
    assert sorted(cell.name for cell in one.matrix.cells) == [
        f"{track}-background-blob_log-s{seed}" for track in ("precise", "weak") for seed in (0, 1)
    ]


def test_classes_of_a_set_reach_its_runs_and_methods_of_one_class_are_refused(suite_path, tmp_path, torch):
    def planned(old, new):
        suite_path.write_text(told.replace(old, new, 1))
        return plan_suite(SuiteOptions(suite=read_suite(suite_path), out=tmp_path, only=("drawn",))).sets[0]

    told = suite_path.read_text().replace("drawn = true", 'drawn = true\nclasses = ["all"]', 1)
    with pytest.raises(BadInputError, match="blob_log has one class of cells"):
        planned("", "")
    told = told.replace('"blob_log"', '"blob_log+crops"', 1)
    one = planned("", "")
    options = one.matrix.facts.run_options(one.matrix.cells[0], tmp_path)
    assert (options.method, options.classes) == ("blob_log+crops", ("all",))
    one.folder.join(one.matrix)
    other = planned('["all"]', '["blast"]')
    with pytest.raises(BadInputError, match="other classes"):
        other.folder.check(other.matrix)


def test_folds_of_patients_who_are_not_here_are_left_out(shared_data):
    one = SuiteSet(name="kainz", dataset="kainz_mbm", fold_by="test_patients", folds=("0001", "0003", "0008"))
    there, absent = folds_there(one, *(source_of(one, shared_data / "kainz_bm") or ("", None)))
    assert there == ("test_patients=0001", "test_patients=0003")
    assert absent == ("0008",)


def test_a_fold_that_cannot_be_loaded_although_its_patients_are_here_is_a_fault(shared_data):
    wrong = SuiteSet(
        name="kainz", dataset="kainz_mbm", fold_by="test_patients", folds=("0001+0002+0003+0004",)
    )
    with pytest.raises(BadInputError, match="remain"):
        folds_there(wrong, "kainz_mbm", shared_data / "kainz_bm")
