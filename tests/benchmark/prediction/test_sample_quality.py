"""The share of artefacts among what was found: how good a sample is."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import beta

from bmbench.benchmark.prediction.options import ImageReport, Report, artefact_line, predicted_table
from bmbench.benchmark.prediction.predict import _report, artefact_share
from bmbench.core.types import Category, Detections

CLASSES = (Category(id=1, name="cell"), Category(id=2, name="smudge", artefact=True))


def image(cells, artefacts, name="a.png"):
    return ImageReport(
        name=name,
        size=(9, 9),
        um_per_px=None,
        scale=1.0,
        tiles=1,
        of_tiles=1,
        cells=cells,
        artefacts=artefacts,
    )


def reported(*images, known=True):
    return Report(
        images=images, files=(), threshold=0.5, notes=(), artefacts=artefact_share(images, known=known)
    )


def found(*labels):
    n = len(labels)
    return Detections.of(
        xy=np.zeros((n, 2)), box=np.zeros((n, 4)), confidence=np.ones(n), label=np.array(labels, np.int64)
    )


def test_what_is_found_is_a_cell_or_an_artefact():
    job = SimpleNamespace(name="a", size=(9, 9), um_per_px=None, ratio=(1.0,), tiles=(0,), grid=(0,))
    seen = SimpleNamespace(job=job, parts=lambda: iter((found(0, 1, 0), found(), found(1, 1))))
    one = _report(seen, CLASSES)
    assert (one.cells, one.artefacts) == (2, 3)
    nothing = _report(SimpleNamespace(job=job, parts=lambda: iter(())), CLASSES)
    assert (nothing.cells, nothing.artefacts) == (0, 0)


def test_of_few_images_the_limits_are_those_of_single_draws():
    """Clopper and Pearson's for 3 of 20, by the quantiles of the beta distribution."""
    share = artefact_share([image(17, 3)], known=True)
    assert (share.n, share.of, share.interval) == (3, 20, None)
    assert share.exact == pytest.approx((beta.ppf(0.025, 3, 18), beta.ppf(0.975, 4, 17)))
    line = artefact_line(share)
    assert line.startswith(
        "artefacts: 3 of 20 found, 15.0 % [3.2, 37.9] (95 %, as if each was drawn by itself"
    )


def test_of_several_images_they_hold_how_images_differ():
    share = artefact_share([image(40, 10), image(20, 20), image(10, 40), image(30, 20)], known=True)
    assert share.value == 90 / 190
    assert share.interval[0] < share.exact[0] < share.exact[1] < share.interval[1]
    assert artefact_line(share).endswith("(95 %, over these images)")


def test_detectors_that_know_no_artefacts_say_nothing_of_them():
    plain = reported(image(5, 0), known=False)
    assert plain.artefacts is None
    assert [column.header for column in predicted_table(plain).columns][-1] == "cells"
    table = predicted_table(reported(image(5, 2), image(1, 1, "b.png")))
    assert [(column.header, list(column.cells)) for column in table.columns][-2:] == [
        ("cells", ["5", "1", "6"]),
        ("artefacts", ["2", "1", "3"]),
    ]


def test_nothing_found_has_no_share():
    assert artefact_line(artefact_share([image(0, 0)], known=True)).endswith("so they have no share")
