"""The README as the package index shows it: its links and pictures lead to this version of the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)\s]+)\)")


class ReadmeHook(MetadataHookInterface):
    """Hands hatchling the README with absolute addresses."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the long description."""
        root = Path(self.root)
        text = (root / "README.md").read_text("utf-8")
        code = (root / "bmbench" / "__init__.py").read_text("utf-8")
        version = re.search(r'^__version__ = "([^"]+)"', code, re.M)
        assert version is not None
        source = metadata["urls"]["Source"]
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": absolute(text, source=source, version=version[1]),
        }


def absolute(text: str, *, source: str, version: str) -> str:
    """A Markdown text whose relative links lead to the repository: pictures to their bytes."""

    def lead(found: re.Match[str]) -> str:
        picture, words, target = found.groups()
        return f"{picture}[{words}]({source}/{'raw' if picture else 'blob'}/v{version}/{target})"

    return LINK.sub(lead, text)
