"""`bmbench leaderboard host` and `doctor`: what is written, and what is found missing."""

import hashlib
import subprocess
import zipfile

import msgspec
import pytest

from bmbench.core.errors import BadInputError
from bmbench.leaderboards.hosting.doctor import examine
from bmbench.leaderboards.hosting.write_template import HostWishes, template_files, write_template
from bmbench.leaderboards.tracks.create_track import write_manifest

COMMIT = f"git+https://example.org/lab/bmbench@{'a1' * 20}"


def host(bench, **wishes):
    plain = {"platform": "github", "package": COMMIT, "maintainers": "@lab/maintainers"}
    return write_template(bench.board.path, HostWishes(**(plain | wishes)))


def said(bench, sort, **options):
    return [found.text for found in examine(bench.board, **options) if found.sort == sort]


def test_each_platform_gets_its_own_files():
    github, gitlab = template_files("github"), template_files("gitlab")
    assert set(github) ^ set(gitlab) == {
        ".gitlab-ci.yml",
        ".github/CODEOWNERS",
        *(f".github/workflows/{name}.yml" for name in ("audit", "comment", "score", "validate")),
    }


def test_what_is_there_is_never_changed(bench):
    bench.track()
    first = host(bench)
    assert {"ci/bmbench.txt", ".github/workflows/score.yml", ".gitignore"} <= set(first.new)
    rules = bench.board.path / "RULES.md"
    rules.write_text("Ours")
    again = host(bench)
    assert (again.new, again.kept, rules.read_text()) == ((), ("RULES.md",), "Ours")
    owners = (bench.board.path / ".github" / "CODEOWNERS").read_text()
    assert "@lab/maintainers" in owners


def test_a_wheel_goes_along_with_its_digest(bench, tmp_path):
    wheel = tmp_path / "bmbench-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("bmbench/__init__.py", "")
    host(bench, package=str(wheel))
    line = (bench.board.path / "ci" / "bmbench.txt").read_text()
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert line == f"./ci/{wheel.name} --hash=sha256:{digest}\n"
    assert (bench.board.path / "ci" / wheel.name).read_bytes() == wheel.read_bytes()


@pytest.mark.parametrize(
    "package",
    [
        "bmbench",
        "bmbench==0.1",
        "git+https://example.org/lab/bmbench@main",
        "https://example.org/bmbench.whl",
    ],
)
def test_what_may_be_another_version_tomorrow_is_refused(bench, package):
    bench.track()
    with pytest.raises(BadInputError, match="not one fixed version"):
        host(bench, package=package)
    assert not (bench.board.path / "ci").exists()


def test_init_writes_the_workflows_and_the_limits(bench, bmbench):
    root = bench.board.path
    init = ("leaderboard", "init", root, "--track", "weak", "--truth", bench.truth, "--radius", "15")
    answer = bmbench(*init, "--host", "github", "--package", COMMIT, "--maintainers", "@lab/m")
    assert answer.code == 0, answer.err
    assert "Allowed: 5 attempts a login in 30 days" in answer.out
    limits = bench.board.manifest("weak").limits
    assert (limits.attempts, limits.days) == (5, 30)
    subprocess.run(["git", "-C", str(root), "init", "-q", "-b", "main"], check=True)
    answer = bmbench("leaderboard", "doctor", root)
    assert answer.code == 0, answer.out
    assert "fault" not in answer.out.replace("no fault found", "")


@pytest.fixture
def hosted(bench):
    """A board with all files of a host, in git, with limits: nothing is wrong with it."""
    bench.track()
    host(bench)
    manifest = bench.board.manifest("weak")
    limits = msgspec.structs.replace(manifest.limits, attempts=5, days=30)
    write_manifest(bench.board.path / "tracks" / "weak", msgspec.structs.replace(manifest, limits=limits))
    git(bench, "init", "-q", "-b", "main")
    assert said(bench, "fault") == []
    return bench


def git(bench, *arguments):
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    root = str(bench.board.path)
    subprocess.run(["git", "-C", root, *who, *arguments], check=True, capture_output=True)


def lose(path):
    return lambda bench: (bench.board.path / path).unlink()


def write(path, text):
    def do(bench):
        target = bench.board.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        git(bench, "add", "--force", path)

    return do


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lose("ci/score.sh"), "missing: ci/score.sh"),
        (write("ci/bmbench.txt", "bmbench\n"), "names no fixed bmbench"),
        (write("ci/requirements.txt", "numpy==2.0\n"), "without a digest in ci/requirements.txt: numpy"),
        (write(".github/workflows/own.yml", "- uses: a/b@v1\n"), "own.yml: actions that are not pinned"),
        (write(".github/CODEOWNERS", "/submissions/\n"), "names nobody for all files"),
        (write("results/weak/x.json", "{}"), "committed beside the submissions"),
        (write("key.txt", "AGE-SECRET-KEY-1"), "a key file is committed"),
    ],
)
def test_a_fault_is_found(hosted, break_it, words):
    break_it(hosted)
    (fault,) = said(hosted, "fault")
    assert words in fault


def test_a_hidden_track_needs_limits_a_key_and_a_clean_history(hosted, tmp_path):
    pyrage = pytest.importorskip("pyrage", reason="pyrage (bmbench[leaderboard]) is not installed")
    from bmbench.leaderboards.results.hidden_truth import HideWishes, hide

    git(hosted, "add", "-A")
    git(hosted, "commit", "-q", "-m", "truth in the clear")
    keys = [pyrage.x25519.Identity.generate() for _ in range(2)]
    paths = [tmp_path / f"key-{n}.txt" for n in range(2)]
    for path, one in zip(paths, keys, strict=True):
        path.write_text(f"{one}\n")
    hide(hosted.board, "weak", HideWishes(recipients=[str(keys[0].to_public())]))
    (fault,) = said(hosted, "fault", key=paths[0])
    assert "committed in the clear" in fault
    assert any("all logins together may hand in without end" in text for text in said(hosted, "look"))
    assert any("the key opens the truth" in text for text in said(hosted, "fine", key=paths[0]))
    assert any("one key alone" in text for text in said(hosted, "look"))
    assert "does not open" in said(hosted, "fault", key=paths[1])[1]
    manifest = hosted.board.manifest("weak")
    limits = msgspec.structs.replace(manifest.limits, attempts=None)
    write_manifest(hosted.board.path / "tracks" / "weak", msgspec.structs.replace(manifest, limits=limits))
    assert any("any number of attempts" in text for text in said(hosted, "fault"))
