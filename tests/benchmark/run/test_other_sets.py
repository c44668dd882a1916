"""A trained run on other images: which, at which scale, what is written and what is refused."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bmbench.benchmark.protocol.adjustment import Adjusting
from bmbench.benchmark.protocol.other_sets import OtherSet
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.apply_to_other_sets import Unchanged, apply_run, apply_unchanged, predict_resized
from bmbench.benchmark.run.begin_or_resume import run
from bmbench.benchmark.run.other_sets import working_factor
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from bmbench.core.types import Detections
from bmbench.datasets.synthetic import synthesise

pytestmark = pytest.mark.slow

PALE = "synthetic,images=9,size=256,stain=pale"
PLACE = "synthetic-images=9-size=256-stain=pale"


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A run of the blob detector on small smears, tried on pale ones at once."""
    out = tmp_path_factory.mktemp("runs")
    options = RunOptions(
        method="blob_log",
        dataset="synthetic",
        dataset_options={"images": "9", "size": "256"},
        test_on=(PALE,),
        out=out,
    )
    return run(options, Silent()).path


def record(folder, name):
    return json.loads((folder / "elsewhere" / name / "metrics.json").read_text())


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_scale_rests_on_stated_cells_then_pixel_sizes_then_nothing():
    """Cells of 44 px there and 22 px here: here is enlarged twice. 0.5 µm here and 0.25 there: likewise."""
    known = {"trained_um": 0.25, "trained_cell_px": 44.0}
    assert working_factor(0.1, cell_px=22.0, **known) == (2.0, "cell diameter")
    assert working_factor(0.5, cell_px=None, **known) == (2.0, "pixel size")
    assert working_factor(None, cell_px=None, **known)[0] == 1
    assert working_factor(0.5, cell_px=None, trained_um=None, trained_cell_px=44.0)[0] == 1
    with pytest.raises(BadInputError, match="how large its own cells"):
        working_factor(0.5, cell_px=22.0, trained_um=0.25, trained_cell_px=None)


def test_what_is_found_on_a_resized_image_lies_where_it_is_on_the_image():
    """A detector that marks the one dark pixel block; the image is seen at half its size."""

    @dataclasses.dataclass
    class Darkest:
        def predict(self, image):
            assert image.shape[:2] == (40, 50)
            y, x = np.nonzero(image[..., 0] < 60)
            box = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1]], float)
            return Detections.of(
                xy=box.reshape(-1, 2, 2).mean(axis=1),
                box=box,
                confidence=np.ones(1),
                contour=((box[0].reshape(2, 2),),),
            )

    image = np.full((80, 100, 3), 240, np.uint8)
    image[20:40, 60:70] = 20
    found = predict_resized(Darkest(), image, 0.5)
    assert found.box.tolist() == [[60, 20, 70, 40]]
    assert found.xy.tolist() == [[65, 30]]
    assert found.contour[0][0].tolist() == [[60, 20], [70, 40]]


def test_the_result_says_what_was_tested_and_how(finished):
    own = json.loads((finished / "metrics.json").read_text())
    pale = record(finished, PLACE)
    assert pale["set"]["options"] == {"images": "9", "size": "256", "stain": "pale"}
    assert pale["set"]["images"] == own["images"] == 2
    assert pale["cells"] == own["cells"]
    assert pale["cd"]["threshold"] == own["cd"]["threshold"]
    assert pale["scale"] == {"factor": 1.0, "from": "pixel size"}
    assert pale["best_f1"]["cd"] >= pale["cd"]["f1"]
    assert files(finished / "elsewhere" / PLACE)["predictions.json"] != files(finished)["predictions.json"]


def test_applied_later_it_is_the_same_to_the_byte(finished, tmp_path):
    place = finished / "elsewhere" / PLACE
    before = files(place)
    apply_run(finished, [PALE], Silent())
    assert files(place) == before
    assert (finished / "metrics.json").exists()
    assert not list(finished.glob(".*"))


def test_the_command_prints_a_row_for_each_set(bmbench, finished, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    answer = bmbench("test", "--run", finished, "--on", PALE)
    assert answer.code == 0, answer.err
    table = [line for line in answer.out.splitlines() if not line.startswith("Written: ")]
    assert max(map(len, table)) <= 80
    own, pale = (
        json.loads((folder / "metrics.json").read_text())
        for folder in (finished, finished / "elsewhere" / PLACE)
    )
    for scores in (own, pale):
        assert f"{scores['cd']['f1']:.3f}" in answer.out
    assert "threshold of the run; scale from: pixel size" in answer.out
    wrong = bmbench("test", "--run", finished, "--on", "synthetic,stain=green")
    assert (wrong.code, wrong.err.count("\n")) == (2, 1)


def test_the_files_score_as_the_record_says(bmbench, finished):
    place = finished / "elsewhere" / PLACE
    known = json.loads((place / "metrics.json").read_text())
    answer = bmbench(
        "score", place / "predictions.json", "--truth", place / "truth.json",
        "--radius", known["cd"]["limit"], "--threshold", known["cd"]["threshold"], "--json",
    )  # fmt: skip
    again = json.loads(answer.out)
    assert [again["cd"][name] for name in ("ap", "f1", "tp", "fp")] == [
        known["cd"][name] for name in ("ap", "f1", "tp", "fp")
    ]


def test_smears_at_twice_the_scale_are_seen_at_the_runs_own(finished):
    """Cells of 88 px instead of 44: pixel sizes say so, and the images are halved before."""
    wish = "synthetic,images=9,size=512,scale=88"
    name = "synthetic-images=9-scale=88-size=512"
    folder = apply_run(finished, [wish], Silent())
    large = record(folder.path, name)
    truth = json.loads((folder.elsewhere / name / "truth.json").read_text())
    assert large["scale"] == {"factor": 0.5, "from": "pixel size"}
    assert {(image["width"], image["height"]) for image in truth["images"]} == {(512, 512)}
    own_cell_px = json.loads((finished / "config.json").read_text())["mean_cell_px"]
    apply_run(finished, [f"{wish},cell_px={own_cell_px}"], Silent())
    as_they_are = record(folder.path, name)
    assert as_they_are["scale"] == {"factor": 1.0, "from": "cell diameter"}
    assert large["cd"]["f1"] > as_they_are["cd"]["f1"] + 0.2


def test_a_users_file_without_subsets_is_tested_on_as_a_whole(finished, tmp_path):
    folder = tmp_path / "theirs"
    synthesise(folder, n_images=2, size_px=256, seed=9, progress=Silent())
    apply_run(finished, [f"{folder},cell_px=44"], Silent())
    theirs = record(finished, "theirs")
    assert theirs["set"]["images"] == 2
    assert theirs["scale"]["from"] == "cell diameter"
    own_cell_px = json.loads((finished / "config.json").read_text())["mean_cell_px"]
    assert theirs["scale"]["factor"] == pytest.approx(own_cell_px / 44, abs=1e-3)


@pytest.mark.parametrize(
    ("wishes", "fact"),
    [
        (["synthetic,images=9,size=256,stain=pale,use=all"], "has learned from marrow_s0_0000"),
        # Of five images the last one is for testing: of nine it is for training.
        (["synthetic,images=5,size=256,stain=pale", PALE], "has learned from marrow_s0_0004"),
        ([PALE, PALE], "twice"),
        (["synthetic,stain=green"], "unknown stain 'green'"),
        (["nowhere"], "unknown data set 'nowhere'"),
    ],
)
def test_what_cannot_be_tested_on_is_refused_and_leaves_nothing(finished, wishes, fact):
    before = sorted(path.name for path in (finished / "elsewhere").iterdir())
    with pytest.raises(BadInputError, match=fact):
        apply_run(finished, wishes, Silent())
    assert sorted(path.name for path in (finished / "elsewhere").iterdir()) == before


def test_whoever_is_killed_leaves_no_old_scores_beside_new_answers(finished, monkeypatch):
    name = "synthetic-images=9-size=256-stain=purple"
    wish = "synthetic,images=9,size=256,stain=purple"
    apply_run(finished, [wish], Silent())
    place = finished / "elsewhere" / name
    before = files(place)

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("bmbench.benchmark.run.apply_to_other_sets.predict_resized", killed)
    with pytest.raises(KeyboardInterrupt):
        apply_run(finished, [wish], Silent())
    assert files(place) == before  # nothing was written yet
    monkeypatch.undo()
    monkeypatch.setattr("bmbench.datasets.formats.predictions.write_predictions", killed)
    with pytest.raises(KeyboardInterrupt):
        apply_run(finished, [wish], Silent())
    assert not (place / "metrics.json").exists()
    monkeypatch.undo()
    apply_run(finished, [wish], Silent())
    assert files(place) == before


def test_a_run_refuses_before_it_works_and_remembers_what_was_asked(finished, tmp_path):
    options = RunOptions(method="blob_log", dataset_options={"images": "9", "size": "256"}, out=tmp_path)
    with pytest.raises(BadInputError, match="unknown stain"):
        run(dataclasses.replace(options, test_on=("synthetic,stain=green",)), Silent())
    assert list(tmp_path.iterdir()) == []
    config = json.loads((finished / "config.json").read_text())
    assert config["options"]["test_on"] == [PALE]
    assert RunOptions.from_json(config["options"], where="here").test_on == (PALE,)


def test_cells_only_count_as_cells(tmp_path):
    """One cell, found; one smudge, called an artefact: no false alarm, and in a set without artefacts no
    prediction."""
    from bmbench.benchmark.run.other_sets import find_places

    @dataclasses.dataclass
    class Knows:
        annotations: object

        def predict(self, image):
            a = self.annotations
            keep = a.role != 2
            return Detections.of(
                xy=a.xy[keep], box=a.box[keep], confidence=np.full(keep.sum(), 0.9), label=a.role[keep]
            )

    (place,) = find_places(
        [OtherSet.parse("synthetic,images=9,size=256")],
        own="none",
        own_data=None,
        learned=set,
        seed=0,
        progress=Silent(),
    )
    one = dataclasses.replace(place, samples=place.samples[:1])
    knows = Unchanged(
        detector=Knows(one.samples[0].annotations), um_per_px=None, mean_cell_px=None, threshold=0.5
    )
    scores = apply_unchanged(knows, one, tmp_path / "classes", Silent())
    assert (scores.cd.fp, scores.cd.fn) == (0, 0)
    assert scores.n_artefact_predictions == (one.samples[0].annotations.role == 1).sum() > 0
    plain = dataclasses.replace(one, categories=tuple(c for c in one.categories if not c.artefact))
    truth_only_cells = one.samples[0].annotations.take(one.samples[0].annotations.role == 0)
    plain = dataclasses.replace(
        plain, samples=(dataclasses.replace(one.samples[0], annotations=truth_only_cells),)
    )
    scores = apply_unchanged(knows, plain, tmp_path / "cells", Silent())
    assert (scores.cd.fp, scores.cd.fn, scores.n_artefact_predictions) == (0, 0, 0)
    assert scores.n_predictions == len(truth_only_cells)


def test_measured_scale_and_standardised_colours_are_said_and_kept_apart(finished):
    wish = "synthetic,images=9,size=256,stain=dark"

    said = []

    class Listener(Silent):
        def tell(self, text):
            said.append(text)

    asked = Adjusting(measured_scale=True, standardise=True)
    apply_run(finished, [wish], Listener(), asked=asked)
    apply_run(finished, [wish], Silent())
    place = "synthetic-images=9-size=256-stain=dark"
    plain, adjusted = record(finished, place), record(finished, f"{place}-scale=auto-standardised")
    assert adjusted["adjusted"] == said
    assert [line.split(":")[0] for line in said] == ["scale", "colours"]
    assert adjusted["scale"]["from"] == "nuclei measured"
    assert adjusted["scale"]["factor"] == pytest.approx(1, abs=0.35)
    assert "adjusted" not in plain
    with pytest.raises(BadInputError, match="a stated diameter, and --scale auto"):
        apply_run(finished, [f"{wish},cell_px=44"], Silent(), asked=asked)


def test_an_older_run_is_not_adjusted_to(finished, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(finished, old)
    (old / "manifest.json").unlink()
    config = json.loads((old / "config.json").read_text())
    del config["appearance"]
    (old / "config.json").write_text(json.dumps(config | {"schema": "bmbench.run/1"}))
    with pytest.raises(BadInputError, match="does not say how its training images look"):
        apply_run(old, [PALE], Silent(), asked=Adjusting(standardise=True))
