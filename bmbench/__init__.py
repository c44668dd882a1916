"""Benchmark and leaderboards for the localisation of haematopoietic cells in bone-marrow microscopy.

In Python::

    import bmbench

    bmbench.score(predictions, truth, radius_px=13)      # paths, COCO dicts, arrays, supervision's Detections
    bmbench.compare(first, second, truth, radius_px=13)
    run = bmbench.run("unet_shrink", dataset="my.json")  # .metrics .table() .predict(image) .history .folder
    run = bmbench.load_run("runs/…")
    bmbench.count("images", run="runs/…", out="counts")  # how many of which, with limits

Importing this package loads nothing else: each layer is imported where it is used. From top to bottom::

    cli                          parse, call one function, print
    api                          the same for Python: what is named here
    leaderboards                 tracks, submissions, results, boards
    benchmark                    runs, scores, searches, studies
    present, statistics          words, tables, drawing; draws, intervals, tests, ranks
    datasets, adapters, metrics  files and splits; detectors; matching and values
    core                         types, geometry, files, locks, errors
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bmbench.adapters.bare import method_from
    from bmbench.api.counting import CountResult, count
    from bmbench.api.data_sets import DataSet, open_dataset
    from bmbench.api.ground_truth import TruthTable as GroundTruth
    from bmbench.api.models import TrainedModel as Model
    from bmbench.api.models import load_model
    from bmbench.api.predictions import PredictionTable as Predictions
    from bmbench.api.results import ComparisonResult, ScoreResult
    from bmbench.api.runs import RunFolder as Run
    from bmbench.api.runs import load_run, run
    from bmbench.api.scoring import compare, score
    from bmbench.api.suites import LoadedSuite as Suite
    from bmbench.api.suites import load_suite

__version__ = "0.2.0"

__all__ = [
    "ComparisonResult",
    "CountResult",
    "DataSet",
    "GroundTruth",
    "Model",
    "Predictions",
    "Run",
    "ScoreResult",
    "Suite",
    "compare",
    "count",
    "load_model",
    "load_run",
    "load_suite",
    "method_from",
    "open_dataset",
    "run",
    "score",
]

_PLACES = {
    "ComparisonResult": "api.results:ComparisonResult",
    "CountResult": "api.counting:CountResult",
    "DataSet": "api.data_sets:DataSet",
    "GroundTruth": "api.ground_truth:TruthTable",
    "Model": "api.models:TrainedModel",
    "Predictions": "api.predictions:PredictionTable",
    "Run": "api.runs:RunFolder",
    "ScoreResult": "api.results:ScoreResult",
    "Suite": "api.suites:LoadedSuite",
    "compare": "api.scoring:compare",
    "count": "api.counting:count",
    "load_model": "api.models:load_model",
    "load_run": "api.runs:load_run",
    "load_suite": "api.suites:load_suite",
    "method_from": "adapters.bare:method_from",
    "open_dataset": "api.data_sets:open_dataset",
    "run": "api.runs:run",
    "score": "api.scoring:score",
}


_ROOMS = ("adapters", "benchmark", "core", "datasets", "leaderboards", "metrics", "present", "statistics")


def __getattr__(name: str) -> Any:
    """A public name, from `bmbench.api`, or a layer, on first use."""
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    value = getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
