"""YAML from outside: no aliases, bounded size and depth, nothing constructed."""

from pathlib import Path
from typing import Any

import yaml

from bmbench.core.errors import BadInputError
from bmbench.datasets.reading.limits import read_text

LIMIT_BYTES = 1 << 20
DEPTH_LIMIT = 32
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def read_yaml(path: Path) -> yaml.MappingNode:
    """The mapping that a YAML file holds, as nodes: texts as they are written, and the line of each.

    Raises
    ------
    BadInputError
        If the file is missing, too large, no YAML, no mapping, nests too deeply, or has an alias: aliases of
        aliases expand to gigabytes, and no annotation tool writes one.
    """
    text = read_text(path, LIMIT_BYTES)
    try:
        _check_events(path, text)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        got = getattr(error, "problem", None) or str(error).splitlines()[0]
        where = line_of(path, getattr(error, "problem_mark", None))
        raise BadInputError("not valid YAML", where=where, got=got) from None
    if not isinstance(root, yaml.MappingNode):
        raise BadInputError("not a YAML mapping", where=str(path), expected="lines of name: value")
    return root


def entry(mapping: yaml.MappingNode, name: str, path: Path) -> yaml.Node | None:
    """The value of that name, None without one; BadInputError if there are two."""
    found = [(key, value) for key, value in mapping.value if key.value == name]
    if len(found) > 1:
        raise BadInputError(f"two entries {name!r}", where=line_of(path, found[1][0].start_mark))
    return found[0][1] if found else None


def line_of(path: Path, mark: Any) -> str:
    """The place of a node in a file, for errors; `mark` is None where there is none."""
    return str(path) if mark is None else f"{path}, line {mark.line + 1}"


def _check_events(path: Path, text: str) -> None:
    """Nothing, or a BadInputError for what must not be composed."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent):
            where = line_of(path, event.start_mark)
            raise BadInputError("holds an alias", where=where, expected="plain YAML")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_LIMIT:
            raise BadInputError(f"nested deeper than {DEPTH_LIMIT}", where=line_of(path, event.start_mark))
