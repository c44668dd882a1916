"""What a set of annotations has lost on its way through a file, by reading the file again.

A format's own promise could be wrong; what comes back cannot.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from bmbench.core.errors import RunFailedError
from bmbench.core.types import Annotations, Bools, Category, Floats, Rings, Role, Sample
from bmbench.datasets.formats.codec import Content, Fact, Left

GAINED = "get an outline that nobody drew"
"""A box or a circle that comes back as a polygon would pass for a precise contour."""
TOLERANCE_PX = 1e-3
"""Beyond rounding to a hundred-thousandth, and single precision within a field of view."""


def facts_lost(before: Content, after: Content, left: Sequence[Left]) -> Counter[Fact | str]:
    """How many objects (or images, for the facts in words) lost what.

    Objects that the format left out count under its reason.

    Raises
    ------
    RunFailedError
        If an image, or an object beside those in `left`, is missing: a fault of the writer.
    """
    lost: Counter[Fact | str] = Counter()
    images = {sample.name: sample for sample in after.samples}
    stems = {_stem(sample.name): sample for sample in after.samples}
    for sample in before.samples:
        there = images.get(sample.name) or stems.get(_stem(sample.name))
        own = [item for item in left if item.image_id == sample.image_id]
        lost.update(f"left out: {item.why}" for item in own)
        kept = np.setdiff1d(np.arange(len(sample.annotations)), [item.row for item in own])
        if there is None or len(there.annotations) != len(kept):
            got = "no image" if there is None else f"{len(there.annotations)} objects"
            raise RunFailedError(f"{sample.name}: wrote {len(kept)} objects and read back {got}")
        lost.update(_images_lost(sample, there, before, after))
        lost.update(
            _objects_lost(
                sample.annotations.take(kept), there.annotations, before.categories, after.categories
            )
        )
    return lost


def lines(lost: Counter[Fact | str], name: str) -> list[str]:
    """One warning line a kind of loss."""
    words = {
        Fact.OUTLINE: "lose their outline or keep a coarser one",
        Fact.RINGS: "lose holes or parts",
        Fact.CIRCLE: "lose their circle",
        Fact.BOX: "get another box (that of their shape)",
        Fact.CENTRE: "get another centre (that of their shape)",
        Fact.POINT: "are no points any more",
        Fact.CLASS: "lose their class",
        Fact.IGNORE: "are no longer to be ignored",
        Fact.REGION: "are no ignored regions any more",
    }
    found = []
    for fact, count in lost.items():
        if isinstance(fact, Fact):
            found.append(f"{name} cannot carry everything: {count} objects {words[fact]}")
        else:
            unit = "objects" if fact.startswith(("left out", GAINED)) else "images"
            found.append(f"{name} cannot carry everything: {count} {unit} {fact}")
    return found


def _images_lost(old: Sample, new: Sample, before: Content, after: Content) -> list[str]:
    lost = []
    if old.group not in (new.group, old.name):
        lost.append("lose their group")
    if old.um_per_px != new.um_per_px:
        lost.append("lose their pixel size")
    if before.subsets.get(old.image_id) != after.subsets.get(new.image_id):
        lost.append("lose their subset")
    if (old.width, old.height) != (new.width, new.height):
        lost.append("get another size")
    return lost


def _objects_lost(
    old: Annotations, new: Annotations, old_names: Sequence[Category], new_names: Sequence[Category]
) -> Counter[Fact | str]:
    count: Counter[Fact | str] = Counter()
    round_one, round_now = old.circle[:, 2] > 0, new.circle[:, 2] > 0
    outlined = np.array([bool(rings) for rings in old.contour], bool)
    several = np.array([len(rings) > 1 for rings in old.contour], bool)
    same = _unchanged(old.contour, new.contour)
    for row in np.flatnonzero(~same).tolist():
        same[row] = _same(old.contour[row], new.contour[row])
    fewer = np.array([len(a) > len(b) for a, b in zip(old.contour, new.contour, strict=True)], bool)
    moved_circle = round_one & (_far(old.circle, new.circle) | ~round_now)
    point = ~(old.box[:, 2:] > old.box[:, :2]).any(axis=1) & ~round_one & ~outlined
    point_now = ~(new.box[:, 2:] > new.box[:, :2]).any(axis=1)
    names = [old_names[i].name for i in old.label], [new_names[i].name for i in new.label]
    kinds = [old_names[i].artefact for i in old.label], [new_names[i].artefact for i in new.label]
    other = [a != b for pair in (names, kinds) for a, b in zip(*pair, strict=True)]
    changed = {
        Fact.OUTLINE: outlined & ~same & ~(several & fewer),
        Fact.RINGS: several & fewer,
        Fact.CIRCLE: moved_circle,
        Fact.BOX: _far(old.box, new.box) & ~moved_circle & (~outlined | same) & ~point,
        Fact.CENTRE: _far(old.xy, new.xy) & ~moved_circle & (~outlined | same),
        Fact.POINT: point & ~point_now,
        Fact.CLASS: np.array(other, bool).reshape(2, -1).any(axis=0),
        Fact.IGNORE: (old.role == Role.IGNORE) & (new.role != Role.IGNORE),
        Fact.REGION: old.region & ~new.region,
    }
    count.update({fact: int(rows.sum()) for fact, rows in changed.items() if rows.any()})
    drawn = ~outlined & np.array([bool(rings) for rings in new.contour], bool)
    if drawn.any():
        count[GAINED] = int(drawn.sum())
    return count


def _unchanged(old: Sequence[Rings], new: Sequence[Rings]) -> Bools:
    """(n,) whether each outline has the same rings in the same order, corner by corner."""
    shapes = [[len(ring) for ring in rings] for rings in old]
    same = np.array(
        [shape == [len(ring) for ring in rings] for shape, rings in zip(shapes, new, strict=True)], bool
    )
    rows = np.repeat(np.arange(len(old)), [sum(shape) for shape in shapes])
    before, after = (
        [ring for row in np.flatnonzero(same).tolist() for ring in side[row]] for side in (old, new)
    )
    if before:
        moved = _far(np.concatenate(before), np.concatenate(after))
        same[rows[same[rows]][moved]] = False
    return same


def _same(old: Rings, new: Rings) -> bool:
    """Whether two outlines have the same rings, whatever their order and where each begins."""
    if len(old) != len(new):
        return False
    left = list(new)
    for ring in old:
        match = next((i for i, other in enumerate(left) if _same_ring(ring, other)), None)
        if match is None:
            return False
        del left[match]
    return True


def _same_ring(a: Floats, b: Floats) -> bool:
    if a.shape != b.shape:
        return False
    if not _far(a, b).any():
        return True
    start = int(((b - a[0]) ** 2).sum(axis=1).argmin())
    turned = np.roll(b, -start, axis=0)
    return not _far(a, turned).any() or not _far(a, np.roll(turned[::-1], 1, axis=0)).any()


def _far(a: Floats, b: Floats) -> Bools:
    return np.asarray(np.any(np.abs(a - b) > TOLERANCE_PX, axis=1), bool)


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0]
