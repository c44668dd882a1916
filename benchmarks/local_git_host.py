"""A git host in a folder: a bare repository, pull requests, and runs of the workflows that are in it.

It is what `rehearse_board.py` and the tests of the workflows play on. The `run:` lines are those of the
repository's own workflows. Each job has a folder of its own, the checkout that it asks for, and the rights
that it states: a job without `contents: write` cannot push, the branch `main` takes merges only, and only a
job of the environment `scoring` has secrets. Nothing is downloaded: the packages are those of the Python that
runs this, and actions are played (checkout, artifacts). What it cannot show is the host itself: that its
events carry what the workflows read, and how it queues.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parents[1]
SLUG = "lab/board"
START = 1_800_000_000
HOOK = """#!/bin/sh
while read -r old new ref; do
  if [ "$ref" = refs/heads/main ] && [ "$REHEARSAL" != merge ]; then
    echo "GH006: Protected branch update failed: changes must be made through a pull request." >&2
    exit 1
  fi
done
"""
SHIMS = {
    "bmbench": '#!/bin/sh\nexec {python} -m bmbench "$@"\n',
    # What is pinned is not fetched in a rehearsal.
    "python": '#!/bin/sh\ncase "$*" in "-m pip install "*) exit 0 ;; esac\nexec {python} "$@"\n',
    # The host's answers: open pull requests, comments that are there; what it is told is kept.
    "gh": """#!/bin/sh
echo "$*" >> {root}/gh.log
case "$*" in *--jq*comments* | *comments*--jq*) cat {root}/gh-comments ;; *--jq*) cat {root}/gh-pulls ;; esac
""",
    "git": '#!/bin/sh\ntest "$1$REHEARSAL_KILL" = push1 && kill -9 $PPID && exit 1\nexec {git} "$@"\n',
}


def git(folder: Path, *arguments: str, **variables: str) -> str:
    who = ("-c", "user.name=m", "-c", "user.email=m@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments],
        check=True, capture_output=True, text=True, env=os.environ | variables,
    )  # fmt: skip
    return done.stdout.strip()


@dataclass(kw_only=True)
class Host:
    """A git host in a folder: the repository, a maintainer's clone, pull requests, runs of workflows."""

    root: Path
    secrets: Mapping[str, str] = field(default_factory=dict)
    protected: bool = True
    minutes: int = 0
    jobs: int = 0
    heads: dict[int, tuple[str, str]] = field(default_factory=dict)

    @property
    def bare(self) -> Path:
        """The repository of the host."""
        return self.root / "host.git"

    @property
    def clone(self) -> Path:
        """The clone of a maintainer."""
        return self.root / "maintainer"

    def tick(self) -> dict[str, str]:
        """The next minute of the host's clock, as git wants it."""
        self.minutes += 1
        return dict.fromkeys(("GIT_COMMITTER_DATE", "GIT_AUTHOR_DATE"), f"{START + 60 * self.minutes} +0000")

    def found(self, board: Path) -> None:
        """Make the repository from a folder."""
        git(self.root, "init", "--quiet", "--bare", "-b", "main", str(self.bare))
        hook = self.bare / "hooks" / "pre-receive"
        hook.write_text(HOOK if self.protected else "#!/bin/sh\nexit 0\n")
        hook.chmod(0o755)
        shutil.copytree(board, self.clone)
        git(self.clone, "init", "--quiet", "-b", "main")
        git(self.clone, "remote", "add", "origin", str(self.bare))
        self.commit("Start")
        shims = self.root / "bin"
        shims.mkdir()
        for name, text in SHIMS.items():
            path = shims / name
            path.write_text(text.format(python=sys.executable, git=shutil.which("git"), root=self.root))
            path.chmod(0o755)

    def commit(self, message: str) -> str:
        """Commit what lies in the maintainer's clone, and push it as the host's merge does."""
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "--quiet", "--allow-empty", "-m", message, **self.tick())
        git(self.clone, "push", "--quiet", "origin", "main", REHEARSAL="merge")
        return git(self.clone, "rev-parse", "HEAD")

    def propose(self, files: Mapping[str, bytes], author: str) -> int:
        """Open a pull request with files; its number."""
        number = len(self.heads) + 1
        git(self.clone, "checkout", "--quiet", "-b", f"pr-{number}", "main")
        for name, data in files.items():
            path = self.clone / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "--quiet", "-m", f"Proposal {number}", **self.tick())
        git(self.clone, "push", "--quiet", "origin", f"pr-{number}:refs/pull/{number}/head")
        self.heads[number] = (git(self.clone, "rev-parse", "HEAD"), author)
        git(self.clone, "checkout", "--quiet", "main")
        return number

    def merge(self, number: int) -> str:
        """Squash a pull request onto `main`."""
        git(self.clone, "pull", "--quiet", "--rebase", "origin", "main")
        git(self.clone, "merge", "--quiet", "--squash", f"pr-{number}")
        return self.commit(f"Proposal {number} (#{number})")

    def queue(self, *numbers: int) -> tuple[str, str]:
        """The commit and ref of a merge group with these pull requests."""
        git(self.clone, "checkout", "--quiet", "-B", "queue", "main")
        for number in numbers:
            git(self.clone, "merge", "--quiet", "--squash", f"pr-{number}")
            git(self.clone, "commit", "--quiet", "-m", f"(#{number})", **self.tick())
        head = git(self.clone, "rev-parse", "HEAD")
        ref = f"refs/heads/gh-readonly-queue/main/pr-{numbers[-1]}"
        git(self.clone, "push", "--quiet", "--force", "origin", f"queue:{ref}")
        git(self.clone, "checkout", "--quiet", "main")
        return head, ref

    def start(self, workflow: str, event: Mapping[str, Any], **inputs: Any) -> Run:
        """A run of a workflow of `main` as it is now; its jobs are run one by one."""
        text = git(self.bare, "show", f"main:.github/workflows/{workflow}.yml")
        context = {
            "github": {"event": event, "repository": SLUG, "run_id": str(self.jobs)},
            "inputs": inputs,
            "runner": {"temp": "."},
        }
        return Run(host=self, jobs=yaml.safe_load(text)["jobs"], context=context)

    def pull_request(self, number: int) -> dict[str, Any]:
        """The event of a pull request."""
        head, author = self.heads[number]
        return {"pull_request": {"number": number, "head": {"sha": head}, "user": {"login": author}}}

    def published(self) -> dict[str, Any]:
        """Id → state and code of what the branch with the results says."""
        branch = "results" if self.protected else "main"
        try:
            names = git(self.bare, "ls-tree", "-r", "--name-only", branch, "results/")
        except subprocess.CalledProcessError:
            return {}
        ours = ("standings.json", "patches.json")
        ids = (name for name in names.split() if not name.endswith(ours))
        values = (json.loads(git(self.bare, "show", f"{branch}:{name}")) for name in ids)
        return {v["id"]: v.get("code") or v["state"] for v in values if not v["control"]}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a job ended, and what it printed."""

    code: int
    log: str
    environment: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Whether no line failed."""
        return self.code == 0


@dataclass(kw_only=True)
class Run:
    """One run of a workflow: its jobs, and what they hand over."""

    host: Host
    jobs: Mapping[str, Any]
    context: dict[str, Any]
    artifacts: dict[str, Path] = field(default_factory=dict)

    def job(self, name: str, lines: str | None = None, **variables: str) -> Ended:
        """Run a job in a folder of its own; `lines` stand in the place of its last step's."""
        job = self.jobs[name]
        self.host.jobs += 1
        folder = self.host.root / f"job-{self.host.jobs}-{name}"
        folder.mkdir()
        rights = "write" if job["permissions"].get("contents") == "write" else "read"
        scope = self.context | {
            "github": self.context["github"] | {"token": f"{rights}-token"},
            "secrets": self.host.secrets if job.get("environment") == "scoring" else {},
        }
        surroundings = self._surroundings(folder, rights) | variables
        log, steps = "", list(job["steps"])
        for row, step in enumerate(steps):
            if "uses" in step:
                self._act(step["uses"].partition("@")[0], step.get("with", {}), folder)
                continue
            script = lines if lines is not None and row == len(steps) - 1 else step["run"]
            own = {key: str(value_of(str(value), scope)) for key, value in step.get("env", {}).items()}
            file = folder.with_suffix(f".{row}.sh")
            file.write_text(script)
            done = subprocess.run(
                ["bash", "-e", str(file)], cwd=folder, env=surroundings | own,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            )  # fmt: skip
            log += done.stdout
            if done.returncode:
                return Ended(code=done.returncode, log=log, environment=own)
        told = Path(surroundings["GITHUB_OUTPUT"])
        pairs = [line.partition("=") for line in told.read_text().splitlines()] if told.exists() else []
        self.context.setdefault("needs", {})[name] = {"outputs": {key: value for key, _, value in pairs}}
        return Ended(code=0, log=log, environment=own)

    def _surroundings(self, folder: Path, rights: str) -> dict[str, str]:
        """What a job finds: the programs, a summary file, and a host that answers to its token alone."""
        remote = f"https://x-access-token:{rights}-token@github.com/{SLUG}.git"
        config = [(f"url.{self.host.bare}.insteadOf", remote)]
        if rights == "read":
            config.append(("url./read-only-token.pushInsteadOf", remote))
        pairs = {f"GIT_CONFIG_KEY_{n}": key for n, (key, _) in enumerate(config)}
        pairs |= {f"GIT_CONFIG_VALUE_{n}": value for n, (_, value) in enumerate(config)}
        kept = {name: os.environ[name] for name in ("HOME", "USER", "TMPDIR") if name in os.environ}
        return kept | pairs | {
            "PATH": f"{self.host.root / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(HERE),
            "GIT_CONFIG_COUNT": str(len(config)),
            "GIT_COMMITTER_DATE": f"{START + 60 * self.host.minutes} +0000",
            "GITHUB_OUTPUT": str(folder.with_suffix(".out")),
            "GITHUB_STEP_SUMMARY": str(folder.with_suffix(".md")),
        }  # fmt: skip

    def _act(self, action: str, given: Mapping[str, Any], folder: Path) -> None:
        if action == "actions/checkout":
            depth = () if given.get("fetch-depth") == 0 else ("--depth", "1")
            ref = value_of(str(given.get("ref", "main")), self.context)
            git(folder, "clone", "--quiet", *depth, "--branch", ref, f"file://{self.host.bare}", ".")
            git(folder, "remote", "set-url", "--push", "origin", "/no-credentials")
        elif action == "actions/upload-artifact":
            kept = self.host.root / f"artifact-{self.host.jobs}"
            shutil.copytree(folder / given["path"], kept)
            self.artifacts[given["name"]] = kept
        elif action == "actions/download-artifact":
            shutil.copytree(self.artifacts[given["name"]], folder / given["path"], dirs_exist_ok=True)
        elif action != "actions/setup-python":
            raise ValueError(f"the rehearsal does not know {action}")


def value_of(text: str, scope: Mapping[str, Any]) -> Any:
    """A text of a workflow with its expressions filled in: names, quoted texts, &&, || and format()."""
    whole = re.fullmatch(r"\$\{\{(.*?)\}\}", text)
    if whole:
        return _either(whole[1].strip(), scope) or ""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(_either(found[1].strip(), scope) or ""), text)


def _either(text: str, scope: Mapping[str, Any]) -> Any:
    value: Any = None
    for part in text.split("||"):
        value = None
        for one in part.split("&&"):
            value = _one(one.strip(), scope)
            if not value:
                break
        if value:
            return value
    return value


def _one(text: str, scope: Mapping[str, Any]) -> Any:
    call = re.fullmatch(r"format\('(.*)', (.+)\)", text)
    if call:
        return call[1].format(_one(call[2], scope))
    if text.startswith("'"):
        return text[1:-1]
    value: Any = scope
    for name in text.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
