"""A suite that is killed at random moments and resumed: its files beside those of one that ran through.

    python benchmarks/resume_suite.py [--kills 3] [--seed 0]

Two methods on drawn images, one that trains a small network for a few steps. A kill is a SIGKILL; the same
command is given again. At the end all files of finished runs are compared but `log.txt` and `timing.json`,
which hold times; and no finished run may have been begun anew. The code must stay as it is
meanwhile: `environment.json` names its commit.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SUITE = """
schema = "bmbench.suite/1"
name = "tiny"
methods = ["blob_log", "unet_shrink"]

[[sets]]
name = "drawn"
dataset = "synthetic"
drawn = true
options = { images = "8", size = "256" }
settings = [
  "blob_log:n_blobs=1", "blob_log:n_scales=1",
  "unet_shrink:steps=24", "unet_shrink:validate_every=8", "unet_shrink:width=4",
]
seeds = [0, 1]
"""
TIMED = ("log.txt", "timing.json")


def command(suite: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "bmbench", "suite", "run", str(suite), "--out", str(out)]


def finished(out: Path) -> dict[str, int]:
    """The finished runs with the moment at which each ended, in nanoseconds."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("sets/*/runs/*/metrics.json")}


def killed(suite: Path, out: Path, kills: int, seed: int) -> None:
    """Run it with so many kills, the nth at a random moment after its nth run was begun; then to its end."""
    draws = random.Random(seed)
    for number in range(1, kills + 1):
        before = finished(out)
        process = subprocess.Popen(command(suite, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        began = time.monotonic()
        while process.poll() is None and len(list(out.glob("sets/*/runs/*/config.json"))) < number:
            time.sleep(0.05)
        time.sleep(draws.uniform(0, 6))
        process.kill()
        process.wait()
        after = finished(out)
        again = [name for name, moment in before.items() if after.get(name) != moment]
        print(f"kill {number} after {time.monotonic() - began:.0f} s: {len(after)} runs finished")
        if again:
            sys.exit(f"made again although finished: {', '.join(again)}")
    subprocess.run(command(suite, out), check=True, stdout=subprocess.DEVNULL)


def files(out: Path) -> dict[str, bytes]:
    found = [path for path in out.glob("sets/*/runs/**/*") if path.is_file() and path.name not in TIMED]
    return {str(path.relative_to(out)): path.read_bytes() for path in found}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        suite, out, apart = (Path(folder) / name for name in ("tiny.toml", "killed", "apart"))
        suite.write_text(SUITE)
        killed(suite, out, options.kills, options.seed)
        subprocess.run(command(suite, apart), check=True, stdout=subprocess.DEVNULL)
        mine, theirs = files(out), files(apart)
    other = sorted(name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name))
    print(f"{len(theirs)} files of {len({Path(name).parts[3] for name in theirs})} runs, {len(other)} differ")
    print("\n".join(other), end="\n" if other else "")
    return 1 if other else 0


if __name__ == "__main__":
    sys.exit(main())
