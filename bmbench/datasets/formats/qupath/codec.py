"""QuPath GeoJSON as a format of data sets: one file an image."""

from collections.abc import Callable
from pathlib import Path

from bmbench.datasets.formats.annotation_folder import read_folder
from bmbench.datasets.formats.codec import Codec, Content, Fact, Left
from bmbench.datasets.formats.marks import Marks
from bmbench.datasets.formats.qupath.geojson import read_qupath, write_qupath

SUFFIXES = (".geojson", ".geojson.gz")


def read(path: Path, images: Path | None = None) -> Content:
    """The images of a folder of GeoJSON files, or of one file; see `read_folder`."""
    return read_folder(path, images, suffixes=SUFFIXES, parse=parse)


def parse(path: Path, _size: Callable[[], tuple[int, int]]) -> Marks:
    """The objects of one file."""
    found = read_qupath(path)
    return Marks(
        annotations=found.annotations,
        classes=found.classes,
        notes=tuple(f"left out: {word} ({count})" for word, count in found.left_out.items()),
    )


def write(path: Path, content: Content) -> list[Left]:
    """Write the annotations of one image, editable in QuPath; nothing is left out."""
    write_qupath(path, content.samples[0].annotations, content.categories)
    return []


CODEC = Codec(
    name="qupath",
    title="QuPath GeoJSON",
    extensions=SUFFIXES,
    layout="image",
    carries=frozenset(
        {Fact.OUTLINE, Fact.RINGS, Fact.CIRCLE, Fact.POINT, Fact.CLASS, Fact.IGNORE, Fact.REGION}
    ),
    read=read,
    write=write,
)
