"""The same detectors on other annotations of the test images, and unchanged on other images."""

from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.report.published import ELSEWHERE_AP
from bmbench.benchmark.reproduce.report.runs import Collection, FinishedRun, collect, views
from bmbench.benchmark.reproduce.report.seed_means import Table
from bmbench.benchmark.reproduce.report.tables import score_table
from bmbench.benchmark.scoring.recorded import RecordedOtherSet
from bmbench.present.markdown import paragraph
from bmbench.present.words import many

_TRACKS = {
    "precise": "precise annotations",
    "drawn": "annotations as drawn",
    "weak": "weak annotations",
}


def generalisation(folder: StudyFolder, collection: Collection) -> str:
    """One block for each other set of images, with where its scale comes from; says so if there is none."""
    found = [view for view in views(collection, folder) if view.elsewhere]
    parts = [
        "## Other stains and tissues",
        paragraph(
            "The trained detectors, weights and thresholds unchanged, on images of another kind. The study's "
            "last experiment asks for the same and is another one: it learned and tested anew with slides of "
            "four more patients, of other stains, among its own (8,581 cells), without a new search, and "
            f"came to an AP of {ELSEWHERE_AP:.1f} by centres with its best U-Net."
        ),
    ]
    if not found:
        parts.append(paragraph("Not run here (`--test-on`)."))
    for view in found:
        other = collect(folder, view)
        if other.first is not None:
            parts += [f"### `{view.elsewhere}`", _about(other, other.first), *_blocks(other, "run")]
    return "\n\n".join(parts)


def other_annotations(folder: StudyFolder, collection: Collection) -> str:
    """One block for each other set of annotations of the test images; empty if there is none."""
    parts = []
    for view in views(collection, folder):
        other = collect(folder, view)
        if view.variant and other.first is not None:
            parts += [f"## The same answers, scored on `{view.variant}`", *_blocks(other, "seed")]
    return "\n\n".join(parts)


def _blocks(other: Collection, word: str) -> list[str]:
    scores, modes = Table(other), {key.artefacts for key in other.rows}
    blocks = []
    for track, title in _TRACKS.items():
        keys = list(other.of(track))
        if keys:
            rows = score_table(scores, keys, with_mode=len(modes) > 1, word=word)
            blocks += [f"Trained on {title}:", rows]
    return blocks


def _about(other: Collection, first: FinishedRun) -> str:
    record = read_record(first.predictions.parent / "metrics.json", RecordedOtherSet)
    scale = record.scale
    return paragraph(
        f"{many(record.images, 'image')} of {many(len(other.groups), 'group')} with {record.cells:,} "
        f"cells; resized by {scale.factor:g} ({scale.reason}); centres match within "
        f"{first.protocol.radius_px:g} px."
    )
