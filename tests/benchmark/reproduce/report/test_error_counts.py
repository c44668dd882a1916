"""Errors by artefact mode, from run directories written by hand."""

import json

import numpy as np
import pytest

from bmbench.benchmark.reproduce.report.error_counts import draw_errors, error_counts, errors_table
from bmbench.core.errors import BadInputError
from tests.benchmark.whole_records import whole_config, whole_metrics, whole_scores

CAUSES = ("fp_artefact", "fp_duplicate", "fp_near", "fp_background")


def run(
    folder, mode, *, fp=(0, 0, 0, 0), fn=(0, 0), tp=10, method="unet_shrink", seed=0, data="a", **changes
):
    counts = dict(zip((*CAUSES, "fn_missed", "fn_artefact"), (*fp, *fn), strict=True))
    scores = whole_scores(**counts, tp=tp, fp=sum(fp), fn=sum(fn))
    config = whole_config(dataset="drawn", data_hash=data, method=method, artefacts=mode, seed=seed)
    path = folder / f"{method}-{mode}-{seed}-{data}"
    path.mkdir()
    (path / "config.json").write_text(json.dumps(config | changes))
    (path / "metrics.json").write_text(json.dumps(whole_metrics(cd=scores, bb=None)))
    return path


def test_seeds_are_averaged_and_modes_stand_in_their_order(tmp_path):
    runs = [
        run(tmp_path, "class", fp=(1, 2, 3, 4), fn=(2, 2)),
        run(tmp_path, "background", fp=(8, 0, 1, 0), fn=(1, 0), seed=0),
        run(tmp_path, "background", fp=(5, 0, 2, 0), fn=(3, 0), seed=1, tp=12),
    ]
    background, kept = error_counts(runs)
    assert (background.mode, background.n_runs) == ("background", 2)
    # (8 + 5) / 2, (1 + 2) / 2, (1 + 3) / 2, and false alarms (9 + 7) / 2.
    assert [background.counts[name] for name in (*CAUSES, "fn_missed", "fp")] == [6.5, 0, 1.5, 0, 2, 8]
    # tp 11, fp 8, fn 2: 22 / (22 + 8 + 2).
    assert background.f1 == 22 / 32
    assert (kept.mode, kept.counts["fn_artefact"], kept.f1) == ("class", 2, 20 / 34)


def test_folds_are_added_and_only_then_compared(tmp_path):
    """Two folds with two seeds each: means of 3 and 10, sum 13."""
    runs = [
        run(tmp_path, "background", fp=(n, 0, 0, 0), seed=seed, data=data)
        for n, seed, data in ((2, 0, "a"), (4, 1, "a"), (9, 0, "b"), (11, 1, "b"))
    ]
    (row,) = error_counts(runs)
    assert (row.counts["fp_artefact"], row.counts["tp"], row.n_runs) == (13, 20, 4)
    one_fold = run(tmp_path, "class", data="a")
    with pytest.raises(BadInputError, match="weak unet_shrink class was not run on all"):
        error_counts([*runs, one_fold])


def test_the_table_has_a_row_a_mode_and_adds_up(tmp_path):
    rows = error_counts([run(tmp_path, "foreground", fp=(6, 1, 0, 2), fn=(1, 3), tp=4)])
    head, _, line = errors_table(rows).strip().split("\n")
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    # 2 × 4 / (2 × 4 + 9 + 4) = 0.381
    assert cells == ["weak", "unet_shrink", "cells", "1", "6", "1", "0", "2", "9", "1", "3", "4", "0.381"]
    assert head.count("|") == line.count("|")


def test_what_cannot_be_counted_together_is_refused(tmp_path):
    one = run(tmp_path, "background")
    other = run(tmp_path, "class", dataset="another")
    with pytest.raises(BadInputError, match="several data sets"):
        error_counts([one, other])
    with pytest.raises(BadInputError, match="not scored by bb"):
        error_counts([one], geometry="bb")
    with pytest.raises(BadInputError, match="no run is named"):
        error_counts([])
    (one / "metrics.json").unlink()
    with pytest.raises(BadInputError, match="not a finished run"):
        error_counts([one])


def bars(path, colour):
    """Pixels of one colour in each half of the figure."""
    from PIL import Image

    picture = np.asarray(Image.open(path).convert("RGB")).astype(int)
    hit = np.abs(picture - np.array(colour)).max(axis=2) < 6
    middle = picture.shape[1] * 6 // 10
    bottom = picture.shape[0] * 2 // 3
    return int(hit[:bottom, :middle].sum())


def test_the_figure_shows_counts_as_areas(tmp_path):
    """Grey bars of background errors, 30 against 10 of them: three times the area."""
    runs = [
        run(tmp_path, "background", fp=(0, 0, 0, 30)),
        run(tmp_path, "class", fp=(20, 0, 0, 10)),
    ]
    rows = error_counts(runs)
    for number, row in enumerate(rows):
        # The other row is there in both pictures, so that the axes are the same.
        blank = {**rows[1 - number].counts, **dict.fromkeys(CAUSES, 0), "fp_artefact": 30}
        draw_errors(
            tmp_path / f"{number}.png", [row, type(row)(**{**_fields(rows[1 - number]), "counts": blank})]
        )
    large, small = (bars(tmp_path / f"{number}.png", (191, 191, 191)) for number in (0, 1))
    assert large == pytest.approx(3 * small, rel=0.1)


def _fields(row):
    return {name: getattr(row, name) for name in ("track", "method", "mode", "n_runs", "counts")}


def test_the_command_writes_table_and_figure(bmbench, tmp_path):
    runs = [run(tmp_path, mode, fp=(6, 1, 0, 2), fn=(1, 3)) for mode in ("background", "foreground", "class")]
    answer = bmbench("artefacts", *runs, "--out", tmp_path / "out")
    assert answer.code == 0
    assert (tmp_path / "out" / "artefacts.md").read_text() in answer.out
    assert (tmp_path / "out" / "artefacts.png").read_bytes().startswith(b"\x89PNG")
    assert bmbench("artefacts", runs[0], "--match", "boxes").code == 2
