"""A search whose trials are in PostgreSQL, on a real server where there is one.

export BMBENCH_TEST_POSTGRESQL=postgresql://USER:PASSWORD@HOST/DATABASE
pytest tests/benchmark/test_tuning_database.py
"""

import json
import os
import sys

import pytest

from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.search.plan import TuneOptions
from bmbench.benchmark.search.postgresql import Database
from bmbench.benchmark.search.search import resume_tuning, tune
from bmbench.core.errors import RunFailedError, Stopped
from bmbench.core.progress import Silent

SERVER = os.environ.get("BMBENCH_TEST_POSTGRESQL")
needs_server = pytest.mark.skipif(
    not SERVER, reason="no PostgreSQL server: set BMBENCH_TEST_POSTGRESQL to the address of a database"
)
TINY = {
    "steps": "2", "validate_every": "1", "width": "4", "views": "1", "depth": "1", "patch_px": "32",
    "batch": "2", "shard": "2", "cell_px": "10", "loss": "cross_entropy", "dice": "0",
}  # fmt: skip


class AtNote(Silent):
    """Does something at the first note that begins so."""

    def __init__(self, start, action):
        self.start, self.action = start, action

    def note(self, text):
        if text.startswith(self.start):
            self.start = "\n"
            self.action()


def stop():
    raise KeyboardInterrupt


def options(marrow, out, store=None):
    run = RunOptions(dataset=str(marrow), settings=TINY, out=out)
    return TuneOptions(run=run, trials=3, decodings=2, store=store)


def results(path):
    """Every file of a search but those with times, what its record says of the store left out."""
    timed = ("log.txt", "timing.json", "journal.log", "tuning.json", "manifest.json")
    files = (file for file in path.rglob("*") if file.is_file() and file.name not in timed)
    record = {name: value for name, value in record_of(path).items() if name != "store"}
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files} | {"record": record}


def record_of(path):
    return json.loads((path / "tuning.json").read_text())


@needs_server
def test_a_search_in_a_database_survives_a_stop_and_ends_as_one_with_a_journal(marrow, tmp_path):
    here = tune(options(marrow, tmp_path / "here"), Silent())
    with pytest.raises(Stopped):
        tune(
            options(marrow, tmp_path / "there", Database.parse(SERVER)),
            AtNote("trial 2 of 3: step 2", stop),
        )
    (folder,) = (tmp_path / "there").iterdir()
    there = resume_tuning(folder, Silent(), store=SERVER)
    assert results(there.path) == results(here.path)
    assert [(trial.settings, trial.value, trial.looks) for trial in there.trials] == [
        (trial.settings, trial.value, trial.looks) for trial in here.trials
    ]
    assert there.importance == here.importance
    assert not (folder / "journal.log").exists()
    # A second search in the same database is one of its own.
    other = tune(options(marrow, tmp_path / "other", Database.parse(SERVER)), Silent())
    assert results(other.path) == results(here.path)


@needs_server
def test_the_password_is_kept_nowhere(marrow, tmp_path):
    from sqlalchemy.engine import make_url

    password = make_url(SERVER).password
    assert password, "give an address with a password"
    store = Database.parse(SERVER)
    tune(options(marrow, tmp_path, store), Silent())
    assert password not in repr(store)
    (folder,) = tmp_path.iterdir()
    for file in folder.rglob("*"):
        assert not file.is_file() or password.encode() not in file.read_bytes()
    assert record_of(folder)["store"]["database"].startswith("postgresql://")
    assert "***" not in record_of(folder)["store"]["database"]


@needs_server
def test_a_database_that_is_lost_is_one_sentence_and_the_search_goes_on(marrow, tmp_path, monkeypatch):
    store = Database.parse(SERVER)

    def cut():
        """Let nobody through any more, as when a cable is pulled."""
        monkeypatch.setattr("psycopg.connect", refuse)
        monkeypatch.setattr("psycopg.Connection.connect", refuse)

    def refuse(*_, **__):
        import psycopg

        raise psycopg.OperationalError("connection refused")

    with pytest.raises(RunFailedError, match=r"the database is lost .*resume with: bmbench tune --resume"):
        tune(options(marrow, tmp_path, store), AtNote("trial 2 of 3: step 1", cut))
    monkeypatch.undo()
    (folder,) = tmp_path.iterdir()
    assert len(resume_tuning(folder, Silent(), store=SERVER).trials) == 3


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgresql://u:geheim@127.0.0.1:1/b", "postgresql://u@127.0.0.1:1/b: the database cannot be used"),
        ("mysql://u:geheim@h/b", "--store is no PostgreSQL database"),
        ("postgresql://u:geheim@h", "--store is no PostgreSQL database"),
        ("geheim", "--store is no address of a database"),
        ("postgresql://u:geheim@h:port/b", "--store is no address of a database"),
    ],
)
def test_what_is_no_database_is_one_sentence_without_the_password(bmbench, marrow, tmp_path, address, said):
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra postgresql)")
    answer = bmbench("tune", "--dataset", marrow, "--store", address, "--out", tmp_path)
    assert answer.code == 2
    assert said in answer.err
    assert len(answer.err.splitlines()) == 1
    assert "geheim" not in answer.err + answer.out


def test_without_psycopg_one_sentence_says_what_to_install(bmbench, marrow, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    answer = bmbench("tune", "--dataset", marrow, "--store", "postgresql://u@h/b", "--out", tmp_path)
    assert answer.code == 2
    assert answer.err.endswith("is not installed: pip install 'bmbench[postgresql]'\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("torch")
def test_a_search_with_a_journal_takes_no_database(bmbench, marrow, tmp_path):
    found = tune(options(marrow, tmp_path), Silent())
    answer = bmbench("tune", "--resume", found.path, "--store", "postgresql://u@h/b")
    assert answer.code == 2
    assert "the search keeps its trials in its own folder" in answer.err
