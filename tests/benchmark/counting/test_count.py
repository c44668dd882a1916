"""`bmbench count` from pictures whose cells are known to tables."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from bmbench import cli
from bmbench.benchmark.counting.count import count
from bmbench.benchmark.counting.options import CountOptions, CountReport
from bmbench.benchmark.prediction.finished import PredictedImages, all_predicted
from bmbench.benchmark.prediction.image import predict_tiles
from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.core.errors import BadInputError, Stopped
from bmbench.core.progress import Silent
from bmbench.datasets.formats.qupath.geojson import read_qupath
from tests.benchmark.counting.coloured import picture
from tests.benchmark.counting.conftest import COUNTS

PER_PATIENT = {"group_from": r"(Pat \w)"}


def ask(run: Path, images: Path, out: Path, **more: object) -> CountReport:
    choices = {name: more.pop(name) for name in ("group_choices", "lineages", "cut_offs") if name in more}
    asked = PredictOptions(run=run, images=(images,), **more)  # type: ignore[arg-type]
    return count(CountOptions(predict=asked, out=out, **choices), Silent())  # type: ignore[arg-type]


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def counted(fields: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CountReport]:
    with pytest.MonkeyPatch.context() as patched:
        from tests.benchmark.counting.coloured import trained

        patched.setattr("bmbench.benchmark.prediction.finished.load_trained", trained)
        out = tmp_path_factory.mktemp("counted") / "counts"
        return out, ask(Path("run"), fields, out, group_choices=PER_PATIENT)


def test_every_cell_is_counted_once_and_where_it_lies(counted: tuple[Path, CountReport]) -> None:
    rows = {row["image"]: row for row in table(counted[0] / "counts.csv")}
    assert set(rows) == {f"Pat {name}.png" for name in COUNTS}
    for name, counts in COUNTS.items():
        row = rows[f"Pat {name}.png"]
        names = ("neutrophil", "erythroblast", "plasma cell", "blast", "smudge cell")
        assert tuple(int(row[one]) for one in names) == counts
        assert int(row["cells"]) == sum(counts[:4])
        assert float(row["artefacts_percent"]) == pytest.approx(100 * counts[4] / sum(counts), abs=0.01)
        assert row["patient"] == f"Pat {name[0]}"


def test_patients_are_sums_of_their_images(counted: tuple[Path, CountReport]) -> None:
    rows = {row["patient"]: row for row in table(counted[0] / "patients.csv")}
    for patient in "ABC":
        own = np.array([counts for name, counts in COUNTS.items() if name[0] == patient]).sum(axis=0)
        row = rows[f"Pat {patient}"]
        assert int(row["images"]) == 4
        assert [int(row[one]) for one in ("neutrophil", "blast", "smudge cell")] == own[[0, 3, 4]].tolist()


def test_the_differential_of_a_patient(counted: tuple[Path, CountReport]) -> None:
    rows = table(counted[0] / "differential.csv")
    own = np.array([counts for name, counts in COUNTS.items() if name[0] == "B"])
    cells = int(own[:, :4].sum())
    blasts = next(row for row in rows if (row["of"], row["name"]) == ("Pat B", "blast"))
    n = int(own[:, 3].sum())
    assert (int(blasts["n"]), int(blasts["cells"])) == (n, cells)
    exact = stats.binomtest(n, cells).proportion_ci(method="exact")
    ends = float(blasts["binomial_low"]), float(blasts["binomial_high"])
    assert ends == pytest.approx((100 * exact.low, 100 * exact.high), abs=1e-3)
    assert float(blasts["low"]) < float(blasts["percent"]) < float(blasts["high"])
    ratio = next(row for row in rows if (row["of"], row["name"]) == ("Pat B", "M:E"))
    assert float(ratio["percent"]) == pytest.approx(own[:, 0].sum() / own[:, 1].sum(), abs=1e-3)
    smudge = next(row for row in rows if (row["of"], row["name"]) == ("Pat B", "smudge"))
    assert float(smudge["percent"]) == pytest.approx(100 * 3 / cells, abs=1e-3)


def test_where_shares_stand_beside_their_cut_offs(counted: tuple[Path, CountReport]) -> None:
    rows = table(counted[0] / "cut-offs.csv")
    by = {(row["of"], row["name"], row["cut_off_percent"]): row for row in rows}
    assert set(by) == {
        (who, name, at)
        for who in ("all", "Pat A", "Pat B", "Pat C")
        for name, at in (("plasma cells", "10.0"), ("blasts", "5.0"), ("blasts", "10.0"), ("blasts", "20.0"))
    }
    chance = {key: float(row["probability_at_or_above"]) for key, row in by.items()}
    # Patient B has 30 blasts among 167 cells, 18 %; patient C 25 plasma cells among 155, 16 %.
    assert chance["Pat B", "blasts", "10.0"] > 0.95
    assert 0.1 < chance["Pat B", "blasts", "20.0"] < 0.5
    assert chance["Pat A", "blasts", "20.0"] < 0.01
    assert chance["Pat C", "plasma cells", "10.0"] > 0.9


def test_the_other_files_hold_the_same_cells(fields: Path, counted: tuple[Path, CountReport]) -> None:
    folder, report = counted
    cells = table(folder / "cells.csv")
    assert len(cells) == sum(map(sum, COUNTS.values())) == int(report.counts().sum())
    for name, counts in COUNTS.items():
        file = read_qupath(folder / "geojson" / f"Pat {name}.geojson")
        assert len(file.annotations) == sum(counts)
        plain = np.asarray(Image.open(fields / f"Pat {name}.png"))
        drawn = np.asarray(Image.open(folder / "overlays" / f"Pat {name}.png"))
        # Twice as large, with a legend below; what is drawn is as blue as the first class.
        assert drawn.shape[1] == 2 * plain.shape[1]
        assert drawn.shape[0] > 2 * plain.shape[0]
        assert (drawn == (0, 114, 178)).all(axis=2).any()


def test_the_workbook_holds_the_same_and_no_formula(counted: tuple[Path, CountReport]) -> None:
    pytest.importorskip("xlsxwriter", reason="xlsxwriter (bmbench[excel]) is not installed")
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl, which reads workbooks, is not installed")
    book = openpyxl.load_workbook(counted[0] / "counts.xlsx")
    assert book.sheetnames == ["counts", "patients", "differential", "cut-offs"]
    for sheet in book.worksheets:
        rows = table(counted[0] / f"{sheet.title}.csv")
        read = list(sheet.iter_rows(values_only=True))
        assert len(read) == len(rows) + 1
        for cells, row in zip(read[1:], rows, strict=True):
            assert ["" if cell is None else str(cell) for cell in cells] == [
                text.removesuffix(".0") if text.removesuffix(".0") in map(str, cells) else text
                for text in row.values()
            ]


def test_names_that_are_formulas_stay_texts(run: Path, tmp_path: Path) -> None:
    picture(tmp_path / "in" / "=1+1.png", (3, 2, 0, 0, 0))
    ask(run, tmp_path / "in", tmp_path / "out")
    assert (tmp_path / "out" / "counts.csv").read_text().splitlines()[1].startswith("'=1+1.png,")
    pytest.importorskip("xlsxwriter", reason="xlsxwriter (bmbench[excel]) is not installed")
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl, which reads workbooks, is not installed")
    cell = openpyxl.load_workbook(tmp_path / "out" / "counts.xlsx")["counts"]["A2"]
    assert (cell.value, cell.data_type) == ("=1+1.png", "s")


def test_a_broken_image_is_named_and_the_others_are_counted(
    fields: Path,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(fields, tmp_path / "in")
    (tmp_path / "in" / "Pat D 1.png").write_bytes(b"no picture")
    arguments = ["bmbench", "count", str(tmp_path / "in"), "--run", str(run), "-o", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", [*arguments, "--group-from", r"(Pat \w)", "--no-overlays"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert "Pat D 1.png: not an image" in printed.err
    assert "1 could not be read, 12 others are counted" in printed.err
    assert len(table(tmp_path / "out" / "counts.csv")) == 12
    assert not (tmp_path / "out" / "overlays").exists()
    assert max(map(len, printed.out.split("note:")[0].splitlines())) <= 80
    assert "how sure it is that a share lies at or above its cut-off" in printed.out


def test_a_broken_image_needs_no_patient(fields: Path, run: Path, tmp_path: Path) -> None:
    shutil.copytree(fields, tmp_path / "in")
    (tmp_path / "in" / "kaputt.png").write_bytes(b"no picture")
    report = ask(run, tmp_path / "in", tmp_path / "out", group_choices=PER_PATIENT)
    assert len(report.images) == 12
    assert "kaputt.png: not an image" in report.broken[0]
    picture(tmp_path / "in" / "nobody.png", (1, 1, 0, 0, 0))
    with pytest.raises(BadInputError, match="images without a group"):
        ask(run, tmp_path / "in", tmp_path / "out-2", group_choices=PER_PATIENT)


def test_stopped_it_leaves_nothing_and_goes_on_to_the_same_files(
    fields: Path,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    counted: tuple[Path, CountReport],
) -> None:
    done = 0

    def stopped(*arguments: object) -> None:
        nonlocal done
        done += 1
        if done == 6:
            raise KeyboardInterrupt
        predict_tiles(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("bmbench.benchmark.prediction.finished.predict_tiles", stopped)
    out = tmp_path / "counts"
    with pytest.raises(Stopped):
        ask(run, fields, out, group_choices=PER_PATIENT)
    assert not out.exists()
    assert len(list((tmp_path / "counts.unfinished").glob("*.journal"))) == 6
    done = -100
    ask(run, fields, out, group_choices=PER_PATIENT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["counts"]
    for path in counted[0].rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (out / path.relative_to(counted[0])).read_bytes(), path.name


def test_the_report_says_how_the_images_were_read(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "scale: nuclei of 16 px, learned from 17 px: read × 1.05"

    @contextmanager
    def adjusted(*arguments: Any, **more: Any) -> Iterator[PredictedImages]:
        with all_predicted(*arguments, **more) as found:
            yield dataclasses.replace(found, adjusted=(said,))

    monkeypatch.setattr("bmbench.benchmark.counting.count.all_predicted", adjusted)
    picture(tmp_path / "a.png", (3, 2, 0, 0, 0))
    ask(run, tmp_path / "a.png", tmp_path / "out")
    assert said in (tmp_path / "out" / "report.html").read_text("utf-8")


def test_a_second_call_says_that_the_folder_is_taken(run: Path, tmp_path: Path) -> None:
    picture(tmp_path / "a.png", (3, 2, 0, 0, 0))
    (tmp_path / "out").mkdir()
    ask(run, tmp_path / "a.png", tmp_path / "out")
    with pytest.raises(BadInputError, match="holds files already"):
        ask(run, tmp_path / "a.png", tmp_path / "out")


@pytest.mark.parametrize("name", ["x.xlsx", "x.csv", "x.geojson"])
def test_a_file_for_the_folder_is_refused(run: Path, tmp_path: Path, name: str) -> None:
    picture(tmp_path / "a.png", (3, 2, 0, 0, 0))
    with pytest.raises(BadInputError, match="is a folder of tables and pictures"):
        ask(run, tmp_path / "a.png", tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_name_that_is_no_text_is_refused_before_the_work(run: Path, tmp_path: Path) -> None:
    name = b"\xff\xfe.png".decode("utf-8", "surrogateescape")
    picture(tmp_path / name, (3, 2, 0, 0, 0))
    with pytest.raises(BadInputError, match="a name that is no text"):
        ask(run, tmp_path / name, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def test_lineages_that_are_no_table_are_refused_before_the_work(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "a.png", (3, 2, 0, 0, 0))
    (tmp_path / "own.csv").write_text("name,kind\nblast,myeloid\n")
    monkeypatch.setattr("bmbench.benchmark.prediction.finished.predict_tiles", lambda *_: pytest.fail("work"))
    with pytest.raises(BadInputError, match="columns missing"):
        ask(run, tmp_path / "a.png", tmp_path / "out", lineages=tmp_path / "own.csv")
    assert not list(tmp_path.glob("out*"))


def test_lineages_of_the_users_own(run: Path, fields: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("class;lineage;sum\nblast;myeloid;blasts\nplasma cell;unidentified;\n")
    report = ask(run, fields, tmp_path / "out", lineages=own, cut_offs={"myeloid": (0.5,)})
    total = np.array(list(COUNTS.values())).sum(axis=0)
    found = report.differentials[0]
    assert found.unidentified == total[2]
    assert found.cells == total[[0, 1, 3]].sum()
    (myeloid,) = found.lineages
    assert (myeloid.name, myeloid.n) == ("myeloid", total[[0, 3]].sum())
    assert ("myeloid", 0.5) in [(cut.name, cut.at) for cut in found.cut_offs]
    with pytest.raises(BadInputError, match="is no class, lineage or sum"):
        ask(run, fields, tmp_path / "other", cut_offs={"blsts": (0.1,)})


def test_a_threshold_of_the_users_own_counts_what_is_less_sure(
    run: Path, fields: Path, tmp_path: Path
) -> None:
    report = ask(run, fields / "Pat A 1.png", tmp_path / "out", threshold=0.2)
    assert report.counts()[0].tolist() == [23, 10, 2, 1, 1]
    # At every confidence that may be chosen: the three unsure cells are there up to 0.3.
    counts = report.images[0].counts[:, 0]
    assert counts.tolist() == [23 if at <= 0.3 else 20 if at <= 0.9 else 0 for at in report.stops.thresholds]


def test_json_holds_the_counts(
    run: Path,
    fields: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = [
        "bmbench",
        "count",
        str(fields / "Pat A 1.png"),
        "--run",
        str(run),
        "-o",
        str(tmp_path / "out"),
    ]
    monkeypatch.setattr(sys, "argv", [*arguments, "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    value = json.loads(capsys.readouterr().out)
    assert value["images"][0]["counts"]["neutrophil"] == 20
    assert value["differentials"][0]["classes"][0]["interval"] is None
    assert any("1 image cannot show how images differ" in note for note in value["notes"])
