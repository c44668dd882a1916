"""Output that cannot show every sign, or takes no more; failures that no command has foreseen."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from bmbench import cli


def call(*arguments: str, **options) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bmbench", *arguments]
    return subprocess.run(command, stderr=subprocess.PIPE, check=False, **options)


@pytest.mark.parametrize(
    ("encoding", "arguments"),
    [
        *product(("cp1252", "latin-1", "ascii"), (("methods",), ("datasets", "list"))),
        ("cp1252", ("datasets", "info", "synthetic", "--option", "images=4", "--option", "size=256")),
    ],
)
def test_an_output_without_our_signs_gets_question_marks(encoding, arguments):
    there = os.environ | {"PYTHONIOENCODING": encoding}
    answer = call(*arguments, env=there, stdout=subprocess.PIPE)
    assert (answer.returncode, b"Traceback" in answer.stderr) == (0, False), answer.stderr
    assert answer.stdout.decode(encoding)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
def test_a_full_output_is_one_sentence():
    with Path("/dev/full").open("wb") as full:
        answer = call("methods", stdout=full)
    assert answer.returncode == 1
    assert answer.stderr.decode() == (
        "error: the system refuses (No space left on device) (--debug shows where)\n"
    )


@pytest.mark.usefixtures("posix")
def test_a_run_on_a_file_system_without_locks_goes_its_way_and_says_so(marrow, tmp_path):
    code = (
        "import errno, fcntl, sys\nfrom bmbench import cli\n"
        "def flock(*_): raise OSError(errno.ENOLCK, 'no locks')\n"
        "fcntl.flock = flock\ncli.main()\n"
    )
    arguments = [
        "run",
        "--method",
        "blob_log",
        "--dataset",
        str(marrow),
        "--out",
        str(tmp_path),
        "--set",
        "n_scales=1",
    ]
    answer = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    (run,) = tmp_path.iterdir()
    words = "the file system has no locks: its file .lock keeps others out; after a crash it may stay"
    assert answer.stderr == f"warning: {run}: {words}\n"
    assert words in (run / "log.txt").read_text()
    assert not (run / ".lock").exists()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "not enough memory"),
        (RecursionError(), "nested too deeply"),
        (OSError(36, "File name too long", "x" * 9), "xxxxxxxxx: the system refuses (File name too long)"),
        (
            UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
            "a text cannot be read or written",
        ),
    ],
)
def test_what_nobody_foresaw_is_a_sentence_and_debug_shows_more(bmbench, monkeypatch, error, words):
    def fail(**_):
        raise error

    monkeypatch.setattr(cli, "asked", lambda *_: fail)
    answer = bmbench("methods")
    assert (answer.code, words in answer.err, "Traceback" in answer.err) == (1, True, False)
    monkeypatch.setattr(sys, "argv", ["bmbench", "methods", "--debug"])
    with pytest.raises(type(error)):
        cli.main()


@pytest.mark.usefixtures("posix")
def test_a_data_set_whose_folder_has_no_text_for_a_name_is_refused_before_the_run_begins(bmbench, tmp_path):
    """Its record could not be read again, and its pictures not be drawn: the run could never end."""
    folder = Path(os.fsdecode(bytes(tmp_path) + b"/se\xfft"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("a file system that takes text only")
    answer = bmbench("run", "--method", "blob_log", "--dataset", folder, "--out", tmp_path / "runs")
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert "a name that is no text" in answer.err
    assert not (tmp_path / "runs").exists()
