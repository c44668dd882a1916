"""`bmbench submit --open`: from a predictions file to a pull request in two commands."""

import json
import os
import subprocess

import pytest

from bmbench.leaderboards.submissions.open_request import open_request, request_steps, shown

WISHES = ("--team", "Marrow Lab", "--name", "My detector", "--family", "rcnn", "--annotations", "weak",
          "--threshold", "0.5", "--chosen-on", "validation", "--declare", "--open")  # fmt: skip


def git(folder, *arguments):
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clone(bench, tmp_path, monkeypatch):
    """A board with a track in the clone of a repository; git knows who commits."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "t")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "t@example.org")
    bench.track()
    root = bench.board.path
    far = tmp_path / "me" / "board.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(far))
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "Start")
    git(root, "remote", "add", "origin", str(far))
    git(root, "push", "-q", "origin", "main")
    (root / "notes.txt").write_text("not to be handed in")
    return bench, far


def program(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


@pytest.mark.usefixtures("posix")
def test_the_branch_holds_the_one_folder_and_the_host_is_asked(clone, bmbench, tmp_path, monkeypatch):
    bench, far = clone
    answers = tmp_path / "mine.json"
    answers.write_text(json.dumps(bench.answer(recall=0.8, false=1)))
    program(tmp_path / "bin", "gh", f'#!/bin/sh\necho "$*" >> {tmp_path}/gh.log\n')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    board = bench.board.path
    answer = bmbench("submit", answers, "--board", board, "--track", "weak", "--contact", "me", *WISHES)
    assert answer.code == 0, answer.err
    name = "marrow-lab-my-detector"
    changed = git(far, "diff", "--name-only", "main", name).splitlines()
    assert changed == [
        f"submissions/weak/{name}/{file}" for file in ("predictions-s0.json", "submission.json")
    ]
    assert (tmp_path / "gh.log").read_text().startswith(f"pr create --base main --head me:{name}")
    assert "To open the pull request" not in answer.out


def test_without_the_hosts_program_the_commands_are_printed(clone, bmbench, tmp_path, monkeypatch):
    bench, far = clone
    monkeypatch.setattr("shutil.which", lambda name: None)
    answers = tmp_path / "mine.json"
    answers.write_text(json.dumps(bench.answer(recall=0.8, false=1)))
    board = bench.board.path
    answer = bmbench("submit", answers, "--board", board, "--track", "weak", "--contact", "stranger", *WISHES)
    assert answer.code == 0
    lines = answer.out.split("To open the pull request")[1].splitlines()[1:]
    assert lines[0] == "    git fetch origin main"
    assert [line.split()[0] for line in lines].count("gh") == 2  # a fork, since the clone is somebody else's
    assert git(far, "branch", "--list") == "* main"


def test_a_board_on_gitlab_is_asked_its_own_way(clone):
    bench, _ = clone
    (bench.board.path / ".gitlab-ci.yml").write_text("")
    folder = bench.board.submission("weak", "an-answer")
    steps = [shown(step) for step in request_steps(bench.board.path, folder, "me")]
    assert steps[-1] == "glab mr create --fill --yes --target-branch main"
    assert not any("fork" in step for step in steps)
    assert any("fork" in shown(step) for step in request_steps(bench.board.path, folder, "stranger"))


@pytest.mark.usefixtures("posix")
def test_a_step_that_fails_ends_it_and_the_rest_is_told(clone, tmp_path, monkeypatch):
    bench, _ = clone
    program(tmp_path / "bin", "gh", "#!/bin/sh\nexit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    folder, _ = bench.submit("an-answer", bench.answer(recall=0.8, false=1))
    done, rest = open_request(bench.board.path, folder, "me")
    assert [step[0] for step in rest] == ["gh"]
    assert len(done) == 5
