"""What a method sees of cell-like artefacts, by mode."""

import numpy as np
import pytest

from bmbench.adapters import METHODS
from bmbench.benchmark.protocol.supervision import ARTEFACT_MODES, require_artefact_mode, supervise
from bmbench.benchmark.protocol.tracks import get_track
from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.types import Role
from bmbench.datasets.synthetic.dataset import DATASET, sample

CELL, ARTEFACT, IGNORE = int(Role.CELL), int(Role.ARTEFACT), int(Role.IGNORE)


def counts(mode, track):
    smear = sample(2, size_px=256)
    supervision = supervise(DATASET.card, [smear], track=get_track(track), artefacts=mode, seed=0)
    (seen,) = supervision.view([smear])
    return np.bincount(smear.annotations.role, minlength=3), np.bincount(seen.annotations.role, minlength=3)


@pytest.mark.parametrize("track", ["weak", "precise"])
def test_artefacts_are_background_or_cells_or_a_class(track):
    drawn, background = counts("background", track)
    _, foreground = counts("foreground", track)
    _, kept = counts("class", track)
    assert min(drawn[CELL], drawn[ARTEFACT]) >= 2
    assert background.tolist() == [drawn[CELL], 0, drawn[IGNORE]]
    assert foreground.tolist() == [drawn[CELL] + drawn[ARTEFACT], 0, drawn[IGNORE]]
    assert kept.tolist() == drawn.tolist()


def test_an_artefact_kept_as_a_class_is_circled_like_a_cell():
    smear = sample(2, size_px=256)
    supervision = supervise(DATASET.card, [smear], track=get_track("weak"), artefacts="class", seed=0)
    (seen,) = supervision.view([smear])
    here = seen.annotations.role == ARTEFACT
    assert (seen.annotations.circle[here, 2] > 0).all()
    assert not any(rings for rings, artefact in zip(seen.annotations.contour, here, strict=True) if artefact)


def test_a_method_that_cannot_learn_a_class_of_artefacts_says_so():
    anchor, network = METHODS.get("blob_log"), METHODS.get("unet_shrink")
    assert [require_artefact_mode(network, mode) for mode in ARTEFACT_MODES] == list(ARTEFACT_MODES)
    with pytest.raises(BadInputError, match=r"blob_log cannot learn artefacts.*background or foreground"):
        require_artefact_mode(anchor, "class")
    with pytest.raises(UnknownNameError, match="did you mean 'class'"):
        require_artefact_mode(network, "classs")
