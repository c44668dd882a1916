"""Layers that networks of several families have."""

from __future__ import annotations

from torch import nn


def group_normalisation(width: int) -> nn.Module:
    """Group normalisation of that many channels, in groups of about eight."""
    return nn.GroupNorm(max(groups for groups in range(1, width // 8 + 2) if width % groups == 0), width)
