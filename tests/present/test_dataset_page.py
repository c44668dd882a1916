"""The page of a data set: its pictures, every class, every fault."""

import numpy as np
import pytest

from bmbench.core.dataset import Split
from bmbench.core.progress import Silent
from bmbench.core.types import CELL, Annotations, Category, Sample
from bmbench.datasets import DATASETS
from bmbench.datasets.describe.faults import find_faults
from bmbench.datasets.describe.measures import measure
from bmbench.datasets.splits.balanced import balance
from bmbench.datasets.splits.leakage import pictures_of
from bmbench.present import dataset_page
from bmbench.present.dataset_page import write_page

CATEGORIES = (CELL, Category(id=2, name="platelet"))


def boxes(*rows):
    box = np.array(rows, float).reshape(-1, 4)
    return Annotations.of(xy=(box[:, :2] + box[:, 2:]) / 2, box=box, label=np.zeros(len(box), int))


def sample(name, annotations):
    pixels = np.random.default_rng(3).integers(0, 255, (80, 100, 3)).astype(np.uint8)
    return Sample(
        image_id=name,
        name=name,
        width=100,
        height=80,
        group=name,
        annotations=annotations,
        load=lambda: pixels,
    )


def test_the_page_holds_its_pictures_and_every_fault(tmp_path):
    split = Split(
        samples={"train": (sample("a<b>", boxes([10, 10, 30, 30], [11, 10, 31, 30])),)},
        radius_px=5,
        categories=CATEGORIES,
    )
    samples = split.samples["train"]
    faults = find_faults(split, tuple(pictures_of(samples, Silent()).values()))
    path = tmp_path / "p.html"
    card = DATASETS.get("synthetic").card
    write_page(path, card, split, table=balance(split.samples, 2), measures=measure(split), faults=faults)
    text = path.read_text()
    assert text.count("data:image/png;base64,") == 2
    assert "a&lt;b&gt;: cell at (20.0, 20.0)" in text
    assert "a<b>" not in text


def test_a_page_shows_every_class_and_every_point(tmp_path, monkeypatch):
    kinds = tuple(Category(id=number, name=f"kind {number}") for number in range(9))
    side = np.arange(10, 19.0)
    box = np.column_stack([side * 0 + 5, side * 0 + 5, side + 5, side + 5])
    box[0] = (50, 40, 50, 40)
    marks = Annotations.of(xy=(box[:, :2] + box[:, 2:]) / 2, box=box, label=np.arange(9))
    split = Split(samples={"train": (sample("a", marks),)}, radius_px=5, categories=kinds)
    monkeypatch.setattr(dataset_page, "_png", lambda figure, dpi=0: figure)
    figure = dataset_page.histograms(measure(split), [kind.name for kind in kinds], 5)
    drawn = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert [text.split(" (")[0] for text in drawn] == [kind.name for kind in kinds[1:]]
    assert len({(str(p.get_edgecolor()), str(p.get_linestyle())) for p in figure.axes[0].patches}) == 8
    lines = [
        path.vertices
        for group in dataset_page.examples(split).axes[0].collections
        for path in group.get_paths()
    ]
    on_point = [line for line in lines if (line.mean(axis=0) == (50, 40)).all()]
    assert len(on_point) == 2
    # Eight boxes have a side, the point has none.
    assert measure(split).suggested_radius_px == pytest.approx(np.mean(side[1:]) / 3)
    assert all(np.ptp(line, axis=0).max() >= 1 for line in on_point)


def test_many_classes_run_down_the_page(tmp_path):
    kinds = tuple(Category(id=number, name=f"kind {number}") for number in range(30))
    split = Split(samples={"train": (sample("a", boxes([10, 10, 30, 30])),)}, radius_px=5, categories=kinds)
    table = balance(split.samples, 30)
    card = DATASETS.get("synthetic").card
    write_page(tmp_path / "p.html", card, split, table=table, measures=measure(split), faults=[])
    rows = (tmp_path / "p.html").read_text().split("<tr>")
    assert max(row.count("<td") + row.count("<th") for row in rows) <= 5
    assert sum(row.startswith("<td>kind ") for row in rows) == 30
