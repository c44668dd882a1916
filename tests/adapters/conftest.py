"""Drawn cells: dark discs on pale ground, with their circles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bmbench.benchmark.contract.drawn_cells import circles, sample, scattered, smear
from bmbench.core.types import Annotations, Sample


@pytest.fixture(name="circles")
def _circles() -> Callable[..., Annotations]:
    return circles


@pytest.fixture(name="scattered")
def _scattered() -> Callable[..., Annotations]:
    return scattered


@pytest.fixture(name="smear")
def _smear() -> Callable[..., np.ndarray]:
    return smear


@pytest.fixture(name="sample")
def _sample() -> Callable[..., Sample]:
    return sample
