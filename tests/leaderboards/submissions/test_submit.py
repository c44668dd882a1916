"""A submission from each kind of file that people have; the gate that a pull request goes through."""

import json
import subprocess

import msgspec
import pytest

from bmbench.core.errors import BadInputError
from bmbench.leaderboards.submissions.card import Submission
from bmbench.leaderboards.submissions.incoming import (
    board_of,
    validate_changes,
    validate_folder,
    validate_queue,
)
from bmbench.leaderboards.submissions.prepare import Wishes, prepare
from bmbench.leaderboards.submissions.schemas import schemas
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.names import name_fault, skeleton
from tests.benchmark.whole_records import whole_config, whole_metrics, whole_scores

WISHES = {
    "track": "weak",
    "team": "Marrow Lab",
    "contacts": ("marrow-lab",),
    "name": "My detector",
    "family": "rcnn",
    "annotations": "weak",
    "chosen_on": "validation",
    "declared": True,
}


def handed_in(bench, rows, **changes):
    path = bench.board.path.parent / "mine.json"
    path.write_text(json.dumps(rows))
    wishes = Wishes(**(WISHES | {"thresholds": (0.4,)} | changes))
    return prepare(bench.board, [path], wishes)


def test_a_detectron2_results_list(bench):
    bench.track()
    rows = bench.answer(recall=0.7, false=1)
    folder, verdict = handed_in(bench, rows)
    assert verdict.valid
    assert folder.name == "marrow-lab-my-detector"
    written = json.loads((folder / "predictions-s0.json").read_text())
    assert written["images"] == list(range(1, 11))
    assert written["detections"] == rows


def test_an_ultralytics_predictions_file_names_images_by_file(bench):
    bench.track()
    rows = [
        row
        | {
            "image_id": f"field_{row['image_id'] - 1:02d}",
            "file_name": f"field_{row['image_id'] - 1:02d}.png",
        }
        for row in bench.answer(recall=0.7, false=1)
    ]
    folder, verdict = handed_in(bench, rows)
    assert verdict.valid
    written = json.loads((folder / "predictions-s0.json").read_text())
    assert {row["image_id"] for row in written["detections"]} <= set(range(1, 11))


def test_points_without_boxes(bench):
    bench.track()
    folder, verdict = handed_in(bench, [{"image_id": 1, "category_id": 1, "center": [9, 9], "score": 0.5}])
    assert verdict.valid
    assert '"center":[9,9]' in (folder / "predictions-s0.json").read_text()


def test_a_folder_of_answers_with_a_file_an_image(bench, tmp_path):
    bench.track()
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "classes.txt").write_text("cell\n")
    (labels / "field_00.txt").write_text("0 0.5 0.5 0.25 0.25 0.75\n")
    wishes = Wishes(**(WISHES | {"thresholds": (0.4,)}))
    folder, verdict = prepare(bench.board, [labels], wishes)
    assert verdict.valid
    (found,) = json.loads((folder / "predictions-s0.json").read_text())["detections"]
    assert (found["image_id"], found["score"]) == (1, 0.75)
    (labels / "field_00.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    with pytest.raises(BadInputError, match=r"without a confidence.*datasets answers"):
        prepare(bench.board, [labels], Wishes(**(WISHES | {"thresholds": (0.4,), "id": "another-one"})))


def test_a_predictions_file_needs_what_it_does_not_say(bench):
    bench.track()
    with pytest.raises(BadInputError, match=r"expected 1 threshold, got 0\); give --threshold"):
        handed_in(bench, [], thresholds=())
    with pytest.raises(BadInputError, match="--family, --chosen-on"):
        handed_in(bench, [], family=None, chosen_on=None)
    with pytest.raises(BadInputError, match="unknown image_id"):
        handed_in(bench, [{"image_id": "elsewhere", "category_id": 1, "bbox": [1, 1, 2, 2], "score": 1}])
    rows = [row | {"image_id": row["image_id"] + 1} for row in bench.answer(recall=1.0, false=0)]
    with pytest.raises(BadInputError, match=r"an id, as 1, 2, 3 …, .*; all fit if 1 is subtracted"):
        handed_in(bench, rows)


def test_costs_are_declared_by_name(bench):
    bench.track()
    rows = [{"image_id": 1, "category_id": 1, "center": [9, 9], "score": 0.5}]
    costs = ("hardware=one A100", "ms_per_image=120", "parameters_millions=1.9")
    folder, verdict = handed_in(bench, rows, costs=costs)
    assert verdict.valid
    told = json.loads((folder / "submission.json").read_text())["cost"]
    assert told == {"hardware": "one A100", "ms_per_image": 120.0, "parameters_millions": 1.9}


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        ("ms_per_image=0", "a number above 0"),
        ("ms_per_image=nan", "a number above 0"),
        ("train_hours=inf", "a number above 0"),
        ("seconds=3", "ms_per_image=VALUE"),
        ("ms_per_image", "ms_per_image=VALUE"),
        ("ms_per_image=3", "hardware=one A100"),
    ],
)
def test_a_cost_that_says_nothing_is_one_sentence(bench, cost, words):
    bench.track()
    with pytest.raises(BadInputError, match=words):
        handed_in(bench, [], costs=(cost,))


def test_an_id_is_taken_once(bench):
    bench.track()
    handed_in(bench, [])
    with pytest.raises(BadInputError, match="not empty"):
        handed_in(bench, [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"team": "中文", "name": "日本"}, "no id can be made of team and method .*; give --id"),
        ({"team": "C", "name": "日本"}, "no id can be made .*got 'c'.*; give --id"),
        ({"id": "../../elsewhere"}, "elsewhere: cannot be the id"),
        ({"id": ""}, "cannot be the id"),
    ],
)
def test_an_id_that_cannot_be_a_folder_of_the_track_writes_nothing(bench, changes, words):
    bench.track()
    before = sorted(bench.board.path.rglob("*"))
    with pytest.raises(BadInputError, match=words):
        handed_in(bench, [], **changes)
    assert sorted(bench.board.path.rglob("*")) == before
    folder, verdict = handed_in(bench, [], **(changes | {"id": "named-so"}))
    assert (folder.name, verdict.valid) == ("named-so", True)


def test_what_is_not_valid_is_not_written_and_does_not_block_its_correction(bench, bmbench):
    bench.track()
    path = bench.board.path.parent / "mine.json"
    path.write_text("[]")
    wishes = ("--team", "Marrow Lab", "--name", "My detector", "--family", "rcnn", "--annotations", "weak")
    wishes += ("--threshold", 0.5, "--chosen-on", "validation", "--contact", "marrow-lab")
    command = ("submit", path, "--board", bench.board.path, "--track", "weak", *wishes)
    answer = bmbench(*command)
    folder = bench.board.submission("weak", "marrow-lab-my-detector")
    assert (answer.code, answer.out.count("E306"), folder.exists()) == (2, 3, False)
    assert f"Not written: {folder}" in answer.out
    answer = bmbench(*command, "--declare")
    assert (answer.code, answer.out.startswith(f"Written: {folder}\n")) == (0, True)
    assert answer.out.endswith("Look: It holds no detection at all: is it the right file?\nvalid\n")
    assert sorted(path.name for path in folder.iterdir()) == ["predictions-s0.json", "submission.json"]
    assert validate_folder(folder).valid
    assert bench.board.submissions("weak") == (folder,)


def test_the_same_answer_twice_is_told(bench):
    bench.track()
    handed_in(bench, [])
    _, verdict = handed_in(bench, [], id="other-id")
    (problem,) = verdict.problems.listed
    (first,) = bench.board.submissions("weak")
    assert (problem.code, problem.text) == ("E310", f"the same predictions stand in {first.name}")


def test_a_folder_that_is_not_there_is_not_said_to_stand_in_no_leaderboard(tmp_path):
    with pytest.raises(BadInputError, match=r"nothing: file not found; check the path"):
        board_of(tmp_path / "nothing")
    with pytest.raises(BadInputError, match=r"stands in no leaderboard .*; give the folder of one"):
        board_of(tmp_path)


def test_a_folder_without_tracks_is_no_leaderboard_whatever_the_track(tmp_path):
    with pytest.raises(BadInputError, match=r"nothing: not a leaderboard; give the folder that holds tracks"):
        Leaderboard(tmp_path / "nothing").manifest("weak")


def test_a_run_directory(bench, tmp_path):
    import hashlib

    bench.track(data_sha256="a" * 64)
    run = tmp_path / "run"
    run.mkdir()
    settings = {"depth": 4, "scales": [1, 2]}
    config = whole_config(method="unet_shrink", settings=settings, data_hash="a" * 64, seed=3)
    metrics = whole_metrics(cd=whole_scores(threshold=0.37), bb=None)
    timing = {"schema": "bmbench.timing/1", "processes": 1, "seconds": {"fit": 36.0}}
    machine = {
        "bmbench": "0.1",
        "python": "3.11",
        "system": "Linux",
        "machine": "x86_64",
        "cpus": 2,
        "packages": {},
        "code": None,
    }
    for name, value in (
        ("config", config),
        ("metrics", metrics),
        ("timing", timing),
        ("environment", machine),
    ):
        (run / f"{name}.json").write_text(json.dumps(value))
    rows = bench.answer(recall=0.9, false=1)
    (run / "predictions.json").write_text(json.dumps(rows))
    wishes = Wishes(track="weak", team="Marrow Lab", contacts=("marrow-lab",), declared=True)
    folder, verdict = prepare(bench.board, [run], wishes)
    assert verdict.valid
    card = json.loads((folder / "submission.json").read_text())
    assert card["runs"][0]["threshold"] == 0.37
    assert card["threshold_chosen_on"] == "optimisation"
    assert card["method"]["params"] == {"depth": 4, "profile": "quick"}
    data = (folder / "predictions-s3.json").read_bytes()
    assert card["runs"][0]["sha256"] == hashlib.sha256(data).hexdigest()
    (run / "config.json").write_text(json.dumps(config | {"data_hash": "b" * 64}))
    with pytest.raises(BadInputError, match="other data"):
        prepare(bench.board, [run], wishes)
    (run / "config.json").write_text(json.dumps(config))
    (run / "environment.json").write_text("[]")
    with pytest.raises(BadInputError, match=r"environment\.json: is not a run's record"):
        prepare(bench.board, [run], wishes)


def test_committed_schemas_are_those_of_the_code(request):
    folder = request.config.rootpath / "schemas"
    assert {path.name: path.read_bytes() for path in folder.glob("*.json")} == schemas()


def test_every_field_of_a_card_is_in_its_schema():
    schema = json.loads(schemas()["submission.schema.json"])
    fields = {field.encode_name for field in msgspec.structs.fields(Submission)}
    assert set(schema["$defs"]["Submission"]["properties"]) == fields
    assert schema["$defs"]["Submission"]["additionalProperties"] is False


def git(repository, *arguments):
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(repository), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(bench):
    """The leaderboard as a git repository: `main` is the base, `head` a pull request with one submission."""
    bench.track()
    root = bench.board.path
    git(root, "init", "-q", "-b", "main")
    bench.submit("early-bird", bench.answer(recall=0.5, false=1, seed=4))
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "base")
    git(root, "checkout", "-q", "-b", "head")
    return bench


def pull_request(bench):
    """Commit what lies there as a pull request, and go back to the base."""
    root = bench.board.path
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "submission")
    git(root, "checkout", "-q", "main")
    return validate_changes(root, "main..head", author="marrow-lab")


def codes(verdict):
    return {problem.code for problem in verdict.problems.listed}


def test_a_pull_request_with_one_submission(repository):
    repository.submit("new-one", repository.answer(recall=0.8, false=1))
    verdict = pull_request(repository)
    assert verdict.valid
    assert verdict.card.id == "new-one"
    assert not repository.board.submission("weak", "new-one").exists()


def test_a_pull_request_that_changes_more(repository):
    repository.submit("new-one", repository.answer(recall=0.8, false=1))
    (repository.board.path / "tracks" / "weak" / "truth.json").write_text("{}")
    assert codes(pull_request(repository)) == {"E106"}


def test_a_pull_request_that_changes_somebody_elses(repository):
    folder = repository.board.submission("weak", "early-bird")
    (folder / "predictions-s0.json").write_text("{}")
    assert codes(pull_request(repository)) == {"E106"}


def test_a_pull_request_that_deletes(repository):
    import shutil

    shutil.rmtree(repository.board.submission("weak", "early-bird"))
    assert codes(pull_request(repository)) == {"E106"}


@pytest.mark.usefixtures("posix")
def test_links_and_executables_in_a_commit(repository):
    folder, _ = repository.submit("new-one", repository.answer(recall=0.8, false=1))
    (folder / "submission.json").chmod(0o755)
    path = folder / "predictions-s0.json"
    path.unlink()
    path.symlink_to("../../../tracks/weak/truth.json")
    assert codes(pull_request(repository)) == {"E103"}


def test_only_its_contacts_withdraw_a_submission(repository):
    from bmbench.leaderboards.submissions.submit import write_card

    early = repository.board.submission("weak", "early-bird")
    card = json.loads((early / "submission.json").read_text())
    note = card | {"id": "take-back", "runs": [], "withdraws": "early-bird"}
    folder = repository.board.submission("weak", "take-back")
    write_card(folder, note)
    assert validate_folder(folder, author="marrow-lab").valid
    write_card(folder, note | {"contacts": ["stranger"]})
    assert codes(validate_folder(folder, author="stranger")) == {"E309"}
    write_card(folder, note | {"contacts": ["stranger", "marrow-lab"]})
    assert codes(validate_folder(folder, author="stranger")) == {"E309"}
    assert codes(validate_folder(folder, author="marrow-lab")) == set()


def limited(bench, **limits):
    """The track with other limits."""
    from bmbench.leaderboards.tracks.create_track import write_manifest

    manifest = bench.board.manifest("weak")
    limits = msgspec.structs.replace(manifest.limits, **limits)
    write_manifest(bench.board.path / "tracks" / "weak", msgspec.structs.replace(manifest, limits=limits))


def test_attempts_are_counted_by_login_not_by_names_that_anybody_may_write(bench):
    bench.track()
    limited(bench, attempts=1)
    bench.submit("first-try", bench.answer(recall=0.5, false=1))
    rows = bench.answer(recall=0.6, false=1)
    folder, _ = bench.submit("second-try", rows, team="Another Name", contacts=("Marrow-LAB", "friend"))
    assert codes(validate_folder(folder)) == {"E311"}
    assert codes(validate_folder(folder, author="friend")) == {"E309"}, "who hands it in stands first"
    other, _ = bench.submit("third-try", rows[:-1], team="Friends", contacts=("friend",))
    assert codes(validate_folder(other, author="FRIEND")) == set()


@pytest.mark.parametrize(
    "name",
    ["Marrow Lab.", "MARROW-LAB", "Marr0w Lab", "Marrovv Lab", "M\u00e0rrow Lab"],
)
def test_a_teams_name_belongs_to_who_used_it_first(bench, name):
    """And so does one that is taken for it; a member may use it who names one of them."""
    bench.track()
    bench.submit("first-try", bench.answer(recall=0.5, false=1))
    rows = bench.answer(recall=0.6, false=1)
    stranger, _ = bench.submit("second-try", rows, team=name, contacts=("stranger",))
    assert codes(validate_folder(stranger)) == {"E313"}
    member, _ = bench.submit("third-try", rows[:-1], team=name, contacts=("member", "Marrow-Lab"))
    assert codes(validate_folder(member, author="member")) == set()


def test_a_name_in_another_script_may_look_like_one_in_latin():
    """All Cyrillic, so it mixes nothing: Соса, and Latin Coca."""
    assert name_fault("\u0421\u043e\u0441\u0430") is None
    assert skeleton("\u0421\u043e\u0441\u0430") == skeleton("Coca")
    assert skeleton("Marrow Lab 2") != skeleton("Marrow Lab 3")


DAY = 24 * 3600


def test_attempts_are_counted_in_time(bench, monkeypatch):
    """Two in 30 days: the third is told when it may come, and comes then. Dates are those of the branch."""
    bench.track()
    limited(bench, attempts=2, days=30)
    root = bench.board.path
    git(root, "init", "-q", "-b", "main")
    start = 1_800_000_000
    for days, id_ in enumerate(("first-try", "second-try")):
        bench.submit(id_, bench.answer(recall=0.5, false=1, seed=days))
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{start + days * DAY} +0000")
        git(root, "add", ".")
        git(root, "commit", "-q", "-m", id_)
    folder, _ = bench.submit("third-try", bench.answer(recall=0.6, false=1))
    for now, expected in ((start + 2 * DAY, {"E311"}), (start + 30 * DAY + 1, set())):
        monkeypatch.setattr("bmbench.leaderboards.submissions.validate.time.time", lambda now=now: now)
        verdict = validate_folder(folder, author="marrow-lab")
        assert codes(verdict) == expected
        for problem in verdict.problems.listed:
            assert "after 2027-02-14 08:00 UTC" in problem.remedy  # 2027-01-15 08:00 and 30 days


def test_all_together_are_limited_too(bench):
    bench.track()
    limited(bench, attempts_of_all=1)
    bench.submit("first-try", bench.answer(recall=0.5, false=1))
    rows = bench.answer(recall=0.6, false=1)
    folder, _ = bench.submit("second-try", rows, team="Strangers", contacts=("stranger",))
    assert codes(validate_folder(folder)) == {"E311"}


def test_a_pull_request_without_a_submission_is_left_to_its_readers(repository):
    (repository.board.path / "README.md").write_text("About")
    verdict = pull_request(repository)
    assert (verdict.valid, verdict.card) == (True, None)


@pytest.mark.parametrize("path", ["results/weak/mine.json", "boards/README.md"])
def test_results_are_not_handed_in(repository, path):
    target = repository.board.path / path
    target.parent.mkdir(parents=True)
    target.write_text("{}")
    assert codes(pull_request(repository)) == {"E106"}


def test_files_that_only_an_earlier_commit_holds(repository):
    """Merged as it is, they would stay in the repository for ever."""
    repository.submit("new-one", repository.answer(recall=0.8, false=1))
    junk = repository.board.path / "junk.bin"
    junk.write_bytes(bytes(1000))
    git(repository.board.path, "add", "-A")
    git(repository.board.path, "commit", "-q", "-m", "junk")
    junk.unlink()
    assert codes(pull_request(repository)) == {"E107"}


@pytest.mark.parametrize(("most", "expected"), [(16 * 2**20, set()), (100_000, {"E107"})])
def test_a_history_of_corrections_is_allowed_until_it_is_large(repository, monkeypatch, most, expected):
    monkeypatch.setattr("bmbench.leaderboards.submissions.incoming._most_bytes", lambda manifest: most)
    repository.submit("new-one", repository.answer(recall=0.8, false=1))
    card = repository.board.submission("weak", "new-one") / "submission.json"
    right = card.read_text()
    card.write_text("x" * 200_000)
    git(repository.board.path, "add", "-A")
    git(repository.board.path, "commit", "-q", "-m", "first try")
    card.write_text(right)
    assert codes(pull_request(repository)) == expected


def test_two_in_a_merge_queue_that_are_valid_alone(repository):
    root = repository.board.path
    rows = repository.answer(recall=0.8, false=1)
    for id_ in ("new-one", "same-one"):
        git(root, "checkout", "-q", "-B", id_, "main")
        repository.submit(id_, rows)
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", id_)
        assert validate_changes(root, f"main..{id_}").valid, id_
    git(root, "checkout", "-q", "-B", "queue", "main")
    git(root, "merge", "-q", "--no-ff", "-m", "1", "new-one")
    git(root, "merge", "-q", "--no-ff", "-m", "2", "same-one")
    git(root, "checkout", "-q", "main")
    assert validate_queue(root, "main..queue~1").valid
    assert codes(validate_queue(root, "main..queue")) == {"E310"}
