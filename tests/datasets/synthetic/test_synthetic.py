"""The synthetic smears: repeatable, scalable, and annotated exactly where they are painted."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from bmbench.core.dataset import SUBSETS, LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.core.geometry import ring_area, rings_box
from bmbench.core.progress import Silent
from bmbench.core.types import Role
from bmbench.datasets.synthetic.canvas import Canvas
from bmbench.datasets.synthetic.dataset import DATASET, sample, slide_subsets, synthesise
from bmbench.datasets.synthetic.kinds import CATEGORIES, CELL_KINDS, LYMPHOCYTE
from bmbench.datasets.synthetic.outline import ANGLES, RAYS, Outline, cut, grow, hide, press
from bmbench.datasets.synthetic.render import paint, render
from bmbench.datasets.synthetic.scene import Thing, annotate, compose
from bmbench.datasets.synthetic.stain import N_SLIDES

CELL_PX = 44.0


def load(**options):
    return DATASET.load(LoadRequest(options={name: str(value) for name, value in options.items()}))


@pytest.fixture(scope="module")
def default():
    return load()


def everything(split):
    return [one for subset in SUBSETS for one in split.samples[subset]]


def contains(ring, xy):
    """Even-odd rule, written out independently of the generator's own polar coordinates."""
    x, y = xy[..., 0], xy[..., 1]
    odd = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if y0 != y1:
            odd ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return odd


def filled(ring, size):
    """(size, size) pixels whose centres lie inside."""
    (left, top), (right, bottom) = ring.min(axis=0).astype(int), ring.max(axis=0).astype(int) + 1
    mask = np.zeros((size, size), bool)
    mask[top:bottom, left:right] = contains(ring, pixel_centres(size)[top:bottom, left:right])
    return mask


def distance_to(ring, xy):
    best = np.full(xy.shape[:-1], np.inf)
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        side = b - a
        share = np.clip(((xy - a) @ side) / max(side @ side, 1e-12), 0, 1)
        best = np.minimum(best, np.hypot(*np.moveaxis(xy - a - share[..., None] * side, -1, 0)))
    return best


def pixel_centres(size):
    return np.stack(np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5), axis=-1)


def same(a, b):
    return (
        len(a) == len(b)
        and all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("xy", "box", "label", "role"))
        and all(
            len(p) == len(q) and all(np.array_equal(r, s) for r, s in zip(p, q, strict=True))
            for p, q in zip(a.contour, b.contour, strict=True)
        )
    )


def fingerprint(number):
    scene = compose(seed=5, number=number, size_px=256, cell_px=CELL_PX)
    outlines = b"".join(thing.outline.points.tobytes() for thing in scene.things)
    return hashlib.sha256(render(scene).tobytes() + outlines).hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_another_process():
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_synthetic as t; print(t.fingerprint(3))"
    )
    folder = os.path.dirname(__file__)  # noqa: PTH120
    other = subprocess.run(
        [sys.executable, "-c", program, folder],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.strip() == fingerprint(3) == fingerprint(3)


@pytest.mark.parametrize("other", [{"number": N_SLIDES}, {"number": 1}, {"number": 0, "seed": 1}])
def test_seeds_and_images_differ(other):
    # Image N_SLIDES lies on the slide of image 0: there, only the layout can tell them apart.
    a, b = sample(0, size_px=256), sample(size_px=256, **other)
    assert not same(a.annotations, b.annotations)
    assert not np.array_equal(a.load(), b.load())


def test_an_image_does_not_depend_on_how_many_there_are():
    few = {one.image_id: one for one in everything(load(images=4, size=256))}
    many = {one.image_id: one for one in everything(load(images=13, size=256))}
    for image_id, one in few.items():
        assert one.name == many[image_id].name
        assert one.group == many[image_id].group
        assert same(one.annotations, many[image_id].annotations)
    assert np.array_equal(few[2].load(), many[2].load())


def test_a_caller_cannot_spoil_the_kept_pixels():
    one = sample(0, size_px=256)
    first = one.load()
    first[:] = 0
    assert one.load().any()


@pytest.mark.parametrize("kind", CELL_KINDS, ids=lambda kind: f"{kind.category.name} {kind.um:g}")
def test_a_cell_is_painted_to_its_contour_within_half_a_pixel(kind):
    rng = np.random.default_rng(3)
    dyes = compose(seed=0, number=0, size_px=256, cell_px=CELL_PX).slide.dyes
    centre = np.array([40.3, 38.9])
    outline = grow(rng, centre, 20.0, oblong=kind.oblong, rough=kind.rough)
    neighbour = Outline(centre=centre + np.array([30.0, 4.0]), radius=np.full(RAYS, 15.0))
    outline = press(outline, outline, neighbour, gap=0.4, bend=3.0)
    canvas = Canvas(80, CELL_PX / 13, dyes)
    paint(canvas, Thing(kind=kind, outline=outline), rng)
    painted = canvas.density.sum(axis=2) > 0
    inside = contains(outline.points, pixel_centres(80))
    clear = distance_to(outline.points, pixel_centres(80)) > 0.51
    # A pixel whose centre is half a pixel from the contour is wholly in or wholly out (0.01: the painter
    # measures distances along rays).
    assert (painted == inside)[clear].all()
    assert painted.any()


def test_contours_lie_where_the_finished_image_shows_the_objects():
    # Without red cells: where a pale cell covers one, little changes and its middle would seem shifted.
    scene = replace(compose(seed=0, number=3, size_px=512, cell_px=CELL_PX), reds=())
    empty = render(replace(scene, things=())).astype(float)
    checked = 0
    for thing in scene.things:
        ring = thing.outline.points
        if thing.kind.category.artefact or ring.min() < 5 or ring.max() > 507:
            continue
        changed = np.abs(render(replace(scene, things=(thing,))) - empty).max(axis=2)
        shown = changed > 12
        truth = filled(ring, 512)
        if changed[truth].mean() < 40:
            continue
        shift = pixel_centres(512)[shown].mean(axis=0) - pixel_centres(512)[truth].mean(axis=0)
        assert np.abs(shift).max() < 0.25
        assert (shown & truth).sum() / (shown | truth).sum() > 0.9
        checked += 1
    assert checked >= 5


@pytest.mark.slow
def test_artefacts_are_about_forty_per_cent(default):
    roles = np.concatenate([one.annotations.role for one in everything(default)])
    counts = np.bincount(roles, minlength=3)
    assert 0.35 <= counts[Role.ARTEFACT] / (counts[Role.CELL] + counts[Role.ARTEFACT]) <= 0.45
    assert counts[Role.IGNORE] < 0.15 * len(roles)


def test_patches_hold_twenty_to_forty_objects_on_average(default):
    counted = [(one.annotations.role != Role.IGNORE).sum() for one in everything(default)]
    assert 20 <= np.mean(counted) <= 40


def test_every_kind_occurs_with_the_role_of_its_category(default):
    seen = set()
    for one in everything(default):
        for label, role in zip(one.annotations.label, one.annotations.role, strict=True):
            seen.add(int(label))
            if role != Role.IGNORE:
                assert (role == Role.ARTEFACT) == CATEGORIES[label].artefact
    assert seen == set(range(len(CATEGORIES)))
    assert default.categories == CATEGORIES
    assert len({category.id for category in CATEGORIES}) == len(CATEGORIES)


@pytest.mark.slow
@pytest.mark.parametrize("cell_px", [24.0, 44.0, 165.0])
def test_the_scale_is_the_mean_cell_diameter_and_sizes_vary(cell_px):
    # A patch of about 23 mean diameters, so that most cells are whole.
    size_px = round(23 * cell_px) if cell_px < 80 else 2048
    diameters = []
    for number in range(N_SLIDES):
        found = sample(number, size_px=size_px, cell_px=cell_px).annotations
        whole = (found.box.min(axis=1) > 0) & (found.box.max(axis=1) < size_px)
        cells = np.flatnonzero(whole & (found.role == Role.CELL))
        diameters += [2 * np.sqrt(sum(map(ring_area, found.contour[row])) / np.pi) for row in cells]
    # Neighbours press and hide a little of one another.
    assert 0.87 * cell_px < np.mean(diameters) < 1.05 * cell_px
    assert np.percentile(diameters, 95) > 1.6 * np.percentile(diameters, 5)


@pytest.mark.slow
@pytest.mark.parametrize("size_px", [256, 512, 1024, 2048])
def test_density_does_not_depend_on_the_size_of_the_patch(size_px):
    numbers = range({256: 72, 512: 18, 1024: 5, 2048: 1}[size_px])
    centres = expected = 0.0
    for number in numbers:
        scene = compose(seed=0, number=number, size_px=size_px, cell_px=CELL_PX)
        middles = np.array([thing.outline.centre for thing in scene.things])
        centres += ((middles > 0) & (middles < size_px)).all(axis=1).sum()
        # 1.35e-3 objects a µm², 13 µm for 44 px, times the slide's own density; some find no room.
        expected += 1.35e-3 * (size_px * 13 / 44) ** 2 * scene.slide.cells
    assert 0.85 < centres / expected < 1.1


def test_contours_are_simple_inside_the_image_and_apart(default):
    for one in default.samples["validation"]:
        found = one.annotations
        covered = np.zeros((512, 512), int)
        for rings, box in zip(found.contour, found.box, strict=True):
            assert np.array_equal(rings_box(rings), box)
            for ring in rings:
                assert ring.min() >= 0
                assert ring.max() <= 512
                assert ring_area(ring) >= 1
                assert not crosses_itself(ring)
                covered += filled(ring, 512)
        assert (covered > 1).sum() < 0.005 * (covered > 0).sum()


def crosses_itself(ring):
    a, b = ring, np.roll(ring, -1, axis=0)

    def side(p, q, r):
        return np.sign((q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1])
                       - (q[..., 1] - p[..., 1]) * (r[..., 0] - p[..., 0]))  # fmt: skip

    p, q, r, s = a[:, None], b[:, None], a[None], b[None]
    proper = (side(p, q, r) * side(p, q, s) < 0) & (side(r, s, p) * side(r, s, q) < 0)
    return bool(proper.any())


def test_a_bow_tie_crosses_itself():
    assert crosses_itself(np.array([[0.0, 0], [2, 2], [2, 0], [0, 2]]))
    assert not crosses_itself(np.array([[0.0, 0], [2, 0], [2, 2], [0, 2]]))


def test_cutting_a_square_and_a_comb_at_the_left_border():
    square = np.array([[-1.0, 1], [3, 1], [3, 4], [-1, 4]])
    (part,) = cut(square, 10, 10)
    assert ring_area(part) == 9.0  # 3 wide, 3 high
    # A comb with its back outside (x < 0) and three teeth of 2 × 1 inside: three parts.
    comb = np.array([[-2.0, 0], [2, 0], [2, 1], [-1, 1], [-1, 2], [2, 2], [2, 3], [-1, 3], [-1, 4], [2, 4],
                     [2, 5], [-2, 5]])  # fmt: skip
    parts = cut(comb, 10, 10)
    assert sorted(ring_area(part) for part in parts) == [2.0, 2.0, 2.0]
    assert cut(square - 20, 10, 10) == ()
    # Over a corner: the quarter [0, 2] × [0, 2] of the square [-2, 2]² is left.
    (corner,) = cut(np.array([[-2.0, -2], [2, -2], [2, 2], [-2, 2]]), 10, 10)
    assert ring_area(corner) == 4.0


def test_pressed_neighbours_touch_without_overlap_and_a_hidden_one_ends_at_the_upper():
    left = Outline(centre=np.array([0.0, 0.0]), radius=np.full(RAYS, 10.0))
    right = Outline(centre=np.array([16.0, 0.0]), radius=np.full(RAYS, 10.0))
    # Two equal discs 16 apart: the wall is at x = 8, less half the gap of 1 on either side.
    assert press(left, left, right, gap=1.0, bend=2.0).points[:, 0].max() == pytest.approx(7.5, abs=0.6)
    assert press(left, left, right, gap=1.0, bend=2.0).points[:, 0].max() <= 7.5
    assert press(right, right, left, gap=1.0, bend=2.0).points[:, 0].min() >= 8.5
    lower = hide(left, right)
    # Straight ahead the upper disc begins at 16 - 10 = 6; behind, nothing changes.
    assert lower.radius[0] == pytest.approx(6.0, abs=0.01)
    assert lower.radius[ANGLES.searchsorted(np.pi)] == 10.0
    assert hide(right, left).reach(left.centre) == pytest.approx(6.0, abs=0.01)


@pytest.mark.parametrize(
    ("centre_x", "role"),
    # A disc of radius 20 with its centre u · 20 px outside shows (acos(u) - u · sqrt(1 - u²)) / π of itself:
    # u = 0.35: 28 %; u = 0.5: 20 %. A quarter is needed.
    [(60.0, Role.CELL), (0.0, Role.CELL), (-7.0, Role.CELL), (-10.0, Role.IGNORE)],
)
def test_a_sliver_at_the_border_is_ignored(centre_x, role):
    kind = next(kind for kind in CELL_KINDS if kind.category == LYMPHOCYTE)
    disc = Outline(centre=np.array([centre_x, 100.0]), radius=np.full(RAYS, 20.0))
    scene = compose(seed=0, number=0, size_px=256, cell_px=CELL_PX)
    found = annotate(replace(scene, things=(Thing(kind=kind, outline=disc),)))
    assert found.role.tolist() == [role]
    assert found.box[0, 0] == max(centre_x - 20, 0.0)
    assert len(annotate(replace(scene, things=()))) == 0


def test_whole_slides_stay_in_one_subset(default):
    assert [len(default.samples[subset]) for subset in SUBSETS] == [20, 4, 4, 8]
    slides = {subset: {one.group for one in default.samples[subset]} for subset in SUBSETS}
    assert all(slides[a].isdisjoint(slides[b]) for a, b in combinations(SUBSETS, 2))
    assert sum(map(len, slides.values())) == N_SLIDES
    for n in range(4, N_SLIDES + 1):
        assert set(slide_subsets(n)) == set(SUBSETS)
        assert len(slide_subsets(n)) == n


@pytest.mark.slow
def test_slides_differ_more_than_their_images():
    colour = np.array([
        [sample(number, size_px=256).load().mean(axis=(0, 1)) for number in (slide, slide + N_SLIDES)]
        for slide in range(N_SLIDES)
    ])  # fmt: skip
    between = colour.mean(axis=1).std(axis=0)
    within = np.abs(colour[:, 0] - colour[:, 1]).mean(axis=0) / np.sqrt(2)
    # Blue (the light) and the ratio of red to blue (the stain) tell slides apart; density adds to both.
    assert between[2] > within[2]


def test_the_radius_follows_the_scale():
    assert load(images=4, size=256).radius_px == DATASET.card.radius_px == pytest.approx(44 / 3, abs=0.01)
    assert load(images=4, size=512, scale=88).radius_px == pytest.approx(88 / 3, abs=0.01)


@pytest.mark.parametrize(
    "options",
    [{"size": 255}, {"size": 4096}, {"size": "large"}, {"images": 3}, {"scale": "nan"}, {"scale": 5},
     {"seed": -1}, {"colour": "red"}, {"stain": "puple"}],
)  # fmt: skip
def test_options_out_of_range_are_refused(options):
    with pytest.raises(BadInputError):
        load(**options)


def test_synthesise_writes_what_load_gives(tmp_path):
    from bmbench.datasets.formats.coco.samples import read_coco

    folder = tmp_path / "smears"
    synthesise(folder, n_images=5, size_px=256, seed=2, progress=Silent())
    content = read_coco(folder / "annotations.json")
    direct = {one.image_id: one for one in everything(load(images=5, size=256, seed=2))}
    assert content.categories == CATEGORIES
    assert {one.image_id for one in content.samples} == set(direct)
    for one in content.samples:
        twin = direct[one.image_id]
        assert (one.name, one.group) == (f"{twin.name}.png", twin.group)
        assert np.array_equal(one.load(), twin.load())
        assert np.array_equal(one.annotations.role, twin.annotations.role)
        assert np.allclose(one.annotations.box, twin.annotations.box, atol=1e-5)
    split = load(images=5, size=256, seed=2)
    assert dict(content.subsets) == {
        one.image_id: subset for subset in SUBSETS for one in split.samples[subset]
    }
    with pytest.raises(BadInputError, match="empty folder"):
        synthesise(folder, n_images=1, size_px=256, seed=2, progress=Silent())
