"""The template repository's workflows, whose shape is part of the threat model, and the project's own."""

import compileall
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from bmbench.leaderboards.hosting import write_template
from bmbench.leaderboards.hosting.write_template import TEMPLATE, template_files

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((TEMPLATE / "dot-github" / "workflows").glob("*.yml"))
OWN = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
KEY = "secrets.GROUND_TRUTH_KEY"


def jobs(text):
    """Name → text of each job, by indentation."""
    body = text.split("\njobs:\n", 1)[1]
    parts = re.split(r"^  (\w+):\n", body, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_there_are_the_four():
    assert [path.stem for path in WORKFLOWS] == ["audit", "comment", "score", "validate"]


@pytest.mark.parametrize("path", WORKFLOWS + OWN, ids=lambda path: path.stem)
def test_no_workflow_runs_foreign_code_with_rights(path):
    text = path.read_text()
    assert "pull_request_target" not in text
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
                assert (path.stem, name) == ("score", "score")
                assert "environment: scoring" in text
                assert "contents: write" not in text
            if "write" in text:
                assert KEY not in text


def test_a_pull_request_is_validated_with_read_rights_and_never_checked_out():
    text = next(path for path in WORKFLOWS if path.stem == "validate").read_text()
    assert "secrets." not in text
    assert ": write" not in text
    assert re.findall(r"ref: (\w*)", text) == ["main"]


def test_the_comment_is_written_by_a_job_that_has_nothing_of_the_pull_request():
    """`workflow_run` has rights that a fork has not: it reads objects, and its writer nothing."""
    path = next(path for path in WORKFLOWS if path.stem == "comment")
    text = path.read_text()
    assert [one.stem for one in WORKFLOWS + OWN if "workflow_run:" in one.read_text()] == ["comment"]
    assert re.findall(r"ref: (\w*)", text) == ["main"]
    assert "secrets." not in text
    look, comment = jobs(text)["look"], jobs(text)["comment"]
    assert ": write" not in look
    assert "checkout" not in comment
    assert "pip install" not in comment
    assert set(re.findall(r"github\.event\.\S+", text)) == {
        "github.event.workflow_run.head_sha",
        "github.event.workflow_run.event",
    }


def test_the_required_check_always_runs():
    """One that a filter of paths can leave out is waited for by every other pull request, for ever."""
    events = next(path for path in WORKFLOWS if path.stem == "validate").read_text().split("permissions:")[0]
    assert "paths" not in events
    assert "merge_group:" in events


def test_every_package_of_a_hosts_ci_is_pinned():
    """As the project's own locks are; `hatchling` builds what a commit names, without fetching anything."""
    text = (TEMPLATE / "ci" / "requirements.txt").read_text()
    pin = r"[a-z0-9-]+==\S+( ; .+)? \\\n( {4}--hash=sha256:[0-9a-f]{64}( \\)?\n)+"
    assert re.sub(pin, "", re.sub(r"^ *#.*\n", "", text, flags=re.M)) == ""
    pinned = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.M))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [
        *project["dependencies"],
        *project["optional-dependencies"]["leaderboard"],
        "hatchling",
        "zizmor",
    ]
    for one in map(Requirement, asked):
        assert one.specifier.contains(pinned[one.name]), f"{one}: make lock"


def test_gitlab_has_the_same_jobs_and_the_key_in_one_of_them():
    """Nothing of a merge request is checked out; the branch `results` has one writer."""
    pipeline = yaml.safe_load((TEMPLATE / "dot-gitlab-ci.yml").read_text())
    jobs = {name: job for name, job in pipeline.items() if isinstance(job, dict) and "script" in job}
    assert sorted(jobs) == ["audit", "publish", "score", "tell", "validate"]
    assert jobs["validate"]["variables"]["GIT_STRATEGY"] == "none"
    assert {name: job["environment"]["name"] for name, job in jobs.items() if "environment" in job} == {
        "score": "scoring",
        "publish": "publishing",
        "tell": "commenting",
    }
    lines = {name: [line for part in job["script"] for line in flat(part)] for name, job in jobs.items()}
    for name, script in lines.items():
        assert [line for line in script if "pip install" in line], name
    for name, file in (("validate", "validate"), ("score", "score"), ("publish", "publish")):
        assert any(line.startswith(f"bash ci/{file}.sh") for line in lines[name])
    assert [name for name, job in jobs.items() if "resource_group" in job] == ["score", "publish"]


def flat(part):
    return [part] if isinstance(part, str) else part


def test_the_projects_own_read_and_do_nothing_else_but_for_the_upload():
    """The one job that may do more runs no code of the repository: tests/test_release.py."""
    for path in OWN:
        for name, text in jobs(path.read_text()).items():
            rights = re.findall(r"permissions:\n((?: {6}.*\n)+)", text)
            upload = (path.stem, name) == ("release", "publish")
            expected = (
                "      id-token: write # for trusted publishing\n" if upload else "      contents: read\n"
            )
            assert rights == [expected]
        assert "secrets." not in path.read_text()


@pytest.mark.parametrize("files", [WORKFLOWS, OWN], ids=["template", "own"])
def test_zizmor_finds_nothing(files):
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
        *map(str, files),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings" in done.stdout


def test_what_pip_compiles_is_no_part_of_the_template(tmp_path, monkeypatch):
    before = template_files("github")
    copy = shutil.copytree(write_template.TEMPLATE, tmp_path / "template")
    assert compileall.compile_dir(copy, quiet=1)
    assert list(copy.rglob("*.pyc"))
    monkeypatch.setattr(write_template, "TEMPLATE", copy)
    assert template_files("github").keys() == before.keys()
