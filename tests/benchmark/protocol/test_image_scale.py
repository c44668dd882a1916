"""What a run says where its training patches are no crops."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from bmbench.benchmark.contract.drawn_cells import circles
from bmbench.benchmark.protocol.image_scale import uncropped
from bmbench.core.types import Sample


@dataclass(frozen=True)
class Drawing:
    patch_px: int
    cell_px: float = 40.0


def image(side, *, radius=82.5):
    """An image of the study: 2048 px, cells of 165 px."""
    return Sample(
        image_id=1,
        name="one",
        width=side,
        height=side + 100,
        group="one",
        annotations=circles((300.0, 300.0, radius)),
        load=partial(np.zeros, (1, 1, 3), np.uint8),
    )


@pytest.mark.parametrize(("patch_px", "told"), [(512, True), (497, True), (496, False), (256, False)])
def test_a_patch_that_holds_the_whole_image_is_told(patch_px, told):
    """2048 px at 40 of 165 px a cell: 496.5 px."""
    said = uncropped([image(2048)] * 3, Drawing(patch_px))
    assert ("holds 3 of 3 training images whole (median 496 px at 40 px a cell)" in said) == told
    assert bool(said) == told


def test_few_small_images_among_large_ones_are_no_matter():
    images = [image(2048), image(4096), image(4096)]
    assert uncropped(images, Drawing(512)) == ""
    assert "holds 2 of 3" in uncropped([image(1024), *images[:2]], Drawing(512))


def test_methods_that_draw_no_patches_say_nothing():
    assert uncropped([image(2048)], object()) == ""
    assert uncropped([image(2048, radius=0.0)], Drawing(512)) == ""
