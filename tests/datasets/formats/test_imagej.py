"""ImageJ ROIs against roifile, the reader and writer of the format that others use."""

import dataclasses
import zipfile

import numpy as np
import roifile
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from bmbench.core.progress import Silent
from bmbench.core.types import Annotations
from bmbench.datasets.exchange.convert import convert
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.imagej import parse
from bmbench.datasets.formats.recognise import read_any

CORNERS = np.array([[10.25, 4.5], [30.0, 4.5], [22.0, 18.75]])


def test_roifile_reads_the_outlines_that_are_written(tmp_path):
    Image.new("RGB", (60, 40)).save(tmp_path / "a.png")
    (tmp_path / "gt.json").write_text(
        '{"images": [{"id": 1, "file_name": "a.png", "width": 60, "height": 40}], "annotations": [], '
        '"categories": [{"id": 1, "name": "cell"}]}'
    )
    plain = read_any(str(tmp_path / "gt.json"))
    marks = Annotations.of(
        xy=np.array([[20.0, 11.0], [45.0, 20.0]]),
        box=np.array([[10.25, 4.5, 30.0, 18.75], [39.0, 14.0, 51.0, 26.0]]),
        circle=np.array([[0.0, 0.0, 0.0], [45.0, 20.0, 6.0]]),
        contour=((CORNERS,), ()),
    )
    content = Content(
        samples=(dataclasses.replace(plain.samples[0], annotations=marks),), categories=plain.categories
    )
    convert(content, tmp_path / "out", to="imagej", progress=Silent())
    outline, circle = roifile.roiread(next((tmp_path / "out").glob("**/*.zip")))
    assert_allclose(outline.coordinates(), CORNERS, atol=1e-5)
    assert outline.roitype == roifile.ROI_TYPE.POLYGON
    assert circle.roitype == roifile.ROI_TYPE.OVAL
    assert (circle.xd, circle.yd, circle.widthd, circle.heightd) == (39, 14, 12, 12)


def test_what_roifile_writes_is_read(tmp_path):
    polygon = roifile.ImagejRoi.frompoints(CORNERS)
    whole = roifile.ImagejRoi.frompoints(np.array([[3, 2], [13, 2], [13, 8]]))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.roi", polygon.tobytes())
        archive.writestr("2.roi", whole.tobytes())
        archive.writestr("__MACOSX/._2.roi", b"\x00\x05\x16\x07")
    found = parse(tmp_path / "a.zip", lambda: (60, 40)).annotations
    assert_allclose(found.contour[0][0], CORNERS, atol=1e-5)
    assert_array_equal(found.box[1], [3, 2, 13, 8])
