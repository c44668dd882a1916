"""What stands beside YOLO's label files: the names of the classes, and the lists of images.

``data.yaml`` (or any YAML file with an entry ``names``), ``classes.txt``, ``obj.names`` and ``labels.txt``
lie in the folder of the labels, beside it, or above; ``obj.data`` of darknet says where its names and lists
are.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import yaml

from bmbench.core.errors import BadInputError
from bmbench.core.gate import files_in, open_file
from bmbench.core.numerals import numeral
from bmbench.datasets.formats.folder_words import SUBSET_WORDS
from bmbench.datasets.reading.limits import read_text
from bmbench.datasets.reading.safe_yaml import entry, line_of, read_yaml

YAML = "data.yaml"
OBJ_DATA = "obj.data"
_YAML_ENDINGS = (".yaml", ".yml")
NAME_FILES = (
    "classes.txt",
    "obj.names",
    "labels.txt",
    "class_names.txt",
    "_darknet.labels",
    "predefined_classes.txt",
)
_PROSE = re.compile(r"(readme|licen[cs]e|notes|citation|changelog|requirements)\b.*", re.IGNORECASE)
"""Text files beside labels that hold none."""
_LISTS = (*SUBSET_WORDS, "trainval", "default")
"""Lists of images, unless what stands in them are numbers."""
_ABOVE = 3
"""Folders above that of the labels in which names are looked for: ``SET/labels/train``."""


def names_file(place: Path) -> Path | None:
    """The nearest file that says the names of the classes; None without any."""
    found = (file for folder in _near(place) for file in (*_yaml_files(folder), *_name_files(folder)))
    return next(found, None)


def class_names(file: Path) -> dict[int, str]:
    """The names of the classes by their numbers, as a file says them."""
    if file.suffix.lower() in _YAML_ENDINGS:
        return yaml_names(file)
    return dict(enumerate(line.strip() for line in read_text(file).splitlines() if line.strip()))


def key_point_numbers(file: Path) -> int:
    """How many numbers of key points stand behind each box, by the entry ``kpt_shape``; 0 without it.

    Raises
    ------
    BadInputError
        If it is no pair of whole numbers.
    """
    yaml_file = file.suffix.lower() in _YAML_ENDINGS
    stated = entry(read_yaml(file), "kpt_shape", file) if yaml_file else None
    if stated is None:
        return 0
    sides = [node.value for node in stated.value if isinstance(node, yaml.ScalarNode)]
    if len(sides) != 2 or not all(re.fullmatch(r"[1-9][0-9]{0,3}", side) for side in sides):
        raise BadInputError("kpt_shape is no pair of whole numbers", where=str(file), expected="[17, 3]")
    return int(sides[0]) * int(sides[1])


def set_file(path: Path) -> bool:
    """Whether a file says where a YOLO set lies: ``obj.data``, or YAML with an entry ``names``."""
    return path.is_file() and (path.name in (OBJ_DATA, YAML) or is_yolo_yaml(path))


def is_no_label(path: Path) -> bool:
    """Whether a text file among labels holds names of classes, a list of images, or words for people."""
    if path.name.lower() in NAME_FILES or _PROSE.fullmatch(path.name):
        return True
    if path.suffix.lower() != ".txt" or path.stem.lower() not in _LISTS:
        return False
    with open_file(path, limit=None) as file:
        words = file.read(1 << 12).split()
    return not (len(words) >= 5 and all(re.fullmatch(rb"[0-9.eE+-]+", word) for word in words[:5]))


def is_dota(words: Sequence[bytes] | Sequence[str]) -> bool:
    """Whether the words of a line are four corners in pixels, a class and whether the object is difficult.

    So DOTA has it, and Roboflow's export that it calls YOLO OBB.
    """
    if len(words) not in (9, 10):
        return False
    texts = [word.decode(errors="replace") if isinstance(word, bytes) else word for word in words]
    try:
        corners = [float(numeral(word)) for word in texts[:8]]
    except ValueError:
        return False
    return all(abs(corner) < 1e9 for corner in corners) and not re.fullmatch(r"[0-9.eE+-]+", texts[8])


def is_yolo_yaml(path: Path) -> bool:
    """Whether a YAML file has a line that begins the entry ``names``."""
    if path.suffix.lower() not in _YAML_ENDINGS:
        return False
    with open_file(path, limit=None) as file:
        return re.search(rb"""(^|[{,\s])["']?names["']?\s*:""", file.read(1 << 16)) is not None


def yaml_names(path: Path) -> dict[int, str]:
    """The entry ``names`` of a data.yaml: a list, or a map from the classes' numbers; names as written."""
    names = entry(read_yaml(path), "names", path)
    if names is None:
        raise BadInputError("no entry 'names'", where=str(path))
    if isinstance(names, yaml.ScalarNode) and not names.value:
        return {}
    if isinstance(names, yaml.SequenceNode):
        return {number: _yaml_name(name, path) for number, name in enumerate(names.value)}
    if not isinstance(names, yaml.MappingNode):
        raise BadInputError("'names' is neither a list nor a map", where=str(path), got=names.value[:40])
    found: dict[int, str] = {}
    for key, name in names.value:
        where = line_of(path, key.start_mark)
        # Quoted or not: programs write both.
        if not isinstance(key, yaml.ScalarNode) or not re.fullmatch(r"[0-9]{1,6}", key.value):
            got = str(key.value)[:40]
            raise BadInputError("not the number of a class", where=where, expected="0, 1, 2 …", got=got)
        if int(key.value) in found:
            raise BadInputError(f"two names of class {int(key.value)}", where=where)
        found[int(key.value)] = _yaml_name(name, path)
    return found


def yaml_lists(path: Path) -> dict[str, list[str]]:
    """What the entries ``train``, ``val``, ``valid``, ``test`` … of a data.yaml name, by the entry."""
    mapping = read_yaml(path)
    base = entry(mapping, "path", path)
    start = base.value if isinstance(base, yaml.ScalarNode) else ""
    lists: dict[str, list[str]] = {}
    for key, value in mapping.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        nodes = value.value if isinstance(value, yaml.SequenceNode) else [value]
        texts = [node.value for node in nodes if isinstance(node, yaml.ScalarNode) and node.value.strip()]
        lists[key.value] = [
            f"{start}/{text}" if start and not text.startswith("/") else text for text in texts
        ]
    return lists


def obj_data(path: Path) -> dict[str, str]:
    """The lines ``name = value`` of darknet's ``obj.data``."""
    pairs = (line.partition("=") for line in read_text(path).splitlines())
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def find_named(base: Path, name: str) -> Path | None:
    """The file or folder that a list names, where its maker had it, or as far as it lies in `base` here.

    Makers write paths of their own machine or of another folder: leading parts that lead nowhere are dropped.
    """
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("..", ".", "/")]
    for start in range(len(parts)):
        path = base.joinpath(*parts[start:])
        if path.exists():
            return path
    return None


def _near(place: Path) -> Iterator[Path]:
    """The folders in which the names of classes may lie, the nearest first."""
    here = place if place.is_dir() else place.parent
    for _ in range(_ABOVE + 1):
        yield here
        yield from (here / name for name in ("labels", "annotations") if (here / name).is_dir())
        if here == here.parent:
            return
        here = here.parent


def _yaml_files(folder: Path) -> list[Path]:
    if (folder / YAML).is_file():
        return [folder / YAML]
    files = [
        file for file in files_in(folder, within=folder, suffixes=(".yaml", ".yml")) if is_yolo_yaml(file)
    ]
    return files if len(files) == 1 else []


def _name_files(folder: Path) -> Iterator[Path]:
    data = folder / OBJ_DATA
    named = find_named(folder, obj_data(data).get("names", "")) if data.is_file() else None
    if named is not None and named.is_file():
        yield named
    yield from (folder / name for name in NAME_FILES if (folder / name).is_file())


def _yaml_name(node: yaml.Node, path: Path) -> str:
    name = node.value.strip() if isinstance(node, yaml.ScalarNode) else ""
    if not name:
        where = line_of(path, node.start_mark)
        raise BadInputError("not the name of a class", where=where, expected="a text")
    return str(name)
