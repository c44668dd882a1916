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
import sys
import tempfile
import time
from pathlib import Path

from failing_calls import command
from small_scenes import Scene, scenes
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
    before, there, started = scene.files(place), set(place.rglob("*")), time.monotonic()
    process, begins = Process(scene, place), 0.0
    while not process.ended(0.002):
        if not begins and set(place.rglob("*")) - there:
            begins = time.monotonic() - started
    process.require_success()
    seconds, whole = time.monotonic() - started, scene.files(place)
    shutil.rmtree(place)
    done = left = wrong = 0
    while done < kills:
        scene.before(place)
        process = Process(scene, place)
        if not process.ended(generator.uniform(0.8 * begins, 1.1 * seconds)):
            done += process.kill()
            left += bool(scene.hidden(place))
            verdict = half_written(scene.files(place), before, whole) or healed(scene, place, whole)
            wrong += bool(verdict)
            if verdict:
                print(f"  WRONG: {verdict}", flush=True)
        shutil.rmtree(place)
    print(f"{scene.name}: {done} kills, {left} of them left something behind, {wrong} went wrong", flush=True)
    return wrong


class Process:
    """The command of a scene in a process of its own, split off from this one, which has loaded all."""

    def __init__(self, scene: Scene, place: Path) -> None:
        self._name, self._status = scene.name, 0
        self._pid = os.fork()
        if not self._pid:
            ended = command(*scene.words(place))
            if ended.code:
                print(ended.said, ended.traceback, flush=True)
            os._exit(ended.code)

    def ended(self, seconds: float) -> bool:
        """Whether it has ended after so many seconds at most."""
        end = time.monotonic() + seconds
        while self._pid:
            pid, self._status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._pid = 0
            elif time.monotonic() > end:
                return False
            else:
                time.sleep(0.001)
        return True

    def kill(self) -> bool:
        """Kill it; whether it was still at work."""
        os.kill(self._pid, signal.SIGKILL)
        _, self._status = os.waitpid(self._pid, 0)
        self._pid = 0
        return os.WIFSIGNALED(self._status)

    def require_success(self) -> None:
        """End this program if it failed."""
        if self._status:
            sys.exit(f"{self._name}: status {self._status}")


def healed(scene: Scene, place: Path, whole: dict[str, bytes]) -> str:
    """What is wrong after the same command again, for which a result that was whole already gives way."""
    if scene.files(place) == whole and scene.made == "out":
        # It would be refused, and what the kill left would wait for the next one that writes there.
        shutil.rmtree(place / "out")
    process = Process(scene, place)
    if not process.ended(120.0):
        process.kill()
        return "the next call does not end"
    process.require_success()
    left = [name for name in scene.hidden(place) if "terms-shown" not in name]
    return difference(scene.files(place), whole) or (f"left: {', '.join(left)}" if left else "")


if __name__ == "__main__":
    sys.exit(main())
