"""What README and docs/results.md say of methods is what the committed boards say."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from bmbench.present.words import points

ROOT = Path(__file__).parents[1]
BOARD = ROOT / "leaderboards" / "synthetic" / "results"
NUMBER = r"\d+\.\d+"
SCORE = re.compile(rf"({NUMBER})(?: \[({NUMBER}), ({NUMBER})\])?")


def standings(track):
    return json.loads((BOARD / track / "standings.json").read_text("utf-8"))


def places(track, metric):
    found = next(one for one in standings(track)["metrics"] if one["name"] == metric)
    return {place["id"].replace("-", "_"): place for place in found["places"]}


def documented(name, start):
    """The cells of the table that follows a text, by row."""
    text = (ROOT / name).read_text("utf-8")
    lines = text[text.index(start) :].splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[first + 2 :]:
        if not line.startswith("|"):
            return rows
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def told(cell, *, digits):
    return tuple(None if part is None else round(float(part), digits) for part in SCORE.search(cell).groups())


def of_place(place, *, scale, digits):
    values = (place["value"], *(place["interval"] or (None, None)))
    return tuple(None if value is None else round(scale * value, digits) for value in values)


def test_the_merges_of_the_encodings_are_those_of_the_submissions():
    place = importlib.util.spec_from_file_location("merges_of_board", ROOT / "benchmarks/merges_of_board.py")
    script = importlib.util.module_from_spec(place)
    place.loader.exec_module(script)
    text = (ROOT / "docs/results.md").read_text("utf-8")
    assert text.split(script.START)[1].split(script.END)[0].strip() == script.table(BOARD.parent)


def test_the_readme_repeats_the_board():
    rows = documented("README.md", "F1 between centres on the embedded data")
    compared = 0
    for method, *cells in rows[:-1]:
        for track, cell in zip(("weak", "precise"), cells, strict=True):
            if cell:
                place = places(track, "cd.f1")[method.strip("`")]
                assert told(cell, digits=3) == of_place(place, scale=1, digits=3), (method, track)
                compared += 1
    assert compared == 7


@pytest.mark.parametrize("row", range(9))
def test_the_results_repeat_the_boards(row):
    learned, method, *cells = documented("docs/results.md", "Mean F1 of seeds 0, 1, 2 in per cent")[row]
    track = {"circles": "weak", "contours": "precise"}[learned]
    for metric, cell in zip(("cd.f1", "bb.f1"), cells, strict=True):
        place = places(track, metric)[method.strip("`")]
        assert told(cell, digits=1) == of_place(place, scale=100, digits=1)


@pytest.mark.parametrize("name", ["README.md", "docs/results.md"])
def test_no_verdict_is_other_than_that_of_the_board(name):
    """Every question that the board answers stands with its numbers, and open ones are called open."""
    text = " ".join((ROOT / name).read_text("utf-8").split())
    weaker = [row for row in standings("weak")["crossings"] if row["question"] == "weaker"]
    assert {row["verdict"] for row in weaker} == {"open"}
    for row in weaker:
        low, high = row["interval"]
        assert f"{points(row['value'])} [{points(low)}, {points(high)}]" in text
    assert "Open:" in text or "is open:" in text
