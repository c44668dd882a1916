"""Sets whose files are not here, read from small copies in the layout that their makers publish."""

import hashlib
import json
import zipfile

import numpy as np
import pytest
import roifile
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from bmbench.core.dataset import SUBSETS, LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.core.geometry import rings_area
from bmbench.core.types import Role
from bmbench.datasets import DATASETS
from bmbench.datasets.sets.midog import TEST
from bmbench.datasets.splits.fixed import fixed_subsets


def load(name, data, **options):
    return DATASETS.get(name).load(LoadRequest(data=data, options=options))


def samples_of(split):
    return {sample.image_id: sample for part in split.samples.values() for sample in part}


# The rule of the fixed split.


def test_the_place_of_a_group_is_the_start_of_its_digest():
    # The rule once more, from the text: eight bytes of SHA-256 of SET/GROUP as a fraction of 2^64.
    groups = [f"patient {number}" for number in range(200)]
    table = fixed_subsets(groups, "some_set")
    for group in groups:
        place = int(hashlib.sha256(f"some_set/{group}".encode()).hexdigest()[:16], 16) / 16**16
        bounds = ((0.56, "train"), (0.67, "validation"), (0.78, "optimisation"), (1, "test"))
        assert table[group] == next(subset for bound, subset in bounds if place < bound)


def test_a_group_stays_where_it_is_when_others_come_and_go():
    groups = [str(number) for number in range(100)]
    whole, half = fixed_subsets(groups, "x"), fixed_subsets(reversed(groups[::2]), "x")
    assert all(half[group] == whole[group] for group in half)
    assert set(half.values()) == set(SUBSETS)


def test_held_out_groups_are_test_and_nothing_else_is():
    table = fixed_subsets([str(number) for number in range(60)], "x", test={"3", "4", "elsewhere"})
    assert {group for group, subset in table.items() if subset == "test"} == {"3", "4"}
    assert set(table.values()) == set(SUBSETS)


def test_four_groups_have_one_in_every_subset_and_three_are_too_few():
    assert sorted(fixed_subsets("abcd", "x").values()) == sorted(SUBSETS)
    assert sorted(fixed_subsets("abcd", "x", test="a").values()) == sorted(SUBSETS)
    with pytest.raises(BadInputError, match="3 groups of x cannot be split"):
        fixed_subsets("abc", "x")


# MIDOG: corners instead of COCO's corner and size.


def write_midog(folder, numbers, *, unlabelled=(), absent=(), box=(20, 5, 30, 15)):
    (folder / "images").mkdir()
    (folder / "databases").mkdir()
    images, objects = [], []
    for number in (*numbers, *unlabelled):
        name = f"{number:03}.tiff"
        images.append({"license": 1, "file_name": name, "id": number, "width": 60, "height": 40})
        if number not in absent:
            tifffile.imwrite(folder / "images" / name, np.full((40, 60, 3), number % 256, np.uint8))
        for kind in (1, 2) if number in numbers else ():
            objects.append(
                {"bbox": list(box), "category_id": kind, "image_id": number, "id": len(objects) + 1}
            )
    content = {
        "info": {"description": "MIDOG"},
        "licenses": [],
        "images": images,
        "categories": [{"id": 1, "name": "mitotic figure"}, {"id": 2, "name": "not mitotic figure"}],
        "annotations": objects,
    }
    (folder / "databases" / "MIDOG.json").write_text(json.dumps(content))
    return folder


def test_midog_boxes_are_corners_and_look_alikes_are_artefacts(tmp_path):
    split = load("midog", write_midog(tmp_path, range(1, 9)))
    assert [(c.name, c.artefact) for c in split.categories] == [
        ("mitotic figure", False),
        ("not mitotic figure", True),
    ]
    marked = samples_of(split)["001"].annotations
    assert_array_equal(marked.box, [[20, 5, 30, 15]] * 2)
    assert_array_equal(marked.xy, [[25, 10]] * 2)
    assert marked.role.tolist() == [Role.CELL, Role.ARTEFACT]
    assert samples_of(split)["002"].load()[0, 0].tolist() == [2, 2, 2]


def test_midog_test_cases_are_the_published_ones(tmp_path):
    split = load("midog", write_midog(tmp_path, range(1, 30)))
    # From datasets_xvalidation.csv of MIDOG++, the slides below 30 whose column Dataset says "test".
    published = ["006", "007", "014", "015", "018", "026", "029"]
    assert sorted(sample.image_id for sample in split.samples["test"]) == published
    assert len(TEST) == 111
    assert all(split.samples.values())


def test_midog_images_without_annotations_are_unlabelled_not_free_of_mitoses(tmp_path):
    split = load("midog", write_midog(tmp_path, range(1, 9), unlabelled=(151, 152), absent=(3,)))
    assert sorted(samples_of(split)) == ["001", "002", "004", "005", "006", "007", "008"]
    assert split.faults == (
        "2 images of MIDOG.json have no annotation at all and are left out",
        "1 labelled images of MIDOG.json are not here",
    )


@pytest.mark.parametrize(
    "box", [(20, 5, 10, 15), (20, 5, 20, 15), (1, 2, 3), ("a", 1, 2, 3), (1e9, 1, 2e9, 9)]
)
def test_midog_boxes_that_are_no_corners_are_refused(tmp_path, box):
    with pytest.raises(BadInputError, match="--dataset FILE"):
        load("midog", write_midog(tmp_path, range(1, 9), box=box))


ODD = (None, [], {}, "x", -1, 1e308, True, [[1, 2], 3], 2**70)


def _places(value, path=()):
    """Every place in a JSON value, of lists the first element only."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from _places(value[key], (*path, key))
    elif isinstance(value, list) and value:
        yield from _places(value[0], (*path, 0))


def test_midog_files_with_another_value_anywhere_are_read_or_a_typed_error(tmp_path):
    file = write_midog(tmp_path, range(1, 5)) / "databases" / "MIDOG.json"
    text = file.read_text()
    refused = 0
    for path in _places(json.loads(text)):
        for odd in ODD:
            content = {"all": json.loads(text)}
            *way, last = ("all", *path)
            inner = content
            for step in way:
                inner = inner[step]
            inner[last] = odd
            file.write_text(json.dumps(content["all"]))
            try:
                load("midog", tmp_path)
            except BadInputError:
                refused += 1
    assert refused > 100


# NuInsSeg: masks, ambiguous areas, ROIs.


def write_nuinsseg(folder, organs, vague="mask binary"):
    for organ in organs:
        place = folder / organ
        parts = ("tissue images", "label masks modify", "Imagj_zips", f"vague areas/{vague}")
        for part in parts:
            (place / part).mkdir(parents=True)
        stem = f"{organ.replace(' ', '_')}_01"
        Image.new("RGB", (40, 30), (200, 100, 150)).save(place / "tissue images" / f"{stem}.png")
        labels = np.zeros((30, 40), np.uint16)
        labels[2:8, 3:13], labels[20:25, 30:34] = 1, 7
        tifffile.imwrite(place / "label masks modify" / f"{stem}.tif", labels)
        area = np.zeros((30, 40), np.uint8)
        area[10:14, 0:5] = area[14:16, 5:9] = 255
        area[29, 39] = 255
        Image.fromarray(area).save(place / parts[3] / f"{stem}.png")
        roi = roifile.ImagejRoi.frompoints(np.array([[3.0, 2.0], [13.0, 2.0], [13.0, 8.0], [3.0, 8.0]]))
        roi.group = 4
        with zipfile.ZipFile(place / "Imagj_zips" / f"{stem}.zip", "w") as archive:
            archive.writestr("0002-0003.roi", roi.tobytes())
            archive.writestr("__MACOSX/._0002-0003.roi", b"\x00\x05\x16\x07 what a Mac leaves")
    return folder


ORGANS = ["human bladder", "human brain", "mouse heart", "mouse kidney", "human lung"]


@pytest.mark.parametrize("vague", ["mask binary", "mask binary_vague"])
def test_nuinsseg_masks_are_nuclei_and_ambiguous_areas_are_ignored_regions(tmp_path, vague):
    split = load("nuinsseg", write_nuinsseg(tmp_path, ORGANS, vague))
    sample = samples_of(split)["human bladder/human_bladder_01"]
    assert sample.group == "human bladder"
    marked = sample.annotations
    assert marked.role.tolist() == [Role.CELL, Role.CELL, Role.IGNORE, Role.IGNORE]
    assert marked.region.tolist() == [False, False, True, True]
    # Columns 3 to 12, rows 2 to 7; columns 30 to 33, rows 20 to 24. The areas: 4 × 5 and 2 × 4 px that
    # touch at a corner are one, and the last pixel of the image.
    assert_array_equal(marked.box[:2], [[3, 2, 13, 8], [30, 20, 34, 25]])
    assert_array_equal(marked.box[2:], [[0, 10, 9, 16], [39, 29, 40, 30]])
    assert [rings_area(rings) for rings in marked.contour] == [60, 20, 28, 1]
    assert sorted(len(part) for part in split.samples.values()) == [1, 1, 1, 2]


def test_nuinsseg_rois_as_drawn_are_read_beside_what_a_mac_leaves(tmp_path):
    split = load("nuinsseg", write_nuinsseg(tmp_path, ORGANS), outlines="rois")
    marked = samples_of(split)["mouse heart/mouse_heart_01"].annotations
    assert_array_equal(marked.box[0], [3, 2, 13, 8])
    assert marked.label.tolist() == [0, 0, 0]
    assert marked.role.tolist() == [Role.CELL, Role.IGNORE, Role.IGNORE]


def test_nuinsseg_without_a_mask_or_with_another_size_is_named(tmp_path):
    folder = write_nuinsseg(tmp_path, ORGANS)
    mask = folder / "human brain/label masks modify/human_brain_01.tif"
    tifffile.imwrite(mask, np.zeros((30, 41), np.uint16))
    with pytest.raises(BadInputError, match=r"human_brain_01\.tif: label image of another size"):
        load("nuinsseg", folder)
    mask.unlink()
    with pytest.raises(BadInputError, match=r"human_brain_01\.tif: file not found"):
        load("nuinsseg", folder)
    with pytest.raises(BadInputError, match="no organ"):
        load("nuinsseg", folder / "human brain" / "tissue images")


# SegPC-2021: one mask a cell.


def write_segpc(folder, train, validation):
    for part, names in (("train/train", train), ("validation", validation), ("test", ["900"])):
        place = folder / "TCIA_SegPC_dataset" / part
        (place / "x").mkdir(parents=True)
        for number, name in enumerate(names):
            Image.new("RGB", (50, 40), (number, 0, 0)).save(place / "x" / f"{name}.bmp")
            if part == "test":
                continue
            (place / "y").mkdir(exist_ok=True)
            mask = np.zeros((40, 50), np.uint8)
            mask[5:15, 10:30], mask[8:12, 14:20] = 20, 40
            Image.fromarray(mask).save(place / "y" / f"{name}_1.bmp")
            # Some of the published masks have three equal channels.
            Image.fromarray(np.repeat(np.roll(mask, 20, axis=0)[:, :, None], 3, axis=2)).save(
                place / "y" / f"{name}_2.bmp"
            )
    return folder


def test_segpc_cells_are_nucleus_and_cytoplasm_together(tmp_path):
    write_segpc(tmp_path, ["106", "2", "31", "4_b"], ["88"])
    split = load("segpc2021", tmp_path)
    marked = samples_of(split)["4_b"].annotations
    assert_array_equal(marked.box, [[10, 5, 30, 15], [10, 25, 30, 35]])
    assert [rings_area(rings) for rings in marked.contour] == [200, 200]
    # 200 px² is the disc of diameter 15.96 px, a third of which is 5.3 px.
    assert split.radius_px == 5.3
    nuclei = samples_of(load("segpc2021", tmp_path, part="nucleus"))["4_b"].annotations
    assert_array_equal(nuclei.box[0], [14, 8, 20, 12])
    assert any("any other cell counts as a false alarm" in fault for fault in split.faults)


def test_segpc_published_validation_is_test_and_images_without_masks_are_left_out(tmp_path):
    write_segpc(tmp_path, [str(number) for number in range(30)], ["88", "89"])
    split = load("segpc2021", tmp_path)
    assert [sample.image_id for sample in split.samples["test"]] == ["88", "89"]
    assert sum(len(part) for part in split.samples.values()) == 32
    assert all(split.samples.values())


def test_segpc_faults_are_named(tmp_path):
    write_segpc(tmp_path, ["1", "2", "3"], ["4"])
    masks = tmp_path / "TCIA_SegPC_dataset/train/train/y"
    Image.new("L", (50, 40)).save(masks / "2_1.bmp")
    assert "2_1.bmp: no pixel of a cell, left out" in load("segpc2021", tmp_path).faults
    Image.new("L", (50, 41)).save(masks / "2_1.bmp")
    with pytest.raises(BadInputError, match=r"2_1\.bmp: mask of another size"):
        load("segpc2021", tmp_path)
    (masks / "2_1.bmp").rename(masks / "77_1.bmp")
    with pytest.raises(BadInputError, match=r"not there \(expected x/77\.bmp"):
        load("segpc2021", tmp_path)


@pytest.mark.parametrize("name", ["midog", "nuinsseg", "segpc2021", "bonemarrow_wsi"])
def test_an_empty_or_absent_folder_is_one_sentence(tmp_path, name):
    with pytest.raises(BadInputError):
        load(name, tmp_path)
    with pytest.raises(BadInputError, match="not found"):
        load(name, tmp_path / "nowhere")
