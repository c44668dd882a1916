"""Files damaged on purpose: bytes, JSON, XML, tables, archives and images, each as its readers know it.

`mutated` takes a good file and a generator and gives back another one; the same generator gives the same
bytes. The structure is kept more often than not: a reader that refuses the first byte is never tried further.
"""

from __future__ import annotations

import io
import json
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

Mutation = Callable[[bytes, random.Random], bytes]

NUMBERS = (
    "0", "-1", "1", "255", "256", "65535", "65536", "2147483647", "2147483648", "4294967295",
    "9223372036854775807", "18446744073709551616", "1e9", "1e18", "-1e18", "1e308", "1e309", "-0.0", "0.5",
    "NaN", "Infinity", "-Infinity", "1e-320", "9" * 400, "00", "1.", ".5", "0x10", "١",
)  # fmt: skip
TEXTS = (
    "", " ", "\t", "x" * 300, "ä" * 200, "../../etc/passwd", "/proc/self/environ", "C:\\a", "a/" * 80,
    "\\ud800", "\x00", "\ufeff", "\u202e", "=1+1", "cell", "artefact", "%s%n", "{}", "nan", "None",
    "💩",
)  # fmt: skip
TOKENS = (
    *NUMBERS, *TEXTS, "{", "}", "[", "]", ",", ":", '"', "'", "\\", "<", ">", "</a>", "&", "&amp;", "&#0;",
    "<![CDATA[", "<!--", "- ", "? ", "*a", "&a ", "!!int ", "|", "\n", "\r", "\n" * 200, " " * 200, "null",
    "true", "[" * 200, '{"a":' * 200, "<a>" * 50,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, 1e9, 1e18, -1e300, 10**30, 2**63, "x" * 300, "1", "\ud800", "a\x00b",
    [], {}, [[]], [None], [0, 0], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6], [[1, 2], [3, 4], [5, 6]], {"a": 1},
)  # fmt: skip


def mutated(data: bytes, name: str, generator: random.Random) -> bytes:
    """Another file than that of these bytes; `name` says by its ending what it is."""
    kinds = next((kinds for ending, kinds in KINDS.items() if name.endswith(ending)), (bytes_changed,))
    for _ in range(generator.choice((1, 1, 1, 2, 3))):
        try:
            data = generator.choice(kinds)(data, generator)
        except Exception:  # noqa: BLE001 (what a second mutation cannot read any more)
            data = bytes_changed(data, generator)
    return data[: 1 << 20]


def bytes_changed(data: bytes, generator: random.Random) -> bytes:
    """A bit turned, a part cut out, doubled, turned round or replaced, the end cut off."""
    if not data:
        return bytes(generator.randrange(256) for _ in range(generator.randrange(8)))
    place, end = sorted(generator.randrange(len(data) + 1) for _ in range(2))
    choice = generator.randrange(7)
    if choice == 0:
        place = generator.randrange(len(data))
        new, end = bytes([data[place] ^ (1 << generator.randrange(8))]), place + 1
    elif choice == 1:
        end = place + generator.choice((1, 2, 4, 8))
        new = bytes(generator.randrange(256) for _ in range(end - place))
    elif choice == 2:
        new, end = b"", min(end, place + 64)
    elif choice == 3:
        new = data[place:end] * 2
    elif choice == 4:
        new, end = b"", len(data)
    elif choice == 5:
        kind = generator.choice(("<H", ">H", "<I", ">I", "<Q"))
        most = 2 ** (8 * struct.calcsize(kind)) - 1
        new = struct.pack(kind, generator.choice((0, 1, most, most // 2, most // 2 + 1, 130_000 & most)))
        end = place + len(new)
    else:
        new = data[place:end][::-1]
    return data[:place] + new + data[end:]


def token_put_in(data: bytes, generator: random.Random) -> bytes:
    """A word that means something to some parser, somewhere."""
    token = generator.choice(TOKENS).encode("utf-8", "surrogatepass")
    place = generator.randrange(len(data) + 1)
    return data[:place] + token + data[place + generator.choice((0, 0, len(token))) :]


def number_replaced(data: bytes, generator: random.Random) -> bytes:
    """One of the numbers in a text, another one."""
    places = list(re.finditer(rb"-?[0-9]+(\.[0-9]+)?", data))
    here = generator.choice(places)
    return data[: here.start()] + generator.choice(NUMBERS).encode() + data[here.end() :]


def line_changed(data: bytes, generator: random.Random) -> bytes:
    """A line left out, doubled, moved, or one of its cells replaced."""
    lines = data.split(b"\n")
    row, other = generator.randrange(len(lines)), generator.randrange(len(lines))
    choice = generator.randrange(4)
    if choice == 0:
        del lines[row]
    elif choice == 1:
        lines.insert(other, lines[row])
    elif choice == 2:
        lines[row], lines[other] = lines[other], lines[row]
    else:
        cells = re.split(rb"([ ,;:])", lines[row])
        cells[generator.randrange(len(cells))] = generator.choice(TEXTS + NUMBERS).encode()
        lines[row] = b"".join(cells)
    return b"\n".join(lines)


def json_edited(data: bytes, generator: random.Random) -> bytes:
    """One node of a JSON value replaced, removed, doubled, renamed, retyped, or put deeper."""
    value = json.loads(data)
    nodes = list(_nodes(value))
    holder, key = generator.choice(nodes)
    choice = generator.randrange(8)
    if choice <= 2:
        holder[key] = generator.choice(VALUES)
    elif choice == 3:
        del holder[key]
    elif choice == 4 and isinstance(holder, list):
        holder.insert(0, holder[key])
    elif choice == 4:
        holder[generator.choice((*TEXTS[:8], *holder))] = holder.pop(key)
    elif choice == 5:
        other, its = generator.choice(nodes)
        holder[key] = other[its]
    elif choice == 6:
        holder[key] = [holder[key]] if generator.random() < 0.5 else {"a": holder[key]}
    else:
        holder[key] = str(holder[key]) if not isinstance(holder[key], str) else len(holder[key])
    text = json.dumps(value, ensure_ascii=generator.random() < 0.8, allow_nan=True)
    if generator.random() < 0.1:
        # A key that stands twice, which no value can hold.
        text = text.replace('{"', f'{{{json.dumps(str(key))}: 1, "', 1)
    return text.encode("utf-8", "surrogatepass")


def _nodes(value: Any, depth: int = 0) -> Any:
    if depth > 40:
        return
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(pairs):
        yield value, key
        yield from _nodes(inner, depth + 1)


def xml_edited(data: bytes, generator: random.Random) -> bytes:
    """One attribute or text of an XML file replaced; one element removed, doubled, renamed or nested."""
    choice = generator.randrange(4)
    if choice == 0:
        here = generator.choice(list(re.finditer(rb'(?<==")[^"]*(?=")|(?<=>)[^<>]+(?=<)', data)))
        return data[: here.start()] + generator.choice(TEXTS + NUMBERS).encode() + data[here.end() :]
    if choice == 1:
        here = generator.choice(list(re.finditer(rb"<(\w+)[^<>]*/>|<(\w+)[^<>]*>[^<>]*</\2>", data)))
        copies = generator.choice((0, 2, 3))
        return data[: here.start()] + here[0] * copies + data[here.end() :]
    tags = list(re.finditer(rb"(?<=<)/?\w+", data))
    here, other = generator.choice(tags), generator.choice(tags)
    if choice == 2:
        return data[: here.start()] + other[0] + data[here.end() :]
    deep = generator.choice((1, 30, 40, 2000))
    return data[: here.start() - 1] + b"<b>" * deep + b"</b>" * deep + data[here.start() - 1 :]


def zip_edited(data: bytes, generator: random.Random) -> bytes:
    """One member of a zip damaged, renamed, doubled or taken out, and the archive made whole again."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    row = generator.randrange(len(members))
    name, content = members[row]
    choice = generator.randrange(5)
    if choice <= 2:
        members[row] = name, bytes_changed(content, generator)
    elif choice == 3:
        members[row] = generator.choice(TEXTS[3:9]) + name, content
    else:
        del members[row]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, content) in enumerate(members):
            archive.writestr(zipfile.ZipInfo(name or str(number)), content)
    return out.getvalue()


def png_edited(data: bytes, generator: random.Random) -> bytes:
    """One chunk of a PNG damaged, left out or doubled, with its checksum made right again."""
    chunks, place = [], 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + length]))
        place += 12 + length
    row = generator.randrange(len(chunks))
    kind, content = chunks[row]
    choice = generator.randrange(5)
    if choice == 0 and kind == b"IDAT":
        chunks[row] = kind, zlib.compress(bytes_changed(zlib.decompress(content), generator))
    elif choice <= 2:
        chunks[row] = kind, bytes_changed(content, generator)
    elif choice == 3:
        chunks.insert(row, chunks[row])
    else:
        del chunks[row]
    out = data[:8]
    for kind, content in chunks:
        out += (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )
    return out


_TEXT = (token_put_in, number_replaced, line_changed, bytes_changed)
KINDS: dict[str, tuple[Mutation, ...]] = {
    "json": (json_edited, json_edited, json_edited, number_replaced, token_put_in, bytes_changed),
    ".xml": (xml_edited, xml_edited, number_replaced, token_put_in, bytes_changed),
    ".csv": _TEXT,
    ".txt": _TEXT,
    ".yaml": _TEXT,
    ".zip": (zip_edited, zip_edited, bytes_changed),
    ".png": (png_edited, png_edited, bytes_changed),
}
"""Ending of a file's name → what is done to it."""
