"""A finished run as one HTML file: scores, curves, errors by cause, images with their errors.

Everything is in the file: it opens without a network or a server, and its policy lets it load nothing. Names
come from a stranger's data set and are shown as text. Pictures go in as the run holds them, unread: only
whether they are PNG is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from bmbench.benchmark.finished.tables import SCORED_FROM, class_name, image_name, missed_cells, scored
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.records.seal import warn_unsealed
from bmbench.benchmark.run.tables import run_tables
from bmbench.benchmark.scoring.recorded import RecordedRun
from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in, is_file, read_bytes
from bmbench.core.types import GroundTruth, Predictions
from bmbench.metrics import Cause, Scores
from bmbench.present.html import embedded_png, html_page, page_table, plain_table
from bmbench.present.words import FALSE_ALARMS, RULES, decimal, many

Matched: TypeAlias = tuple[str, GroundTruth, Predictions, Scores]
"""A way of matching, what was matched by it, and what came of it."""
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_PICTURES = 24
_LARGEST_PICTURE = 8 << 20
_MOST_ERRORS = 12
"""Errors of one cause that are listed, the surest first."""
_CAUSES = {
    "fp_artefact": Cause.ARTEFACT,
    "fp_duplicate": Cause.DUPLICATE,
    "fp_near": Cause.NEAR,
    "fp_background": Cause.BACKGROUND,
}


def run_page(path: Path) -> str:
    """The page of the finished run in a folder.

    Raises
    ------
    BadInputError
        If it is no finished run, or its records are damaged.
    """
    run = RunDir.open(path)
    warn_unsealed(run.check_seal(*SCORED_FROM))
    pictures, found = _pictures(run), list(scored(run))
    body = [
        f"<h1>{escape(run.path.name)}</h1>",
        _facts(run),
        "<h2>Scores</h2>",
        *(plain_table(table) for table in run_tables(run)),
        *_curves(run),
        "<h2>Errors by cause</h2>",
        *_errors(found, pictures),
        "<h2>Images, the one with most errors first</h2>",
        *_gallery(run, found, pictures),
    ]
    return html_page(run.path.name, "\n".join(body))


def _facts(run: RunDir) -> str:
    config, environment = run.config(), run.environment()
    commit = "" if environment.code is None else f", commit {environment.code.commit[:12]}"
    rows = [
        ("method", config.method),
        ("data set", config.dataset),
        ("track", f"{config.track.name}, version {config.track.version}"),
        ("profile", f"{config.profile.name}: {config.profile.title}"),
        ("seed", str(config.seed)),
        ("images", ", ".join(f"{n} {subset}" for subset, n in config.images.items())),
        ("made by", f"bmbench {environment.bmbench}{commit}, Python {environment.python}"),
        *(("shared between subsets", leak) for leak in config.leaks),
    ]
    settings = [(name, str(value)) for name, value in config.settings.items()]
    return (
        page_table(["", ""], rows, text=(1,))
        + f"<details><summary>{many(len(settings), 'setting')}</summary>"
        + page_table(["", ""], settings, text=(1,))
        + "</details>"
    )


def _curves(run: RunDir) -> Iterator[str]:
    for name, words in (
        ("pr_curves.png", "Precision against recall"),
        ("curve.png", "What the training did: losses and learning rate by step"),
        ("targets.png", "What the method made of the annotations"),
    ):
        picture = _picture(run, run.path / name)
        if picture is not None:
            yield f"<h2>{words}</h2>{embedded_png(picture, words)}"


def _errors(found: Sequence[Matched], pictures: dict[int, Path]) -> Iterator[str]:
    for rule, truth, predictions, scores in found:
        counts = [(words, f"{getattr(scores, name):,}") for name, words in FALSE_ALARMS.items()]
        rows = [("cells found", f"{scores.tp:,}"), ("cells missed", f"{scores.fn:,}")]
        total = [("false alarms", f"{scores.fp:,}")]
        yield f"<h3>By {RULES[rule]}</h3>" + page_table(["", ""], [*rows, *total, *counts])
        for name, words in FALSE_ALARMS.items():
            false = scores.matching.is_false_alarm & (scores.matching.cause == _CAUSES[name])
            false &= predictions.confidence >= (np.inf if scores.threshold is None else scores.threshold)
            worst = np.flatnonzero(false)
            worst = worst[np.argsort(-predictions.confidence[worst], kind="stable")]
            yield _listed(f"False alarms, {words}", truth, predictions, worst, pictures)
        missed = missed_cells(truth, predictions, scores)
        yield _listed("Cells missed", truth, truth, missed, pictures)


def _listed(
    title: str, truth: GroundTruth, table: GroundTruth | Predictions, rows: Any, pictures: dict[int, Path]
) -> str:
    """The first errors of a kind, folded in; an image with a picture is a link to it."""
    if not len(rows):
        return ""
    lines = []
    for row in rows[:_MOST_ERRORS].tolist():
        image, (x, y) = int(table.image[row]), table.xy[row].tolist()
        name = escape(image_name(truth, image))
        where = f"<a href='#image-{image}'>{name}</a>" if image in pictures else name
        if isinstance(table, Predictions):
            last = decimal(float(table.confidence[row]))
        else:
            last = escape(class_name(truth, table, row))
        lines.append(f"<tr><td>{where}</td><td>{x:.0f}, {y:.0f}</td><td>{last}</td></tr>")
    more = len(rows) - len(lines)
    left = f"<p>{more:,} more; <code>bmbench table RUN --level object</code> has all.</p>" if more else ""
    last = "confidence" if isinstance(table, Predictions) else "class"
    head = f"<tr><th>image</th><th>x, y</th><th>{last}</th></tr>"
    summary = f"<summary>{escape(title)}: {len(rows):,}</summary>"
    return f"<details>{summary}<table>{head}{''.join(lines)}</table>{left}</details>"


def _gallery(run: RunDir, found: Sequence[Matched], pictures: dict[int, Path]) -> Iterator[str]:
    if not pictures or not found:
        yield "<p>The run holds no pictures of its test images.</p>"
        return
    _, truth, _, scores = found[-1]
    errors = _by_image(scores)
    worst = sorted(pictures, key=lambda row: (-errors[row], row))
    shown = 0
    for row in worst[:_MOST_PICTURES]:
        picture = _picture(run, pictures[row])
        if picture is None:
            continue
        shown += 1
        words = f"{image_name(truth, row)}: {many(int(errors[row]), 'error')}"
        yield f"<figure id='image-{row}'><figcaption>{escape(words)}</figcaption>"
        yield f"{embedded_png(picture, words)}</figure>"
    if shown < len(truth.image_ids):
        left = many(len(truth.image_ids) - shown, "image")
        yield f"<p>{left} more without a picture here; the run's folder gallery has what was drawn.</p>"


def _by_image(scores: Scores) -> Any:
    """(images,) misses and false alarms together."""
    return scores.images.cells - scores.images.tp + scores.images.fp


def _pictures(run: RunDir) -> dict[int, Path]:
    """The overlay of each image that has one, by the image's row: their names begin with it."""
    if not run.gallery.is_dir():
        return {}
    metrics = read_record(run.path / "metrics.json", RecordedRun, within=run.path)
    found = {}
    for path in files_in(run.gallery, within=run.path, suffixes=(".png",)):
        number = path.name.partition("-")[0]
        if number.isascii() and number.isdigit() and int(number) < metrics.images:
            found[int(number)] = path
    return found


def _picture(run: RunDir, path: Path) -> bytes | None:
    """The bytes of a PNG file of the run; None where there is none, or it is something else."""
    if not is_file(path):
        return None
    try:
        data = read_bytes(path, within=run.path, limit=_LARGEST_PICTURE)
    except BadInputError:
        return None
    return data if data.startswith(_PNG) else None
