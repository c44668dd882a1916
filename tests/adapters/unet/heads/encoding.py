"""A head's target of one image, and three circles of which two touch."""

import dataclasses

from bmbench.benchmark.contract.drawn_cells import circles

TOUCHING = circles((16.0, 20.0, 8.0), (30.0, 20.0, 8.0), (24.0, 38.0, 7.0))


def encoded(head, settings, annotations, *, side=48, **changes):
    """The head with these changes, and what it is taught of a square image."""
    head = dataclasses.replace(head, **changes)
    return head, head.encode(annotations, (side, side), settings)
