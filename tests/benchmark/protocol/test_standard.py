"""The profile between quick and paper: for whom it has settings, and that others say so."""

from __future__ import annotations

import pytest

from bmbench.adapters import METHODS
from bmbench.benchmark.protocol.tracks import get_profile
from bmbench.benchmark.records.options import resolve_settings
from bmbench.core.errors import BadInputError


def test_it_is_the_recipe_that_was_tried():
    """Width 12, cells of 24 px, patches of 144 px, 800 steps, stains by 0.2, scales by 1.2; nothing else."""
    method = METHODS.get("unet_shrink")
    recipe = {
        "width": 12,
        "cell_px": 24.0,
        "patch_px": 144,
        "steps": 800,
        "stain_shift": 0.2,
        "scale_jitter": 1.2,
    }
    quick, standard = (resolve_settings(method, name, {}) for name in ("quick", "standard"))
    changed = {
        name for name in type(quick).__dataclass_fields__ if getattr(quick, name) != getattr(standard, name)
    }
    assert changed == {*recipe, "patience"}
    assert {name: getattr(standard, name) for name in recipe} == recipe
    # No training ends early: there are no more validations than it has patience for.
    assert standard.steps / standard.validate_every <= standard.patience
    assert (get_profile("standard").models, get_profile("standard").retrain) == (3, False)


def test_a_method_without_settings_for_it_says_so(bmbench, tmp_path):
    for method in METHODS.own_names():
        if not method.startswith("unet_") and method != "blob_log":
            with pytest.raises(BadInputError, match=f"{method} has no settings for --profile standard"):
                resolve_settings(METHODS.get(method), "standard", {})
    for command in (("run", "--method", "retinanet"), ("tune", "--method", "retinanet")):
        answer = bmbench(*command, "--profile", "standard", "--out", tmp_path / "out")
        assert answer.code == 2
        assert "retinanet" in answer.err
        assert "Traceback" not in answer.err
    assert not (tmp_path / "out").exists()


def test_the_baseline_is_the_same_in_every_profile():
    method = METHODS.get("blob_log")
    assert method.settings["standard"] == method.settings["quick"]
