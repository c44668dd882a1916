"""A submitter is told what was understood: counts, the score, and what they may not have meant."""

import json
from dataclasses import replace

import msgspec
import pytest

from bmbench.core.errors import BadInputError
from bmbench.leaderboards.submissions.incoming import validate_folder
from bmbench.leaderboards.submissions.understood import AnswerFacts, Understood, table, understand
from bmbench.leaderboards.tracks.create_track import write_manifest

SIZE = 512


@pytest.fixture
def said(bench):
    """A function that hands in rows and gives what was understood of them."""
    bench.track()

    def say(rows, **facts):
        folder, verdict = bench.submit("an-answer", rows, **facts)
        assert verdict.valid, verdict.problems.listed
        return understand(bench.board, validate_folder(folder))

    return say


@pytest.fixture
def good(bench):
    """Rows that find most cells; the board is that of `said`."""
    return bench.answer(recall=0.9, false=1)


def boxes(rows, change):
    return [row | {"bbox": [float(value) for value in change(*row["bbox"])]} for row in rows]


def shares(rows):
    return boxes(rows, lambda *box: [value / SIZE for value in box])


def test_a_good_answer_is_counted_beside_the_truth_and_not_doubted(said, good):
    """10 images of 12 cells and one artefact, which does not count; 40 px each."""
    found = said(good)
    answer = found.answers[0]
    assert found.doubts == ()
    assert (found.truth.rows, found.truth.classes, found.truth.size) == (120, {"cell": 120}, 40.0)
    assert (answer.images, answer.with_any, answer.rows) == (10, 10, len(good))
    assert answer.counted == sum(row["score"] >= 0.3 for row in good)
    assert answer.f1 > 0.85
    header, rows = table(found)
    assert header == ("", "seed 0", "truth")
    assert ("images", "10", "10") in rows


def test_an_answer_without_classes_is_not_counted_as_the_first_class():
    one = AnswerFacts(images=2, with_any=2, rows=5, counted=5, classes={"blast": 5}, size=40.0)
    truth = AnswerFacts(
        images=2, with_any=2, rows=6, counted=6, classes={"blast": 2, "lymphocyte": 4}, size=40.0
    )
    found = Understood(answers={0: one}, truth=truth, geometry="cd", doubts=())
    _, rows = table(found)
    assert ("  blast", "–", "2") in rows
    assert ("  lymphocyte", "–", "4") in rows
    told = replace(one, classes={"blast": 1, "lymphocyte": 4})
    _, rows = table(Understood(answers={0: told}, truth=truth, geometry="cd", doubts=()))
    assert ("  blast", "1", "2") in rows


WAYS = {
    "three of the images": (
        lambda rows: [row for row in rows if row["image_id"] <= 3],
        "Only 3 of 10 images",
    ),
    "ids one too large": (
        lambda rows: [row | {"image_id": row["image_id"] + 1} for row in rows if row["image_id"] < 10],
        "the image ids are one too large",
    ),
    "ids one too small": (
        lambda rows: [row | {"image_id": row["image_id"] - 1} for row in rows if row["image_id"] > 1],
        "the image ids are one too small",
    ),
    "shares of the image": (
        # One reaches beyond its image, as predictions do; else they are refused.
        lambda rows: [*shares(rows), rows[0] | {"bbox": [0.97, 0.5, 0.08, 0.08]}],
        "boxes are shares of the image",
    ),
    "everything twice": (lambda rows: rows + rows, "stand there a second time"),
    "nothing": (lambda rows: [], "no detection at all"),
    "x and y exchanged": (lambda rows: boxes(rows, lambda x, y, w, h: (y, x, h, w)), "x and y are exchanged"),
    "the middle": (
        lambda rows: boxes(rows, lambda x, y, w, h: (x + w / 2, y + h / 2, w, h)),
        "x and y are those of the middle",
    ),
    "half the resolution": (
        lambda rows: boxes(rows, lambda *box: [value / 2 for value in box]),
        "the images were 0.5 times as large",
    ),
    "another threshold": (
        lambda rows: [row | {"score": row["score"] / 10} for row in rows],
        "No detection reaches the threshold 0.3",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_its_author_may_not_have_meant_is_named(said, good, way):
    change, words = WAYS[way]
    (doubt,) = said(change(good)).doubts
    assert words in doubt


def test_shares_that_nothing_else_can_be_are_refused(said, good):
    with pytest.raises(BadInputError, match="between 0 and 1"):
        said(shares(good))


@pytest.mark.parametrize("way", ["three of the images", "shares of the image", "everything twice", "nothing"])
def test_what_can_be_seen_without_the_truth_is_named_on_hidden_tracks(bench, said, good, way):
    """No count of cells, no score and no reading that only fits the truth is told."""
    folder = bench.board.path / "tracks" / "weak"
    manifest = bench.board.manifest("weak")
    truth = msgspec.structs.replace(manifest.truth, visibility="hidden")
    write_manifest(folder, msgspec.structs.replace(manifest, truth=truth))
    change, words = WAYS[way]
    found = said(change(good))
    words = {"shares of the image": "boxes are shares"}.get(way, words)
    assert words in found.doubts[0]
    assert (found.truth, found.answers[0].f1, found.answers[0].ap) == (None, None, None)
    assert [row[0] for row in table(found)[1]][-1] == "median box, px"


def test_points_have_no_size(said):
    rows = [{"image_id": n, "category_id": 1, "center": [9, 9], "score": 0.5} for n in range(1, 11)]
    assert said(rows).answers[0].size is None


@pytest.mark.parametrize(
    ("change", "code", "cause"),
    [
        ({"category_id": 0}, "E408", "The track has 1, 2, all rows have '0'"),
        ({"bbox": [450, 450, 480, 480]}, "E406", "x1 y1 x2 y2"),
    ],
)
def test_equal_problems_are_one_line_with_their_likely_cause(bench, good, change, code, cause):
    bench.track()
    _, verdict = bench.submit("an-answer", [row | change for row in good])
    (problem,) = verdict.problems.listed
    assert (problem.code, problem.times, verdict.problems.count) == (code, len(good), len(good))
    assert cause in problem.cause
    assert f"and {len(good) - 1:,} more of the kind" in str(problem)


def test_the_classes_of_a_track_are_counted_as_numbers_are(bench, good):
    bench.track()
    manifest = msgspec.structs.replace(bench.board.manifest("weak"), categories=tuple(range(1, 12)))
    write_manifest(bench.board.path / "tracks" / "weak", manifest)
    _, verdict = bench.submit("an-answer", [row | {"category_id": 0} for row in good])
    (problem,) = verdict.problems.listed
    assert "The track has 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, all rows" in problem.cause


@pytest.mark.parametrize(
    ("scores", "cause"), [((5.0, 90.0), "per cent"), ((-2.0, 0.5), "logits"), ((float(2**40), 1.0), "")]
)
def test_scores_that_are_none_have_a_likely_cause(bench, good, scores, cause):
    """`submit` refuses them when it reads; a file that was written by hand comes here."""
    from bmbench.leaderboards.submissions.predictions_check import check_predictions
    from bmbench.leaderboards.submissions.problems import Problems

    bench.track()
    rows = [row | {"score": scores[n % 2]} for n, row in enumerate(good)]
    problems = Problems("predictions-s0.json")
    images = list(range(1, 11))
    value = {"schema": "bmbench.predictions/1", "images": images, "detections": rows}
    check_predictions(value, bench.board.manifest("weak"), problems)
    assert {problem.code for problem in problems.listed} == {"E407"}
    assert cause in problems.listed[0].cause
    assert bool(problems.listed[0].cause) == bool(cause)


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda one: one + 1, "all fit if 1 is subtracted"),
        (lambda one: f"field_{one - 1:02d}.png", "bmbench submit writes the track's ids"),
        (lambda one: one + 900 * (one % 2), ""),
    ],
)
def test_images_that_the_track_does_not_have_have_a_likely_cause(bench, good, change, cause):
    from bmbench.leaderboards.submissions.predictions_check import check_predictions
    from bmbench.leaderboards.submissions.problems import Problems

    bench.track()
    rows = [row | {"image_id": change(row["image_id"])} for row in good]
    images = [change(one) for one in range(1, 11)]
    problems = Problems("predictions-s0.json")
    value = {"schema": "bmbench.predictions/1", "images": images, "detections": rows}
    check_predictions(value, bench.board.manifest("weak"), problems)
    unknown = [problem for problem in problems.listed if problem.code == "E402"]
    assert [bool(problem.cause) for problem in unknown] == [bool(cause)] * 2
    assert all(cause in problem.cause for problem in unknown)


def test_the_command_shows_it_and_says_it_as_json(bench, bmbench, good):
    bench.track()
    folder, _ = bench.submit("an-answer", good)
    answer = bmbench("validate", folder)
    assert answer.code == 0
    assert "F1 (centres)" in answer.out
    assert max(map(len, answer.out.splitlines())) <= 80
    told = json.loads(bmbench("validate", folder, "--json").out)
    assert told["understood"]["answers"]["0"]["rows"] == len(good)
    missing = bmbench("submit", bench.truth, "--board", bench.board.path, "--track", "weka", "--team", "A",
                      "--contact", "me")  # fmt: skip
    assert (missing.code, "did you mean 'weak'" in missing.err) == (2, True)
