"""The template repository's workflows, whose shape is part of the threat model, and the project's own."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "examples" / "leaderboard"
WORKFLOWS = sorted((TEMPLATE / ".github" / "workflows").glob("*.yml"))
OWN = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
KEY = "secrets.GROUND_TRUTH_KEY"


def jobs(text):
    """Name → text of each job, by indentation."""
    body = text.split("\njobs:\n", 1)[1]
    parts = re.split(r"^  (\w+):\n", body, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_there_are_the_four():
    assert [path.stem for path in WORKFLOWS] == ["audit", "rescore", "score", "validate"]


@pytest.mark.parametrize("path", WORKFLOWS + OWN, ids=lambda path: path.stem)
def test_no_workflow_runs_foreign_code_with_rights(path):
    text = path.read_text()
    assert "pull_request_target" not in text
    assert "workflow_run" not in text
    assert "actions/cache" not in text
    assert not re.search(r"^\s*cache:", text, re.M)
    assert "\npermissions: {}\n" in text
    for use in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", use)
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")
    for script in re.findall(r"run: (?:\|\n((?: {10,}.*\n)+)|(.*)\n)", text):
        assert "${{" not in "".join(script), "values reach scripts by the environment only"


def test_only_the_scoring_jobs_have_the_key_and_they_cannot_write():
    for path in WORKFLOWS:
        for name, text in jobs(path.read_text()).items():
            if KEY in text:
                assert (path.stem, name) in {("score", "score"), ("rescore", "score")}
                assert "environment: scoring" in text
                assert "contents: write" not in text
            if "write" in text:
                assert KEY not in text


def test_a_pull_request_is_validated_with_read_rights_and_never_checked_out():
    text = next(path for path in WORKFLOWS if path.stem == "validate").read_text()
    assert "secrets." not in text
    assert ": write" not in text
    assert re.findall(r"ref: (.*)", text) == ["${{ github.event.pull_request.base.sha }}"]


def test_the_projects_own_read_and_do_nothing_else():
    for path in OWN:
        for text in jobs(path.read_text()).values():
            assert re.findall(r"permissions:\n((?: {6}.*\n)+)", text) == ["      contents: read\n"]
        assert "secrets." not in path.read_text()


@pytest.mark.parametrize("folder", [TEMPLATE, ROOT / ".github"], ids=["template", "own"])
def test_zizmor_finds_nothing(folder):
    beside = Path(sys.executable).with_name("zizmor")
    program = str(beside) if beside.exists() else shutil.which("zizmor")
    if program is None:
        pytest.skip("zizmor is not installed")
    command = [
        program,
        "--offline",
        "--no-progress",
        "--strict-collection",
        "--format",
        "plain",
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings" in done.stdout
