"""The foreground curve of a run, from its own training images."""

import dataclasses

import pytest

from bmbench.adapters.unet.encodings.foreground_curve import SYNTHETIC
from bmbench.benchmark.protocol.supervision import Supervision, foreground_curve, supervise
from bmbench.benchmark.protocol.tracks import get_track
from bmbench.core.types import Annotations
from bmbench.datasets.synthetic.dataset import DATASET, sample


def curve_of(track, samples, **changes):
    supervision = supervise(
        DATASET.card, samples, track=get_track(track), artefacts="background", seed=0, **changes
    )
    return foreground_curve(samples, supervision, name="smears")()


def test_more_jitter_makes_the_outline_less_certain():
    smears = [sample(number, size_px=256) for number in range(3)]
    steady, shaky = (curve_of("weak", smears, jitter_px=jitter) for jitter in (0.1, 6.0))
    assert shaky.probability[0] < steady.probability[0]
    assert shaky.probability[4] < steady.probability[4]
    assert shaky.probability[-1] > 0.9


def test_what_experts_traced_is_foreground_throughout():
    assert curve_of("precise", [sample(0, size_px=256)]).probability == (1.0,) * 20


def test_without_contours_nothing_can_be_measured():
    smear = sample(0, size_px=256)
    points = Annotations.of(xy=smear.annotations.xy, box=smear.annotations.box)
    assert curve_of("weak", [dataclasses.replace(smear, annotations=points)]) is None


def test_it_is_measured_once_and_only_when_asked():
    smear, calls = sample(0, size_px=256), []

    class Counted(Supervision):
        def view(self, samples):
            calls.append(len(samples))
            return super().view(samples)

    supervision = Counted(track=get_track("weak"), artefacts="background", jitter_px=1.0, seed=0)
    curve = foreground_curve([smear], supervision, name="smears")
    assert calls == []
    assert curve() is curve()
    assert calls == [1, 1]


def test_the_curve_that_is_shipped_is_the_one_of_the_embedded_training_images():
    # A third of the 20 images: the same law of foreground, within the noise of fewer cells.
    smears = [sample(number) for number in range(7)]
    assert curve_of("weak", smears).probability == pytest.approx(SYNTHETIC.probability, abs=0.06)
