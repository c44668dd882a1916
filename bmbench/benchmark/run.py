"""`bmbench run`: load → supervise → fit → choose a threshold → predict → score → draw."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bmbench.benchmark.console import Logged
from bmbench.benchmark.environment import describe_environment
from bmbench.benchmark.foreground import foreground_curve
from bmbench.benchmark.options import RunOptions, require_installed, resolve_settings
from bmbench.benchmark.profiles import Profile, get_profile
from bmbench.benchmark.rundir import RunDir
from bmbench.benchmark.scale import largest_cell, pixel_size
from bmbench.benchmark.supervision import ArtefactMode, Supervision, supervise
from bmbench.benchmark.tracks import Track, get_track
from bmbench.core.errors import BadInputError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bmbench.adapters.method import Detector, Method
    from bmbench.core.progress import Progress
    from bmbench.core.types import Sample
    from bmbench.datasets.dataset import Dataset, LoadRequest, Split, Subset
    from bmbench.metrics import Evaluation, Protocol

ARTEFACT_MODES: tuple[ArtefactMode, ...] = ("background", "foreground")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run, resolved: every name is a record and every image has been read once."""

    options: RunOptions
    method: Method
    settings: Any
    dataset: Dataset
    request: LoadRequest
    split: Split
    data_hash: str
    track: Track
    profile: Profile
    protocol: Protocol
    supervision: Supervision

    @property
    def name(self) -> str:
        """The name of the run directory."""
        o = self.options
        return f"{self.dataset.card.name}-{o.track}-{o.method}-{o.profile}-s{o.seed}"


def run(options: RunOptions, progress: Progress) -> RunDir:
    """The directory of a finished run.

    Nothing is written before the whole input has been read and found good.

    Raises
    ------
    BadInputError
        For an unknown name, a bad setting, data that cannot be read.
    MissingExtraError
        If the method needs a dependency that is not installed.
    """
    plan = resolve(options, progress)
    folder = RunDir.create(options.out, plan.name)
    with folder.log.open("w") as log:
        _work(plan, folder, Logged(progress, log))
    return folder


def resolve(options: RunOptions, progress: Progress) -> Plan:
    """The run that these options ask for, with its data read and checked."""
    from bmbench.adapters import METHODS
    from bmbench.datasets import open_dataset
    from bmbench.datasets.dataset import LoadRequest
    from bmbench.metrics import PROTOCOLS

    track, profile = get_track(options.track), get_profile(options.profile)
    if options.artefacts not in ARTEFACT_MODES:
        raise UnknownNameError("artefact mode", options.artefacts, ARTEFACT_MODES)
    method = METHODS.get(options.method)
    require_installed(method)
    settings = resolve_settings(method, options.profile, options.settings)
    dataset = open_dataset(options.dataset)
    request = LoadRequest(data=options.data, seed=options.seed, options=options.dataset_options)
    split = dataset.load(request)
    data_hash = _read_all(split, progress)
    protocol = dataclasses.replace(PROTOCOLS[dataset.card.protocol], radius_px=split.radius_px)
    supervision = supervise(
        dataset.card,
        split.samples["train"],
        track=track,
        artefacts=options.artefacts,
        seed=options.seed,
        jitter_px=options.jitter_px,
    )
    return Plan(
        options=options,
        method=method,
        settings=settings,
        dataset=dataset,
        request=request,
        split=split,
        data_hash=data_hash,
        track=track,
        profile=profile,
        protocol=protocol,
        supervision=supervision,
    )


def _read_all(split: Split, progress: Progress) -> str:
    """The hash of the data set; reads every image, so that a bad one is found before any work is done."""
    from bmbench.datasets.hashing import DataHash

    samples = [sample for subset in split.samples.values() for sample in subset]
    needed: tuple[Subset, ...] = ("train", "test")
    empty = [name for name in needed if not split.samples[name]]
    if empty:
        raise BadInputError(f"no image in the subset {empty[0]!r}", remedy="check the data set's split")
    digest = DataHash(split.categories)
    for sample in progress.track(samples, description="Reading images", total=len(samples)):
        digest.add(sample)
    return digest.hexdigest()


def _work(plan: Plan, folder: RunDir, progress: Progress) -> None:
    started = time.monotonic()
    folder.write("config.json", _config(plan))
    folder.write("environment.json", describe_environment())
    samples = plan.split.samples
    detector = _fit(plan, samples["train"], samples["validation"], progress)
    threshold, threshold_source = _choose_threshold(plan, detector, folder, progress)
    if plan.profile.retrain:
        both = (*samples["train"], *samples["optimisation"])
        detector = _fit(plan, both, samples["validation"], progress)
    fitted = time.monotonic()
    folder.checkpoint.mkdir()
    detector.save(folder.checkpoint)
    evaluation = _predict_and_score(plan, detector, folder, "test", progress, threshold=threshold)
    _draw(plan, folder, evaluation, progress)
    metrics = evaluation.to_json() | {
        "threshold_source": threshold_source,
        "variants": _variants(plan, folder, threshold),
        "seconds": {"fit": round(fitted - started, 1), "all": round(time.monotonic() - started, 1)},
    }
    folder.write("metrics.json", metrics)


def _fit(plan: Plan, train: Sequence[Sample], validation: Sequence[Sample], progress: Progress) -> Detector:
    from bmbench.adapters.method import FitRequest
    from bmbench.datasets.augment import augment

    request = FitRequest(
        train=plan.supervision.view(train),
        validation=plan.supervision.view(validation),
        settings=plan.settings,
        seed=plan.options.seed,
        augment=augment,
        progress=progress,
        categories=plan.split.categories,
        foreground_curve=foreground_curve(train, plan.supervision, name=plan.dataset.card.name),
    )
    return plan.method.fit(request)


def _choose_threshold(
    plan: Plan, detector: Detector, folder: RunDir, progress: Progress
) -> tuple[float | None, str]:
    """The confidence of the best F1 (CD) on the optimisation subset, and what it is called.

    Without an optimisation subset the threshold is the best one of the test images: an oracle, named so.
    """
    from bmbench.metrics import choose_threshold

    if not plan.split.samples["optimisation"]:
        return None, "oracle"
    evaluation = _predict_and_score(plan, detector, folder, "optimisation", progress)
    if evaluation.cd is None:
        return None, "oracle"
    return choose_threshold(evaluation.cd), "optimisation"


def _predict_and_score(
    plan: Plan,
    detector: Detector,
    folder: RunDir,
    subset: Subset,
    progress: Progress,
    *,
    threshold: float | None = None,
) -> Evaluation:
    """The scores of a subset, from the files that were written for it: they can be scored again alone."""
    from bmbench.benchmark.scoring import evaluate_files
    from bmbench.datasets.codecs.coco import write_coco
    from bmbench.datasets.predictions import write_predictions

    samples = plan.split.samples[subset]
    stage = progress.track(samples, description=f"Predicting {subset} images", total=len(samples))
    answers = {sample.image_id: detector.predict(sample.load()) for sample in stage}
    write_coco(folder.truth(subset), samples, plan.split.categories)
    write_predictions(folder.predictions(subset), answers, plan.split.categories)
    return evaluate_files(
        folder.predictions(subset),
        folder.truth(subset),
        plan.protocol,
        threshold=threshold,
        bootstrap=plan.profile.bootstrap if subset == "test" else 0,
        seed=plan.options.seed,
    )


def _variants(plan: Plan, folder: RunDir, threshold: float | None) -> dict[str, Any]:
    """The same predictions scored against the other annotations of the same images, by data set name."""
    from bmbench.benchmark.scoring import evaluate_files
    from bmbench.datasets import open_dataset
    from bmbench.datasets.codecs.coco import write_coco

    scores = {}
    for name in plan.dataset.card.also_scored_as:
        split = open_dataset(name).load(plan.request)
        truth = folder.truth("test").with_name(f"truth_{name}.json")
        write_coco(truth, split.samples["test"], split.categories)
        evaluation = evaluate_files(
            folder.predictions("test"),
            truth,
            plan.protocol,
            threshold=threshold,
            bootstrap=plan.profile.bootstrap,
            seed=plan.options.seed,
        )
        scores[name] = evaluation.to_json()
    return scores


def _draw(plan: Plan, folder: RunDir, evaluation: Evaluation, progress: Progress) -> None:
    from bmbench.benchmark.figures import draw_pr_curves
    from bmbench.benchmark.gallery import draw_gallery

    draw_pr_curves(folder.path / "pr_curves.png", evaluation, title=plan.name)
    draw_gallery(folder, evaluation, plan.split.samples["test"], most=plan.profile.gallery, progress=progress)


def _config(plan: Plan) -> dict[str, Any]:
    options, card = plan.options, plan.dataset.card
    return {
        "schema": "bmbench.run/1",
        "method": options.method,
        "settings": dataclasses.asdict(plan.settings),
        "dataset": card.name,
        "data": None if options.data is None else str(options.data),
        "dataset_options": dict(options.dataset_options),
        "data_hash": plan.data_hash,
        "um_per_px": pixel_size(plan.split.samples["train"]),
        "largest_cell_px": largest_cell(plan.supervision.view(plan.split.samples["train"])),
        "images": {subset: len(samples) for subset, samples in plan.split.samples.items()},
        "track": {"name": plan.track.name, "version": plan.track.version},
        "profile": dataclasses.asdict(plan.profile),
        "artefacts": options.artefacts,
        "jitter_px": plan.supervision.jitter_px,
        "seed": options.seed,
        "protocol": dataclasses.asdict(plan.protocol),
    }
