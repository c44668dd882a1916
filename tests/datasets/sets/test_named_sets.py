"""The data sets known by name: their cards, their rules on small copies, and the real files where present."""

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from bmbench.core.dataset import SUBSETS, LoadRequest
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.geometry import rings_area
from bmbench.core.objects import mean_cell_diameter
from bmbench.core.types import Role
from bmbench.datasets import DATASETS, open_dataset
from bmbench.datasets.describe.data_hash import data_hash
from bmbench.datasets.describe.info import cards, describe
from bmbench.datasets.fetch.manifest import manifest
from bmbench.datasets.formats.label_image import read_labels
from bmbench.datasets.sets.dsb_purple import FIELDS, MISSING_QUARTER, SUBSET_OF
from bmbench.datasets.sets.kainz import split_by_patient
from bmbench.datasets.sets.midog import TEST
from bmbench.datasets.splits.fixed import fixed_subsets
from bmbench.datasets.splits.leakage import leaks

REAL = [
    ("kainz", "kainz_bm", {}),
    ("kainz", "kainz_bm", {"test_patients": "0001+0002"}),
    ("kainz_mbm", "kainz_bm", {}),
    ("dsb_purple", "dsb_purple", {}),
    ("dsb_purple", "dsb_purple", {"subset": "all"}),
    ("bccd", "bccd", {}),
    ("bccd", "bccd", {"classes": "all"}),
]


def samples_of(split):
    return [sample for part in split.samples.values() for sample in part]


def names_of(split):
    return {subset: [sample.image_id for sample in part] for subset, part in split.samples.items()}


def test_every_entry_of_the_registry_has_a_complete_card():
    assert [card.name for card in cards()] == list(DATASETS)
    for card in cards():
        assert card.title
        assert card.licence
        assert card.citation
        assert card.radius_px > 0
        assert card.annotation in ("contours", "circles", "boxes", "points")
        assert all(name in DATASETS for name in card.also_scored_as)


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(UnknownNameError, match="unknown data set 'kains'; did you mean 'kainz'"):
        open_dataset("kains")


@pytest.mark.parametrize(("name", "folder", "options"), REAL)
def test_real_sets_load_whole_and_without_leaks(shared_data, name, folder, options):
    split = open_dataset(name).load(LoadRequest(data=shared_data / folder, options=options))
    assert tuple(split.samples) == SUBSETS
    assert all(split.samples.values())
    assert leaks(split.samples) == ()
    for sample in samples_of(split):
        marked = sample.annotations
        size = np.array([sample.width, sample.height])
        assert ((marked.xy >= 0) & (marked.xy <= size)).all()
        assert (marked.box[:, :2] < marked.box[:, 2:]).all()
        assert (marked.label < len(split.categories)).all()
    first = split.samples["test"][0]
    assert first.load().shape == (first.height, first.width, 3)


@pytest.mark.parametrize(("name", "folder", "options"), [REAL[0], REAL[3], REAL[4], REAL[5]])
def test_the_radius_is_about_a_third_of_the_mean_cell(shared_data, name, folder, options):
    split = open_dataset(name).load(LoadRequest(data=shared_data / folder, options=options))
    diameter = mean_cell_diameter(sample.annotations for sample in samples_of(split))
    assert split.radius_px == pytest.approx(diameter / 3, rel=0.25)


def test_dsb_tables_hold_every_field_once():
    fields = sorted(field for part in SUBSET_OF.values() for field in part)
    assert fields == list(FIELDS["all"])
    assert sorted([*FIELDS["white"], *FIELDS["purple"]]) == fields
    for tissue in ("white", "purple"):
        assert all(set(part) & set(FIELDS[tissue]) for part in SUBSET_OF.values())


def write_dsb(folder, fields):
    for part in ("images", "labels"):
        (folder / part).mkdir(exist_ok=True)
    labels = np.zeros((8, 10), np.uint16)
    labels[2:5, 3:7] = 9
    for field in fields:
        Image.new("RGB", (10, 8)).save(folder / "images" / f"field_{field:02}.png")
        Image.fromarray(labels).save(folder / "labels" / f"field_{field:02}.png")


def test_a_dsb_field_is_in_the_same_subset_in_every_copy(tmp_path):
    write_dsb(tmp_path, [0, 3, 4, 6, 9])
    found = names_of(open_dataset("dsb_purple").load(LoadRequest(data=tmp_path)))
    assert found == {
        "train": ["field_00"],
        "validation": ["field_03"],
        "optimisation": ["field_06"],
        "test": ["field_04", "field_09"],
    }
    write_dsb(tmp_path, [1])
    more = names_of(open_dataset("dsb_purple").load(LoadRequest(data=tmp_path)))
    assert more == found | {"train": ["field_00", "field_01"]}


def test_a_dsb_copy_without_one_subset_is_dealt_out_by_name(tmp_path):
    write_dsb(tmp_path, [0, 1, 2, 5, 7, 8, 3])
    found = names_of(open_dataset("dsb_purple").load(LoadRequest(data=tmp_path)))
    # 7 fields in the shares 56, 11, 11, 22 %: 4, 1, 1, 1.
    assert found == {
        "train": ["field_00", "field_01", "field_02", "field_03"],
        "validation": ["field_05"],
        "optimisation": ["field_07"],
        "test": ["field_08"],
    }


def test_dsb_fields_to_test_on_are_chosen(tmp_path):
    write_dsb(tmp_path, [0, 1, 3, 4, 6])
    found = names_of(
        open_dataset("dsb_purple").load(LoadRequest(data=tmp_path, options={"test_fields": "04+00"}))
    )
    assert found == {
        "train": ["field_01"],
        "validation": ["field_03"],
        "optimisation": ["field_06"],
        "test": ["field_04", "field_00"],
    }
    for text, fact in (("02", "of 00, 01, 03"), ("00,01", "of 00, 01"), ("00+01+03", "left to train on")):
        with pytest.raises(BadInputError, match=fact):
            open_dataset("dsb_purple").load(LoadRequest(data=tmp_path, options={"test_fields": text}))


def test_every_subset_of_dsb_fields_can_be_chosen(tmp_path):
    write_dsb(tmp_path, [0, 1, 3, 4, 6, 12, 19])
    options = {
        "subset": "all",
        "test_fields": "00",
        "validation_fields": "03",
        "optimisation_fields": "06+04",
    }
    split = open_dataset("dsb_purple").load(LoadRequest(data=tmp_path, options=options))
    assert names_of(split) == {
        "train": ["field_01", "field_12", "field_19"],
        "validation": ["field_03"],
        "optimisation": ["field_06", "field_04"],
        "test": ["field_00"],
    }
    for change, fact in (
        ({"test_fields": ""}, "test_fields is not given"),
        ({"validation_fields": "00"}, r"option validation_fields \(expected fields with .*, got .00.\)"),
        ({"optimisation_fields": "01+04+06+12+19"}, "left to train on"),
    ):
        with pytest.raises(BadInputError, match=fact):
            open_dataset("dsb_purple").load(LoadRequest(data=tmp_path, options=options | change))


def test_dsb_says_what_is_wrong(tmp_path):
    write_dsb(tmp_path, [0, 1, 2])
    with pytest.raises(BadInputError, match="3 fields cannot be split into 4 subsets"):
        open_dataset("dsb_purple").load(LoadRequest(data=tmp_path))
    with pytest.raises(BadInputError, match="unknown subset 'whit'; did you mean 'white'"):
        open_dataset("dsb_purple").load(LoadRequest(data=tmp_path, options={"subset": "whit"}))
    Image.new("RGB", (9, 8)).save(tmp_path / "images" / "field_02.png")
    with pytest.raises(BadInputError, match=r"field_02\.png: label image of another size"):
        open_dataset("dsb_purple").load(LoadRequest(data=tmp_path))
    (tmp_path / "images" / "field_02.png").rename(tmp_path / "images" / "a_tile.png")
    with pytest.raises(BadInputError, match=r"a_tile\.png: unexpected image name"):
        open_dataset("dsb_purple").load(LoadRequest(data=tmp_path))


def test_real_dsb_contours_have_the_area_of_their_labels(shared_data):
    split = open_dataset("dsb_purple").load(
        LoadRequest(data=shared_data / "dsb_purple", options={"subset": "all"})
    )
    for sample in samples_of(split):
        labels = read_labels(shared_data / "dsb_purple" / "labels" / sample.name)
        areas = [
            rings_area(rings)
            for rings, region in zip(sample.annotations.contour, sample.annotations.region, strict=True)
            if not region
        ]
        assert areas == np.unique(labels[labels > 0], return_counts=True)[1].tolist()


def test_the_missing_quarter_is_black_there_and_nowhere_else_and_ignored(shared_data):
    split = open_dataset("dsb_purple").load(
        LoadRequest(data=shared_data / "dsb_purple", options={"subset": "purple"})
    )
    for sample in samples_of(split):
        black = (sample.load() == 0).all(axis=2)
        expected = np.zeros_like(black)
        regions = sample.annotations.take(sample.annotations.region)
        for x0, y0, x1, y1 in regions.box.astype(int):
            expected[y0:y1, x0:x1] = True
        assert_array_equal(black, expected)
        assert len(regions) == (int(sample.name[6:8]) in MISSING_QUARTER)
        assert (regions.role == Role.IGNORE).all()


def write_bccd(folder, lists, *, names=("WBC", "RBC"), box=(2, 3, 6, 7)):
    for part in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    corners = "".join(f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True))
    objects = "".join(f"<object><name>{name}</name><bndbox>{corners}</bndbox></object>" for name in names)
    for part, numbers in lists.items():
        images = [f"BloodImage_{number:05}" for number in numbers]
        (folder / "ImageSets" / "Main" / f"{part}.txt").write_text("\n".join(images) + "\n")
        for image in images:
            grey = 4 * int(image[-5:])
            Image.new("RGB", (20, 10), (grey, grey, grey)).save(folder / "JPEGImages" / f"{image}.jpg")
            size = "<size><width>20</width><height>10</height></size>"
            (folder / "Annotations" / f"{image}.xml").write_text(f"<annotation>{size}{objects}</annotation>")


def numbers_of(split):
    return {subset: [int(i[-5:]) for i in ids] for subset, ids in names_of(split).items()}


def test_bccd_follows_the_published_lists(tmp_path):
    write_bccd(tmp_path, {"train": range(16), "val": range(20, 24)})
    assert numbers_of(open_dataset("bccd").load(LoadRequest(data=tmp_path))) == {
        "train": [0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14],
        "validation": [3, 11],
        "optimisation": [7, 15],
        "test": [20, 21, 22, 23],
    }
    write_bccd(tmp_path, {"test": [30, 31]})
    assert numbers_of(open_dataset("bccd").load(LoadRequest(data=tmp_path))) == {
        "train": list(range(16)),
        "validation": [20, 22],
        "optimisation": [21, 23],
        "test": [30, 31],
    }


def test_bccd_keeps_near_copies_out_of_training(tmp_path):
    write_bccd(tmp_path, {"train": [1, 38], "val": [37, 40], "test": [50]})
    split = open_dataset("bccd").load(LoadRequest(data=tmp_path))
    assert numbers_of(split)["train"] == [1]
    assert any("BloodImage_00038 is left out of train" in fault for fault in split.faults)
    assert leaks(split.samples) == ()


def test_bccd_white_cells_are_the_cells_unless_all_are_asked_for(tmp_path):
    write_bccd(tmp_path, {"train": range(8), "val": [20]}, names=("WBC", "RBC", "Platelets"))
    for options, roles in (
        ({}, [Role.CELL, Role.ARTEFACT, Role.ARTEFACT]),
        ({"classes": "all"}, [Role.CELL] * 3),
    ):
        split = open_dataset("bccd").load(LoadRequest(data=tmp_path, options=options))
        marked = split.samples["test"][0].annotations
        assert marked.role.tolist() == roles
        assert [split.categories[row].name for row in marked.label] == ["WBC", "RBC", "Platelets"]
        assert [c.artefact for c in split.categories] == [role == Role.ARTEFACT for role in roles]
        assert_array_equal(marked.box, [[1, 2, 6, 7]] * 3)


def test_bccd_boxes_of_one_pixel_are_left_out_and_named(tmp_path):
    write_bccd(tmp_path, {"train": range(8), "val": [20]}, names=("RBC",), box=(4, 5, 4, 5))
    split = open_dataset("bccd").load(LoadRequest(data=tmp_path))
    assert all(len(sample.annotations) == 0 for sample in samples_of(split))
    assert len(split.faults) == 9
    assert "BloodImage_00000.xml: the RBC box of one pixel at (3, 4) is left out" in split.faults
    write_bccd(tmp_path, {"train": range(8)}, names=("Cat",))
    with pytest.raises(BadInputError, match=r"unknown class .*expected WBC or RBC or Platelets, got 'Cat'"):
        open_dataset("bccd").load(LoadRequest(data=tmp_path))


def test_bccd_real_faults_are_the_known_ones(shared_data):
    split = open_dataset("bccd").load(LoadRequest(data=shared_data / "bccd"))
    dropped = {re.match(r"BloodImage_(\d+)\.xml", fault)[1] for fault in split.faults if ".xml" in fault}
    assert dropped == {"00338", "00343"}
    # Published counts of the whole set, which a copy may hold part of: 372 white cells, 364 images.
    cells = sum(int((s.annotations.role == Role.CELL).sum()) for s in samples_of(split))
    assert 0.9 < cells / len(samples_of(split)) / (372 / 364) < 1.1


def test_the_sheet_counts_what_is_there(tmp_path):
    write_bccd(tmp_path, {"train": range(8), "val": [20, 21]}, names=("WBC", "WBC", "RBC"))
    split = open_dataset("bccd").load(LoadRequest(data=tmp_path))
    sheet = describe(split)
    assert [(row.subset, row.images) for row in sheet.subsets] == [
        ("train", 6),
        ("validation", 1),
        ("optimisation", 1),
        ("test", 2),
    ]
    assert sheet.subsets[0].objects == (12, 6, 0)
    assert sheet.subsets[0].shares == (0.6, 0.6, None)
    assert sheet.roles == {"cell": 20, "artefact": 10, "ignore": 0}
    assert sheet.image_sizes == ((20, 10, 10),)
    assert sheet.mean_diameter_px == sheet.median_diameter_px == 5
    assert sheet.hash == data_hash(split)
    assert sheet.leaks == sheet.faults == ()


# Split files that other programs can take: docs/splits.

SPLITS = Path(__file__).parents[3] / "docs" / "splits"


def stated(name):
    with (SPLITS / f"{name}.csv").open(newline="") as file:
        return {row["image"]: (row["group"], row["subset"]) for row in csv.DictReader(file)}


def test_the_split_file_of_kainz_is_the_authors_split():
    rows = stated("kainz")
    # Their demo tests on 0007_01, 0008_01 and 0020_01 (github.com/pkainz/MICCAI2015, demo/regr/data/source).
    test = {image for image, (_, subset) in rows.items() if subset == "test"}
    assert test == {f"BM_GRAZ_HE_{patient}_01" for patient in ("0007", "0008", "0020")}
    table = split_by_patient({group for group, _ in rows.values()})
    assert all(group in table[subset] for group, subset in rows.values())


def test_the_split_file_of_dsb_purple_is_the_table(tmp_path):
    write_dsb(tmp_path, FIELDS["all"])
    split = open_dataset("dsb_purple").load(LoadRequest(data=tmp_path, options={"subset": "all"}))
    found = {s.image_id: (s.group, subset) for subset, part in split.samples.items() for s in part}
    assert found == stated("dsb_purple")


def test_the_split_file_of_bccd_keeps_the_published_lists():
    rows = stated("bccd")
    counts = Counter(subset for _, subset in rows.values())
    # 205, 87 and 72 images are published; the twin of a validation image is left out of train.
    assert (counts["train"], counts["validation"] + counts["optimisation"], counts["test"]) == (204, 87, 72)
    published = {file.path.stem for file in manifest("bccd") if file.path.suffix == ".jpg"}
    assert published - set(rows) == {"BloodImage_00038"}


def test_the_split_file_of_midog_is_the_rule():
    rows = stated("midog")
    assert len(rows) == 503
    table = fixed_subsets(rows, "midog", TEST)
    assert {image: subset for image, (_, subset) in rows.items()} == table
    assert Counter(table.values())["test"] == 111
