"""The images beside annotation files, found by the name that a file states or by its own."""

import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path, PurePosixPath

from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in
from bmbench.core.types import Annotations, Sample
from bmbench.datasets.formats.coco.samples import CocoFile, read_coco
from bmbench.datasets.formats.folder_words import IMAGE_WORDS, folders_called
from bmbench.datasets.formats.marks import Marks
from bmbench.datasets.reading.images import SUFFIXES
from bmbench.datasets.slides.whole_images import WHOLE_SUFFIXES, read_whole, size_of

SIDECAR = "bmbench-images.json"
SIDECAR_TABLE = "bmbench-groups.csv"
"""What bmbench knows beside the files of other programs: images and classes; images and their groups."""
IMAGE_FOLDERS = ("images", "JPEGImages", "Images")
MASK_ENDINGS = re.compile(
    r"(_(cp_(masks|outlines)|(instanseg_)?predictions?|seg|masks?|labels?|instances?|gt)|\.stardist)$",
    re.IGNORECASE,
)
"""What Cellpose, StarDist, InstanSeg and others add to an image's name for their answers."""
_SCENE = re.compile(r"(\.\w+) - .+$")
"""QuPath calls the scenes of a slide ``NAME.svs - SCENE``."""


class Pictures:
    """The images beside annotation files, found by name or by stem.

    `images` is their folder, where it is another one, or a COCO file that names them and states their sizes.
    """

    def __init__(self, base: Path, home: Path, images: Path | None, suffixes: tuple[str, ...]) -> None:
        listed = images if images is not None and images.is_file() else None
        self.is_listed = listed is not None
        if listed is not None:
            images = listed.parent
        roots = [images] if images else _roots(base, home)
        found = ((root, _list_images(root, base, home, suffixes)) for root in roots)
        self.folder, files = next(((root, files) for root, files in found if files), (roots[0], []))
        if listed is not None:
            files = []
        self.within = base if self.folder.is_relative_to(base) else self.folder
        self.files = {path.relative_to(self.folder).as_posix(): path for path in files}
        self.by_stem = {stem: name for name in reversed(self.files) for stem in _stems(name)}
        self.by_last = _by_last(self.files)
        self.sidecar = _sidecar(base, home, self) if listed is None else read_coco(listed)
        self.known = {s.name: s for s in self.sidecar.samples} if self.sidecar else {}
        self.known_last = _by_last(self.known)
        self.known_stems = {str(PurePosixPath(name).with_suffix("")): name for name in self.known}

    def name(self, stem: str, stated: str = "") -> str:
        """The image's name: the stated one if it is there, else that of the annotation file's stem."""
        short = PurePosixPath(stated.replace("\\", "/")).name
        for name in (stated, short):
            if name and (name in self.known or name in self.files):
                return name
        # CellViT's files state the name of their folder, which is that of the image without its ending.
        tried = (short if "." not in short else "", stem, _SCENE.sub(r"\1", stem), MASK_ENDINGS.sub("", stem))
        for own in filter(None, dict.fromkeys(tried)):
            found = self._of_stem(own)
            if found:
                return found
        only = next(iter(self.known)) if self.is_listed and len(self.known) == 1 else ""
        return only or short or stem

    def _of_stem(self, stem: str) -> str:
        """The image whose name is this stem, with or without an ending; an empty text for none."""
        last = PurePosixPath(stem).name
        for key in (stem, last):
            if key in self.known or key in self.files:
                return key
        for table in (self.known_stems, self.known_last, self.by_stem, self.by_last):
            for key in (stem, last):
                if key in table:
                    return table[key]
        return ""

    def size(self, stem: str, file: Path) -> tuple[int, int]:
        """(width, height) of the image of an annotation file; BadInputError if it is not there."""
        name = self.name(stem)
        if name in self.known:
            return self.known[name].width, self.known[name].height
        if name not in self.files:
            raise BadInputError(
                "annotations of an image that is not there",
                where=str(file),
                expected=f"{PurePosixPath(stem).name} with one of {', '.join(SUFFIXES)}, or that of a slide, "
                f"in {self.folder}",
                remedy="name the folder of the images with --data",
            )
        return size_of(self.files[name], within=self.within)

    def sample(self, stem: str, marks: Marks, file: Path) -> Sample:
        """The image of an annotation file, without annotations."""
        name = self.name(stem, marks.image)
        if name in self.known:
            return self.known[name]
        size = marks.size or self.size(stem, file)
        return self._plain_sample(name, self.files.get(name, self.folder / name), size)

    def unmarked(self, marked: set[str]) -> list[Sample]:
        """The images that are not among these names."""
        rest = [self.known[name] for name in self.known if name not in marked]
        rest += [
            self._plain_sample(name, path, size_of(path, within=self.within))
            for name, path in self.files.items()
            if name not in marked and name not in self.known
        ]
        return rest

    def _plain_sample(self, name: str, file: Path, size: tuple[int, int]) -> Sample:
        if min(size) < 1:
            raise BadInputError("image without pixels", where=name, got=f"{size[0]} × {size[1]} px")
        return Sample(
            image_id=str(PurePosixPath(name).with_suffix("")),
            name=name,
            width=size[0],
            height=size[1],
            group=name,
            annotations=Annotations.empty(),
            load=partial(read_whole, file, size, within=self.within),
            file=file,
            within=self.within,
        )


def _sidecar(base: Path, home: Path, pictures: Pictures) -> CocoFile | None:
    for folder in (base, home, home.parent):
        if (folder / SIDECAR).is_file():
            return read_coco(folder / SIDECAR, images=pictures.folder, within=pictures.within)
    return None


def _roots(base: Path, home: Path) -> list[Path]:
    """The folders in which images may lie, the likeliest first."""
    inside = folders_called(base, IMAGE_WORDS)
    beside = folders_called(base.parent, IMAGE_WORDS)
    roots = [*inside, base, *([home] if home != base else []), *beside]
    return list(dict.fromkeys(roots))


def _stems(name: str) -> list[str]:
    """An image's name without its ending; of ``NAME.ome.tif`` and ``NAME.ome.zarr`` without both, too."""
    stem = str(PurePosixPath(name).with_suffix(""))
    return [stem.removesuffix(".ome"), stem] if stem.endswith(".ome") else [stem]


def _by_last(files: Iterable[str]) -> dict[str, str]:
    """The images whose file names, without folders and endings, are there once."""
    names: dict[str, list[str]] = {}
    for name in files:
        for stem in _stems(PurePosixPath(name).name):
            names.setdefault(stem, []).append(name)
    return {stem: found[0] for stem, found in names.items() if len(found) == 1}


def _list_images(root: Path, base: Path, home: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not root.is_dir():
        return []
    within = base if root.is_relative_to(base) else root
    deep = root.name.lower() in IMAGE_WORDS or root == home != base
    files = files_in(root, within=within, suffixes=WHOLE_SUFFIXES, deep=deep)
    # Label images end as images do: they lie in a folder of their own, or have a name that says so.
    masks = any(suffix in SUFFIXES for suffix in suffixes)
    if masks and root == home and root != base:
        return []
    return [file for file in files if not MASK_ENDINGS.search(file.stem)] if root == home else files
