"""Differences that a test set can show, by hand."""

import pytest

from bmbench.statistics.planning import detectable, detectable_differences


def test_detectable_difference_by_hand():
    # 1.96 + 0.8416 = 2.8016 standard errors.
    assert detectable(0.01, 0.05) == pytest.approx(0.028016, abs=1e-5)
    found = detectable_differences(0.01, n_units=22, n_pairs=10)
    # (2.8016 points / 1 point)² × 22 = 172.7
    assert found.units_for_a_point == 173
    assert detectable_differences(0.0, n_units=22, n_pairs=10) is None
