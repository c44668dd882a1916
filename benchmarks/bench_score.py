"""bmbench beside other programs, whole processes from JSON files to the printed number.

``python benchmarks/bench_score.py [--runs N] [--only WORKLOAD ...]`` makes the workloads from a seed (first
run: a minute, 0.5 GB under benchmarks/made), then runs every program in turn, N rounds of one run each, and
prints a Markdown table: median wall seconds, the smallest, and the largest memory of the process. Programs
whose memory grows with the square of the cells are left out where that would not fit 8 GB.
"""

from __future__ import annotations

import argparse
import compileall
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from one import PROGRAMS
from workloads import WORKLOADS, write

HERE = Path(__file__).resolve().parent
OURS = tuple(name for name in PROGRAMS if name.startswith("bmbench"))
PEERS = tuple(name for name in PROGRAMS if not name.startswith("bmbench"))
SLOW = {"pycocotools", "faster-coco-eval"}
"""Half a minute on 10,000 images: run there in one round only."""


def programs_for(workload: str) -> tuple[str, ...]:
    if workload == "1x1000000":
        return OURS
    if workload == "1x20000":
        return (*OURS, "hotcoco", "vernier", "ultrafast-pycocotools")
    return (*OURS, *PEERS)


def measured(program: str, truth: Path, predictions: Path) -> tuple[float, float, str]:
    """Wall seconds, peak memory in MB (of the process or its largest child), and what it prints."""
    command = [sys.executable, str(HERE / "one.py"), program, str(truth), str(predictions)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    answer = process.stdout.read().strip()
    _, _, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - started, usage.ru_maxrss / 1000, answer


def bench(workload: str, rounds: int) -> None:
    # In a process of its own: a program started from here would count this one's memory as its own.
    with ProcessPoolExecutor(1) as apart:
        truth, predictions = apart.submit(write, workload, HERE / "made").result()
    size = (truth.stat().st_size + predictions.stat().st_size) / 1e6
    print(f"\n{workload}: {WORKLOADS[workload].images} × {WORKLOADS[workload].cells} cells, {size:.1f} MB\n")
    seconds: dict[str, list[float]] = defaultdict(list)
    memory: dict[str, float] = defaultdict(float)
    answers: dict[str, str] = {}
    for number in range(rounds):
        for program in programs_for(workload):
            if number and program in SLOW and workload == "10000x73":
                continue
            wall, peak, answers[program] = measured(program, truth, predictions)
            seconds[program].append(wall)
            memory[program] = max(memory[program], peak)
    print("| program | median s | least s | MB | answer |\n|---|---|---|---|---|")
    for program, walls in sorted(seconds.items(), key=lambda item: statistics.median(item[1])):
        row = f"{statistics.median(walls):.2f} | {min(walls):.2f} | {memory[program]:.0f}"
        print(f"| {program} | {row} | {answers[program] or 'failed'} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=list(WORKLOADS), choices=list(WORKLOADS))
    options = parser.parse_args()
    # The other programs were compiled to bytecode when they were installed; a clone may not be, and where
    # Python is told to write no bytecode every start compiles anew.
    compileall.compile_dir(HERE.parent / "bmbench", quiet=1)
    for workload in options.only:
        bench(workload, options.runs)


if __name__ == "__main__":
    main()
