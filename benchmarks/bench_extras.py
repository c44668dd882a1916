"""What each extra of methods takes: size on disk of the packages that it brings, and seconds to import them.

python benchmarks/bench_extras.py [EXTRA…]

Counted are packages that an extra needs and that the core and `train` do not, as they are installed here.
Seconds are of the processor, the least of three, beyond those of importing torch.
"""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys

CORE = ("matplotlib", "msgspec", "numpy", "pillow", "pyyaml", "rich", "scipy", "tifffile", "typer")
TRAIN = ("opencv-python-headless", "safetensors", "scikit-image", "torch", "torchvision")
EXTRAS = {
    "train": (TRAIN, "import torch, torchvision, cv2"),
    "yolo": (("ultralytics-opencv-headless",), "import ultralytics.nn.tasks"),
    "detr": (
        ("transformers",),
        "from transformers import RTDetrV2ForObjectDetection",
    ),
    "encoders": (("timm",), "import timm"),
}
"""What is asked for by name, and what a method that needs it imports."""
REPEATS = 3


def needed(names: tuple[str, ...], found: set[str] | None = None) -> set[str]:
    """These packages and all that they need, of those that are installed here."""
    found = set() if found is None else found
    for name in (re.sub(r"[-_.]+", "-", one).lower() for one in names):
        if name in found:
            continue
        try:
            lines = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        found.add(name)
        needed(tuple(re.split(r"[^\w.-]", line)[0] for line in lines if "extra ==" not in line), found)
    return found


def megabytes(names: set[str]) -> float:
    """Size of all files of these packages."""
    files = [file.locate() for name in names for file in importlib.metadata.files(name) or ()]
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6


def seconds(statement: str, *, after: str) -> float:
    """Of the processor, for a statement in a new process that has run another one."""
    code = (
        f"{after}\nimport time\nbegun = time.process_time()\n{statement}\nprint(time.process_time() - begun)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        for _ in range(REPEATS)
    ]
    return min(float(run.split()[-1]) for run in runs)


def main() -> None:
    core = needed(CORE)
    train = needed(TRAIN)
    print("| extra | packages | MB | seconds to import |\n|---|---|--:|--:|")
    for name in sys.argv[1:] or EXTRAS:
        asked, statement = EXTRAS[name]
        more = needed(asked) - core - (set() if name == "train" else train)
        if not more:
            print(f"{name}: not installed here", file=sys.stderr)
            continue
        largest = sorted(more, key=lambda one: -megabytes({one}))[:5]
        others = f" and {len(more) - len(largest)} more" if len(more) > len(largest) else ""
        took = seconds(statement, after="" if name == "train" else EXTRAS["train"][1])
        print(f"| `{name}` | {', '.join(largest)}{others} | {megabytes(more):,.0f} | {took:.1f} |")


if __name__ == "__main__":
    main()
