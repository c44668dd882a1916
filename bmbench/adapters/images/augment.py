"""Training patches: a random crop, turned by any angle, perhaps mirrored, slightly blurred, at any scale.

Image and geometry go through the same affine map: the point p of the patch shows the point
``centre + scale * turn @ (p - size / 2)`` of the image, with pixel centres at half-integers on both sides.

The crop is placed so that the turned window stays inside the image where it fits. Where it does not, the
image goes on beyond its edge as its own mirror image, and so do the annotations.

An object is kept if any of it is visible in the patch. It is kept whole: its geometry may reach beyond the
patch, because an outline cut at the patch's edge would be eroded there as if the cell ended. A circle is
turned exactly, a contour point by point; a box follows from the contour, or else is turned as the ellipse
that fills it: exact for a circle's box, and cells are round (the box around its turned corners would be up
to 41 % too wide).

Dyes absorb: a picture is the exponential of minus the sum of their densities. So stains are varied in optical
density, where more dye is a factor, another dye is another direction, and a stained film under the cells is a
shift, and not in colour, where they would be none of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bmbench.core.geometry import clip_ring, ring_area
from bmbench.core.types import Annotations, Bools, Floats, Ints, Pixels, Rings

MOST_BLUR_PX = 1.0
"""Largest standard deviation of the blur; every second patch is blurred."""
DRAWING = 2
"""Counts the ways in which patches have been drawn: a training that began with another one cannot go on."""


class Augment(Protocol):
    """`augment`, or what takes its place."""

    def __call__(
        self,
        image: Pixels,
        annotations: Annotations,
        size: int,
        rng: np.random.Generator,
        /,
        *,
        scale: float = 1.0,
    ) -> tuple[Pixels, Annotations]:
        """A randomly cropped, turned and blurred (size, size, 3) patch and its annotations, in its pixels."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Affine:
    """x → matrix @ x + shift, an angle-preserving map of the plane."""

    matrix: Floats
    shift: Floats

    def __call__(self, xy: Floats) -> Floats:
        """(n, 2) the images of (n, 2) points."""
        moved: Floats = xy @ self.matrix.T + self.shift
        return moved

    @property
    def scale(self) -> float:
        """By what lengths grow."""
        scale = float(np.sqrt(abs(np.linalg.det(self.matrix))))
        # A turn keeps lengths to the last bit, whatever rounding makes of its determinant.
        return 1.0 if abs(scale - 1) < 1e-12 else scale

    def inverse(self) -> Affine:
        """The map back."""
        back: Floats = np.linalg.inv(self.matrix).astype(np.float64)
        return Affine(matrix=back, shift=-back @ self.shift)

    def after(self, first: Affine) -> Affine:
        """The map that goes through `first`, then through this one."""
        return Affine(matrix=self.matrix @ first.matrix, shift=self.matrix @ first.shift + self.shift)


def augment(
    image: Pixels,
    annotations: Annotations,
    size: int,
    rng: np.random.Generator,
    *,
    most_blur_px: float = MOST_BLUR_PX,
    scale: float = 1.0,
) -> tuple[Pixels, Annotations]:
    """A (size, size, 3) uint8 patch of a (height, width, 3) image, and its annotations in its own pixels.

    The same generator state gives the same patch. `most_blur_px` 0 leaves the blur out; a pixel of the patch
    is `scale` pixels of the image wide.
    """
    height, width = image.shape[:2]
    to_image = draw_window(width, height, size, rng, scale=scale)
    patch = blurred(cut(image, to_image, size), draw_blur(rng, most_blur_px))
    return patch, move(annotations, to_image.inverse(), size, image_size=(width, height))


def draw_window(
    width: int, height: int, size: int, rng: np.random.Generator, *, scale: float = 1.0
) -> Affine:
    """A random map from the pixels of a (size, size) patch to those of the image, `scale` of them in one."""
    angle = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]])
    if rng.random() < 0.5:
        turn = turn @ np.diag([-1.0, 1.0])
    half = scale * size / 2
    reach = half * (abs(cos) + abs(sin))
    centre = np.array([_place(width, reach, half, rng), _place(height, reach, half, rng)])
    return Affine(matrix=scale * turn, shift=centre - scale * turn @ np.full(2, size / 2))


def draw_blur(rng: np.random.Generator, most_blur_px: float = MOST_BLUR_PX) -> float:
    """A random standard deviation of the blur; 0, for none, every second time."""
    return rng.uniform(0, most_blur_px) if rng.random() < 0.5 else 0.0


def cut(image: Pixels, to_image: Affine, size: int, *, nearest: bool = False) -> Pixels:
    """(size, size, …) what the map shows of an image of 1, 3 or 4 channels: bilinearly, or nearest pixels.

    Beyond its edge the image is mirrored. OpenCV does the work, and holds no lock of Python's meanwhile.
    """
    import cv2

    corners = to_image(np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64))
    (left, right), (top, bottom) = (
        _needed(int(np.floor(at.min())) - 1, int(np.ceil(at.max())) + 1, extent)
        for at, extent in zip(corners.T, image.shape[1::-1], strict=True)
    )
    # OpenCV has pixel centres at integers.
    shift = to_image(np.full((1, 2), 0.5))[0] - 0.5 - (left, top)
    part = image[top:bottom, left:right]
    three = part.shape[2:] == (3,)
    if three:
        # Four channels take OpenCV two thirds of the time of three, and come out the same.
        part = np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2RGBA), np.uint8)
    patch = cv2.warpAffine(
        part,
        np.column_stack([to_image.matrix, shift]),
        (size, size),
        flags=(cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(cv2.cvtColor(patch, cv2.COLOR_RGBA2RGB) if three else patch, np.uint8)


def _needed(first: int, last: int, extent: int) -> tuple[int, int]:
    """The part of a line of pixels that shows all from first to last, mirrored at the line's own ends alone.

    OpenCV takes no image of more than 32,767 pixels a side.
    """
    if first < 0 and last > extent:
        return 0, extent
    if first < 0:
        return 0, min(extent, max(last, -first))
    if last > extent:
        return max(0, min(first, 2 * extent - last)), extent
    return first, last


def blurred(patch: Pixels, blur_px: float) -> Pixels:
    """The patch after a Gaussian of that standard deviation, cut off at three; mirrored at its edge."""
    import cv2

    reach = int(3 * blur_px + 0.5)
    if not reach:
        return patch
    side = 2 * reach + 1
    return np.asarray(cv2.GaussianBlur(patch, (side, side), blur_px, borderType=cv2.BORDER_REFLECT), np.uint8)


def move(
    annotations: Annotations, to_patch: Affine, size: int, *, image_size: tuple[int, int]
) -> Annotations:
    """What is visible of the annotations in a (size, size) patch, in its pixels.

    `image_size` (width, height) says where the mirrored copies lie.
    """
    copies = [
        _visible(annotations, to_patch.after(mirror), size)
        for mirror in _mirrors(to_patch.inverse(), size, image_size)
    ]
    return copies[0] if len(copies) == 1 else _join(copies)


def _place(extent: int, reach: float, half: float, rng: np.random.Generator) -> float:
    margin = reach if extent >= 2 * reach else min(half, extent / 2)
    return float(rng.uniform(margin, extent - margin))


def _mirrors(to_image: Affine, size: int, image_size: tuple[int, int]) -> list[Affine]:
    """The maps from the image onto itself and onto those mirror images of it that the window meets."""
    corners = to_image(np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64))
    extent = np.array(image_size, np.float64)
    # A corner on the very edge, up to rounding, needs no copy.
    first = np.floor(corners.min(axis=0) / extent + 1e-9).astype(int)
    last = np.ceil(corners.max(axis=0) / extent - 1e-9).astype(int) - 1
    return [
        Affine(
            matrix=np.diag([-1.0 if column % 2 else 1.0, -1.0 if row % 2 else 1.0]),
            shift=extent * (column + column % 2, row + row % 2),
        )
        for row in range(first[1], last[1] + 1)
        for column in range(first[0], last[0] + 1)
    ]


def _visible(annotations: Annotations, to_patch: Affine, size: int) -> Annotations:
    """The objects that a map brings into the patch."""
    near = annotations.take(_near(annotations, to_patch, size))
    xy = to_patch(near.xy)
    circle = np.column_stack([to_patch(near.circle[:, :2]), to_patch.scale * near.circle[:, 2]])
    circle[circle[:, 2] <= 0] = 0.0
    contour = tuple(tuple(to_patch(ring) for ring in rings) for rings in near.contour)
    box = _boxes(near, to_patch, contour)
    moved = Annotations(
        xy=xy, box=box, circle=circle, contour=contour, label=near.label, role=near.role, region=near.region
    )
    return moved.take(_meets(moved, size))


def _near(annotations: Annotations, to_patch: Affine, size: int) -> Bools:
    """(n,) False only for objects that are certainly outside, to spare moving their contours."""
    middle = to_patch((annotations.box[:, :2] + annotations.box[:, 2:]) / 2)
    reach = np.hypot(*(annotations.box[:, 2:] - annotations.box[:, :2]).T) / 2
    away = np.hypot(*(annotations.circle[:, :2] - annotations.box.reshape(-1, 2, 2).mean(axis=1)).T)
    reach = np.maximum(reach, np.where(annotations.circle[:, 2] > 0, away + annotations.circle[:, 2], 0.0))
    reach = to_patch.scale * reach
    far = ((middle < -reach[:, None]) | (middle > size + reach[:, None])).any(axis=1)
    near: Bools = ~far
    return near


def _boxes(annotations: Annotations, to_patch: Affine, contour: tuple[Rings, ...]) -> Floats:
    """(n, 4) the boxes after the map."""
    middle = to_patch((annotations.box[:, :2] + annotations.box[:, 2:]) / 2)
    half = (annotations.box[:, 2:] - annotations.box[:, :2]) / 2
    half = np.sqrt(half**2 @ (to_patch.matrix**2).T)
    box: Floats = np.concatenate([middle - half, middle + half], axis=1)
    rows, points, firsts = _corners(contour)
    if rows:
        box[rows] = np.hstack([f.reduceat(points, firsts) for f in (np.minimum, np.maximum)])
    return box


def _corners(contour: tuple[Rings, ...]) -> tuple[list[int], Floats, Ints]:
    """The objects with an outline, the corners (m, 2) of all of them, and the number of each one's first."""
    rows = [row for row, rings in enumerate(contour) if rings]
    counts = np.array([sum(map(len, contour[row])) for row in rows], np.int64)
    points = np.concatenate([np.zeros((0, 2)), *(ring for row in rows for ring in contour[row])])
    return rows, points, np.cumsum(counts) - counts


def _meets(moved: Annotations, size: int) -> Bools:
    """(n,) whether any of the object lies inside the patch."""
    inside: Bools = np.all((moved.box[:, :2] < size) & (moved.box[:, 2:] > 0), axis=1)
    nearest = np.clip(moved.circle[:, :2], 0, size)
    gap = np.hypot(*(moved.circle[:, :2] - nearest).T)
    inside &= (moved.circle[:, 2] <= 0) | (gap < moved.circle[:, 2])
    rows, points, firsts = _corners(moved.contour)
    if rows:
        # Where a corner of the outline lies inside the patch, some of its area does too.
        within = np.logical_or.reduceat(((points > 0) & (points < size)).all(axis=1), firsts)
        for row in np.array(rows)[inside[rows] & ~within].tolist():
            inside[row] = any(ring_area(clip_ring(ring, size, size)) > 0 for ring in moved.contour[row])
    return inside


def _join(parts: list[Annotations]) -> Annotations:
    columns = ("xy", "box", "circle", "label", "role", "region")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    return Annotations(contour=tuple(rings for part in parts for rings in part.contour), **joined)


_DENSITY = np.repeat(-np.log((np.arange(256) + 1) / 256)[None, :, None], 3, axis=2).astype(np.float32)
"""(1, 256, 3) optical density (natural logarithm) of each grey level; of 0 that of half a level above it."""


def jitter_stain(image: Pixels, strength: float, generator: np.random.Generator) -> Pixels:
    """The image with each channel's optical density scaled and shifted at random.

    Half of the deviation is common to all channels (more or less stain), half is each channel's own
    (another hue); the offset is a tenth of the factor's deviation.
    """
    if strength == 0:
        return image
    import cv2

    common, own = generator.normal(0, strength, 1), generator.normal(0, strength, 3)
    factor = np.exp((common + own) / np.sqrt(2))
    offset = generator.normal(0, strength / 10, 3)
    density = -np.log((np.arange(256)[:, None] + 1) / 256)
    table = np.clip(np.round(256 * np.exp(-(density * factor + offset)) - 1), 0, 255).astype(np.uint8)
    # One channel at a time, which takes OpenCV half as long as all at once.
    channels = zip(cv2.split(image), np.ascontiguousarray(table.T), strict=True)
    return np.asarray(cv2.merge([cv2.LUT(channel, levels) for channel, levels in channels]), np.uint8)


def shift_stain(image: Pixels, strength: float, generator: np.random.Generator) -> Pixels:
    """The image as another laboratory might have stained it.

    Every second image is left as it is. The others' optical densities are mixed between the channels (each
    weight off the diagonal N(0, strength / 2)), scaled as a whole (by the exponential of N(0, strength)), and
    lie on a film of |N(0, strength)| with a random colour.
    """
    if strength == 0 or generator.random() < 0.5:
        return image
    import cv2

    mixing = np.eye(3) + generator.normal(0, strength / 2, (3, 3)) * (1 - np.eye(3))
    amount = np.exp(generator.normal(0, strength))
    film = abs(generator.normal(0, strength)) * generator.uniform(0.2, 1.0, 3)
    matrix = np.column_stack([-amount * mixing, -film])
    light = cv2.exp(cv2.transform(cv2.LUT(image, _DENSITY), matrix.astype(np.float32)))
    return np.asarray(cv2.addWeighted(light, 256, light, 0, -1, dtype=cv2.CV_8U), np.uint8)
