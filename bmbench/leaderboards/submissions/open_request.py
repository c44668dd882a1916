"""`bmbench submit --open`: from a written submission to an open pull request."""

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from bmbench.leaderboards.submissions.sources import git_says

Command: TypeAlias = tuple[str, ...]


def open_request(board: Path, folder: Path, login: str) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """The commands that were run, and those that are left to do.

    They are run where the program of the git host is there, gh or glab, and the board is a clone; the first
    one that fails ends it.
    """
    steps = request_steps(board, folder, login)
    program = "glab" if _on_gitlab(board) else "gh"
    if shutil.which(program) is None or git_says(board, "remote", "get-url", "origin") is None:
        return (), steps
    for number, step in enumerate(steps):
        if subprocess.run(step, cwd=board, check=False).returncode:
            return steps[:number], steps[number:]
    return steps, ()


def request_steps(board: Path, folder: Path, login: str) -> tuple[Command, ...]:
    """The commands, to be run in the folder of the board: a branch of its own with this one folder.

    A clone of one's own fork, or of one's own board, is pushed to; another one is forked first.
    """
    name, track = folder.name, folder.parent.name
    origin = (git_says(board, "remote", "get-url", "origin") or "").replace(":", "/").casefold()
    own = f"/{login.casefold()}/" in origin
    title = f"Hand in {name} on {track}"
    inside = folder.absolute().relative_to(board.absolute()).as_posix()
    remote = "origin" if own else login
    start: tuple[Command, ...] = (
        ("git", "fetch", "origin", "main"),
        ("git", "switch", "--create", name, "--no-track", "origin/main"),
        ("git", "add", "--force", inside),
        ("git", "commit", "--message", title, "--", inside),
    )
    push: Command = ("git", "push", remote, name)
    if _on_gitlab(board):
        fork: Command = ("glab", "repo", "fork", "--remote")
        made: Command = ("glab", "mr", "create", "--fill", "--yes", "--target-branch", "main")
        return (*start, *(() if own else (fork,)), ("git", "push", "origin", name), made)
    fork = ("gh", "repo", "fork", "--remote", "--remote-name", login)
    made = (
        "gh",
        "pr",
        "create",
        "--base",
        "main",
        "--head",
        f"{login}:{name}",
        "--title",
        title,
        "--body",
        title,
    )
    return (*start, *(() if own else (fork,)), push, made)


def shown(command: Sequence[str]) -> str:
    """A command as one types it."""
    return shlex.join(command)


def _on_gitlab(board: Path) -> bool:
    return (board / ".gitlab-ci.yml").is_file()
