"""Records of runs as bmbench writes them, made by hand: every field that readers ask for."""

from __future__ import annotations

from typing import Any


def whole_config(**changes: Any) -> dict[str, Any]:
    """The ``config.json`` of a run."""
    return {
        "schema": "bmbench.run/1",
        "method": "blob_log",
        "settings": {},
        "dataset": "synthetic",
        "dataset_options": {},
        "data_hash": "0" * 64,
        "images": {"train": 10, "validation": 2, "optimisation": 2, "test": 4},
        "track": {"name": "weak", "version": 1},
        "profile": {
            "name": "quick", "title": "", "models": 1, "retrain": False, "gallery": 0,
        },
        "artefacts": "background",
        "seed": 0,
        "protocol": {"name": "paper", "iou": 0.5, "radius_px": 10.0, "assignment": "greedy"},
        "options": {"dataset": "synthetic"},
    } | changes  # fmt: skip


def whole_scores(**changes: Any) -> dict[str, Any]:
    """The scores by one matching rule."""
    counts = {"tp": 20, "fp": 10, "fn": 4, "fp_artefact": 5, "fp_duplicate": 2, "fp_near": 1}
    causes = {"fp_background": 2, "fn_missed": 3, "fn_artefact": 1}
    ratios = {"ap": 0.5, "f1": 0.5, "precision": 0.5, "recall": 0.5, "threshold": 0.5}
    return {"limit": 0.5, "ap_ci": None, "f1_ci": None} | counts | causes | ratios | changes


def whole_metrics(**changes: Any) -> dict[str, Any]:
    """The ``metrics.json`` of a run."""
    return {
        "protocol": "paper",
        "images": 4,
        "groups": 4,
        "cells": 24,
        "predictions": 30,
        "threshold_source": "optimisation",
        "bb": whole_scores(),
        "cd": whole_scores(),
        "variants": {},
    } | changes
