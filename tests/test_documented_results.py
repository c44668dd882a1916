"""What README and docs/results.md say of methods is what the committed boards say."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from bmbench.benchmark.suite.archive import unpack_suite
from bmbench.benchmark.suite.report.scored_sets import read_sets
from bmbench.benchmark.suite.suite_file import read_suite
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


def benchmark(name):
    """A script of `benchmarks`, imported."""
    place = importlib.util.spec_from_file_location(name, ROOT / f"benchmarks/{name}.py")
    script = importlib.util.module_from_spec(place)
    place.loader.exec_module(script)
    return script


def test_the_merges_of_the_encodings_are_those_of_the_submissions():
    script = benchmark("merges_of_board")
    text = (ROOT / "docs/results.md").read_text("utf-8")
    assert text.split(script.START)[1].split(script.END)[0].strip() == script.table(BOARD.parent)


@pytest.fixture(scope="module")
def suite_sets(tmp_path_factory):
    """The script that fills pages, and the marrow benchmark's sets as their packed runs have them."""
    script, out = benchmark("suite_pages"), tmp_path_factory.mktemp("suite")
    suite = read_suite(Path("marrow"))
    unpack_suite(suite, script.RESULTS, out, {}, None)
    return script, read_sets(suite, out)


@pytest.mark.slow
def test_tables_of_the_marrow_benchmark_are_what_its_runs_say(suite_sets):
    script, sets = suite_sets
    assert {"README.md", "results.md", "heads.md", "detectors.md"} <= {page.name for page in script.pages()}
    for page in script.pages():
        text = page.read_text("utf-8")
        assert script.filled(text, sets) == text, f"{page}: run benchmarks/suite_pages.py"


@pytest.mark.parametrize("row", range(9))
def test_the_results_repeat_the_boards(row):
    learned, method, *cells = documented("docs/results.md", "Mean F1 of seeds 0, 1, 2 in per cent")[row]
    track = {"circles": "weak", "contours": "precise"}[learned]
    for metric, cell in zip(("cd.f1", "bb.f1"), cells, strict=True):
        place = places(track, metric)[method.strip("`")]
        assert told(cell, digits=1) == of_place(place, scale=100, digits=1)


def test_no_verdict_is_other_than_that_of_the_board():
    """Every question that the board answers stands with its numbers, and open ones are called open."""
    text = " ".join((ROOT / "docs/results.md").read_text("utf-8").split())
    weaker = [row for row in standings("weak")["crossings"] if row["question"] == "weaker"]
    assert {row["verdict"] for row in weaker} == {"open"}
    for row in weaker:
        low, high = row["interval"]
        assert f"{points(row['value'])} [{points(low)}, {points(high)}]" in text
    assert "Open:" in text or "is open:" in text
