"""Kill the workers of a matrix many times and see whether it ends with the same bytes as a serial one.

    python benchmarks/soak_cluster.py --kills 20

24 tiny runs are made one by one. Then the same matrix is given to two worker processes (``--cluster
local:2``), of which one is killed (SIGKILL) every few seconds, as long as kills are left: after one to four
times the seconds that a run took one by one (or two seconds), for a run whose workers die at one point five
times in a row is given up, and on a busy machine a worker needs that long to get anywhere. Everything but
`log.txt` and `timing.json` has to be equal, the report and its pictures too. A matrix takes as many kills as
happen to fall into it; if kills are left it is begun anew. Ends with exit code 1 if anything differs.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
from tiny_matrix import begin, contents, ended, make_data


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=6, help="four runs each")
    asked = parser.parse_args()
    generator = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = make_data(folder)
        began = time.monotonic()
        ended(begin(data, folder / "serial", seeds=asked.seeds))
        a_run = max(2, (time.monotonic() - began) / (4 * asked.seeds))
        serial = contents(folder / "serial")
        print(f"one by one: {4 * asked.seeds} runs, {len(serial)} files, {a_run:.1f} s a run", flush=True)
        done, wrong = 0, 0
        while done < asked.kills:
            out = folder / "cluster"
            process = begin(data, out, "--cluster", "local:2", seeds=asked.seeds)
            now = kill_workers(process, most=asked.kills - done, after=a_run, generator=generator)
            ended(process)
            different = sorted({name for name, _ in contents(out).items() ^ serial.items()})
            done, wrong = done + now, wrong + bool(different)
            verdict = f"DIFFERENT: {', '.join(different)}" if different else "the same bytes"
            print(f"{now} workers killed ({done} in all), {verdict}", flush=True)
            shutil.rmtree(out)
        return int(wrong > 0)


def kill_workers(
    process: subprocess.Popen[bytes], *, most: int, after: float, generator: random.Random
) -> int:
    """How many workers were killed until the command ended or there had been `most`."""
    kills = 0
    while kills < most:
        try:
            process.wait(after * generator.uniform(1, 4))
        except subprocess.TimeoutExpired:
            workers = workers_of(process.pid)
            if workers:
                generator.choice(workers).kill()
                kills += 1
        else:
            break
    return kills


def workers_of(pid: int) -> list[psutil.Process]:
    """The worker processes of a command: children of the one that keeps them."""
    found = []
    for keeper in psutil.Process(pid).children():
        # One that has just ended has no command line any more.
        with suppress(psutil.Error):
            found += keeper.children() if "bmbench.benchmark.workers.worker" in keeper.cmdline() else []
    return found


if __name__ == "__main__":
    sys.exit(main())
