"""What a run says that it learns from, and the track that holds where nobody chooses one."""

import dataclasses
import json

import numpy as np
import pytest

from bmbench.benchmark.protocol.learned_from import caution, learned_from, run_line
from bmbench.benchmark.protocol.supervision import Supervision, supervise
from bmbench.benchmark.protocol.tracks import TRACKS
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.begin_or_resume import run
from bmbench.core.dataset import SUBSETS, DatasetCard, Split
from bmbench.core.progress import Silent
from bmbench.core.types import Annotations, Role, Sample

RING = np.array([[0, 0], [8, 0], [8, 8.0]])


def image(group="a", name="a.png"):
    """Two outlines (one with a circle beside), a circle, a box, a point; an artefact, an ignored object."""
    box = np.array([[0, 0, 8, 8]] * 4 + [[3, 3, 3, 3], [0, 0, 8, 8], [0, 0, 8, 8.0]])
    annotations = Annotations.of(
        xy=(box[:, :2] + box[:, 2:]) / 2,
        box=box,
        circle=np.array([[4, 4, 4], [0, 0, 0], [4, 4, 4]] + [[0, 0, 0]] * 4, float),
        contour=((RING,), (RING,), (), (), (), (RING,), ()),
        role=np.array([Role.CELL] * 5 + [Role.ARTEFACT, Role.IGNORE]),
    )
    return Sample(
        image_id=name,
        name=name,
        width=9,
        height=9,
        group=group,
        annotations=annotations,
        load=lambda: np.zeros((9, 9, 3), np.uint8),
    )


def as_drawn(**changes):
    plain = Supervision(track=TRACKS["drawn"], artefacts="background", jitter_px=None, seed=0)
    return dataclasses.replace(plain, **changes)


def test_every_object_counts_once_with_the_most_exact_shape_that_it_has():
    learned = learned_from([image()], as_drawn())
    assert learned.shapes == {"outlines": 2, "circles": 1, "boxes": 1, "points": 1}
    assert str(learned) == (
        "2 outlines, 1 circle, 1 box and 1 point on 1 image, as drawn; "
        "left out: 1 artefacts (background), 1 ignored objects"
    )
    assert learned_from([image()], as_drawn(artefacts="class")).shapes["outlines"] == 3


def test_simulated_circles_are_called_so():
    learned = learned_from([image()], as_drawn(track=TRACKS["weak"], jitter_px=1.5, artefacts="class"))
    assert str(learned).startswith("6 circles on 1 image, simulated from outlines, circles, boxes and points")
    assert "jitter 1.50 px" in str(learned)


def test_what_was_drawn_is_what_a_method_sees():
    card = DatasetCard(
        name="x", title="", modality="", annotation="contours", licence="", citation="", radius_px=3
    )
    for name, same in (("drawn", True), ("precise", True), ("weak", False)):
        supervision = supervise(card, [image()], track=TRACKS[name], artefacts="class", seed=0)
        (seen,) = supervision.view([image()])
        assert (supervision.jitter_px is None) == same
        drawn, shown = image().annotations, seen.annotations
        assert [len(rings) for rings in shown.contour] == [same * len(rings) for rings in drawn.contour]
        if same:
            np.testing.assert_array_equal(shown.box, drawn.box)


@pytest.mark.parametrize(
    ("options", "track"),
    [
        ({"dataset": "synthetic"}, "weak"),
        ({"dataset": "cells/gt.json"}, "drawn"),
        ({"dataset": "cells/gt.json", "jitter_px": 2.0}, "weak"),
        ({"dataset": "cells/gt.json", "track": "weak"}, "weak"),
        ({"dataset": "synthetic", "track": "drawn"}, "drawn"),
    ],
)
def test_own_files_are_learned_as_drawn_and_benchmarks_as_circles(options, track):
    assert RunOptions(**options).chosen_track == track
    assert RunOptions(**options).settled().to_json()["track"] == track


def split(groups):
    parts = dict.fromkeys(SUBSETS, ()) | {
        "train": (image(),),
        "test": tuple(image(group, f"{n}.png") for n, group in enumerate(groups)),
    }
    return Split(samples=parts, radius_px=3, split_from="the maker's, from ImageSets")


def test_few_groups_are_said_to_be_few():
    assert caution(split("abcde")) == ""
    assert "of 2 groups (patients or slides)" in caution(split("aabb"))
    assert "of 1 group (patient or slide): the scores say how the method does on this one" in caution(
        split("aa")
    )
    assert "tested on 3 images:" in caution(split("abc"))


def test_the_line_says_where_split_and_groups_come_from():
    line = run_line(learned_from([image()], as_drawn()), split("aabb"))
    assert line.startswith("learned from 2 outlines")
    assert line.endswith("split: the maker's, from ImageSets; groups: 2 patients or slides")


def test_a_run_prints_and_records_what_it_learned_from(marrow, tmp_path):
    told = []

    class Heard(Silent):
        def tell(self, text):
            told.append(text)

    folder = run(
        RunOptions(
            method="blob_log", dataset=str(marrow), settings={"n_blobs": "1", "n_scales": "1"}, out=tmp_path
        ),
        Heard(),
    )
    config = json.loads((folder.path / "config.json").read_text())
    assert config["track"]["name"] == "drawn"
    assert folder.path.name.startswith("marrow-drawn-blob_log")
    cells = config["learned"]["shapes"]["outlines"]
    assert told[0].startswith(f"learned from {cells:,} outlines on 4 images, as drawn; left out: ")
    assert "split: the maker's, from its annotation files" in told[0] or "split: computed, seed 0" in told[0]
    assert told[0] in (folder.path / "log.txt").read_text()
