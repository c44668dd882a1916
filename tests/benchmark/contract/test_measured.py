"""Seconds a megapixel, from the records of runs."""

import json

import pytest

from bmbench.benchmark.contract.list_methods import WantedMethods, methods_record, methods_table
from bmbench.benchmark.contract.measured import seconds_a_megapixel


@pytest.fixture(scope="module")
def run(marrow, tmp_path_factory):
    """A run of a method that needs no torch."""
    from bmbench.benchmark.records.options import RunOptions
    from bmbench.benchmark.run.begin_or_resume import run as make
    from bmbench.core.progress import Silent

    out = tmp_path_factory.mktemp("runs")
    make(RunOptions(method="blob_log", dataset=str(marrow), out=out), Silent())
    return next(out.iterdir())


def write(path, **changes):
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | changes))


def test_the_seconds_are_those_of_the_images_that_were_answered(run):
    images = [
        one
        for place in (run / "truth.json", run / "optimisation" / "truth.json")
        for one in json.loads(place.read_text())["images"]
    ]
    # Images of 256 px: 0.065536 megapixels each.
    area = len(images) * 256 * 256 / 1e6
    write(run / "timing.json", seconds={"all": 9.0, "predict": 3.0})
    assert seconds_a_megapixel(run.parent) == {"blob_log": pytest.approx(3.0 / area)}


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("timing.json", {"seconds": {"predict": 0.4}}),
        ("timing.json", {"seconds": {}}),
        ("environment.json", {"cpus": 4096}),
        ("config.json", {"settings": {"n_blobs": 1}}),
        ("config.json", {"method": "no_such"}),
        ("config.json", {"schema": "bmbench.run/99"}),
        ("truth.json", {"images": [{"width": 0, "height": 5}]}),
    ],
)
def test_runs_made_otherwise_or_damaged_say_nothing(run, file, changes):
    write(run / "timing.json", seconds={"predict": 3.0})
    assert seconds_a_megapixel(run.parent)
    whole = (run / file).read_text()
    try:
        write(run / file, **changes)
        assert seconds_a_megapixel(run.parent) == {}
    finally:
        (run / file).write_text(whole)


def test_the_median_of_several_runs_counts_and_other_folders_do_not(run, tmp_path):
    for number, seconds in enumerate((1.0, 2.0, 30.0)):
        copy = tmp_path / f"run{number}"
        copy.mkdir()
        for path in run.rglob("*.json"):
            (copy / path.relative_to(run)).parent.mkdir(exist_ok=True, parents=True)
            (copy / path.relative_to(run)).write_bytes(path.read_bytes())
        write(copy / "timing.json", seconds={"predict": seconds})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "timing.json").write_text("{}")
    found = seconds_a_megapixel(tmp_path)["blob_log"]
    write(run / "timing.json", seconds={"predict": 2.0})
    assert found == pytest.approx(seconds_a_megapixel(run.parent)["blob_log"])
    assert seconds_a_megapixel(tmp_path / "none") == {}


def test_the_table_and_the_record_show_sizes_and_what_was_measured(monkeypatch):
    wanted = WantedMethods(family="retinanet")
    heads = [column.header for column in methods_table(wanted).columns]
    assert heads == ["method", "can", "licence", "size", "needs", "here"]
    assert list(methods_table(wanted).columns[3].cells) == ["1.6", "1.6", "–"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "detectron2" else name)
    assert list(methods_table(wanted).columns[5].cells) == ["yes", "yes", "no"]
    assert list(methods_table(wanted, {"retinanet": 2.346}).columns[5].cells) == ["2.35 s", "yes", "no"]
    records = methods_record(wanted, {"retinanet": 2.345})["methods"]
    assert [one["seconds_per_megapixel"] for one in records] == [2.345, None, None]
    assert records[0]["parameters"] == {"quick": 1_601_812, "paper": 31_022_957}
    assert records[2]["parameters"] == {}


def test_the_command_reads_a_folder_of_runs(bmbench, run):
    write(run / "timing.json", seconds={"predict": 3.0})
    answer = bmbench("methods", "--family", "anchor", "--runs", run.parent)
    assert answer.code == 0
    assert "here: seconds for a megapixel, where finished runs on this machine tell" in " ".join(
        answer.out.split()
    )
    assert max(len(line.rstrip()) for line in answer.out.splitlines()) <= 80
