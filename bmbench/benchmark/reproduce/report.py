"""One Markdown report with its pictures: a function of the finished run directories and nothing else."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from bmbench.benchmark.reproduce import questions
from bmbench.benchmark.reproduce.examples import draw_examples
from bmbench.benchmark.reproduce.figures import draw_curves, draw_scores
from bmbench.benchmark.reproduce.published import CITATION
from bmbench.benchmark.reproduce.runs import collect
from bmbench.benchmark.reproduce.statistics import FEWEST_GROUPS, Table
from bmbench.benchmark.reproduce.tables import (
    COLUMNS,
    is_unet,
    ordered,
    places_table,
    published_table,
    runs_table,
    score_table,
)
from bmbench.benchmark.reproduce.words import bullets, listed, many, paragraph
from bmbench.core.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from bmbench.benchmark.reproduce.folder import StudyFolder
    from bmbench.benchmark.reproduce.runs import Collection, Key

TRACKS = {"precise": "precise annotations", "weak": "weak annotations"}


def write_report(folder: StudyFolder) -> Path:
    """The report of the study in a folder, written anew; the same runs give the same bytes.

    Raises
    ------
    BadInputError
        If the folder is not that of a study.
    """
    collection = collect(folder)
    pages = Pages(collection, folder.path)
    sections = [pages.head(), *pages.body(), pages.foot()]
    path = folder.path / "report.md"
    write_text(folder.path / "results.csv", results_csv(pages.scores))
    write_text(path, "\n\n".join(section for section in sections if section) + "\n")
    return path


class Pages:
    """The sections of a report; each writes the pictures that it names beside it."""

    def __init__(self, collection: Collection, out: Path) -> None:
        self.collection = collection
        self.scores = Table(collection)
        self._out = out
        modes = list(dict.fromkeys(cell.artefacts for cell in collection.cells))
        self.mode = "background" if "background" in modes else modes[0]
        """The artefact mode of the tables that have one only."""
        self.modes = modes

    def head(self) -> str:
        """What was run on what, and how the numbers are to be read."""
        collection, facts = self.collection, self.collection.facts
        name = collection.first.config["dataset"] if collection.first else facts.dataset
        done = sum(len(runs) for runs in collection.rows.values())
        state = f"{done} of {many(len(collection.cells), 'run')} finished, profile `{facts.profile}`."
        parts = [
            f"# The study on `{name}`",
            paragraph(
                f"The experiments of {CITATION}, here called *the study*, on other data with the methods of "
                f"bmbench. {state}"
            ),
        ]
        if collection.first is not None:
            parts += [bullets(self._facts()), "## How to read it", bullets(self._reading())]
        return "\n\n".join(parts)

    def body(self) -> list[str]:
        """Tables, questions and figures."""
        if self.collection.first is None:
            return []
        return [
            self._table_1(),
            self._table_2(),
            self._table_3(),
            self._weak_against_precise(),
            self._orders(),
            self._signature(),
            *(self._curves(track) for track in TRACKS),
            self._examples(),
        ]

    def foot(self) -> str:
        """Every run by itself, and what failed or is missing."""
        collection = self.collection
        parts = ["## Every run", runs_table(collection)]
        if any(collection.rows.values()):
            parts.append(
                paragraph(
                    "Scores in per cent (BB: boxes, CD: centres); conf.: the confidence chosen on the "
                    "optimisation images; s: seconds of training. Run directories: `runs/`."
                )
            )
        for title, texts in (
            ("Failed", [f"`{cell.name}`: {reason}" for cell, reason in collection.failures.items()]),
            ("Left out", [f"`{cell.name}` {reason}" for cell, reason in collection.odd.items()]),
            ("Not run yet", [f"`{cell.name}`" for cell in collection.missing]),
        ):
            if texts:
                parts += [f"## {title}", bullets(texts)]
        return "\n\n".join(parts)

    def _facts(self) -> list[str]:
        first = self.collection.first
        assert first is not None
        config, protocol = first.config, first.config["protocol"]
        images = config["images"]
        seeds = sorted({cell.seed for cell in self.collection.cells})
        folds = [cell.fold for cell in self.collection.cells if cell.fold]
        cells = first.evaluation.n_cells
        facts = [
            f"Data: `{config['dataset']}`, {images['train']} training, {images['validation']} validation, "
            f"{images['optimisation']} optimisation and {many(images['test'], 'test image')} with "
            f"{cells:,} cells; SHA-256 `{config['data_hash'][:12]}…`.",
            f"Test groups (patients, slides, fields): {self.scores.n_groups}. "
            f"Seeds: {', '.join(map(str, seeds))}.",
            f"Protocol `{protocol['name']}`: boxes match above an IoU of {protocol['iou']}, centres within "
            f"{protocol['radius_px']} px, {protocol['assignment']} assignment."
            if protocol["iou"] is not None
            else f"Protocol `{protocol['name']}`: centres match within {protocol['radius_px']} px.",
        ]
        if folds:
            names = ", ".join(f"`{fold}`" for fold in dict.fromkeys(folds))
            facts.append(f"Folds: {names}; the test images of all folds are scored as one set, by seed.")
        return facts

    def _reading(self) -> list[str]:
        texts = [
            "Scores are in per cent, means over seeds, each seed at the threshold that its own optimisation "
            "images gave. Below a score: its 95 % interval.",
            "Intervals are percentile bootstraps of two levels: the test groups are drawn again (the same "
            "draw for every method), and so are the seeds. They cover other patients and other seeds. No "
            "correction is made for the number of comparisons.",
            f"One method is called *ahead* of another only if the interval of their paired difference "
            f"excludes 0 and there are at least {FEWEST_GROUPS} test groups.",
            "Rows of the study are its own, on its own private data (63x, 22 test patches): they show the "
            "layout and the order that it found, not a level to be reached here. Only the rows shown are at "
            "hand; its other numbers are not available here.",
        ]
        if self.scores.n_groups < FEWEST_GROUPS:
            texts.append(
                f"**There {'is' if self.scores.n_groups == 1 else 'are'} only "
                f"{many(self.scores.n_groups, 'test group')}: differences are shown, but no order is stated. "
                "Intervals from so few groups are too narrow.**"
            )
        return texts

    def _table_1(self) -> str:
        keys = list(self.collection.of("precise", artefacts=self.mode))
        return _section(
            "## Table 1: methods on precise annotations",
            score_table(self.scores, keys) if keys else "",
            published_table("precise"),
            places_table(),
            self._dots("precise", keys),
        )

    def _table_2(self) -> str:
        keys = questions.encodings(self.scores, artefacts=self.mode)
        return _section(
            "## Table 2: U-Net encodings on weak annotations",
            score_table(self.scores, keys) if keys else "",
            published_table("weak", only_unets=True),
            self._dots("weak", keys),
        )

    def _table_3(self) -> str:
        weak = list(self.collection.of("weak"))
        if len(self.modes) > 1:
            keys = list(self.collection.rows)
            blocks = []
            for track, title in TRACKS.items():
                some = [key for key in keys if key.track == track]
                if some:
                    blocks += [f"Trained on {title}:", score_table(self.scores, some, with_mode=True)]
            body = "\n\n".join(blocks)
        elif all(is_unet(key.method) for key in weak):
            body = paragraph("Only U-Nets were run, in one artefact mode: Table 2 is all of it.")
        else:
            body = score_table(self.scores, weak)
        return _section(
            "## Table 3: all methods on weak annotations, by artefact mode", body, published_table("weak")
        )

    def _weak_against_precise(self) -> str:
        return _section(
            "## Are weak circles as good as contours?",
            paragraph(
                "Weak minus precise, F1 by centres, both scored on the same precise annotations. *yes*: the "
                "interval lies above −2 points; *no*: below; *open*: it holds −2."
            ),
            questions.weak_against_precise(self.scores, artefacts=self.mode),
        )

    def _orders(self) -> str:
        keys = questions.encodings(self.scores, artefacts=self.mode)
        if len(keys) < 2:
            return ""
        return _section(
            "## Which encoding of weak circles?",
            "The orders that the study found:",
            questions.claims(self.scores, artefacts=self.mode),
            "All pairs here:",
            questions.orders(self.scores, keys, self._rules()),
            *(
                f"F1 ({title}):\n\n{questions.differences(self.scores, keys, geometry)}"
                for geometry, title in self._rules().items()
            ),
            paragraph("Bold: the interval excludes 0. All intervals are in `results.csv`."),
        )

    def _signature(self) -> str:
        keys = questions.encodings(self.scores, artefacts=self.mode)
        if not keys or "bb" not in self._rules():
            return ""
        return _section(
            "## Boxes against centres",
            paragraph(
                "The study's *don't care* encoding finds the cells (centres) and draws them too large "
                "(boxes). Size: median width of the found objects beside their cells."
            ),
            questions.signature(self.scores, keys),
            questions.signature_verdict(self.scores, keys),
        )

    def _dots(self, track: str, keys: list[Key]) -> str:
        if not keys:
            return paragraph("No run of this track is finished.")
        name = f"scores_{track}.png"
        title = f"{TRACKS[track]}: means over seeds, 95 % intervals"
        draw_scores(self._out / name, self.scores, keys, title=title)
        return f"![F1 and AP by method, {TRACKS[track]}]({name})"

    def _curves(self, track: str) -> str:
        rows = self.collection.of(track, artefacts=self.mode)
        if not rows:
            return ""
        name = f"pr_{track}.png"
        draw_curves(self._out / name, rows, title=f"{TRACKS[track]}, mean over seeds")
        return _section(
            f"## Precision against recall, {TRACKS[track]}",
            paragraph(
                "The study's Figures 5 and 7. At each recall the best precision there or beyond, as AP takes "
                "it, the mean over seeds."
            ),
            f"![Precision against recall, {TRACKS[track]}]({name})",
        )

    def _examples(self) -> str:
        name = "examples.png"
        why_not = draw_examples(self._out / name, self.collection, artefacts=self.mode)
        title = "## Examples"
        if why_not:
            return _section(title, paragraph(f"No picture: {why_not}."))
        return _section(
            title,
            paragraph(
                "The study's Figure 6. One part of one test image, first seed: the image on which the "
                "methods' numbers of errors differ most, the part with most cells. Hits and errors are by "
                "boxes, where boxes are scored."
            ),
            f"![Hits and misses of every method on one test image]({name})",
        )

    def _rules(self) -> dict[str, str]:
        return {}


def results_csv(scores: Table) -> str:
    """Every number of the report for other programs: one row a mean or a paired difference."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["kind", "score", "first", "second", "value", "low", "high", "seeds", "groups"])
    keys = ordered(list(scores.collection.rows))
    for title, geometry, name in COLUMNS:
        for key in keys:
            _write(writer, ["mean", title, "/".join(key), ""], scores.mean(key, geometry, name))
        for key in keys:
            for other in keys:
                if key != other:
                    found = scores.contrast(name, plus=[(key, geometry)], minus=[(other, geometry)])
                    _write(writer, ["difference", title, "/".join(key), "/".join(other)], found)
    return text.getvalue()


def _section(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
