"""Working off a suite: killed and resumed, the same bytes, failures that stop nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time

import pytest

from bmbench.benchmark.suite import SuiteOptions, read_suite, run_suite, write_suite_report
from bmbench.benchmark.suite.report.set_tables import suite_rows
from bmbench.core.errors import RunFailedError
from bmbench.core.progress import Silent

pytestmark = pytest.mark.slow


def test_killed_and_resumed_it_ends_with_the_same_bytes(suite, suite_path, marrow, tmp_path):
    out, apart = tmp_path / "killed", tmp_path / "apart"
    arguments = [sys.executable, "-m", "bmbench", "suite", "run", str(suite_path), "--out", str(out)]
    arguments += ["--data-root", str(marrow.parent)]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while not list(out.glob("sets/*/runs/*/metrics.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    finished = {path: path.stat().st_mtime_ns for path in out.glob("sets/*/runs/*/metrics.json")}
    assert 1 <= len(finished) < 3
    subprocess.run(arguments, check=True, capture_output=True)
    assert all(path.stat().st_mtime_ns == before for path, before in finished.items())
    said: list[str] = []
    summary = run_suite(SuiteOptions(suite=suite, out=apart, root=marrow.parent), Silent(), said.append)
    assert (summary.n_runs, summary.n_finished, summary.failures) == (3, 3, ())
    answers = sorted(out.glob("sets/*/runs/*/predictions.json"))
    assert len(answers) == 3
    for answer in answers:
        assert answer.read_bytes() == (apart / answer.relative_to(out)).read_bytes()
    assert any("in all 3 runs to do" in line for line in said)
    assert any("left of the suite" in line for line in said)


def test_a_failure_stops_neither_its_set_nor_the_others(suite, marrow, tmp_path, monkeypatch):
    from bmbench.benchmark.run import begin_or_resume as module

    real = module.run_in

    def fails_once(path, wanted, progress):
        if path.parent.parent.name == "drawn" and path.name.endswith("s0"):
            raise RunFailedError("the disk is full")
        return real(path, wanted, progress)

    monkeypatch.setattr(module, "run_in", fails_once)
    options = SuiteOptions(suite=suite, out=tmp_path / "out", root=marrow.parent)
    summary = run_suite(options, Silent(), lambda _: None)
    assert summary.failures == (("drawn weak-background-blob_log-s0", "the disk is full"),)
    assert summary.n_finished == 2
    monkeypatch.setattr(module, "run_in", real)
    assert run_suite(options, Silent(), lambda _: None).n_finished == 3


def test_a_model_without_training_is_a_row_of_its_own(suite_path, tmp_path, torch):
    suite_path.write_text(
        suite_path.read_text().replace("drawn = true", 'drawn = true\nmodels = ["marrow-small"]', 1)
    )
    suite, said = read_suite(suite_path), list[str]()
    options = SuiteOptions(suite=suite, out=tmp_path / "out", only=("drawn",))
    assert run_suite(options, Silent(), said.append).failures == ()
    (answers,) = options.out.glob("models/marrow-small/drawn/*/metrics.json")
    row = next(one for one in suite_rows(suite, options.out) if one["method"] == "marrow-small")
    assert row["f1"] == pytest.approx(json.loads(answers.read_text())["cd"]["f1"])
    assert row["seconds"] is None
    text = write_suite_report(suite, options.out, said.append).read_text("utf-8")
    assert re.search(r"\| `marrow-small` \(baseline, not trained here\) +\| +1 \|", text)
    assert "2 of 2 runs finished" in text
    before = answers.stat().st_mtime_ns
    run_suite(options, Silent(), said.append)
    assert answers.stat().st_mtime_ns == before
    changed = answers.with_name("predictions.json")
    changed.write_text(changed.read_text() + " ")
    text = write_suite_report(suite, options.out, said.append).read_text("utf-8")
    assert "`drawn` `marrow-small` not applied, or changed since" in text
    run_suite(options, Silent(), said.append)
    assert sum("marrow-small on drawn, without training" in line for line in said) == 2


def test_five_lines_of_python_as_the_page_has_them(suite_path, tmp_path):
    options = SuiteOptions(suite=read_suite(suite_path), out=tmp_path / "out", lite=True)
    assert run_suite(options, Silent(), lambda _: None).n_runs == 1
    text = write_suite_report(options.suite, options.out, lambda _: None).read_text("utf-8")
    assert "# Two tiny sets" in text
    assert "`real`: not run" in text


def test_the_commands(bmbench, suite_path, marrow, tmp_path):
    out = tmp_path / "out"
    asked = ("suite", "run", suite_path, "--out", out, "--data", f"real={marrow}", "--only", "real")
    answer = bmbench(*asked, "--dry-run")
    assert (answer.code, answer.err) == (0, "")
    assert "to do     real  weak-background-blob_log-s0" in answer.out
    assert "1 run to do: about a minute" in answer.out
    assert not out.exists()
    answer = bmbench(*asked, "--json")
    assert json.loads(answer.out)["n_finished"] == 1
    answer = bmbench("suite", "list", suite_path)
    assert answer.code == 0
    assert "0.84" in answer.out
    assert json.loads(bmbench("suite", "list", suite_path, "--json").out)["sets"][0]["seeds"] == [0, 1]
    answer = bmbench("suite", "run", suite_path, "--only", "rael")
    assert answer.code == 2
    assert "real" in answer.err
