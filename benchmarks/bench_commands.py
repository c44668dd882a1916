"""What each everyday command costs, as whole processes: processor seconds and memory, by the size of the set.

``python benchmarks/bench_commands.py [--images 100 1000 …] [--only COMMAND …] [--rounds N]`` makes sets of
images of 512 × 512 px with 50 outlined cells each, and predictions for them, from a seed (130 MB for every
1,000 images, under benchmarks/made), runs every command N times in turn, and prints a Markdown table. Peers
do what comes nearest, where they are installed.
"""

from __future__ import annotations

import argparse
import compileall
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec
from annotated_images import write

HERE = Path(__file__).resolve().parent
SUPERVISION = """
import sys, supervision
data = supervision.DetectionDataset.from_coco(sys.argv[2], sys.argv[1], force_masks=True)
data.as_yolo(annotations_directory_path=sys.argv[3])
"""
Command = Callable[[Path, Path], list[str]]
"""The arguments of a command from the folder of the set and a place for what it writes."""


def _bmbench(*words: str) -> list[str]:
    return [sys.executable, "-m", "bmbench", *words]


def _datasets(command: str, *options: str, ending: str = "") -> Command:
    def arguments(folder: Path, out: Path) -> list[str]:
        place = [] if command == "info" else [f"{out}{ending}"]
        return _bmbench("datasets", command, str(folder), *place, *options)

    return arguments


def _score(folder: Path, _: Path) -> list[str]:
    files = str(folder / "predictions.json"), str(folder / "annotations.json")
    return _bmbench("score", files[0], "--truth", files[1])


def _hotcoco(folder: Path, _: Path) -> list[str]:
    files = str(folder / "annotations.json"), str(folder / "predictions.json")
    return [sys.executable, str(HERE / "one.py"), "hotcoco", *files]


def _supervision(folder: Path, out: Path) -> list[str]:
    places = str(folder / "annotations.json"), str(folder / "images"), str(out)
    return [sys.executable, "-c", SUPERVISION, *places]


COMMANDS: dict[str, Command] = {
    "datasets info": _datasets("info"),
    "datasets split": _datasets("split", ending=".json"),
    "datasets weaken": _datasets("weaken", ending=".json"),
    **{
        f"datasets convert --to {name}": _datasets("convert", "--to", name, "--no-images")
        for name in ("coco", "yolo-seg", "voc", "qupath", "labels")
    },
    "supervision: COCO to YOLO polygons": _supervision,
    "score": _score,
    "hotcoco: AP at IoU 0.5": _hotcoco,
}
NEEDS = {_supervision: "supervision", _hotcoco: "hotcoco"}
LARGEST = {_supervision: 100}
"""Images beyond which a peer is left out: it holds a mask of each cell as large as the image."""


def made(images: int) -> Path:
    """The folder of a set of so many images; beside its annotations predictions: their boxes, all alike."""
    folder = write(HERE / "made" / "annotated" / str(images), images).parent
    file = folder / "predictions.json"
    if not file.exists():
        predict(folder / "annotations.json", file)
    return folder


def predict(truth: Path, file: Path) -> None:
    annotations = msgspec.json.decode(truth.read_bytes())["annotations"]
    keys = ("image_id", "category_id", "bbox")
    file.write_bytes(
        msgspec.json.encode([{key: one[key] for key in keys} | {"score": 0.5} for one in annotations])
    )


def measured(arguments: list[str]) -> tuple[float, float]:
    """Processor seconds and peak memory in MiB of a process."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(arguments)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _installed(peer: str) -> bool:
    return not peer or importlib.util.find_spec(peer) is not None


def bench(sizes: list[int], names: list[str], rounds: int) -> None:
    seconds: dict[tuple[str, int], list[float]] = defaultdict(list)
    memory: dict[tuple[str, int], float] = defaultdict(float)
    for size in sizes:
        # In a process of its own: a program started from here would count this one's memory as its own.
        with ProcessPoolExecutor(1) as apart:
            folder = apart.submit(made, size).result()
        for _ in range(rounds):
            for name in names:
                if size > LARGEST.get(COMMANDS[name], size):
                    continue
                with tempfile.TemporaryDirectory() as place:
                    cost, peak = measured(COMMANDS[name](folder, Path(place) / "out"))
                seconds[name, size].append(cost)
                memory[name, size] = max(memory[name, size], peak)
    print("| command | " + " | ".join(f"{size:,} images" for size in sizes) + " |")
    print("|---|" + "--:|" * len(sizes))
    for name in names:
        cells = [
            f"{statistics.median(seconds[name, n]):.1f} s, {memory[name, n]:.0f} MiB"
            if seconds[name, n]
            else ""
            for n in sizes
        ]
        print(f"| `{name}` | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[100, 1000, 10_000])
    there = [
        name for name, run in COMMANDS.items() if run not in NEEDS or importlib.util.find_spec(NEEDS[run])
    ]
    parser.add_argument("--only", nargs="+", default=there, choices=list(COMMANDS))
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    # Where Python is told to write no bytecode every start compiles anew.
    compileall.compile_dir(HERE.parent / "bmbench", quiet=1)
    if shutil.disk_usage(HERE).free < 3e5 * max(options.images):
        raise SystemExit("too little space on the disk")
    bench(options.images, options.only, options.rounds)


if __name__ == "__main__":
    main()
