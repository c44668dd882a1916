import contextlib
import struct
import zlib

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from bmbench.core.errors import BadInputError
from bmbench.datasets.reading.images import check_size, image_size, read_raw, read_rgb
from bmbench.datasets.slides import opened

RGB = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
GREY = RGB[:, :, 0]


def save(path, pixels, mode=None, **options):
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif"])
def test_lossless_colour_comes_back_unchanged(tmp_path, name):
    path = save(tmp_path / name, RGB)
    assert_array_equal(read_rgb(path, (40, 30)), RGB)
    assert image_size(path) == (40, 30)


def test_jpeg_comes_back_about_right(tmp_path):
    smooth = np.broadcast_to(np.linspace(0, 255, 40).astype(np.uint8)[None, :, None], (30, 40, 3))
    path = save(tmp_path / "a.jpg", np.ascontiguousarray(smooth), quality=95)
    assert np.abs(read_rgb(path).astype(int) - smooth).max() < 12


def test_grey_and_two_level_images_have_three_equal_channels(tmp_path):
    assert_array_equal(read_rgb(save(tmp_path / "g.png", GREY)), np.stack([GREY] * 3, axis=-1))
    bits = GREY > 127
    expected = np.stack([bits * np.uint8(255)] * 3, axis=-1)
    assert_array_equal(read_rgb(save(tmp_path / "b.png", bits)), expected)
    tifffile.imwrite(tmp_path / "b.tif", bits, photometric="minisblack")
    assert_array_equal(read_rgb(tmp_path / "b.tif"), expected)
    tifffile.imwrite(tmp_path / "w.tif", bits, photometric="miniswhite")
    assert_array_equal(read_rgb(tmp_path / "w.tif"), 255 - expected)


def test_palette_is_resolved(tmp_path):
    path = save(tmp_path / "p.png", np.full((4, 4, 3), (200, 10, 60), np.uint8), mode="P")
    with Image.open(path) as stored:
        expected = np.array(stored.convert("RGB"))
    assert_array_equal(read_rgb(path), expected)


def test_printing_colours_are_read(tmp_path):
    path = save(tmp_path / "c.tif", np.full((4, 4, 3), (200, 10, 60), np.uint8), mode="CMYK")
    assert_array_equal(read_rgb(path), np.full((4, 4, 3), (200, 10, 60)))
    path = save(tmp_path / "c.jpg", np.full((8, 8, 3), (200, 10, 60), np.uint8), mode="CMYK", quality=100)
    assert np.abs(read_rgb(path).astype(int) - (200, 10, 60)).max() < 6


def test_transparent_pixels_lie_on_white(tmp_path):
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 0] = 100
    pixels[0, :, 3] = 0, 255, 51
    # 51 is a fifth: 100 * 0.2 + 255 * 0.8 = 224 and 0 * 0.2 + 255 * 0.8 = 204.
    expected = [[[255, 255, 255], [100, 0, 0], [224, 204, 204]]]
    assert_array_equal(read_rgb(save(tmp_path / "a.png", pixels)), expected)


@pytest.mark.parametrize("name", ["d.png", "d.tif"])
def test_sixteen_bits_keep_the_high_byte_and_twelve_bits_the_upper_eight(tmp_path, name):
    deep = np.array([[0, 255, 256, 65535]], np.uint16)
    camera = np.array([[0, 15, 16, 4095]], np.uint16)
    for values, white, expected in (
        (deep, None, [0, 0, 1, 255]),
        (camera, None, [0, 0, 0, 15]),
        (camera, 4095, [0, 0, 1, 255]),
        (deep, 4095, [0, 15, 16, 255]),
    ):
        path = tmp_path / name
        if name.endswith("png"):
            Image.fromarray(values).save(path)
        else:
            tifffile.imwrite(path, values)
        assert_array_equal(read_rgb(path, white=white)[0, :, 0], expected)


def test_tiff_with_planes_apart_is_the_same_picture(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(RGB, -1, 0), photometric="rgb", planarconfig="separate")
    assert_array_equal(read_rgb(tmp_path / "a.tif"), RGB)
    assert image_size(tmp_path / "a.tif") == (40, 30)


def test_lzw_tiff_is_read_without_further_packages(tmp_path):
    path = save(tmp_path / "a.tif", RGB, compression="tiff_lzw")
    assert_array_equal(read_rgb(path), RGB)


def test_labels_keep_their_numbers(tmp_path):
    labels = np.array([[0, 1, 300, 65535]], np.uint16)
    Image.fromarray(labels).save(tmp_path / "l.png")
    assert_array_equal(read_raw(tmp_path / "l.png"), labels)
    tifffile.imwrite(tmp_path / "l.tif", labels.astype(np.uint32) * 70000)
    assert_array_equal(read_raw(tmp_path / "l.tif"), labels.astype(np.int64) * 70000 % 2**32)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_named(tmp_path, name, share):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path / name, noise)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(BadInputError, match=f"{name}: .*(damaged|not an image)"):
        read_rgb(path)


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_text_is_no_image(tmp_path, name):
    (tmp_path / name).write_text("cells everywhere")
    for read in (read_rgb, image_size):
        with pytest.raises(BadInputError, match=f"{name}: (not an image|image damaged)"):
            read(tmp_path / name)


def test_missing_file_and_folder_are_named(tmp_path):
    for read in (read_rgb, image_size):
        with pytest.raises(BadInputError, match=r"gone\.png: file not found"):
            read(tmp_path / "gone.png")
        with pytest.raises(BadInputError, match="is a folder"):
            read(tmp_path)


def test_another_size_than_annotated_is_refused(tmp_path):
    path = save(tmp_path / "a.png", RGB)
    for check in (lambda: read_rgb(path, (30, 40)), lambda: check_size(path, (30, 40))):
        with pytest.raises(BadInputError, match=r"expected 30 × 40 px, got 40 × 30 px"):
            check()
    check_size(path, (40, 30))


def test_real_valued_pixels_and_stacks_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "f.tif", np.ones((8, 8), np.float32))
    with pytest.raises(BadInputError, match="unknown scale"):
        read_rgb(tmp_path / "f.tif")
    tifffile.imwrite(tmp_path / "s.tif", np.zeros((5, 8, 8), np.uint8), photometric="minisblack")
    with pytest.raises(BadInputError, match="a stack, not one image"):
        read_rgb(tmp_path / "s.tif")


def test_a_huge_image_is_refused_before_it_is_unpacked(tmp_path):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 1000)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(data)
    for read in (read_rgb, image_size):
        with pytest.raises(BadInputError, match=r"bomb\.png: image too large"):
            read(tmp_path / "bomb.png")


def test_an_image_above_pillows_warning_is_read_without_one(tmp_path):
    path = tmp_path / "wide.png"
    Image.new("1", (10_000, 9_000)).save(path)
    assert image_size(path) == (10_000, 9_000)


def _little_tiff(entries, next_page):
    """A TIFF of one page with these tags (number, type, count, value); pages go on at `next_page`."""
    tags = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<2sHIH", b"II", 42, 8, len(entries)) + tags + struct.pack("<I", next_page)


PAGE = [
    (256, 4, 1, 2),
    (257, 4, 1, 2),
    (258, 3, 1, 8),
    (259, 3, 1, 1),
    (262, 3, 1, 1),
    (273, 4, 1, 8),
    (279, 4, 1, 4),
]


def test_a_tiff_whose_pages_are_a_ring_is_refused(tmp_path):
    """Tifffile walks through such pages for ever."""
    path = tmp_path / "ring.tif"
    path.write_bytes(_little_tiff(PAGE, 0))
    assert read_rgb(path).shape == (2, 2, 3)
    path.write_bytes(_little_tiff(PAGE, 8))
    for read in (read_rgb, image_size):
        with pytest.raises(BadInputError, match="ring"):
            read(path)
    with pytest.raises(BadInputError), opened(path):
        pass


def test_an_image_that_its_file_cannot_hold_is_refused(tmp_path):
    """No memory for what a file of a few bytes says of itself."""
    Image.new("L", (9, 9)).save(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    for side, message in ((12_000, "no more than its file can hold"), (130_000, "too large to read whole")):
        header = b"IHDR" + struct.pack(">II", side, side) + data[24:29]
        (tmp_path / "b.png").write_bytes(
            data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
        )
        with pytest.raises(BadInputError, match=message):
            read_rgb(tmp_path / "b.png")
    flat = Image.new("RGB", (6000, 6000), "white")
    flat.save(tmp_path / "flat.png")
    assert read_rgb(tmp_path / "flat.png").shape == (6000, 6000, 3), "the emptiest image that there is"


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_a_damaged_tiff_is_refused_in_a_sentence_or_read(tmp_path, cut):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.arange(600, dtype=np.uint16).reshape(20, 30), compression="zlib")
    data = bytearray(path.read_bytes())
    place = len(data) - 1 - cut % len(data)
    data[place] ^= 0xFF
    path.write_bytes(data)
    with contextlib.suppress(BadInputError):
        read_rgb(path)
