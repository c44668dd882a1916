"""Formats of other packages: looked over when they are loaded."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bmbench.core.errors import BadInputError, BmbenchError, RunFailedError
from bmbench.core.plugins import Origin, PluginError, first_line
from bmbench.datasets.formats.codec import Codec, Content, Left


def adopt_codec(entry: Any, name: str, origin: Origin) -> Codec:
    """The format of another package as bmbench uses it: what it raises is one sentence with the file.

    Raises
    ------
    PluginError
        If it is none, or has another name than the one that it is offered under.
    """
    said = f"the format {name!r} of {origin.who}"
    if not isinstance(entry, Codec):
        got = type(entry).__name__
        raise PluginError(
            f"{said} is no Codec", got=got, remedy="make one as bmbench.datasets.formats.codec says"
        )
    if entry.name != name:
        raise PluginError(f"{said} calls itself {entry.name!r}", remedy="give both one name")

    def read(path: Path, images: Path | None) -> Content:
        try:
            content = entry.read(path, images)
        except BmbenchError:
            raise
        except Exception as error:
            raise BadInputError(f"{said} cannot read it ({first_line(error)})", where=str(path)) from error
        if not isinstance(content, Content):
            raise BadInputError(
                f"{said} gives a {type(content).__name__}, expected a Content", where=str(path)
            )
        return content

    def write(path: Path, content: Content) -> Sequence[Left]:
        try:
            return () if entry.write is None else entry.write(path, content)
        except BmbenchError:
            raise
        except Exception as error:
            raise RunFailedError(f"{path}: {said} cannot write it ({first_line(error)})") from error

    return dataclasses.replace(entry, read=read, write=None if entry.write is None else write)
