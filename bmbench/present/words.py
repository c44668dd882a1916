"""Numbers in sentences."""

from __future__ import annotations


def many(n: int, word: str) -> str:
    """A count with its noun, "1 seed" or "3 seeds"."""
    return f"{n:,} {word}" if n == 1 else f"{n:,} {word}s"
