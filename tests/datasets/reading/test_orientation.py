"""Pictures are seen as EXIF says, in one place for everything; annotations fit, or are refused with a remedy.

The right answers are Pillow's own transposition of the pixels.
"""

import json

import numpy as np
import pytest
from PIL import Image, ImageOps

from bmbench.core.errors import BadInputError
from bmbench.core.objects import upright
from bmbench.core.types import Annotations
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.annotation_folder import write_folder
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.reading.images import image_size, read_raw, read_rgb
from bmbench.datasets.slides import opened

WIDTH, HEIGHT = 48, 32
BOX = (6, 4, 16, 14)
"""Where the only dark cell lies on the stored picture: x0, y0, x1, y1."""

WRITTEN = [name for name in FORMATS.names() if FORMATS.get(name).write is not None]


def stored():
    pixels = np.full((HEIGHT, WIDTH, 3), 240, np.uint8)
    pixels[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 20
    return pixels


def tagged(path, orientation, pixels=None):
    exif = Image.Exif()
    exif[274] = orientation
    image = Image.fromarray(stored() if pixels is None else pixels)
    image.save(path, exif=exif, **({"quality": 98, "subsampling": 0} if path.suffix == ".jpg" else {}))
    return path


def judge(path):
    with Image.open(path) as image:
        if path.suffix == ".tif":
            # Pillow turns it while it loads it, and would turn it twice if asked again.
            return np.asarray(image.convert("RGB"))
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif"])
def test_pixels_sizes_and_slides_are_upright(tmp_path, orientation, ending):
    path = tagged(tmp_path / f"a{ending}", orientation)
    expected = judge(path)
    assert image_size(path) == expected.shape[1::-1]
    np.testing.assert_array_equal(read_rgb(path), expected)
    with opened(path) as slide:
        assert slide.finest == expected.shape[1::-1]
        np.testing.assert_array_equal(slide.read(0, 0, 0, *slide.finest), expected)


def test_palettes_and_metadata_behind_the_pixels_are_no_exception(tmp_path):
    grey = np.tile(np.arange(WIDTH, dtype=np.uint8) * 5, (HEIGHT, 1))
    exif = Image.Exif()
    exif[274] = 6
    palette = Image.fromarray(grey).convert("P")
    palette.save(tmp_path / "p.tif", exif=exif)
    expected = np.rot90(np.asarray(palette.convert("RGB")), -1)
    np.testing.assert_array_equal(read_rgb(tmp_path / "p.tif"), expected)
    # The chunk eXIf may stand after the pixels.
    data = tagged(tmp_path / "a.png", 6).read_bytes()
    at = data.index(b"eXIf") - 4
    chunk = data[at : at + 12 + int.from_bytes(data[at : at + 4], "big")]
    (tmp_path / "b.png").write_bytes(data[:at] + data[at + len(chunk) : -12] + chunk + data[-12:])
    assert image_size(tmp_path / "b.png") == (HEIGHT, WIDTH)
    assert read_raw(tmp_path / "b.png").shape[:2] == (WIDTH, HEIGHT)


def drawn_on(folder, name, *, turned, orientation):
    """A set in a format, drawn on the upright or on the stored picture, without bmbench's own file."""
    folder.mkdir(exist_ok=True)
    plain = tagged(folder / "plain.png", 1, judge(tagged(folder / "t.png", orientation)) if turned else None)
    dark = np.argwhere(read_rgb(plain)[:, :, 0] < 100)
    (y0, x0), (y1, x1) = dark.min(axis=0), dark.max(axis=0) + 1
    images = [
        {"id": 1, "file_name": "plain.png", "width": image_size(plain)[0], "height": image_size(plain)[1]}
    ]
    mark = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [int(x0), int(y0), int(x1 - x0), int(y1 - y0)]}
    value = {"images": images, "categories": [{"id": 1, "name": "WBC"}], "annotations": [mark]}
    (folder / "plain.json").write_text(json.dumps(value))
    content = read_any(folder / "plain.json")
    write_folder(folder / name, content, FORMATS.get(name))
    (folder / name / "bmbench-images.json").unlink(missing_ok=True)
    (folder / name / "images").mkdir()
    tagged(folder / name / "images" / "plain.png", orientation)
    return f"{name}:{folder / name}"


def covers(content):
    """Whether the box is where the picture is dark."""
    (sample,) = content.samples
    pixels = sample.load()
    assert pixels.shape[:2] == (sample.height, sample.width)
    x0, y0, x1, y1 = sample.annotations.box[0]
    dark = np.argwhere(pixels[:, :, 0] < 100)
    np.testing.assert_allclose([y0, x0], dark.min(axis=0), atol=0.6)
    np.testing.assert_allclose([y1, x1], dark.max(axis=0) + 1, atol=0.6)


@pytest.mark.parametrize("orientation", [2, 3, 6, 8])
@pytest.mark.parametrize("name", WRITTEN)
def test_what_was_drawn_on_the_upright_picture_fits_or_is_refused(tmp_path, name, orientation):
    place = drawn_on(tmp_path, name, turned=True, orientation=orientation)
    if FORMATS.get(name).as_stored:
        with pytest.raises(BadInputError, match="option orientation=stored, or orientation=upright"):
            read_any(place)
        content = read_any(place, choices={"orientation": "upright"})
    else:
        content = read_any(place)
    covers(content)
    assert any("turned upright, as EXIF says: plain.png" in note for note in content.notes)


@pytest.mark.parametrize("orientation", [3, 6, 7])
@pytest.mark.parametrize("name", WRITTEN)
def test_what_was_drawn_on_the_stored_picture_is_turned_where_one_says_so(tmp_path, name, orientation):
    place = drawn_on(tmp_path, name, turned=False, orientation=orientation)
    covers(read_any(place, choices={"orientation": "stored"}))


@pytest.mark.parametrize("name", ["coco", "voc", "labelme", "cvat", "labels"])
def test_a_stated_size_of_the_stored_picture_is_refused_with_a_remedy_that_is_right(tmp_path, name):
    place = drawn_on(tmp_path, name, turned=False, orientation=6)
    with pytest.raises(BadInputError, match="orientation=stored") as refused:
        read_any(place)
    assert "the annotations are of the size of the stored picture" in str(refused.value)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_shape_is_turned_alike(orientation):
    ring = np.array([[6, 4], [16, 4], [16, 10.0]])
    box = np.array([[6, 4, 16, 10.0]])
    annotations = Annotations.of(
        xy=np.array([[7.0, 5.0]]), box=box, circle=np.array([[8, 6, 2.0]]), contour=((ring,),)
    )
    now = upright(annotations, orientation, (WIDTH, HEIGHT))
    marks = np.zeros((HEIGHT, WIDTH), int)
    marks[5, 7], marks[4, 6], marks[9, 15] = 1, 2, 3
    exif = Image.Exif()
    exif[274] = orientation
    image = Image.fromarray(marks.astype(np.uint8))
    image.getexif()[274] = orientation
    turned = np.asarray(ImageOps.exif_transpose(image))

    def pixel(number):
        (y, x), *_ = np.argwhere(turned == number).tolist()
        return x, y

    # Pixel (7, 5) has its centre at (7.5, 5.5): half a pixel beside the point in whichever direction.
    assert np.abs(now.xy[0] - np.array(pixel(1)) - 0.5).max() == 0.5
    corners = np.array([pixel(2), pixel(3)])
    np.testing.assert_array_equal(now.box[0], [*corners.min(axis=0), *(corners.max(axis=0) + 1)])
    assert now.circle[0, 2] == 2
    assert np.abs(now.contour[0][0] - now.box[0, :2]).min() == 0
