"""Matching limits by the scale of an image and by class: by hand, and against one limit at a time."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.types import Category
from bmbench.metrics import PROTOCOLS, evaluate
from bmbench.metrics.localisation_recall_precision import optimal_lrp
from bmbench.metrics.protocol import resolve_protocol
from bmbench.metrics.radii import object_radii, parsed_radii

from .scenes import coco_objects, predictions_of, rebuilt, scenes, square, truth_of, write_pair

PAPER = PROTOCOLS["paper"]
SMALL, LARGE = Category(id=1, name="lymphocyte"), Category(id=2, name="monocyte")


def test_by_scale_by_hand() -> None:
    """5 µm are 10 px at 0.5 µm and 20 px at 0.25 µm: of predictions 15 px off the second image's is a hit."""
    truth = rebuilt(truth_of([square(50, 50)] * 2, [0, 1]), um_per_px=np.array([0.5, 0.25]))
    found = predictions_of([square(65, 50)] * 2, [0.9, 0.8], [0, 1])
    scores = evaluate(truth, found, resolve_protocol("paper", radius_um=5.0), threshold=0.5).cd
    assert scores is not None
    assert scores.matching.is_hit.tolist() == [False, True]
    # The first is within twice the limit of a cell.
    assert (scores.tp, scores.fp_near, scores.fn, scores.limit, scores.matched_by) == (1, 1, 1, 5.0, "5 µm")


def test_by_class_by_hand() -> None:
    """4 px for lymphocytes, 10 px for the others: the class of the cell decides, not what it is called."""
    truth = truth_of([square(50, 50), square(200, 50)], label=[0, 1], categories=(SMALL, LARGE))
    found = predictions_of([square(56, 50), square(206, 50)], [0.9, 0.8], label=[1, 0])
    rules = resolve_protocol("paper", radius_px=10.0, class_radii={"lymphocyte": 4.0})
    scores = evaluate(truth, found, rules, threshold=0.5).cd
    assert scores is not None
    assert scores.matching.is_hit.tolist() == [False, True]
    assert scores.matched_by == "10 px, by class"
    lrp = optimal_lrp(found, scores, "cd", radius=object_radii(truth, rules))
    assert lrp is not None
    # Keeping both: the hit lies 6 of 10 px off, one false alarm, one miss: (0.6 + 1 + 1) / 3.
    assert lrp.error == pytest.approx(2.6 / 3)


@settings(max_examples=40)
@given(scene=scenes(), scale=st.sampled_from([0.25, 0.5, 0.3]))
def test_one_scale_is_one_limit_in_pixels(scene: Any, scale: float) -> None:
    truth, found = scene
    scaled = rebuilt(truth, um_per_px=np.full(len(truth.image_ids), scale))
    for assignment in ("greedy", "hungarian"):
        um = resolve_protocol("paper", radius_um=8 * scale, assignment=assignment)
        px = replace(PAPER, radius_px=8.0, assignment=assignment)
        by_scale, by_pixel = evaluate(scaled, found, um).cd, evaluate(truth, found, px).cd
        assert by_scale is not None
        assert by_pixel is not None
        assert by_scale.matching.outcome.tolist() == by_pixel.matching.outcome.tolist()
        assert by_scale.matching.cause.tolist() == by_pixel.matching.cause.tolist()


@settings(max_examples=40)
@given(scene=scenes(kinds=False), seed=st.integers(0, 100))
def test_each_class_is_matched_by_its_own_limit(scene: Any, seed: int) -> None:
    """Class by class the scores are those of one protocol with that limit."""
    truth, found = scene
    rng = np.random.default_rng(seed)
    categories = (SMALL, LARGE)
    truth = rebuilt(truth, label=rng.integers(0, 2, len(truth.image)), categories=categories)
    found = rebuilt(found, label=rng.integers(0, 2, len(found)))
    mixed = resolve_protocol("paper", radius_px=10.0, class_radii={"lymphocyte": 4.0}, per_class=True)
    both = evaluate(truth, found, mixed, threshold=0.4).cd
    assert both is not None
    for name, radius in (("lymphocyte", 4.0), ("monocyte", 10.0)):
        alone = evaluate(truth, found, replace(PAPER, radius_px=radius, per_class=True), threshold=0.4).cd
        assert alone is not None
        mine, other = both.classes[name], alone.classes[name]
        # What lies near a cell of the other class is judged by the limit of that class.
        assert (mine.ap, mine.tp, mine.fp, mine.fp_duplicate) == (
            other.ap,
            other.tp,
            other.fp,
            other.fp_duplicate,
        )


def test_an_image_without_a_scale_is_refused_where_it_has_cells() -> None:
    rules = resolve_protocol("paper", radius_um=5.0)
    truth = truth_of([square(50, 50)] * 2, [0, 1], n_images=3)
    none = predictions_of([], [])
    with pytest.raises(BadInputError, match="2 without, the first one 1"):
        evaluate(truth, none, rules)
    partly = rebuilt(truth, um_per_px=np.array([0.5, 0.5, np.nan]))
    assert evaluate(partly, none, rules).cd is not None
    with pytest.raises(UnknownNameError, match="lymphocite"):
        evaluate(truth, none, resolve_protocol("paper", class_radii={"lymphocite": 4.0}))


def test_on_the_command_line(bmbench: Any, tmp_path: Path) -> None:
    truth = truth_of([square(50, 50), square(200, 50)], label=[0, 1], categories=(SMALL, LARGE))
    paths = write_pair(tmp_path, truth, predictions_of([square(56, 50), square(206, 50)], [0.9, 0.8]))
    value = coco_objects(truth)
    value["images"] = [image | {"um_per_px": 0.5} for image in value["images"]]
    paths[1].write_text(json.dumps(value))
    call = ("score", paths[0], "--truth", paths[1])
    by_class = bmbench(*call, "--radius", 10, "--radius", "lymphocyte=4")
    assert by_class.code == 0, by_class.err
    assert "centres (10 px, by class)" in by_class.out
    um = json.loads(bmbench(*call, "--radius-um", 5, "--radius-um", "lymphocyte=2", "--json").out)["cd"]
    assert (um["matched_by"], um["limit"], um["tp"], um["fp"]) == ("5 µm, by class", 5.0, 1, 1)
    plain = json.loads(bmbench(*call, "--radius", 10, "--json").out)["cd"]
    assert "matched_by" not in plain
    compared = bmbench("compare", paths[0], paths[0], "--truth", paths[1], "--radius-um", 5)
    assert "centres (5 µm)" in compared.out
    assert max(map(len, by_class.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("px", "um", "said"),
    [
        (["8"], ["4"], "one of them"),
        (["-1"], [], "a number above 0"),
        (["8", "9"], [], "each once"),
        (["blast=x"], [], "a number above 0"),
        ([], ["blast=4"], "a limit for all other classes"),
    ],
)
def test_what_is_no_limit_is_one_sentence(px: list[str], um: list[str], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        parsed_radii(px, um)


def test_records_of_runs_keep_their_words() -> None:
    """What a protocol of before is written as has not changed."""
    assert {"radius_um", "class_radii"} & set(PAPER.to_json()) == set()
    assert resolve_protocol("paper", radius_um=5.0).to_json()["radius_um"] == 5.0
