"""The workflows' own lines, run in real git: rights, checks, and that nothing that was merged is lost.

All scenes of `benchmarks/rehearse_board.py` take minutes; here stand one merge of each kind and the rights.
"""

import sys
from pathlib import Path

import pytest

pytest.importorskip("jinja2", reason="jinja2 (bmbench[leaderboard]) is not installed")
BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def stage(posix):
    """The module of the rehearsal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import rehearse_board

        yield rehearse_board
    for name in ("rehearse_board", "local_git_host"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def host(stage, tmp_path_factory):
    """A host whose board was published empty, and got a submission since."""
    host = stage.make_host(tmp_path_factory.mktemp("host") / "board")
    host.merge(stage.answer(host, "early-one", seed=1))
    return host


def validated(host, number):
    return host.start("validate", host.pull_request(number)).job("validate")


def test_a_pull_request_is_told_whether_it_is_valid_whatever_it_touches(stage, host):
    good = validated(host, stage.answer(host, "fine-one", seed=2))
    words = validated(host, host.propose({"README.md": b"About"}, "stranger"))
    stolen = validated(host, host.propose({"submissions/weak/early-one/submission.json": b"{}"}, "stranger"))
    assert (good.ok, words.ok, stolen.ok) == (True, True, False)
    assert "BMB-E106" in stolen.log
    assert good.log.endswith("valid\n")
    assert "no submission" in words.log


def test_a_merge_queue_is_looked_at_commit_by_commit(stage, host):
    numbers = [stage.answer(host, f"twin-{n}", seed=5) for n in (1, 2)]
    assert [validated(host, number).ok for number in numbers] == [True, True]
    for both, expected in ((numbers[:1], ""), (numbers, "BMB-E310")):
        head, ref = host.queue(*both)
        event = {"merge_group": {"head_sha": head, "head_ref": ref}}
        done = host.start("validate", event).job("validate")
        assert (done.ok, expected in done.log) == (not expected, True)


def test_a_comment_says_the_verdict_and_is_renewed(stage, host):
    """One job looks with read rights at what is in git, one writes what it says and sees nothing else."""
    number = stage.answer(host, "told-one", seed=8)
    commit, author = host.heads[number]
    (host.root / "gh-pulls").write_text(f"{number} {author}\n")
    for earlier, method in (
        ("", f"--method POST repos/lab/board/issues/{number}/comments"),
        ("77\n", "PATCH"),
    ):
        (host.root / "gh-comments").write_text(earlier)
        run = host.start("comment", {"workflow_run": {"head_sha": commit, "event": "pull_request"}})
        looked = run.job("look")
        assert looked.ok, looked.log
        assert run.context["needs"]["look"]["outputs"] == {"number": str(number)}
        text = (run.artifacts["comment"] / "text.md").read_text()
        assert text.startswith("<!-- bmbench -->\n```text\n")
        assert "F1 (centres)" in text
        assert text.endswith("valid\n```\n")
        assert run.job("comment").ok
        assert method in (host.root / "gh.log").read_text().splitlines()[-1]


def test_nothing_is_lost(stage, host):
    """A docs merge while one is scored; a publish that dies; the next run, which takes all of it."""
    run = stage.Scored(host)
    host.merge(host.propose({"NOTES.md": b"A word more."}, "maintainer"))
    assert not run.publish(REHEARSAL_KILL="1").ok
    assert host.published() == {}
    done = run.publish()
    assert done.ok, done.log
    assert host.published() == {"early-one": "published"}
    host.merge(stage.answer(host, "late-one", seed=3))
    later = stage.Scored(host, afresh=True)
    assert later.publish().ok
    overtaken = run.publish()
    assert (overtaken.ok, "A later run has published" in overtaken.log) == (True, True)
    assert host.published() == {"early-one": "published", "late-one": "published"}
    assert "Published already" in later.publish().log


def test_a_job_can_do_what_it_states_and_no_more(host, tmp_path):
    """Reading jobs cannot push, the writing one cannot push to `main`, one alone is given the secret."""
    push = 'git push --force "$REMOTE" HEAD~1:refs/heads/{}'
    run = host.start(
        "validate", {"pull_request": {"number": 1, "head": {"sha": "x"}, "user": {"login": "x"}}}
    )
    assert not run.job("validate", push.format("results")).ok
    run = host.start("score", {})
    host.secrets = {"GROUND_TRUTH_KEY": "AGE-SECRET-KEY-1"}
    try:
        score = run.job("score", "true")
        run.artifacts["outcome"] = tmp_path
        publish = run.job("publish", push.format("main"))
    finally:
        host.secrets = {}
    assert "GROUND_TRUTH_KEY" not in publish.environment
    assert (publish.ok, "Protected branch" in publish.log) == (False, True)
    assert score.ok
