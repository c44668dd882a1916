"""`import bmbench`: light, complete, typed."""

import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import bmbench
from bmbench.core.errors import BadInputError

LIGHT = {"numpy", "scipy", "torch", "matplotlib", "pandas", "rich", "typer", "msgspec", "PIL"}


def in_a_fresh_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_it_loads_nothing():
    loaded = in_a_fresh_process("import bmbench, sys; print(*sys.modules)").split()
    assert not {module.partition(".")[0] for module in loaded} & LIGHT
    assert [module for module in loaded if module.startswith("bmbench")] == ["bmbench"]


def test_scoring_loads_no_torch_and_draws_nothing():
    loaded = in_a_fresh_process(
        "import bmbench, sys\n"
        "repr(bmbench.score([[[1, 2, 0.5]]], [[[1, 2]]], radius_px=3)._repr_html_())\n"
        "print(*sys.modules)"
    ).split()
    assert not {module.partition(".")[0] for module in loaded} & {"torch", "matplotlib", "pandas", "cv2"}


def test_figures_are_pictures_in_a_notebook_without_pyplot():
    """IPython asks for `_repr_png_` and `_repr_jpeg_`, and shows the name of a figure that has neither."""
    found, cells = [[[12, 30, 0.9]]], [[[13, 30]]]
    result = bmbench.score(found, cells, radius_px=5)
    drawn = bmbench.Predictions.from_arrays(xy=[[12, 30]]).plot(np.zeros((40, 60, 3), np.uint8))
    both = bmbench.compare(found, found, cells, radius_px=5)
    for data in (result.plot()._repr_png_(), both.plot()._repr_png_(), drawn._repr_jpeg_()):
        with Image.open(BytesIO(data)) as picture:
            assert picture.format == ("JPEG" if data[:2] == b"\xff\xd8" else "PNG")
            assert min(picture.size) > 300


def test_every_name_is_there_and_dir_shows_it():
    for name in bmbench.__all__:
        assert getattr(bmbench, name) is not None
    assert set(bmbench.__all__) <= set(dir(bmbench))
    assert set(bmbench.__all__) == set(bmbench._PLACES)


@pytest.mark.parametrize("name", ["scor", "Evaluation"])
def test_a_name_that_is_not_there_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match=name):
        getattr(bmbench, name)


def test_layers_are_there_without_an_import_of_their_own():
    code = "import bmbench; print(bmbench.metrics.PROTOCOLS['paper'].radius_px, bmbench.core.__name__)"
    assert in_a_fresh_process(code).split() == ["55.0", "bmbench.core"]


def test_a_count_names_an_option_that_it_does_not_have():
    with pytest.raises(BadInputError, match="did you mean 'threshold'"):
        bmbench.count("images", run="runs/first", treshold=0.5)


@pytest.mark.parametrize(("named", "got"), [({}, "neither"), ({"run": "a", "model": "b"}, "both")])
def test_a_count_takes_a_run_or_a_model(named, got):
    with pytest.raises(BadInputError, match=rf"expected one of the two, got {got}"):
        bmbench.count("images", **named)
