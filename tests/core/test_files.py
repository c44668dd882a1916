import json
import os

import pytest

from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.files import read_json, refuse_file, write_json, write_text, writing, writing_folder


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "scores.json"
    write_text(path, "old")

    def write_half() -> None:
        with writing(path) as aside:
            aside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_seen_before_the_block_ends(tmp_path):
    path = tmp_path / "scores.json"
    with writing(path) as aside:
        aside.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"


def test_written_files_follow_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        write_text(tmp_path / "a", "x")
    finally:
        os.umask(old)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_made_is_a_failed_run_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFailedError, match="cannot be written"):
        write_text(tmp_path / "file" / "below", "x")


def test_a_file_where_a_folder_is_to_be_is_bad_input(tmp_path):
    (tmp_path / "file").write_text("")
    refuse_file(tmp_path, expected="a folder")
    refuse_file(tmp_path / "yet to be", expected="a folder")
    with pytest.raises(BadInputError, match=r"file: is a file \(expected a folder\); name another one"):
        refuse_file(tmp_path / "file", expected="a folder", remedy="name another one")


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def write(*names, fails):
        with writing_folder(tmp_path / "deep/set") as aside:
            for name in names:
                (aside / name).write_text(name)
                assert not (tmp_path / "deep/set").exists()
            if fails:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        write("a", fails=True)
    assert list((tmp_path / "deep").iterdir()) == []
    write("a", "b", fails=False)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["set"]
    assert sorted(path.name for path in (tmp_path / "deep/set").iterdir()) == ["a", "b"]


def test_written_folders_follow_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        with writing_folder(tmp_path / "set"):
            pass
    finally:
        os.umask(old)
    assert (tmp_path / "set").stat().st_mode & 0o777 == 0o750


def test_a_folder_that_the_disk_refuses_is_a_failed_run_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")

    def make(folder):
        with writing_folder(folder):
            pass

    with pytest.raises(RunFailedError, match="cannot be written"):
        make(tmp_path / "file/set")
    (tmp_path / "there").mkdir()
    (tmp_path / "there/kept").write_text("")
    with pytest.raises(RunFailedError, match=r"there: cannot be written \(Directory not empty\)"):
        make(tmp_path / "there")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "there"]


@pytest.mark.parametrize("in_one_step", [True, False])
def test_a_folder_that_is_replaced_is_there_until_the_new_one_is(tmp_path, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr("bmbench.core.files.exchange_folders", lambda first, second: False)
    folder = tmp_path / "set"
    for names in (["a"], ["b", "c"]):
        with writing_folder(folder, replace=True) as aside:
            for name in names:
                (aside / name).write_text(name)
            assert names == ["a"] or [path.name for path in folder.iterdir()] == ["a"]
        assert sorted(path.name for path in folder.iterdir()) == names
    with pytest.raises(RuntimeError), writing_folder(folder, replace=True):
        raise RuntimeError
    assert sorted(path.name for path in folder.iterdir()) == ["b", "c"]
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have_are_not_written(tmp_path, value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"ap": value})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"a": 1,}', r"line 1, column [89]:"),
        (
            b'{"a": [1, 2',
            r"line 1, column 12: .*the file ends in the middle \(got 11 bytes\); write the file again",
        ),
        (b'{"a": "hal', r"line 1, column 7: .*the file ends in the middle \(got 10 bytes\)"),
        (b'{"a": [1, }', r"not valid JSON \(got "),
        (b'{"a": NaN}', "NaN"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_bad_json_is_refused_with_the_place(tmp_path, content, sentence):
    path = tmp_path / "in.json"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=sentence) as caught:
        read_json(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"nowhere\.json: file not found"):
        read_json(tmp_path / "nowhere.json")
    with pytest.raises(BadInputError, match="no name of a file"):
        read_json(tmp_path / "null\0byte.json")


def test_json_comes_back_as_it_was_written(tmp_path):
    value = {"ap": 0.1 + 0.2, "none": None, "list": [1, "µ"]}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value == json.loads((tmp_path / "a.json").read_text())
