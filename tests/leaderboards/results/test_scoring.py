"""Scoring: silence never pays, nothing hidden gets out, everything can be recomputed."""

import json
import shutil
import subprocess

import msgspec
import numpy as np
import pytest

from bmbench.core.errors import BadInputError, UnreadableError
from bmbench.core.progress import Silent
from bmbench.leaderboards.results import score_submission as score_module
from bmbench.leaderboards.results.leakage_budget import WIDTHS
from bmbench.leaderboards.results.record import canonical, read_result
from bmbench.leaderboards.results.standings_record import read_standings
from bmbench.leaderboards.results.unit_columns import TrackUnits, methods_of, seeds_of
from bmbench.leaderboards.tracks.create_track import write_manifest
from bmbench.leaderboards.tracks.manifest import Partner

METRICS = ("cd.f1", "bb.f1", "cd.ap", "bb.ap")


def fewer_replicates(bench, track="weak", **changes):
    """Keep tests quick: what they look at does not depend on the number of replicates."""
    manifest = bench.board.manifest(track)
    write_manifest(
        bench.board.path / "tracks" / track, msgspec.structs.replace(manifest, replicates=500, **changes)
    )


@pytest.fixture
def small(bench):
    """A leaderboard with one track of few replicates."""
    bench.track()
    fewer_replicates(bench)
    return bench


def values(bench, id_, track="weak"):
    result = read_result(bench.board.result(track, id_))
    return {name: one.value for name, one in result.metrics.items()}


@pytest.mark.parametrize("metric", METRICS)
def test_silence_never_pays(small, metric):
    """Leaving the cells of any image unanswered never raises a score that a good answer on it would not."""
    rows = small.answer(recall=0.85, false=0)
    small.submit("everything", rows)
    for image in (1, 4):
        small.submit(f"without-{image}", [row for row in rows if row["image_id"] != image])
    small.score()
    whole = values(small, "everything")[metric]
    assert values(small, "without-1")[metric] < whole
    assert values(small, "without-4")[metric] < whole


@pytest.mark.parametrize("metric", METRICS)
def test_false_alarms_on_an_image_without_cells_cost(bench, make_truth, metric):
    truth = make_truth("empty.json", n_images=6)
    value = json.loads(truth.read_text())
    value["annotations"] = [row for row in value["annotations"] if row["image_id"] != 2]
    truth.write_text(json.dumps(value))
    bench.truth = truth
    bench.track()
    fewer_replicates(bench)
    rows = bench.answer(recall=0.85, false=0)
    alarms = [
        {"image_id": 2, "category_id": 1, "bbox": [50 * i, 40, 30, 30], "score": 0.99} for i in range(1, 9)
    ]
    bench.submit("quiet", rows)
    bench.submit("alarmed", rows + alarms)
    bench.score()
    assert values(bench, "alarmed")[metric] < values(bench, "quiet")[metric] - 0.005


def test_order_of_images_and_detections_does_not_matter(small):
    rows = small.answer(recall=0.8, false=2)
    small.submit("as-is", rows)
    small.submit("turned", rows[::-1])
    small.score()
    assert values(small, "as-is") == values(small, "turned")


def test_another_submission_changes_nobodys_numbers(small):
    small.submit("first-one", small.answer(recall=0.8, false=2))
    small.score()
    path = small.board.result("weak", "first-one")
    before = path.read_bytes()
    small.submit("second-one", small.answer(recall=0.9, false=2, seed=9), team="Other Team")
    small.score(afresh=True)
    assert path.read_bytes() == before


def test_a_result_knows_itself_without_each_image(small, tmp_path):
    """As `bmbench score` gives it on the same files without that image."""
    from bmbench.benchmark.scoring.score_files import score_files
    from bmbench.metrics.protocol import resolve_protocol

    rows = small.answer(recall=0.8, false=2)
    small.submit("only-one", rows)
    small.score()
    result = read_result(small.board.result("weak", "only-one"))
    rules = resolve_protocol("paper", radius_px=15.0)
    truth = json.loads(small.truth.read_text())
    names = sorted((image["id"] for image in truth["images"]), key=str)
    for place, gone in enumerate(names[:3]):
        left = {
            key: [row for row in truth[key] if row["id" if key == "images" else "image_id"] != gone]
            for key in ("images", "annotations")
        }
        (tmp_path / "truth.json").write_text(json.dumps(truth | left))
        (tmp_path / "p.json").write_text(json.dumps([row for row in rows if row["image_id"] != gone]))
        direct = score_files(tmp_path / "p.json", tmp_path / "truth.json", rules, threshold=0.3).to_json()
        for name in METRICS:
            rule, what = name.split(".")
            assert result.metrics[name].without[place] == pytest.approx(direct[rule][what], abs=1e-8)


def test_seeds_count_once_where_they_are_the_same_file(small):
    """Three copies of one network are one training; a method of one training borrows from the others."""
    small.submit("two-seeds", [small.answer(recall=0.8, false=2, seed=s) for s in (1, 2)])
    small.submit("copies", [small.answer(recall=0.9, false=2, seed=3)] * 3, team="Other Team")
    small.score()
    manifest = small.board.manifest("weak")
    results = [read_result(small.board.result("weak", id_)) for id_ in ("two-seeds", "copies")]
    seeds = seeds_of(results, "cd.f1")
    both = results[0].metrics["cd.f1"].seeds
    assert (seeds.df, seeds.variance) == (1, pytest.approx(np.var(both, ddof=1)))
    methods = methods_of(results, "cd.f1", TrackUnits.of(manifest), seeds=seeds)
    assert methods.n_seeds.tolist() == [2, 1]
    assert methods.value[0] == pytest.approx(np.mean(both))
    assert methods.influence.sum(axis=1) == pytest.approx(0, abs=1e-7)
    places = {place.id: place for place in read_standings(small.board.standings("weak")).metrics[0].places}
    for result in results:
        low, high = result.metrics["cd.f1"].interval
        inner = places[result.id].interval
        assert inner[0] < low < high < inner[1], "seeds widen what units leave open"


def test_kept_and_fresh_results_give_the_same_standings(small):
    small.submit("first-one", [small.answer(recall=0.8, false=2, seed=s) for s in (1, 2, 3)])
    small.score()
    small.submit("second-one", small.answer(recall=0.8, false=2, seed=7), team="Other Team")
    small.score()
    kept = small.board.standings("weak").read_bytes()
    small.score(afresh=True)
    assert small.board.standings("weak").read_bytes() == kept


def test_unchanged_submissions_are_not_scored_again(small, monkeypatch):
    small.submit("first-one", small.answer(recall=0.8, false=2))
    small.score()
    scored = []
    keep = score_module.score
    monkeypatch.setattr(
        "bmbench.leaderboards.results.score_track.score", lambda *given: scored.append(1) or keep(*given)
    )
    small.score()
    assert len(scored) == 3  # the controls
    small.submit("second-one", small.answer(recall=0.9, false=2, seed=5), team="Other Team")
    small.score()
    assert len(scored) == 3 + 4


def test_a_new_truth_scores_everything_again_and_lists_the_ranks(small, make_truth):
    from bmbench.core.files import sha256

    small.submit("early-one", small.answer(recall=0.95, false=1, seed=1))
    other = make_truth("other.json", seed=5)
    small.truth = other
    small.submit("late-one", small.answer(recall=0.95, false=1, seed=2), team="Other Team")
    assert small.score() == ()
    shutil.copy(other, small.board.path / "tracks" / "weak" / "truth.json")
    manifest = small.board.manifest("weak")
    facts = msgspec.structs.replace(manifest.truth, sha256=sha256(other))
    write_manifest(small.board.path / "tracks" / "weak", msgspec.structs.replace(manifest, truth=facts))
    changes = {(change.metric, change.id): (change.before, change.after) for change in small.score()}
    assert changes["cd.f1", "early-one"] == ((1, 1), (2, 2))
    assert changes["cd.f1", "late-one"] == ((2, 2), (1, 1))


def test_states(small):
    small.submit("first-one", small.answer(recall=0.8, false=2))
    small.submit("second-one", small.answer(recall=0.85, false=2, seed=5), supersedes="first-one")
    small.submit("doubted", small.answer(recall=0.99, false=0, seed=6), team="Other Team")
    (small.board.path / "tracks" / "weak" / "disputes.json").write_text('["doubted"]')
    broken = small.board.submission("weak", "broken-one")
    broken.mkdir()
    (broken / "submission.json").write_text("{}")
    small.score()
    states = {path.stem: read_result(path).state for path in small.board.result_files("weak")}
    assert states["first-one"] == "superseded"
    assert states["second-one"] == "published"
    assert states["doubted"] == "disputed"
    assert states["broken-one"] == "failed"
    ranked = [place.id for place in read_standings(small.board.standings("weak")).metrics[0].places]
    assert ranked == ["second-one"]


@pytest.fixture
def dated(small, monkeypatch):
    """A function that commits what lies there on a day, on a board that counts two attempts in 30 days."""
    limits = msgspec.structs.replace(small.board.manifest("weak").limits, attempts=2, days=30)
    fewer_replicates(small, limits=limits)
    root = small.board.path
    git(root, "init", "-q", "-b", "main")

    def commit(day):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{1_800_000_000 + day * 24 * 3600} +0000")
        git(root, "add", "submissions")
        git(root, "commit", "-q", "-m", f"day {day}")

    return small, commit


def git(repository, *arguments):
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(repository), *who, *arguments], check=True, capture_output=True)


def told(bench):
    files = sorted(bench.board.results("weak").glob("*-try.json"))
    found = {path.stem: read_result(path) for path in files}
    return {id_: one.code or (one.attempt, one.arrived[:10]) for id_, one in found.items()}


def test_of_two_that_are_valid_alone_the_later_one_is_refused(dated):
    """By the day it came, not by the alphabet; both were merged, so nobody but the scorer can see it."""
    bench, commit = dated
    rows = bench.answer(recall=0.8, false=2)
    bench.submit("z-try", rows)
    commit(1)
    bench.submit("a-try", rows, team="Other Team", contacts=("stranger",))
    commit(2)
    bench.score()
    assert told(bench) == {"a-try": "E310", "z-try": (1, "2027-01-16")}
    path = bench.board.standings("weak")
    before = path.read_bytes()
    shutil.rmtree(bench.board.path / ".git")  # a copy without its history has the published dates
    bench.score(afresh=True)
    assert (told(bench)["a-try"], path.read_bytes()) == ("E310", before)


def test_attempts_are_counted_again_where_they_were_merged_together(dated):
    bench, commit = dated
    for day, id_ in ((1, "d-try"), (2, "c-try"), (3, "b-try"), (32, "a-try")):
        bench.submit(id_, bench.answer(recall=0.8, false=2, seed=day), team=f"Team {day}")
        commit(day)
    bench.score()
    assert told(bench) == {
        "d-try": (1, "2027-01-16"),
        "c-try": (2, "2027-01-17"),
        "b-try": "E311",
        "a-try": (3, "2027-02-16"),
    }


def test_a_withdrawal_takes_a_submission_off_the_board(small):
    from bmbench.leaderboards.submissions.submit import write_card

    folder, _ = small.submit("first-one", small.answer(recall=0.8, false=2))
    card = json.loads((folder / "submission.json").read_text())
    write_card(
        small.board.submission("weak", "take-back"),
        card | {"id": "take-back", "runs": [], "withdraws": "first-one"},
    )
    small.score()
    assert read_result(small.board.result("weak", "first-one")).state == "withdrawn"
    assert not small.board.result("weak", "take-back").exists()
    assert read_standings(small.board.standings("weak")).metrics == ()


def test_undefined_scores_rank_last_and_are_null(bench, make_truth):
    """No such track can be founded; a truth that lost its cells in a later version gives one."""
    from bmbench.core.files import sha256

    bench.truth = make_truth("none.json", n_images=7)
    bench.track()
    truth = bench.board.path / "tracks" / "weak" / "truth.json"
    truth.write_text(json.dumps(json.loads(truth.read_text()) | {"annotations": []}))
    facts = msgspec.structs.replace(bench.board.manifest("weak").truth, sha256=sha256(truth))
    fewer_replicates(bench, truth=facts)
    bench.submit("first-one", [{"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9], "score": 0.9}])
    bench.score()
    assert values(bench, "first-one") == dict.fromkeys(METRICS)
    assert "NaN" not in bench.board.standings("weak").read_text()


def test_patients_are_the_unit_and_too_few_are_said(bench, make_truth):
    for name, groups in (("two", 2), ("four", 4), ("seven", 7)):
        bench.truth = make_truth(f"{name}.json", n_images=14, groups=groups)
        bench.track(name, unit="patient")
        fewer_replicates(bench, name)
        for seed, recall in enumerate((0.95, 0.4)):
            bench.submit(f"with-{seed}", bench.answer(recall=recall, false=1, seed=seed), track=name)
    bench.score()
    two, four, seven = (read_standings(bench.board.standings(name)) for name in ("two", "four", "seven"))
    assert [table.unit for table in (two, four, seven)] == ["patient"] * 3
    assert [table.metrics[0].tested for table in (two, four, seven)] == [False, True, True]
    # Two patients: values alone. Four: who may be the best, and no table of pairs. Seven: everything.
    assert [place.interval for place in two.metrics[0].places] == [None, None]
    assert [place.ranks for place in two.metrics[0].places] == [(1, 2), (1, 2)]
    assert (two.metrics[0].family, four.metrics[0].family) == (None, None)
    for table in (four, seven):
        assert [place.best for place in table.metrics[0].places] == [True, False]
        assert [place.ranks for place in table.metrics[0].places] == [(1, 1), (2, 2)]
        assert None not in [place.interval for place in table.metrics[0].places]
    assert (seven.metrics[0].family.n_pairs, seven.metrics[0].family.n_apart) == (1, 1)
    assert seven.metrics[0].pairs[0].p < 0.01


def test_a_declared_family_loses_nothing_to_submissions_beside_it(bench, make_truth):
    bench.truth = make_truth("ten.json", n_images=10)
    bench.track()
    fewer_replicates(bench, family_declared=("first-one", "second-one"))
    bench.submit("first-one", bench.answer(recall=0.95, false=1, seed=1))
    bench.submit("second-one", bench.answer(recall=0.7, false=1, seed=2))
    bench.score()
    alone = read_standings(bench.board.standings("weak")).metrics[0]
    for seed in range(4):
        bench.submit(f"junk-{seed}", bench.answer(recall=0.2, false=5, seed=10 + seed), team=f"T{seed}")
    bench.score()
    among = read_standings(bench.board.standings("weak")).metrics[0]
    assert among.family == alone.family
    assert among.pairs[0] == alone.pairs[0] or among.pairs[0].p == alone.pairs[0].p
    assert all(pair.apart is None for pair in among.pairs[1:])


def test_the_same_answer_twice_is_said(bench):
    bench.track()
    fewer_replicates(bench)
    rows = bench.answer(recall=0.9, false=1)
    bench.submit("first-one", rows)
    bench.submit("second-one", bench.answer(recall=0.7, false=2, seed=4), team="Other Team")
    moved = [row | {"bbox": [row["bbox"][0] + 0.001, *row["bbox"][1:]]} for row in rows]
    bench.submit("copy-one", moved, team="Third Team")
    bench.score()
    places = read_standings(bench.board.standings("weak")).metrics[0].places
    assert {place.id: place.same_as for place in places}["first-one"] == "copy-one"


def test_weak_against_precise(bench):
    bench.track("precise", supervision="precise")
    bench.track("weak", partner=Partner(track="precise", kind="weaker", margin=0.05))
    for track in ("precise", "weak"):
        fewer_replicates(bench, track)
    good, bad = bench.answer(recall=0.95, false=1, seed=1), bench.answer(recall=0.5, false=1, seed=2)
    bench.submit("same-one", good, track="precise")
    bench.submit("same-one", good, track="weak")
    bench.submit("worse-one", good[:-1], track="precise", team="Other Team")
    bench.submit("worse-one", bad, track="weak", team="Other Team")
    bench.score()
    found = {row.first: row for row in read_standings(bench.board.standings("weak")).crossings}
    assert found["same-one"].verdict == "same"
    assert (found["same-one"].value, found["same-one"].interval) == (0, None)
    assert found["worse-one"].verdict == "worse"


def test_controls_are_where_they_must_be(small):
    small.score()
    assert values(small, "oracle-jitter")["cd.f1"] == 1.0
    assert values(small, "blank") == {"cd.f1": 0.0, "bb.f1": 0.0, "cd.ap": 0.0, "bb.ap": 0.0}
    assert values(small, "dense-grid")["cd.f1"] < 0.3


def test_results_have_one_canonical_form(small):
    small.submit("first-one", small.answer(recall=0.8, false=2))
    small.score()
    path = small.board.result("weak", "first-one")
    assert canonical(read_result(path)) == path.read_bytes()


def test_truth_that_may_not_lie_in_the_repository(bench, tmp_path):
    from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard

    bench.track(outside=True)
    fewer_replicates(bench)
    bench.submit("first-one", bench.answer(recall=0.8, false=2))
    with pytest.raises(BadInputError, match="--truths"):
        bench.score()
    truths = tmp_path / "truths"
    truths.mkdir()
    shutil.copy(bench.truth, truths / "weak.json")
    bench.board = Leaderboard(bench.board.path, truths)
    bench.score()
    assert values(bench, "first-one")["cd.f1"] > 0.5
    assert not list(bench.board.path.rglob("truth*"))
    (truths / "weak.json").write_text(bench.truth.read_text() + " ")
    with pytest.raises(BadInputError, match="not the ground truth"):
        bench.score()


@pytest.fixture
def key(tmp_path):
    pyrage = pytest.importorskip("pyrage", reason="pyrage (bmbench[leaderboard]) is not installed")
    identity = pyrage.x25519.Identity.generate()
    path = tmp_path / "key.txt"
    path.write_text(f"# created for a test\n{identity}\n")
    return path, str(identity.to_public())


@pytest.fixture
def hidden(small, key):
    """A track with hidden truth, its images' coordinates salted with a canary."""
    from bmbench.leaderboards.results.hidden_truth import HideWishes, hide

    truth = small.board.path / "tracks" / "weak" / "truth.json"
    value = json.loads(truth.read_text())
    value["annotations"][3]["note"] = "CANARY-8c1f"
    truth.write_text(json.dumps(value))
    hide(small.board, "weak", HideWishes(recipients=[key[1]], metrics=("cd.f1", "bb.f1"), bits=16))
    small.submit("first-one", small.answer(recall=0.8, false=2))
    small.submit("second-one", small.answer(recall=0.7, false=2, seed=4), team="Other Team")
    return small, key[0]


def everything(board):
    return b"".join(path.read_bytes() for path in sorted(board.path.rglob("*")) if path.is_file())


def test_hidden_truth_stays_hidden(hidden, capsys):
    bench, key = hidden
    assert not (bench.board.path / "tracks" / "weak" / "truth.json").exists()
    with pytest.raises(BadInputError, match="hidden"):
        bench.score()
    bench.score(key=key)
    seen = everything(bench.board) + capsys.readouterr().out.encode()
    assert b"CANARY" not in seen
    result = read_result(bench.board.result("weak", "first-one"))
    assert (result.rules, result.counts) == ({}, msgspec.UNSET)
    assert sorted(result.metrics) == ["bb.f1", "cd.f1"]
    for one in result.metrics.values():
        assert one.seeds == ()
        assert round(one.value * 200) / 200 == pytest.approx(one.value, abs=1e-12)
        width = max(one.value - one.interval[0], one.interval[1] - one.value)
        assert any(width == pytest.approx(known) for known in WIDTHS)
    table = read_standings(bench.board.standings("weak"))
    assert (table.n_cells, table.rules, table.crossings, table.counts) == (0, (), (), msgspec.UNSET)
    for metric in table.metrics:
        for place in metric.places:
            published = read_result(bench.board.result("weak", place.id)).metrics[metric.name]
            assert (place.value, place.interval, place.seeds) == (published.value, published.interval, ())
    again = {path: path.read_bytes() for path in bench.board.results("weak").glob("*")}
    bench.score(key=key, afresh=True)
    assert {path: path.read_bytes() for path in bench.board.results("weak").glob("*")} == again


def test_a_hidden_track_keeps_no_digest_that_a_guess_could_be_held_against(hidden):
    bench, _ = hidden
    import hashlib

    text = (bench.board.path / "tracks" / "weak" / "track.json").read_text()
    truth = json.loads(bench.truth.read_text())
    truth["annotations"][3]["note"] = "CANARY-8c1f"
    for guess in (bench.truth.read_bytes(), json.dumps(truth).encode()):
        assert hashlib.sha256(guess).hexdigest() not in text


def test_a_failing_scorer_says_a_code_and_no_truth(hidden, monkeypatch, capsys):
    bench, key = hidden

    def fail(judge, answers):
        raise ValueError(f"CANARY-8c1f at {judge.truth.xy[0]}")

    keep = score_module.score
    monkeypatch.setattr(
        "bmbench.leaderboards.results.score_track.score",
        lambda judge, answers: fail(judge, answers) if answers[0][1] else keep(judge, answers),
    )
    bench.score(key=key)
    printed = capsys.readouterr()
    assert b"CANARY" not in everything(bench.board) + (printed.out + printed.err).encode()
    assert read_result(bench.board.result("weak", "first-one")).code == "E901"


def test_a_retired_track_is_verified_by_everybody(hidden):
    from bmbench.leaderboards.results.hidden_truth import retire
    from bmbench.leaderboards.results.verify import Verified, verify_board
    from bmbench.leaderboards.submissions.incoming import validate_folder

    bench, key = hidden
    bench.score(key=key)
    noisy = values(bench, "first-one")
    assert verify_board(bench.board, Silent(), key=key).count > 60
    assert verify_board(bench.board, Silent()) == Verified(count=0, hidden=("weak",))
    retire(bench.board, "weak", key)
    assert not list(bench.board.path.rglob("*.age"))
    bench.score()
    assert verify_board(bench.board, Silent()).count > 100
    exact = values(bench, "first-one")
    assert exact != noisy
    assert exact == pytest.approx(noisy, abs=0.05)
    assert read_standings(bench.board.standings("weak")).n_cells == 120
    with pytest.raises(BadInputError, match="retired"):
        validate_folder(bench.board.submission("weak", "first-one"))
    clear = bench.board.path / "tracks" / "weak" / "truth.json"
    clear.write_text(clear.read_text().replace("CANARY", "canary"))
    with pytest.raises(BadInputError, match="committed"):
        verify_board(bench.board, Silent())


def test_a_hidden_truth_is_given_to_other_keys(hidden, tmp_path):
    """The new keys open it, each alone; the old one does not; what was committed to is the same."""
    import pyrage

    from bmbench.leaderboards.results.hidden_truth import rekey

    bench, key = hidden
    identities = [pyrage.x25519.Identity.generate() for _ in range(2)]
    track = (bench.board.path / "tracks" / "weak" / "track.json").read_bytes()
    rekey(bench.board, "weak", key, [str(one.to_public()) for one in identities])
    assert (bench.board.path / "tracks" / "weak" / "track.json").read_bytes() == track
    for one in identities:
        path = tmp_path / "new.txt"
        path.write_text(str(one))
        bench.score(key=path)
    with pytest.raises(BadInputError, match="does not open"):
        bench.score(key=key)


def test_what_cannot_be_hidden(small, key):
    from bmbench.leaderboards.results.hidden_truth import HideWishes, hide

    for wishes, words in (
        ({"recipients": ["age1nothing"]}, "not an age public key"),
        ({"metrics": ("cd.f1", "cd.f1")}, "each once"),
        ({"bits": 2.0}, "noise alone"),
    ):
        with pytest.raises(BadInputError, match=words):
            hide(small.board, "weak", HideWishes(**({"recipients": [key[1]]} | wishes)))
    small.submit("first-one", small.answer(recall=0.8, false=2))
    with pytest.raises(BadInputError, match="open already"):
        hide(small.board, "weak", HideWishes(recipients=[key[1]]))
    assert small.board.manifest("weak").truth.visibility == "public"


def test_a_wrong_key_and_a_changed_truth_are_told(hidden, tmp_path):
    import pyrage

    bench, key = hidden
    other = tmp_path / "other.txt"
    other.write_text(str(pyrage.x25519.Identity.generate()))
    with pytest.raises(BadInputError, match="does not open"):
        bench.score(key=other)
    identity = pyrage.x25519.Identity.from_str(key.read_text().splitlines()[1])
    path = bench.board.path / "tracks" / "weak" / "truth.json.age"
    path.write_bytes(pyrage.encrypt(b"another truth", [identity.to_public()]))
    with pytest.raises(BadInputError, match="committed"):
        bench.score(key=key)


def test_a_number_changed_by_hand_is_found(small):
    from bmbench.leaderboards.results.verify import verify_board

    small.submit("first-one", small.answer(recall=0.8, false=2))
    small.score()
    assert verify_board(small.board, Silent()).count > 100
    path = small.board.result("weak", "first-one")
    value = json.loads(path.read_text())
    value["metrics"]["cd.f1"]["value"] += 0.001
    path.write_text(json.dumps(value))
    with pytest.raises(BadInputError, match=r"/metrics/cd\.f1/value"):
        verify_board(small.board, Silent())
    small.score(afresh=True)
    (small.board.results("weak") / "ghost.json").write_bytes(path.read_bytes())
    with pytest.raises(BadInputError, match="no submission"):
        verify_board(small.board, Silent())


def test_a_hidden_track_keeps_no_other_from_being_verified(bench, key):
    """Not even a question across both: it is looked at where both are open."""
    from bmbench.leaderboards.results.hidden_truth import HideWishes, hide
    from bmbench.leaderboards.results.verify import verify_board

    bench.track("precise", supervision="precise")
    bench.track("weak", partner=Partner(track="precise", kind="weaker", margin=0.05))
    for track in ("precise", "weak"):
        fewer_replicates(bench, track)
    hide(bench.board, "precise", HideWishes(recipients=[key[1]]))
    for track in ("precise", "weak"):
        bench.submit("same-one", bench.answer(recall=0.95, false=1, seed=1), track=track)
    bench.score(key=key[0])
    assert read_standings(bench.board.standings("weak")).crossings == ()
    found = verify_board(bench.board, Silent())
    assert (found.count > 100, found.hidden) == (True, ("precise",))
    path = bench.board.result("weak", "same-one")
    path.write_text(path.read_text().replace("0.9", "0.8"))
    with pytest.raises(BadInputError, match="not what comes out"):
        verify_board(bench.board, Silent())


def test_trouble_of_the_machine_is_no_fault_of_a_submission(small, monkeypatch):
    """A disk that does not hand out a file ends the scoring; it is not published as a failed submission."""
    import os

    small.submit("one", small.answer(recall=0.8, false=1))
    small.score()
    before = small.board.result("weak", "one").read_bytes()
    opening, seen = os.open, []

    def open_(path, *rest, **more):
        if str(path).endswith("predictions-s0.json"):
            seen.append(path)
            # The first look is that of the check before, the second that of the scorer.
            if len(seen) == 2:
                raise OSError(5, "Input/output error")
        return opening(path, *rest, **more)

    small.board.result("weak", "one").write_text("{}")
    monkeypatch.setattr(os, "open", open_)
    with pytest.raises(UnreadableError, match=r"predictions-s0\.json: cannot be read \(Input/output error\)"):
        small.score()
    monkeypatch.undo()
    small.score()
    assert small.board.result("weak", "one").read_bytes() == before
