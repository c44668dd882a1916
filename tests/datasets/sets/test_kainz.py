import shutil

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from bmbench.core.dataset import SUBSETS, LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.core.types import Role
from bmbench.datasets import open_dataset
from bmbench.datasets.formats.kainz_points import read_mbm_additions, read_mbm_dots, read_points
from bmbench.datasets.sets.kainz import SPLITS, split_by_patient

ALL_PATIENTS = {"0001", "0002", "0003", "0004", "0006", "0007", "0008", "0020"}
HERE = ALL_PATIENTS - {"0007", "0008", "0020"}


@pytest.fixture
def small_copy(tmp_path):
    """Five patients with one 60 × 50 image each, two points and one further nucleus."""
    for part in ("images", "annotations_txt", "annotations_mbm"):
        (tmp_path / part).mkdir()
    for patient in sorted(HERE):
        name = f"BM_GRAZ_HE_{patient}_01"
        Image.new("RGB", (60, 50)).save(tmp_path / "images" / f"{name}.png")
        (tmp_path / "annotations_txt" / f"{name}.txt").write_text("2 3 0\n10 20 1\n59 49 3\n")
        table = "x,y,in_kainz,kainz_code\n10,20,1,1\n0,0,0,\n59,49,1,3\n"
        (tmp_path / "annotations_mbm" / f"{name}.csv").write_text(table)
    return tmp_path


def test_points_are_pixel_centres_and_the_header_is_no_point(tmp_path):
    (tmp_path / "a.txt").write_text("3 3 0\n0 0 1\n10 20 3\n1199 7 1\n")
    assert_array_equal(read_points(tmp_path / "a.txt"), [[0.5, 0.5], [10.5, 20.5], [1199.5, 7.5]])
    (tmp_path / "none.txt").write_text("0 3 0\n")
    assert read_points(tmp_path / "none.txt").shape == (0, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: not a Kainz point list"),
        ("10 20 1\n30 40 3\n", "line 1: not a Kainz point list"),
        ("2 3 0\n10 20 1\n", r"points missing \(expected 2 as line 1 says, got 1\)"),
        ("1 3 0\n10 20 1\n30 40 3\n", "points missing"),
        ("1 3 0\n10 20\n", "line 2: not a point"),
        ("1 3 0\n10 20 2\n", "line 2: not a point"),
        ("1 3 0\n10 x 1\n", "line 2: not a number"),
        ("1 3 0\n10 nan 1\n", "line 2: not a number"),
    ],
)
def test_a_damaged_point_list_is_named_with_its_line(tmp_path, text, message):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(BadInputError, match=message):
        read_points(tmp_path / "a.txt")


def test_mbm_additions_are_the_rows_that_kainz_has_not(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,in_kainz,kainz_code\r\n1089,4,0,\r\n247,8,1,1\r\n3,5,0,\r\n")
    assert_array_equal(read_mbm_additions(tmp_path / "a.csv"), [[1089.5, 4.5], [3.5, 5.5]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x;y\n1;2\n", "columns x, y, in_kainz"),
        ("x,y,in_kainz\n1,,0\n", "line 2: not a number"),
        ("x,y,in_kainz\n1,2,0\n1,2\n", "line 3: not a number"),
    ],
)
def test_a_damaged_point_table_is_named(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(BadInputError, match=message):
        read_mbm_additions(tmp_path / "a.csv")


def write_dots(folder, points, size=(60, 50)):
    """The four published pictures of quarters, row by row, white at (x, y)."""
    folder.mkdir(exist_ok=True)
    width, height = size[0] // 2, size[1] // 2
    for number in range(4):
        dots = np.zeros((height, width), bool)
        for x, y in points:
            if (x // width, y // height) == (number % 2, number // 2):
                dots[y % height, x % width] = True
        Image.fromarray(dots).save(folder / f"a_dots_{number:03}.png")


def test_mbm_dots_are_quarters_row_by_row_without_the_points_that_are_known(tmp_path):
    write_dots(tmp_path / "mbm_dots", [(3, 4), (40, 2), (7, 30), (59, 49), (20, 20)])
    # (20, 20) is 5 px from (24.5, 23.5), the same nucleus; (40, 2) is 5.1 px from (45.5, 3.5): another.
    known = np.array([[24.5, 23.5], [45.5, 3.5]])
    found = read_mbm_dots(tmp_path / "mbm_dots", "a", known)
    assert_array_equal(found, [[40.5, 2.5], [3.5, 4.5], [7.5, 30.5], [59.5, 49.5]])
    (tmp_path / "mbm_dots/a_dots_002.png").unlink()
    with pytest.raises(BadInputError, match=r"a_dots_002\.png: file not found"):
        read_mbm_dots(tmp_path / "mbm_dots", "a", known)


def test_the_published_dots_serve_where_the_table_is_not(small_copy):
    dots = small_copy / "mbm_dots"
    for path in (small_copy / "annotations_mbm").iterdir():
        path.unlink()
        write_dots(dots, [(10, 20), (0, 0), (59, 49)])
        for number in range(4):
            (dots / f"a_dots_{number:03}.png").rename(dots / f"{path.stem}_dots_{number:03}.png")
    split = open_dataset("kainz_mbm").load(LoadRequest(data=small_copy))
    marked = split.samples["test"][0].annotations
    assert_array_equal(marked.xy, [[10.5, 20.5], [59.5, 49.5], [0.5, 0.5]])
    assert marked.role.tolist() == [Role.CELL, Role.CELL, Role.IGNORE]


@pytest.mark.parametrize("patients", [ALL_PATIENTS, HERE, HERE | {"0008"}, {"0001", "0002", "0004", "0006"}])
def test_every_patient_is_in_exactly_one_subset_and_none_is_empty(patients):
    table = split_by_patient(patients) if "0003" in patients else split_by_patient(patients, "0001")
    assert set(table) == set(SUBSETS)
    assert all(table.values())
    assert sorted(p for subset in table.values() for p in subset) == sorted(patients)


def test_the_tables_follow_the_documented_rule():
    for table in SPLITS:
        patients = {p for subset in table.values() for p in subset}
        assert split_by_patient(patients) == table
        assert split_by_patient(patients, "+".join(table["test"])) == table
    assert split_by_patient(HERE, "0001") == {
        "train": ("0002", "0003"),
        "validation": ("0004",),
        "optimisation": ("0006",),
        "test": ("0001",),
    }


@pytest.mark.parametrize("chosen", ["0099", "0001,0002", "0001+", "0001+0002+0003"])
def test_a_bad_choice_of_test_patients_is_one_sentence(chosen):
    with pytest.raises(BadInputError, match="patient"):
        split_by_patient(HERE, chosen)


def test_the_documented_patients_are_held_out(small_copy):
    split = open_dataset("kainz").load(LoadRequest(data=small_copy))
    assert {subset: [sample.group for sample in part] for subset, part in split.samples.items()} == {
        "train": ["0001", "0002"],
        "validation": ["0004"],
        "optimisation": ["0006"],
        "test": ["0003"],
    }
    # The authors' published split: three test patients, five to train on.
    assert split_by_patient(ALL_PATIENTS)["test"] == ("0007", "0008", "0020")


def test_each_point_becomes_a_circle_with_its_box(small_copy):
    split = open_dataset("kainz").load(LoadRequest(data=small_copy))
    marked = split.samples["test"][0].annotations
    assert_array_equal(marked.circle, [[10.5, 20.5, 19.5], [59.5, 49.5, 19.5]])
    assert_array_equal(marked.box, [[-9, 1, 30, 40], [40, 30, 79, 69]])
    assert_array_equal(marked.xy, marked.circle[:, :2])
    assert (marked.role == Role.CELL).all()
    assert split.radius_px == 10
    small = open_dataset("kainz").load(LoadRequest(data=small_copy, options={"radius_px": "4"}))
    assert (small.samples["test"][0].annotations.circle[:, 2] == 4).all()


def test_nuclei_of_mbm_alone_are_ignored_and_everything_else_is_the_same(small_copy):
    plain = open_dataset("kainz").load(LoadRequest(data=small_copy))
    fuller = open_dataset("kainz_mbm").load(LoadRequest(data=small_copy))
    for subset in SUBSETS:
        for a, b in zip(plain.samples[subset], fuller.samples[subset], strict=True):
            cells = b.annotations.take(b.annotations.role == Role.CELL)
            assert_array_equal(cells.circle, a.annotations.circle)
            rest = b.annotations.take(b.annotations.role != Role.CELL)
            assert_array_equal(rest.xy, [[0.5, 0.5]])
            assert (rest.role == Role.IGNORE).all()
            assert not rest.region.any()
            assert (a.image_id, a.group) == (b.image_id, b.group)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"radius": "3"}, "did you mean 'radius_px'"),
        ({"radius_px": "0"}, "a number above 0"),
        ({"radius_px": "inf"}, "a number above 0"),
        ({"radius_px": "ten"}, "a number above 0"),
    ],
)
def test_bad_options_are_one_sentence(small_copy, options, message):
    with pytest.raises(BadInputError, match=message):
        open_dataset("kainz").load(LoadRequest(data=small_copy, options=options))


def test_missing_parts_are_named(small_copy):
    with pytest.raises(BadInputError, match="--data"):
        open_dataset("kainz").load(LoadRequest())
    with pytest.raises(BadInputError, match="nowhere: folder not found"):
        open_dataset("kainz").load(LoadRequest(data=small_copy / "nowhere"))
    shutil.rmtree(small_copy / "annotations_mbm")
    open_dataset("kainz").load(LoadRequest(data=small_copy))
    with pytest.raises(BadInputError, match="no points of MBM"):
        open_dataset("kainz_mbm").load(LoadRequest(data=small_copy))
    (small_copy / "annotations_txt" / "BM_GRAZ_HE_0003_01.txt").unlink()
    with pytest.raises(BadInputError, match=r"BM_GRAZ_HE_0003_01\.txt: file not found"):
        open_dataset("kainz").load(LoadRequest(data=small_copy))


def test_a_point_outside_its_image_is_named(small_copy):
    (small_copy / "annotations_txt" / "BM_GRAZ_HE_0003_01.txt").write_text("1 3 0\n60 3 1\n")
    with pytest.raises(BadInputError, match=r"0003_01\.txt: point outside the image \(.*got 60 3"):
        open_dataset("kainz").load(LoadRequest(data=small_copy))


def test_the_real_points_lie_on_dark_nuclei(shared_data):
    """A shift of the points, or x taken for y, would put them on the paler surroundings."""
    split = open_dataset("kainz").load(LoadRequest(data=shared_data / "kainz_bm"))
    samples = [sample for part in split.samples.values() for sample in part]
    # Counts of the published files: 11 images hold 4205 points, these eight 3153.
    if {sample.group for sample in samples} == HERE:
        assert sum(len(sample.annotations) for sample in samples) == 3153
    for sample in samples:
        grey = sample.load().mean(axis=2)
        column, row = np.floor(sample.annotations.xy).astype(int).T
        on_points, on_transposed = np.median(grey[row, column]), np.median(grey[column, row])
        assert on_points < np.median(grey) - 30
        assert on_points < on_transposed - 30


def test_real_mbm_rows_repeat_the_kainz_points(shared_data):
    """MBM kept all but a handful of the Kainz points: the two files use the same pixels."""
    folder = shared_data / "kainz_bm"
    for path in sorted((folder / "annotations_txt").glob("*.txt")):
        points = {tuple(point) for point in read_points(path).tolist()}
        table = (folder / "annotations_mbm" / f"{path.stem}.csv").read_text().splitlines()[1:]
        kept = [
            tuple(float(v) + 0.5 for v in row.split(",")[:2]) for row in table if row.split(",")[2] == "1"
        ]
        assert sum(point in points for point in kept) > 0.98 * len(points)
