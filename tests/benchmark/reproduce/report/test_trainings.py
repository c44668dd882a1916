"""What the trainings of a study did, as its report shows it."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bmbench.benchmark.records.history import FitHistory, write_history
from bmbench.benchmark.reproduce.report import figures, mappings
from bmbench.benchmark.reproduce.report.figures import draw_trainings
from bmbench.benchmark.reproduce.report.runs import Key


def run_with(folder, *losses):
    folder.mkdir()
    history = FitHistory(fit="final")
    for step, loss in enumerate(losses, start=1):
        history(10 * step, loss)
    write_history(folder, history)
    return SimpleNamespace(predictions=folder / "predictions.json")


def test_a_panel_a_method_and_nothing_where_none_reports(tmp_path):
    one = Key("weak", "background", "unet_shrink")
    other = Key("weak", "background", "blob_log")
    rows = {one: (run_with(tmp_path / "a", 1.0, 0.5), run_with(tmp_path / "b", 0.9, 0.4)), other: ()}
    path = tmp_path / "trainings.png"
    assert draw_trainings(path, rows, title="weak annotations")
    first = path.read_bytes()
    assert draw_trainings(path, rows, title="weak annotations")
    assert path.read_bytes() == first
    silent = {other: (run_with(tmp_path / "c"),)}
    assert not draw_trainings(tmp_path / "none.png", silent, title="weak annotations")
    assert not (tmp_path / "none.png").exists()


def test_a_step_is_a_whole_number_where_one_alone_is_told(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "save_figure", lambda _, figure: drawn.append(figure))
    rows = {Key("weak", "background", "unet_shrink"): (run_with(tmp_path / "a", 1.2),)}
    draw_trainings(tmp_path / "one.png", rows, title="")
    drawn[0].draw_without_rendering()
    (panel,) = drawn[0].axes
    assert all(tick == round(tick) for tick in panel.get_xticks())


def test_the_legend_of_one_encoding_lies_inside_its_picture(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(mappings, "save_figure", lambda _, figure: drawn.append(figure))
    monkeypatch.setattr(mappings, "_card", lambda _: {"encoding": {}})
    monkeypatch.setattr(mappings, "_draw", lambda *_: None)
    cell = SimpleNamespace()
    mappings.draw_mappings(
        tmp_path / "one.png", SimpleNamespace(run=lambda _: tmp_path), {"unet_shrink": cell}
    )
    drawn[0].draw_without_rendering()
    legend = drawn[0].legends[0].get_window_extent()
    assert drawn[0].bbox.x0 <= legend.x0 < legend.x1 <= drawn[0].bbox.x1


@pytest.mark.usefixtures("full_pictures")
def test_losses_that_hardly_change_lie_inside_their_panel(tmp_path):
    rows = {Key("weak", "background", "unet_shrink"): (run_with(tmp_path / "a", 1.166, 1.164),)}
    path = tmp_path / "trainings.png"
    draw_trainings(path, rows, title="")
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    blue = np.argwhere((pixels[..., 2] > pixels[..., 0] + 60) & (pixels[..., 2] > 100))
    dot = blue[blue[:, 1] <= blue[:, 1].min() + 8]
    # The dot of the first one is whole: as high as it is wide.
    assert abs(np.ptp(dot[:, 0]) - 8) <= 1
