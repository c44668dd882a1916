"""Painting nucleated cells, whose nuclei are smoothly joined blobs of many forms, and red cells."""

from itertools import pairwise

import numpy as np

from bmbench.core.types import Floats
from bmbench.datasets.synthetic.canvas import Canvas, Plane, Window, window
from bmbench.datasets.synthetic.kinds import Granules
from bmbench.datasets.synthetic.outline import Outline
from bmbench.datasets.synthetic.scene import Thing


def paint_red(canvas: Canvas, outline: Outline, pallor: float, rng: np.random.Generator) -> None:
    """One red cell: a disc, paler in the middle, a little darker at the rim."""
    at = window(outline, canvas.size_px, 2)
    if at is None:
        return
    um = canvas.px_per_um
    pale = np.clip(rng.normal(pallor, 0.14), 0, 0.75)
    dx, dy = rng.normal(0, 0.35 * um, 2)
    wide = rng.uniform(1.1, 1.7) * um
    hollow = np.exp(-((at.x - dx) ** 2 + (at.y - dy) ** 2) / (2 * wide**2))
    rim = np.exp(-((at.edge / um + 0.45) ** 2) / 0.12)
    tilt = (at.x * rng.normal(0, 0.02) + at.y * rng.normal(0, 0.02)) / um
    level = rng.normal(0.8, 0.1) * (1 - pale * hollow + 0.12 * rim + tilt)
    level *= 1 + 0.05 * canvas.noise("mid", at, rng)
    young = rng.uniform(0.1, 0.3) if rng.uniform() < 0.1 else 0.0
    canvas.add(at, "haem", np.maximum(level, 0) * (1 - young) * at.cover(0.35 * um))
    canvas.add(at, "grey", np.maximum(level, 0) * young * at.cover(0.35 * um))


def paint_cell(canvas: Canvas, thing: Thing, rng: np.random.Generator) -> None:
    """One nucleated cell: cytoplasm, halo, vacuoles, nucleus, granules."""
    at = window(thing.outline, canvas.size_px, 3)
    if at is None:
        return
    middle, room = _middle(thing.outline)
    fill = rng.uniform(*thing.kind.fill)
    away = rng.uniform(0, 2 * np.pi)
    shift = room * (1 - fill) * thing.kind.off * np.array([np.cos(away), np.sin(away)])
    place = middle + shift
    core = _nucleus_distance(canvas, thing, at, rng, place=place, radius=fill * room)
    cover = at.cover()
    _cytoplasm(canvas, thing, at, rng, core=core, hof=middle - shift * 0.35, cover=cover)
    _chromatin(canvas, thing, at, rng, core=core)
    for kind in thing.kind.granules:
        _granules(canvas, kind, at, rng, core)


def _middle(outline: Outline) -> tuple[Floats, float]:
    """Where a nucleus has most room: the centre of mass relative to the centre, and the mean radius there."""
    points = outline.points - outline.centre
    x, y = points.T
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    area = cross.sum() / 2
    middle = np.array([((x + np.roll(x, -1)) * cross).sum(), ((y + np.roll(y, -1)) * cross).sum()]) / (
        6 * area
    )
    return middle, float(np.sqrt(area / np.pi))


def _nucleus_distance(
    canvas: Canvas, thing: Thing, at: Window, rng: np.random.Generator, *, place: Floats, radius: float
) -> Plane:
    """Signed distance (pixels) to the nucleus, which keeps off the cell's border."""
    um = canvas.px_per_um
    shape = nucleus_blobs(thing.kind.nucleus[rng.integers(len(thing.kind.nucleus))], rng)
    wobble = 0.22 * um
    x = (
        at.x
        - place[0]
        + wobble * canvas.noise("wide", at, rng)
        + 0.35 * wobble * canvas.noise("coarse", at, rng)
    )
    y = (
        at.y
        - place[1]
        + wobble * canvas.noise("wide", at, rng)
        + 0.35 * wobble * canvas.noise("coarse", at, rng)
    )
    core = blobs_distance(shape * radius, x, y, join=0.35 * um)
    inside = at.edge + 0.38 * um
    blend = np.maximum(0.8 * um - np.abs(core - inside), 0) / (0.8 * um)
    kept: Plane = np.maximum(core, inside) + blend * blend * 0.2 * um
    return kept


def _cytoplasm(
    canvas: Canvas,
    thing: Thing,
    at: Window,
    rng: np.random.Generator,
    *,
    core: Plane,
    hof: Floats,
    cover: Plane,
) -> None:
    um, kind = canvas.px_per_um, thing.kind
    canvas.fade(at, 0.8 * cover)
    mottle = 1 + 0.09 * canvas.noise("mid", at, rng) + 0.13 * canvas.noise("coarse", at, rng)
    mottle += 0.1 * canvas.noise("wide", at, rng)
    mottle *= 1 + kind.rim * np.exp(-((at.edge / um + 0.2) ** 2) / 0.9)
    away = np.hypot(at.x - hof[0], at.y - hof[1]) / um
    pale = kind.halo * np.exp(-((away / 2.3) ** 2)) + 0.6 * kind.halo * np.exp(-((core / um / 0.55) ** 2))
    mottle *= np.clip(1 - pale, 0.15, None)
    for _ in range(rng.poisson(kind.vacuoles)):
        spot = rng.uniform(0.2, 0.85) * thing.outline.radius.min()
        turn = rng.uniform(0, 2 * np.pi)
        hole = np.hypot(at.x - spot * np.cos(turn), at.y - spot * np.sin(turn)) / (
            rng.uniform(0.45, 0.9) * um
        )
        mottle *= 1 - 0.8 / (1 + hole**6)
    strength = np.clip(rng.lognormal(-0.05, 0.22), 0.5, 1.5)
    membrane = 0.11 * np.exp(-((at.edge / um + 0.15) ** 2) / 0.05)
    for dye, amount in kind.cytoplasm.items():
        canvas.add(at, dye, np.clip(amount * strength * mottle, 0, None) * cover)
    canvas.add(at, "grey", membrane * cover)


def _chromatin(canvas: Canvas, thing: Thing, at: Window, rng: np.random.Generator, *, core: Plane) -> None:
    um, kind = canvas.px_per_um, thing.kind
    inside = np.clip(0.5 - core / (0.3 * um), 0, 1)
    clumps = np.tanh(1.3 * canvas.noise(kind.clump_scale, at, rng))
    grain = canvas.noise("fine", at, rng)
    level = 1 + kind.clump * clumps + 0.1 * grain + 0.08 * canvas.noise("wide", at, rng)
    level += 0.14 * np.exp(-((core / um + 0.25) ** 2) / 0.06)
    deep = np.minimum(core.min(), -0.1)
    rows, columns = np.nonzero(core < 0.55 * deep)
    n = int(rng.integers(kind.nucleoli[0], kind.nucleoli[1] + 1))
    blue = np.zeros_like(core)
    for _ in range(n if len(rows) else 0):
        k = rng.integers(len(rows))
        x, y = at.x[rows[k], columns[k]], at.y[rows[k], columns[k]]
        hole = np.hypot(at.x - x, at.y - y) / (rng.uniform(0.8, 1.25) * um)
        pit = 1 / (1 + hole**5)
        level *= 1 - 0.42 * pit
        level += 0.2 * np.exp(-((hole - 1.15) ** 2) / 0.05)
        blue += 0.22 * pit
    canvas.fade(at, 0.55 * inside)
    canvas.add(
        at, "chromatin", np.clip(kind.chromatin * rng.lognormal(-0.1, 0.24) * level, 0.1, None) * inside
    )
    canvas.add(at, "blue", blue * inside)


def _granules(canvas: Canvas, kind: Granules, at: Window, rng: np.random.Generator, core: Plane) -> None:
    room = (at.edge < -0.3 * canvas.px_per_um) & (core > 0)
    over = (core <= 0) & (rng.uniform(size=core.shape) < kind.over_nucleus * 0.5)
    rows, columns = np.nonzero(room | over)
    if not len(rows):
        return
    n = int(rng.poisson(kind.per_um2 * len(rows) / canvas.px_per_um**2 * rng.uniform(0.5, 1.4)))
    pick = rng.integers(len(rows), size=n)
    spots = np.stack([columns[pick], rows[pick]], axis=1) + rng.uniform(0, 1, (n, 2))
    sizes = kind.radius_um * canvas.px_per_um * rng.lognormal(0, 0.2, n)
    amount = np.minimum(sprinkle(core.shape, spots, sizes), 1.2)
    canvas.add(at, kind.dye, kind.density * amount * at.cover())


def sprinkle(shape: tuple[int, ...], spots: Floats, radii: Floats) -> Plane:
    """(h, w) sum of soft round spots: x and y of their centres in pixels, and their radii."""
    plane = np.zeros(shape, np.float32)
    for (x, y), radius in zip(spots, radii, strict=True):
        reach = int(np.ceil(2.2 * radius)) + 1
        top, left = max(int(y) - reach, 0), max(int(x) - reach, 0)
        part = plane[top : int(y) + reach + 1, left : int(x) + reach + 1]
        rows = top + 0.5 - y + np.arange(part.shape[0])[:, None]
        columns = left + 0.5 - x + np.arange(part.shape[1])[None]
        # Spots smaller than a pixel keep their total density: a blurred spot gets paler, not larger.
        wide = radius**2 + 0.12
        part += (radius**2 / wide * np.exp(-(rows**2 + columns**2) / (1.1 * wide))).astype(np.float32)
    return plane


# A blob is x0, y0, x1, y1, r0, r1: a rod from one point to another with a radius at each end.
# Forms fit the unit disc.


def nucleus_blobs(form: str, rng: np.random.Generator) -> Floats:
    """(n, 6) blobs of a nucleus in the unit disc, turned at random."""
    shape = np.array(_FORMS[form](rng), dtype=np.float64)
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shape[:, 0:2] = shape[:, 0:2] @ turn.T
    shape[:, 2:4] = shape[:, 2:4] @ turn.T
    return shape


def blobs_distance(shape: Floats, x: Plane, y: Plane, join: float) -> Plane:
    """Signed distance to the border of the joined blobs (negative inside); `join` rounds their seams."""
    total: Plane = np.full(x.shape, np.inf)
    for x0, y0, x1, y1, r0, r1 in shape:
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy + 1e-9), 0, 1)
        one = np.hypot(x - x0 - along * dx, y - y0 - along * dy) - (r0 + along * (r1 - r0))
        blend = np.maximum(join - np.abs(total - one), 0) / join
        total = np.minimum(total, one) - blend * blend * join / 4
    return total


def _round(rng: np.random.Generator) -> list[list[float]]:
    s = rng.uniform(0.02, 0.1)
    return [[-s, 0, s, 0, 1 - s, 1 - s]]


def _oval(rng: np.random.Generator) -> list[list[float]]:
    s = rng.uniform(0.14, 0.26)
    r = 1 - s
    return [[-s, 0, s, 0, r, r * rng.uniform(0.88, 1.0)]]


def _dented(rng: np.random.Generator) -> list[list[float]]:
    return [[-0.3, 0.05, 0.1, 0.18, 0.68, 0.7], [0.1, 0.18, 0.35, -0.22, 0.62, rng.uniform(0.5, 0.6)]]


def _kidney(rng: np.random.Generator) -> list[list[float]]:
    thick, bow = rng.uniform(0.46, 0.56), rng.uniform(0.18, 0.34)
    return _arc([(-0.5, -bow), (-0.1, 0.2), (0.15, 0.2), (0.5, -bow)], [thick, thick, thick, thick * 0.95])


def _folded(rng: np.random.Generator) -> list[list[float]]:
    a, b = rng.uniform(0.3, 0.5, 2)
    bow = _arc([(-0.45, -a), (-0.15, 0.28), (0.3, 0.25), (0.5, -b)], [0.46, 0.56, 0.46, 0.4])
    return [*bow, [0.0, 0.1, 0.1, -0.3, 0.4, 0.25]]


def _band(rng: np.random.Generator) -> list[list[float]]:
    thick, open_ = rng.uniform(0.25, 0.32), rng.uniform(0.75, 1.35)
    angles = np.linspace(open_, 2 * np.pi - open_, 6) + rng.normal(0, 0.08, 6)
    radius = 0.66 + rng.normal(0, 0.05, 6)
    points = [(float(r * np.cos(a)), float(r * np.sin(a) * 0.9)) for a, r in zip(angles, radius, strict=True)]
    return _arc(points, list(thick * rng.uniform(0.85, 1.15, 6)))


def _segmented(rng: np.random.Generator) -> list[list[float]]:
    n = int(rng.integers(2, 6))
    angles = np.cumsum(rng.uniform(0.9, 1.45, n)) if n > 2 else np.array([0.0, 2.4])
    where = rng.uniform(0.5, 0.68, n)
    points = [(float(r * np.cos(a)), float(r * np.sin(a))) for a, r in zip(angles, where, strict=True)]
    lobes = []
    for (x, y), r in zip(points, rng.uniform(0.29, 0.4, n) * (1.15 if n < 4 else 0.95), strict=True):
        dx, dy = rng.normal(0, 0.09, 2)
        lobes.append([x - dx, y - dy, x + dx, y + dy, r, r * rng.uniform(0.8, 1.05)])
    threads = [[*a, *b, 0.09, 0.09] for a, b in pairwise(points)]
    return lobes + threads


def _bilobed(rng: np.random.Generator) -> list[list[float]]:
    r, s = rng.uniform(0.38, 0.46, 2)
    return [[-0.5, 0.1, -0.5, -0.12, r, r], [0.5, 0.12, 0.5, -0.1, s, s], [-0.5, 0, 0.5, 0, 0.12, 0.12]]


def _lobulated(rng: np.random.Generator) -> list[list[float]]:
    n = int(rng.integers(6, 10))
    angles = np.sort(rng.uniform(0, 2 * np.pi, n))
    lobes = []
    for angle, far, r in zip(angles, rng.uniform(0.3, 0.68, n), rng.uniform(0.24, 0.36, n), strict=True):
        x, y = float(far * np.cos(angle)), float(far * np.sin(angle))
        lobes.append([x, y, 0.6 * x, 0.6 * y, float(r), float(r)])
    return [*lobes, [0, 0, 0, 0, 0.36, 0.36]]


def _plate(rng: np.random.Generator) -> list[list[float]]:
    return _arc([(-0.72, 0.05), (-0.2, -0.06), (0.25, 0.07), (0.7, 0.0)], list(rng.uniform(0.2, 0.3, 4)))


def _plates(rng: np.random.Generator) -> list[list[float]]:
    apart = rng.uniform(0.38, 0.6)
    bow = rng.uniform(0.1, 0.25)
    upper = [(-0.55, apart + bow), (0.0, apart), (0.55, apart + bow)]
    lower = [(x, -y) for x, y in upper]
    return _arc(upper, list(rng.uniform(0.16, 0.24, 3))) + _arc(lower, list(rng.uniform(0.16, 0.24, 3)))


def _arc(points: list[tuple[float, float]], radii: list[float]) -> list[list[float]]:
    ends = zip(points, points[1:], radii, radii[1:], strict=False)
    return [[*a, *b, float(r), float(s)] for a, b, r, s in ends]


_FORMS = {
    "round": _round,
    "oval": _oval,
    "dented": _dented,
    "kidney": _kidney,
    "folded": _folded,
    "band": _band,
    "segmented": _segmented,
    "bilobed": _bilobed,
    "lobulated": _lobulated,
    "plate": _plate,
    "plates": _plates,
}
