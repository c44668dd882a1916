"""`--scale auto` and `--standardise`: the same cells on an image of another scale, and in other colours."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from bmbench.adapters.images.appearance import appearance
from bmbench.api.predictions import PredictionTable
from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.benchmark.prediction.predict import predict
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from bmbench.datasets.synthetic.dataset import sample


@pytest.fixture(scope="module")
def knowing_run(blob_run, tmp_path_factory):
    """The run, which knows how its training images look."""
    run = tmp_path_factory.mktemp("knowing") / "run"
    shutil.copytree(blob_run, run)
    config = json.loads((run / "config.json").read_text())
    look = appearance([sample(number, seed=5, size_px=256).load() for number in range(2)])
    (run / "config.json").write_text(json.dumps(config | {"appearance": dataclasses.asdict(look)}))
    return run


def found(run, image, folder, **options):
    """The centres that are found on an image, and the notes."""
    file = folder / "image.png"
    Image.fromarray(image).save(file)
    out = folder / "found.json"
    report = predict(PredictOptions(run=run, images=(file,), out=(out,), **options), Silent())
    boxes = PredictionTable.from_coco(out).box
    return (boxes[:, :2] + boxes[:, 2:]) / 2, report


def agreement(one, other, reach):
    """F1 of two sets of centres, each counted where the other has one nearby."""
    near = np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1)) <= reach
    return (near.any(axis=1).sum() + near.any(axis=0).sum()) / (len(one) + len(other))


@pytest.mark.parametrize("factor", [0.5, 2])
def test_an_image_of_another_scale_has_the_same_cells_in_its_own_pixels(knowing_run, tmp_path, factor):
    image = sample(3, seed=5, size_px=512).load()
    size = round(512 * factor)
    other = np.array(
        Image.fromarray(image).resize((size, size), Image.Resampling.BOX if factor < 1 else None)
    )
    own, _ = found(knowing_run, image, tmp_path, scale="auto")
    there, report = found(knowing_run, other, tmp_path, scale="auto")
    plain, _ = found(knowing_run, other, tmp_path)
    assert agreement(own * factor, there, 10 * factor) > 0.9
    assert agreement(own * factor, plain, 10 * factor) < 0.8
    assert report.adjusted[0].startswith("scale: nuclei of ")
    assert report.images[0].scale == pytest.approx(1 / factor, rel=0.35)


def test_a_colour_cast_makes_no_difference_to_standardised_images(knowing_run, tmp_path):
    image = np.clip(sample(3, seed=5, size_px=512).load(), 30, 250)
    cast = np.rint(image * [0.7, 0.9, 0.8] + [5, 0, 30]).astype(np.uint8)
    own, _ = found(knowing_run, image, tmp_path, standardise=True)
    there, report = found(knowing_run, cast, tmp_path, standardise=True)
    plain, _ = found(knowing_run, cast, tmp_path)
    assert agreement(own, there, 3) > 0.97
    assert agreement(own, plain, 3) < agreement(own, there, 3)
    assert "grey levels of red, green, blue" in report.adjusted[0]


def test_a_run_that_does_not_know_its_images_says_so(blob_run, tmp_path):
    with pytest.raises(BadInputError, match="does not say how its training images look"):
        found(blob_run, sample(3, seed=5, size_px=256).load(), tmp_path, standardise=True)
    assert not list(tmp_path.glob("*.unfinished"))


def test_images_of_one_call_can_share_a_measured_scale(knowing_run, tmp_path):
    images = tmp_path / "images"
    images.mkdir()
    for number in range(3):
        Image.fromarray(sample(number, seed=5, size_px=256).load()).save(images / f"{number}.png")
    (images / "broken.png").write_bytes(b"no picture")
    ask = PredictOptions(run=knowing_run, images=(images,), out=(tmp_path / "found.json",), scale="shared")
    report = predict(ask, Silent())
    assert len({image.scale for image in report.images}) == 1
    assert "the median of all images" in report.adjusted[0]
    assert len(report.adjusted) == len(report.broken) == 1
    single = predict(dataclasses.replace(ask, scale="auto", out=(tmp_path / "each.json",)), Silent())
    assert np.median([image.scale for image in single.images]) == pytest.approx(
        report.images[0].scale, abs=0.01
    )
