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
from numpy.typing import NDArray

from bmbench.core.geometry import clip_ring, ring_area, rings_box
from bmbench.core.types import Annotations, Bools, Floats, Ints, Pixels, Rings

MOST_BLUR_PX = 1.0
"""Largest standard deviation of the blur; every second patch is blurred."""
_BLOCK_PX = 64
"""Side of what is sampled at once: its arrays stay in the processor's cache."""


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
    blur = rng.uniform(0, most_blur_px) if rng.random() < 0.5 else 0.0
    patch = cut(image, to_image, size, blur_px=blur)
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


def cut(image: Pixels, to_image: Affine, size: int, *, blur_px: float = 0.0) -> Pixels:
    """(size, size, 3) the patch that the map shows, sampled bilinearly; mirrored beyond the image's edge."""
    from scipy import ndimage

    patch = np.empty((size, size, 3), np.float32)
    for top in range(0, size, _BLOCK_PX):
        for left in range(0, size, _BLOCK_PX):
            block = patch[top : top + _BLOCK_PX, left : left + _BLOCK_PX]
            _sample(image, to_image, (left, top), block)
    if blur_px > 0:
        patch = ndimage.gaussian_filter(patch, (blur_px, blur_px, 0), mode="reflect", truncate=3.0)
    pixels: Pixels = np.rint(patch, out=patch).astype(np.uint8)
    return pixels


def _sample(image: Pixels, to_image: Affine, corner: tuple[int, int], block: NDArray[np.float32]) -> None:
    """Fill the block of a patch that begins at that column and row."""
    (x_right, x_down), (y_right, y_down) = to_image.matrix
    # Pixel centres are at integers here.
    x, y = to_image(np.array([corner]) + 0.5)[0] - 0.5
    right, down = np.arange(block.shape[1]), np.arange(block.shape[0])[:, None]
    x = x_right * right + (x_down * down + x)
    y = y_right * right + (y_down * down + y)
    left, above = np.floor(x), np.floor(y)
    x -= left
    y -= above
    seen = _part(image, left, above)
    width = seen.shape[1]
    first = ((above - above.min()) * width + (left - left.min())).astype(np.intp)
    weights = ((1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x)
    for channel in range(3):
        values = seen[:, :, channel].astype(np.float64).ravel()
        corners = (values[start:].take(first) for start in (0, 1, width, width + 1))
        block[:, :, channel] = sum(weight * value for weight, value in zip(weights, corners, strict=True))


def _part(image: Pixels, left: Floats, above: Floats) -> Pixels:
    """From the first column and row to the one after the last; mirrored beyond the image's edge."""
    columns, rows = (np.arange(int(at.min()), int(at.max()) + 2) for at in (left, above))
    height, width = image.shape[:2]
    if columns[0] >= 0 and rows[0] >= 0 and columns[-1] < width and rows[-1] < height:
        return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return image[_mirrored(rows, height)[:, None], _mirrored(columns, width)]


def _mirrored(at: Ints, extent: int) -> Ints:
    """Where a line of pixels, mirrored at both ends without end, shows its own."""
    inside: Ints = np.minimum(at % (2 * extent), (-1 - at) % (2 * extent))
    return inside


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
    for row, rings in enumerate(contour):
        if rings:
            box[row] = rings_box(rings)
    return box


def _meets(moved: Annotations, size: int) -> Bools:
    """(n,) whether any of the object lies inside the patch."""
    inside: Bools = np.all((moved.box[:, :2] < size) & (moved.box[:, 2:] > 0), axis=1)
    nearest = np.clip(moved.circle[:, :2], 0, size)
    gap = np.hypot(*(moved.circle[:, :2] - nearest).T)
    inside &= (moved.circle[:, 2] <= 0) | (gap < moved.circle[:, 2])
    for row, rings in enumerate(moved.contour):
        if rings and inside[row] and not any(_reaches_into(ring, size) for ring in rings):
            inside[row] = any(ring_area(clip_ring(ring, size, size)) > 0 for ring in rings)
    return inside


def _reaches_into(ring: Floats, size: int) -> bool:
    """Whether a corner of the outline lies inside the patch: then some of its area does too."""
    return bool(((ring > 0) & (ring < size)).all(axis=1).any())


def _join(parts: list[Annotations]) -> Annotations:
    columns = ("xy", "box", "circle", "label", "role", "region")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    return Annotations(contour=tuple(rings for part in parts for rings in part.contour), **joined)


_DENSITY = -np.log((np.arange(256) + 1) / 256).astype(np.float32)
"""Optical density (natural logarithm) of each grey level; of 0 that of half a level above it."""


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
    return cv2.LUT(image, table[None]).astype(np.uint8, copy=False)


def shift_stain(image: Pixels, strength: float, generator: np.random.Generator) -> Pixels:
    """The image as another laboratory might have stained it.

    Every second image is left as it is. The others' optical densities are mixed between the channels (each
    weight off the diagonal N(0, strength / 2)), scaled as a whole (by the exponential of N(0, strength)), and
    lie on a film of |N(0, strength)| with a random colour.
    """
    if strength == 0 or generator.random() < 0.5:
        return image
    mixing = np.eye(3) + generator.normal(0, strength / 2, (3, 3)) * (1 - np.eye(3))
    amount = np.exp(generator.normal(0, strength))
    film = abs(generator.normal(0, strength)) * generator.uniform(0.2, 1.0, 3)
    density = _DENSITY[image] @ (amount * mixing).T.astype(np.float32) + film.astype(np.float32)
    pixels: Pixels = np.clip(np.rint(256 * np.exp(-density) - 1), 0, 255).astype(np.uint8)
    return pixels
