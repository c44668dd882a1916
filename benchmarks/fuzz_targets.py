"""What `fuzz_readers` damages: one good file for every reader, and the call that reads it."""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from failing_calls import command
from PIL import Image

from bmbench.benchmark.prediction.journal import Journal
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.records.seal import RUN, check_seal
from bmbench.benchmark.records.settings_files import read_settings
from bmbench.benchmark.records.trained_run import load_run
from bmbench.benchmark.scoring.recorded import RecordedRun
from bmbench.benchmark.scoring.score_files import read_pair
from bmbench.core.dataset import LoadRequest
from bmbench.core.files import read_json
from bmbench.core.geometry import circle_box, rings_box
from bmbench.core.types import Annotations, Category, Detections, Role, Sample
from bmbench.datasets import DATASETS
from bmbench.datasets.fetch.unpack import unpacking
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.annotation_folder import write_folder
from bmbench.datasets.formats.coco.samples import write_coco
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.kainz_points import read_mbm_additions, read_points
from bmbench.datasets.formats.predictions import write_prediction_parts
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.reading.images import read_rgb
from bmbench.datasets.slides import opened, read_region
from bmbench.leaderboards.results.record import read_result
from bmbench.leaderboards.results.standings_record import read_standings
from bmbench.leaderboards.submissions.incoming import validate_folder
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from tests.datasets.formats.other_tools import READ_ONLY, dicom_masks

SIZE = (96, 64)
_SLOW = ("labels", "network", "submission", "imagej", "qupath", "voc", "yolo", "labelme", "predictions")
BOARD = Path(__file__).resolve().parents[1] / "leaderboards" / "dsb_purple"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A reader and the file that is damaged: where it lies, what it holds, and the call that reads it.

    `every` says in which rounds it takes part: readers that take milliseconds in every fourth.
    """

    name: str
    file: Path
    good: bytes
    read: Callable[[], object]
    every: int = 1


def all_targets(folder: Path) -> list[Target]:
    """Every target, its files in folders of their own."""
    makers = (
        _formats,
        _other_forms,
        _regions,
        _sets,
        _images,
        _stores,
        _predictions,
        _points,
        _archives,
        _records,
        _board,
    )
    return [target for maker in makers for target in maker(folder)]


def _target(name: str, file: Path, read: Callable[[], object]) -> Target:
    every = 4 if any(word in name for word in _SLOW) else 1
    return Target(name=name, file=file, good=file.read_bytes(), read=read, every=every)


def content(folder: Path) -> Content:
    """Two images with one object of every kind."""
    outer = np.array([[10, 10], [40, 10], [40, 40], [10, 40.0]])
    hole = np.array([[20, 20], [20, 30], [30, 30], [30, 20.0]])
    bent = np.array([[50.25, 12.5], [70.5, 11], [68.125, 33.75]])
    circle = np.array([60.0, 45.0, 9.0])
    rings: tuple[Any, ...] = ((outer, hole), (bent,), (), (), ())
    boxes = [
        rings_box(rings[0]),
        rings_box(rings[1]),
        circle_box(circle[None])[0],
        [5, 50, 25, 60],
        [8, 8, 8, 8],
    ]
    box = np.array(boxes, np.float64)
    annotations = Annotations.of(
        xy=(box[:, :2] + box[:, 2:]) / 2,
        box=box,
        circle=np.array([[0, 0, 0], [0, 0, 0], circle, [0, 0, 0], [0, 0, 0]], np.float64),
        contour=rings,
        label=np.array([0, 1, 0, 1, 0]),
        role=np.array(
            [int(Role.CELL), int(Role.ARTEFACT), int(Role.IGNORE), int(Role.ARTEFACT), int(Role.CELL)]
        ),
        region=np.array([False, False, True, False, False]),
    )
    samples = []
    for name, objects in (("a.png", annotations), ("b.png", Annotations.empty())):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
        Image.fromarray(pixels).save(file)
        samples.append(
            Sample(
                image_id=name,
                name=name,
                width=SIZE[0],
                height=SIZE[1],
                group="patient 1",
                annotations=objects,
                load=partial(read_rgb, file),
                file=file,
                um_per_px=0.25,
            )
        )
    categories = (Category(id=1, name="WBC"), Category(id=4, name="smudge", artefact=True))
    subsets: Any = {"a.png": "train", "b.png": "test"}
    return Content(samples=tuple(samples), categories=categories, subsets=subsets)


def _formats(folder: Path) -> Iterator[Target]:
    for name in FORMATS.names():
        codec, home = FORMATS.get(name), folder / name
        if codec.write is None:
            file = READ_ONLY[name](home)
            yield _target(name, file, partial(codec.read, file, None))
            continue
        known = content(home / "images")
        write_folder(home, known, codec)
        read = partial(codec.read, home, None)
        file = (
            home / codec.folder if codec.layout == "set" else home / codec.folder / f"a{codec.extensions[0]}"
        )
        yield _target(name, file, read)
        if name == "yolo":
            yield _target("yolo data.yaml", home / "data.yaml", read)
        if name == "voc":
            yield _target("images beside (json)", home / "bmbench-images.json", read)
        if name == "labels":
            yield _target("image of labels (png)", home / "images" / "a.png", read)
    import tifffile

    home = folder / "labels-tiff" / "labels"
    home.mkdir(parents=True)
    tifffile.imwrite(home / "a.tif", np.eye(24, dtype=np.uint16).repeat(2, axis=0), compression="zlib")
    np.save(home / "b.npy", np.eye(24, dtype=np.int32))
    codec = FORMATS.get("labels")
    yield _target("labels (npy)", home / "b.npy", partial(codec.read, home / "b.npy", folder / "csv/images"))
    outlines = folder / "outlines" / "a_cp_outlines.txt"
    outlines.parent.mkdir()
    outlines.write_text("16,6,23,6,23,13,16,13\n0,0,1,0,1,1,0,1\n")
    yield _target(
        "cellpose (outlines)",
        outlines,
        partial(FORMATS.get("cellpose").read, outlines, folder / "csv/images"),
    )
    yield _target(
        "labels (tif)",
        home / "a.tif",
        partial(FORMATS.get("labels").read, home.parent, folder / "csv/images"),
    )


def _other_forms(folder: Path) -> Iterator[Target]:
    """Files of formats that have more than one form."""
    import tifffile

    halo = folder / "halo" / "a.xml"
    halo.parent.mkdir()
    corners = '<V X="2" Y="3"/><V X="12" Y="9"/><V X="2" Y="9"/>'
    drawn = "".join(
        f'<Region Type="{kind}" HasEndcaps="0" NegativeROA="0"><Vertices>{corners}</Vertices></Region>'
        for kind in ("Polygon", "Ellipse", "Pin")
    )
    halo.write_text(
        f'<Annotations><Annotation Name="a"><Regions>{drawn}</Regions></Annotation></Annotations>'
    )
    yield _target(
        "imagescope (halo)", halo, partial(FORMATS.get("imagescope").read, halo, folder / "csv/images")
    )
    for kind in ("BINARY", "FRACTIONAL", "LABELMAP"):
        masks = dicom_masks(folder / f"masks {kind}", kind)
        yield _target(f"dicom ({kind.lower()})", masks, partial(FORMATS.get("dicom").read, masks))
    table = folder / "labelstudio" / "export.csv"
    item = json.dumps([{"x": 40, "y": 30, "width": 20, "height": 40, "rectanglelabels": ["WBC"]}])
    cell = item.replace('"', '""')
    table.write_text(f'image,id,label,annotator,annotation_id\na.png,1,"{cell}",1,7\n')
    yield _target("labelstudio (csv)", table, partial(FORMATS.get("labelstudio").read, table))
    planes = folder / "planes" / "a_masks.tif"
    planes.parent.mkdir()
    tifffile.imwrite(planes, np.stack([np.eye(24, dtype=np.int32)] * 2), compression="zlib")
    yield _target(
        "labels (two planes)",
        planes,
        partial(FORMATS.get("labels").read, planes, folder / "csv/images", outline="cell"),
    )


def _regions(folder: Path) -> Iterator[Target]:
    """Areas drawn on a slide, which become images."""
    home = folder / "regions"
    home.mkdir()
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (64, 96, 3), np.uint8)).save(home / "a.png")
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[[x, y], [x + s, y], [x, y + s], [x, y]]]},
            "properties": {"objectType": kind, "classification": {"name": name}},
        }
        for x, y, s, kind, name in (
            (5, 5, 50, "annotation", "Region*"),
            (2, 2, 60, "annotation", "Tissue"),
            (8, 8, 9, "detection", "WBC"),
            (80, 40, 9, "cell", "RBC"),
        )
    ]
    (home / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    read = partial(read_any, home, choices={"regions": "areas"})
    yield _target("regions (qupath)", home / "a.geojson", read)


def _sets(folder: Path) -> Iterator[Target]:
    """Published sets whose readers are their own."""
    home = folder / "sets"
    for part, count in (("train", 3), ("valid", 2), ("test", 1)):
        for kind in ("images", "labels"):
            (home / part / kind).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (40, 20), (number, 0, 0)).save(home / part / "images" / f"{number}.png")
            (home / part / "labels" / f"{number}.txt").write_text("0 0.5 0.5 0.25 0.5 1 0 1 1 0 2\n")
    request = LoadRequest(data=home)
    load = partial(DATASETS.get("leukemia_attri").load, request)
    yield _target("set leukemia_attri", home / "train" / "labels" / "0.txt", load)
    table = folder / "cytologia"
    (table / "images").mkdir(parents=True)
    rows = ["NAME,x1,y1,x2,y2,class,lab"]
    for number in range(6):
        Image.new("RGB", (40, 20)).save(table / "images" / f"{number}.png")
        rows.append(f"{number}.png,1,2,11,12,BA,L{number}")
    (table / "train.csv").write_text("\n".join(rows))
    load = partial(DATASETS.get("cytologia").load, LoadRequest(data=table))
    yield _target("set cytologia", table / "train.csv", load)


def _images(folder: Path) -> Iterator[Target]:
    import tifffile

    home = folder / "pictures"
    home.mkdir()
    pixels = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    for ending in ("png", "jpg", "bmp"):
        Image.fromarray(pixels).save(home / f"a.{ending}")
    Image.fromarray(pixels).quantize(16).save(home / "palette.png")
    tifffile.imwrite(home / "strips.tif", pixels, compression="zlib", rowsperstrip=8)
    tifffile.imwrite(home / "plain.tif", pixels[:16, :16])
    tifffile.imwrite(home / "tiles.tif", pixels, tile=(16, 16), compression="zlib", photometric="rgb")
    for file in sorted(home.iterdir()):
        yield _target(f"image {file.name}", file, partial(read_rgb, file))
    yield _target("slide tiles.tif", home / "tiles.tif", partial(_slide, home / "tiles.tif"))


def _stores(folder: Path) -> Iterator[Target]:
    """OME-Zarr images: what describes them, and a chunk."""
    if importlib.util.find_spec("zarr") is None:
        return
    import zarr

    files = {2: (".zattrs", "0/.zarray", "0/0.0.0"), 3: ("zarr.json", "0/zarr.json", "0/c/0/0/0")}
    for form, names in files.items():
        store = folder / f"store{form}" / "a.ome.zarr"
        group = zarr.open_group(store, mode="w", zarr_format=form)
        values = np.random.default_rng(1).integers(0, 256, (3, 48, 64), np.uint8)
        group.create_array("0", data=values, chunks=(1, 32, 32))
        axes = [{"name": "c"}, *({"name": axis, "unit": "micrometer"} for axis in "yx")]
        scale = {"type": "scale", "scale": [1, 0.25, 0.25]}
        facts = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": [scale]}]}
        multiscales = {"multiscales": [facts]}
        group.attrs.update(multiscales if form == 2 else {"ome": multiscales})
        for name in names:
            yield _target(f"ome-zarr {form} {Path(name).name}", store / name, partial(_slide, store))


def _slide(path: Path) -> object:
    with opened(path) as slide:
        return read_region(slide, (0, 0, 32, 32), (16, 16))


def _predictions(folder: Path) -> Iterator[Target]:
    home = folder / "predictions"
    known = content(home / "images")
    truth, wrapped, plain = home / "truth.json", home / "predictions.json", home / "list.json"
    write_coco(truth, known.samples, known.categories, subsets=known.subsets)
    box = np.array([[10, 10, 40, 40], [50, 11, 70, 33.5]])
    found = Detections.of(xy=(box[:, :2] + box[:, 2:]) / 2, box=box, confidence=np.array([0.5, 0.875]))
    write_prediction_parts(wrapped, ["a.png", "b.png"], [("a.png", found)], known.categories)
    value = json.loads(wrapped.read_text())
    rows = (
        value
        if isinstance(value, list)
        else next(v for k, v in value.items() if k in ("detections", "annotations", "predictions"))
    )
    plain.write_text(json.dumps(rows))
    for name, file, pair in (
        ("predictions", wrapped, (wrapped, truth)),
        ("predictions (list)", plain, (plain, truth)),
        ("ground truth", truth, (wrapped, truth)),
    ):
        yield _target(name, file, partial(read_pair, *pair))
    journal = home / "000000.journal"
    with Journal(journal, {"a": 1}) as written:
        written.append(0, found)
        written.append(1, found)
    yield _target("journal of tiles", journal, partial(_journal, journal))


def _journal(path: Path) -> object:
    with Journal(path, {"a": 1}) as journal:
        return [journal.read(number) for number in (0, 1) if number in journal]


def _points(folder: Path) -> Iterator[Target]:
    home = folder / "points"
    home.mkdir()
    (home / "kainz.txt").write_text("3 3 0\n1 2 1\n30 40 3\n5 6 1\n")
    (home / "mbm.csv").write_text("x,y,in_kainz\n1,2,1\n10,20,0\n")
    yield _target("kainz points", home / "kainz.txt", partial(read_points, home / "kainz.txt"))
    yield _target("mbm points", home / "mbm.csv", partial(read_mbm_additions, home / "mbm.csv"))
    if importlib.util.find_spec("pydicom") is not None:
        from bmbench.datasets.formats.dicom_ann import read_bulk_annotations

        _bulk_annotations(home / "bulk.dcm")
        yield _target(
            "dicom annotations", home / "bulk.dcm", partial(read_bulk_annotations, home / "bulk.dcm")
        )


def _bulk_annotations(path: Path) -> None:
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset

    image, group, value = Dataset(), Dataset(), Dataset()
    image.ReferencedSOPClassUID = image.ReferencedSOPInstanceUID = "1.2.3"
    group.AnnotationGroupLabel, group.GraphicType, group.NumberOfAnnotations = "cells", "RECTANGLE", 1
    group.PointCoordinatesData = np.array([1, 1, 9, 1, 9, 9, 1, 9], "<f4").tobytes()
    value.AnnotationCoordinateType, value.SeriesDescription = "2D", "cells"
    value.ReferencedImageSequence, value.AnnotationGroupSequence = [image], [group]
    value.file_meta = FileMetaDataset()
    value.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    value.file_meta.MediaStorageSOPClassUID = value.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    pydicom.dcmwrite(path, value, enforce_file_format=True)


def _archives(folder: Path) -> Iterator[Target]:
    home = folder / "archives"
    home.mkdir()
    with zipfile.ZipFile(home / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for name in ("images/a.png", "labels/a.txt"):
            packed.writestr(name, b"0 0.5 0.5 0.1 0.1\n" * 20)
    for name, how in (("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tar.xz", "w:xz")):
        with tarfile.open(home / name, how) as tar:  # type: ignore[call-overload]
            entry = tarfile.TarInfo("labels/a.txt")
            entry.size = 900
            tar.addfile(entry, io.BytesIO(b"0 0.5 0.5 0.1 0.1\n" * 50))
    for file in sorted(home.iterdir()):
        yield _target(f"archive {file.name}", file, partial(_unpacked, file, folder / "unpacked"))


def _unpacked(archive: Path, out: Path) -> object:
    try:
        with unpacking(archive, out, limit_bytes=1 << 20):
            return None
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _records(folder: Path) -> Iterator[Target]:
    home = folder / "records"
    home.mkdir()
    options, settings = home / "options.json", home / "settings.json"
    asked = RunOptions(method="blob_log", classes=("a", "b"), settings={"n_blobs": "3"})
    options.write_text(json.dumps(asked.to_json()))
    yield _target("options of a run", options, lambda: RunOptions.from_json(read_json(options), where="here"))
    value = {
        "schema": "bmbench.settings/1",
        "method": "blob_log",
        "profile": "quick",
        "settings": {"n_blobs": 3},
    }
    settings.write_text(json.dumps(value))
    yield _target("settings", settings, partial(read_settings, settings))
    run = _run(home / "runs")
    for name, read in (
        ("config.json", run.config),
        ("environment.json", run.environment),
        ("metrics.json", partial(read_record, run.path / "metrics.json", RecordedRun)),
        ("manifest.json", partial(check_seal, run.path, RUN)),
    ):
        yield _target(f"record {name}", run.path / name, read)
    yield from _checkpoints(folder / "trained", run)
    if importlib.util.find_spec("torch") is not None:
        yield from _networks(folder / "networks")


def _run(out: Path) -> RunDir:
    """A finished run."""
    small = ("--option", "images=4", "--option", "size=256")
    ended = command("run", "--method", "blob_log", "--dataset", "synthetic", *small, "--out", out)
    if ended.code:
        raise RuntimeError(f"{ended.said} {ended.traceback}")
    return RunDir(next(out.iterdir()))


def _checkpoints(place: Path, run: RunDir) -> Iterator[Target]:
    """A run as older versions left them, without a manifest, which would be looked at first."""
    shutil.copytree(run.path, place)
    (place / "manifest.json").unlink()
    config = json.loads((place / "config.json").read_text()) | {"schema": "bmbench.run/1"}
    (place / "config.json").write_text(json.dumps(config))
    for file in (place / "config.json", place / "metrics.json", place / "checkpoint" / "blob_log.json"):
        yield _target(f"trained {file.name}", file, partial(load_run, place))


def _networks(folder: Path) -> Iterator[Target]:
    import torch

    from bmbench.adapters.unet.detector import UNetDetector, load
    from bmbench.adapters.unet.encodings.encoding import encoding_of
    from bmbench.adapters.unet.network import build
    from bmbench.adapters.unet.settings import UNetSettings
    from bmbench.adapters.unet.training import Calibration

    folder.mkdir()
    settings = UNetSettings(depth=2, width=4)
    encoding = encoding_of({"name": "shrink", "artefacts": False, "curve": None})
    calibration = Calibration(
        factor=0.5, smallest_px2=20.0, mean=(200.0, 180.0, 200.0), deviation=(20.0, 30.0, 20.0)
    )
    network = build(settings, outputs=encoding.outputs, device=torch.device("cpu"))
    UNetDetector(encoding=encoding, settings=settings, calibration=calibration, network=network).save(folder)
    for file in sorted(folder.iterdir()):
        yield _target(f"network {file.name}", file, partial(load, folder))


def _board(folder: Path) -> Iterator[Target]:
    home = folder / "board"
    for part in ("tracks", "submissions", "results"):
        shutil.copytree(BOARD / part, home / part)
    board, place = Leaderboard(home), home / "submissions" / "weak" / "unet-shrink"
    for large in home.glob("submissions/*/*/predictions-*.json"):
        # Looked at with the card, and missing is only one fault more.
        large.unlink()
    yield _target("track.json", home / "tracks" / "weak" / "track.json", partial(board.manifest, "weak"))
    yield _target("submission.json", place / "submission.json", partial(validate_folder, place, board=home))
    result, standings = (
        home / "results" / "weak" / "unet-shrink.json",
        home / "results" / "weak" / "standings.json",
    )
    yield _target("result", result, partial(read_result, result))
    yield _target("standings", standings, partial(read_standings, standings))
