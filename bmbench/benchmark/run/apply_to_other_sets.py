"""A trained detector applied unchanged to other images: the study's last experiment.

Weights, threshold and all settings stay those of the run; only the scale of the images is brought to the
run's, where it is known or, as their colours, measured (`bmbench.benchmark.protocol.adjustment`). What each
set of images leaves in the run directory::

    elsewhere/
      dsb_purple-subset=purple/
        truth.json, predictions.json   `bmbench score` on the two gives metrics.json again
        manifest.json                  SHA-256 of the others
        metrics.json                   the scores at the run's own threshold, what the images are, the scale
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.adapters.images.appearance import cut
from bmbench.adapters.method import Detector
from bmbench.benchmark.models.places import load_model
from bmbench.benchmark.models.record import read_model
from bmbench.benchmark.protocol.adjustment import (
    Adjusting,
    Adjustment,
    adjust,
    adjustment_lines,
    require_appearance,
)
from bmbench.benchmark.protocol.classes import CLASSES, as_classes_of
from bmbench.benchmark.protocol.other_sets import OtherSet
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.records.seal import OTHER_SET, require_as_sealed, seal
from bmbench.benchmark.records.trained_run import TrainedRun, load_run
from bmbench.benchmark.run.other_sets import (
    OtherImages,
    find_places,
    refuse_seen,
    related,
    working_factor,
)
from bmbench.benchmark.run.plan import learned_names
from bmbench.benchmark.scoring.recorded import RecordedRun
from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.core.files import json_text, make_folder, write_bytes
from bmbench.core.locks import only_one
from bmbench.core.objects import scaled
from bmbench.core.progress import Progress
from bmbench.core.types import Category, Detections, Pixels
from bmbench.datasets import open_dataset
from bmbench.metrics.scores import Evaluation

UNADJUSTED = Adjusting()
"""Images at the scale that is stated, in their own colours."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unchanged:
    """A trained detector and what stays as it is.

    Attributes
    ----------
    um_per_px, mean_cell_px : float or None
        Pixel size and mean cell diameter of the images that it learned from.
    threshold : float or None
        The confidence at which its F1 is given.
    classes : tuple of Category
        What the detector's labels mean.
    adjusting : Adjusting
        Whether images are brought to the size and the colours of those that it learned from.
    """

    detector: Detector
    um_per_px: float | None
    mean_cell_px: float | None
    threshold: float | None
    classes: tuple[Category, ...] = CLASSES
    adjusting: Adjusting = UNADJUSTED


def apply_run(
    path: Path, wishes: Sequence[str], progress: Progress, *, asked: Adjusting = UNADJUSTED
) -> RunDir:
    """The directory of a finished run, with its results on other images in it.

    Raises
    ------
    BadInputError
        If it is no finished run, if it does not know what `asked` needs, and as for `find_places`.
    """
    trained, folder = load_run(path), RunDir(path)
    require_as_sealed(folder.check_seal("metrics.json"))
    config, centres = folder.config(), read_record(path / "metrics.json", RecordedRun).cd
    own = RunOptions.from_json(config.options, where=f"{path}/config.json, options")

    def learned() -> frozenset[str]:
        request = LoadRequest(data=own.data, seed=own.seed, options=own.dataset_options)
        dataset = open_dataset(own.dataset, data=own.data, options=own.dataset_options)
        return learned_names(dataset.load(request))

    unchanged = _unchanged(trained, asked)
    places = find_places(
        _settled(wishes),
        own=config.dataset,
        own_data=own.data,
        learned=learned,
        seed=own.seed,
        progress=progress,
    )
    threshold = None if centres is None else centres.threshold
    _apply(replace(unchanged, threshold=threshold), places, folder.elsewhere, progress, lock=path)
    return folder


def apply_model(
    path: Path, wishes: Sequence[str], progress: Progress, *, out: Path, asked: Adjusting = UNADJUSTED
) -> Path:
    """The folder `out` with a model's results on other images in it; the errors of `apply_run`."""
    trained, record = load_model(path), read_model(path)
    unchanged = _unchanged(trained, asked)
    places = find_places(
        _settled(wishes), own="", own_data=None, learned=frozenset, seed=0, progress=progress
    )
    for place in places:
        for name, seen in record.learned.items():
            if related(place.card, name):
                refuse_seen(place, seen)
    make_folder(out)
    _apply(unchanged, places, out, progress, lock=out)
    return out


def _settled(wishes: Sequence[str]) -> list[OtherSet]:
    return [OtherSet.parse(text).settled() for text in wishes]


def _unchanged(trained: TrainedRun, asked: Adjusting) -> Unchanged:
    """The detector with what is asked for, which it has to know how to do."""
    adjusting = replace(asked, learned=trained.appearance)
    require_appearance(adjusting, where=str(trained.path))
    return Unchanged(
        detector=trained.detector,
        classes=trained.classes,
        um_per_px=trained.um_per_px,
        mean_cell_px=trained.mean_cell_px,
        threshold=trained.threshold,
        adjusting=adjusting,
    )


def _apply(
    unchanged: Unchanged, places: Sequence[OtherImages], elsewhere: Path, progress: Progress, *, lock: Path
) -> None:
    for place in places:
        if place.wish.cell_px is not None and unchanged.adjusting.measured_scale:
            measured = unchanged.adjusting.scale_option
            raise BadInputError(
                f"--on {place.wish}: a stated diameter, and {measured}, which measures it",
                remedy="leave one of the two out",
            )
    with only_one(lock):
        for place in places:
            folder = elsewhere / f"{place.wish.name}{unchanged.adjusting.suffix}"
            apply_unchanged(unchanged, place, folder, progress)


def apply_unchanged(unchanged: Unchanged, place: OtherImages, folder: Path, progress: Progress) -> Evaluation:
    """The scores on the images of a place; their files are written into `folder`, metrics.json last."""
    from bmbench.benchmark.scoring.score_files import evaluate_files
    from bmbench.datasets.formats.coco.samples import write_coco
    from bmbench.datasets.formats.predictions import write_predictions

    truth, predictions = folder / "truth.json", folder / "predictions.json"
    answers, adjusted, reasons = {}, list[tuple[str, Adjustment]](), set()
    samples = place.samples
    asked = unchanged.adjusting.sharing(cut(sample.load()) for sample in samples)
    for sample in progress.track(samples, description=f"Predicting {place.wish.name}", total=len(samples)):
        factor, reason = working_factor(
            sample.um_per_px,
            cell_px=place.wish.cell_px,
            trained_um=unchanged.um_per_px,
            trained_cell_px=unchanged.mean_cell_px,
        )
        image = sample.load()
        adjustment = adjust(asked, partial(cut, image), stated=factor)
        found = predict_resized(unchanged.detector, adjustment.recolour(image), adjustment.factor)
        answers[sample.image_id] = as_classes_of(place.categories, found, unchanged.classes)
        adjusted.append((sample.name, adjustment))
        reasons.add("nuclei measured" if adjustment.nucleus_px is not None else reason)
    lines = adjustment_lines(asked, adjusted)
    for line in lines:
        progress.tell(line)
    factors = [adjustment.factor for _, adjustment in adjusted]
    # Whoever is killed from here on leaves no old scores beside new answers; a disk that refuses this will
    # say so of the files.
    with suppress(OSError):
        (folder / "metrics.json").unlink()
    write_coco(truth, samples, place.categories)
    write_predictions(predictions, answers, place.categories)
    evaluation = evaluate_files(
        predictions,
        truth,
        place.protocol,
        threshold=unchanged.threshold,
    )
    record = evaluation.to_json() | {
        "set": place.facts(),
        "scale": {"factor": round(float(np.median(factors)), 4), "from": ", ".join(sorted(reasons))},
        **({"adjusted": list(lines)} if lines else {}),
        "best_f1": {rule: best_f1(evaluation, rule) for rule in ("bb", "cd")},
    }
    data = json_text(record).encode()
    seal(folder, OTHER_SET, coming={"metrics.json": data})
    write_bytes(folder / "metrics.json", data)
    return evaluation


def predict_resized(detector: Detector, image: Pixels, factor: float) -> Detections:
    """What a detector finds on an image that is resized before, in the pixels of the image as it is."""
    from bmbench.adapters.images.working_scale import resized, working_size

    if factor == 1:
        return detector.predict(image)
    height, width = image.shape[:2]
    size = working_size(width, height, factor)
    found = detector.predict(resized(image, size))
    return scaled(found, np.array([width, height]) / size)


def best_f1(evaluation: Evaluation, rule: str) -> float | None:
    """The F1 that the best threshold of these very images would give: an oracle."""
    scores: Any = getattr(evaluation, rule)
    if scores is None or not scores.curve.cells:
        return None
    return float(max(scores.curve.f(), default=0.0))
