"""Weighted box clustering and overlaps once more, one pair at a time, from the formulas of the paper."""

import math


def iou(a, b):
    inside = shared(a, b)
    union = size(a) + size(b) - inside
    return inside / union if union > 0 else 0.0


def size(shape):
    if len(shape) == 3:
        return math.pi * shape[2] ** 2
    return (shape[2] - shape[0]) * (shape[3] - shape[1])


def shared(a, b):
    if len(a) == 4:
        wide = min(a[2], b[2]) - max(a[0], b[0])
        high = min(a[3], b[3]) - max(a[1], b[1])
        return max(wide, 0) * max(high, 0)
    (x, y, r), (u, v, s) = a, b
    d = math.hypot(x - u, y - v)
    if d >= r + s:
        return 0.0
    if d <= abs(r - s):
        return math.pi * min(r, s) ** 2
    # Sector minus triangle on either side of the chord, whose distance from the first centre is h.
    h = (d * d + r * r - s * s) / (2 * d)
    half = math.sqrt(max(r * r - h * h, 0))
    return r * r * math.atan2(half, h) + s * s * math.atan2(half, d - h) - d * half


def weighted_box_clustering(votes, *, threshold, floor=0.0):
    """[(shape, confidence)] of votes (shape, confidence, label, view, expected, centrality), best first."""
    free = sorted(votes, key=lambda vote: (-vote[1], vote[0], vote[2], vote[3]))
    clusters = []
    while free:
        seed = free[0]
        mine = [
            vote
            for rank, vote in enumerate(free)
            if rank == 0 or (vote[2] == seed[2] and iou(seed[0], vote[0]) > threshold)
        ]
        free = [vote for vote in free if all(vote is not taken for taken in mine)]
        weight = [iou(seed[0], v[0]) * size(v[0]) * v[5] for v in mine]
        found = len({v[3] for v in mine})
        missing = max(0.0, sum(v[4] for v in mine) / len(mine) - found)
        votes_for = sum(v[1] * w for v, w in zip(mine, weight, strict=True))
        confidence = votes_for / (sum(weight) + missing * sum(weight) / len(weight))
        if confidence > floor:
            place = [
                sum(v[0][c] * v[1] * w for v, w in zip(mine, weight, strict=True)) / votes_for
                for c in range(len(seed[0]))
            ]
            clusters.append((place, confidence))
    return sorted(clusters, key=lambda cluster: -cluster[1])
