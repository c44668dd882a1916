"""The first page of a report: what was run on what, and how the numbers are to be read."""

from bmbench.benchmark.reproduce.report.published import CITATION
from bmbench.benchmark.reproduce.report.runs import Collection, FinishedRun
from bmbench.benchmark.reproduce.report.seed_means import Table
from bmbench.metrics.protocol import Protocol
from bmbench.present.markdown import bullets, paragraph
from bmbench.present.words import many
from bmbench.statistics.units import FEWEST_FOR_INTERVAL, FEWEST_UNITS

_SCORES = """Scores are in per cent, means over seeds, each seed at the threshold that its own
optimisation images gave. Below a score: its 95 % interval."""
_INTERVALS = """Intervals are jackknives over the test groups, with Student's t, on the logit scale, and
hold what other trainings would change: the variance over seeds, pooled over all methods here."""
_AHEAD = f"""Methods are called *ahead*, or a difference *shown*, only by tests that are corrected for all
that is asked together. Pairs are tested from {FEWEST_UNITS} groups on. Not told apart is not equal."""
_STUDY = """Rows of the study are its own, on its own private data (63x, 22 test patches): they show the
order that it found, not a level to be reached here."""


def head(scores: Table) -> str:
    """Title, facts and reading rules."""
    collection = scores.collection
    first, facts = collection.first, collection.facts
    name = first.config.dataset if first is not None else facts.dataset
    done = sum(len(runs) for runs in collection.rows.values())
    parts = [
        f"# The study on `{name}`",
        paragraph(
            f"The experiments of {CITATION}, here called *the study*, on other data with the methods of "
            f"bmbench. {done} of {many(len(collection.cells), 'run')} finished, profile `{facts.profile}`."
        ),
    ]
    if first is not None:
        parts += [bullets(_facts(collection, first, scores.n_units))]
        parts += ["## How to read it", bullets(_reading(collection, scores.n_units))]
    return "\n\n".join(parts)


def _facts(collection: Collection, first: FinishedRun, n_groups: int) -> list[str]:
    config = first.config
    seeds = sorted({cell.seed for cell in collection.cells})
    facts = [
        _data(first),
        f"Test groups (patients, slides, fields): {n_groups}. Seeds: {', '.join(map(str, seeds))}.",
        _protocol(config.protocol),
    ]
    folds = dict.fromkeys(f"`{cell.fold}`" for cell in collection.cells if cell.fold)
    if folds:
        facts.append(f"Folds: {', '.join(folds)}; by seed, the test images of all folds are one test set.")
    changed = dict.fromkeys(
        f"`{cell.method}` with {', '.join(f'{name}={value}' for name, value in cell.settings)}"
        for cell in collection.cells
        if cell.settings
    )
    if collection.facts.classes:
        told = ", ".join(f"`{name}`" for name in collection.facts.classes)
        facts.append(f"Classes of cells that are told apart: {told}.")
    if collection.facts.search:
        facts.append(
            f"Settings of each row: the best of {many(collection.facts.search, 'training')} of a search, by "
            "F1 between centres on the optimisation images; see `searches/`. The test images took no part."
        )
    if changed:
        facts.append(f"Settings changed: {'; '.join(changed)}.")
    return facts


def _data(first: FinishedRun) -> str:
    config, images = first.config, first.config.images
    chosen = first.cell.fold.partition("=")[0]
    options = "".join(f", {name}={value}" for name, value in config.dataset_options.items() if name != chosen)
    fold = f" (fold `{first.cell.fold}`)" if first.cell.fold else ""
    return (
        f"Data: `{config.dataset}`{options}; {images['train']} training, {images['validation']} "
        f"validation, {images['optimisation']} optimisation and {many(images['test'], 'test image')} with "
        f"{first.evaluation.n_cells:,} cells{fold}; SHA-256 `{config.data_hash[:12]}…`."
    )


def _protocol(protocol: Protocol) -> str:
    boxes = "" if protocol.iou is None else f"boxes match above an IoU of {protocol.iou}, "
    return (
        f"Protocol `{protocol.name}`: {boxes}centres match within {protocol.radius_px} px, "
        f"{protocol.assignment} assignment."
    )


def _reading(collection: Collection, n_groups: int) -> list[str]:
    texts = [_SCORES, _INTERVALS, _AHEAD, _STUDY]
    if len({cell.seed for cell in collection.cells}) < 2:
        texts.append("**One seed: this speaks of these networks, not of the methods.**")
    if n_groups < FEWEST_FOR_INTERVAL:
        texts.append(f"**{many(n_groups, 'test group')}: no intervals and no tests.**")
    elif n_groups < FEWEST_UNITS:
        texts.append(f"**Everything rests on {many(n_groups, 'test group')}.**")
    return texts
