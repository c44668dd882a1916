"""What is under way has a name of its own, belongs to a living process, and is swept after a dead one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bmbench.core import asides, disk, files
from bmbench.core.asides import is_aside
from bmbench.core.errors import RunFailedError
from bmbench.core.files import is_empty, name_file, write_text, writing, writing_folder

UNDER_WAY = """
import sys, time
from pathlib import Path
from bmbench.core.files import writing, writing_folder
with writing_folder(Path(sys.argv[1]) / "set") as folder, writing(Path(sys.argv[1]) / "a.json") as file:
    (folder / "half").write_text("half")
    file.write_text("half")
    print("under way", flush=True)
    time.sleep(100)
"""


@pytest.fixture(autouse=True)
def new_process(monkeypatch):
    """Each test looks through folders as a process does that has looked through none."""
    monkeypatch.setattr(asides, "_swept", set())


@pytest.fixture
def other(tmp_path):
    """Another process that is writing a file and a folder."""
    with subprocess.Popen(
        [sys.executable, "-c", UNDER_WAY, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline().strip() == b"under way"
        yield process
        process.kill()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.usefixtures("posix")
def test_what_a_living_process_writes_is_left_alone_and_a_dead_ones_is_swept(tmp_path, other):
    write_text(tmp_path / "b.json", "{}")
    assert len(names(tmp_path)) == 3
    other.kill()
    other.wait()
    write_text(tmp_path / "c.json", "{}")
    assert len(names(tmp_path)) == 4, "a process looks once"
    asides._swept.clear()
    write_text(tmp_path / "c.json", "{}")
    assert names(tmp_path) == ["b.json", "c.json"]


@pytest.mark.usefixtures("posix")
def test_a_folder_under_way_is_swept_by_the_next_of_its_kind(tmp_path, other):
    other.kill()
    other.wait()
    with writing_folder(tmp_path / "other") as aside:
        (aside / "whole").write_text("whole")
    assert names(tmp_path) == ["other"]
    assert is_empty(tmp_path / "set")


def test_nothing_else_that_is_hidden_is_swept(tmp_path):
    kept = [".settings", ".a.json.abcdefgh.json", ".bmbench-abcdefgh", ".a.bmbench-abc", "a.bmbench-abcdefgh"]
    for name in kept:
        (tmp_path / name).write_text("somebody else's")
    outside = tmp_path / "outside"
    outside.write_text("kept")
    (tmp_path / ".a.bmbench-abcdefgh").symlink_to(outside)
    write_text(tmp_path / "b.json", "{}")
    assert names(tmp_path) == sorted([*kept, "outside", "b.json", ".a.bmbench-abcdefgh"])


@pytest.mark.usefixtures("posix")
def test_without_locks_nothing_is_swept(tmp_path, other, monkeypatch):
    import fcntl

    def refuse(*_):
        raise OSError(37, "No locks available")

    other.kill()
    other.wait()
    monkeypatch.setattr(fcntl, "flock", refuse)
    write_text(tmp_path / "b.json", "{}")
    assert len(names(tmp_path)) == 3
    assert (tmp_path / "b.json").read_text() == "{}"


@pytest.mark.usefixtures("posix")
def test_an_aside_that_another_process_sweeps_at_once_is_made_again(tmp_path, monkeypatch):
    locking, swept = asides._lock, []

    def late(handle):
        if not swept:
            swept.extend(tmp_path.iterdir())
            swept[0].unlink()
        return locking(handle)

    monkeypatch.setattr(asides, "_lock", late)
    write_text(tmp_path / "a.json", "{}")
    assert swept
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("name", ["x" * 255, "ä" * 127, "a." + "y" * 250, "x" * 250 + ".json"])
def test_the_longest_names_can_be_written(tmp_path, name):
    write_text(tmp_path / name, "whole")
    with writing_folder(tmp_path / "set" / name) as aside:
        assert is_aside(aside / "a")
    assert names(tmp_path) == sorted([name, "set"])


@pytest.fixture
def calls(monkeypatch):
    """What was forced to the disk and renamed, in order, by name."""
    seen, opened = [], {}
    opening, syncing, replacing, renaming = os.open, os.fsync, Path.replace, Path.rename

    def open_(path, *rest, **more):
        handle = opening(path, *rest, **more)
        opened[handle] = Path(path)
        return handle

    def fsync(handle):
        seen.append(("sync", _short(opened[handle])))
        syncing(handle)

    def rename(how):
        def call(path, target):
            seen.append(("name", Path(target).name))
            return how(path, target)

        return call

    monkeypatch.setattr(os, "open", open_)
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", rename(replacing))
    monkeypatch.setattr(Path, "rename", rename(renaming))
    return seen


def _short(path: Path) -> str:
    return path.name.partition(".bmbench-")[0].lstrip(".")


@pytest.mark.usefixtures("posix")
def test_a_file_is_on_the_disk_before_it_has_its_name_and_the_name_after(tmp_path, calls):
    write_text(tmp_path / "a.json", "{}")
    assert calls == [("sync", "a.json"), ("name", "a.json"), ("sync", tmp_path.name)]
    calls.clear()
    with writing(tmp_path / "b.png", synced=False) as aside:
        aside.write_text("b")
    assert calls == [("name", "b.png")]
    calls.clear()
    name_file(tmp_path / "b.png", tmp_path / "c.png")
    assert calls == [("sync", "b.png"), ("name", "c.png"), ("sync", tmp_path.name)]


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("replace", [False, True])
def test_all_files_of_a_folder_are_on_the_disk_before_it_has_its_name(tmp_path, calls, replace):
    if replace:
        (tmp_path / "set").mkdir()
    with writing_folder(tmp_path / "set", replace=replace) as aside:
        (aside / "images").mkdir()
        (aside / "images" / "a.png").write_text("copied")
        write_text(aside / "b.json", "{}")
    synced = [name for what, name in calls if what == "sync"]
    assert sorted(synced) == sorted(["new", "images", "a.png", "b.json", tmp_path.name])
    assert synced[-1] == tmp_path.name, "the name last"
    assert replace or calls[-2] == ("name", "set")


@pytest.mark.usefixtures("posix")
def test_many_files_are_forced_to_the_disk_at_once(tmp_path, calls, monkeypatch):
    asked = []
    monkeypatch.setattr(disk, "_force_file_system", lambda folder: bool(asked.append(folder) or True))
    with writing_folder(tmp_path / "set") as aside:
        for number in range(100):
            (aside / f"{number}.png").write_text("copied")
    assert len(asked) == 1
    assert calls == [("name", "set"), ("sync", tmp_path.name)]
    monkeypatch.undo()
    if sys.platform == "linux":
        assert disk._force_file_system(tmp_path)


@pytest.mark.usefixtures("posix")
def test_an_empty_folder_in_which_somebody_stands_is_filled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with writing_folder(Path()) as aside:
        (aside / "images").mkdir()
        (aside / "a.json").write_text("{}")
    assert names(Path()) == ["a.json", "images"]
    assert Path.cwd().samefile(tmp_path)


def test_a_disk_that_fails_when_it_is_to_keep_a_file_leaves_the_old_one(tmp_path, monkeypatch):
    write_text(tmp_path / "a.json", "old")

    def fail(_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(RunFailedError, match=r"a\.json: cannot be written \(Input/output error\)"):
        write_text(tmp_path / "a.json", "new")
    assert names(tmp_path) == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"


@pytest.mark.usefixtures("posix")
def test_a_run_whose_name_the_disk_does_not_keep_is_not_begun_a_second_time(tmp_path, monkeypatch):
    """It is there, and is gone on with; another beside it would never be finished."""
    from bmbench.benchmark.records.run_folder import RunDir

    forcing = files.force

    def fail(path):
        if path == tmp_path:
            raise OSError(5, "Input/output error")
        forcing(path)

    monkeypatch.setattr(files, "force", fail)
    with pytest.raises(RunFailedError, match="Input/output error"):
        RunDir.create(tmp_path, "run", {"config.json": {}})
    assert names(tmp_path) == ["run"]


@pytest.mark.usefixtures("posix")
def test_a_folder_that_is_swept_before_it_is_opened_is_made_again(tmp_path, monkeypatch):
    making, swept = tempfile.mkdtemp, []

    def make(**how):
        name = making(**how)
        if not swept:
            swept.append(name)
            Path(name).rmdir()
        return name

    monkeypatch.setattr(tempfile, "mkdtemp", make)
    with writing_folder(tmp_path / "run") as aside:
        (aside / "a.txt").write_text("whole")
    assert swept
    assert names(tmp_path) == ["run"]
