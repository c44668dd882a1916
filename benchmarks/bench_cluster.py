"""A matrix of 24 tiny runs, one by one and on two workers of this machine.

    python benchmarks/bench_cluster.py

Each is one command, timed from its start to its end: the interpreter, the start of the workers, torch's
imports in each of them, the report. One by one is `bmbench reproduce` as anybody would call it, which uses
all cores for every training; on two workers each run has half of the cores.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tiny_matrix import begin, contents, ended, make_data


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=6, help="four runs each")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = make_data(folder)
        serial = timed(data, folder / "serial", seeds=asked.seeds)
        shared = timed(data, folder / "shared", "--cluster", "local:2", seeds=asked.seeds)
        same = contents(folder / "serial") == contents(folder / "shared")
    print(f"{4 * asked.seeds} runs on {os.cpu_count()} cores: one by one {serial:.1f} s,", end=" ")
    print(f"on two workers {shared:.1f} s, {shared / serial:.2f} of it;", end=" ")
    print("the same bytes" if same else "DIFFERENT FILES")
    return int(not same)


def timed(data: Path, out: Path, *more: str, seeds: int) -> float:
    started = time.monotonic()
    ended(begin(data, out, *more, seeds=seeds))
    return time.monotonic() - started


if __name__ == "__main__":
    sys.exit(main())
