"""Time of weighted box clustering: twenty views of five hundred cells on one image, boxes and circles.

python benchmarks/bench_merging.py
"""

from __future__ import annotations

import time

import numpy as np

from bmbench.adapters.detection.merging.clustering import Clustering, Votes, cluster

N_VIEWS, N_CELLS, SPACING_PX, REPEATS = 20, 500, 80.0, 15


def votes(kind: str) -> Votes:
    """Cells on a shaken grid, most of them touching others, found by every view with some error."""
    rng = np.random.default_rng(0)
    n = N_VIEWS * N_CELLS
    place = np.column_stack(np.divmod(np.arange(N_CELLS), 25)) * SPACING_PX
    xy = np.repeat(place + rng.normal(0, 6, place.shape), N_VIEWS, axis=0) + rng.normal(0, 3, (n, 2))
    radius = np.repeat(rng.uniform(30, 48, N_CELLS), N_VIEWS) * np.exp(rng.normal(0, 0.08, n))
    circles = np.column_stack([xy, radius])
    boxes = np.column_stack([xy - radius[:, None], xy + radius[:, None]])
    return Votes(
        shapes=circles if kind == "circles" else boxes,
        confidence=rng.uniform(0.05, 1, n),
        label=np.zeros(n, np.int64),
        view=np.tile(np.arange(N_VIEWS), N_CELLS),
        expected=np.full(n, float(N_VIEWS)),
        centrality=np.ones(n),
    )


def main() -> None:
    for kind in ("boxes", "circles"):
        here = votes(kind)
        for iou in (0.5, 0.3, 0.1):
            times = []
            for _ in range(REPEATS):
                started = time.perf_counter()
                found = cluster(here, Clustering(iou=iou))
                times.append(1000 * (time.perf_counter() - started))
            print(
                f"{kind:8} IoU > {iou}: {len(here.confidence)} votes, {len(found.seed)} clusters, "
                f"median {np.median(times):.1f} ms, best {min(times):.1f} ms"
            )


if __name__ == "__main__":
    main()
