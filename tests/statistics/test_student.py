"""Student's t and the logit, against SciPy."""

from statistics import NormalDist

import numpy as np
import pytest
from scipy import special

from bmbench.statistics.student import NORMAL, logit, share_of, t_below, t_quantile


@pytest.mark.parametrize("df", [1.0, 1.3, 2.0, 3.7, 7.0, 21.5, 60.0, 1_000.0, 1e6])
@pytest.mark.parametrize("p", [0.5, 0.55, 0.9, 0.975, 0.999, 1 - 1e-7])
def test_the_quantile_is_scipys(df, p):
    assert t_quantile(p, df) == pytest.approx(special.stdtrit(df, p), rel=1e-8, abs=1e-12)


def test_the_written_quantiles_of_the_normal_distribution_are_those_of_the_standard_library():
    assert {p: NormalDist().inv_cdf(p) for p in NORMAL} == NORMAL


@pytest.mark.parametrize("df", [1.0, 2.5, 40.0])
def test_the_distribution_is_scipys(df):
    for t in np.linspace(0, 30, 40):
        assert t_below(t, df) == pytest.approx(special.stdtr(df, t), abs=1e-13)


def test_the_logit_is_scipys():
    for share in (1e-9, 0.1, 0.5, 0.999):
        assert logit(share) == pytest.approx(special.logit(share))
        assert share_of(logit(share)) == pytest.approx(share, rel=1e-6)
    assert (share_of(-800.0), share_of(800.0)) == (0.0, 1.0)
