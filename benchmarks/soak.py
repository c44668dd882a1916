"""Kill a tiny run many times and see whether it always ends with the same bytes.

    python benchmarks/soak.py --kills 50

A run of `unet_shrink` is made once without interruption. Then the same run is begun, killed (SIGKILL)
after a random share of the time that took, resumed with ``bmbench run --resume``, killed again as long as
kills are left, and compared file by file; a run takes as many kills as happen to fall into it. Everything
but `log.txt` and `timing.json` has to be equal. Ends with exit code 1 if anything differs.
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

SETTINGS = {"steps": 200, "width": 4, "views": 1, "validate_every": 10, "patch_px": 64, "batch": 4}
DIFFER = ("log.txt", "timing.json")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        return soak(Path(name), kills=asked.kills, generator=random.Random(asked.seed))


def soak(folder: Path, *, kills: int, generator: random.Random) -> int:
    data = folder / "marrow"
    bmbench("datasets", "synthesise", data, "--images", 8, "--size", 256).wait()
    ended(begin(data, folder / "warm"))  # reads libraries from the disk for the first time: not measured
    started = time.monotonic()
    ended(begin(data, folder / "whole"))
    seconds = time.monotonic() - started
    whole = contents(folder / "whole")
    print(f"uninterrupted: {seconds:.1f} s, {len(whole)} files", flush=True)
    done, runs, wrong = 0, 0, 0
    while done < kills:
        place = folder / f"run{runs}"
        now = killed_often(data, place, seconds=seconds, most=kills - done, generator=generator)
        different = sorted(name for name, data in (contents(place).items() ^ whole.items()))
        done, runs, wrong = done + now, runs + 1, wrong + bool(different)
        verdict = f"DIFFERENT: {', '.join(different)}" if different else "the same bytes"
        print(f"run {runs}: killed {now} times ({done} in all), {verdict}", flush=True)
        shutil.rmtree(place)
    print(f"{done} kills in {runs} runs: {runs - wrong} ended with the same bytes, {wrong} did not")
    return int(wrong > 0)


def killed_often(data: Path, place: Path, *, seconds: float, most: int, generator: random.Random) -> int:
    """How often the run that now is finished in `place` was killed on the way."""
    kills = 0
    while True:
        process = begin(data, place)
        if kills == most:
            ended(process)
            return kills
        try:
            process.wait(generator.uniform(0.1, 0.9) * seconds)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        else:
            ended(process)
            return kills


def begin(data: Path, place: Path) -> subprocess.Popen[bytes]:
    """The run of `place`, begun or taken up again."""
    begun = [path.parent for path in place.glob("*/config.json") if not path.parent.name.startswith(".")]
    if begun:
        return bmbench("run", "--resume", begun[0])
    changes = [text for name, value in SETTINGS.items() for text in ("--set", f"{name}={value}")]
    return bmbench("run", "--dataset", data, "--out", place, *changes)


def bmbench(*arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bmbench", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def ended(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate()
    if process.returncode:
        sys.exit(f"exit code {process.returncode}: {errors.decode()}")


def contents(place: Path) -> dict[str, bytes]:
    (run,) = (path.parent for path in place.glob("*/metrics.json"))
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.name not in DIFFER)
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in files}


if __name__ == "__main__":
    sys.exit(main())
