"""Weighted box clustering (Jaeger et al., Retina U-Net, arXiv 1811.08661, 2018), for boxes and circles.

Several views of one image (models, mirror images, tiles) each give predictions. From the most confident one
down, a prediction that is still free becomes the seed of a cluster: itself and all free ones that overlap it
by more than a threshold. With the weights

    w_i = overlap with the seed (IoU) × area × how central in its tile

a cluster becomes one prediction with

    confidence = Σ s_i w_i / (Σ w_i + missing × mean w)        place = Σ s_i w_i c_i / Σ s_i w_i

where `missing` is the number of views that could have seen the object and say nothing of it: each votes with
confidence 0 and mean weight.
"""

from dataclasses import dataclass

import numpy as np

from bmbench.adapters.detection.merging.overlaps import area, enlarged, shared_area
from bmbench.adapters.detection.merging.suppression import by_confidence, taken_by
from bmbench.core.types import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustering:
    """Settings of weighted box clustering.

    Attributes
    ----------
    iou : float
        A cluster holds what overlaps its seed by more than this. The toolkit of Jaeger et al. has 1e-5, for
        sparse nodules; there touching cells become one.
    floor : float
        Clusters of at most this confidence are dropped (0.01 in that toolkit; it cuts off the tail of a
        precision-recall curve).
    missing : float
        Weight of a view that says nothing: 1 in the paper, 0 to let silence not count.
    by_area : float
        Exponent of the area in the weight: 1 in the paper, 0 for none.
    pixel_offset : float
        Added to the sides of boxes before overlaps and areas are measured (1 in that toolkit).
    """

    iou: float = 0.5
    floor: float = 0.0
    missing: float = 1.0
    by_area: float = 1.0
    pixel_offset: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Votes:
    """Predictions of several views of one image, in the image's own pixels.

    Attributes
    ----------
    shapes : (n, 4) boxes or (n, 3) circles, pixels
    confidence : (n,) float64 in [0, 1]
    label : (n,) int64
        What each vote calls it; a cluster is called what most of its weight calls it.
    view : (n,) int64
        Which view it comes from; a view counts once, however often it found the object.
    expected : (n,) float64
        How many views could have found it.
    centrality : (n,) float64
        How central in its tile it lies: see `bmbench.adapters.detection.views.centrality`.
    kind : (n,) int64, or None
        Only votes of the same kind form a cluster; None: of the same label.
    """

    shapes: Floats
    confidence: Floats
    label: Ints
    view: Ints
    expected: Floats
    centrality: Floats
    kind: Ints | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clusters:
    """One row a cluster, most confident first.

    Attributes
    ----------
    shapes, confidence, label
        Of the cluster as a whole.
    seed : (k,) int64
        Row of the vote that the cluster grew from.
    """

    shapes: Floats
    confidence: Floats
    label: Ints
    seed: Ints


def cluster(votes: Votes, settings: Clustering) -> Clusters:
    """The clusters of all votes. Shapes without area weigh nothing."""
    order = by_confidence(votes.shapes, votes.confidence, votes.label, votes.view)
    kind = votes.label if votes.kind is None else votes.kind
    measured = enlarged(votes.shapes[order], settings.pixel_offset)
    owner = taken_by(measured, iou=settings.iou, label=kind[order])
    seeds, member = np.unique(owner, return_inverse=True)
    s = votes.confidence[order]
    w = _overlap(measured, measured[owner]) * area(measured) ** settings.by_area * votes.centrality[order]

    def total(values: Floats) -> Floats:
        # Of nothing, bincount gives whole numbers.
        return np.bincount(member, weights=values, minlength=len(seeds)).astype(np.float64)

    size = total(np.ones(len(s)))
    missing = np.maximum(total(votes.expected[order]) / size - _views(votes.view[order], member), 0)
    weight, belief = total(w), total(s * w)
    weight = weight + settings.missing * missing * weight / size
    confidence = np.divide(belief, weight, out=np.zeros_like(belief), where=weight > 0)
    kept = np.flatnonzero(confidence > settings.floor)
    columns = [total(s * w * column)[kept] / belief[kept] for column in votes.shapes[order].T]
    rank = kept[by_confidence(np.column_stack(columns), confidence[kept])]
    return Clusters(
        shapes=np.column_stack(columns)[np.searchsorted(kept, rank)],
        confidence=confidence[rank],
        label=_elected(votes.label[order], member, s * w)[rank],
        seed=order[seeds[rank]],
    )


def _overlap(one: Floats, other: Floats) -> Floats:
    """(n,) intersection over union of shape i with shape i; 0 for two without area."""
    shared = shared_area(one, other)
    union = area(one) + area(other) - shared
    iou: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return iou


def _elected(label: Ints, member: Ints, weight: Floats) -> Ints:
    """(k,) label of the most weight in each cluster; of equal ones the lowest."""
    names, ballot = np.unique(label, return_inverse=True)
    polls = np.zeros((member.max(initial=-1) + 1, max(len(names), 1)))
    np.add.at(polls, (member, ballot), weight)
    elected: Ints = names[polls.argmax(axis=1)] if len(names) else label
    return elected


def _views(view: Ints, member: Ints) -> Ints:
    """(k,) number of different views in each cluster."""
    number = np.unique(view, return_inverse=True)[1]
    distinct = np.unique(member * (number.max(initial=0) + 1) + number, return_index=True)[1]
    counts: Ints = np.bincount(member[distinct])
    return counts
