"""The scores of a run, once more from its files, as ``bmbench score`` gives them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import RunConfig, read_record
from bmbench.benchmark.run.apply_to_other_sets import best_f1
from bmbench.benchmark.run.tables import row_text
from bmbench.benchmark.scoring.recorded import RecordedOtherSet, RecordedRun
from bmbench.benchmark.scoring.score_files import evaluate_files, read_pair, score_classes
from bmbench.benchmark.verify.differences import Leaf, leaves
from bmbench.core.files import read_json
from bmbench.core.gate import is_file, read_bytes
from bmbench.metrics import Evaluation, Protocol, choose_threshold
from bmbench.metrics.protocol import GEOMETRIES, resolve_protocol


def run_leaves(run: RunDir) -> Iterator[tuple[str, Leaf]]:
    """Every value in a run's ``metrics.json`` and ``row.md``, with the name of the file.

    Raises
    ------
    BadInputError
        If a file that the scores are made of is missing or damaged.
    """
    metrics = read_record(run.path / "metrics.json", RecordedRun, within=run.path)
    for leaf in leaves(run.read("metrics.json"), _metrics(run, run.config(), metrics)):
        yield "metrics.json", leaf
    if is_file(run.path / "row.md"):
        text = read_bytes(run.path / "row.md", within=run.path).decode("utf-8", "replace")
        yield "row.md", Leaf(place="", recorded=text, found=row_text(run))


def other_set_leaves(run: RunDir, place: Path) -> Iterator[Leaf]:
    """Every score in the ``metrics.json`` of a run's answers to other images, but no facts about them."""
    path = place / "metrics.json"
    own = read_record(run.path / "metrics.json", RecordedRun, within=run.path)
    there = read_record(path, RecordedOtherSet, within=run.path)
    protocol = resolve_protocol(there.protocol, radius_px=None if there.cd is None else there.cd.limit)
    threshold = None if own.cd is None else own.cd.threshold
    evaluation = _scored(place, place / "truth.json", protocol, threshold)
    best = {rule: best_f1(evaluation, rule) for rule in GEOMETRIES}
    told = {name: value for name, value in read_json(path).items() if name not in ("set", "scale")}
    return leaves(told, _as_in_a_file(evaluation.to_json() | {"best_f1": best}))


def _metrics(run: RunDir, config: RunConfig, metrics: RecordedRun) -> Any:
    """What `bmbench.benchmark.run.stages` writes last, from the files that it has written before."""
    threshold, source = _threshold(run, config)
    evaluation = _scored(run.path, run.truth("test"), config.protocol, threshold)
    variants = {
        name: _scored(run.path, run.path / f"truth_{name}.json", config.protocol, threshold).to_json()
        for name in metrics.variants
    }
    record = evaluation.to_json() | {"threshold_source": source, "variants": variants}
    if config.classes:
        pair = read_pair(run.predictions("test"), run.truth("test"))
        by_class = score_classes(*pair, evaluation)
        record["per_class"] = by_class.to_json()
    return _as_in_a_file(record)


def _threshold(run: RunDir, config: RunConfig) -> tuple[float | None, str]:
    """The confidence that the optimisation images choose, and what it is called."""
    if not is_file(run.predictions("optimisation")):
        return None, "oracle"
    files = run.predictions("optimisation"), run.truth("optimisation")
    chosen = evaluate_files(*files, config.protocol, intervals=False)
    return (None, "oracle") if chosen.cd is None else (choose_threshold(chosen.cd), "optimisation")


def _scored(place: Path, truth: Path, protocol: Protocol, threshold: float | None) -> Evaluation:
    return evaluate_files(place / "predictions.json", truth, protocol, threshold=threshold)


def _as_in_a_file(record: Any) -> Any:
    return json.loads(json.dumps(record, allow_nan=False))
