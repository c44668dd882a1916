"""One good file of every format that is only read: an image called ``a`` of 40 × 20 px, with one cell."""

import base64
import json
import sqlite3
import struct
import zlib
from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from tests.benchmark.prediction.dicom_slide import write_dicom_slide

CORNERS = [[16, 6], [24, 6], [24, 14], [16, 14]]
"""The corners of the one cell, of 8 × 8 px."""


def image(place: Path, name: str = "a.png") -> Path:
    """A black image of 40 × 20 px."""
    path = place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 20)).save(path)
    return path


def label_studio(place: Path) -> Path:
    """A rectangle, in per cent; the image was uploaded, a second annotation is somebody else's."""
    image(place)
    value = {"x": 40, "y": 30, "width": 20, "height": 40, "rotation": 0, "rectanglelabels": ["WBC"]}
    result = {"original_width": 40, "original_height": 20, "type": "rectanglelabels", "value": value}
    task = {
        "id": 1,
        "data": {"image": "/data/upload/1/0a1b2c3d-a.png"},
        "annotations": [{"result": [], "was_cancelled": True}, {"result": [result]}],
    }
    (place / "export.json").write_text(json.dumps([task]))
    return place / "export.json"


def supervisely(place: Path) -> Path:
    """A polygon in the folder ``ann``."""
    image(place, "img/a.png")
    value = {
        "size": {"width": 40, "height": 20},
        "tags": [],
        "objects": [
            {
                "classTitle": "WBC",
                "geometryType": "polygon",
                "points": {"exterior": [[float(x), float(y)] for x, y in CORNERS], "interior": []},
            }
        ],
    }
    (place / "ann").mkdir()
    (place / "ann" / "a.png.json").write_text(json.dumps(value))
    (place / "meta.json").write_text('{"classes": [{"title": "WBC", "shape": "polygon"}], "tags": []}')
    return place / "ann" / "a.png.json"


def packed_mask(mask: np.ndarray) -> str:
    """A bitmap as Supervisely keeps it."""
    buffer = BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(buffer, format="PNG")
    return base64.b64encode(zlib.compress(buffer.getvalue())).decode()


def cellpose(place: Path) -> Path:
    """What Cellpose's window saves, a pickle within an array."""
    image(place)
    masks = np.zeros((20, 40), np.uint16)
    masks[6:14, 16:24] = 7
    value = {
        "masks": masks,
        "outlines": masks * 0,
        "filename": "C:\\pictures\\a.png",
        "ismanual": np.zeros(1, bool),
        "est_diam": np.float64(8.5),
        "flows": [np.zeros((1, 2), np.float32), []],
        "chan_choose": [0, 0],
    }
    np.save(place / "a_seg.npy", np.array(value, dtype=object), allow_pickle=True)
    return place / "a_seg.npy"


def ndpa(place: Path) -> Path:
    """A closed outline in nanometres from the middle of the glass, beside a slide of 250 nm per px."""
    slide = place / "a.ndpi"
    place.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(
        place / "a.tif",
        np.zeros((20, 40, 3), np.uint8),
        resolution=(40_000, 40_000),
        resolutionunit="CENTIMETER",
        extratags=[(65422, "i", 1, 100_000, True), (65423, "i", 1, -50_000, True)],
        metadata=None,
    )
    (place / "a.tif").rename(slide)
    # The middle of the scanned area lies at (100,000, −50,000) nm; a pixel is 250 nm.
    points = [(100_000 + (x - 20) * 250, -50_000 + (y - 10) * 250) for x, y in CORNERS]
    listed = "".join(f"<point><x>{x}</x><y>{y}</y></point>" for x, y in points)
    (place / "a.ndpi.ndpa").write_text(
        "<annotations><ndpviewstate id='1'><title>WBC</title><coordformat>nanometers</coordformat>"
        "<annotation type='freehand' displayname='AnnotateFreehand' color='#000000'><closed>1</closed>"
        f"<pointlist>{listed}</pointlist></annotation></ndpviewstate></annotations>"
    )
    return place / "a.ndpi.ndpa"


def hovernet(place: Path) -> Path:
    """A nucleus of HoVer-Net's: OpenCV's outline through the middles of pixels, the box in rows, columns."""
    image(place)
    x0, y0, x1, y1 = 16, 6, 23, 13
    nucleus = {
        "bbox": [[y0, x0], [y1 + 1, x1 + 1]],
        "centroid": [19.5, 9.5],
        "contour": [[x0, y0], [x1, y0], [x1, y1], [x0, y1]],
        "type_prob": 0.75,
        "type": 1,
    }
    (place / "a.json").write_text(json.dumps({"mag": 40, "nuc": {"12": nucleus}}))
    return place / "a.json"


def annotation_store(place: Path, *, shapes=None, packed: bool = True) -> Path:
    """A store as TIAToolbox lays it out; `shapes` are WKB (or None), x, y and properties of each row."""
    image(place)
    corners = [*CORNERS, CORNERS[0]]
    square = struct.pack("<BIII", 1, 3, 1, len(corners)) + struct.pack(
        "<10d", *(v for p in corners for v in p)
    )
    rows = [(square, 20.0, 10.0, {"type": "WBC", "prob": 0.75})] if shapes is None else shapes
    file = place / "a.db"
    with closing(sqlite3.connect(file)) as store:
        store.execute("CREATE TABLE metadata (key TEXT UNIQUE, value TEXT)")
        kind = json.dumps("zlib" if packed else None)
        store.execute("INSERT INTO metadata VALUES ('compression', ?)", (kind,))
        store.execute(
            "CREATE TABLE annotations(id INTEGER PRIMARY KEY, key TEXT UNIQUE, objtype TEXT, "
            "cx FLOAT NOT NULL, cy FLOAT NOT NULL, geometry BLOB, properties TEXT, area FLOAT NOT NULL)"
        )
        for number, (shape, x, y, properties) in enumerate(rows):
            data = shape if shape is None or not packed else zlib.compress(shape)
            values = (number, str(number), None, x, y, data, json.dumps(properties), 0)
            store.execute("INSERT INTO annotations VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        store.commit()
    return file


def dicom(place: Path) -> Path:
    """A rectangle in a file of annotations, beside the slide that it names."""
    from pydicom import dcmread, dcmwrite, uid
    from pydicom.dataset import Dataset, FileMetaDataset

    place.mkdir(parents=True, exist_ok=True)
    write_dicom_slide(place / "slide", [np.zeros((20, 40, 3), np.uint8)], um_per_px=0.25)
    (place / "slide" / "0.dcm").rename(place / "a.dcm")
    (place / "slide").rmdir()
    image, group, value = Dataset(), Dataset(), Dataset()
    image.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.77.1.6"
    image.ReferencedSOPInstanceUID = dcmread(place / "a.dcm", stop_before_pixels=True).SOPInstanceUID
    group.AnnotationGroupLabel, group.GraphicType, group.NumberOfAnnotations = "WBC", "RECTANGLE", 1
    group.PointCoordinatesData = np.array(CORNERS, "<f4").tobytes()
    value.Modality, value.AnnotationCoordinateType = "ANN", "2D"
    value.ReferencedImageSequence, value.AnnotationGroupSequence = [image], [group]
    value.file_meta = FileMetaDataset()
    value.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    value.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.91.1"
    value.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dcmwrite(place / "ann.dcm", value, enforce_file_format=True)
    return place / "ann.dcm"


def dicom_masks(place: Path, kind: str = "BINARY") -> Path:
    """The same rectangle in a segmentation of two frames of 32 × 32 px, beside the slide that it names."""
    from pydicom import dcmread, dcmwrite
    from pydicom.dataset import Dataset
    from pydicom.pixels import pack_bits

    value = dcmread(dicom(place))
    named = value.ReferencedImageSequence[0]
    (place / "ann.dcm").unlink()
    mask = np.zeros((2, 32, 32), np.uint8)
    mask[0, 6:14, 16:24] = 1
    series, segment = Dataset(), Dataset()
    series.ReferencedInstanceSequence = [named]
    segment.SegmentNumber, segment.SegmentLabel = 1, "WBC"
    value.Modality, value.SegmentationType = "SEG", kind
    value.ReferencedSeriesSequence, value.SegmentSequence = [series], [segment]
    value.TotalPixelMatrixColumns, value.TotalPixelMatrixRows, value.NumberOfFrames = 40, 20, 2
    value.Rows = value.Columns = 32
    value.SamplesPerPixel, value.PhotometricInterpretation, value.PixelRepresentation = 1, "MONOCHROME2", 0
    bits = 1 if kind == "BINARY" else 8
    value.BitsAllocated = value.BitsStored = bits
    value.HighBit = bits - 1
    value.PerFrameFunctionalGroupsSequence = []
    for x in (1, 33):
        frame, here, own = Dataset(), Dataset(), Dataset()
        here.ColumnPositionInTotalImagePixelMatrix, here.RowPositionInTotalImagePixelMatrix = x, 1
        own.ReferencedSegmentNumber = 1
        frame.PlanePositionSlideSequence, frame.SegmentIdentificationSequence = [here], [own]
        value.PerFrameFunctionalGroupsSequence.append(frame)
    value.SharedFunctionalGroupsSequence = [Dataset()]
    if kind == "FRACTIONAL":
        value.MaximumFractionalValue, value.SegmentationFractionalType = 1, "PROBABILITY"
    value.PixelData = pack_bits(mask) if bits == 1 else mask.tobytes()
    value["PixelData"].VR = "OB"
    value.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    dcmwrite(place / "seg.dcm", value, enforce_file_format=True)
    return place / "seg.dcm"


READ_ONLY = {
    "dicom": dicom,
    "labelstudio": label_studio,
    "supervisely": supervisely,
    "cellpose": cellpose,
    "ndpa": ndpa,
    "hovernet": hovernet,
    "tiatoolbox": annotation_store,
}
"""Format → a function that writes a set in a folder and returns its annotation file."""
