"""The same smears in other stains."""

import numpy as np

from bmbench.core.dataset import SUBSETS, LoadRequest
from bmbench.datasets.synthetic.dataset import DATASET, sample


def smears(stain):
    split = DATASET.load(LoadRequest(options={"images": "4", "size": "256", "stain": stain}))
    return [one for subset in SUBSETS for one in split.samples[subset]]


def brightness(stain, number=0):
    return sample(number, size_px=256, stain=stain).load().reshape(-1, 3).mean(axis=0)


def test_another_stain_shows_the_same_cells_in_other_colours():
    plain, purple = smears("pappenheim"), smears("purple")
    for one, other in zip(plain, purple, strict=True):
        assert np.array_equal(one.annotations.box, other.annotations.box)
        assert one.name == other.name
        assert not np.array_equal(one.load(), other.load())
        # What is dark stays dark: the same chromatin absorbs red light in either stain.
        grey, violet = (s.load()[..., 0].astype(float).ravel() for s in (one, other))
        assert np.corrcoef(grey, violet)[0, 1] > 0.6


def test_more_dye_is_darker_and_sections_are_pink():
    for number in (0, 5):
        pale, plain, dark = (brightness(stain, number) for stain in ("pale", "pappenheim", "dark"))
        assert (pale > plain).all()
        assert (plain > dark).all()
        red, green, blue = brightness("haematoxylin-eosin", number)
        assert green < blue < red


def test_ground_is_purple_where_everything_is():
    """In the plain stain the ground is nearly white; here it absorbs green most and blue least."""
    for number in (0, 5):
        ground, white = (
            np.quantile(sample(number, size_px=256, stain=stain).load().reshape(-1, 3), 0.8, axis=0)
            for stain in ("purple", "pappenheim")
        )
        red, green, blue = np.log(white / ground)
        assert 0.05 < blue < red < green
