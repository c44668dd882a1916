"""From one format to another; what the new one cannot carry is named."""

import dataclasses
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.core.files import writing_folder
from bmbench.core.gate import STORES, copy_file, is_there
from bmbench.core.progress import Progress
from bmbench.core.types import Sample
from bmbench.datasets import DATASETS
from bmbench.datasets.describe.faults import in_parts
from bmbench.datasets.exchange.conversion_losses import facts_lost, lines
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.annotation_folder import inner_path, write_folder
from bmbench.datasets.formats.codec import Codec, Content
from bmbench.datasets.sets.own_files import read_own
from bmbench.datasets.slides.ome_zarr import is_store


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What was written: `path`, how many images and objects.

    `notes` say in a line each what reading left out or assumed, `warnings` what writing lost.
    """

    path: Path
    images: int
    objects: int
    notes: tuple[str, ...]
    warnings: tuple[str, ...]


def convert(
    content: Content, out: Path, *, to: str, progress: Progress, copy_images: bool = True
) -> Converted:
    """Write a set of annotated images in another format, then read it again and compare.

    `out` is a new folder, with the images in ``images``; or, where its name ends as files of the format do,
    a single annotation file without images.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    BadInputError
        If `out` exists, or the images do not fit into one file.
    RunFailedError
        If the disk refuses (full, read-only, no permission), or what was written does not come back.
    """
    codec: Codec = FORMATS.get(to)
    if codec.write is None:
        written = [name for name in FORMATS if FORMATS.get(name).write is not None]
        raise BadInputError(f"{to} is only read", expected=", ".join(written))
    if out.exists():
        raise BadInputError("exists", where=str(out), remedy="choose a new name")
    if out.name.lower().endswith(codec.extensions):
        left, warnings = _write_file(content, out, codec)
    else:
        left, warnings = _write_whole_folder(content, out, codec, progress if copy_images else None)
    return Converted(
        path=out,
        images=len(content.samples),
        objects=sum(len(sample.annotations) for sample in content.samples) - left,
        notes=(
            *content.notes,
            *(
                f"{one.kind} ({one.count}): {one.text}"
                for one in in_parts(content.samples, content.categories)
            ),
        ),
        warnings=(*warnings, *(codec.cautions(content) if codec.cautions else ())),
    )


def _write_file(content: Content, out: Path, codec: Codec) -> tuple[int, list[str]]:
    """How many objects had to be left out, and the warnings."""
    if codec.layout == "image" and len(content.samples) != 1:
        raise BadInputError(
            f"{len(content.samples)} images for one file",
            where=str(out),
            expected=f"one image: {codec.name} has a file for each",
            remedy="name a folder",
        )
    left = codec.write(out, content) if codec.write is not None else ()
    sample = content.samples[0] if content.samples else None
    folder = sample.file.parent if sample is not None and sample.file is not None else None
    if codec.layout == "image" and sample is not None:
        # A file alone lacks what is kept beside it in a folder, which is no fault of the format.
        with tempfile.TemporaryDirectory() as home:
            write_folder(Path(home), content, codec)
            after = codec.read(Path(home), folder)
    else:
        after = codec.read(out, folder)
    return len(left), lines(facts_lost(content, after, left), codec.name)


def _write_whole_folder(
    content: Content, out: Path, codec: Codec, progress: Progress | None
) -> tuple[int, list[str]]:
    """How many objects had to be left out, and the warnings."""
    # Built aside and moved as a whole, so that a folder is never half a data set.
    with writing_folder(out) as aside:
        names = [_picture_name(sample, copied=progress is not None) for sample in content.samples]
        renamed = dataclasses.replace(
            content,
            samples=tuple(
                dataclasses.replace(s, name=n) for s, n in zip(content.samples, names, strict=True)
            ),
        )
        left = write_folder(aside, renamed, codec)
        warnings = _copy_images(renamed, aside / "images", progress) if progress else []
        folder = aside / "images" if progress else _common_folder(content)
        warnings += lines(facts_lost(renamed, codec.read(aside, folder), left), codec.name)
    return len(left), warnings


def _picture_name(sample: Sample, *, copied: bool) -> str:
    """What an image is called in the new folder: a store becomes a picture."""
    name = str(inner_path(sample))
    return f"{name}.png" if copied and name.lower().endswith(STORES) else name


def _common_folder(content: Content) -> Path | None:
    for sample in content.samples:
        if sample.file is not None and sample.file.as_posix().endswith(sample.name):
            return Path(sample.file.as_posix()[: -len(sample.name)])
    return None


def _copy_images(content: Content, folder: Path, progress: Progress) -> list[str]:
    from PIL import Image

    missing = []
    total = len(content.samples)
    for sample in progress.track(content.samples, description="copying images", total=total):
        target = folder / sample.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if sample.file is None or is_store(sample.file):
            Image.fromarray(sample.load()).save(target, format="PNG")
        elif is_there(sample.file):
            copy_file(sample.file, target, within=sample.within)
        else:
            missing.append(sample.name)
    return [f"{len(missing)} images are not there to be copied ({missing[0]}, …)"] if missing else []


def open_contents(
    name: str, *, data: Path | None = None, options: Mapping[str, str] | None = None, seed: int = 0
) -> Content:
    """Every image of a data set: of a known one with its subsets, of a file with what it says.

    Parameters
    ----------
    name : str
        A name of `DATASETS`, ``PATH`` or ``FORMAT:PATH``.
    data : Path, optional
        The folder of the files (of a known set) or of the images (of a file).

    Raises
    ------
    BadInputError
        If the files are missing, damaged, or in no known format.
    """
    if name not in DATASETS:
        return read_own(name, data, options or {})
    split = DATASETS.get(name).load(LoadRequest(data=data, seed=seed, options=options or {}))
    return Content(
        samples=tuple(sample for part in split.samples.values() for sample in part),
        categories=split.categories,
        subsets={sample.image_id: subset for subset, part in split.samples.items() for sample in part},
        notes=split.faults,
    )
