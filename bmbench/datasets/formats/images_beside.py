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
from bmbench.datasets.reading.image_names import composed, last_part, nearest, spellings
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
_ROI_ENDINGS = re.compile(r"[_ -](rois?|roi[_ ]?sets?)$", re.IGNORECASE)
"""What Cellpose and people add to an image's name for its ROIs."""
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
        self.files = {composed(path.relative_to(self.folder).as_posix()): path for path in files}
        self.by_stem: dict[str, list[str]] = {}
        for name in self.files:
            for stem in _stems(name):
                self.by_stem.setdefault(stem, []).append(name)
        self.by_last = _by_last(self.files)
        self.by_name: dict[str, list[str]] = {}
        for name in self.files:
            self.by_name.setdefault(last_part(name), []).append(name)
        self.sidecar = _sidecar(base, home, self) if listed is None else read_coco(listed)
        self.known = {s.name: s for s in self.sidecar.samples} if self.sidecar else {}
        self.known_last = _by_last(self.known)
        self.known_stems = {str(PurePosixPath(name).with_suffix("")): name for name in self.known}

    def name(self, stem: str, stated: str = "", *, where: str = "") -> str:
        """The image's name: the stated one if it is there, else that of the annotation file's stem.

        Raises
        ------
        BadInputError
            If both are there and are two images, or several images have that stem; names `where`.
        """
        stem = composed(stem)
        named = next((one for one in self._stated(stated) if one in self.known or one in self.files), "")
        if named:
            return self._agreed(named, stem, where)
        # CellViT's files state the name of their folder, which is that of the image without its ending.
        short = last_part(stated)
        shorter = (pattern.sub("", stem) for pattern in (MASK_ENDINGS, _ROI_ENDINGS))
        tried = (short if "." not in short else "", stem, _SCENE.sub(r"\1", stem), *shorter)
        ways = [self._of_stem(own) for own in filter(None, dict.fromkeys(tried))]
        for found in (*ways, self._namesakes(stated)):
            if len(found) > 1:
                raise BadInputError(
                    "which image these annotations are of cannot be told",
                    where=where or stem,
                    got=", ".join(found[:4]),
                    remedy="keep one of them beside the annotations",
                )
            if found:
                return found[0]
        only = next(iter(self.known)) if self.is_listed and len(self.known) == 1 else ""
        return only or short or stem

    def _stated(self, stated: str) -> list[str]:
        spelled = [composed(one) for one in spellings(stated)] if stated else []
        return list(dict.fromkeys([*spelled, *map(last_part, spelled)]))

    def _namesakes(self, stated: str) -> list[str]:
        """The images in other folders that are called as stated, those that share most folders with it."""
        for spelled in self._stated(stated):
            alike = self.by_name.get(last_part(spelled), [])
            if alike:
                return [alike[row] for row in nearest([spelled], alike)[0]]
        return []

    def _agreed(self, named: str, stem: str, where: str) -> str:
        """The image that a file states, where that of its own name is not another one.

        Of two that are called alike in two folders, that of its own folder.
        """
        own = self._of_stem(stem)
        alike = [name for name in own if last_part(name) == last_part(named)]
        if not own or named in own or len(alike) == 1:
            return named if named in own or not own else alike[0]
        raise BadInputError(
            "annotations that state another image than that of their own name, and both are there",
            where=where or stem,
            got=f"{named} and {own[0]}",
            remedy="correct the name in the file, or rename the file",
        )

    def _of_stem(self, stem: str) -> list[str]:
        """The images whose name is this stem, with or without an ending."""
        last = PurePosixPath(stem).name
        for key in (stem, last):
            if key in self.known or key in self.files:
                return [key]
        for table in (self.known_stems, self.known_last):
            for key in (stem, last):
                if key in table:
                    return [table[key]]
        for key in (stem, last):
            if key in self.by_stem:
                return self.by_stem[key]
        return [self.by_last[last]] if last in self.by_last else []

    def size(self, stem: str, file: Path, stated: str = "") -> tuple[int, int]:
        """(width, height) of the image of an annotation file; BadInputError if it is not there."""
        name = self.name(stem, stated, where=str(file))
        if name in self.known:
            return self.known[name].width, self.known[name].height
        if name not in self.files:
            raise BadInputError(
                "annotations of an image that is not there",
                where=str(file),
                expected=f"{PurePosixPath(stem).name} with one of {', '.join(SUFFIXES)}, or that of a slide, "
                f"in {self.folder}",
                remedy="name the folder of the images (--data, and --images of an import)",
            )
        return size_of(self.files[name], within=self.within)

    def sample(self, stem: str, marks: Marks, file: Path) -> Sample:
        """The image of an annotation file, without annotations."""
        name = self.name(stem, marks.image, where=str(file))
        if name in self.known:
            return self.known[name]
        # Some programs write a size of 0 × 0 where they did not look.
        size = marks.size if marks.size and any(marks.size) else self.size(stem, file, marks.image)
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
