"""One white for all 16-bit images of a set and for prediction, never the maximum of one image."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from bmbench.core.errors import BadInputError
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.reading.bit_depth import to_8_bits, white_of
from bmbench.datasets.reading.images import read_rgb
from bmbench.datasets.slides import opened
from bmbench.datasets.slides.whole_images import common_white


def smear(top, seed=0, size=(64, 80)):
    return np.random.default_rng(seed).integers(top // 2, top, size).astype(np.uint16)


def a_set(folder, **images):
    records, marks = [], []
    for number, (name, values) in enumerate(images.items()):
        Image.fromarray(values).save(folder / f"{name}.png")
        records.append({"id": number, "file_name": f"{name}.png", "width": 80, "height": 64})
        marks.append({"image_id": number, "category_id": 1, "bbox": [5, 5, 20, 20]})
    value = {"images": records, "categories": [{"id": 1, "name": "x"}], "annotations": marks}
    (folder / "annotations.json").write_text(json.dumps(value))
    return folder


@pytest.mark.parametrize(
    ("top", "white"), [(236, 255), (1000, 1023), (4000, 4095), (9000, 16383), (60000, 65535)]
)
def test_white_is_the_depth_that_holds_the_values(top, white):
    assert white_of([smear(top)]) == white


def test_hot_pixels_and_a_lost_column_change_nothing(tmp_path):
    hot = smear(4000)
    hot[3, 4] = 65535
    hot[:, 7][:40] = 65535
    assert white_of([hot]) == white_of([smear(4000)]) == 4095
    content = read_any(a_set(tmp_path, plain=smear(4000), hot=hot))
    plain, other = (sample.load() for sample in content.samples)
    differ = (plain != other).any(axis=2)
    assert differ.sum() <= 41
    assert any("16-bit images: 4,095 is white, 12 bits" in note for note in content.notes)


def test_all_images_of_a_set_have_one_scale(tmp_path):
    content = read_any(a_set(tmp_path, dark=smear(4000), light=smear(60000)))
    dark, light = (sample.load().mean() for sample in content.samples)
    assert dark == pytest.approx(smear(4000).mean() / 256, abs=1)
    assert light == pytest.approx(smear(60000).mean() / 256, abs=1)
    assert {sample.white for sample in content.samples} == {65535}


def test_white_is_what_is_said(tmp_path):
    folder = a_set(tmp_path, a=smear(3000))
    (sample,) = read_any(folder, choices={"white": "3000"}).samples
    assert sample.load().max() == 255
    np.testing.assert_array_equal(
        to_8_bits(np.array([0, 1500, 3000, 9000], np.uint16), 3000), [0, 128, 255, 255]
    )
    for text in ("0", "70000", "white", "-3"):
        with pytest.raises(BadInputError, match="a whole number from 1 to 65535"):
            read_any(folder, choices={"white": text})


@pytest.mark.parametrize("values", [smear(4000), np.stack([smear(4000, n) for n in range(3)], axis=2)])
@pytest.mark.parametrize("how", [{}, {"rowsperstrip": 8}, {"tile": (32, 32)}, {"compression": "zlib"}])
def test_prediction_reads_what_training_reads(tmp_path, values, how):
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb" if values.ndim == 3 else None, **how)
    white = common_white([(tmp_path / "a.tif", None)])
    with opened(tmp_path / "a.tif", white=white) as slide:
        np.testing.assert_array_equal(slide.read(0, 0, 0, 80, 64), read_rgb(tmp_path / "a.tif", white=white))
    assert white == 4095
    assert read_rgb(tmp_path / "a.tif", white=white).mean() == pytest.approx(values.mean() / 16, abs=1)


@pytest.mark.parametrize("mode", ["P", "CMYK", "1", "LA", "L", "RGB"])
@pytest.mark.parametrize("compression", [None, "packbits", "tiff_lzw"])
def test_prediction_reads_other_kinds_of_tiff_as_training_does(tmp_path, mode, compression):
    colours = np.random.default_rng(1).integers(0, 255, (64, 80, 3)).astype(np.uint8)
    Image.fromarray(colours).convert(mode).save(tmp_path / "a.tif", compression=compression)
    with opened(tmp_path / "a.tif") as slide:
        np.testing.assert_array_equal(slide.read(0, 0, 0, 80, 64), read_rgb(tmp_path / "a.tif"))


def test_colours_of_which_only_high_bytes_can_be_read_are_refused_where_these_do_not_do(tmp_path):
    import struct
    import zlib

    def png(values):
        rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
        chunks = (
            (b"IHDR", struct.pack(">IIBBBBB", 80, 64, 16, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(rows)),
            (b"IEND", b""),
        )
        data = b"\x89PNG\r\n\x1a\n"
        for kind, body in chunks:
            data += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        return data

    dark, light = (np.stack([smear(top, n) for n in range(3)], axis=2) for top in (4000, 65000))
    (tmp_path / "light.png").write_bytes(png(light))
    assert common_white([(tmp_path / "light.png", None)]) == 65535
    np.testing.assert_array_equal(read_rgb(tmp_path / "light.png", white=65535), light >> 8)
    (tmp_path / "dark.png").write_bytes(png(dark))
    with pytest.raises(BadInputError, match="save it as a 16-bit TIFF or an 8-bit PNG"):
        common_white([(tmp_path / "dark.png", None)])
