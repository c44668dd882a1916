"""Everything but a clean kill: full disks, damaged files, clocks that jump, two at once, workers cut off.

    python benchmarks/soak_faults.py [--rounds 3] [--only WORDS]

Every round does each fault once, at another moment, and compares what is left in the end, file by file,
with work that nobody disturbed. Where a command has to refuse, it has to do so in one sentence. Ends with
exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench_leaderboard import large
from soak_cluster import workers_of
from tiny_matrix import DIFFER, SETTINGS, begin, contents, make_data

# A clock that jumps by up to a day, forwards and backwards, whenever anybody looks at it; the monotonic one
# makes jumps forwards, as after a machine has slept.
JUMPING = """
import random, sys, time
drawn, real, steady, slept = random.Random(int(sys.argv.pop(1))), time.time, time.monotonic, [0.0]
def monotonic():
    slept[0] += drawn.choice((0, 0, 0, 3600.0))
    return steady() + slept[0]
time.time = lambda: real() + drawn.uniform(-86400, 86400)
time.monotonic = monotonic
from bmbench.cli import main
main()
"""
# No file may grow beyond so many bytes.
FULL = """
import resource, signal, sys
limit = int(sys.argv.pop(1))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from bmbench.cli import main
main()
"""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Where a round takes place, and what undisturbed work ended with."""

    folder: Path
    data: Path
    run: dict[str, bytes]
    study: dict[str, bytes]
    board: dict[str, bytes]
    generator: random.Random


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="faults whose name holds this")
    asked = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        scene = undisturbed(Path(name), random.Random(asked.seed))
        for number in range(asked.rounds):
            for fault in FAULTS:
                title = fault.__doc__ or ""
                if asked.only not in title:
                    continue
                place = scene.folder / f"{fault.__name__}-{number}"
                place.mkdir()
                verdict = fault(scene, place)
                wrong += bool(verdict)
                print(
                    f"round {number + 1}: {title.strip().rstrip('.')}: {verdict or 'as if nothing'}",
                    flush=True,
                )
                shutil.rmtree(place)
    print(f"{wrong} went wrong" if wrong else "all as if nothing had happened")
    return int(wrong > 0)


def undisturbed(folder: Path, generator: random.Random) -> Scene:
    data = make_data(folder)
    done(run(data, folder / "run"))
    done(begin(data, folder / "study", seeds=1))
    large(12, folder / "board")
    return Scene(
        folder=folder,
        data=data,
        run=files(folder / "run"),
        study=contents(folder / "study"),
        board=files(folder / "board"),
        generator=generator,
    )


def full_disk(scene: Scene, place: Path) -> str:
    """A full disk."""
    # The checkpoint, a picture or the predictions meet it first.
    limit = scene.generator.choice((2_000, 20_000, 60_000, 100_000))
    process = run(scene.data, place, command=[sys.executable, "-c", FULL, str(limit)])
    said = process.communicate()[0].decode().strip().splitlines()
    if process.returncode != 1 or "cannot be written" not in said[-1] or "Traceback" in str(said):
        return f"exit code {process.returncode}, {said[-1:]}"
    done(go_on(scene.data, place))
    return difference(files(place), scene.run)


def damaged_state(scene: Scene, place: Path) -> str:
    """A damaged checkpoint of a training under way."""
    process = run(scene.data, place)
    while not (state := list(place.glob("*/unfinished/*/training.safetensors"))):
        if process.poll() is not None:
            return f"exit code {process.returncode} too early"
        time.sleep(0.02)
    process.kill()
    process.wait()
    damage(state[0], scene.generator)
    refused = go_on(scene.data, place)
    said = refused.communicate()[0].decode().strip().splitlines()
    if refused.returncode != 2 or "delete it, and the training begins anew" not in said[-1]:
        return f"exit code {refused.returncode}, {said[-1:]}"
    state[0].unlink()
    done(go_on(scene.data, place))
    return difference(files(place), scene.run)


def damage(path: Path, generator: random.Random) -> None:
    """Cut the file off somewhere, or turn some of its bits."""
    data = bytearray(path.read_bytes())
    if generator.random() < 0.5:
        del data[generator.randrange(len(data)) :]
    else:
        data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
    path.write_bytes(data)


def jumping_clock(scene: Scene, place: Path) -> str:
    """A clock that jumps by hours."""
    seed = str(scene.generator.randrange(10**6))
    done(run(scene.data, place, command=[sys.executable, "-c", JUMPING, seed]))
    return difference(files(place), scene.run)


def two_runs(scene: Scene, place: Path) -> str:
    """Two commands resume one run at once."""
    first = run(scene.data, place)
    while not list(place.glob("*/unfinished/*")) and first.poll() is None:
        time.sleep(0.02)
    first.kill()
    first.wait()
    both = [go_on(scene.data, place) for _ in range(2)]
    answers = [process.communicate()[0].decode() for process in both]
    codes = sorted(process.returncode for process in both)
    if codes not in ([0, 0], [0, 2]) or (codes[1] and "is being worked on by" not in "".join(answers)):
        return f"exit codes {codes}"
    return difference(files(place), scene.run)


def two_studies(scene: Scene, place: Path) -> str:
    """Two commands work on one study at once."""
    both = [begin(scene.data, place / "study", seeds=1) for _ in range(2)]
    for process in both:
        done(process)
    return difference(contents(place / "study"), scene.study)


def two_boards(scene: Scene, place: Path) -> str:
    """Two commands build one leaderboard at once, five times."""
    board = place / "board"
    shutil.copytree(scene.folder / "board", board)
    for _ in range(5):
        for made in ("README.md", "boards", "site"):
            remove(board / made)
        both = [bmbench("leaderboard", "build", board) for _ in range(2)]
        time.sleep(scene.generator.uniform(0, 1))
        for process in both:
            done(process)
        if different := difference(files(board), scene.board):
            return different
    return ""


def cut_off(scene: Scene, place: Path) -> str:
    """A worker of a cluster that is cut off for ten seconds."""
    # Without it the scheduler waits five minutes for a worker that says nothing.
    impatient = os.environ | {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "4s"}
    process = begin(scene.data, place / "study", "--cluster", "local:2", seeds=1, env=impatient)
    while not list(place.glob("study/runs/*/unfinished")) and process.poll() is None:
        time.sleep(0.05)
    if workers := workers_of(process.pid):
        worker = scene.generator.choice(workers)
        worker.suspend()
        time.sleep(10)
        if worker.is_running():
            worker.resume()
    done(process)
    return difference(contents(place / "study"), scene.study)


FAULTS: tuple[Callable[[Scene, Path], str], ...] = (
    full_disk, damaged_state, jumping_clock, two_runs, two_studies, two_boards, cut_off,
)  # fmt: skip


def run(data: Path, out: Path, *, command: list[str] | None = None) -> subprocess.Popen[bytes]:
    """A tiny run, begun."""
    changes = [text for name, value in SETTINGS.items() for text in ("--set", f"{name}={value}")]
    arguments = ["run", "--dataset", str(data), "--out", str(out), *changes]
    return popen([*(command or [sys.executable, "-m", "bmbench"]), *arguments])


def go_on(data: Path, out: Path) -> subprocess.Popen[bytes]:
    """The run in that folder, taken up again, or begun where there is none yet."""
    begun = [path.parent for path in out.glob("*/config.json") if not path.parent.name.startswith(".")]
    return bmbench("run", "--resume", begun[0]) if begun else run(data, out)


def bmbench(*arguments: object) -> subprocess.Popen[bytes]:
    return popen([sys.executable, "-m", "bmbench", *map(str, arguments)])


def popen(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def done(process: subprocess.Popen[bytes]) -> None:
    said = process.communicate()[0].decode()
    if process.returncode:
        sys.exit(f"exit code {process.returncode}: {said}")


def files(place: Path) -> dict[str, bytes]:
    """Every file that has to be the same."""
    found = (path for path in place.rglob("*") if path.is_file() and path.name not in DIFFER)
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in found}


def difference(here: dict[str, bytes], there: dict[str, bytes]) -> str:
    names = sorted({name for name, _ in here.items() ^ there.items()})
    return f"DIFFERENT: {', '.join(names)}" if names else ""


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
