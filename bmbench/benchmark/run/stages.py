"""The stages of a run: fit → choose a threshold → fit again → predict → score → draw → try elsewhere.

What a stage leaves is a file or a folder that appears whole or not at all. A stage whose file is there is
not done again, so a run that was stopped goes on with the first stage that has none.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bmbench.adapters.ensemble import load_detector, member_seed
from bmbench.adapters.learning.fit_request import FitRequest, TrainingReport
from bmbench.adapters.method import Detector
from bmbench.benchmark.protocol.classes import as_classes_of
from bmbench.benchmark.protocol.image_scale import mean_cell, pixel_size
from bmbench.benchmark.protocol.supervision import foreground_curve
from bmbench.benchmark.records.history import FitHistory, HistoryRow, read_history, write_history
from bmbench.benchmark.records.run_folder import Clock, RunDir
from bmbench.benchmark.run.apply_to_other_sets import Unchanged, apply_unchanged
from bmbench.benchmark.run.plan import Plan
from bmbench.core.dataset import Subset
from bmbench.core.files import writing_folder
from bmbench.core.progress import Progress
from bmbench.core.types import GroundTruth, Predictions, Sample
from bmbench.metrics.scores import Evaluation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """A run under way; `kept` holds the detectors that this process has in memory, by folder."""

    plan: Plan
    folder: RunDir
    clock: Clock
    progress: Progress
    kept: dict[Path, Detector] = field(default_factory=dict)
    told: tuple[Callable[[HistoryRow], None], ...] = ()


def work_through(work: Work) -> None:
    """Do every stage that has not been done; `metrics.json` is written last."""
    folder = work.folder
    threshold, threshold_source = _choose_threshold(work)
    with work.clock.stage("fit"):
        detector = _final_detector(work)
    with work.clock.stage("predict"):
        _predict(work, detector, "test")
    evaluation = _score(work, "test", threshold=threshold)
    _draw(work, evaluation)
    _test_elsewhere(work, detector, evaluation)
    metrics = evaluation.to_json() | {
        "threshold_source": threshold_source,
        "variants": _variants(work, threshold),
    }
    if work.plan.classes:
        metrics["per_class"] = _score_classes(work, evaluation)
    work.clock.save()
    # Before the last file: what a kill leaves between the two would stay in a finished run.
    shutil.rmtree(folder.unfinished, ignore_errors=True)
    folder.finish(metrics)


def _choose_threshold(work: Work) -> tuple[float | None, str]:
    """The confidence of the best F1 (CD) on the optimisation subset, and what it is called.

    Without an optimisation subset the threshold is the best one of the test images: an oracle, named so.
    """
    if not work.plan.split.samples["optimisation"]:
        return None, "oracle"
    if not work.folder.predictions("optimisation").exists():
        with work.clock.stage("fit"):
            detector = _first_detector(work)
        with work.clock.stage("predict"):
            _predict(work, detector, "optimisation")
    evaluation = _score(work, "optimisation")
    if evaluation.cd is None:
        return None, "oracle"
    from bmbench.metrics.evaluation import choose_threshold

    return choose_threshold(evaluation.cd), "optimisation"


def _first_detector(work: Work) -> Detector:
    """The detector that chooses the threshold: it knows the training images alone."""
    train = work.plan.split.samples["train"]
    if not work.plan.profile.retrain:
        return _fitted(work, work.folder.checkpoint, train)
    return _fitted(work, work.folder.unfinished / "first", train)


def _final_detector(work: Work) -> Detector:
    """The detector of the checkpoint, which may have learned from the optimisation images too."""
    samples = work.plan.split.samples
    if not work.plan.profile.retrain:
        return _first_detector(work)
    return _fitted(work, work.folder.checkpoint, (*samples["train"], *samples["optimisation"]))


def _fitted(work: Work, place: Path, train: Sequence[Sample]) -> Detector:
    """The detector that is saved in that folder; it is fitted, and saved there, if there is none."""
    if place in work.kept:
        return work.kept[place]
    method, n_models = work.plan.method, work.plan.profile.models
    if place.is_dir():
        detector = load_detector(method, place)
    elif n_models == 1 or method.ensemble is None:
        detector = _member(work, place, train, seed=work.plan.options.seed)
    else:
        # A member that is fitted stays, whatever becomes of the next one.
        members = work.folder.unfinished / f"members-{place.name}"
        seeds = [member_seed(work.plan.options.seed, number) for number in range(n_models)]
        detector = method.ensemble(
            [
                _member(work, members / f"member-{number}", train, seed=seed)
                for number, seed in enumerate(seeds, start=1)
            ]
        )
        save_whole(detector, place)
        shutil.rmtree(members, ignore_errors=True)
    work.kept[place] = detector
    return detector


def _member(work: Work, place: Path, train: Sequence[Sample], *, seed: int) -> Detector:
    """One detector, saved in that folder; fitted if it is not there."""
    if place.is_dir():
        return work.plan.method.load(place)
    state = work.folder.unfinished / "-".join(("fit", *place.relative_to(work.folder.path).parts))

    history = FitHistory(fit=_fit_name(work, place), told=(lambda _: work.clock.save(), *work.told))
    detector = fit(
        work.plan,
        train,
        work.plan.split.samples["validation"],
        progress=work.progress,
        seed=seed,
        state=state,
        report=history,
    )
    # Before the detector: a fit that is there is not done again.
    write_history(work.folder.path, history)
    save_whole(detector, place)
    shutil.rmtree(state, ignore_errors=True)
    work.clock.save()
    return detector


def _fit_name(work: Work, place: Path) -> str:
    """What a history calls the training of the detector in that folder."""
    parts = place.relative_to(work.folder.path).parts
    name = "first" if any("first" in part for part in parts) else "final"
    return f"{name}-{place.name.rpartition('-')[2]}" if place.name.startswith("member-") else name


def fit(
    plan: Plan,
    train: Sequence[Sample],
    validation: Sequence[Sample],
    *,
    progress: Progress,
    seed: int | None = None,
    state: Path | None = None,
    report: TrainingReport | None = None,
) -> Detector:
    """The plan's method, fitted to these samples as its track and artefact mode show them.

    Without a `seed` it is the plan's. With a `state` folder the fit goes on where an earlier one in that
    folder stood.
    """
    seed = plan.options.seed if seed is None else seed
    request = _request(plan, train, validation, progress=progress, seed=seed, state=state, report=report)
    if plan.options.devices == 1:
        return plan.method.fit(request)
    from bmbench.benchmark.workers.devices import assembled

    with assembled(plan.method, request, plan.options.devices) as shared:
        return plan.method.fit(shared)


def _request(plan: Plan, train: Sequence[Sample], validation: Sequence[Sample], **more: Any) -> FitRequest:
    from bmbench.adapters.images.augment import augment
    from bmbench.adapters.learning.fit_request import FitRequest

    return FitRequest(
        train=plan.taught(train),
        validation=plan.taught(validation),
        settings=plan.settings,
        augment=augment,
        classes=plan.classes,
        start=None if plan.start is None else plan.start.checkpoint,
        foreground_curve=foreground_curve(train, plan.supervision, name=plan.dataset.card.name),
        **more,
    )


def save_whole(detector: Detector, place: Path) -> None:
    """Save a detector in a new folder, which appears with everything in it."""
    with writing_folder(place) as aside:
        detector.save(aside)


def _predict(work: Work, detector: Detector, subset: Subset) -> None:
    """Write the truth and the predictions of a subset, unless they are there."""
    from bmbench.datasets.formats.coco.samples import write_coco
    from bmbench.datasets.formats.predictions import write_predictions

    folder, split = work.folder, work.plan.split
    if folder.predictions(subset).exists():
        return
    samples = split.samples[subset]
    stage = work.progress.track(samples, description=f"Predicting {subset} images", total=len(samples))
    answers = {
        sample.image_id: as_classes_of(
            split.categories, detector.predict(sample.load()), work.plan.label_classes
        )
        for sample in stage
    }
    write_coco(folder.truth(subset), samples, split.categories)
    write_predictions(folder.predictions(subset), answers, split.categories)
    work.clock.save()


def _score(work: Work, subset: Subset, *, threshold: float | None = None) -> Evaluation:
    """The scores of a subset, from the files that were written for it: they can be scored again alone."""
    from bmbench.benchmark.scoring.score_files import evaluate_files

    return evaluate_files(
        work.folder.predictions(subset),
        work.folder.truth(subset),
        work.plan.protocol,
        threshold=threshold,
        intervals=subset == "test",
    )


def _test_pair(folder: RunDir) -> tuple[GroundTruth, Predictions]:
    from bmbench.benchmark.scoring.score_files import read_pair

    return read_pair(folder.predictions("test"), folder.truth("test"))


def _score_classes(work: Work, evaluation: Evaluation) -> dict[str, Any]:
    """Each class of the test images by itself, and what is taken for what, which is drawn as well."""
    from bmbench.benchmark.drawing.figures import draw_confusion
    from bmbench.benchmark.scoring.score_files import score_classes

    plan, folder = work.plan, work.folder
    report = score_classes(*_test_pair(folder), evaluation)
    shown = report.confusion.get("cd") or report.confusion.get("bb")
    if shown is not None:
        draw_confusion(folder.path / "confusion.png", shown, title=plan.name)
    return report.to_json()


def _variants(work: Work, threshold: float | None) -> dict[str, Any]:
    """The same predictions scored against the other annotations of the same images, by data set name."""
    from bmbench.benchmark.scoring.score_files import evaluate_files
    from bmbench.datasets import open_dataset
    from bmbench.datasets.formats.coco.samples import write_coco

    plan, folder = work.plan, work.folder
    scores = {}
    for name in plan.dataset.card.also_scored_as:
        split = open_dataset(name).load(plan.request)
        truth = folder.truth("test").with_name(f"truth_{name}.json")
        write_coco(truth, split.samples["test"], split.categories)
        evaluation = evaluate_files(folder.predictions("test"), truth, plan.protocol, threshold=threshold)
        scores[name] = evaluation.to_json()
    return scores


def _test_elsewhere(work: Work, detector: Detector, evaluation: Evaluation) -> None:
    """Apply the detector unchanged to all other images that were asked for."""
    plan = work.plan
    train = plan.split.samples["train"]
    unchanged = Unchanged(
        detector=detector,
        classes=plan.label_classes,
        um_per_px=pixel_size(train),
        mean_cell_px=mean_cell(train),
        threshold=None if evaluation.cd is None else evaluation.cd.threshold,
    )
    for place in plan.elsewhere:
        folder = work.folder.elsewhere / place.wish.name
        if not (folder / "metrics.json").exists():
            with work.clock.stage("predict"):
                apply_unchanged(unchanged, place, folder, work.progress)
            work.clock.save()


def _draw(work: Work, evaluation: Evaluation) -> None:
    from bmbench.benchmark.drawing.figures import draw_history, draw_pr_curves
    from bmbench.benchmark.drawing.gallery import draw_gallery, overlays_of

    plan, folder = work.plan, work.folder
    draw_pr_curves(folder.path / "pr_curves.png", evaluation, title=plan.name)
    write_history(folder.path)
    if history := read_history(folder.path):
        draw_history(folder.path / "curve.png", history, title=plan.name)
    scores = evaluation.cd or evaluation.bb
    if scores is not None:
        overlays = overlays_of(*_test_pair(folder), scores)
        test = plan.split.samples["test"]
        draw_gallery(folder, overlays, test, most=plan.profile.gallery, progress=work.progress)
    if plan.method.draw is not None:
        request = _request(plan, plan.split.samples["train"], (), seed=plan.options.seed)
        plan.method.draw(request, folder.path / "targets.png")
