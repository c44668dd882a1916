"""Settings from files: one method's, many methods', and those that come by name."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bmbench.adapters import METHODS
from bmbench.benchmark.records.options import RunOptions, resolve_settings, setting_kinds
from bmbench.benchmark.records.settings_files import NAMED, read_settings, with_settings
from bmbench.benchmark.reproduce.matrix import plan
from bmbench.benchmark.reproduce.options import ReproduceOptions
from bmbench.core.errors import BadInputError, UnknownNameError


def written(folder, **content):
    path = folder / "some.json"
    path.write_text(json.dumps({"schema": "bmbench.settings/2", **content}))
    return path


def settings(method, *, path=Path("study"), given=(), **changes):
    options = with_settings(RunOptions(method=method, **changes), path, given=("method", *given))
    return resolve_settings(METHODS.get(method), options.profile, options.settings)


@pytest.mark.parametrize("name", NAMED)
def test_what_comes_by_name_fits_every_method(name):
    for method in map(METHODS.get, METHODS.own_names()):
        found = read_settings(Path(name)).of(method.name, having=setting_kinds(method))
        for profile in method.settings:
            resolve_settings(method, profile, found)


def test_the_study_has_its_own_wording():
    shrink, scaled = settings("unet_shrink"), settings("unet_statistical_scaled")
    assert (shrink.overlap, shrink.scaled, shrink.loss) == ("union", "weight", "cross_entropy")
    assert (scaled.overlap, scaled.scaled, scaled.loss) == ("union", "regression", "squared")
    assert settings("retinanet").anms_rival == 0


def test_what_is_said_beside_a_file_holds():
    assert settings("unet_shrink", settings={"overlap": "apart"}).overlap == "apart"
    assert (
        settings("unet_shrink", profile="paper").width == METHODS.get("unet_shrink").settings["paper"].width
    )


def test_a_file_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written(tmp_path, settings={"keep": 0.3}).rename("study")
    assert settings("unet_shrink").keep == 0.3


def test_a_folder_of_that_name_is_no_file(tmp_path, monkeypatch):
    """`bmbench reproduce` calls its own folder so."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study").mkdir()
    assert settings("unet_shrink").overlap == "union"


def test_single_methods_come_after_all(tmp_path):
    path = written(tmp_path, settings={"steps": 7}, methods={"unet_sigmoid": {"steps": 9}})
    assert settings("unet_shrink", path=path).steps == 7
    assert settings("unet_sigmoid", path=path).steps == 9


def test_a_setting_that_nobody_has_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="overlapp"):
        read_settings(written(tmp_path, settings={"overlapp": "union"}))
    with pytest.raises(UnknownNameError, match="overlap"):
        read_settings(written(tmp_path, methods={"retinanet": {"overlap": "union"}}))


def test_settings_for_others_only_are_refused():
    with pytest.raises(BadInputError, match="no setting in it is one of blob_log"):
        settings("blob_log")


def test_a_name_that_is_none_is_refused():
    with pytest.raises(BadInputError, match="one of study"):
        read_settings(Path("studdy"))


def test_a_matrix_takes_files_for_all_its_methods(torch, tmp_path):
    options = ReproduceOptions(
        out=tmp_path / "out", methods=("unet_statistical_scaled", "blob_log"), seeds=(0,)
    )
    matrix = plan(replace(options, settings_files=(Path("study"),), settings=("keep=0.5",)))
    found = {cell.method: dict(cell.settings) for cell in matrix.cells}
    assert found["blob_log"] == {}
    assert (
        found["unet_statistical_scaled"].items()
        >= {
            "overlap": "union",
            "scaled": "regression",
            "keep": "0.5",
        }.items()
    )


def test_a_matrix_takes_what_a_search_left_and_only_what_it_changed(torch, tmp_path):
    whole = {"n_blobs": 3} | {"spread": METHODS.get("blob_log").settings["quick"].spread}
    path = tmp_path / "found.json"
    record = {"schema": "bmbench.settings/1", "method": "blob_log", "profile": "quick", "settings": whole}
    path.write_text(json.dumps(record))
    options = ReproduceOptions(
        out=tmp_path / "out", methods=("blob_log",), seeds=(0,), settings_files=(path,)
    )
    assert {cell.settings for cell in plan(options).cells} == {(("n_blobs", "3"),)}
    with pytest.raises(BadInputError, match="choose --methods"):
        plan(replace(options, methods=("unet_shrink",)))
    with pytest.raises(BadInputError, match="choose --profile"):
        plan(replace(options, profile="paper"))
