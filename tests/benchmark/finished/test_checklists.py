"""Checklists say what the records of a run hold, and leave everything else to the author."""

from __future__ import annotations

import json

import pytest

from bmbench.benchmark.finished.checklists import CHECKLISTS, checklist_text, filled
from bmbench.benchmark.finished.facts import facts_of
from bmbench.benchmark.records.run_folder import RunDir

pytestmark = pytest.mark.filterwarnings("ignore:.*is not as it was:UserWarning")
NEVER_IN_A_RUN = {
    "claim": "1 2 3 4 5 6 8 11 12 15 16 17 18 21 36 40 41 44",
    "card": "1.1 1.5 1.6 2.1 2.2 3.1 5.2 7.3 8 9",
    "bias": "1 2 3 4 5 6 7 8 9 11 12 14 16 17 23",
}
"""Nothing that a run records answers these: a sentence there would be invented."""


def by_number(folder, name):
    return {one.item.number: one for one in filled(folder, name)}


@pytest.mark.parametrize("name", CHECKLISTS)
def test_every_item_has_one_of_three_answers(whole_run, name):
    items = filled(whole_run, name)
    assert (
        len({one.item.number for one in items}) == len(items) == {"claim": 44, "card": 23, "bias": 27}[name]
    )
    for one in items:
        assert bool(one.text) == (one.status != "to be written by you")
    left = {one.item.number for one in items if one.status == "to be written by you"}
    assert left >= set(NEVER_IN_A_RUN[name].split())


def test_every_fact_that_an_item_asks_for_is_one_that_a_run_can_have(whole_run):
    """A misspelt name would leave an item to the author for ever."""
    rare = {"reference", "modality", "start", "model_choice", "external", "preprocessing"}
    known = {*facts_of(RunDir(whole_run)), *rare}
    for _, items in CHECKLISTS.values():
        assert {name for item in items for name in item.facts} <= known


def test_what_is_said_is_what_the_records_say(whole_run):
    items, metrics = by_number(whole_run, "claim"), json.loads((whole_run / "metrics.json").read_text())
    config = json.loads((whole_run / "config.json").read_text())
    assert f"F1 {metrics['cd']['f1']:.3f}" in items["37"].text
    assert f"{metrics['cd']['fn']:,} cells missed" in items["39"].text
    assert config["data_hash"] in items["43"].text
    assert f"{config['protocol']['radius_px']:g} px" in items["28"].text
    assert f"{metrics['images']} images of {metrics['groups']} groups" in items["32"].text
    assert items["27"].text == "One model answered."


def test_of_data_of_ones_own_nothing_is_said_about_who_annotated_or_how_images_were_made(whole_run):
    items = by_number(whole_run, "claim")
    assert items["13"].status == items["14"].status == "to be written by you"
    card = by_number(whole_run, "card")
    assert card["1.3"].status == "from the run"


def test_facts_that_an_older_run_lacks_are_left_to_the_author(own_run):
    (own_run / "history.csv").unlink(missing_ok=True)
    (own_run / "manifest.json").unlink()
    metrics = json.loads((own_run / "metrics.json").read_text())
    metrics["interval"] = None
    (own_run / "metrics.json").write_text(json.dumps(metrics))
    split = json.loads((own_run / "split.json").read_text())
    del split["balance"]
    (own_run / "split.json").write_text(json.dumps(split))
    items = by_number(own_run, "claim")
    for number in ("19", "20", "29"):
        assert items[number].status == "to be written by you"
    assert "manifest" not in items["43"].text
    assert "history.csv" not in items["25"].text


def test_a_leak_is_said_where_disjointness_is_asked_for(own_run):
    config = json.loads((own_run / "config.json").read_text())
    config["leaks"] = ["2 groups are in train and test"]
    (own_run / "config.json").write_text(json.dumps(config))
    assert by_number(own_run, "claim")["20"].text == "Shared between subsets: 2 groups are in train and test."


def test_as_markdown_no_name_is_a_tag_or_a_link(own_run):
    config = json.loads((own_run / "config.json").read_text())
    config["dataset"] = "<img src=x>[a](b)"
    (own_run / "config.json").write_text(json.dumps(config))
    text = checklist_text(own_run, "claim", filled(own_run, "claim"))
    assert "<img" not in text.replace("\\<img", "")
    assert "\\[a\\](b)" in text


def test_the_command_prints_markdown_or_json_or_writes(bmbench, whole_run, tmp_path):
    printed = bmbench("report", whole_run, "--checklist", "card")
    assert printed.out.startswith("# Model card")
    bmbench("report", whole_run, "--checklist", "card", "-o", tmp_path / "card.md")
    assert (tmp_path / "card.md").read_text("utf-8") == printed.out
    said = json.loads(bmbench("report", whole_run, "--json").out)
    assert len(said) == 44
    assert set(said[0]) == {"number", "section", "asks", "status", "text"}
