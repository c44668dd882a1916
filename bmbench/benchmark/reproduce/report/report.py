"""One Markdown report with its pictures: a function of the finished run directories and nothing else."""

from collections.abc import Mapping
from pathlib import Path

from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.report import questions
from bmbench.benchmark.reproduce.report.claims import claims_section
from bmbench.benchmark.reproduce.report.counts_section import counts_section
from bmbench.benchmark.reproduce.report.errors_section import mistakes
from bmbench.benchmark.reproduce.report.examples import draw_examples
from bmbench.benchmark.reproduce.report.figures import draw_curves, draw_scores, draw_trainings
from bmbench.benchmark.reproduce.report.first_page import head
from bmbench.benchmark.reproduce.report.mappings import draw_mappings
from bmbench.benchmark.reproduce.report.other_sets_section import generalisation, other_annotations
from bmbench.benchmark.reproduce.report.runs import Collection, FinishedRun, Key, collect
from bmbench.benchmark.reproduce.report.seed_means import Table
from bmbench.benchmark.reproduce.report.tables import (
    is_unet,
    ordered,
    published_table,
    results_csv,
    runs_table,
    score_table,
)
from bmbench.core.files import write_text
from bmbench.metrics.protocol import GEOMETRIES, Geometry
from bmbench.present.markdown import bullets, paragraph
from bmbench.present.words import RULES

TRACKS = {
    "precise": "precise annotations",
    "drawn": "annotations as drawn",
    "weak": "weak annotations",
}
_FIGURES = {"precise": "The study's Figure 5. ", "weak": "The study's Figure 7. "}


def write_report(folder: StudyFolder) -> Path:
    """The report of the study in a folder, written anew; the same runs give the same bytes.

    Raises
    ------
    BadInputError
        If the folder is not that of a study.
    """
    collection = collect(folder)
    pages = Pages(folder, collection)
    sections = [head(pages.scores), *pages.body(), pages.foot()]
    path = folder.path / "report.md"
    write_text(folder.path / "results.csv", results_csv(pages.scores))
    write_text(path, "\n\n".join(section for section in sections if section) + "\n")
    return path


def results_text(folder: StudyFolder) -> str:
    """What ``results.csv`` of the study in a folder has to say."""
    pages = Pages(folder, collect(folder))
    return results_csv(pages.scores)


class Pages:
    """The sections of a report; each writes the pictures that it names beside it."""

    def __init__(self, folder: StudyFolder, collection: Collection) -> None:
        self.collection = collection
        self._folder = folder
        self.scores = Table(collection)
        self._out = folder.path
        modes = list(dict.fromkeys(cell.artefacts for cell in collection.cells))
        self.mode = "background" if "background" in modes else modes[0]
        """The artefact mode of the tables that have one only."""
        self.modes = modes

    def body(self) -> list[str]:
        """Tables, questions and figures."""
        if self.collection.first is None:
            return []
        return [
            self._table_1(),
            self._table_2(),
            self._table_3(),
            self._as_drawn(),
            self._weak_against_precise(),
            self._mappings(),
            claims_section(self.scores, artefacts=self.mode),
            self._orders(),
            self._signature(),
            *(self._curves(track) for track in TRACKS),
            self._encoding_curves(),
            *(self._trainings(track) for track in TRACKS),
            self._examples(),
            mistakes(self._out, self._folder, self.collection),
            counts_section(self._out, self.scores),
            other_annotations(self._folder, self.collection),
            generalisation(self._folder, self.collection),
        ]

    def foot(self) -> str:
        """Every run by itself, and what failed or is missing."""
        collection = self.collection
        parts = ["## Every run", runs_table(collection)]
        if any(collection.rows.values()):
            parts.append(
                paragraph(
                    "Scores in per cent (BB: boxes, CD: centres); conf.: the confidence chosen on the "
                    "optimisation images. Run directories: `runs/`."
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

    def _table_1(self) -> str:
        keys = list(self.collection.of("precise", artefacts=self.mode))
        return _section(
            "## Table 1: methods on precise annotations",
            self._measured("precise", keys),
            published_table(self.scores, 1, track="precise", artefacts=self.mode),
        )

    def _table_2(self) -> str:
        keys = self._encodings()
        if not any(is_unet(cell.method) for cell in self.collection.cells):
            return ""
        return _section(
            "## Table 2: U-Net encodings on weak annotations",
            self._measured("weak", keys),
            published_table(self.scores, 2, track="weak", artefacts=self.mode),
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
        elif weak and all(is_unet(key.method) for key in weak):
            body = paragraph("Only U-Nets were run, in one artefact mode: Table 2 is all of it.")
        else:
            some_unets = any(is_unet(key.method) for key in weak)
            body = self._measured("weak", weak, name="all" if some_unets else "weak")
        return _section(
            "## Table 3: all methods on weak annotations, by artefact mode",
            body,
            published_table(self.scores, 3, track="weak", artefacts=self.mode),
        )

    def _as_drawn(self) -> str:
        """What the study did not ask: own data, learned as they were drawn."""
        keys = list(self.collection.of("drawn"))
        return _section("## Methods on annotations as drawn", self._measured("drawn", keys)) if keys else ""

    def _weak_against_precise(self) -> str:
        return _section(
            "## Are weak circles as good as contours?",
            paragraph(
                "Weak minus precise, F1 by centres, both scored on the same precise annotations. *yes*: at "
                "most 2 points worse (one-sided test at 2.5 %, on the raw and the logit scale); *no*: more; "
                "*open*: neither is shown."
            ),
            questions.weak_against_precise(self.scores, artefacts=self.mode),
        )

    def _mappings(self) -> str:
        name = "encodings.png"
        cells = {key.method: self.collection.rows[key][0].cell for key in self._encodings()}
        if not draw_mappings(self._out / name, self._folder, cells):
            return ""
        return _section(
            "## What the networks are taught",
            paragraph(
                "The study's Figure 3. The target of a pixel by its depth in a round cell of the mean size. "
                "The statistical curves are measured on this training data."
            ),
            f"![Target by depth, for each encoding]({name})",
        )

    def _encodings(self) -> list[Key]:
        return questions.encodings(self.scores, artefacts=self.mode)

    def _orders(self) -> str:
        keys = self._encodings()
        if len(keys) < 2:
            return ""
        return _section(
            "## Which encoding of weak circles?",
            "All pairs here:",
            questions.orders(self.scores, keys, self._rules()),
            *(
                f"F1 ({title}):\n\n{questions.differences(self.scores, keys, geometry)}"
                for geometry, title in self._rules().items()
            ),
            paragraph("Bold: told apart. The intervals, each of its pair alone, are in `results.csv`."),
        )

    def _signature(self) -> str:
        keys = self._encodings()
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

    def _measured(self, track: str, keys: list[Key], *, name: str = "") -> str:
        if not keys:
            return paragraph("No such run is finished.")
        name = f"scores_{name or track}.png"
        title = f"{TRACKS[track]}: means over seeds, 95 % intervals"
        draw_scores(self._out / name, self.scores, keys, title=title)
        return _section(score_table(self.scores, keys), f"![F1 and AP by method, {TRACKS[track]}]({name})")

    def _trainings(self, track: str) -> str:
        name = f"trainings_{track}.png"
        rows = self.collection.of(track, artefacts=self.mode)
        if not rows or not draw_trainings(self._out / name, rows, title=TRACKS[track]):
            return ""
        return _section(
            f"## What the trainings did, {TRACKS[track]}",
            paragraph(
                "The loss by step of every run, a colour a seed, relative to that of an answer that knows "
                "nothing: of the validation images, or of the training images where a method uses no others. "
                "Each run has its own `history.csv` and `curve.png`."
            ),
            f"![{TRACKS[track]}]({name})",
        )

    def _curves(self, track: str) -> str:
        rows = self.collection.of(track, artefacts=self.mode)
        if not rows:
            return ""
        of_study = _FIGURES.get(track, "")
        return _section(
            f"## Precision against recall, {TRACKS[track]}",
            paragraph(
                f"{of_study}At each recall the best precision there or beyond, as AP takes it, the mean "
                "over seeds."
            ),
            self._curve_picture(f"pr_{track}.png", rows, TRACKS[track]),
        )

    def _encoding_curves(self) -> str:
        """Those of the encodings alone, where other methods are among the curves of the track."""
        keys = self._encodings()
        title = "encodings of weak annotations"
        if not keys:
            return ""
        rows = {key: self.collection.rows[key] for key in keys}
        whole = len(keys) == len(self.collection.of("weak", artefacts=self.mode))
        return _section(
            "## Precision against recall, U-Net encodings of circles",
            paragraph("The study's Figure 6: what an encoding of circles is worth at every confidence."),
            "The picture above." if whole else self._curve_picture("pr_encodings.png", rows, title),
        )

    def _curve_picture(self, name: str, rows: Mapping[Key, tuple[FinishedRun, ...]], title: str) -> str:
        draw_curves(self._out / name, rows, title=f"{title}, mean over seeds")
        return f"![Precision against recall, {title}]({name})"

    def _examples(self) -> str:
        name = "examples.jpg"
        keys = ordered([key for key in self.collection.rows if key.artefacts == self.mode])
        why_not = draw_examples(self._out / name, self.collection, keys)
        title = "## Examples"
        if why_not:
            return _section(title, paragraph(f"No picture: {why_not}."))
        return _section(
            title,
            paragraph(
                "One part of one test image, first seed: the image on which the methods' numbers of errors "
                "differ most, the part with most cells. Hits and errors are by boxes, where boxes are scored."
            ),
            f"![Hits and misses of every method on one test image]({name})",
        )

    def _rules(self) -> dict[Geometry, str]:
        """The matching rules that are scored, with their names."""
        first = self.collection.first
        return {rule: RULES[rule] for rule in GEOMETRIES if first is not None and first.scores(rule)}


def _section(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
