"""Let each system call of each command fail in turn, and see that all is whole or as before.

    python benchmarks/soak_calls.py [--each 0] [--only WORDS] [--seed 0]

Every command that writes is run once undisturbed, and its calls that touch the place it writes to are counted
(see `failing_calls`). Then it is run again for each of them, with that call failing: no space, a bad disk,
a signal, no locks, no permission in turn. The command has to end well, or in one sentence; what is seen then
is whole or as before; and the same command, undisturbed, ends with the same bytes and leaves nothing
else. `--each` takes so many calls of each command, spread evenly, instead of all. Ends with exit code 1 if
anything else happens.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from failing_calls import ERRORS, Ended, Failing, command
from small_scenes import Scene, scenes


@dataclass
class Count:
    """What came of the calls that failed, by outcome; what went wrong, in words."""

    outcomes: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=0, help="calls of each command; 0: all")
    parser.add_argument("--only", default="", help="commands whose name holds this")
    asked = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        for scene in scenes(Path(name) / "shared"):
            if asked.only in scene.name:
                count = fail_in_turn(scene, Path(name) / "place", each=asked.each)
                wrong += len(count.wrong)
                told = ", ".join(f"{number} {what}" for what, number in sorted(count.outcomes.items()))
                calls = ", ".join(f"{number} {what}" for what, number in sorted(count.calls.items()))
                print(f"{scene.name}: {sum(count.calls.values())} calls failed ({calls}): {told}", flush=True)
                for one in count.wrong:
                    print(f"  WRONG: {one}", flush=True)
    print(f"{wrong} went wrong" if wrong else "all whole or as before")
    return int(wrong > 0)


def fail_in_turn(scene: Scene, place: Path, *, each: int = 0, kind: str = "") -> Count:
    """Let the calls of a command fail, one in each attempt: all, or so many, of that kind."""
    os.environ["BMBENCH_DATA"] = str(place / "store")
    before, whole, calls = undisturbed(scene, place)
    count = Count()
    numbers = [number for number, name in enumerate(calls) if kind in name]
    for number, at in enumerate(numbers[:: max(1, len(numbers) // each) if each else 1]):
        error = ERRORS[number % len(ERRORS)]
        scene.before(place)
        failing = Failing(folder=place, at=at, error=error)
        with failing.on():
            ended = command(*scene.words(place))
        name = failing.calls[at] if len(failing.calls) > at else "none"
        there = scene.files(place)
        verdict = judged(ended, there, before, whole) or healed(scene, place, whole)
        count.calls[name] += 1
        if ended.code:
            count.outcomes["told in a sentence"] += 1
        else:
            count.outcomes["whole all the same"] += 1
        if verdict:
            count.wrong.append(f"call {at} ({name}, {os.strerror(error)}): {verdict}")
        shutil.rmtree(place)
    return count


def undisturbed(scene: Scene, place: Path) -> tuple[dict[str, bytes], dict[str, bytes], list[str]]:
    """The files before and after, and the calls that there are to fail."""
    scene.before(place)
    before = scene.files(place)
    counting = Failing(folder=place)
    with counting.on():
        ended = command(*scene.words(place))
    if ended.code:
        sys.exit(f"{scene.name}: {ended.said} {ended.traceback}")
    whole = scene.files(place)
    shutil.rmtree(place)
    return before, whole, counting.calls


def judged(ended: Ended, there: dict[str, bytes], before: dict[str, bytes], whole: dict[str, bytes]) -> str:
    """What is wrong with how a command ended and what can be seen then; nothing if all is well."""
    if ended.traceback:
        return f"a traceback: {ended.traceback.strip().splitlines()[-1]}"
    if ended.code not in (0, 1, 2) or (ended.code and not ended.said.startswith("error: ")):
        return f"exit code {ended.code}, {ended.said!r}"
    return half_written(there, before, whole) if ended.code else difference(there, whole)


def half_written(there: dict[str, bytes], before: dict[str, bytes], whole: dict[str, bytes]) -> str:
    """Which files that can be seen are neither as before nor whole; nothing if all are."""
    seen = {name: data for name, data in there.items() if "/." not in f"/{name}"}
    # A run under way is resumed from what stands in its folder; that is neither a result nor anybody else's.
    seen = {name: data for name, data in seen.items() if "unfinished" not in name}
    half = [name for name, data in seen.items() if data not in (before.get(name), whole.get(name))]
    half += [name for name in before if name not in there]
    return f"half a file: {', '.join(half)}" if half else ""


def healed(scene: Scene, place: Path, whole: dict[str, bytes]) -> str:
    """What is wrong after the same command again, undisturbed."""
    if scene.made == "out" and scene.files(place) == whole:
        # Some commands refuse to write what is there.
        shutil.rmtree(place)
        scene.before(place)
    ended = command(*scene.words(place))
    if ended.code:
        return f"not healed: {ended.said} {ended.traceback}"
    left = [name for name in scene.hidden(place) if "terms-shown" not in name]
    return difference(scene.files(place), whole) or (f"left: {', '.join(left)}" if left else "")


def difference(here: dict[str, bytes], there: dict[str, bytes]) -> str:
    names = sorted({name for name, _ in here.items() ^ there.items()})
    return f"DIFFERENT: {', '.join(names)}" if names else ""


if __name__ == "__main__":
    sys.exit(main())
