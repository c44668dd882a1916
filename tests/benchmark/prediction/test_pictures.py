"""Pictures of 16 bits, turned ones and broken ones among those to be predicted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.benchmark.prediction.predict import predict
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from bmbench.core.types import Pixels
from bmbench.datasets.synthetic.dataset import sample


@pytest.fixture(scope="module")
def smear() -> Pixels:
    return sample(11, seed=5, size_px=256).load()


def found(run: Path, *images: Path, out: Path, **more: object) -> tuple[list[dict[str, object]], object]:
    report = predict(PredictOptions(run=run, images=images, out=(out,), threshold=0.0, **more), Silent())
    return json.loads(out.read_text())["detections"], report


def twelve_bits(path: Path, smear: Pixels, *, hot: bool = False) -> Path:
    values = smear.mean(axis=2).astype(np.uint16) * 16
    if hot:
        values[5, 5] = 65535
    Image.fromarray(values).save(path)
    return path


def test_a_hot_pixel_changes_no_cell(blob_run: Path, smear: Pixels, tmp_path: Path) -> None:
    (tmp_path / "hot").mkdir()
    hot = twelve_bits(tmp_path / "hot" / "a.png", smear, hot=True)
    cells, report = found(blob_run, twelve_bits(tmp_path / "a.png", smear), out=tmp_path / "a.json")
    others, _ = found(blob_run, hot, out=tmp_path / "b.json")
    assert len(cells) == len(others) > 5
    np.testing.assert_allclose([cell["bbox"] for cell in cells], [cell["bbox"] for cell in others], atol=1)
    assert any("4,095 is white" in note for note in report.notes)


def test_the_white_of_the_run_holds_and_brighter_images_are_refused(
    blob_run: Path, smear: Pixels, tmp_path: Path
) -> None:
    import shutil

    run = tmp_path / "run"
    shutil.copytree(blob_run, run)
    config = json.loads((run / "config.json").read_text()) | {"white": 1023}
    (run / "config.json").write_text(json.dumps(config))
    image = twelve_bits(tmp_path / "a.png", smear)
    with pytest.raises(BadInputError, match="brighter than those that the run learned from"):
        found(run, image, out=tmp_path / "a.json")
    told, _ = found(run, image, out=tmp_path / "a.json", white=4095)
    assert told == found(blob_run, image, out=tmp_path / "b.json")[0]


def test_a_turned_picture_is_predicted_upright_and_that_is_said(
    blob_run: Path, smear: Pixels, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(smear))).save(tmp_path / "a.png", exif=exif)
    (tmp_path / "plain").mkdir()
    Image.fromarray(smear).save(tmp_path / "plain" / "a.png")
    cells, report = found(blob_run, tmp_path / "a.png", out=tmp_path / "a.json")
    assert cells == found(blob_run, tmp_path / "plain" / "a.png", out=tmp_path / "b.json")[0]
    assert any("turned upright, as EXIF says" in note for note in report.notes)


def test_a_broken_picture_is_named_and_the_others_are_predicted(
    blob_run: Path, smear: Pixels, tmp_path: Path
) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.png", "c.png"):
        Image.fromarray(smear).save(folder / name)
    (folder / "b.png").write_bytes((folder / "a.png").read_bytes()[:500])
    (folder / "d.jpg").write_bytes(b"no picture")
    out = tmp_path / "out"
    report = predict(PredictOptions(run=blob_run, images=(folder,), out=(out,)), Silent())
    assert sorted(path.name for path in out.iterdir()) == ["a.geojson", "c.geojson"]
    assert [image.name for image in report.images] == ["a.png", "c.png"]
    assert ["b.png" in report.broken[0], "d.jpg: not an image" in report.broken[1]] == [True, True]
    assert not list(tmp_path.glob("*.unfinished"))
    whole = tmp_path / "all.json"
    predict(PredictOptions(run=blob_run, images=(folder,), out=(whole,)), Silent())
    assert json.loads(whole.read_text())["images"] == ["a.png", "c.png"]


def test_where_none_can_be_read_the_first_says_why(blob_run: Path, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(BadInputError, match=r"a\.png: not an image"):
        predict(PredictOptions(run=blob_run, images=(tmp_path,), out=(tmp_path / "o.json",)), Silent())


def test_what_is_wrong_with_the_call_is_no_broken_picture(
    blob_run: Path, smear: Pixels, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png"):
        Image.fromarray(smear).save(tmp_path / name)
    with pytest.raises(BadInputError, match="--um-per-px"):
        predict(
            PredictOptions(run=blob_run, images=(tmp_path,), out=(tmp_path / "o.json",), um_per_px=900.0),
            Silent(),
        )
