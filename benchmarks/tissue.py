"""Drawn marrow tissue: nuclei cut out of real fields, on grounds that are drawn, in random dyes.

A network that has seen nuclei on white glass alone takes pink cytoplasm, red cells and brown specks for
nuclei. The nuclei here are drawn, or those of annotated fields (their outlines are known), and everything
between them is drawn: cytoplasm, red cells, fat vacuoles, fibres, brown rings and grains of an immune stain.
Dyes are densities, which add up; each image has its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Plane = NDArray[np.float32]
NUCLEAR = np.array(
    [[0.75, 0.9, 0.35], [0.9, 0.85, 0.4], [0.85, 0.55, 0.3], [0.7, 0.95, 0.15], [0.8, 0.6, 0.15]]
)
"""Densities of red, green and blue light: haematoxylins, Romanowsky's purple."""
GROUND = np.array([[0.1, 0.9, 0.35], [0.2, 0.9, 0.2], [0.35, 0.5, 0.15], [0.45, 0.45, 0.3], [0.5, 0.6, 0.15]])
"""Eosins, pale blues and violets."""
LONGEST = 1.7
"""Nuclei of marrow are round: longer ones, of muscle and connective tissue, are not cut out."""
BROWN = np.array([0.55, 0.85, 1.0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nucleus:
    """A nucleus cut out of a field: its density beside the ground, and where it is."""

    density: Plane
    inside: NDArray[np.bool_]


def cut_nuclei(image: NDArray[np.uint8], labels: NDArray[np.int64]) -> list[Nucleus]:
    """Every labelled nucleus of a (h, w, 3) image that does not touch its edge; the mean density is 1."""
    density = -np.log((image[..., 0].astype(np.float32) + 1) / 256)
    ground = float(np.median(density[labels == 0]))
    found = []
    for number, place in enumerate(ndimage.find_objects(labels), start=1):
        if place is None or any(
            s.start < 2 or s.stop > n - 2 for s, n in zip(place, labels.shape, strict=True)
        ):
            continue
        wide = tuple(slice(s.start - 2, s.stop + 2) for s in place)
        inside = labels[wide] == number
        mean = float(density[wide][inside].mean()) - ground
        sides = sorted(inside.shape)
        if inside.sum() >= 40 and mean > 0.1 and sides[1] <= LONGEST * sides[0]:
            found.append(Nucleus(density=(density[wide] - ground) / mean, inside=inside))
    return found


def draw_nucleus(rng: np.random.Generator) -> Nucleus:
    """A round nucleus that is drawn: an outline with dents, grains of chromatin, a rim, a pale middle."""
    radius = np.exp(rng.normal(np.log(8.5), 0.2))
    half = int(radius * 1.6) + 3
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    angle, turn = np.arctan2(y, x), rng.uniform(0, np.pi)
    oblong = rng.uniform(0, 0.22)
    outline = radius * (1 + oblong * np.cos(2 * (angle - turn)))
    for wave in (3, 4, 5):
        outline += radius * rng.normal(0, 0.03) * np.cos(wave * angle + rng.uniform(0, 6))
    depth = outline - np.hypot(x, y)
    grain = _noise(len(y), rng.uniform(1.5, 4), rng) * rng.uniform(0.05, 0.4)
    rim = rng.uniform(0, 0.6) * np.exp(-((depth - 1) ** 2) / 2)
    pale = rng.uniform(0, 0.5) * np.clip(depth / radius, 0, 1)
    density = (1 + grain + rim - pale).astype(np.float32)
    return Nucleus(density=density / max(float(density[depth > 0].mean()), 0.1), inside=depth > 0)


def draw_tissue(
    nuclei: Sequence[Nucleus], side: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """A (side, side, 3) image and the labels of its nuclei."""
    ground = _noise(side, 40, rng) * 0.12 + _noise(side, 6, rng) * 0.08 + _noise(side, 2, rng) * 0.05
    amount = rng.uniform(0, 0.7) if rng.random() < 0.8 else 0.02
    ground = np.clip(amount * (1 + ground * 3), 0, None).astype(np.float32)
    if rng.random() < 0.3:
        ground += amount * 0.5 * np.clip(_fibres(side, rng), 0, None)
    brown = np.zeros((side, side), np.float32)
    nuclear = np.zeros((side, side), np.float32)
    labels = np.zeros((side, side), np.int32)
    holes = _vacuoles(side, rng)
    _red_cells(ground, holes, rng)
    _place_nuclei(nuclei, labels, (nuclear, ground, brown), holes, rng)
    _specks(brown, rng)
    ground *= 1 - holes * (labels == 0)
    dye = _mixed(NUCLEAR, rng) * rng.uniform(0.6, 1.9)
    density = nuclear[..., None] * dye + ground[..., None] * _mixed(GROUND, rng) + brown[..., None] * BROWN
    density += rng.uniform(0, 0.12) * rng.uniform(0.3, 1, 3)
    return _photograph(density.astype(np.float32), rng), labels


def _mixed(dyes: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    mixed: NDArray[np.float64] = rng.dirichlet(np.full(len(dyes), 0.7)) @ dyes * rng.uniform(0.85, 1.15, 3)
    return mixed


def _noise(side: int, grain: float, rng: np.random.Generator) -> Plane:
    """Smooth noise with features of that many pixels, mean 0, deviation 1."""
    few = max(4, int(side / grain) + 2)
    small = rng.normal(size=(few, few)).astype(np.float32)
    large = ndimage.zoom(small, side / few * 1.05, order=3)[:side, :side]
    return ((large - large.mean()) / (large.std() + 1e-6)).astype(np.float32)


def _fibres(side: int, rng: np.random.Generator) -> Plane:
    lines = ndimage.gaussian_filter(rng.normal(size=(side * 2, side * 2)).astype(np.float32), (0.8, 25))
    turned = ndimage.rotate(lines, rng.uniform(0, 180), reshape=False, order=1)[side // 2 :, side // 2 :]
    return turned[:side, :side] / (turned.std() + 1e-6)


def _discs(
    side: int, xy: NDArray[np.float64], radius: NDArray[np.float64]
) -> list[tuple[tuple[slice, slice], Plane]]:
    """Where each disc lies and how far its pixels are from its edge (positive inside)."""
    found = []
    for (x, y), r in zip(xy, radius, strict=True):
        x0, x1, y0, y1 = (
            int(max(0, x - r - 4)),
            int(min(side, x + r + 4)),
            int(max(0, y - r - 4)),
            int(min(side, y + r + 4)),
        )
        if x1 - x0 < 2 or y1 - y0 < 2:
            continue
        dy, dx = np.mgrid[y0:y1, x0:x1]
        found.append(((slice(y0, y1), slice(x0, x1)), (r - np.hypot(dx - x, dy - y)).astype(np.float32)))
    return found


def _vacuoles(side: int, rng: np.random.Generator) -> Plane:
    """Where nothing is stained, 1; fat cells and torn tissue."""
    holes = np.zeros((side, side), np.float32)
    if rng.random() < 0.5:
        n = rng.integers(1, 5)
        for place, depth in _discs(side, rng.uniform(0, side, (n, 2)), rng.uniform(30, 110, n)):
            holes[place] = np.maximum(holes[place], np.clip(depth / 3, 0, 1))
    if rng.random() < 0.3:
        holes = np.maximum(holes, np.clip(_noise(side, 60, rng) * 3 - 2, 0, 1))
    return holes


def _red_cells(ground: Plane, holes: Plane, rng: np.random.Generator) -> None:
    if rng.random() < 0.5:
        return
    side, n = len(ground), int(rng.integers(20, 300))
    level, rim, radius = rng.uniform(0.1, 0.8), rng.uniform(0, 1), rng.uniform(8, 16)
    middle = rng.uniform(0, side, 2)
    xy = middle + rng.normal(0, side * rng.uniform(0.1, 0.6), (n, 2))
    for place, depth in _discs(side, xy, radius * rng.uniform(0.85, 1.15, n)):
        cover = np.clip(depth + 0.5, 0, 1)
        body = level * (1 - rim * np.clip(depth / radius, 0, 1))
        ground[place] = ground[place] * (1 - 0.7 * cover) + body * cover
        holes[place] *= 1 - cover


def _place_nuclei(
    nuclei: Sequence[Nucleus],
    labels: NDArray[np.int32],
    planes: tuple[Plane, Plane, Plane],
    holes: Plane,
    rng: np.random.Generator,
) -> None:
    nuclear, ground, brown = planes
    side = len(labels)
    wanted = int(side * side / 512**2 * np.exp(rng.uniform(np.log(30), np.log(420))))
    texture, spread = rng.uniform(0.5, 2.0), rng.uniform(0.05, 0.4)
    cytoplasm, haze, immune = rng.uniform(0, 0.6), rng.uniform(1.2, 2.2), rng.uniform() < 0.3
    clustered = np.clip(_noise(side, 90, rng) * rng.uniform(0, 1) + 0.5, 0.02, 1)
    largest, cut = rng.uniform(0.9, 1.5), rng.uniform(0, 1)
    for _ in range(wanted * 4):
        if labels.max() >= wanted:
            return
        x, y = rng.integers(0, side, 2)
        if rng.random() > clustered[y, x] or holes[y, x] > 0.5:
            continue
        one = nuclei[rng.integers(len(nuclei))] if rng.random() < cut else draw_nucleus(rng)
        size = np.exp(rng.normal(0, 0.12)) * (largest if rng.random() < 0.15 else 1.0)
        turn = rng.uniform(0, 360)
        inside = (
            ndimage.rotate(ndimage.zoom(one.inside.astype(np.float32), size, order=1), turn, order=1) > 0.5
        )
        density = ndimage.rotate(ndimage.zoom(one.density, size, order=1), turn, order=1)
        h, w = inside.shape
        top, left = y - h // 2, x - w // 2
        if top < 0 or left < 0 or top + h > side or left + w > side or not inside.any():
            continue
        place = (slice(top, top + h), slice(left, left + w))
        if (labels[place][inside] > 0).mean() > 0.08:
            continue
        fresh = inside & (labels[place] == 0)
        labels[place][fresh] = labels.max() + 1
        amount = np.exp(rng.normal(0, spread))
        edge = np.clip(ndimage.gaussian_filter(inside.astype(np.float32), rng.uniform(0.4, 0.9)), 0, 1)
        body = np.clip(1 + texture * (density - 1), 0.15, 3) * amount * edge
        nuclear[place] = np.maximum(nuclear[place], body)
        radius = np.sqrt(inside.sum() / np.pi)
        shift = rng.normal(0, 0.25 * radius, 2)
        reach = radius * rng.uniform(1.15, haze)
        for where, depth in _discs(side, np.array([[x, y]]) + shift, np.array([reach])):
            cover = np.clip(depth / 2, 0, 1)
            ground[where] = np.maximum(ground[where], cytoplasm * cover * rng.uniform(0.5, 1.4))
            if immune and rng.random() < 0.2:
                ring = np.clip(depth / 2, 0, 1) * np.exp(-np.clip(depth, 0, None) / rng.uniform(4, 14))
                brown[where] = np.maximum(brown[where], rng.uniform(0.4, 1.5) * ring)


def _specks(brown: Plane, rng: np.random.Generator) -> None:
    if rng.random() < 0.75:
        return
    side, n = len(brown), int(rng.integers(5, 60))
    for place, depth in _discs(side, rng.uniform(0, side, (n, 2)), rng.uniform(1.5, 7, n)):
        brown[place] += rng.uniform(0.2, 1.2) * np.clip(depth / 2, 0, 1)


def _photograph(density: Plane, rng: np.random.Generator) -> NDArray[np.uint8]:
    blur = rng.uniform(0.3, 1.1)
    light = 256 * np.exp(-ndimage.gaussian_filter(density, (blur, blur, 0))) - 1
    light += rng.normal(0, rng.uniform(0.5, 4), light.shape)
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)
