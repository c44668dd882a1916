"""Slide readers against OpenSlide, tifffile and Pillow; parts against the whole."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.progress import Silent
from bmbench.core.types import Pixels
from bmbench.datasets.slides import Slide, opened, read_region, slide_files
from bmbench.datasets.slides.slide import plausible_um
from bmbench.datasets.slides.tissue import stained, thumbnail
from bmbench.datasets.synthetic.mosaic import Mosaic, mosaic, write_slide

from .dicom_slide import write_dicom_slide

RNG = np.random.default_rng(4)
NOISE: Pixels = RNG.integers(0, 256, (531, 677, 3), np.uint8)
# Smooth in both directions, so that lossy tiles and resampling stay near it.
Y, X = np.mgrid[:531, :677]
SMOOTH: Pixels = np.stack([X / 3, Y / 3, 255 - (X + Y) / 6], axis=2).astype(np.uint8)


@pytest.fixture(scope="module")
def marrow() -> Mosaic:
    return mosaic(patches=3, patch_px=600, n_cells=90, seed=3, smears=2)


@pytest.fixture(scope="module")
def pyramid(marrow: Mosaic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slide") / "marrow.tif"
    write_slide(path, marrow, progress=Silent())
    return path


def whole(path: Path) -> Pixels:
    with opened(path) as slide:
        return slide.read(0, 0, 0, slide.width, slide.height)


@pytest.mark.parametrize("options", [
    {"tile": (64, 80)},
    {"tile": (64, 80), "compression": "zlib"},
    {"tile": (64, 80), "compression": "zlib", "predictor": True},
    {"rowsperstrip": 50},
    {"tile": (64, 80), "planarconfig": "separate"},
    {"tile": (64, 80), "bigtiff": True},
])  # fmt: skip
def test_tiff_pixels_are_those_that_were_written(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    data = np.moveaxis(NOISE, 2, 0) if options.get("planarconfig") == "separate" else NOISE
    big = options.pop("bigtiff", False)
    with tifffile.TiffWriter(path, bigtiff=big) as file:
        file.write(data, photometric="rgb", metadata=None, **options)
    with opened(path) as slide:
        assert slide.reader == "tiff"
        assert (slide.width, slide.height) == (677, 531)
        np.testing.assert_array_equal(slide.read(0, 37, 121, 300, 250), NOISE[121:371, 37:337])
    np.testing.assert_array_equal(whole(path), NOISE)


def test_a_grey_slide_becomes_three_equal_channels(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", NOISE[..., 0], tile=(64, 64), metadata=None)
    np.testing.assert_array_equal(whole(tmp_path / "a.tif"), np.repeat(NOISE[..., :1], 3, axis=2))


@pytest.mark.parametrize("order", ["interleaved", "planes"])
def test_an_ome_tiff_with_its_pyramid_in_sub_images(tmp_path: Path, order: str) -> None:
    path = tmp_path / "a.ome.tif"
    levels = [NOISE, NOISE[::2, ::2], NOISE[::4, ::4]]
    axes, size = ("YXS", 0.31) if order == "interleaved" else ("CYX", 310.0)
    unit = "µm" if order == "interleaved" else "nm"
    with tifffile.TiffWriter(path, ome=True) as file:
        for number, level in enumerate(levels):
            data = level if order == "interleaved" else np.moveaxis(level, 2, 0)
            about = {"axes": axes, "PhysicalSizeX": size, "PhysicalSizeY": size}
            about |= {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}
            file.write(
                data,
                tile=(64, 64),
                photometric="rgb" if order == "interleaved" else "minisblack",
                **({"subifds": 2, "metadata": about} if number == 0 else {"subfiletype": 1}),
            )
    with opened(path) as slide:
        assert slide.levels == ((677, 531), (339, 266), (170, 133))
        assert slide.um_per_px == pytest.approx(0.31)
        np.testing.assert_array_equal(slide.read(1, 10, 20, 200, 200), levels[1][20:220, 10:210])
        np.testing.assert_array_equal(slide.read(0, 10, 20, 200, 200), NOISE[20:220, 10:210])


def test_jpeg_tiles_are_read_as_openslide_reads_them(pyramid: Path) -> None:
    openslide = pytest.importorskip("openslide", reason="OpenSlide is not installed")
    judge = openslide.OpenSlide(pyramid)
    with opened(pyramid) as slide:
        assert slide.levels == judge.level_dimensions
        assert slide.um_per_px == pytest.approx(float(judge.properties["openslide.mpp-x"]))
        for level, (x, y, w, h) in ((0, (301, 700, 555, 600)), (1, (20, 31, 400, 380))):
            factor = round(judge.level_downsamples[level])
            expected = judge.read_region((x * factor, y * factor), level, (w, h)).convert("RGB")
            np.testing.assert_array_equal(slide.read(level, x, y, w, h), np.asarray(expected))


def test_jpeg_tiles_show_what_was_drawn(marrow: Mosaic, pyramid: Path) -> None:
    drawn = marrow.read(250, 130, 900, 800).astype(float)
    with opened(pyramid) as slide:
        assert np.abs(slide.read(0, 250, 130, 900, 800) - drawn).mean() < 4


def jpeg_tiff(path: Path, tile: bytes, tables: bytes = b"", photometric: int = 6) -> None:
    """A TIFF of one JPEG tile of 256 × 256 px; tifffile takes it for Deflate, and the tag is corrected."""
    with tifffile.TiffWriter(path) as file:
        file.write(
            iter([tile]),
            shape=(256, 256, 3),
            dtype=np.uint8,
            tile=(256, 256),
            photometric="rgb",
            compression="zlib",
            metadata=None,
            extratags=[(347, 7, len(tables), tables, True)] if tables else [],
        )
    with tifffile.TiffFile(path, mode="r+") as file:
        tags = file.pages[0].aspage().tags
        tags["Compression"].overwrite(7)
        tags["PhotometricInterpretation"].overwrite(photometric)


def as_jpeg(**options: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(SMOOTH[:256, :256]).save(file, format="JPEG", quality=95, **options)
    return file.getvalue()


def test_jpeg_tiles_that_hold_rgb_keep_their_colours(tmp_path: Path) -> None:
    """Such a page says RGB; its tiles have no marker that says so, and components called 1, 2, 3."""
    data = as_jpeg(keep_rgb=True)
    marker = data.find(b"\xff\xee")
    data = data[:marker] + data[marker + 16 :]
    data = data.replace(b"\x03R\x11\x00G\x11\x00B\x11\x00", b"\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00")
    data = data.replace(b"\x03R\x00G\x00B\x00", b"\x03\x01\x00\x02\x00\x03\x00")
    assert b"Adobe" not in data
    assert b"R\x11" not in data
    jpeg_tiff(tmp_path / "a.tif", data, photometric=2)
    assert np.abs(whole(tmp_path / "a.tif").astype(int) - SMOOTH[:256, :256]).mean() < 2


def test_jpeg_tiles_may_have_their_tables_in_a_tag(tmp_path: Path) -> None:
    tables, tile = as_jpeg(streamtype=1), as_jpeg(streamtype=2)
    with pytest.raises(OSError), Image.open(BytesIO(tile)) as image:  # noqa: PT011
        image.load()
    jpeg_tiff(tmp_path / "a.tif", tile, tables)
    assert np.abs(whole(tmp_path / "a.tif").astype(int) - SMOOTH[:256, :256]).mean() < 2


def test_openslide_reads_what_tifffile_leaves(pyramid: Path, tmp_path: Path) -> None:
    """LZW tiles need a package of their own in tifffile; OpenSlide knows them."""
    pytest.importorskip("openslide", reason="OpenSlide is not installed")
    path = tmp_path / "lzw.tif"
    Image.fromarray(SMOOTH).save(path, compression="tiff_lzw", tile=None)
    # In strips it is no slide of OpenSlide's: it is read whole, as a training image is.
    np.testing.assert_array_equal(whole(path), SMOOTH)
    from bmbench.datasets.slides.vendor import open_vendor

    slide = open_vendor(pyramid)
    assert slide.reader == "openslide"
    with opened(pyramid) as ours:
        np.testing.assert_array_equal(slide.read(1, 5, 7, 300, 200), ours.read(1, 5, 7, 300, 200))
    slide.close()


def test_a_dicom_slide_is_read_as_openslide_reads_it(tmp_path: Path) -> None:
    pytest.importorskip("wsidicom", reason="wsidicom is not installed")
    openslide = pytest.importorskip("openslide", reason="OpenSlide is not installed")
    write_dicom_slide(tmp_path / "dicom", [SMOOTH, SMOOTH[::2, ::2]], um_per_px=0.25)
    judge = openslide.OpenSlide(tmp_path / "dicom" / "0.dcm")
    for path in (tmp_path / "dicom", tmp_path / "dicom" / "1.dcm"):
        with opened(path) as slide:
            assert slide.levels == judge.level_dimensions == ((677, 531), (339, 266))
            assert slide.um_per_px == pytest.approx(0.25)
            part = slide.read(0, 101, 53, 300, 205)
            expected = judge.read_region((101, 53), 0, (300, 205)).convert("RGB")
            np.testing.assert_array_equal(part, np.asarray(expected))
            assert np.abs(part.astype(int) - SMOOTH[53:258, 101:401]).max() < 8
            coarse = slide.read(1, 20, 30, 150, 140).astype(int)
            assert np.abs(coarse - SMOOTH[::2, ::2][30:170, 20:170]).max() < 8


def test_a_folder_without_a_dicom_slide_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("wsidicom", reason="wsidicom is not installed")
    (tmp_path / "a.dcm").write_bytes(b"no DICOM")
    with pytest.raises(BadInputError, match="not a DICOM file"):
        whole(tmp_path / "a.dcm")
    with pytest.raises(BadInputError, match="not a DICOM slide"):
        whole(tmp_path)


def test_the_dicom_file_that_is_named_is_the_slide_that_is_read(tmp_path: Path) -> None:
    """In one folder: two slides of two files each, and a file of another kind."""
    pytest.importorskip("wsidicom", reason="wsidicom is not installed")
    from pydicom import dcmread

    both = {"dark": SMOOTH // 2, "light": 255 - SMOOTH // 4}
    for name, pixels in both.items():
        write_dicom_slide(tmp_path / name, [pixels, pixels[::2, ::2]], um_per_px=0.25, patient=name)
        for file in sorted((tmp_path / name).iterdir()):
            file.rename(tmp_path / f"{name}-{file.name}")
        (tmp_path / name).rmdir()
    other = dcmread(tmp_path / "dark-0.dcm")
    other.Modality = "CT"
    other.save_as(tmp_path / "a-ct.dcm")
    for name, pixels in both.items():
        for number in (0, 1):
            with opened(tmp_path / f"{name}-{number}.dcm") as slide:
                assert len(slide.levels) == 2
                read = slide.read(0, 0, 0, *slide.finest)
            assert abs(read.mean() - pixels.mean()) < 1
    with pytest.raises(BadInputError, match=r"not a DICOM slide .*got modality CT"):
        whole(tmp_path / "a-ct.dcm")
    with pytest.raises(BadInputError, match=r"folder with 2 DICOM slides .*name a file of one of them"):
        whole(tmp_path)
    # A folder of several stands for each of them.
    assert [path.name for path in slide_files([tmp_path])] == ["dark-0.dcm", "light-0.dcm"]


@pytest.mark.parametrize(("name", "module"), [("a.svs", "openslide"), ("a.dcm", "wsidicom")])
def test_a_missing_reader_is_one_line_with_the_command(
    name: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(b"x")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'bmbench\[wsi\]'"), opened(tmp_path / name):
        pass


@pytest.mark.parametrize("cut", [10, 200, 3000, 30_000])
def test_a_damaged_slide_is_one_sentence(pyramid: Path, tmp_path: Path, cut: int) -> None:
    data = pyramid.read_bytes()
    (tmp_path / "a.tif").write_bytes(data[:cut] + b"\0" * 500)
    with pytest.raises(BadInputError):
        whole(tmp_path / "a.tif")


def test_a_damaged_tile_is_named(pyramid: Path, tmp_path: Path) -> None:
    data = bytearray(pyramid.read_bytes())
    with tifffile.TiffFile(pyramid) as file:
        offset = file.pages[0].aspage().dataoffsets[5]
    data[offset : offset + 400] = b"\0" * 400
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(BadInputError, match="tile 5"):
        whole(tmp_path / "a.tif")


def _mutated(data: bytes, rng: np.random.Generator, head: int) -> bytes:
    """The bytes with one to four changes, most of them among the first or the last `head` bytes."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 5))):
        place = int(rng.integers(min(head, len(changed)) if rng.random() < 0.8 else len(changed)))
        place = place if rng.random() < 0.5 else len(changed) - 1 - place
        kind = rng.integers(10)
        if kind < 4:
            changed[place] = int(rng.integers(256))
        elif kind < 7:
            changed[place : place + 4] = rng.choice([b"\0\0\0\0", b"\xff\xff\xff\x7f", b"\x01\0\0\0"])
        elif kind < 9:
            del changed[place : place + int(rng.integers(1, 100))]
        else:
            del changed[max(place, 1) :]
    return bytes(changed)


def _look(path: Path) -> bool:
    """Whether corners of a slide and all of it can be read; an error that is not ours comes out."""
    try:
        with opened(path) as slide:
            width, height = min(300, slide.width), min(300, slide.height)
            read_region(slide, (0, 0, width, height), (width, height))
            read_region(slide, (0, 0, slide.width, slide.height), (50, 50))
    except BadInputError:
        return False
    return True


@pytest.mark.parametrize("compression", [None, "zlib", "lzma"])
@pytest.mark.filterwarnings("ignore")
def test_tiffs_with_other_bytes_anywhere_are_read_or_a_typed_error(
    tmp_path: Path, compression: str | None
) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for level in (NOISE[:256, :256], NOISE[:256:2, :256:2]):
            file.write(level, tile=(64, 64), photometric="rgb", compression=compression)
    data, rng = (tmp_path / "a.tif").read_bytes(), np.random.default_rng(0)
    readable = 0
    for _ in range(150):
        (tmp_path / "b.tif").write_bytes(_mutated(data, rng, 1200))
        readable += _look(tmp_path / "b.tif")
    assert 0 < readable < 150


OPEN = """
import pathlib, sys
from bmbench.core.errors import BadInputError
from bmbench.datasets.slides import opened
try:
    with opened(pathlib.Path(sys.argv[1])) as slide:
        slide.read(0, 0, 0, slide.width, slide.height)
except BadInputError as error:
    print(error)
"""


def test_a_damaged_tiff_is_one_sentence_and_no_log(pyramid: Path, tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(pyramid.read_bytes()[:30_000])
    command = [sys.executable, "-c", OPEN, str(tmp_path / "a.tif")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.filterwarnings("ignore")
def test_dicom_files_with_other_bytes_are_read_or_a_typed_error(tmp_path: Path) -> None:
    write_dicom_slide(tmp_path / "slide", [NOISE[:256, :256]], 0.25)
    (file,) = (tmp_path / "slide").iterdir()
    data, rng = file.read_bytes(), np.random.default_rng(0)
    readable = 0
    for _ in range(150):
        file.write_bytes(_mutated(data, rng, 2000))
        readable += _look(tmp_path / "slide")
    assert 0 < readable < 150


@pytest.mark.parametrize("compression", ["zlib", "lzma"])
def test_a_tile_that_explodes_is_refused(
    tmp_path: Path, compression: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = np.zeros((2048, 2048, 3), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", zeros, tile=(2048, 2048), photometric="rgb", compression=compression)
    monkeypatch.setattr("bmbench.datasets.slides.tiff._HARMLESS", 100)
    assert not whole(tmp_path / "a.tif").any()
    monkeypatch.setattr("bmbench.datasets.slides.tiff._LARGEST_BYTES", 3 * 2048 * 2048 - 1)
    with opened(tmp_path / "a.tif") as slide, pytest.raises(BadInputError, match="unpacks to more than"):
        slide.read(0, 0, 0, 10, 10)


def test_sixteen_bits_of_a_slide_that_is_too_large_to_be_read_whole_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", NOISE.astype(np.uint16), tile=(64, 64), photometric="rgb")
    np.testing.assert_array_equal(whole(tmp_path / "a.tif"), NOISE * 0)
    monkeypatch.setattr("bmbench.datasets.slides.tiff.LIMIT_PX", 100)
    with pytest.raises(BadInputError, match="8-bit"):
        whole(tmp_path / "a.tif")


@pytest.mark.parametrize(("tags", "um"), [
    ({"resolution": (40_000, 40_000), "resolutionunit": "CENTIMETER"}, 0.25),
    ({"resolution": (101_600, 101_600), "resolutionunit": "INCH"}, 0.25),
    ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
    ({"resolution": (40_000, 20_000), "resolutionunit": "CENTIMETER"}, None),
    ({"resolution": (40_000, 40_000), "resolutionunit": "NONE"}, None),
    ({"description": "Aperio Image|AppMag = 20|MPP = 0.4990"}, 0.499),
    ({"description": "Aperio Image|AppMag = 20|MPP = 0.4.9"}, None),
    ({}, None),
])  # fmt: skip
def test_the_pixel_size_of_a_tiff(tmp_path: Path, tags: dict[str, Any], um: float | None) -> None:
    tifffile.imwrite(tmp_path / "a.tif", NOISE, tile=(64, 64), photometric="rgb", metadata=None, **tags)
    with opened(tmp_path / "a.tif") as slide:
        assert slide.um_per_px == (None if um is None else pytest.approx(um))


@pytest.mark.parametrize("text", ["some", "0,25", "    "])
def test_a_pixel_size_that_is_no_number_is_unknown(tmp_path: Path, text: str) -> None:
    about = {"PhysicalSizeX": "0.25", "PhysicalSizeY": "0.25"}
    tifffile.imwrite(tmp_path / "a.ome.tif", NOISE, tile=(64, 64), photometric="rgb", metadata=about)
    path = tmp_path / "b.ome.tif"
    whole_file = (tmp_path / "a.ome.tif").read_bytes()
    assert whole_file.count(b'="0.25"') == 2
    path.write_bytes(whole_file.replace(b'="0.25"', f'="{text}"'.encode()))
    with opened(path) as slide:
        assert slide.um_per_px is None


def test_pixel_sizes_that_no_microscope_has() -> None:
    assert plausible_um(0.25, 0.251) == pytest.approx(0.2505)
    for x, y in ((0.25, 0.3), (352.8, 352.8), (0.0, 0.0), (float("nan"), 0.2), (None, 0.2)):
        assert plausible_um(x, y) is None


def _memory(levels: list[Pixels]) -> Slide:
    sizes = tuple((level.shape[1], level.shape[0]) for level in levels)
    return Slide(
        path=Path("a"),
        width=sizes[0][0],
        height=sizes[0][1],
        um_per_px=None,
        levels=sizes,
        read=lambda level, x, y, w, h: levels[level][y : y + h, x : x + w],
        close=lambda: None,
        reader="image",
    )


@settings(max_examples=40)
@given(data=st.data(), size=st.tuples(st.integers(50, 900), st.integers(50, 700)))
def test_parts_of_any_scale_fit_together_to_the_whole(data: st.DataObject, size: tuple[int, int]) -> None:
    """Whatever part is read, its pixels are those of the whole slide resized at once."""
    slide = _memory([NOISE])
    expected = read_region(slide, (0, 0, 677, 531), size)
    x0 = data.draw(st.integers(0, size[0] - 2))
    y0 = data.draw(st.integers(0, size[1] - 2))
    x1, y1 = data.draw(st.integers(x0 + 1, size[0])), data.draw(st.integers(y0 + 1, size[1]))
    across, down = 677 / size[0], 531 / size[1]
    part = read_region(slide, (x0 * across, y0 * down, x1 * across, y1 * down), (x1 - x0, y1 - y0))
    # One grey level: the weights of a filter are rounded where its place is.
    assert np.abs(part.astype(int) - expected[y0:y1, x0:x1]).max() <= 1


def test_a_region_is_where_pillow_says_it_is() -> None:
    slide = _memory([SMOOTH])
    got = read_region(slide, (100.5, 40.25, 400.5, 340.25), (150, 150)).astype(int)
    judge = Image.fromarray(SMOOTH).resize(
        (150, 150), Image.Resampling.BOX, box=(100.5, 40.25, 400.5, 340.25)
    )
    assert np.abs(got - np.asarray(judge)).max() <= 1


def test_the_coarsest_level_that_is_fine_enough_is_read() -> None:
    asked: list[int] = []
    levels = [NOISE, NOISE[::2, ::2], NOISE[::4, ::4]]
    slide = _memory(levels)
    read = slide.read

    def spy(level: int, *part: int) -> Pixels:
        asked.append(level)
        return read(level, *part)

    object.__setattr__(slide, "read", spy)
    for factor in (1.0, 1.9, 2.0, 3.9, 4.0, 9.0, 0.5):
        read_region(slide, (0, 0, 360, 360), (round(360 / factor), round(360 / factor)))
    assert asked == [0, 0, 1, 1, 2, 2, 0]


def test_files_of_a_folder_stand_for_images(tmp_path: Path) -> None:
    for name in ("b.png", "a.TIF", "notes.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(b"x")
    dicom = tmp_path / "dicom"
    dicom.mkdir()
    (dicom / "1.dcm").write_bytes(b"x")
    assert slide_files([tmp_path]) == [tmp_path / "a.TIF", tmp_path / "b.png"]
    assert slide_files([dicom]) == [dicom]
    (dicom / "label.png").write_bytes(b"x")
    with pytest.raises(
        BadInputError, match=r"dicom: DICOM files and other images .* got 1 and 1\); put the DICOM"
    ):
        slide_files([dicom])
    (tmp_path / "empty").mkdir()
    for paths in ([tmp_path / "empty"], [tmp_path / "none.png"], [tmp_path, tmp_path / "b.png"]):
        with pytest.raises(BadInputError):
            slide_files(paths)


def test_stained_places_are_found_and_glass_and_padding_are_not() -> None:
    glass = np.array([236, 232, 238])
    image = np.clip(glass + RNG.normal(0, 2, (200, 300, 3)), 0, 255).astype(np.uint8)
    assert not stained(image).any()
    image[50, 60] = (190, 150, 200)
    image[120:, 250:] = 0
    assert np.argwhere(stained(image)).tolist() == [[50, 60]]
    assert not stained(np.zeros((5, 5, 3), np.uint8)).any()


def test_a_thumbnail_in_pieces_shows_the_slide(
    marrow: Mosaic, pyramid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(pyramid) as slide:
        at_once = thumbnail(slide).astype(int)
        monkeypatch.setattr("bmbench.datasets.slides.slide._AT_ONCE_PX", 1000)
        pieces = thumbnail(slide).astype(int)
    assert at_once.shape[0] == round(1800 * slide.um_per_px / 6)  # type: ignore[operator]
    assert np.abs(at_once - pieces).max() <= 1
    drawn = Image.fromarray(marrow.read(0, 0, *marrow.size)).resize(
        at_once.shape[1::-1], Image.Resampling.BOX
    )
    like, unlike = (
        np.corrcoef(at_once.ravel(), np.asarray(d).ravel())[0, 1] for d in (drawn, drawn.rotate(180))
    )
    assert like > 0.9
    assert unlike < 0.5
