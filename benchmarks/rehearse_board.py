"""A rehearsal of a hosted leaderboard in real git: what was lost before, and what is lost now.

    python benchmarks/rehearse_board.py             # a few minutes
    python benchmarks/rehearse_board.py --keep DIR  # leave the repositories and the jobs' folders there

The workflows are those that `bmbench leaderboard host` writes; `local_git_host.py` says how they are run.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np
from local_git_host import Ended, Host

from bmbench.core.files import write_json
from bmbench.leaderboards.hosting.write_template import HostWishes, write_template
from bmbench.leaderboards.submissions.submit import SubmissionFacts, SubmittedFile, submit
from bmbench.leaderboards.tracks.create_track import TrackFacts, create_track, write_manifest
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Limits, Rules

PACKAGE = f"git+https://example.org/o/bmbench@{'0' * 40}"
SIDE, CELL = 256, 24
OLD_PUBLISH = """git checkout --quiet --detach "$(cat outcome/commit)"
cp -R outcome/results results
bmbench leaderboard build .
git config user.name leaderboard
git config user.email leaderboard@users.noreply.github.com
git add --force --all -- results boards
git diff --cached --quiet && exit 0
git commit --quiet --message "Publish results"
git push --quiet "$REMOTE" HEAD:main
"""
"""The lines of the template until now: they push to the branch that its README tells to protect."""


def found_board(folder: Path) -> Leaderboard:
    """A board of one public track with eight drawn images, and the files of a host."""
    rng = np.random.default_rng(0)
    images = [{"id": n, "file_name": f"{n}.png", "width": SIDE, "height": SIDE} for n in range(1, 9)]
    corners = [
        (n, 32 * x, 32 * y) for n in range(1, 9) for x, y in rng.permutation(49)[:9, None] // (7, 1) % 7
    ]
    cells = [
        {"id": row, "image_id": n, "category_id": 1, "bbox": [int(x), int(y), CELL, CELL], "area": CELL**2}
        for row, (n, x, y) in enumerate(corners, 1)
    ]
    truth = folder.parent / "truth.json"
    write_json(truth, {"images": images, "annotations": cells, "categories": [{"id": 1, "name": "cell"}]})
    board = Leaderboard(folder)
    facts = TrackFacts(
        name="weak", title="Rehearsal", supervision="weak", data_name="drawn", rules=Rules(radius_px=8.0),
        limits=Limits(attempts=5, days=30),
    )  # fmt: skip
    manifest = create_track(board, truth, facts)
    write_manifest(folder / "tracks" / "weak", msgspec.structs.replace(manifest, replicates=100))
    write_template(folder, HostWishes(platform="github", package=PACKAGE, maintainers="@lab/maintainers"))
    return board


def answer(host: Host, id_: str, *, seed: int, author: str | None = None) -> int:
    """Hand in an answer that finds some of the cells, as a pull request; its number."""
    board = Leaderboard(host.clone)
    rng = np.random.default_rng(seed)
    rows = [
        {"image_id": int(n), "category_id": 1, "bbox": [int(x), int(y), CELL, CELL], "score": 0.9}
        for n, x, y in rng.integers((1, 0, 0), (9, SIDE - CELL, SIDE - CELL), (60, 3))
    ]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "answer.json"
        write_json(file, rows)
        place = Path(folder) / id_
        facts = SubmissionFacts(
            name=id_, team=f"Team {id_}", family="drawn", annotations="weak", contacts=(author or id_,),
            threshold_chosen_on="validation", declared=True,
        )  # fmt: skip
        one = SubmittedFile(path=file, seed=0, threshold=0.5)
        verdict = submit([one], facts, board.manifest("weak"), folder=place)
        assert verdict.valid, verdict.problems.listed
        files = {f"submissions/weak/{id_}/{path.name}": path.read_bytes() for path in place.iterdir()}
    return host.propose(files, author or id_)


def make_host(root: Path, *, before: bool = False) -> Host:
    """A host with a board without submissions, published once."""
    root.mkdir(parents=True)
    board = found_board(root / "board")
    host = Host(root=root, protected=not before)
    host.found(board.path)
    publish_all(host, before=before)
    return host


class Scored:
    """A run whose first job scored `main` as it was; what is left to do is to publish."""

    def __init__(self, host: Host, *, before: bool = False, **inputs: object) -> None:
        self._run = host.start("score", {}, **inputs)
        self._lines = OLD_PUBLISH if before else None
        done = self._run.job("score")
        assert done.ok, done.log

    def publish(self, **variables: str) -> Ended:
        """Run the second job."""
        return self._run.job("publish", self._lines, **variables)


def publish_all(host: Host, *, before: bool = False) -> None:
    """A whole run that nobody disturbs."""
    done = Scored(host, before=before).publish()
    assert done.ok, done.log


def two_merges(host: Host, *, before: bool) -> set[str]:
    """Two submissions are merged while the first is scored; both runs publish in the same moment."""
    first, second = (answer(host, f"answer-{n}", seed=n) for n in (1, 2))
    host.merge(first)
    one = Scored(host, before=before)
    host.merge(second)
    two = Scored(host, before=before)
    threads = [threading.Thread(target=run.publish) for run in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"answer-1", "answer-2"}


def overtaken(host: Host, *, before: bool) -> set[str]:
    """The second run is quicker: the first one publishes after it, and has fewer results."""
    first, second = (answer(host, f"answer-{n}", seed=n) for n in (1, 2))
    host.merge(first)
    one = Scored(host, before=before)
    host.merge(second)
    Scored(host, before=before).publish()
    one.publish()
    return {"answer-1", "answer-2"}


def docs_merge(host: Host, *, before: bool) -> set[str]:
    """Something else is merged while a submission is scored, and starts no run of its own."""
    host.merge(answer(host, "answer-1", seed=1))
    run = Scored(host, before=before)
    host.merge(host.propose({"README.md": b"A word more.\n"}, "maintainer"))
    run.publish()
    return {"answer-1"}


def killed_publish(host: Host, *, before: bool) -> set[str]:
    """The job dies at the push. The night comes: until now it brought nothing, now a run of its own."""
    host.merge(answer(host, "answer-1", seed=1))
    died = Scored(host, before=before).publish(REHEARSAL_KILL="1")
    assert not died.ok
    if not before:
        publish_all(host)
    return {"answer-1"}


def rescore(host: Host, *, before: bool) -> set[str]:
    """Everything is scored again by hand while a submission is merged."""
    host.merge(answer(host, "answer-1", seed=1))
    again = Scored(host, before=before, afresh=True)
    host.merge(answer(host, "answer-2", seed=2))
    Scored(host, before=before).publish()
    again.publish()
    return {"answer-1", "answer-2"}


SCENES: Mapping[str, Callable[..., set[str]]] = {
    "two merges at once": two_merges,
    "a run that is overtaken": overtaken,
    "a docs merge in between": docs_merge,
    "a killed publish": killed_publish,
    "a rescore and a merge": rescore,
}


def twins(host: Host) -> None:
    """Two pull requests with the same predictions: each is valid alone, and together they are not."""
    first, second = (answer(host, f"answer-{name}", seed=1) for name in ("z", "a"))
    for number in (first, second):
        done = host.start("validate", host.pull_request(number)).job("validate")
        print(f"  pull request {number}, alone: {'valid' if done.ok else 'refused'}")
    head, ref = host.queue(first, second)
    queued = host.start("validate", {"merge_group": {"head_sha": head, "head_ref": ref}}).job("validate")
    print(f"  merge queue with both: {'valid' if queued.ok else 'refused'} ({codes(queued.log)})")
    host.merge(first)
    host.merge(second)
    publish_all(host)
    print(f"  merged without a queue: {host.published()}")


def codes(log: str) -> str:
    """The codes of the problems in a log."""
    return ", ".join(sorted({word for word in log.split() if word.startswith("BMB-E")})) or "no code"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--keep", type=Path, help="a new folder for everything that happens")
    parser.add_argument("--only", choices=[*SCENES, "twins"], help="one scene")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = options.keep or Path(folder)
        print(f"{'':<26}{'lost before':<28}lost now")
        for name, scene in SCENES.items():
            if options.only in {None, name}:
                lost = {when: play(scene, root / f"{name}-{when}", before=when == "before") for when in WHEN}
                print(f"{name:<26}{lost['before']:<28}{lost['now']}", flush=True)
        if options.only in {None, "twins"}:
            print("two with the same predictions, now (before, both were ranked):")
            twins(make_host(root / "twins"))


WHEN = ("before", "now")


def play(scene: Callable[..., set[str]], root: Path, *, before: bool) -> str:
    """The submissions that were merged and are on no board after a scene."""
    host = make_host(root, before=before)
    expected = scene(host, before=before)
    there = {id_ for id_, state in host.published().items() if state == "published"}
    return ", ".join(sorted(expected - there)) or "nothing"


if __name__ == "__main__":
    main()
