"""The same board for machines: every number comes back, names stay names, formats of others are kept."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec
import pytest

from bmbench.core.csv_cells import read_cell
from bmbench.leaderboards.boards.exports.all_files import exports
from bmbench.leaderboards.results.standings_record import Standings
from bmbench.leaderboards.tracks.about import About, read_about
from tests.leaderboards.boards.boards_by_hand import board, result

ABOUT = About(
    schema="bmbench.about/1",
    title="Boards of <us> & them",
    keepers=("Marrow: Lab", '"quoted"'),
    licence="CC-BY-4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    address="https://lab.example/boards/",
    data={"drawn": "https://lab.example/data"},
    hub_datasets={"drawn": "lab/drawn"},
)
NASTY = "=1+1<b>&\"'"


@pytest.fixture
def page():
    rows = [
        result("a one", 0.9, arrived="2026-03-01T10:00:00Z", ms_per_image=120.0),
        result(NASTY, 0.8, arrived="2026-03-05T10:00:00Z"),
        result("a control", 0.7, control=True),
        result("an old one", 0.6, state="superseded", arrived="2026-01-05T10:00:00Z"),
    ]
    rows[1] = msgspec.structs.replace(rows[1], id="nasty-one")
    return board(rows, best={"a one"})


@pytest.fixture
def files(page):
    return exports([page], ABOUT)


def test_the_table_has_every_submission_and_its_numbers(files):
    rows = list(csv.DictReader(io.StringIO(files["data/weak.csv"])))
    assert [(row["id"], row["state"], row["control"]) for row in rows] == [
        ("a-one", "published", "no"),
        ("nasty-one", "published", "no"),
        ("a-control", "published", "yes"),
        ("an-old-one", "superseded", "no"),
    ]
    first, second, control, old = rows
    assert (first["cd.f1"], first["cd.f1_low"], first["cd.f1_high"]) == ("0.9", "0.89", "0.91")
    assert (first["place_first"], first["place_last"], first["may_be_best"]) == ("1", "1", "yes")
    assert (second["place_first"], second["may_be_best"], second["behind"]) == ("2", "no", "-0.1")
    assert (first["ms_per_image"], second["ms_per_image"], first["arrived"]) == (
        "120.0",
        "",
        "2026-03-01T10:00:00Z",
    )
    assert (control["cd.f1"], control["place_first"], old["cd.f1"], old["place_first"]) == (
        "0.7",
        "",
        "0.6",
        "",
    )
    # A spreadsheet shows the name and computes nothing.
    assert second["method"].startswith("'=")
    assert read_cell(second["method"]) == NASTY


def test_json_gives_the_standings_back(page, files):
    value = json.loads(files["data/weak.json"])
    assert msgspec.convert(value["standings"], Standings) == page.table
    assert value["answers"]["Best"].startswith("a one is the best of these 2")
    assert [one["id"] for one in value["submissions"]] == ["a-one", "nasty-one", "a-control", "an-old-one"]
    assert [one["day"] for one in value["highest"]] == ["2026-01-05", "2026-03-01"]
    index = json.loads(files["data/index.json"])
    assert index["tracks"]["weak"]["csv"] == "https://lab.example/boards/data/weak.csv"
    assert {row["name"] for row in index["methods"]} == {"a one", NASTY}


def test_the_feed_has_the_newest_first_with_full_addresses(files):
    channel = ET.fromstring(files["feed.xml"]).find("channel")
    assert channel.findtext("title") == ABOUT.title
    items = channel.findall("item")
    assert [item.findtext("title") for item in items] == [f"{NASTY} (Lab) on weak", "a one (Lab) on weak"]
    assert items[1].findtext("link") == "https://lab.example/boards/weak/a-one.html"
    moment = parsedate_to_datetime(items[1].findtext("pubDate"))
    assert moment == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert len({item.findtext("guid") for item in items}) == 2


def test_badges_are_drawings_of_one_line(files):
    for name, words in (("weak.svg", "best: a one"), ("weak/a-one.svg", "F1 (centres) 0.900, place 1 of 2")):
        texts = [node.text for node in ET.fromstring(files[name]).iter("{http://www.w3.org/2000/svg}text")]
        assert texts == ["bmbench weak", words]


def test_the_citation_is_valid(files):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    value = yaml.safe_load(files["CITATION.cff"])
    assert value["cff-version"] == "1.2.0"
    assert value["authors"] == [{"name": "Marrow: Lab"}, {"name": '"quoted"'}]
    assert value["title"] == ABOUT.title
    cff = pytest.importorskip("cffconvert", reason="cffconvert, the format's judge, is not there")
    cff.Citation(files["CITATION.cff"]).validate()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_croissant_describes_the_very_table(files, tmp_path):
    value = json.loads(files["croissant.json"])
    head = files["data/weak.csv"].splitlines()[0].split(",")
    fields = value["recordSet"][0]["field"]
    assert [field["source"]["extract"]["column"] for field in fields] == head
    # Columns that hold a text somewhere are said to hold texts.
    texts = {field["source"]["extract"]["column"] for field in fields if field["dataType"] == "sc:Text"}
    for row in csv.DictReader(io.StringIO(files["data/weak.csv"])):
        for name, cell in row.items():
            if name not in texts and cell:
                float(cell)
    judge = pytest.importorskip("mlcroissant", reason="mlcroissant, the format's judge, is not there")
    path = tmp_path / "croissant.json"
    path.write_text(files["croissant.json"])
    assert judge.Dataset(str(path)).metadata.name == ABOUT.title


def test_the_hub_gets_an_entry_where_it_has_the_data_set(page, files):
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    assert yaml.safe_load(files["weak/a-one.eval_results.yaml"]) == [
        {
            "dataset": {"id": "lab/drawn", "task_id": "weak"},
            "value": 90.0,
            "date": "2026-03-01",
            "source": {"url": "https://lab.example/boards/weak/a-one.html", "name": ABOUT.title},
            "notes": "F1 (centres) 0.900 [0.890, 0.910], track version 1",
        }
    ]
    without = exports([page], msgspec.structs.replace(ABOUT, hub_datasets={}))
    assert not [name for name in without if name.endswith(".yaml")]


def test_every_eval_ever_has_what_its_schema_requires(files):
    value = json.loads(files["weak/a-one.eval.json"])
    required = {"schema_version", "evaluation_id", "retrieved_timestamp", "source_metadata", "model_info",
                "eval_library", "evaluation_results"}  # fmt: skip
    assert required <= set(value)
    assert value["retrieved_timestamp"] == str(int(datetime(2026, 3, 1, 10, tzinfo=UTC).timestamp()))
    (score,) = value["evaluation_results"]
    assert score["score_details"]["score"] == 0.9
    interval = score["score_details"]["uncertainty"]["confidence_interval"]
    assert (interval["lower"], interval["upper"], interval["confidence_level"]) == (0.89, 0.91, 0.95)
    assert all(isinstance(text, str) for text in value["model_info"]["additional_details"].values())


def test_a_board_that_says_nothing_of_itself_has_everything_all_the_same(page, tmp_path):
    about = read_about(tmp_path)
    files = exports([page], about)
    assert ET.fromstring(files["feed.xml"]).findtext("channel/link") == "index.html"
    assert {"CITATION.cff", "croissant.json", "data/weak.csv", "weak/a-one.svg"} <= set(files)
