"""Targets that are looked up after the map are those that are computed after it, but on edges."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import ndimage

torch = pytest.importorskip("torch")

from bmbench.adapters.images.augment import draw_blur, draw_window, move
from bmbench.adapters.images.working_scale import TrainingImage
from bmbench.adapters.unet.encodings import level_maps
from bmbench.adapters.unet.encodings.encoding import ENCODINGS, encode
from bmbench.adapters.unet.encodings.foreground_curve import SYNTHETIC
from bmbench.adapters.unet.encodings.object_pixels import TargetMap
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.adapters.unet.training import PatchSource, draw_patch
from bmbench.core.geometry import rectangle
from bmbench.core.objects import with_regions
from bmbench.core.types import Annotations, Role

SETTINGS = UNetSettings(cell_px=28.0, patch_px=176, stain_shift=0.3)
SIDE = 300


def taught(name, *, artefacts=True):
    encoding = ENCODINGS.get(name)
    return dataclasses.replace(
        encoding, artefacts=artefacts, curve=SYNTHETIC if encoding.uses_curve else None
    )


@pytest.fixture
def apart():
    """25 circles that do not meet, radii 4 to 20 px: cells, artefacts and ignored objects."""
    generator = np.random.default_rng(4)
    middle = np.stack(np.meshgrid(*[np.arange(30.0, SIDE, 60)] * 2), axis=-1).reshape(-1, 2)
    circle = np.column_stack([middle + generator.uniform(-8, 8, (25, 2)), generator.uniform(4, 20, 25)])
    return round_ones(
        circle, role=generator.permutation([Role.CELL] * 15 + [Role.ARTEFACT] * 5 + [Role.IGNORE] * 5)
    )


def round_ones(circle, **columns):
    xy, radius = circle[:, :2], circle[:, 2:]
    return Annotations.of(xy=xy, box=np.hstack([xy - radius, xy + radius]), circle=circle, **columns)


def outlined(annotations):
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    ring = np.column_stack([np.cos(turn), np.sin(turn)])
    contour = tuple((circle[:2] + circle[2] * ring,) for circle in annotations.circle)
    return dataclasses.replace(annotations, contour=contour, circle=np.zeros_like(annotations.circle))


def noise(seed=0, side=SIDE):
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


def source(annotations, encoding, settings=SETTINGS, image=None):
    one = TrainingImage(image=noise() if image is None else image, annotations=annotations)
    return PatchSource.of([one], encoding=encoding, settings=settings)


def moved_with(seed, annotations, settings=SETTINGS):
    """The annotations as that patch shows them."""
    generator = np.random.default_rng(seed)
    generator.choice(1, p=[1.0])
    window = draw_window(SIDE, SIDE, settings.patch_px, generator)
    draw_blur(generator)
    return move(annotations, window.inverse(), settings.patch_px, image_size=(SIDE, SIDE))


def within_neighbours(value, wanted, side=3, error=0.02):
    """Where a value lies between those that are wanted of the pixels around it, but for an error."""
    size = (1,) * (wanted.ndim - 2) + (side, side)
    low, high = ndimage.minimum_filter(wanted, size), ndimage.maximum_filter(wanted, size)
    return (value >= low - error) & (value <= high + error)


def signed(target):
    """A class and how sure it is, as one number."""
    return TargetMap(value=(2 * target.value - 1) * target.weight, weight=np.ones_like(target.weight))


@pytest.mark.parametrize("drawn_as", ["circles", "contours"])
@pytest.mark.parametrize("overlap", ["apart", "union"])
@pytest.mark.parametrize("name", ENCODINGS.names())
def test_a_target_looked_up_is_the_one_of_the_moved_shapes(name, overlap, drawn_as, apart):
    """It is nowhere a pixel off, and differs by a tenth in few pixels.

    The depth inside a contour is that of its pixels, turned or not: half a pixel off at most, on either side.
    """
    side = 5 if drawn_as == "contours" else 3
    # Scaled, the measured curve runs from −1 to 1 in two pixels of a small cell.
    error = {"statistical": 0.1, "statistical_scaled": 0.3}.get(name, 0.02)
    error *= side - 2
    shapes = outlined(apart) if drawn_as == "contours" else apart
    settings = dataclasses.replace(SETTINGS, overlap=overlap)
    encoding = taught(name)
    drawn_from = source(shapes, encoding, settings)
    differing = []
    for seed in range(3):
        target = draw_patch(drawn_from, np.random.default_rng(seed)).target
        wanted = encode(moved_with(seed, shapes), (176, 176), encoding=encoding, settings=settings)
        assert target.weight.min() == 0
        assert target.value[-1].max() > 0.5
        if name == "statistical_scaled":
            target, wanted = (signed(each) for each in (target, wanted))
        assert within_neighbours(target.weight, wanted.weight, side).all()
        counted = (target.weight > 0) & (ndimage.minimum_filter(wanted.weight, side) > 0)
        assert within_neighbours(target.value, wanted.value, side, error)[:, counted].all()
        differing.append((abs(target.value - wanted.value) > 0.1).any(axis=0) & counted)
    assert np.mean(differing) < (0.004 if drawn_as == "circles" else 0.03)


@pytest.mark.parametrize("name", ENCODINGS.names())
def test_where_circles_overlap_the_setting_decides_about_the_border(name, circles):
    touching = circles((140.0, 150.0, 18.0), (164.0, 150.0, 18.0))
    encoding = taught(name, artefacts=False)
    shares = {}
    for overlap in ("apart", "union"):
        settings = dataclasses.replace(SETTINGS, overlap=overlap)
        drawn_from = source(touching, encoding, settings)
        target = draw_patch(drawn_from, np.random.default_rng(2)).target
        wanted = encode(moved_with(2, touching), (176, 176), encoding=encoding, settings=settings)
        assert abs(target.value - wanted.value).mean() < 0.002
        shares[overlap] = target.value[0].sum()
    assert shares["union"] > shares["apart"]


def test_nothing_is_learned_of_ignored_regions(circles):
    regions = with_regions(circles((150.0, 150.0, 12.0)), [rectangle(100, 100, 200, 140)])
    encoding = taught("sigmoid", artefacts=False)
    patches = [draw_patch(source(regions, encoding), np.random.default_rng(seed)) for seed in range(4)]
    for seed, patch in enumerate(patches):
        wanted = encode(moved_with(seed, regions), (176, 176), encoding=encoding, settings=SETTINGS)
        assert within_neighbours(patch.target.weight, wanted.weight).all()
    assert any((patch.target.weight == 0).any() for patch in patches)


@pytest.mark.parametrize("drawn_as", ["circles", "contours"])
@pytest.mark.parametrize("name", ["shrink", "distance"])
def test_classes_looked_up_are_those_of_the_moved_shapes(name, drawn_as, apart):
    """In the cells alone, and the map beside them is what it is without classes, to the last bit."""
    shapes = outlined(apart) if drawn_as == "contours" else apart
    shapes = dataclasses.replace(shapes, label=np.arange(len(shapes)) % 3)
    shapes = with_regions(shapes, [rectangle(100, 100, 200, 140)])
    plain = taught(name)
    encoding = dataclasses.replace(plain, cell_weights=(1.0,) * 3)
    drawn_from, without = source(shapes, encoding), source(shapes, plain)
    for seed in range(3):
        patch, alone = (draw_patch(each, np.random.default_rng(seed)) for each in (drawn_from, without))
        wanted = encode(moved_with(seed, shapes), (176, 176), encoding=encoding, settings=SETTINGS)
        value = patch.target.value
        assert np.array_equal(value[: plain.outputs], alone.target.value)
        assert np.array_equal(patch.target.weight, alone.target.weight)
        assert patch.image.tobytes() == alone.image.tobytes()
        named, moved = value[plain.outputs :], wanted.value[plain.outputs :]
        assert within_neighbours(named, moved).all()
        assert named.shape == (3, 176, 176)
        assert named.sum() == pytest.approx(moved.sum(), rel=0.01)
        assert not named[:, patch.target.weight == 0].any()


def bytes_of(patch):
    return patch.image.tobytes() + patch.target.value.tobytes() + patch.target.weight.tobytes()


def at(offset, array):
    """The same numbers, that many bytes from where numpy would put them."""
    room = np.zeros(array.nbytes + 64, np.uint8)
    copy = room[offset : offset + array.nbytes].reshape(array.shape)
    copy[...] = array
    return copy


@pytest.mark.parametrize("offset", [1, 4, 7, 16, 33])
def test_a_patch_is_the_same_wherever_in_memory_the_image_lies(offset, apart):
    here = source(apart, taught("sigmoid"))
    image = here.images[0]
    planes = {name: at(offset, getattr(image, name)) for name in ("image", "artefact", "ignored")}
    there = dataclasses.replace(here, images=[level_maps.LevelledImage(**planes)])
    for seed in range(4):
        one, other = (draw_patch(each, np.random.default_rng(seed)) for each in (here, there))
        assert bytes_of(one) == bytes_of(other)


def test_patches_drawn_side_by_side_are_those_drawn_one_after_the_other(apart):
    drawn_from = source(apart, taught("shrink_contour"))

    def draw(seed):
        return bytes_of(draw_patch(drawn_from, np.random.default_rng(seed)))

    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(draw, range(24)))
    assert together == [draw(seed) for seed in range(24)]
    assert len(set(together)) == 24


@pytest.mark.parametrize("overlap", ["apart", "union"])
def test_bands_of_rows_make_the_levels_of_the_whole(overlap, apart, monkeypatch):
    crowded = dataclasses.replace(apart, circle=apart.circle * [1, 1, 2.2])
    settings = dataclasses.replace(SETTINGS, overlap=overlap)
    whole = source(crowded, taught("distance"), settings).images[0]
    monkeypatch.setattr(level_maps, "_BAND_PX", 37 * SIDE)
    parts = source(crowded, taught("distance"), settings).images[0]
    for name in ("image", "artefact", "ignored"):
        one, other = (getattr(each, name).astype(int) for each in (whole, parts))
        # The last bit of a depth may differ, and with it a code.
        assert abs(one - other).max() <= 1
        assert (one != other).mean() < 1e-3


def test_a_larger_view_shows_the_whole_target_larger(circles):
    """Of a view that shows the image twice as large, targets of cells are twice as wide, eroded or not."""
    one = circles((150.5, 150.5, 14.0))
    for name in ("shrink", "distance"):
        encoding = taught(name, artefacts=False)
        settings = dataclasses.replace(SETTINGS, scale_jitter=2.0, patch_px=144)
        areas = {}
        for seed in range(40):
            generator = np.random.default_rng(seed)
            generator.choice(1, p=[1.0])
            scale = 2.0 ** generator.uniform(-1, 1)
            patch = draw_patch(source(one, encoding, settings), np.random.default_rng(seed))
            shown = patch.target.value[0] > 0.5
            if shown.any() and not (shown[[0, -1]].any() or shown[:, [0, -1]].any()):
                areas[seed] = shown.sum() * scale**2
        assert len(areas) > 10
        radius = 14 - 0.2 * 28 if name == "shrink" else 7.0
        assert np.allclose(list(areas.values()), np.pi * radius**2, rtol=0.07)
