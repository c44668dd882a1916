"""Counts at every confidence that may be chosen."""

from __future__ import annotations

import numpy as np
import pytest

from bmbench.benchmark.counting.tally import Sizes, Stops
from bmbench.core.types import Detections


def found(confidence: list[float], label: list[int], side: float = 8.0) -> Detections:
    n = len(confidence)
    box = np.tile([0.0, 0.0, side, side], (n, 1))
    return Detections.of(
        xy=np.full((n, 2), side / 2), box=box, confidence=np.array(confidence), label=np.array(label)
    )


@pytest.mark.parametrize("threshold", [0.0, 0.1234567, 0.5, 0.995, 1.0])
def test_the_counts_own_threshold_is_a_stop_and_counts_what_lies_on_it(threshold: float) -> None:
    stops = Stops.around(threshold)
    assert stops.thresholds[stops.chosen] == threshold
    assert (np.diff(stops.thresholds) > 0).all()
    below = np.nextafter(threshold, -1)
    counts = stops.counted(found([threshold, below, 1.0], [0, 0, 1]), 2)
    assert counts[stops.chosen].tolist() == [1, 1]


def test_counts_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    confidence, label = rng.uniform(0, 1, 200).tolist(), rng.integers(0, 3, 200).tolist()
    stops = Stops.around(0.4)
    slow = [
        [sum(c >= at and one == k for c, one in zip(confidence, label, strict=True)) for k in range(3)]
        for at in stops.thresholds
    ]
    assert stops.counted(found(confidence, label), 3).tolist() == slow


def test_the_histogram_holds_every_cell_once() -> None:
    stops = Stops.around(0.5)
    sizes = Sizes(stops=stops, n_classes=2, in_um=True)
    for side in (2.0, 10.0, 40.0, 900.0):
        sizes.add(found([0.9, 0.6, 0.3], [0, 1, 1], side), 0.5)
    counts, width = sizes.coarse()
    assert counts[stops.chosen].sum(axis=1).tolist() == [4, 4]
    assert counts.shape[2] <= 40
    # A cell of 40 px is one of 20 µm; what is larger than all bins is in the last one.
    assert counts[stops.chosen, 0, int(20 // width)] == 1
    assert counts[stops.chosen, 0, -1] == 1
