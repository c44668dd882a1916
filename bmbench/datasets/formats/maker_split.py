"""The maker's split of a set: read from where makers write it down, never computed.

In this order, the first that says something holds: what the annotations themselves state (COCO and CSV
``split``, CVAT ``subset``, bmbench's own file); ``ImageSets`` of Pascal VOC; the entries of ``data.yaml``
and ``obj.data``; lists ``train.txt``, ``val.txt``, ``test.txt`` beside the annotations; folders called like
subsets.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from bmbench.core.dataset import SUBSETS, Subset
from bmbench.core.gate import files_in
from bmbench.core.types import ImageId, Sample
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.folder_words import CONTAINERS, SUBSET_WORDS, folder_subset
from bmbench.datasets.formats.yolo_names import OBJ_DATA, find_named, is_yolo_yaml, obj_data, yaml_lists
from bmbench.datasets.reading.image_names import nearest
from bmbench.datasets.reading.images import SUFFIXES
from bmbench.datasets.reading.limits import read_text


def with_maker_split(content: Content, root: Path) -> Content:
    """The content with the subsets that its files, lists or folders state, and where they stand.

    Parameters
    ----------
    root : Path
        The folder that was named (or that of the file that was).
    """
    if content.subsets:
        return dataclasses.replace(content, split_from=content.split_from or "its annotation files")
    found: dict[ImageId, Subset] = {}
    sources, notes = [], list(content.notes)
    absent: list[str] = []
    for source, lists in _stated(root, content.samples, absent):
        own, twice = _one_each(lists)
        new = {image_id: subset for image_id, subset in own.items() if image_id not in found}
        # A list of all images for training and for validation too is no split.
        if new and twice < len(own):
            sources.append(source)
            found |= new
            if twice:
                notes.append(
                    f"{twice} images stand in two lists of {source}: kept out of the training images"
                )
    if absent:
        some = ", ".join(dict.fromkeys(absent[:3])) + (", …" if len(absent) > 3 else "")
        notes.append(
            f"{len(absent):,} names in the maker's lists are of no image here, or of several ({some})"
        )
    return dataclasses.replace(content, subsets=found, split_from=" and ".join(sources), notes=tuple(notes))


_Lists = list[tuple[Subset, set[ImageId]]]
"""Subsets, each with the images of one list or folder."""


def _stated(root: Path, samples: Sequence[Sample], absent: list[str]) -> Iterator[tuple[str, _Lists]]:
    """Every source that may state subsets, with what it states; the first is to be believed most.

    `absent` grows by the names of images that are not here.
    """
    yield "ImageSets", _by_lists(samples, _image_sets(root), absent)
    for file in files_in(root, within=root, suffixes=(".yaml", ".yml")):
        if is_yolo_yaml(file):
            yield file.name, _by_entries(samples, root, yaml_lists(file), absent)
    if (root / OBJ_DATA).is_file():
        entries = {name: [value] for name, value in obj_data(root / OBJ_DATA).items()}
        yield OBJ_DATA, _by_entries(samples, root, entries, absent)
    texts = [
        file for file in files_in(root, within=root, suffixes=(".txt",)) if file.stem.lower() in SUBSET_WORDS
    ]
    lists = [(SUBSET_WORDS[file.stem.lower()], file) for file in texts]
    yield "lists of images", _by_lists(samples, lists, absent)
    yield _by_folders(samples, root)


def _one_each(lists: _Lists) -> tuple[dict[ImageId, Subset], int]:
    """The subset of each image, and how many stand in two; those are never to be learned from."""
    order: dict[Subset, int] = {"train": 0, "optimisation": 1, "validation": 2, "test": 3}
    found: dict[ImageId, Subset] = {}
    twice: set[ImageId] = set()
    for subset, images in sorted(lists, key=lambda pair: order[pair[0]]):
        twice |= {image for image in images if found.get(image, subset) != subset}
        found |= dict.fromkeys(images, subset)
    return found, len(twice)


def _image_sets(root: Path) -> list[tuple[Subset, Path]]:
    for folder in (root / "ImageSets" / "Main", root / "ImageSets" / "Segmentation", root / "ImageSets"):
        if folder.is_dir():
            files = files_in(folder, within=root, suffixes=(".txt",))
            return [(SUBSET_WORDS[f.stem.lower()], f) for f in files if f.stem.lower() in SUBSET_WORDS]
    return []


def _by_entries(
    samples: Sequence[Sample], root: Path, entries: Mapping[str, Sequence[str]], absent: list[str]
) -> _Lists:
    """What entries called ``train``, ``val`` … give: lists of images, or folders of them."""
    found: _Lists = []
    for name, texts in entries.items():
        subset = SUBSET_WORDS.get(name.lower())
        for text in texts if subset else ():
            place = find_named(root, text)
            if subset is None or place is None or place == root or _is_another(place, text):
                continue
            if place.is_file():
                found += _by_lists(samples, [(subset, place)], absent)
            else:
                inside = {s.image_id for s in samples if s.file is not None and s.file.is_relative_to(place)}
                found.append((subset, inside))
    return found


def _is_another(place: Path, text: str) -> bool:
    """Whether of a maker's path only ``images`` is there, which may be the images of another subset."""
    parts = [part for part in PurePosixPath(text.replace("\\", "/")).parts if part not in (".", "..")]
    return len(parts) > 1 and place.name.lower() in CONTAINERS and place.parent.name != parts[-2]


def _by_lists(samples: Sequence[Sample], lists: Sequence[tuple[Subset, Path]], absent: list[str]) -> _Lists:
    """The images that lists name, by a path or by a stem; a line may go on after the name."""
    known = [_stem(sample.name) for sample in samples]
    found: _Lists = []
    for subset, file in lists:
        lines = [line.strip() for line in read_text(file).splitlines()]
        names = [
            _stem(line if line.lower().endswith(SUFFIXES) else line.split()[0]) for line in lines if line
        ]
        fits = nearest(names, known)
        rows = [rows[0] for rows in fits if len(rows) == 1]
        absent += [name for name, rows in zip(names, fits, strict=True) if len(rows) != 1]
        found.append((subset, {samples[row].image_id for row in rows}))
    return found


def _by_folders(samples: Sequence[Sample], root: Path) -> tuple[str, _Lists]:
    found: dict[Subset, set[ImageId]] = {}
    folders: dict[str, Subset] = {}
    for sample in samples:
        parts = PurePosixPath(sample.name).parent.parts
        if sample.file is not None and sample.file.is_relative_to(root):
            parts = sample.file.relative_to(root).parent.parts
        subset = folder_subset(parts)
        if subset:
            found.setdefault(subset, set()).add(sample.image_id)
            folders[next(part for part in parts if folder_subset([part]))] = subset
    return ", ".join(sorted(folders, key=lambda name: SUBSETS.index(folders[name]))), list(found.items())


def _stem(name: str) -> str:
    name = name.replace("\\", "/")
    return str(PurePosixPath(name).with_suffix("")) if name.lower().endswith(SUFFIXES) else name
