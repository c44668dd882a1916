"""Records that were changed after they were finished, each named by whoever reads them."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import warnings

import pytest

from bmbench.benchmark.records.seal import (
    RUN,
    STUDY,
    UnsealedWarning,
    check_seal,
    seal,
    sealed_files,
)
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.report.runs import collect
from bmbench.benchmark.reproduce.study import _changed, reproduce
from bmbench.benchmark.scoring.compare_files import ComparisonRequest, compare_predictions
from bmbench.benchmark.verify.verify import verify
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent


def edited(name, change):
    """A JSON file of the run with a change made to its value."""

    def edit(run):
        value = json.loads((run / name).read_text())
        change(value)
        (run / name).write_text(json.dumps(value, indent=1) + "\n")

    return edit


def one_digit(run):
    """One digit of one score is another one; the file has the same size."""
    text = (run / "predictions.json").read_text()
    found = re.search(r'"score": ?0\.(\d)', text)
    place, digit = found.start(1), str((int(found[1]) + 5) % 10)
    (run / "predictions.json").write_text(text[:place] + digit + text[place + 1 :])


def flipped(run):
    path = run / "checkpoint" / "blob_log.json"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def shorter(run):
    """The last of the optimisation images' predictions is gone."""
    path = run / "optimisation" / "predictions.json"
    value = json.loads(path.read_text())
    (value if isinstance(value, list) else value["detections"]).pop()
    path.write_text(json.dumps(value))


CONFIG, TRUTH = "config.json", "truth.json"
TAMPERED = {
    "one digit of a prediction": (one_digit, "predictions.json", "is not as it was"),
    "the truth deleted": (lambda run: (run / TRUTH).unlink(), TRUTH, "is no longer there"),
    "cells taken from the truth": (
        edited(TRUTH, lambda value: value["annotations"].__delitem__(slice(3))), TRUTH, "is not as it was",
    ),
    "a better F1": (
        edited("metrics.json", lambda value: value["cd"].update(f1=0.999)),
        "metrics.json", "is not as it was",
    ),
    "another method": (
        edited(CONFIG, lambda value: value.update(method="unet_shrink")), CONFIG, "is not as it was",
    ),
    "half a split": (
        lambda run: (run / "split.json").write_bytes((run / "split.json").read_bytes()[:100]),
        "split.json", "is not as it was",
    ),
    "a flipped bit in the checkpoint": (flipped, "checkpoint/blob_log.json", "is not as it was"),
    "a later schema": (
        edited(CONFIG, lambda value: value.update(schema="bmbench.run/99")), CONFIG, "newer bmbench",
    ),
    "an empty configuration": (lambda run: (run / CONFIG).write_text("{}"), CONFIG, "is not a run"),
    "a file more": (lambda run: (run / "notes.txt").write_text("mine"), "notes.txt", "was not there"),
    "the manifest deleted": (
        lambda run: (run / "manifest.json").unlink(), "manifest.json", "is no longer there",
    ),
    "predictions of the optimisation images": (
        shorter, "optimisation/predictions.json", "is not as it was",
    ),
}  # fmt: skip
UNSEEN = {
    # What a report or a comparison does not rest on; the network is looked at by whoever uses it.
    "report": {"a file more"},
    "compare": {
        "a file more", "half a split", "a flipped bit in the checkpoint",
        "predictions of the optimisation images",
    },
}  # fmt: skip


@pytest.mark.parametrize("case", TAMPERED)
def test_what_was_changed_is_named_by_verify_reproduce_and_compare(study, run, case):
    tamper, name, fault = TAMPERED[case]
    tamper(run)
    said = "\n".join(map(str, verify(run).found))
    assert name in said
    assert fault in said
    assert verify(study).found

    folder, lines = StudyFolder(study), []
    cells = folder.read().cells
    changed = _changed(folder, cells, lines.append)
    odd = collect(folder).odd
    if case in UNSEEN["report"]:
        assert not changed
        assert not odd
    else:
        assert [cell.name for cell in changed] == [cell.name for cell in odd] == [run.name]
        assert name in lines[0]
        assert name in odd[cells[0]]

    said = compared(run, run.with_name("weak-background-blob_log-s1"))
    assert (name in said) == (case not in UNSEEN["compare"])


def compared(first, second):
    """What is said of two runs that are compared, warnings and errors."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            compare_predictions(ComparisonRequest(first=[first], second=[second]))
        except BadInputError as error:
            return "\n".join([*(str(one.message) for one in told), str(error)])
    return "\n".join(str(one.message) for one in told)


def test_what_is_as_it_was_is_said_to_be(study, run):
    for path in (study, run, run / "checkpoint"):
        done = verify(path)
        assert (done.found, done.notes) == ([], [])
        assert done.files
    assert verify(run).numbers > 30
    assert {fault.name for fault in check_seal(run, RUN).faults} == set()


def test_numbers_that_do_not_come_out_are_named_with_their_place(run):
    edited("metrics.json", lambda value: value["cd"].update(f1=0.999, tp=value["cd"]["tp"] + 1))(run)
    numbers = {one.place for one in verify(run).found if one.fault == "number"}
    assert numbers == {"/cd/f1", "/cd/tp"}
    # Sealed anew the digests are right, and the numbers are not.
    seal(run, RUN)
    assert {one.place for one in verify(run).found} == {"/cd/f1", "/cd/tp"}


def test_a_study_whose_report_or_order_of_runs_was_changed(study):
    text = (study / "results.csv").read_text()
    (study / "results.csv").write_text(text.replace("mean,", "mean ,", 1))
    assert [str(one.file.name) for one in verify(study).found] == ["results.csv"]
    seal(study, STUDY)
    (found,) = verify(study).found
    assert (found.fault, found.file.name) == ("number", "results.csv")
    assert found.place.startswith("/line/")


def test_a_changed_run_takes_no_part_and_the_command_fails(bmbench, study, run):
    before = (study / "results.csv").read_text()
    one_digit(run)
    answer = bmbench("reproduce", "--out", study, "--report-only")
    assert answer.code == 1
    assert f"{run.name} is not as it was when it ended: predictions.json (changed)" in answer.out
    assert "1 run left out" in answer.err
    assert "every run is finished" not in answer.out
    assert f"`{run.name}` is not as it was when it ended" in (study / "report.md").read_text()
    assert (study / "results.csv").read_text() != before


def test_a_changed_run_is_made_anew_where_that_is_asked_for(study, run, whole):
    options = dataclasses.replace(whole, out=study)
    (run / "truth.json").unlink()
    lines: list[str] = []
    summary = reproduce(options, Silent(), lines.append)
    assert [name for name, _ in summary.changed] == [run.name]
    assert (summary.failures, summary.n_finished) == ((), 1)
    assert "every other run is finished" in lines
    again = reproduce(dataclasses.replace(options, redo_changed=True), Silent(), lines.append)
    assert (again.changed, again.failures, again.n_finished) == ((), (), 2)
    assert verify(study).found == []
    for name, path in sealed_files(whole.out, STUDY).items():
        assert path.read_bytes() == (study / name).read_bytes(), name


def test_runs_of_older_versions_are_read_and_said_to_be_unchecked(study, run):
    edited("config.json", lambda value: value.update(schema="bmbench.run/1"))(run)
    (run / "manifest.json").unlink()
    done = verify(run)
    assert done.found == []
    assert done.notes == [f"{run}: has no manifest: written before bmbench sealed its records, not checked"]
    lines: list[str] = []
    folder = StudyFolder(study)
    assert _changed(folder, folder.read().cells, lines.append) == {}
    assert lines == ["warning: 1 run without a manifest, written by an older bmbench: not checked"]
    (run / "truth.json").unlink()
    assert set(_changed(folder, folder.read().cells, lines.append).values()) == {"has no truth.json"}
    assert set(collect(folder).odd.values()) == {"has no truth.json"}


@pytest.mark.parametrize("command", ["redecode", "test", "predict", "submit", "resume"])
def test_commands_that_go_on_from_a_changed_run_name_it(bmbench, run, marrow, tmp_path, command):
    flipped(run)
    board = tmp_path / "board"
    asked = {
        "redecode": ("redecode", "--run", run, "--set", "n_scales=1", "--out", tmp_path),
        "test": ("test", "--run", run, "--on", f"{marrow},use=all"),
        "predict": ("predict", marrow / "images", "--run", run, "-o", tmp_path / "out"),
        "submit": ("submit", run, "--track", "weak", "--team", "T", "--contact", "t", "--board", board),
        "resume": ("run", "--resume", run),
    }[command]  # fmt: skip
    if command == "submit":
        assert bmbench("leaderboard", "init", board, "--track", "weak", "--truth", run).code == 0
    if command == "resume":
        with pytest.warns(UnsealedWarning, match=r"checkpoint/blob_log\.json \(changed\)"):
            assert bmbench(*asked).code == 0
        return
    answer = bmbench(*asked)
    assert answer.code == 2
    assert (
        f"{run}: is not as it was when it was finished (got checkpoint/blob_log.json (changed))" in answer.err
    )


def test_a_run_that_lost_its_scores_is_not_scored_again_from_changed_files(bmbench, run):
    """Who resumes it would seal what was changed."""
    (run / "metrics.json").unlink()
    one_digit(run)
    answer = bmbench("run", "--resume", run)
    assert answer.code == 2
    assert "predictions.json (changed)" in answer.err


def test_a_run_that_was_killed_before_its_scores_is_finished_with_the_same_bytes(bmbench, run):
    metrics, manifest = ((run / name).read_bytes() for name in ("metrics.json", "manifest.json"))
    (run / "metrics.json").unlink()
    assert bmbench("run", "--resume", run).code == 0
    assert (run / "metrics.json").read_bytes() == metrics
    assert (run / "manifest.json").read_bytes() == manifest


def test_answers_to_other_images_have_a_manifest_of_their_own(bmbench, run):
    assert bmbench("test", "--run", run, "--on", "synthetic,stain=pale,images=9,size=256").code == 0
    (place,) = (run / "elsewhere").iterdir()
    assert verify(run).found == []
    one_digit(place)
    (found,) = (one for one in verify(run).found if one.fault == "changed")
    assert found.file == place / "predictions.json"
    (place / "manifest.json").unlink()
    assert verify(run).found[0].fault == "missing"


def test_a_damaged_or_foreign_manifest_is_one_sentence(bmbench, study, run):
    shutil.copy(study / "manifest.json", run / "manifest.json")
    assert "is the manifest of something else" in bmbench("verify", run).out
    for content in ("{}", "[]", '{"schema": "bmbench.manifest/9"}', "{"):
        (run / "manifest.json").write_text(content)
        answer = bmbench("verify", run)
        assert answer.code == 2
        assert f"{run}/manifest.json" in answer.out


def test_a_manifest_leads_out_of_no_folder(study, run):
    edited(
        "manifest.json",
        lambda value: value["files"].update({"../../study.json": {"sha256": "0" * 64, "bytes": 1}}),
    )(run)
    assert [fault.name for fault in check_seal(run, RUN).faults] == ["../../study.json"]


def test_the_answer_as_json(bmbench, study, run):
    answer = bmbench("verify", study, "--json")
    assert answer.code == 0
    assert json.loads(answer.out)["valid"] is True
    one_digit(run)
    answer = bmbench("verify", study, "--json")
    assert answer.code == 2
    told = json.loads(answer.out)
    assert {
        "file": f"{run}/predictions.json",
        "fault": "changed",
        "place": "",
        "text": "is not as it was when it was sealed",
    } in told["faults"]


def test_a_folder_of_nothing_is_refused(bmbench, tmp_path):
    answer = bmbench("verify", tmp_path)
    assert answer.code == 2
    assert "is nothing that can be verified" in answer.err


def test_a_study_that_has_not_come_to_its_end_is_not_said_to_be_an_old_one(study):
    for name in ("manifest.json", "report.md"):
        (study / name).unlink()
    assert verify(study).notes == [f"{study}: has no report.md yet, and is sealed when it has"]
