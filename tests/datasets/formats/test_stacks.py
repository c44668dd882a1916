"""ROIs of several positions of a stack are never laid over one another on one image."""

import zipfile

import numpy as np
import pytest
from PIL import Image

from bmbench.core.errors import BadInputError
from bmbench.datasets.formats.recognise import read_any

roifile = pytest.importorskip("roifile", reason="roifile is not installed")


def roi(x, **facts):
    made = roifile.ImagejRoi.frompoints(np.array([[x, 10], [x + 20, 10], [x + 20, 30], [x, 30.0]]))
    for name, value in facts.items():
        setattr(made, name, value)
    return made.tobytes()


def zipped(folder, rois):
    Image.new("RGB", (200, 60)).save(folder / "a.png")
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for name, data in rois.items():
            archive.writestr(f"{name}.roi", data)
    return folder


def corners(folder, **choices):
    content = read_any(folder, choices=choices)
    return content.samples[0].annotations.box[:, 0].tolist(), content.notes


@pytest.mark.parametrize(
    ("first", "second", "chosen"),
    [
        ({"position": 3}, {"position": 4}, "4"),
        ({"z_position": 3}, {"z_position": 4}, "z4"),
        ({"t_position": 1, "c_position": 2}, {"t_position": 2, "c_position": 2}, "c2,t2"),
    ],
)
def test_positions_are_kept_apart(tmp_path, first, second, chosen):
    zipped(tmp_path, {"a": roi(10, **first), "b": roi(50, **second), "everywhere": roi(90)})
    with pytest.raises(BadInputError, match="ROIs of 2 positions of a stack, for one image"):
        read_any(tmp_path)
    left, notes = corners(tmp_path, plane=chosen)
    assert left == [50, 90]
    assert notes == ("a.png: left out: ROI of another position of the stack",)


def test_names_of_old_files_say_the_slice(tmp_path):
    zipped(tmp_path, {"0003-0020-0020": roi(10), "0004-0020-0060": roi(50)})
    with pytest.raises(BadInputError, match="got 3, 4"):
        read_any(tmp_path)
    assert corners(tmp_path, plane="3")[0] == [10]


def test_one_position_is_one_image(tmp_path):
    zipped(tmp_path, {"a": roi(10, position=7), "b": roi(50, position=7), "0020-0060": roi(90)})
    assert corners(tmp_path) == ([10, 50, 90], ())


def test_points_of_one_roi_may_lie_on_several_slices(tmp_path):
    points = roifile.ImagejRoi.frompoints(np.array([[10, 10], [50, 10], [90, 10.0]]))
    points.roitype = roifile.ROI_TYPE.POINT
    points.counters = np.zeros(3, np.uint8)
    points.counter_positions = np.array([1, 2, 1], np.uint32)
    zipped(tmp_path, {"points": points.tobytes()})
    with pytest.raises(BadInputError, match="got 1, 2"):
        read_any(tmp_path)
    assert corners(tmp_path, plane="1")[0] == [10, 90]


def test_the_first_of_every_axis_is_slice_one(tmp_path):
    zipped(tmp_path, {"a": roi(10, position=1), "b": roi(50, c_position=1, z_position=1, t_position=1)})
    assert corners(tmp_path) == ([10, 50], ())
    assert corners(tmp_path, plane="c1,z1,t1")[0] == [10, 50]
