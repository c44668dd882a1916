"""What ``--help`` says: one line an option, and no summary that is cut off."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bmbench.cli import app
from bmbench.cli.help import GROUPS


def commands(command: Any, name: str = "bmbench") -> Iterator[tuple[str, Any]]:
    yield name, command
    for part, below in getattr(command, "commands", {}).items():
        yield from commands(below, f"{name} {part}")


COMMANDS = dict(commands(get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_told_in_one_line_of_80_columns(name):
    helps = {option.name: getattr(option, "help", None) or "" for option in COMMANDS[name].params}
    assert {option: text for option, text in helps.items() if len(text) > 80} == {}


@pytest.mark.parametrize(
    "group", [name for name, command in COMMANDS.items() if hasattr(command, "commands")]
)
def test_no_summary_is_cut_off_at_80_columns(bmbench, monkeypatch, group):
    monkeypatch.setenv("COLUMNS", "80")
    shown = bmbench(*group.split()[1:], "--help").out.partition("Show this message and exit.")[2].splitlines()
    listed = dict(line.split(maxsplit=1) for line in shown if line.startswith("  "))
    assert set(listed) == set(COMMANDS[group].commands)
    assert [text for text in listed.values() if not text.endswith(".") or text.endswith("...")] == []


def test_every_command_has_one_group():
    named = [name for group in GROUPS.values() for name in group]
    assert set(COMMANDS["bmbench"].commands) - set(named) == set()
    assert len(named) == len(set(named))


@pytest.mark.parametrize("name", COMMANDS)
def test_no_word_is_cut_in_two_at_80_columns(bmbench, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    shown = set(bmbench(*name.split()[1:], "--help").out.split())
    told = [getattr(part, "help", None) or "" for part in (COMMANDS[name], *COMMANDS[name].params)]
    assert [word for text in told for word in text.split() if word not in shown] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_no_help_has_words_of_type_checkers(bmbench, name):
    said = bmbench(*name.split()[1:], "--help").out
    assert not re.search(r"<(str|int|float|path|list|bool)|range>|list\[", said)


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_asked_for_in_either_way(bmbench, option):
    for command in ((), ("run",), ("datasets", "info")):
        answer = bmbench(*command, option)
        assert answer.code == 0
        assert answer.out.startswith(f"Usage: {' '.join(('bmbench', *command))} ")


def test_the_version_is_told(bmbench):
    import bmbench as package

    assert bmbench("--version").out == f"bmbench {package.__version__}\n"


@pytest.mark.parametrize(("line", "said"), [
    ("runn", "unknown command 'runn'; did you mean 'run'?"),
    ("datasets lst", "unknown command 'lst'; did you mean 'list'?"),
    ("xyzzy", "unknown command 'xyzzy'; see bmbench --help"),
    ("run --methd x", "unknown option '--methd'; did you mean '--method'?"),
    ("--verison", "unknown option '--verison'; did you mean '--version'?"),
    ("score", "the argument PREDICTIONS is missing; see bmbench score --help"),
    ("predict x.png", "neither --run nor --model (expected one of the two: --model NAME"),
    ("predict x.png --run a --model b", "--run and --model (expected one of the two"),
    ("run --seed x", "--seed x: not a whole number; see bmbench run --help"),
    ("run --seed=-3", "--seed -3: expected 0 or more; see bmbench run --help"),
    ("predict x.png --run r --threshold 2", "--threshold 2: expected"),
    ("run --jitter-px wide", "--jitter-px wide: not a number; see bmbench run --help"),
    ("score a --truth b --assignment greddy", "--assignment greddy: expected one of greedy, hungarian; see"),
    ("compare a b c", "more arguments than it takes: c; see bmbench compare --help"),
    ("run --seed", "--seed needs a value; see bmbench"),
])  # fmt: skip
def test_a_command_line_that_cannot_be_read_is_one_sentence(bmbench, line, said):
    answer = bmbench(*line.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"error: {said}")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("line", ["methods", "datasets list", "datasets list kainz"])
def test_tables_are_there_as_json(bmbench, line):
    answer = bmbench(*line.split(), "--json")
    assert answer.code == 0
    value = json.loads(answer.out)
    assert "blob_log" in answer.out or value.get("name") == "kainz" or "kainz" in answer.out


def test_what_a_set_holds_what_a_run_scores_and_what_was_predicted_is_there_as_json(
    bmbench, marrow, tmp_path
):
    held = json.loads(bmbench("datasets", "info", marrow, "--json").out)
    assert sum(part["images"] for part in held["subsets"]) == 8
    out = tmp_path / "runs"
    run = json.loads(
        bmbench(
            "run", "--method", "blob_log", "--dataset", marrow, "--set", "n_blobs=1", "--out", out, "--json"
        ).out
    )
    assert json.loads((tmp_path / run["folder"] / "metrics.json").read_text())["cd"] == run["cd"]
    image = sorted((marrow / "images").iterdir())[0]
    found = json.loads(
        bmbench("predict", image, "--run", run["folder"], "-o", tmp_path / "a.csv", "--json").out
    )
    assert [one["name"] for one in found["images"]] == [image.name]


def test_commands_that_go_on_from_a_run_print_one_json_value(bmbench, marrow, tmp_path):
    bmbench(
        "run", "--method", "blob_log", "--dataset", marrow, "--set", "n_blobs=1", "--out", tmp_path / "runs"
    )
    (finished,) = (path.parent for path in tmp_path.glob("runs/*/metrics.json"))
    applied = bmbench("test", "--run", finished, "--on", "synthetic,stain=pale,images=9,size=256", "--json")
    said = json.loads(applied.out)
    assert said["own"] == json.loads((finished / "metrics.json").read_text())
    (scores,) = said["others"].values()
    assert scores["scale"]["factor"] > 0


def test_a_study_says_in_json_what_it_would_do_and_what_it_did(bmbench, marrow, tmp_path):
    study = (
        "reproduce", "--dataset", marrow, "--methods", "blob_log", "--tracks", "weak", "--seeds", "0",
        "--set", "n_blobs=1", "--out", tmp_path / "study", "--json",
    )  # fmt: skip
    before = json.loads(bmbench(*study, "--dry-run").out)
    assert [run["finished"] for run in before["runs"]] == [False]
    done = json.loads(bmbench(*study).out)
    assert (done["n_finished"], done["failures"]) == (1, [])
    assert Path(done["report"]).is_file()
    again = json.loads(bmbench("reproduce", "--report-only", "--out", tmp_path / "study", "--json").out)
    assert again == done


def test_what_a_command_refuses_by_itself_is_said_in_the_same_way(bmbench, tmp_path):
    answer = bmbench("leaderboard", "host", tmp_path, "--on", "github")
    assert answer.code == 2
    assert answer.err.startswith("error: a host needs --package ")
