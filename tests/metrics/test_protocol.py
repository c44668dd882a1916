"""Protocols by name."""

from __future__ import annotations

import pytest

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.metrics.protocol import resolve_protocol


def test_a_protocol_is_changed_by_name() -> None:
    assert resolve_protocol("paper", iou=None, radius_px=20.0).radius_px == 20.0
    assert resolve_protocol("paper", assignment="hungarian", ap="11").ap == "11"
    with pytest.raises(UnknownNameError, match="coco"):
        resolve_protocol("cocoo")
    with pytest.raises(BadInputError, match="greedy"):
        resolve_protocol("kainz", assignment="hungarian")
    with pytest.raises(BadInputError, match="iou"):
        resolve_protocol("paper", iou=0.0)
