"""Files that mean harm: bombs, entities, lies about sizes; and other programs as judges."""

import io
import json
import resource
import zipfile
from functools import partial

import numpy as np
import pytest
from PIL import Image

from bmbench.core.errors import BadInputError
from bmbench.core.types import CELL, Annotations, Category, Role, Sample
from bmbench.datasets.formats import FORMATS, imagej
from bmbench.datasets.formats.annotation_folder import write_folder
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.recognise import read_any, sniff
from bmbench.datasets.formats.ring_nesting import bridged, parts_with_holes
from bmbench.datasets.reading import limits, safe_xml
from bmbench.datasets.reading.images import read_rgb
from bmbench.datasets.reading.safe_xml import read_xml

LAUGHS = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "ha">{}]><annotation>&a9;</annotation>""".format(
    "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
)
OUTSIDE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation>&x;</annotation>'
OUTER = np.array([[10, 10], [50, 10], [50, 50], [10, 50.0]])
HOLE = np.array([[20, 20], [20, 30], [30, 30], [30, 20.0]])


@pytest.mark.parametrize("text", [LAUGHS, OUTSIDE, "<!DOCTYPE annotation><annotation/>"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_that_declares_a_document_type_is_refused_in_any_encoding(tmp_path, text, encoding):
    (tmp_path / "a.xml").write_bytes(text.replace('<?xml version="1.0"?>', "").encode(encoding))
    with pytest.raises(BadInputError, match="document type"):
        read_xml(tmp_path / "a.xml")
    for name in ("voc", "cvat"):
        with pytest.raises(BadInputError, match="document type"):
            FORMATS.get(name).read(tmp_path / "a.xml", None)


def test_deep_and_large_xml_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a.xml").write_text("<a>" * 100_000)
    with pytest.raises(BadInputError, match="nested deeper"):
        read_xml(tmp_path / "a.xml")
    monkeypatch.setattr(safe_xml, "LIMIT_BYTES", 1000)
    with pytest.raises(BadInputError, match="too large"):
        read_xml(tmp_path / "a.xml")


def test_a_roi_zip_that_explodes_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(imagej, "TOTAL_LIMIT_BYTES", 10_000_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"{number}.roi", bytes(1_000_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadInputError, match="unpacks to far more"):
        imagej.parse(tmp_path / "a.zip", lambda: (9, 9))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000


def test_a_roi_that_claims_millions_of_corners_is_an_error(tmp_path):
    head = bytearray(64)
    head[:4], head[5], head[6] = b"Iout", 227, 0
    head[18:22] = (2**31 - 1).to_bytes(4, "big")
    (tmp_path / "a.roi").write_bytes(bytes(head) + bytes(200))
    with pytest.raises(BadInputError, match="not an ImageJ ROI"):
        imagej.parse(tmp_path / "a.roi", lambda: (9, 9))


@pytest.mark.parametrize("name", ["labelme", "yolo", "csv"])
def test_text_beyond_its_limit_is_not_read(tmp_path, monkeypatch, name):
    monkeypatch.setattr(limits.read_limited, "__defaults__", (100,))
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    path = tmp_path / f"a{FORMATS.get(name).extensions[0]}"
    path.write_text(" " * 1000)
    with pytest.raises(BadInputError, match="too large"):
        FORMATS.get(name).read(path, None)


def test_a_mask_in_a_labelme_file_has_a_size_limit(tmp_path):
    import base64

    buffer = io.BytesIO()
    Image.new("1", (8000, 8000)).save(buffer, format="PNG")
    shape = {
        "label": "a",
        "points": [[0, 0], [1, 1]],
        "shape_type": "mask",
        "mask": base64.b64encode(buffer.getvalue()).decode(),
    }
    (tmp_path / "a.json").write_text(json.dumps({"shapes": [shape], "imageWidth": 9, "imageHeight": 9}))
    with pytest.raises(BadInputError, match="mask too large"):
        FORMATS.get("labelme").read(tmp_path / "a.json", None)


@pytest.fixture
def content(tmp_path):
    path = tmp_path / "pictures" / "a.png"
    path.parent.mkdir()
    Image.new("RGB", (64, 60)).save(path)
    annotations = Annotations.of(
        xy=np.array([[30, 30], [40.5, 12.25], [8, 8]]),
        box=np.array([[10, 10, 50, 50], [35.5, 7.25, 45.5, 17.25], [2, 4, 14, 12.0]]),
        circle=np.array([[0, 0, 0], [40.5, 12.25, 5], [0, 0, 0.0]]),
        contour=((OUTER, HOLE), (), ()),
        label=np.array([0, 1, 0]),
        role=np.array([Role.CELL, Role.ARTEFACT, Role.CELL]),
    )
    sample = Sample(
        image_id="a",
        name="a.png",
        width=64,
        height=60,
        group="a.png",
        annotations=annotations,
        load=partial(read_rgb, path),
        file=path,
    )
    return Content(samples=(sample,), categories=(CELL, Category(id=2, name="smudge", artefact=True)))


def test_roifile_reads_what_is_written(content, tmp_path):
    roifile = pytest.importorskip("roifile", reason="roifile, the extra imagej, is not installed")
    write_folder(tmp_path / "out", content, FORMATS.get("imagej"))
    composite, oval, rectangle = roifile.roiread(tmp_path / "out/rois/a.zip")
    assert composite.composite
    assert [len(ring) for ring in composite.coordinates(multi=True)] == [5, 5]
    assert oval.roitype == roifile.ROI_TYPE.OVAL
    assert (oval.xd, oval.yd, oval.widthd, oval.heightd) == (35.5, 7.25, 10, 10)
    assert (rectangle.left, rectangle.top, rectangle.right, rectangle.bottom) == (2, 4, 14, 12)
    assert oval.props == "class: smudge\n"


def test_tifffile_and_pillow_agree_with_the_label_image(content, tmp_path):
    import tifffile

    write_folder(tmp_path / "out", content, FORMATS.get("labels"))
    labels = np.asarray(Image.open(tmp_path / "out/labels/a.png"))
    assert labels.dtype == np.uint16
    # 40 × 40 less the hole of 10 × 10, less what the circle (2) and the box (3) cover of it: 4 × 2 pixels.
    circle = np.hypot(np.arange(64) + 0.5 - 40.5, (np.arange(60) + 0.5 - 12.25)[:, None]) <= 5
    taken = circle[10:50, 10:50].sum() + 4 * 2
    assert [(labels == n).sum() for n in (1, 2, 3)] == [1600 - 100 - taken, circle.sum(), 12 * 8]
    tifffile.imwrite(tmp_path / "out/labels/b.tif", labels.astype(np.uint32))
    (tmp_path / "out/labels/a.png").unlink()
    (tmp_path / "out/labels/b.tif").rename(tmp_path / "out/labels/a.tif")
    again = read_any(f"labels:{tmp_path / 'out'}", tmp_path / "pictures")
    assert len(again.samples[0].annotations) == 3


def test_pycocotools_sees_the_area_of_a_bridged_outline():
    mask = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    far = OUTER[:, ::-1] / 4 + [60, 0]
    ring = bridged((OUTER, HOLE, far))
    runs = mask.frPyObjects([ring.ravel().tolist()], 60, 80)
    # 40 × 40 − 10 × 10 + 10 × 10
    assert int(mask.area(runs)[0]) == pytest.approx(1600, abs=45)
    assert [len(part) for part in parts_with_holes((HOLE, OUTER, far))] == [2, 1]


def test_a_ring_in_a_hole_is_a_part_again():
    island = HOLE / 5 + 20
    assert [len(part) for part in parts_with_holes((OUTER, HOLE, island))] == [2, 1]


def test_yolo_files_of_other_programs_are_read(tmp_path):
    for part in ("images/train", "labels/train"):
        (tmp_path / part).mkdir(parents=True)
    for name in ("a", "b"):
        Image.new("RGB", (100, 50)).save(tmp_path / f"images/train/{name}.jpg")
    (tmp_path / "labels/train/a.txt").write_text(
        "1 0.5 0.5 0.2 0.4\n0 0.1 0.1 0.3 0.1 0.2 0.4\n1 0.5 0.5 0.2 0.4 0.93\n"
    )
    (tmp_path / "data.yaml").write_text(
        "# a set\ntrain: images/train\nnc: 2\nnames: ['red, cell', \"WBC\"]\n"
    )
    found = read_any(tmp_path)
    assert [(c.id, c.name) for c in found.categories] == [(1, "red, cell"), (2, "WBC")]
    a, b = found.samples
    # (0.5 ± 0.1) · 100 and (0.5 ± 0.2) · 50
    np.testing.assert_allclose(a.annotations.box[0], [40, 15, 60, 35])
    np.testing.assert_allclose(a.annotations.contour[1][0], [[10, 5], [30, 5], [20, 20]])
    assert (len(a.annotations), len(b.annotations)) == (3, 0)
    assert sniff(tmp_path) == "yolo"


@pytest.mark.parametrize(
    "yaml",
    [
        "names:\n  0: red\n  1: WBC\n",
        "names:\n- red\n- WBC\n",
        "names: {0: red, 1: 'WBC'}\n",
        "names: [red, WBC] # two\nother: 1\n",
        "nc: 2\nnames:\n  - red # first\n  - WBC\n",
    ],
)
def test_the_ways_to_write_class_names(tmp_path, yaml):
    Image.new("RGB", (10, 10)).save(tmp_path / "a.png")
    (tmp_path / "data.yaml").write_text(yaml)
    (tmp_path / "a.txt").write_text("1 0.5 0.5 0.2 0.4\n")
    assert [c.name for c in read_any(tmp_path / "data.yaml").categories] == ["red", "WBC"]


def test_cvat_masks_ellipses_and_groups_are_read(tmp_path):
    (tmp_path / "annotations.xml").write_text("""<annotations><version>1.1</version>
      <image id="0" name="a.png" width="20" height="10">
        <mask label="cell" rle="1, 2, 1, 4" left="3" top="2" width="4" height="2"/>
        <ellipse label="cell" cx="5" cy="6" rx="4" ry="2" rotation="90"/>
        <polygon label="cell" points="0,0;4,0;4,4" group_id="7"/>
        <polygon label="cell" points="10,0;14,0;14,4" group_id="7"/>
        <polyline label="cell" points="0,0;1,1"/>
      </image></annotations>""")
    found = read_any(tmp_path)
    annotations = found.samples[0].annotations
    # The mask: columns 4 and 5 of row 2, columns 3 to 6 of row 3. The turned ellipse is 4 wide and 8 high.
    np.testing.assert_allclose(annotations.box, [[3, 2, 7, 4], [3, 2, 7, 10], [0, 0, 14, 4]], atol=1e-9)
    assert [len(rings) for rings in annotations.contour] == [1, 1, 2]
    assert found.notes == ("a.png: left out: polyline",)
    (tmp_path / "annotations.xml").write_text("<annotations><track id='0'/></annotations>")
    with pytest.raises(BadInputError, match="an export for videos"):
        read_any(tmp_path)


def test_csv_columns_are_named_and_never_guessed(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    (tmp_path / "a.csv").write_text("diameter,row,IMAGE,column,ignored\n6,4,a.png,9,x\n")
    assert read_any(tmp_path / "a.csv").samples[0].annotations.circle.tolist() == [[9.5, 4.5, 3]]
    for header in ("picture,x,y", "image,a,b", "x,y", ""):
        (tmp_path / "a.csv").write_text(f"{header}\na.png,1,2\n")
        with pytest.raises(BadInputError, match="columns missing"):
            read_any(tmp_path / "a.csv")


def test_a_folder_of_two_formats_is_not_guessed(tmp_path):
    (tmp_path / "a.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    (tmp_path / "a.xml").write_text("<annotation></annotation>")
    with pytest.raises(BadInputError, match="qupath and voc"):
        sniff(tmp_path)
    with pytest.raises(BadInputError, match="no annotations of a known format"):
        read_any(_empty(tmp_path / "none"))


def _empty(path):
    path.mkdir()
    return path
