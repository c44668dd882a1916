"""What the records of a run say, in sentences: the only source of what a checklist has from the run.

A fact that the records do not hold is absent, and the item that asks for it is left to the author.
"""

from collections.abc import Mapping
from typing import Any

from bmbench.adapters import METHODS
from bmbench.benchmark.records.history import read_history
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import RunConfig, read_record
from bmbench.benchmark.scoring.recorded import RecordedOtherSet, RecordedRun, RecordedScores
from bmbench.core.files import read_json
from bmbench.datasets import DATASETS
from bmbench.metrics.protocol import GEOMETRIES, Protocol
from bmbench.present.words import FALSE_ALARMS, RULES, count, decimal, listed, many, units, with_interval

_AREAS = {"all": "all points", "11": "11 points", "101": "101 points"}


def facts_of(run: RunDir) -> dict[str, str]:
    """Every fact that the records of a run hold, a paragraph each, by the names that checklists use."""
    config = run.config()
    metrics = read_record(run.path / "metrics.json", RecordedRun, within=run.path)
    found: dict[str, str] = {}
    for tell in (_of_method, _of_data, _of_training):
        found |= tell(run, config)
    found |= _of_scores(run, config, metrics)
    return {name: text for name, text in found.items() if text}


def _of_method(run: RunDir, config: RunConfig) -> dict[str, str]:
    environment = run.environment()
    packages = ", ".join(f"{name} {version}" for name, version in environment.packages.items())
    code = environment.code
    commit = "" if code is None else f", commit {code.commit}" + (" with changes" if code.dirty else "")
    known = METHODS.get(config.method) if config.method in METHODS.own_names() else None
    about = "" if known is None else f" ({known.title}; {known.paper})"
    settings = ", ".join(f"{name} {value}" for name, value in config.settings.items())
    cores = f", {many(environment.cpus, 'core')}" if environment.cpus else ""
    kept = [words for name, words in _KEPT.items() if (run.path / name).exists()]
    return {
        "method": f"The method `{config.method}`{_package(config)}{about}, with these settings: {settings}.",
        "software": f"bmbench {environment.bmbench}{commit}; Python {environment.python}; {packages}.",
        "machine": f"{environment.system}, {environment.machine}{cores}.",
        "availability": f"Made with bmbench {environment.bmbench}{commit}. The run's folder holds "
        f"{listed(kept)}. The data had the SHA-256 {config.data_hash}.",
    }


_KEPT = {
    "checkpoint": "the trained weights (`checkpoint/`)",
    "predictions.json": "the predictions",
    "manifest.json": "a manifest of digests",
}


def _package(config: RunConfig) -> str:
    foreign = config.plugin.get("method")
    if foreign is None:
        return ""
    return f" of {foreign.package} {foreign.version}" if foreign.package else f" of {foreign.place}"


def _of_data(run: RunDir, config: RunConfig) -> dict[str, str]:
    subsets = read_json(run.path / "split.json", within=run.path).get("balance", [])
    sizes = [_subset(one) for one in subsets if isinstance(one, Mapping)]
    shapes = ", ".join(f"{count(n)} {word}" for word, n in config.learned.shapes.items())
    made = f" The split: {config.split_from}." if config.split_from else ""
    leaks = "; ".join(config.leaks)
    wanted = config.settings.get("cell_px")
    return _of_set(config) | {
        "learned": f"The method learned from: {shapes}." if shapes else "",
        "task": f"Cells are located, by {_located(config.protocol)}. {_classes(config)}",
        "classes": _classes(config),
        "artefacts": f"Objects that only look like cells were trained as: {config.artefacts}.",
        "partitions": "; ".join(sizes) + "." + made if sizes else "",
        "disjoint": f"Shared between subsets: {leaks}." if leaks else _NOTHING_SHARED if sizes else "",
        "preprocessing": f"Images were resized so that cells are about {wanted:g} px across."
        if wanted
        else "",
    }


_NOTHING_SHARED = (
    "No group is in two of the subsets; a group is a patient or slide, or an image of which neither is known."
)


def _of_set(config: RunConfig) -> dict[str, str]:
    choices = ", ".join(f"{name}={value}" for name, value in config.dataset_options.items())
    named = f"The data set `{config.dataset}`" + (f" (chosen: {choices})." if choices else ".")
    if config.dataset not in DATASETS.own_names():
        return {"data": named}
    card = DATASETS.get(config.dataset).card
    scale = f" The pixel size is {config.um_per_px:.4g} µm." if config.um_per_px else ""
    return {
        "data": f"{named} {card.title}; licence: {card.licence}; {card.citation.rstrip('.')}.",
        "modality": f"{card.modality}.{scale}",
        "reference": f"What experts drew: {card.annotation} ({card.citation.rstrip('.')}).",
    }


def _classes(config: RunConfig) -> str:
    names = ", ".join(str(one.get("name")) for one in config.classes)
    return f"Classes told apart: {names}." if names else "All cells are one class."


def _located(protocol: Protocol) -> str:
    return listed([RULES[rule] for rule in GEOMETRIES if protocol.limit(rule) is not None])


def _subset(one: Mapping[str, Any]) -> str:
    objects = sum(n for n in one.get("objects", []) if isinstance(n, int))
    images, groups = one.get("images"), one.get("groups")
    return f"{one.get('subset')}: {images} images of {groups} groups, {count(objects)} objects"


def _of_training(run: RunDir, config: RunConfig) -> dict[str, str]:
    history = read_history(run.path)
    best = [f"{row.fit}: step {row.step}" for row in history if row.best]
    timing = run.path / "timing.json"
    seconds = read_json(timing, within=run.path).get("seconds", {}) if timing.is_file() else {}
    took = f" The run took {seconds['all']:.0f} s." if isinstance(seconds.get("all"), int | float) else ""
    steps = " `history.csv` has losses and learning rates." if history else ""
    models = config.options.get("models") or config.profile.models
    start, profile, track = config.settings.get("weights"), config.profile, config.track
    return {
        "training": f"Profile `{profile.name}` ({profile.title}), track `{track.name}` version "
        f"{track.version}, seed {config.seed}.{took}{steps}",
        "start": f"Weights began as: {start}; seed {config.seed}." if start is not None else "",
        "model_choice": f"The weights of the best validation loss: {'; '.join(best)}." if best else "",
        "ensemble": f"{many(models, 'model')} answered together." if models > 1 else "One model answered.",
    }


def _of_scores(run: RunDir, config: RunConfig, metrics: RecordedRun) -> dict[str, str]:
    scores = metrics.rules
    lines = [f"{RULES[rule]}: {_performance(one)}" for rule, one in scores.items()]
    causes = [f"{RULES[rule]}: {_failures(one)}" for rule, one in scores.items()]
    thresholds = {
        "optimisation": "chosen on the optimisation images, none of which is among the test images",
        "oracle": "the best one of the test images themselves, which no user would know",
        "given": "as it was given",
    }
    some = metrics.cd or metrics.bb
    rule = metrics.interval
    interval = ""
    if rule is not None:
        shown = units(rule.units, rule.unit, independent=rule.independent)
        interval = f"95 % intervals that rest on {shown}."
    return {
        "metrics": _metrics(config.protocol),
        "threshold": f"The confidence threshold is {decimal(some.threshold if some else None)}: "
        f"{thresholds.get(metrics.threshold_source, metrics.threshold_source)}.",
        "uncertainty": interval,
        "performance": "; ".join(lines) + "." if lines else "",
        "failures": "; ".join(causes) + ". `gallery/` shows them on the images." if causes else "",
        "test_size": f"{many(metrics.images, 'image')} of {many(metrics.groups, 'group')}, "
        f"{many(metrics.cells, 'cell')}.",
        "external": _external(run),
    }


def _performance(scores: RecordedScores) -> str:
    said = []
    for word, name in {"AP": "ap", "F1": "f1", "precision": "precision", "recall": "recall"}.items():
        said.append(f"{word} {with_interval(getattr(scores, name), getattr(scores, f'{name}_ci'))}")
    return listed(said)


def _failures(scores: RecordedScores) -> str:
    causes = listed([f"{getattr(scores, name):,} {words}" for name, words in FALSE_ALARMS.items()])
    return f"{scores.fn:,} cells missed, {many(scores.fp, 'false alarm')} ({causes})"


def _metrics(protocol: Protocol) -> str:
    limits = []
    if protocol.iou is not None:
        limits.append(f"boxes that overlap by an IoU of {protocol.iou:g} or more")
    if protocol.radius_px is not None:
        limits.append(f"centres at most {protocol.radius_px:g} px apart")
    how = "one to one, the surest first" if protocol.assignment == "greedy" else "optimally"
    return (
        f"Protocol `{protocol.name}`: AP (area under precision against recall, {_AREAS[protocol.ap]}), F1, "
        f"precision and recall; hits are {listed(limits)}, assigned {how}."
    )


def _external(run: RunDir) -> str:
    found = []
    for path in sorted(run.elsewhere.glob("*/metrics.json")):
        record = read_record(path, RecordedOtherSet, within=run.path)
        some = record.cd or record.bb
        value = None if some is None else some.f1
        found.append(f"{path.parent.name}: F1 {decimal(value)} at the run's threshold")
    return "; ".join(found) + "." if found else ""
