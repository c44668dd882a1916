"""The pages that show results of the marrow benchmark, from the packed runs in `suites/results`.

    python benchmarks/suite_pages.py [--data-root DATA] [--check]

Writes docs/results/marrow (the report with its pictures; those of real images need `--data-root`), and the
tables between marks of these pages::

    <!-- suite: scores SET METHOD,METHOD -->      rows of the set's tables, with their costs
    <!-- suite: questions SET -->                 the study's questions there
    <!-- end of suite -->

Nothing is trained. `--check` writes nothing, and ends with 1 where a table is not what the runs say.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bmbench.benchmark.reproduce.report.examples import draw_examples
from bmbench.benchmark.suite.archive import unpack_suite
from bmbench.benchmark.suite.report.report import write_suite_report
from bmbench.benchmark.suite.report.scored_sets import ScoredSet, read_sets
from bmbench.benchmark.suite.report.set_tables import best_keys
from bmbench.benchmark.suite.report.verdicts import HEADER, question_rows
from bmbench.benchmark.suite.suite_file import Suite, read_suite
from bmbench.core.files import write_text
from bmbench.present.markdown import table
from bmbench.present.words import UNDEFINED, decimal, percent, span

ROOT = Path(__file__).resolve().parents[1]
RESULTS, REPORT = ROOT / "suites" / "results", ROOT / "docs" / "results" / "marrow"
# The best with outlines and the best with boxes, and four whose AP stays below 0.90 (heads.md, detectors.md).
BELOW_90 = ("marrow_1", ("hover", "yolo11", "stardist", "retinanet", "deim_v2", "rt_detr_v2"))
_MARKED = re.compile(r"<!-- suite: (\w+) (\S+)(?: (\S+))? -->\n.*?<!-- end of suite -->\n", re.DOTALL)
_SCORES = ("method", "learned from", "seeds", "F1", "95 %", "AP", "best?", "size, M", "fit, s")
_NETWORKS = "One training of each method: the table is of these networks, and another training may turn it."
_WORDS = {"weak": "circles", "precise": "contours"}


def pages() -> list[Path]:
    """Every page that has such a mark."""
    every = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in every if _MARKED.search(path.read_text("utf-8"))]


def filled(text: str, sets: Sequence[ScoredSet]) -> str:
    """A page with its marked tables as the runs have them."""

    def replacement(found: re.Match[str]) -> str:
        kind, name, names = found.groups()
        one = next((one for one in sets if one.name == name), None)
        if one is None:
            sys.exit(f"no finished runs of {name}, which {found.group(0).splitlines()[0]} asks for")
        lines, methods = found.group(0).splitlines(), tuple(names.split(",")) if names else ()
        body = [questions(one) if kind == "questions" else scores(one, methods), ""]
        # A blank line ends the table.
        body += [_NETWORKS, ""] if one.one_training else []
        return "\n".join([lines[0], *body, lines[-1], ""])

    return _MARKED.sub(replacement, text)


def scores(one: ScoredSet, methods: Sequence[str]) -> str:
    """F1 and AP by centres in per cent, and what it costs; every row of these methods and the baselines."""
    best = best_keys(one, one.keys)
    keys = [*one.keys, *(key for key in one.other_keys if key.artefacts == one.set.artefacts[0])]
    keys = [key for key in keys if not methods or key.method in (*methods, *one.baselines)]
    missing = set(methods) - {key.method for key in keys}
    if missing:
        sys.exit(f"{one.name}: not run: {', '.join(sorted(missing))}")
    rows = []
    if one.set.human is not None:
        rows.append(("people", "", "", percent(one.set.human.f1), *[""] * 5))
    for key in sorted(keys, key=lambda key: -(one.scores.mean(key, "cd", "f1").value or 0.0)):
        mean, size, fit = one.scores.mean(key, "cd", "f1"), one.parameters(key), one.seconds(key, "fit")
        rows.append(
            (
                f"`{key.method}`" + (" (baseline)" if key.method in one.baselines else ""),
                UNDEFINED if key.method in one.set.models else _WORDS[key.track],
                str(mean.n_seeds),
                percent(mean.value),
                span(mean.interval),
                percent(one.scores.mean(key, "cd", "ap").value),
                UNDEFINED if best is None or key not in one.keys else ("yes" if key in best else "no"),
                decimal(None if size is None else size / 1e6, 1),
                UNDEFINED if fit is None or key.method in one.set.models else f"{fit:,.0f}",
            )
        )
    supervision = {row[1] for row in rows} - {"", UNDEFINED}
    kept = [n for n, name in enumerate(_SCORES) if name != "learned from" or len(supervision) > 1]
    return table([_SCORES[n] for n in kept], [[row[n] for n in kept] for row in rows], left=len(kept) - 7)


def questions(one: ScoredSet) -> str:
    """The study's questions on a set, as the report has them."""
    return table(HEADER, question_rows(one), left=3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-root", type=Path, help="where the images of real sets lie, for pictures")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a table is another one")
    asked = parser.parse_args()
    suite = read_suite(Path("marrow"))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        unpack_suite(suite, RESULTS, out, {}, asked.data_root)
        sets = read_sets(suite, out)
        other = []
        for page in pages():
            before = page.read_text("utf-8")
            after = filled(before, sets)
            if before != after:
                other.append(page.relative_to(ROOT))
                if not asked.check:
                    write_text(page, after)
        if not asked.check:
            publish(suite, out, sets)
    print("\n".join(f"{path}: {'is not' if asked.check else 'now'} as the runs say" for path in other))
    return 1 if asked.check and other else 0


def publish(suite: Suite, out: Path, sets: Sequence[ScoredSet]) -> None:
    """The report with its pictures in docs/results/marrow, and the picture of `BELOW_90`."""
    write_suite_report(suite, out, print)
    one = next(one for one in sets if one.name == BELOW_90[0])
    keys = {key.method: key for key in reversed(one.keys)}
    why_not = draw_examples(out / "errors_below_90.jpg", one.collection, [keys[name] for name in BELOW_90[1]])
    if why_not:
        sys.exit(f"no picture of the methods below 0.90: {why_not}")
    REPORT.mkdir(exist_ok=True)
    for path in REPORT.iterdir():
        path.unlink()
    for path in sorted(out.iterdir()):
        if path.suffix in (".md", ".png", ".jpg"):
            shutil.copy(path, REPORT / path.name)


if __name__ == "__main__":
    sys.exit(main())
