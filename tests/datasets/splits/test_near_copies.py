"""One picture under two names counts as a leak, near copies too; round photographs of one eyepiece do not."""

import io

import numpy as np
import pytest
from PIL import Image

from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from bmbench.core.types import Annotations, Sample
from bmbench.datasets.exchange.split_files import SplitPlan, check_split, split_content
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.reading.picture_copies import alike, in_part, picture_of
from bmbench.datasets.splits.leakage import copies_apart, pictures_of, units_of
from bmbench.datasets.synthetic.dataset import sample as drawn


def image(name, pixels, group=None):
    return Sample(
        image_id=name, name=name, width=pixels.shape[1], height=pixels.shape[0], group=group or name,
        annotations=Annotations.of(xy=np.array([[5, 5.0]]), box=np.array([[1, 1, 9, 9.0]])),
        load=lambda: pixels,
    )  # fmt: skip


@pytest.fixture(scope="module")
def fields():
    return [drawn(number, seed=3, size_px=256).load() for number in range(7)]


def jpeg(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=60)
    return np.asarray(Image.open(buffer))


def brighter(pixels):
    return np.clip(pixels * 0.8 + 40, 0, 255).astype(np.uint8)


def half(pixels):
    return np.asarray(Image.fromarray(pixels).resize((128, 128)))


def noisy(pixels):
    return np.clip(pixels + np.random.default_rng(0).normal(0, 8, pixels.shape), 0, 255).astype(np.uint8)


def mirrored(pixels):
    return jpeg(np.ascontiguousarray(pixels[:, ::-1]))


def quarter(pixels):
    return brighter(np.ascontiguousarray(np.rot90(pixels)))


def a_little_smaller(pixels):
    return np.ascontiguousarray(pixels[3:-2, 2:-4])


CHANGES = (jpeg, brighter, half, noisy, mirrored, quarter, a_little_smaller)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_copy_in_another_subset_is_refused(fields, change):
    samples = [image(f"{n}.png", pixels) for n, pixels in enumerate(fields)]
    samples.append(image("copy", change(fields[2])))
    others = {"copy": "test", "5.png": "validation", "6.png": "optimisation"}
    subsets = {s.image_id: "train" for s in samples} | others
    content = Content(samples=tuple(samples), categories=(), subsets=subsets)
    with pytest.raises(BadInputError, match=r"2\.png \(train\) and copy \(test\) are nearly the same"):
        check_split(content, Silent(), "set")
    # A new split keeps both together.
    pictures = pictures_of(samples, Silent())
    units = units_of(samples, pictures, whole_groups=False)
    assert units[2] == units[7]
    assert len(set(units)) == 7


def turned(pixels):
    return np.asarray(Image.fromarray(pixels).rotate(15, Image.Resampling.BICUBIC))


def turned_and_mirrored(pixels):
    return np.asarray(Image.fromarray(mirrored(pixels)).rotate(-40, Image.Resampling.BICUBIC))


def a_corner(pixels):
    return jpeg(np.ascontiguousarray(pixels[64:, 80:]))


@pytest.mark.parametrize(
    "change", [turned, turned_and_mirrored, a_corner], ids=lambda change: change.__name__
)
def test_a_part_of_a_field_in_another_subset_is_refused(fields, change):
    samples = [image(f"{n}.png", pixels) for n, pixels in enumerate(fields)]
    samples.append(image("part", change(fields[2])))
    others = {"part": "test", "5.png": "validation", "6.png": "optimisation"}
    content = Content(
        samples=tuple(samples), categories=(), subsets={s.image_id: "train" for s in samples} | others
    )
    with pytest.raises(
        BadInputError, match=r"2\.png \(train\) and part \(test\) are parts of one picture"
    ) as caught:
        check_split(content, Silent(), "set")
    assert str(caught.value).count("are parts") == 1
    units = units_of(samples, pictures_of(samples, Silent()), whole_groups=False)
    assert units[2] == units[7]
    assert len(set(units)) == 7


def test_tiles_that_overlap_by_half_are_one_field_and_neighbours_are_not(fields):
    wide = drawn(50, seed=3, size_px=512).load()
    left, right, beside = wide[:, :256], wide[:, 128:384], wide[:, 256:]
    seen = [picture_of(str(n), np.ascontiguousarray(p)) for n, p in enumerate((left, right, beside, *fields))]
    assert in_part(seen) == [(0, 1), (1, 2)]


def test_a_scale_bar_in_every_picture_is_no_field(fields):
    """What lies at the same place in both was put into the picture, or is dirt in the microscope."""
    letters = np.random.default_rng(1).integers(0, 2, (20, 90), np.uint8).repeat(3, axis=0).repeat(2, axis=1)
    marked = []
    for pixels in fields:
        one = pixels.copy()
        one[180:240, 40:220] = letters[..., None] * 255
        marked.append(picture_of("", one))
    assert in_part(marked) == []


def test_a_new_split_keeps_near_copies_together_and_says_so(fields):
    from bmbench.core.types import CELL

    samples = [image(f"{n}.png", pixels) for n, pixels in enumerate(fields)]
    samples.append(image("copy", jpeg(fields[2])))
    content = Content(samples=tuple(samples), categories=(CELL,))
    result = split_content(content, SplitPlan(), Silent())
    assert result.content.subsets["2.png"] == result.content.subsets["copy"]
    assert result.notes == ("1 images are copies of others, or nearly, and stay with them",)


def test_different_fields_are_not_alike(fields):
    assert alike([picture_of(str(n), pixels) for n, pixels in enumerate(fields)]) == []


def test_round_photographs_of_one_eyepiece_are_told_apart(fields):
    """At a glance they correlate by more than 0.95; only the copy is one."""
    down, across = np.mgrid[-1:1:256j, -1:1:256j]
    ring = np.hypot(down, across)
    light = np.where(ring < 0.9, 1 - 0.35 * ring**2, 0.04)[:, :, None]
    photographs = [((pixels * 0.4 + 150) * light).astype(np.uint8) for pixels in fields]
    thumbs = np.array([picture_of("", pixels).thumb for pixels in photographs])
    assert (np.triu(thumbs @ thumbs.T, 1)[np.triu_indices(7, 1)] > 0.95).all()
    pictures = [picture_of(str(n), pixels) for n, pixels in enumerate([*photographs, jpeg(photographs[4])])]
    assert alike(pictures) == [(4, 7)]


def test_pictures_of_one_colour_are_no_near_copies():
    plain = [np.full((40, 60, 3), grey, np.uint8) for grey in (10, 90, 200)]
    assert alike([picture_of(str(n), pixels) for n, pixels in enumerate(plain)]) == []


def test_copies_within_a_subset_are_no_leak(fields):
    samples = [image("a", fields[0]), image("b", jpeg(fields[0]))]
    pictures = pictures_of(samples, Silent())
    assert copies_apart({"train": samples, "test": []}, pictures) == []
    assert len(copies_apart({"train": samples[:1], "test": samples[1:]}, pictures)) == 1
