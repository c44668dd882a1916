"""Where the commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> Console:
    """The terminal; as wide as it is, or 80 columns into a file."""
    from rich.console import Console

    return Console()
