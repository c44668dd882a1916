"""Training patches in other stains."""

import numpy as np
import pytest

from bmbench.adapters.images.augment import jitter_stain, shift_stain


def test_stain_jitter_changes_colour_and_keeps_order():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    changed = jitter_stain(ramp, 0.3, np.random.default_rng(0))
    assert not np.array_equal(changed, ramp)
    assert (np.diff(changed.astype(int), axis=1) >= 0).all()
    assert np.array_equal(jitter_stain(ramp, 0.0, np.random.default_rng(0)), ramp)


def colours():
    """Mid-tones, which no change of stain here drives into black or white."""
    return np.random.default_rng(3).integers(70, 250, (40, 40, 3), np.uint8)


@pytest.mark.parametrize("seed", range(6))
def test_another_stain_mixes_densities_and_lays_a_film_over_them(seed):
    """Found again by least squares: density' = matrix @ density + film, within half a grey level."""
    image, generator = colours(), np.random.default_rng(seed)
    while np.array_equal(changed := shift_stain(image, 0.15, generator), image):
        pass
    unclipped = ((changed > 0) & (changed < 255)).all(axis=2)
    before, after = (-np.log((picture[unclipped].astype(float) + 1) / 256) for picture in (image, changed))
    design = np.column_stack([before, np.ones(len(before))])
    answer, *_ = np.linalg.lstsq(design, after, rcond=None)
    error = 256 * (np.exp(-design @ answer) - np.exp(-after))
    assert np.abs(error).max() < 1.0
    assert (answer[3] > -0.01).all()


def test_every_second_patch_keeps_its_stain():
    image = colours()
    generator = np.random.default_rng(0)
    kept = sum(np.array_equal(shift_stain(image, 0.3, generator), image) for _ in range(400))
    assert 160 < kept < 240


def test_no_strength_no_other_stain():
    image = colours()
    assert np.array_equal(shift_stain(image, 0.0, np.random.default_rng(0)), image)
