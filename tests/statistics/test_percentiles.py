"""Percentiles of replicates."""

import numpy as np
import pytest

from bmbench.statistics.resampling import interval, percentiles


def test_interval_of_nothing_is_none() -> None:
    assert interval(np.array([np.nan, np.nan])) is None
    assert interval(np.arange(101.0)) == pytest.approx((2.5, 97.5))


def test_ranks_stay_whole_numbers() -> None:
    ranks = np.array([[1, 2], [2, 1], [1, 2], [2, 1]])
    assert set(percentiles(ranks.astype(np.int32), whole=True).ravel().tolist()) == {1, 2}
