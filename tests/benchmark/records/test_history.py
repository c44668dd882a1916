"""What a training did: every report is a row, the kept step is marked, a resumed run has the same file."""

from __future__ import annotations

import math

import pytest

from bmbench.benchmark.drawing.figures import draw_history
from bmbench.benchmark.records.history import COLUMNS, FitHistory, HistoryRow, read_history, write_history
from bmbench.core.errors import BadInputError


def told(fit, losses, **more):
    history = FitHistory(fit=fit)
    for step, loss in losses:
        history(step, loss, **more)
    return history


def test_the_step_of_the_least_validation_loss_is_the_best_and_the_first_of_equal_ones():
    rows = told("final", [(10, 0.5), (20, 0.25), (30, 0.25), (40, 0.75)]).marked()
    assert [row.step for row in rows if row.best] == [20]


def test_without_validation_images_the_last_step_is_kept():
    rows = told("final", [(10, None), (20, None)], training_loss=0.5).marked()
    assert [row.best for row in rows] == [False, True]


def test_what_was_written_is_read_again(tmp_path):
    write_history(tmp_path, told("first", [(10, 0.5), (20, 0.25)], training_loss=0.125, learning_rate=1e-3))
    write_history(tmp_path, told("final", [(10, None)]))
    assert read_history(tmp_path) == [
        HistoryRow(fit="first", step=10, training_loss=0.125, validation_loss=0.5, learning_rate=1e-3),
        HistoryRow(
            fit="first", step=20, training_loss=0.125, validation_loss=0.25, learning_rate=1e-3, best=True
        ),
        HistoryRow(fit="final", step=10, best=True),
    ]
    assert (tmp_path / "history.csv").read_text().splitlines()[:2] == [
        ",".join(COLUMNS),
        "first,10,0.125,0.5,0.001,0",
    ]


def test_a_training_that_is_done_again_takes_the_place_of_its_rows(tmp_path):
    for _ in range(2):
        write_history(tmp_path, told("final", [(10, 0.5)]))
    assert len(read_history(tmp_path)) == 1


def test_a_method_that_reports_nothing_leaves_the_head_and_no_older_history_is_lost(tmp_path):
    write_history(tmp_path)
    assert (tmp_path / "history.csv").read_text() == ",".join(COLUMNS) + "\n"
    write_history(tmp_path, told("final", [(10, 0.5)]))
    write_history(tmp_path)
    assert len(read_history(tmp_path)) == 1
    assert read_history(tmp_path / "nowhere") == []


def test_numbers_that_are_none_are_empty_and_whole_numbers_of_other_types_are_taken(tmp_path):
    import numpy as np

    history = FitHistory(fit="final")
    history(np.int64(3), np.float32(0.5), training_loss=math.nan)
    assert history.marked() == [HistoryRow(fit="final", step=3, validation_loss=0.5, best=True)]


@pytest.mark.parametrize(("text", "said"), [
    ("a,b\n", "not the history of a run"),
    (",".join(COLUMNS) + "\nfinal,x,,,,0\n", "line 2: not a line of a history"),
    (",".join(COLUMNS) + "\nfinal,1\n", "line 2: not a line of a history"),
])  # fmt: skip
def test_a_damaged_file_is_named(tmp_path, text, said):
    (tmp_path / "history.csv").write_text(text)
    with pytest.raises(BadInputError, match=said):
        read_history(tmp_path)


@pytest.mark.parametrize(
    "losses", [[(10, 0.5)], [(10, 0.5), (20, 0.25), (30, 0.3)], [(10, None), (20, None)]]
)
def test_every_history_can_be_drawn(tmp_path, losses):
    rows = [*told("first", losses, training_loss=0.4).marked(), *told("final", losses).marked()]
    draw_history(tmp_path / "curve.png", rows, title="x")
    draw_history(tmp_path / "again.png", rows, title="x")
    assert (tmp_path / "curve.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_a_run_has_a_history_and_its_curve(bmbench, marrow, tmp_path):
    bmbench("run", "--method", "blob_log", "--dataset", marrow, "--set", "n_blobs=2", "--out", tmp_path)
    (run,) = tmp_path.iterdir()
    rows = read_history(run)
    assert [(row.fit, row.step) for row in rows] == [("final", 1), ("final", 2), ("final", 3)]
    assert rows[-1].training_loss == min(row.training_loss for row in rows)
    assert (run / "curve.png").is_file()
