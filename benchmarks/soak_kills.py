"""Kill every command that writes, many times, and see that the next call heals all.

    python benchmarks/soak_kills.py [--kills 30] [--only WORDS] [--seed 0]

Each command is run once undisturbed. Then it is begun and killed (SIGKILL) after a random time, most often
while it writes, until so many kills have met it at work. After each kill what is seen is whole or as before;
the same command, run again, ends with the same bytes and leaves nothing else. Ends with exit code 1 if
anything differs.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from small_scenes import Scene, begin, scenes
from soak_calls import difference, half_written


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--only", default="", help="commands whose name holds this")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    wrong, generator = 0, random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as name:
        for scene in scenes(Path(name) / "shared"):
            if asked.only in scene.name:
                wrong += kill_often(scene, Path(name) / "place", kills=asked.kills, generator=generator)
    print(f"{wrong} went wrong" if wrong else "all healed")
    return int(wrong > 0)


def kill_often(scene: Scene, place: Path, *, kills: int, generator: random.Random) -> int:
    """How often anything was wrong after a kill."""
    os.environ["BMBENCH_DATA"] = str(place / "store")
    scene.before(place)
    before, started = scene.files(place), time.monotonic()
    written = first_write(scene, place)
    ended(scene, begin(*scene.words(place)) if written is None else written[1])
    seconds, begins = time.monotonic() - started, written[0] if written else 0.0
    whole = scene.files(place)
    shutil.rmtree(place)
    done = attempts = left = wrong = 0
    while done < kills and attempts < 10 * kills:
        attempts += 1
        scene.before(place)
        process = begin(*scene.words(place))
        try:
            process.wait(generator.uniform(0.9 * begins, seconds))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            done += 1
        process.wait()
        if process.returncode == -signal.SIGKILL:
            left += bool(scene.hidden(place))
            verdict = half_written(scene.files(place), before, whole) or healed(scene, place, whole)
            wrong += bool(verdict)
            if verdict:
                print(f"  WRONG: {verdict}", flush=True)
        shutil.rmtree(place)
    print(f"{scene.name}: {done} kills, {left} of them left something behind, {wrong} went wrong", flush=True)
    return wrong


def first_write(scene: Scene, place: Path) -> tuple[float, subprocess.Popen[bytes]] | None:
    """After how many seconds a command begins to write, and the command; None if that was not seen."""
    there = set(place.rglob("*"))
    started, process = time.monotonic(), begin(*scene.words(place))
    while process.poll() is None:
        if set(place.rglob("*")) - there:
            return time.monotonic() - started, process
        time.sleep(0.005)
    return time.monotonic() - started, process


def healed(scene: Scene, place: Path, whole: dict[str, bytes]) -> str:
    """What is wrong after the same command again."""
    if scene.files(place) != whole or scene.made != "out":
        ended(scene, begin(*scene.words(place)))
    left = [name for name in scene.hidden(place) if "terms-shown" not in name]
    return difference(scene.files(place), whole) or (f"left: {', '.join(left)}" if left else "")


def ended(scene: Scene, process: subprocess.Popen[bytes]) -> None:
    said = process.communicate()[0].decode()
    if process.returncode:
        sys.exit(f"{scene.name}: exit code {process.returncode}: {said}")


if __name__ == "__main__":
    sys.exit(main())
