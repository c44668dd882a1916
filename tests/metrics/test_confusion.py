"""What cells of each class are taken for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmbench.core.types import Category, Role
from bmbench.metrics import PROTOCOLS, confusion_table, evaluate

from .scenes import ARTEFACT, predictions_of, random_scene, rebuilt, square, truth_of

A, B = Category(id=4, name="a"), Category(id=3, name="b")
PAPER = PROTOCOLS["paper"]


def test_every_kind_of_error_by_hand():
    # Cells: a found as a, a found as b, b found as b, b missed, b with a prediction that is not sure enough.
    cells = [square(x, 20) for x in (20, 120, 220, 320, 420)]
    artefact, ignored = square(520, 20), square(620, 20)
    truth = truth_of(
        [*cells, artefact, ignored],
        role=[0, 0, 0, 0, 0, int(Role.ARTEFACT), int(Role.IGNORE)],
        label=[0, 0, 2, 2, 2, 1, 0],
        categories=(A, ARTEFACT, B),
    )
    # False alarms: an a on the artefact, a b on nothing; an a on the ignored object counts neither way, and
    # the prediction of an artefact is no prediction of a cell.
    predictions = predictions_of(
        [*cells[:3], cells[4], artefact, square(20, 220), ignored, square(120, 220)],
        [0.9, 0.9, 0.9, 0.2, 0.9, 0.9, 0.9, 0.9],
        label=[0, 2, 2, 2, 0, 2, 0, 1],
    )
    table = confusion_table(truth, predictions, evaluate(truth, predictions, PAPER, threshold=0.5).bb)
    assert table.to_json() == {
        "threshold": 0.5,
        # By the id of the category: b before a.
        "rows": ["b", "a", "missed"],
        "columns": ["b", "a", "false alarms"],
        "counts": [[1, 1, 1], [0, 1, 1], [2, 0, 0]],
    }


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(["bb", "cd"]), st.sampled_from(["greedy", "hungarian"]))
def test_nothing_is_lost_and_nothing_counted_twice(seed, geometry, assignment):
    truth, predictions = random_scene(seed)
    rng = np.random.default_rng(seed)
    categories = (A, ARTEFACT, B)
    label = np.where(truth.role == Role.ARTEFACT, 1, rng.choice([0, 2], len(truth.image)))
    truth = rebuilt(truth, label=label, categories=categories)
    predictions = rebuilt(predictions, label=rng.integers(0, 3, len(predictions)))
    protocol = rebuilt(PAPER, assignment=assignment, radius_px=8.0)
    scores = getattr(evaluate(truth, predictions, protocol, threshold=0.5), geometry)
    counts = confusion_table(truth, predictions, scores).counts
    cells = truth.label[truth.role == Role.CELL]
    assert counts.sum(axis=0)[:2].tolist() == [np.sum(cells == 2), np.sum(cells == 0)]
    sure = predictions.label[predictions.confidence >= 0.5]
    assert counts[:2].sum() == np.sum(sure != 1) - scores.ignored
    assert [counts[:2, :2].sum(), counts[2].sum(), counts[:, 2].sum()] == [scores.tp, scores.fn, scores.fp]


def test_the_macro_mean_leaves_out_classes_without_cells():
    truth = truth_of([square(20, 20), square(120, 20)], label=[0, 2], categories=(A, ARTEFACT, B))
    lone = rebuilt(truth, categories=(*truth.categories, Category(id=8, name="c")))
    predictions = predictions_of([square(20, 20), square(20, 220)], [0.9, 0.9], label=[0, 2])
    by_class = rebuilt(PAPER, per_class=True)
    scores = evaluate(lone, predictions, by_class, threshold=0.5).bb
    # a: F1 1; b: its one cell missed, F1 0; c has no cells. Together 1 hit, 1 false alarm, 1 missed.
    assert {name: one.f1 for name, one in scores.classes.items()} == {"a": 1, "b": 0, "c": None}
    assert scores.to_json()["macro_f1"] == scores.macro_f1 == 0.5
    assert scores.f1 == 0.5
    assert evaluate(truth, predictions, PAPER, threshold=0.5).bb.macro_f1 is None


def test_a_matching_of_each_class_by_itself_confuses_nothing():
    truth = truth_of([square(20, 20)], label=[0], categories=(A, ARTEFACT, B))
    predictions = predictions_of([square(20, 20)], [0.9], label=[2])
    scores = evaluate(truth, predictions, rebuilt(PAPER, per_class=True)).bb
    with pytest.raises(ValueError, match="matched as one class"):
        confusion_table(truth, predictions, scores)
