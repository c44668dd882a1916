"""COCO JSON as a format of data sets: one file for all images."""

from pathlib import Path

from bmbench.core.errors import BadInputError
from bmbench.datasets.formats.coco.records import has_hole
from bmbench.datasets.formats.coco.samples import read_coco, write_coco
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.marks import UNSURE
from bmbench.datasets.formats.masks import encode_rle

FILE = "annotations.json"


def annotation_file(path: Path) -> Path:
    """The COCO file of a folder (``annotations.json``, or its only JSON file), or `path` itself."""
    if not path.is_dir():
        return path
    if (path / FILE).is_file():
        return path / FILE
    files = sorted(path.glob("[!.]*.json"))
    if len(files) != 1:
        raise BadInputError(
            f"folder with {len(files)} JSON files",
            where=str(path),
            expected=FILE,
            remedy="name the COCO file itself",
        )
    return files[0]


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a COCO file, or of the folder that holds it."""
    content = read_coco(annotation_file(path), images=images)
    return Content(
        samples=content.samples,
        categories=content.categories,
        subsets=content.subsets,
        notes=(*content.notes, *((f"{UNSURE} ({content.unsure:,})",) if content.unsure else ())),
    )


def write(path: Path, content: Content) -> list[Left]:
    """Write everything; nothing is left out."""
    write_coco(path, content.samples, content.categories, subsets=content.subsets)
    return []


def cautions(content: Content) -> list[str]:
    """A line where polygons stand for outlines with holes, which run lengths could not hold."""
    filled = sum(
        has_hole(rings) and encode_rle(rings, sample.width, sample.height) is None
        for sample in content.samples
        for rings in sample.annotations.contour
    )
    text = "holes between pixels, written as polygons, which other programs fill"
    return [f"{filled} objects have {text}"] if filled else []


CODEC = Codec(
    name="coco",
    title="COCO JSON",
    extensions=(".json",),
    layout="set",
    carries=frozenset(Fact),
    read=read,
    write=write,
    folder=FILE,
    cautions=cautions,
)
