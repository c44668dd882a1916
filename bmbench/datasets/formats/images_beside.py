"""The images beside annotation files, found by the name that a file states or by its own."""

from functools import partial
from pathlib import Path, PurePosixPath

from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in
from bmbench.core.types import Annotations, Sample
from bmbench.datasets.formats.coco.samples import CocoFile, read_coco
from bmbench.datasets.formats.marks import Marks
from bmbench.datasets.reading.images import SUFFIXES, image_size, read_rgb

SIDECAR = "bmbench-images.json"
IMAGE_FOLDERS = ("images", "JPEGImages", "Images")


class Pictures:
    """The images beside annotation files, found by name or by stem."""

    def __init__(self, base: Path, home: Path, images: Path | None, suffixes: tuple[str, ...]) -> None:
        roots = (
            [images]
            if images
            else [*(base / n for n in IMAGE_FOLDERS), base, *(base.parent / n for n in IMAGE_FOLDERS)]
        )
        found = ((root, _list_images(root, base, home, suffixes)) for root in roots)
        self.folder, files = next(((root, files) for root, files in found if files), (roots[0], []))
        self.within = base if self.folder.is_relative_to(base) else self.folder
        self.files = {path.relative_to(self.folder).as_posix(): path for path in files}
        self.by_stem = {str(PurePosixPath(name).with_suffix("")): name for name in reversed(self.files)}
        self.sidecar = _sidecar(base, home, self)
        self.known = {s.name: s for s in self.sidecar.samples} if self.sidecar else {}
        self.known_stems = {str(PurePosixPath(name).with_suffix("")): name for name in self.known}

    def name(self, stem: str, stated: str = "") -> str:
        """The image's name: the stated one if it is there, else that of the annotation file's stem."""
        short = PurePosixPath(stated.replace("\\", "/")).name
        for name in (stated, short):
            if name and (name in self.known or name in self.files):
                return name
        for table in (self.known_stems, self.by_stem):
            for key in (stem, PurePosixPath(stem).name):
                if key in table:
                    return table[key]
        return short or stem

    def size(self, stem: str, file: Path) -> tuple[int, int]:
        """(width, height) of the image of an annotation file; BadInputError if it is not there."""
        name = self.name(stem)
        if name in self.known:
            return self.known[name].width, self.known[name].height
        if name not in self.files:
            raise BadInputError(
                "annotations of an image that is not there",
                where=str(file),
                expected=f"{PurePosixPath(stem).name} with one of {', '.join(SUFFIXES)} in {self.folder}",
                remedy="name the folder of the images with --data",
            )
        return image_size(self.files[name], within=self.within)

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
            self._plain_sample(name, path, image_size(path, within=self.within))
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
            load=partial(read_rgb, file, size, within=self.within),
            file=file,
            within=self.within,
        )


def _sidecar(base: Path, home: Path, pictures: Pictures) -> CocoFile | None:
    for folder in (base, home, home.parent):
        if (folder / SIDECAR).is_file():
            return read_coco(folder / SIDECAR, images=pictures.folder, within=pictures.within)
    return None


def _list_images(root: Path, base: Path, home: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not root.is_dir():
        return []
    # Label images end as images do: they lie in a folder of their own.
    masks = any(suffix in SUFFIXES for suffix in suffixes)
    if masks and root == home:
        return []
    within = base if root.is_relative_to(base) else root
    return files_in(root, within=within, suffixes=SUFFIXES, deep=root.name in IMAGE_FOLDERS)
