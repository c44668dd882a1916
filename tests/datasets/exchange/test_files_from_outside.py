"""What a stranger's data set may make bmbench open: files inside the folder that was named, no others."""

import json
import os
import shutil
import signal
import socket
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from bmbench.datasets import open_dataset
from bmbench.datasets.exchange.convert import convert, open_contents
from bmbench.datasets.formats import FORMATS

TOKEN = "hunter2-of-the-machine"
COPYING = [name for name in FORMATS.names() if FORMATS.get(name).write is not None]
BOX = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 2, 5, 5]}


@pytest.fixture
def secret(tmp_path):
    """A picture outside the data set that any format could copy, with something in it to look for."""
    file = tmp_path / "home" / "secret.png"
    file.parent.mkdir()
    facts = PngImagePlugin.PngInfo()
    facts.add_text("note", TOKEN)
    picture(file, pnginfo=facts)
    return file


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set" / "images").mkdir(parents=True)
    return tmp_path / "set"


def picture(path, **facts):
    Image.fromarray(np.full((16, 16, 3), 200, np.uint8)).save(path, format="PNG", **facts)


def coco(folder, name):
    value = {
        "images": [{"id": 1, "file_name": name, "width": 16, "height": 16}],
        "annotations": [BOX],
        "categories": [{"id": 1, "name": "cell"}],
    }
    (folder / "annotations.json").write_text(json.dumps(value))


def cvat(folder, name):
    box = '<box label="cell" xtl="2" ytl="2" xbr="7" ybr="7" occluded="0"/>'
    image = f'<image id="0" name="{name}" width="16" height="16">{box}</image>'
    (folder / "annotations.xml").write_text(f"<annotations><version>1.1</version>{image}</annotations>")


def csv(folder, name):
    (folder / "annotations.csv").write_text(f"image,x,y,radius\n{name},5,5,3\n")


def labelme(folder, name):
    shape = {"label": "cell", "points": [[2, 2], [7, 7]], "shape_type": "rectangle", "flags": {}}
    value = {"shapes": [shape], "imagePath": name, "imageHeight": 16, "imageWidth": 16}
    (folder / "annotations").mkdir()
    (folder / "annotations" / "a.json").write_text(json.dumps(value))


def voc(folder, name):
    box = "<xmin>2</xmin><ymin>2</ymin><xmax>7</xmax><ymax>7</ymax>"
    inner = f"<size><width>16</width><height>16</height></size><object><name>cell</name><bndbox>{box}"
    text = f"<annotation><filename>{name}</filename>{inner}</bndbox></object></annotation>"
    (folder / "annotations").mkdir()
    (folder / "annotations" / "a.xml").write_text(text)


def yolo(folder, _name):
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("0 0.3 0.3 0.3 0.3\n")
    (folder / "data.yaml").write_text("names: [cell]\n")


def qupath(folder, name):
    ring = [[2, 2], [7, 2], [7, 7], [2, 7], [2, 2]]
    cell = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {}}
    (folder / "annotations").mkdir()
    value = {"type": "FeatureCollection", "features": [cell], "image": name}
    (folder / "annotations" / "a.geojson").write_text(json.dumps(value))


def labels(folder, _name):
    (folder / "labels").mkdir()
    values = np.zeros((16, 16), np.uint16)
    values[2:7, 2:7] = 1
    Image.fromarray(values).save(folder / "labels" / "a.png")


NAMING = (coco, cvat, csv, labelme, voc)
"""The formats whose files name images."""
READING = (*NAMING, yolo, qupath, labels)


def stolen(place):
    """The files below a folder that hold the secret."""
    files = (path for path in place.rglob("*") if path.is_file())
    return [path for path in files if TOKEN.encode() in path.read_bytes()]


class Late(BaseException):
    """No TimeoutError: that is an OSError, which readers turn into a sentence."""


@contextmanager
def soon(seconds=5.0):
    """An error for what takes longer, as everything does that waits for a pipe."""

    def late(*_):
        raise Late("still waiting")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def refused(answer):
    """One sentence and the exit code of a bad input."""
    assert answer.code == 2, answer.err
    assert answer.err.startswith("error: ")
    assert "Traceback" not in answer.err
    return answer.err


@pytest.mark.parametrize("to", COPYING)
@pytest.mark.parametrize("attack", ["absolute", "dots", "more dots", "inner dots"])
@pytest.mark.parametrize("write", NAMING, ids=lambda write: write.__name__)
def test_a_name_never_leads_out_of_the_folder(folder, secret, write, attack, to):
    out = folder.parent / "out"
    names = {
        "absolute": str(secret),
        "dots": "../home/secret.png",
        "more dots": "../../home/secret.png",
        "inner dots": "images/../../home/secret.png",
    }
    write(folder, names[attack])
    try:
        convert(open_contents(str(folder)), out, to=to, progress=Silent())
    except BadInputError as error:
        assert any(words in str(error) for words in ("leads out of", "not found"))  # noqa: PT017
    assert stolen(out) == []


@pytest.mark.parametrize("name", ["/proc/self/environ", "HOME/environ", "../home/environ"])
@pytest.mark.parametrize("to", COPYING)
@pytest.mark.parametrize("write", [coco, cvat], ids=lambda write: write.__name__)
def test_a_file_that_is_no_image_is_not_copied_either(folder, secret, write, name, to):
    out = folder.parent / "out"
    secret.with_name("environ").write_text(TOKEN)
    # Names in a CVAT file start from the folder of images.
    start = "../" if write is cvat and name.startswith("..") else ""
    write(folder, start + name.replace("HOME", str(secret.parent)))
    with pytest.raises(BadInputError, match="leads out of the folder that was named"):
        convert(open_contents(str(folder)), out, to=to, progress=Silent())
    assert not (out).exists()


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("to", COPYING)
@pytest.mark.parametrize("write", READING, ids=lambda write: write.__name__)
def test_a_link_never_leads_out_of_the_folder(folder, secret, tmp_path, write, to):
    (folder / "images" / "a.png").symlink_to(secret)
    write(folder, "a.png")
    with pytest.raises(BadInputError, match="leads out of the folder that was named"):
        convert(open_contents(str(folder)), tmp_path / "out", to=to, progress=Silent())
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("write", READING, ids=lambda write: write.__name__)
def test_a_folder_of_images_that_is_a_link_must_lead_inside(folder, secret, tmp_path, write):
    (folder / "images").rmdir()
    (folder / "images").symlink_to(secret.parent)
    shutil.copy(secret, secret.with_name("a.png"))
    write(folder, "a.png")
    with pytest.raises(BadInputError, match="leads out of the folder that was named"):
        convert(open_contents(str(folder)), tmp_path / "out", to="coco", progress=Silent())


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("write", READING, ids=lambda write: write.__name__)
def test_a_link_that_stays_inside_is_followed(folder, tmp_path, write):
    (folder / "scans").mkdir()
    picture(folder / "scans" / "1.png")
    (folder / "images" / "a.png").symlink_to("../scans/1.png")
    write(folder, "a.png")
    convert(open_contents(str(folder)), tmp_path / "out", to="coco", progress=Silent())
    assert (tmp_path / "out" / "images" / "a.png").read_bytes() == (folder / "scans" / "1.png").read_bytes()


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("write", [labelme, voc, yolo, qupath, labels], ids=lambda write: write.__name__)
def test_annotation_files_that_are_links_lead_inside(folder, secret, write):
    picture(folder / "images" / "a.png")
    write(folder, "a.png")
    file = next(path for path in folder.glob("*/a.*") if path.parent.name != "images")
    shutil.move(file, secret.parent / file.name)
    file.symlink_to(secret.parent / file.name)
    with pytest.raises(BadInputError, match="leads out of the folder that was named"):
        open_contents(str(folder))


def test_a_folder_that_the_user_names_beside_may_hold_the_images(folder, secret):
    coco(folder, "secret.png")
    content = open_contents(str(folder), data=secret.parent)
    assert content.samples[0].load().shape == (16, 16, 3)
    coco(folder, "../home/secret.png")
    assert open_contents(str(folder), data=folder.parent).samples[0].load().shape == (16, 16, 3)
    with pytest.raises(BadInputError, match="with --data"):
        open_contents(str(folder)).samples[0].load()


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("command", [("run",), ("datasets", "info"), ("datasets", "split")])
def test_no_command_opens_what_lies_outside(bmbench, folder, secret, command):
    coco(folder, str(secret))
    options = ("--method", "blob_log", "--out", folder.parent / "runs") if command == ("run",) else ()
    name = ("--dataset", folder) if command == ("run",) else (folder,)
    out = (folder.parent / "s.json",) if command[-1] == "split" else ()
    assert "leads out of the folder" in refused(bmbench(*command, *name, *out, *options))


def pipe(path):
    os.mkfifo(path)


def zeros(path):
    path.symlink_to("/dev/zero")


def door(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


ENDLESS = (pipe, zeros, door)


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("make", ENDLESS)
@pytest.mark.parametrize(
    "command", ["info", "convert", "score", "answer", "predict", "run", "import", "fetch"]
)
def test_nothing_waits_for_a_file_that_has_no_end(bmbench, marrow, short_path, make, command):
    bad = short_path / ("a.png" if command == "predict" else "a.json")
    make(bad)
    calls = {
        "info": ("datasets", "info", bad),
        "convert": ("datasets", "convert", bad, short_path / "out", "--to", "voc"),
        "score": ("score", "--truth", bad, marrow / "annotations.json"),
        "answer": ("score", "--truth", marrow / "annotations.json", bad),
        "predict": ("predict", "--run", short_path / "no-run", bad),
        "run": ("run", "--dataset", bad, "--method", "blob_log", "--out", short_path / "runs"),
        "import": ("datasets", "import", bad, short_path / "out.json"),
        "fetch": ("datasets", "fetch", "segpc2021", "--from", bad),
    }
    with soon():
        error = refused(bmbench(*calls[command]))
    assert any(words in error for words in ("is a named pipe", "is a device", "cannot be read")), error


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("make", ENDLESS)
@pytest.mark.parametrize("write", READING, ids=lambda write: write.__name__)
def test_no_image_of_a_set_has_no_end(short_path, write, make):
    (short_path / "images").mkdir()
    make(short_path / "images" / "a.png")
    write(short_path, "a.png")
    with (
        soon(),
        pytest.raises(BadInputError, match=r"is a (named pipe|device|socket)|cannot be read|leads out"),
    ):
        convert(open_contents(str(short_path)), short_path / "out", to="coco", progress=Silent())
    with soon(), pytest.raises(BadInputError):
        open_dataset(str(short_path)).load(LoadRequest())


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("make", ENDLESS)
@pytest.mark.parametrize("file", ["annotations/a.xml", "labels/a.txt", "annotations.json", "data.yaml"])
def test_no_annotation_file_of_a_set_has_no_end(bmbench, short_path, file, make):
    for name in ("images", "labels", "annotations"):
        (short_path / name).mkdir()
    picture(short_path / "images" / "a.png")
    make(short_path / file)
    with soon():
        refused(bmbench("datasets", "info", short_path))


@pytest.mark.usefixtures("posix")
def test_no_slide_of_a_folder_has_no_end(short_path):
    from bmbench.datasets.slides import opened

    for name in ("a.png", "a.tif", "a.svs"):
        pipe(short_path / name)
        with soon(), pytest.raises(BadInputError, match="is a named pipe"), opened(short_path / name):
            pass


@pytest.mark.usefixtures("posix")
def test_a_tiff_cannot_name_other_files(short_path):
    """OME-XML may say that planes lie in other files; tifffile by itself opens them."""
    import tifffile

    from bmbench.datasets.reading.images import image_size, read_rgb

    pipe(short_path / "other.ome.tif")
    axes = 'DimensionOrder="XYZCT" Type="uint8" SizeX="16" SizeY="16" SizeZ="2" SizeC="1" SizeT="1"'
    planes = "".join(
        f'<TiffData IFD="0" FirstZ="{z}" PlaneCount="1"><UUID FileName="{name}">urn:uuid:{z}</UUID>'
        "</TiffData>"
        for z, name in enumerate(("a.ome.tif", "other.ome.tif"))
    )
    xml = f'<?xml version="1.0"?><OME UUID="urn:uuid:0"><Image ID="Image:0"><Pixels ID="P" {axes}>{planes}'
    xml += "</Pixels></Image></OME>"
    path = short_path / "a.ome.tif"
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8), description=xml, metadata=None)
    with soon():
        for read in (image_size, read_rgb):
            try:
                read(path)
            except BadInputError as error:
                assert "a.ome.tif" in str(error)  # noqa: PT017


@pytest.mark.parametrize("write", NAMING, ids=lambda write: write.__name__)
@pytest.mark.parametrize("name", ["x" * 300 + ".png", "deep/" * 500 + "a.png", "images", "."])
def test_names_that_no_image_can_have(bmbench, folder, tmp_path, write, name):
    write(folder, name)
    with soon():
        for to in ("coco", "qupath", "yolo"):
            answer = bmbench("datasets", "convert", folder, tmp_path / to, "--to", to)
            assert answer.code in (0, 2), answer.err
            assert "Traceback" not in answer.err
        refused(bmbench("run", "--dataset", folder, "--method", "blob_log", "--out", tmp_path / "runs"))


@pytest.mark.parametrize("place", ["file_name", "group", "category", "shape"])
def test_names_that_are_no_text(bmbench, folder, tmp_path, place):
    """JSON can say half a character, which no file system and no terminal can."""
    picture(folder / "images" / "a.png")
    if place == "shape":
        labelme(folder, "a.png")
        file = folder / "annotations" / "a.json"
        file.write_text(file.read_text().replace('"cell"', '"\\ud800"'))
    else:
        coco(folder, "a.png")
        value = json.loads((folder / "annotations.json").read_text())
        record = value["categories" if place == "category" else "images"][0]
        record["name" if place == "category" else place] = "\ud800.png"
        (folder / "annotations.json").write_text(json.dumps(value))
    for to in ("coco", "qupath", "csv", "voc"):
        refused(bmbench("datasets", "convert", folder, tmp_path / to, "--to", to))
    refused(bmbench("datasets", "info", folder))


@pytest.fixture(scope="module")
def one_pit(tmp_path_factory):
    """Two thousand folders in each other; made once, for making and removing them takes seconds."""
    top, step, start = tmp_path_factory.mktemp("pit"), Path("d"), Path.cwd()
    os.chdir(top)
    for _ in range(2000):
        step.mkdir()
        os.chdir(step)
    os.chdir(start)
    yield top / step
    # What removes test folders would go down them by recursion.
    os.chdir(top)
    for _ in range(2000):
        os.chdir(step)
    for _ in range(2000):
        os.chdir("..")
        step.rmdir()
    os.chdir(start)


@pytest.fixture
def pit(one_pit, folder):
    """Those folders, beside the images of this test."""
    place = one_pit.rename(folder / "images" / one_pit.name)
    yield
    place.rename(one_pit)


@pytest.mark.usefixtures("posix", "pit")
@pytest.mark.parametrize("write", READING, ids=lambda write: write.__name__)
def test_two_thousand_folders_in_each_other(bmbench, folder, write):
    picture(folder / "images" / "a.png")
    write(folder, "a.png")
    with soon():
        answer = bmbench("datasets", "info", folder)
    # A format whose one file names all images does not list them.
    if write in (coco, cvat, csv):
        assert answer.code == 0, answer.err
    else:
        assert "nested deeper than 64" in refused(answer)


@pytest.fixture
def short_path(tmp_path, monkeypatch):
    """The test's folder, and where it starts: the name of a socket has 108 bytes at most."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
