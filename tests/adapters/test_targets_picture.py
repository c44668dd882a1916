"""The picture of all encodings that a run leaves behind."""

import numpy as np
from PIL import Image

from bmbench.adapters import METHODS
from bmbench.adapters.method import FitRequest
from bmbench.datasets.augment import augment


def test_the_picture_shows_the_image_and_targets(sample, tmp_path):
    method = METHODS.get("unet_sigmoid")
    request = FitRequest(
        train=[sample(1), sample(2)],
        validation=(),
        settings=method.settings["quick"],
        seed=0,
        augment=augment,
    )
    method.draw(request, tmp_path / "targets.png")
    with Image.open(tmp_path / "targets.png") as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert min(pixels.shape[:2]) > 500

    def share(*colour):
        return (np.abs(pixels - colour).max(axis=2) < 12).mean()

    # Drawn cells are (90, 40, 140); the ends of the colour scale are (0, 34, 77) and (254, 232, 56).
    assert share(90, 40, 140) > 0.003
    assert share(0, 34, 77) > 0.03
    assert share(254, 232, 56) > 0.01
