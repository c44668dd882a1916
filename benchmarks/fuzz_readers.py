"""Damage files in every way that is cheap to think of, and see that every reader refuses them in a sentence.

    python benchmarks/fuzz_readers.py [--inputs 1000000] [--seed 0] [--only WORDS] [--keep FOLDER]

Every format of annotations, predictions, images, archives, boards' files and the records of runs is written
once and then damaged (see `fuzz_mutations`), one file at a time. A reader may give back something or raise an
error of bmbench whose text can be printed; anything else, more than 5 seconds or more than 1 GB is a finding,
which is printed once for each place in the code and kept with its file. What was read is now and then written
again in another format. Ends with exit code 1 if anything was found.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any

import fuzz_targets
from fuzz_mutations import mutated
from fuzz_targets import Target

from bmbench.core.errors import BmbenchError
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.annotation_folder import write_folder
from bmbench.datasets.formats.codec import Content

LIMIT_S = 5.0
WAITING = 20
LIMIT_BYTES = 1 << 30
LONGEST_TEXT = 5000
WRITTEN_AGAIN = 0.05


class TooLong(BaseException):
    """A reader took more than `LIMIT_S`; no `except Exception` holds it up."""


@dataclass
class Tally:
    """What came of the inputs: counts by target and outcome, each finding once, the slowest reading."""

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    slowest: tuple[float, str] = (0.0, "")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="targets whose name holds this")
    parser.add_argument("--keep", type=Path, default=Path("benchmarks/made/fuzz"), help="where findings go")
    asked = parser.parse_args()
    # In memory, where there is such a folder: the disk has nothing to do with it.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        targets = [target for target in fuzz_targets.all_targets(Path(name)) if asked.only in target.name]
        tally = fuzz(targets, Path(name), inputs=asked.inputs, seed=asked.seed, keep=asked.keep, talk=True)
    report(tally)
    return int(bool(tally.findings))


def fuzz(
    targets: list[Target],
    folder: Path,
    *,
    inputs: int,
    seed: int = 0,
    keep: Path | None = None,
    talk: bool = False,
) -> Tally:
    """Damage the files of all targets in turn, so many times in all."""
    tally, generator, began = Tally(), random.Random(seed), time.monotonic()
    for target in targets:
        target.read()
    with limited():
        for number, target in enumerate(islice(rounds(targets), inputs)):
            data = mutated(target.good, target.file.name, generator)
            target.file.write_bytes(data)
            found = attempt(target, tally, generator, folder / "again")
            if found and keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                (keep / f"{number}-{target.file.name}").write_bytes(data)
            if found and talk:
                print(f"{number}: {target.name}: {found}", flush=True)
            target.file.write_bytes(target.good)
            if talk and number % 50_000 == 49_999:
                print(f"{number + 1:,} inputs, {time.monotonic() - began:.0f} s", flush=True)
    return tally


def rounds(targets: list[Target]) -> Iterator[Target]:
    """The targets in turn, for ever; the slow ones not in every round."""
    for number in count():
        yield from (target for target in targets if number % target.every == 0)


def attempt(target: Target, tally: Tally, generator: random.Random, out: Path) -> str:
    """Read one damaged file; the finding if it is a new one."""
    began = time.monotonic()
    # Of work, since the machine may be busy; what waits for ever does not work.
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
    signal.setitimer(signal.ITIMER_REAL, WAITING * LIMIT_S)
    problem = ""
    try:
        value = target.read()
        outcome = "read"
        if isinstance(value, Content) and generator.random() < WRITTEN_AGAIN:
            outcome = "written again"
            write_again(
                value, generator.choice([name for name in FORMATS.names() if FORMATS.get(name).write]), out
            )
    except BmbenchError as error:
        outcome = "refused"
        problem = unprintable(error)
    except (Exception, TooLong) as error:  # noqa: BLE001 (this is what is looked for)
        outcome = "FOUND"
        problem = signature(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    seconds = time.monotonic() - began
    tally.slowest = max(tally.slowest, (seconds, target.name))
    tally.seconds[target.name] += seconds
    tally.outcomes[target.name, outcome] += 1
    # The words differ from file to file, the place does not.
    key = f"{target.name}: {problem.partition(': ')[0]}"
    if problem and key not in tally.findings:
        tally.findings[key] = f"{target.name}: {problem}"
        return problem
    return ""


def write_again(content: Content, name: str, out: Path) -> None:
    try:
        write_folder(out, content, FORMATS.get(name))
    finally:
        shutil.rmtree(out, ignore_errors=True)


def unprintable(error: BmbenchError) -> str:
    """What is wrong with the text of an error, if anything is."""
    text = str(error)
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"an error that cannot be printed: {ascii(text)[:200]}"
    return (
        f"an error that is too long: {len(text):,} characters, {text[:100]!r}"
        if len(text) > LONGEST_TEXT
        else ""
    )


def signature(error: BaseException) -> str:
    """The kind of an error and the last two places of ours that it came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "bmbench" in frame.filename]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames[-3:]))
    return f"{type(error).__name__} at {places}: {ascii(str(error))[:120]}"


@contextmanager
def limited() -> Iterator[None]:
    """An alarm after `LIMIT_S` and no more than `LIMIT_BYTES` beyond what is in use, warnings passed over."""

    def too_long(*_: Any) -> None:
        raise TooLong(f"more than {LIMIT_S:g} s")

    signals = (signal.SIGALRM, signal.SIGPROF)
    before_alarm = [signal.signal(number, too_long) for number in signals]
    before = resource.getrlimit(resource.RLIMIT_AS)
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + LIMIT_BYTES, before[1]))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        for number, handler in zip(signals, before_alarm, strict=True):
            signal.signal(number, handler)


def report(tally: Tally) -> None:
    names = sorted({name for name, _ in tally.outcomes})
    kinds = sorted({kind for _, kind in tally.outcomes})
    print(f"{'':28}" + "".join(f"{kind:>16}" for kind in kinds) + f"{'ms each':>10}")
    for name in names:
        counts = [tally.outcomes[name, kind] for kind in kinds]
        print(
            f"{name:28}"
            + "".join(f"{count:16,}" for count in counts)
            + f"{1000 * tally.seconds[name] / sum(counts):10.2f}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"slowest: {tally.slowest[0]:.2f} s ({tally.slowest[1]}); {peak:.0f} MB at most")
    print(f"{sum(tally.outcomes.values()):,} inputs, {len(tally.findings)} findings")
    for finding in tally.findings.values():
        print(f"  {finding}")


if __name__ == "__main__":
    sys.exit(main())
