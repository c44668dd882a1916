"""How a track is founded: from a run or from a truth file alone, whole or not at all."""

import json
import shutil
from dataclasses import replace

import msgspec
import pytest

from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.begin_or_resume import run
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from bmbench.leaderboards.tracks.create_track import TrackWishes, track_facts, write_manifest
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Partner, Rules


@pytest.fixture(scope="module")
def own_run(marrow, tmp_path_factory):
    """A finished run on a user's own images, which lie no longer where they lay."""
    folder = tmp_path_factory.mktemp("own")
    shutil.copytree(marrow, folder / "smears")
    options = RunOptions(method="blob_log", dataset=str(folder / "smears"), track="weak", out=folder / "runs")
    path = run(options, Silent()).path
    shutil.rmtree(folder / "smears")
    return path


@pytest.mark.parametrize("truth", [".", "truth.json"])
def test_a_run_on_a_users_own_data_founds_a_track_and_answers_it(bmbench, own_run, tmp_path, truth):
    """By the run's directory, which knows the hash of the data, or by its truth file alone."""
    init = ("leaderboard", "init", tmp_path, "--track", "weak", "--truth", own_run / truth)
    assert bmbench(*init).code == 0
    who = ("--team", "Marrow Lab", "--contact", "marrow-lab", "--declare")
    answer = bmbench("submit", own_run, "--board", tmp_path, "--track", "weak", *who)
    assert (answer.code, answer.out.splitlines()[-1]) == (0, "valid")
    manifest = Leaderboard(tmp_path).manifest("weak")
    assert (manifest.data.name, manifest.data.licence) == ("smears" if truth == "." else "truth", "")


def points_of(truth):
    """The same cells as points: their centres, and boxes without an extent."""
    value = json.loads(truth.read_text())
    for row in value["annotations"]:
        x, y, width, height = row["bbox"]
        middle = [x + width / 2, y + height / 2]
        row |= {"bbox": [*middle, 0, 0], "center": middle, "area": 0}
    truth.write_text(json.dumps(value))


def test_a_track_of_points_is_scored_by_centres_alone_beside_others(bench, make_truth):
    points = make_truth("points.json")
    points_of(points)
    bench.track("points", truth=points)
    bench.track("boxes")
    assert bench.board.manifest("points").metrics == ("cd.f1", "cd.ap")
    assert bench.board.manifest("boxes").metrics == ("cd.f1", "bb.f1", "cd.ap", "bb.ap")
    for track in ("points", "boxes"):
        folder = bench.board.path / "tracks" / track
        write_manifest(folder, msgspec.structs.replace(bench.board.manifest(track), replicates=300))
    bench.score()
    results = [
        json.loads(bench.board.result(track, "oracle-jitter").read_bytes()) for track in ("points", "boxes")
    ]
    assert [sorted(result["rules"]) for result in results] == [["cd"], ["bb", "cd"]]
    assert results[0]["metrics"]["cd.f1"]["value"] == 1.0


def test_a_track_that_asks_for_what_its_truth_does_not_give_is_told(bench, make_truth):
    points_of(bench.truth)
    bench.track()
    folder, manifest = bench.board.path / "tracks" / "weak", bench.board.manifest("weak")
    write_manifest(folder, msgspec.structs.replace(manifest, metrics=("cd.f1", "bb.f1")))
    with pytest.raises(BadInputError, match=r"weak, metrics: .*expected only cd\.\*, got cd\.f1, bb\.f1"):
        bench.score()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"controls": ("blob-log", "a b")}, "a b: cannot be the id of a submission"),
        (
            {"partner": Partner(track="precize", kind="weaker")},
            "unknown track 'precize'; did you mean 'precise'",
        ),
        ({"partner": Partner(track="weak", kind="weaker")}, "unknown track 'weak'"),
        ({"rules": Rules(protocol="papper")}, "unknown protocol 'papper'"),
        ({"rules": Rules(radius_px=0.0)}, "radius_px is 0.0"),
        ({"rules": Rules(protocol="coco")}, "not had with protocol 'coco'"),
        ({"rules": Rules(protocol="monkey")}, "not had with protocol 'monkey'"),
        ({"data_sha256": "abc"}, "data.sha256: not a track: expected"),
    ],
)
def test_facts_that_no_track_can_have_write_nothing(bench, facts, words):
    bench.track("precise", supervision="precise")
    with pytest.raises(BadInputError, match=words):
        bench.track("weak", **facts)
    assert not (bench.board.path / "tracks" / "weak").exists()
    bench.board.manifests()


def test_a_file_is_no_place_for_a_leaderboard(bench, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match=r"file: is a file \(expected the folder of a leaderboard\)"):
        replace(bench, board=Leaderboard(tmp_path / "file")).track("weak")


def test_the_first_track_has_no_partner_yet(bench):
    with pytest.raises(BadInputError, match="unknown track 'precise'; make that track first"):
        bench.track("weak", partner=Partner(track="precise", kind="weaker"))


def test_a_partner_on_other_images_is_refused(bench):
    bench.track("precise", supervision="precise")
    value = json.loads(bench.truth.read_text())
    value["images"] = value["images"][1:]
    kept = {image["id"] for image in value["images"]}
    value["annotations"] = [row for row in value["annotations"] if row["image_id"] in kept]
    fewer = bench.truth.with_name("fewer.json")
    fewer.write_text(json.dumps(value))
    n = len(kept)
    words = rf"not the images of track 'precise'.*its {n + 1} images, got {n} images, {n} of them there"
    with pytest.raises(BadInputError, match=words):
        bench.track("weak", truth=fewer, partner=Partner(track="precise", kind="weaker"))
    assert not (bench.board.path / "tracks" / "weak").exists()
    bench.track("weak", partner=Partner(track="precise", kind="weaker"))


def test_a_truth_without_a_cell_founds_nothing(bench):
    value = json.loads(bench.truth.read_text())
    artefacts = [row for row in value["annotations"] if row["category_id"] == 2]
    bench.truth.write_text(json.dumps(value | {"annotations": artefacts}))
    with pytest.raises(BadInputError, match=r"truth\.json: no cell is annotated"):
        bench.track()
    assert not (bench.board.path / "tracks").exists()


def founded(bmbench, bench, *options):
    answer = bmbench("leaderboard", "init", bench.board.path, "--truth", bench.truth, *options)
    assert answer.code == 0, answer.err
    return answer, bench.board.manifests()[0]


@pytest.mark.parametrize(
    ("options", "supervision"),
    [
        (("--track", "weak"), "weak"),
        (("--track", "artefacts"), "artefacts"),
        (("--track", "smears"), "precise"),
        (("--track", "weak", "--supervision", "precise"), "precise"),
        (("--track", "smears", "--supervision", "artefacts"), "artefacts"),
    ],
)
def test_a_track_is_about_what_it_is_called(bmbench, bench, options, supervision):
    assert founded(bmbench, bench, *options)[1].supervision == supervision


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ((), Rules()),
        (("--radius", 13), Rules(radius_px=13.0)),
        (("--iou", 0.4), Rules(iou=0.4)),
        (("--protocol", "voc2010"), Rules(protocol="voc2010")),
        (("--protocol", "kainz", "--radius", 13), Rules(protocol="kainz", radius_px=13.0)),
    ],
)
def test_the_rules_of_a_truth_file_are_those_asked_for(bmbench, bench, options, rules):
    manifest = founded(bmbench, bench, "--track", "weak", *options)[1]
    assert manifest.rules == rules
    few = msgspec.structs.replace(manifest, replicates=100)
    write_manifest(bench.board.path / "tracks" / "weak", few)
    bench.score()


def test_a_run_keeps_its_rules_where_nothing_else_is_asked_for(own_run):
    """A radius changes the radius alone; the limits of one protocol say nothing about another."""
    known = track_facts(own_run, TrackWishes(name="weak"))[0].rules
    assert (known.protocol, known.iou, known.radius_px) == ("paper", 0.5, pytest.approx(13, abs=3))
    wider = track_facts(own_run, TrackWishes(name="weak", radius_px=20.0))[0].rules
    assert (wider.protocol, wider.iou, wider.radius_px) == ("paper", 0.5, 20.0)
    looser = track_facts(own_run, TrackWishes(name="weak", iou=0.3))[0].rules
    assert looser == msgspec.structs.replace(known, iou=0.3)
    assert track_facts(own_run, TrackWishes(name="weak", protocol="kainz"))[0].rules == Rules(
        protocol="kainz"
    )


def test_a_founder_is_told_of_a_radius_beyond_half_a_cell(bmbench, bench):
    """Cells of 40 px: 20 px are half of one, and 40 / 3 = 13.3."""
    wide, _ = founded(bmbench, bench, "--track", "wide")
    assert "up to 55 px apart, but cells are 40.0 px across on average" in wide.err
    assert wide.err.endswith("--radius 13.3\n")
    assert founded(bmbench, bench, "--track", "narrow", "--radius", 20)[0].err == ""
