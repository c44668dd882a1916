"""OME-Zarr images, which the package zarr writes here in both of its formats."""

import gzip
import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from bmbench.core.errors import BadInputError, MissingExtraError
from bmbench.core.progress import Silent
from bmbench.datasets.exchange.convert import convert
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.slides import opened, read_region, slide_files
from bmbench.datasets.slides.slide import UnreadableImageError
from bmbench.datasets.slides.whole_images import common_white, header_of, read_whole, size_of

zarr = pytest.importorskip("zarr", reason="the extra zarr writes and reads these images")

Y, X = np.mgrid[:150, :260]
COLOURS = np.stack([X % 256, Y, 255 - Y], axis=0).astype(np.uint8)
PIXELS = COLOURS.transpose(1, 2, 0)
BLOSC = {"cname": "lz4", "clevel": 1, "shuffle": "shuffle", "typesize": 1, "blocksize": 0}
AXES = [
    {"name": "t", "type": "time"},
    {"name": "c", "type": "channel"},
    {"name": "z", "type": "space"},
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
]


def store(path, values=COLOURS, *, form=2, axes="cyx", factors=(1, 2), inner="", **how):
    """An image with its levels, in the layout of NGFF 0.4 or 0.5."""
    group = zarr.open_group(path / inner if inner else path, mode="w", zarr_format=form)
    steps = [slice(None)] * (values.ndim - 2)
    datasets = []
    for number, factor in enumerate(factors):
        level = values[(*steps, slice(None, None, factor), slice(None, None, factor))]
        chunks = (*(1,) * (values.ndim - 2), 64, 64)
        group.create_array(str(number), data=level, **{"chunks": chunks, **how})
        scale = [0.25 * factor if axis in "yx" else 1.0 for axis in axes]
        transform = {"type": "scale", "scale": scale}
        datasets.append({"path": str(number), "coordinateTransformations": [transform]})
    own = [axis for axis in AXES if axis["name"] in axes]
    facts = {"multiscales": [{"version": "0.4", "axes": own, "datasets": datasets}]}
    group.attrs.update(facts if form == 2 else {"ome": {"version": "0.5", **facts}})
    return path


@pytest.mark.parametrize("form", [2, 3])
def test_colours_levels_and_pixel_size(tmp_path, form):
    path = store(tmp_path / "a.ome.zarr", form=form)
    with opened(path) as slide:
        assert slide.levels == ((260, 150), (130, 75))
        assert slide.um_per_px == pytest.approx(0.25)
        assert_array_equal(read_region(slide, (50, 30, 200, 140), (150, 110)), PIXELS[30:140, 50:200])
        assert_array_equal(slide.read(1, 10, 5, 100, 60), PIXELS[::2, ::2][5:65, 10:110])
    assert size_of(path) == (260, 150)
    assert_array_equal(read_whole(path), PIXELS)


@pytest.mark.parametrize(
    ("axes", "values"),
    [
        ("yx", COLOURS[1]),
        ("tczyx", COLOURS[None, 1:2, None]),
        ("zyx", COLOURS[1:2]),
    ],
)
def test_one_channel_is_grey_whatever_axes_of_one_are_there(tmp_path, axes, values):
    pixels = read_whole(store(tmp_path / "a.zarr", values, axes=axes))
    assert_array_equal(pixels, np.repeat(COLOURS[1][:, :, None], 3, axis=2))


@pytest.mark.parametrize(
    ("axes", "values", "what"),
    [
        ("tyx", COLOURS, "a stack, not one image.*t of 3"),
        ("zyx", COLOURS, "a stack, not one image.*z of 3"),
        ("cyx", COLOURS[:2], "not a bright-field image.*2 channels"),
        ("cyx", COLOURS.astype(np.float32), "8- or 16-bit unsigned values"),
        ("cyx", COLOURS.astype(np.int8), "8- or 16-bit unsigned values"),
    ],
)
def test_other_images_are_refused_in_a_sentence(tmp_path, axes, values, what):
    with pytest.raises(BadInputError, match=what):
        read_whole(store(tmp_path / "a.zarr", values, axes=axes))


@pytest.mark.parametrize(
    ("form", "packed"),
    [
        (2, None),
        (2, {"id": "gzip", "level": 1}),
        (2, {"id": "zlib", "level": 1}),
        (2, {"id": "zstd", "level": 1}),
        (2, {"id": "lz4", "acceleration": 1}),
        (2, {"id": "blosc", "cname": "zstd", "clevel": 1, "shuffle": 1, "blocksize": 0}),
        (3, None),
        (3, {"name": "gzip", "configuration": {"level": 1}}),
        (3, {"name": "blosc", "configuration": BLOSC}),
    ],
)
def test_every_usual_packing(tmp_path, form, packed):
    if form == 2 and packed is not None:
        import numcodecs

        packed = numcodecs.get_codec(packed)
    path = store(tmp_path / "a.zarr", form=form, compressors=packed)
    assert_array_equal(read_whole(path), PIXELS)


def test_chunks_that_nobody_wrote_are_of_the_fill_value(tmp_path):
    path = store(tmp_path / "a.zarr", fill_value=255)
    (path / "0" / "0.0.0").unlink()
    assert_array_equal(read_whole(path)[:64, :64, 0], 255)


def test_what_bioformats2raw_writes_holds_its_image_in_a_folder(tmp_path):
    path = store(tmp_path / "a.zarr", inner="0")
    (path / ".zattrs").write_text('{"bioformats2raw.layout": 3}')
    assert size_of(path) == (260, 150)


def test_16_bits_are_scaled_by_one_white_for_all_images(tmp_path):
    deep = COLOURS.astype(np.uint16) * 16
    for name in "ab":
        store(tmp_path / f"{name}.ome.zarr", deep)
    assert header_of(tmp_path / "a.ome.zarr").deep
    assert common_white([(tmp_path / f"{name}.ome.zarr", None) for name in "ab"]) == 4095
    (tmp_path / "annotations.csv").write_text("image,x,y,radius\na.ome.zarr,50,40,9\nb.ome.zarr,60,40,9\n")
    content = read_any(tmp_path)
    assert any("4,095 is white" in note for note in content.notes)
    assert_array_equal(content.samples[0].load(), PIXELS)


@pytest.mark.parametrize("name", ["a", "a.ome", "a.ome.zarr"])
def test_annotations_beside_images_in_a_folder(tmp_path, name):
    store(tmp_path / "a.ome.zarr")
    ring = [[10, 10], [30, 10], [30, 30], [10, 30], [10, 10]]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"objectType": "detection"},
    }
    (tmp_path / f"{name}.geojson").write_text(json.dumps([feature]))
    assert slide_files([tmp_path]) == [tmp_path / "a.ome.zarr"]
    content = read_any(tmp_path)
    assert [sample.name for sample in content.samples] == ["a.ome.zarr"]
    convert(content, tmp_path / "out", to="coco", progress=Silent())
    (again,) = read_any(tmp_path / "out").samples
    assert_array_equal(again.load(), PIXELS)


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("place", ["0/0.0.0", "0/.zarray", ".zattrs", "0"])
def test_links_out_of_a_store_are_not_followed(tmp_path, place):
    path = store(tmp_path / "in" / "a.zarr")
    outside = tmp_path / "outside"
    (path / place).rename(outside)
    (path / place).symlink_to(outside)
    with pytest.raises(BadInputError, match="leads out of the folder"):
        read_whole(path)


def test_names_that_lead_out_of_a_store_are_refused(tmp_path):
    path = store(tmp_path / "in" / "a.zarr")
    (path / "0").rename(tmp_path / "outside")
    facts = json.loads((path / ".zattrs").read_text())
    facts["multiscales"][0]["datasets"][0]["path"] = "../../outside"
    (path / ".zattrs").write_text(json.dumps(facts))
    with pytest.raises(BadInputError, match="leads out of the folder"):
        read_whole(path)


@pytest.mark.parametrize("encoding", ["default", "v2"])
@pytest.mark.parametrize("separator", [{}, "../", ""])
def test_what_stands_between_the_numbers_of_a_chunk_is_a_point_or_a_slash(tmp_path, encoding, separator):
    path = store(tmp_path / "a.zarr", form=3)
    described = json.loads((path / "0" / "zarr.json").read_text())
    described["chunk_key_encoding"] = {"name": encoding, "configuration": {"separator": separator}}
    (path / "0" / "zarr.json").write_text(json.dumps(described))
    with pytest.raises(BadInputError, match="not a separator of chunks"):
        read_whole(path)


@pytest.mark.parametrize("packed", ["gzip", "blosc", "zstd"])
def test_a_chunk_that_unpacks_to_more_than_it_may_is_refused(tmp_path, packed):
    import numcodecs

    codec = numcodecs.get_codec({"id": packed})
    path = store(tmp_path / "a.zarr", compressors=codec, chunks=(3, 150, 260))
    zeros = bytes(16 << 20) if packed == "blosc" else bytes(64 << 20)
    bomb = gzip.compress(zeros) if packed == "gzip" else codec.encode(np.frombuffer(zeros, np.uint8))
    (path / "0" / "0.0.0").write_bytes(bytes(bomb))
    with pytest.raises(BadInputError, match="chunk that unpacks to more than it may"):
        read_whole(path)


@pytest.mark.parametrize("packed", ["blosc", "lz4"])
@pytest.mark.parametrize("kept", [0, 2, 10, -1])
def test_a_chunk_that_ends_before_its_head_says_so_is_not_unpacked(tmp_path, monkeypatch, packed, kept):
    import numcodecs

    path = store(tmp_path / "a.zarr", compressors=numcodecs.get_codec({"id": packed}))
    chunk = path / "0" / "0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:kept])
    # Blosc reads a head of 16 bytes from memory that may be anybody's, and as many bytes as it states.
    told = packed == "blosc" or 0 <= kept < 4
    if told:
        monkeypatch.setattr(numcodecs.Blosc, "decode", lambda *_, **__: pytest.fail("was unpacked"))
        monkeypatch.setattr(numcodecs.LZ4, "decode", lambda *_, **__: pytest.fail("was unpacked"))
    with pytest.raises(BadInputError, match="damaged chunk"):
        read_whole(path)


def test_what_is_not_read_is_said(tmp_path):
    path = store(tmp_path / "shards.zarr", form=3)
    # Described, not written: zarr 3.1.0 now and then fails to write its own shards.
    how = {"chunks": (1, 64, 64), "shards": (1, 128, 128), "overwrite": True}
    zarr.open_group(path, mode="a").create_array("0", shape=COLOURS.shape, dtype=COLOURS.dtype, **how)
    with pytest.raises(BadInputError, match="stored in shards, which are not read; write the store without"):
        read_whole(path)
    path = store(tmp_path / "filters.zarr")
    described = json.loads((path / "0" / ".zarray").read_text())
    (path / "0" / ".zarray").write_text(json.dumps(described | {"filters": [{"id": "delta"}]}))
    with pytest.raises(BadInputError, match="stored with filters, which are not read"):
        read_whole(path)
    (path / "0" / ".zarray").write_text(json.dumps(described | {"chunks": [3, 1 << 20, 1 << 20]}))
    with pytest.raises(BadInputError, match="chunks too large"):
        read_whole(path)
    (path / ".zattrs").write_text('{"plate": {}}')
    with pytest.raises(UnreadableImageError, match="a plate of many images"), opened(path):
        pass


def test_without_zarr_one_sentence_says_what_to_install(tmp_path, monkeypatch):
    path = store(tmp_path / "a.zarr")
    monkeypatch.setitem(__import__("sys").modules, "zarr", None)
    with pytest.raises(MissingExtraError, match=r"zarr.*bmbench\[zarr\]"):
        read_whole(path)
