"""Planted faults are found, those that the real sets are known for as well."""

import dataclasses
import zlib

import numpy as np
import pytest
from PIL import Image

from bmbench.core.dataset import LoadRequest, Split
from bmbench.core.geometry import box_iou
from bmbench.core.progress import Silent
from bmbench.core.types import CELL, Annotations, Category, Role, Sample
from bmbench.datasets import DATASETS, open_dataset
from bmbench.datasets.describe.faults import duplicate_pairs, find_faults, left_to_other_annotators
from bmbench.datasets.describe.measures import measure
from bmbench.datasets.exchange.convert import open_contents
from bmbench.datasets.reading.picture_copies import picture_of, pixel_digest, same
from bmbench.datasets.splits.leakage import pictures_of

CATEGORIES = (CELL, Category(id=2, name="platelet"))


def boxes(*rows, label=0):
    box = np.array(rows, float).reshape(-1, 4)
    return Annotations.of(xy=(box[:, :2] + box[:, 2:]) / 2, box=box, label=np.full(len(box), label))


def sample(name, annotations, seed=None, pixels=None, group=None):
    if pixels is None:
        # Smooth noise: pictures that differ as real fields do.
        small = np.random.default_rng(seed if seed is not None else zlib.crc32(name.encode())).integers(
            0, 255, (8, 8, 3)
        )
        pixels = np.asarray(
            Image.fromarray(small.astype(np.uint8)).resize((100, 80), Image.Resampling.BICUBIC)
        )
    return Sample(
        image_id=name,
        name=name,
        width=100,
        height=80,
        group=group or name,
        annotations=annotations,
        load=lambda: pixels,
    )


def kinds(*train, test=()):
    split = Split(samples={"train": tuple(train), "test": tuple(test)}, radius_px=5, categories=CATEGORIES)
    samples = [*train, *test]
    return {fault.kind: fault for fault in find_faults(split, tuple(pictures_of(samples, Silent()).values()))}


def test_a_clean_set_has_no_faults():
    both = Annotations.of(
        xy=np.array([[15, 15], [45, 45.0]]),
        box=np.array([[10, 10, 20, 20], [40, 40, 50, 50.0]]),
        label=np.array([0, 1]),
    )
    assert kinds(sample("a", both, 1), test=[sample("b", both, 2)]) == {}


@pytest.mark.parametrize(("kind", "rows"), [
    ("objects without extent", [[10, 10, 11, 30]]),
    ("centre outside the image", [[96, 10, 110, 20]]),
    ("shape reaches over the edge of the image", [[90, 10, 103, 20]]),
    ("marked twice", [[10, 10, 30, 30], [11, 10, 31, 30]]),
    ("images without any object", []),
])  # fmt: skip
def test_a_planted_fault_is_found_with_its_place(kind, rows):
    found = kinds(sample("bad.png", boxes(*rows), 3))
    assert found[kind].count == 1
    assert "bad.png" in found[kind].text


def test_overlap_of_different_classes_or_by_less_is_no_duplicate():
    # 20 × 20 boxes, 3 px apart: 340 / 460 = 0.74
    assert "marked twice" not in kinds(sample("a", boxes([10, 10, 30, 30], [13, 10, 33, 30]), 1))
    two = dataclasses.replace(boxes([10, 10, 30, 30], [10, 10, 30, 30]), label=np.array([0, 1]))
    assert "marked twice" not in kinds(sample("a", two, 1))


@pytest.mark.parametrize("region", [True, False])
def test_one_giant_does_not_make_all_objects_neighbours(monkeypatch, region):
    looked_at = []

    def counting(a, b):
        looked_at.append(len(a))
        return box_iou(a, b)

    monkeypatch.setattr("bmbench.datasets.describe.faults.box_iou", counting)
    corner = 20.0 * np.column_stack(np.divmod(np.arange(2000), 50))
    box = np.column_stack([corner, corner + 15])
    # The first and the last one mark one cell: 14.5² shared of 2 · 15² − 14.5².
    marked = boxes(*box, [-1000, -1000, 2000, 2000], box[0] + 0.5)
    giant = np.arange(2002) == 2000
    role = np.where(giant & region, Role.IGNORE, Role.CELL)
    marked = dataclasses.replace(marked, role=role, region=giant & region)
    assert duplicate_pairs([marked]).tolist() == [[0, 0, 2001]]
    assert sum(looked_at) <= 2 * 2000


def test_objects_of_two_images_are_never_one_marked_twice():
    here, there = boxes([10, 10, 30, 30]), boxes([60, 60, 80, 80], [10, 10, 30, 30], [10, 11, 30, 31])
    assert duplicate_pairs([here, boxes(), there]).tolist() == [[2, 1, 2]]


def test_a_class_that_nearly_all_images_have_is_missed_where_it_is_absent():
    both = dataclasses.replace(boxes([10, 10, 20, 20], [40, 40, 50, 50]), label=np.array([0, 1]))
    many = [sample(f"s{n}", both, n) for n in range(9)]
    found = kinds(*many, sample("less", boxes([10, 10, 20, 20]), 77))
    (kind,) = [name for name in found if name.startswith("images without platelet")]
    assert found[kind].text == "less"


def test_copies_near_copies_and_flat_parts_are_found():
    first = sample("first", boxes([1, 1, 9, 9]), 5)
    turned = sample("turned", boxes([1, 1, 9, 9]), pixels=np.ascontiguousarray(np.rot90(first.load(), 2)))
    near = np.clip(first.load().astype(int) + np.random.default_rng(0).integers(-6, 7, (80, 100, 3)), 0, 255)
    near = sample("near", boxes([1, 1, 9, 9]), pixels=near.astype(np.uint8))
    black = first.load().copy()
    black[:32, :48] = 0
    flat = sample("flat", boxes([1, 1, 9, 9]), pixels=black[::-1].copy())
    found = kinds(first, near, test=[turned, flat])
    assert found["same pixels"].text == "first and turned"
    assert "first (train) and turned (test)" in found["in two subsets"].text
    assert found["nearly the same picture"].text == "first and near; near (train) and turned (test)"
    # 2 × 3 blocks of 5 × 6
    assert found["part of an image of one colour"].text == "flat: 20 % is exactly (0, 0, 0)"


def test_pictures_are_the_same_if_one_is_the_other_turned_or_mirrored():
    """Against all eight orientations, on pictures so small that many of them look alike."""
    rng = np.random.default_rng(0)
    for shape in ((2, 2, 3), (2, 3, 3), (3, 3, 3)):
        pictures = [
            np.repeat(rng.integers(0, 2, (*shape[:2], 1)), 3, axis=2).astype(np.uint8) for _ in range(25)
        ]
        for a in pictures:
            turned = [np.rot90(side, n) for side in (a, a[::-1]) for n in range(4)]
            for b in pictures:
                equal = any(np.array_equal(one, b) for one in turned)
                assert (pixel_digest(a) == pixel_digest(b)) == equal


def test_only_pictures_with_the_same_tones_are_read_again():
    rng = np.random.default_rng(0)
    plain = rng.integers(0, 255, (20, 24, 3), np.uint8)
    rolled, other = np.roll(plain, 1, axis=0), rng.integers(0, 255, (20, 24, 3), np.uint8)
    read = []

    def record(name, pixels):
        def again():
            read.append(name)
            return pixels

        return picture_of(name, pixels, again=again)

    turned = np.ascontiguousarray(np.rot90(plain))
    pictures = [
        record(*one) for one in (("plain", plain), ("turned", turned), ("rolled", rolled), ("other", other))
    ]
    assert same(pictures) == [("plain", "turned")]
    assert same(pictures) == same(
        [picture_of(p.name, q) for p, q in zip(pictures, (plain, turned, rolled, other), strict=True)]
    )
    # The same grey values in another order are told apart by the pixels; each is read once.
    assert read == ["plain", "turned", "rolled"]


def test_a_group_in_two_subsets_is_named():
    one = boxes([10, 10, 20, 20])
    found = kinds(sample("a", one, 1, group="p"), test=[sample("b", one, 2, group="p")])
    assert found["in two subsets"].text == "group p lies in train and in test"


def test_a_picture_of_one_colour_is_no_error():
    flat = picture_of("a", np.full((40, 40, 3), 7, np.uint8))
    assert flat.flat == (1.0, (7, 7, 7))
    assert not flat.thumb.any()


def test_measures_by_hand():
    # Three cells of 20 px on a line, 12 px and 50 px apart: neighbours at 12, 12, 50 px.
    line = boxes([0, 0, 20, 20], [12, 0, 32, 20], [62, 0, 82, 20])
    measures = measure(Split(samples={"train": (sample("a", line),)}, radius_px=5))
    assert measures.nearest.tolist() == [12, 12, 50]
    assert measures.suggested_radius_px == pytest.approx(20 / 3)
    assert measures.closer == 0
    # Circles of 10 px and a little more, 12 px apart, overlap; the third is far.
    assert measures.overlapping == pytest.approx(2 / 3)
    assert measures.cover is None
    assert measures.diameters[0].tolist() == [20, 20, 20]


def real(name, folder, *, pixels=False, **options):
    """A set, its split, and its faults; those of the pixels only if they are looked at."""
    dataset = open_dataset(name)
    split = dataset.load(LoadRequest(data=folder, options=options))
    samples = [s for part in split.samples.values() for s in part] if pixels else []
    return (
        dataset,
        split,
        {f.kind: f for f in find_faults(split, tuple(pictures_of(samples, Silent()).values()))},
    )


def test_the_known_faults_of_bccd_are_found(shared_data):
    _, _, found = real("bccd", shared_data / "bccd")
    left_out = found["left out or assumed in reading"].text
    assert "BloodImage_00338" in left_out
    assert "BloodImage_00343" in left_out
    assert found["marked twice"].count >= 7
    assert any(kind.startswith("images without RBC") for kind in found)


def test_the_known_faults_of_bccd_are_found_without_knowing_the_set(shared_data):
    content = open_contents(f"voc:{shared_data / 'bccd'}")
    split = Split(
        samples={"train": content.samples}, radius_px=62, categories=content.categories, faults=content.notes
    )
    found = {f.kind: f for f in find_faults(split, tuple(pictures_of(content.samples, Silent()).values()))}
    assert "BloodImage_00338" in found["left out or assumed in reading"].text
    assert "BloodImage_00343" in found["left out or assumed in reading"].text
    assert found["nearly the same picture"].text == "BloodImage_00037.jpg and BloodImage_00038.jpg"
    assert found["marked twice"].count >= 7


def test_the_black_quarter_of_field_25_is_found(shared_data):
    _, _, found = real("dsb_purple", shared_data / "dsb_purple", subset="all", pixels=True)
    assert found["part of an image of one colour"].text == "field_25.png: 25 % is exactly (0, 0, 0)"


def test_the_cells_that_kainz_left_out_are_counted(shared_data):
    _, split, found = real("kainz", shared_data / "kainz_bm")
    variant = DATASETS.get("kainz_mbm").load(LoadRequest(data=shared_data / "kainz_bm"))
    # An independent count: rows of the MBM files that are not in the first annotation.
    rows = [
        line.split(",")
        for path in sorted((shared_data / "kainz_bm/annotations_mbm").glob("*.csv"))
        for line in path.read_text().splitlines()[1:]
    ]
    assert left_to_other_annotators(split, variant, "kainz_mbm").count == sum(row[2] == "0" for row in rows)
    assert found["marked twice"].count == 5
