"""A method of one's own, from an empty folder to a run: as a developer does it, without a clone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bmbench as package
from bmbench.benchmark.contract.checks import CHECKS

HOUSE = Path(package.__file__).parents[1]


@pytest.fixture(name="shell")
def _shell(tmp_path):
    """Call `bmbench` in a process of its own, with a folder of installed packages beside it."""
    site = tmp_path / "site"
    site.mkdir()

    def call(*arguments, cwd=tmp_path, code=0, **environment):
        paths = os.pathsep.join([str(HOUSE), str(site)])
        clean = {name: value for name, value in os.environ.items() if name != "BMBENCH_PLUGINS"}
        # As the script that pip installs: the folder where it is called is not looked into.
        command = [sys.executable, "-P", "-m", "bmbench", *map(str, arguments)]
        done = subprocess.run(
            command,
            cwd=cwd,
            env=clean | {"PYTHONPATH": paths, "COLUMNS": "80"} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    call.site = site
    return call


def install(shell, folder, version="0.1.0"):
    """What pip does with a package whose pyproject.toml offers a method."""
    name = folder.name
    (shell.site / name).symlink_to(folder / name)
    facts = shell.site / f"{name}-{version}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = (
        (folder / "pyproject.toml").read_text().partition('[project.entry-points."bmbench.methods"]\n')[2]
    )
    line = points.splitlines()[0].replace('"', "")
    (facts / "entry_points.txt").write_text(f"[bmbench.methods]\n{line}\n")
    (facts / "RECORD").write_text(f"{name}/__init__.py,,\n{name}/method.py,,\n")


@pytest.fixture(name="mine")
def _mine(shell, tmp_path):
    """The folder of a new package."""
    said = shell("method", "new", "my_cells")
    assert "bmbench method check my_cells.method:METHOD" in said
    return tmp_path / "my_cells"


def test_the_package_of_method_new_keeps_every_promise_before_it_is_installed(shell, mine):
    said = shell("method", "check", "my_cells.method:METHOD", cwd=mine)
    assert f"all {len(CHECKS)} kept" in said
    assert {path.relative_to(mine).as_posix() for path in mine.rglob("*") if path.is_file()} >= {
        "README.md", "pyproject.toml", "my_cells/__init__.py", "my_cells/method.py", "tests/test_method.py",
    }  # fmt: skip
    assert not [
        path
        for path in mine.rglob("*")
        if path.suffix != ".pyc" and path.is_file() and "@NAME@" in path.read_text()
    ]


def test_an_installed_method_runs_predicts_and_is_recorded_with_its_version(shell, mine, marrow, tmp_path):
    install(shell, mine)
    shell("run", "--method", "my_cells", "--dataset", marrow, "--out", "runs")
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.endswith("-my_cells-quick-s0")
    config = json.loads((run / "config.json").read_text())
    made_by = config["plugin"]["method"]
    assert (made_by["package"], made_by["version"]) == ("my_cells", "0.1.0")
    assert made_by["place"] == "my_cells.method:METHOD"
    image = sorted((marrow / "images").iterdir())[0]
    shell("predict", image, "--run", run, "-o", "found.json")
    assert json.loads((tmp_path / "found.json").read_text())
    shell("compare", run, run)
    # Without the package, comparing reads files; predicting says what is missing.
    (shell.site / "my_cells").unlink()
    for path in sorted((shell.site / "my_cells-0.1.0.dist-info").iterdir()):
        path.unlink()
    (shell.site / "my_cells-0.1.0.dist-info").rmdir()
    shell("compare", run, run)
    said = shell("predict", image, "--run", run, "-o", "again.json", code=2)
    assert said == (
        "error: the method 'my_cells' comes with the package my_cells 0.1.0, which is not installed here; "
        "pip install my_cells\n"
    )


def test_a_place_is_run_where_it_is_named_and_a_record_names_none(shell, mine, marrow):
    place = "my_cells.method:METHOD"
    shell("run", "--method", place, "--dataset", marrow, cwd=mine)
    (run,) = (mine / "runs").iterdir()
    assert json.loads((run / "config.json").read_text())["method"] == "my_cells"
    image = sorted((marrow / "images").iterdir())[0]
    said = shell("predict", image, "--run", run, cwd=mine, code=2)
    assert "if you trust it, set BMBENCH_PLUGINS='bmbench.methods=my_cells.method:METHOD'" in said
    shell(
        "predict", image, "--run", run, "-o", "a.json", cwd=mine, BMBENCH_PLUGINS=f"bmbench.methods={place}"
    )


def test_a_stopped_run_is_resumed_only_with_the_code_that_began_it(shell, mine, marrow, tmp_path):
    install(shell, mine)
    source = mine / "my_cells" / "method.py"
    good = source.read_text()
    source.write_text(
        good.replace(
            "        smooth = self._smooth(image)\n        darkness",
            "        raise OSError('no')\n        darkness",
        )
    )
    said = shell("run", "--method", "my_cells", "--dataset", marrow, "--out", "runs", code=1)
    assert "the method 'my_cells' of my_cells 0.1.0 failed in predict (OSError: no, method.py line" in said
    (run,) = (tmp_path / "runs").iterdir()
    assert "failed in predict" in shell("run", "--resume", run, code=1)
    source.write_text(good)
    assert "begun with another plugin" in shell("run", "--resume", run, code=2)


def test_a_broken_plugin_breaks_neither_help_nor_lists_nor_others(shell, mine):
    install(shell, mine)
    (mine / "my_cells" / "method.py").write_text("raise ImportError('no licence')\n")
    assert "Usage" in shell("--help")
    said = shell("methods")
    assert "blob_log" in said
    assert (
        " ".join(said.split()).count("the method 'my_cells' of my_cells 0.1.0 cannot be loaded (ImportError")
        == 1
    )
    assert "error: the method 'my_cells' of my_cells 0.1.0 cannot be loaded" in shell(
        "run", "--method", "my_cells", code=2
    )
    shell("method", "check", "blob_log")


def test_what_is_broken_is_said_in_a_sentence_and_an_exit_code(shell, mine):
    source = mine / "my_cells" / "method.py"
    source.write_text(source.read_text().replace("found / (found + 1)]", "found * 100]"))
    said = shell("method", "check", "my_cells.method:METHOD", cwd=mine, code=1)
    assert "predict answered with confidences from" in " ".join(said.split())
    findings = json.loads(shell("method", "check", "my_cells.method:METHOD", "--json", cwd=mine, code=1))
    assert {one["kept"] for one in findings} == {True, False}


@pytest.mark.parametrize(("name", "said"), [
    ("Mine", "no name of a package: 'Mine'"),
    ("../x", "no name of a package"),
    ("blob_log", "bmbench itself has a method 'blob_log'"),
])  # fmt: skip
def test_names_that_no_package_can_have_are_refused(bmbench, tmp_path, name, said):
    answer = bmbench("method", "new", name, "--out", tmp_path)
    assert answer.code == 2
    assert said in answer.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_never_written_over(bmbench, tmp_path):
    assert bmbench("method", "new", "my_cells", "--out", tmp_path).code == 0
    answer = bmbench("method", "new", "my_cells", "--out", tmp_path)
    assert (answer.code, "is there already" in answer.err) == (2, True)
