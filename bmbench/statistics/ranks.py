"""Orders of methods, and how two of them agree."""

import numpy as np

from bmbench.core.types import Floats, Ints


def order(value: Floats, ids: list[str]) -> Ints:
    """Rows from best to worst; undefined values last, equal ones by id."""
    keys = [
        (not np.isfinite(v), -v if np.isfinite(v) else 0.0, id_) for v, id_ in zip(value, ids, strict=True)
    ]
    return np.array(sorted(range(len(ids)), key=keys.__getitem__), np.int64)


_MANY = 100
"""Values beyond which a table of all pairs is slower than counting inversions."""


def kendall_tau(first: Floats, second: Floats) -> float | None:
    """Kendall's tau-b between two rules; None if either sees no difference at all (Kendall 1945)."""
    defined = np.isfinite(first) & np.isfinite(second)
    x, y = first[defined], second[defined]
    if len(x) < 2 or len(set(x.tolist())) < 2 or len(set(y.tolist())) < 2:
        return None
    if len(x) > _MANY:
        from scipy.stats import kendalltau

        return float(kendalltau(x, y).statistic)
    a, b = np.sign(x[:, None] - x[None, :]), np.sign(y[:, None] - y[None, :])
    agree = float((a * b).sum())
    return agree / float(np.sqrt((a * a).sum() * (b * b).sum()))
