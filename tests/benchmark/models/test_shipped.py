"""The models that come with the package, used as a user does: without training, on images of any scale."""

import numpy as np
import pytest

import bmbench
from bmbench.benchmark.models.places import shipped_models

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")


def nuclei(diameter, seed=3):
    """An image of purple discs on pale pink, and their centres."""
    side = 14 * diameter
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] + 0.5
    image = np.full((side, side, 3), (235, 205, 225), np.float64)
    centres = []
    for _ in range(5000):
        xy = rng.uniform(diameter, side - diameter, 2)
        if len(centres) < 25 and all(np.hypot(*(xy - other)) > 1.5 * diameter for other in centres):
            centres.append(xy)
            image[np.hypot(x - xy[0], y - xy[1]) <= diameter / 2] = (90, 50, 140)
    return np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8), np.array(centres)


@pytest.mark.parametrize("name", shipped_models())
@pytest.mark.parametrize("diameter", [12, 40])
def test_nuclei_of_any_size_are_found_where_they_are(name, diameter):
    image, centres = nuclei(diameter)
    found = bmbench.load_model(name).predict(image, scale="auto", standardise=True)
    centre = (found.box[:, :2] + found.box[:, 2:]) / 2
    away = np.hypot(*(centres[:, None] - centre[None]).transpose(2, 0, 1))
    assert (away.min(axis=1) < diameter / 3).mean() >= 0.9
    assert (away.min(axis=0) < diameter / 3).mean() >= 0.9
