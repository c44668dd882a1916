"""The section of this version in ``CHANGELOG.md``, made from the fragments in ``changes/``.

    python locks/changelog.py                      write it anew; the fragments stay
    python locks/changelog.py --date 2026-12-24    the same with the day of the release
    python locks/changelog.py --check              print it, or say what is wrong with it

Before a release the section is as new as the last call. A released version has a date, and no fragments.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARKER = "<!-- towncrier release notes start -->\n"
OPEN = "not yet released"
# What somebody reads in five minutes. Details have their place in the documentation and in decisions.
WORDS = 1_300


def section(text: str, version: str) -> str:
    """The section of a version in a changelog; empty if there is none."""
    found = re.search(rf"^## {re.escape(version)} .*?(?=^## |\Z)", text, re.M | re.S)
    return found[0].strip() + "\n" if found else ""


def with_section(text: str, version: str, new: str) -> str:
    """A changelog with the section of a version in its place, the newest."""
    old = section(text, version).strip()
    above, marker, below = text.partition(MARKER)
    return f"{above}{marker}\n{new.strip()}\n\n{below.replace(old, '').strip()}".rstrip() + "\n"


def faults(written: str, made: str | None) -> list[str]:
    """What is wrong with a section as it is written; ``made`` is what the fragments say, None without any."""
    if not written:
        return ["CHANGELOG.md has no section of this version: make changelog"]
    if made is None:
        dated = OPEN not in written.partition("\n")[0]
        return [] if dated else ["CHANGELOG.md does not say when this was released"]
    found = []
    if written.partition("\n")[2] != made.partition("\n")[2]:
        found.append("CHANGELOG.md is not what changes/ says: make changelog")
    if (words := len(made.split())) > WORDS:
        found.append(f"this version's changes have {words} words; fold the fragments to {WORDS} at most")
    return found


def from_fragments(version: str, date: str = OPEN) -> str:
    """The section that the fragments make."""
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", version, "--date", date]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() + "\n"


def main() -> None:
    """Write the section, or look at it."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--date", default=OPEN)
    options.add_argument("--check", action="store_true")
    given = options.parse_args()
    place = ROOT / "CHANGELOG.md"
    text = place.read_text("utf-8")
    stated = re.search(r'^__version__ = "(.+)"$', (ROOT / "bmbench/__init__.py").read_text("utf-8"), re.M)
    assert stated is not None
    version = stated[1]
    if not given.check:
        place.write_text(with_section(text, version, from_fragments(version, given.date)), "utf-8")
        return
    any_left = any((ROOT / "changes").glob("*.*.md"))
    written = section(text, version)
    if found := faults(written, from_fragments(version) if any_left else None):
        sys.exit("\n".join(found))
    print(written, end="")


if __name__ == "__main__":
    main()
