"""XML from outside: no document type, no entities, bounded size and depth."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from bmbench.core.errors import BadInputError
from bmbench.datasets.reading.limits import read_limited

LIMIT_BYTES = 512 << 20
DEPTH_LIMIT = 32


def read_xml(path: Path) -> ElementTree.Element:
    """The root element of an XML file.

    Raises
    ------
    BadInputError
        If the file is missing, too large, no XML, nests too deeply, or declares a document type: an entity
        can expand to gigabytes or name another file, and no annotation tool writes one.
    """
    data = read_limited(path, LIMIT_BYTES)
    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH_LIMIT:
            raise BadInputError(f"elements nested deeper than {DEPTH_LIMIT}", where=str(path))
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag)

    # Asked of the parser and not of the bytes: a search is fooled by another encoding.
    def refuse(*_: Any) -> None:
        raise BadInputError("holds a document type definition", where=str(path), expected="plain XML")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise BadInputError("not valid XML", where=str(path), got=str(error)) from None
    root: ElementTree.Element = builder.close()
    return root
