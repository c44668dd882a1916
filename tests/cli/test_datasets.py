"""The commands of `bmbench datasets` as a user meets them."""

import json
from pathlib import Path

import pytest

from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.plan import resolve
from bmbench.core.dataset import LoadRequest
from bmbench.core.progress import Silent
from bmbench.datasets import DATASETS, open_dataset
from bmbench.datasets.exchange.convert import convert, open_contents
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.reading.images import read_rgb
from bmbench.datasets.slides import whole_images


@pytest.mark.parametrize(
    "name", [name for name in FORMATS.names() if name != "labels" and FORMATS.get(name).write]
)
def test_every_format_can_be_trained_on(bmbench, marrow, tmp_path, name):
    answer = bmbench("datasets", "convert", marrow, tmp_path / "set", "--to", name)
    assert answer.code == 0
    dataset = open_dataset(str(tmp_path / "set"))
    split = dataset.load(LoadRequest())
    assert sum(len(part) for part in split.samples.values()) == 8
    assert [c.artefact for c in split.categories].count(True) >= 1
    assert all(sample.load().shape == (256, 256, 3) for sample in split.samples["train"])


def test_what_is_lost_is_said_on_standard_error(bmbench, marrow, tmp_path):
    answer = bmbench("datasets", "convert", marrow, tmp_path / "set", "--to", "voc")
    assert answer.code == 0
    assert "warning: voc cannot carry everything:" in answer.err
    assert "lose their outline" in answer.err
    silent = bmbench("datasets", "convert", marrow, tmp_path / "same", "--to", "coco")
    assert "warning" not in silent.err
    assert silent.err.startswith("note: classes taken for artefacts: ")


def test_a_split_is_written_and_can_be_checked(bmbench, marrow, tmp_path):
    answer = bmbench("datasets", "split", marrow, tmp_path / "s.json", "--by", "image", "--sizes", "4,1,1,2")
    assert answer.code == 0
    assert "optimisation" in answer.out
    # The images lie elsewhere: which folder may be opened is for the user to say.
    assert "with --data" in answer.err
    assert "with --data" in bmbench("datasets", "split", tmp_path / "s.json", "--check").err
    assert bmbench("datasets", "split", tmp_path / "s.json", "--check", "--data", marrow).code == 0
    # One picture under another subset's name: refused, and named.
    value = json.loads((tmp_path / "s.json").read_text())
    first = value["images"][0]
    value["images"].append(first | {"id": 99, "split": "test" if first["split"] == "train" else "train"})
    (tmp_path / "torn.json").write_text(json.dumps(value))
    torn = bmbench("datasets", "split", tmp_path / "torn.json", "--check", "--data", marrow)
    assert torn.code == 2
    assert Path(first["file_name"]).name in torn.err
    again = bmbench("datasets", "split", marrow, tmp_path / "s.json")
    assert again.code == 2
    assert "exists" in again.err


@pytest.mark.parametrize(("arguments", "said"), [
    (("--sizes", "70,10,10,10"), "--sizes is for a new split (expected a file to write it to)"),
    (("--by", "group"), "--by is for a new split"),
    (("--seed", "0"), "--seed is for a new split"),
    (("--check", "--seed", "0"), "--check looks at the split that the files state (got --seed as well)"),
    (("new.json", "--check"), "new.json as well); leave that out"),
])  # fmt: skip
def test_a_split_that_is_only_looked_at_is_not_asked_to_be_another(
    bmbench, marrow, tmp_path, arguments, said
):
    arguments = [tmp_path / word if word.endswith(".json") else word for word in arguments]
    answer = bmbench("datasets", "split", marrow, *arguments)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert said in answer.err
    assert list(tmp_path.iterdir()) == []


def test_the_split_of_the_files_is_called_so(bmbench, marrow, tmp_path):
    title = "split as the files state it"
    for how in ((), ("--check",)):
        assert title in bmbench("datasets", "split", marrow, *how).out
    new = bmbench("datasets", "split", marrow, tmp_path / "s.json", "--by", "image")
    assert (new.code, title in new.out) == (0, False)


def test_weak_circles_and_a_page(bmbench, marrow, tmp_path):
    answer = bmbench("datasets", "weaken", marrow, tmp_path / "weak.json", "--seed", "4")
    assert answer.code == 0
    place = ("--data", marrow, "--page", tmp_path / "page.html")
    answer = bmbench("datasets", "info", tmp_path / "weak.json", *place)
    assert answer.code == 0
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_a_set_that_cannot_be_fetched_is_one_sentence(bmbench, monkeypatch, tmp_path):
    monkeypatch.setenv("BMBENCH_DATA", str(tmp_path))
    answer = bmbench("datasets", "fetch", "segpc2021")
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert "no checksum" in answer.err
    # Licence and citation come first, whatever follows.
    assert "CC BY-NC-SA" in answer.out
    assert "please cite" in answer.out


def test_the_tables_of_sets_and_formats(bmbench):
    formats = bmbench("datasets", "formats").out
    assert all(name in formats for name in FORMATS)
    sets = bmbench("datasets", "list").out
    for name in DATASETS:
        card = DATASETS.get(name).card
        assert name in sets
        # Folded at 80 columns: compared without the white space.
        shown = "".join(sets.split())
        for fact in (card.modality, card.annotation, card.licence, card.cite_as or card.citation):
            assert "".join(fact.split()) in shown
    # Three lines a set, a heading and a last word.
    assert len(sets.splitlines()) < 3 * len(list(DATASETS)) + 10


def test_the_card_of_one_set(bmbench):
    card = bmbench("datasets", "list", "segpc2021").out
    for fact in ("Jenner-Giemsa", "CC BY-NC-SA", "doi:10.21227/7np1-2q42", "TCIA_SegPC_dataset.zip"):
        assert fact in " ".join(card.split())
    assert "bmbench datasets fetch kainz" in bmbench("datasets", "list", "kainz").out
    assert bmbench("datasets", "list", "kains").code == 2


def test_terms_come_once_on_the_error_stream(bmbench, shared_data, tmp_path):
    said = []
    for name in ("first", "second"):
        answer = bmbench(
            "datasets", "convert", "kainz", tmp_path / name, "--to", "csv", "--no-images",
            "--data", shared_data / "kainz_bm",
        )  # fmt: skip
        assert answer.code == 0
        assert "cite" not in answer.out
        said.append(answer.err)
    assert "please cite: Kainz et al." in said[0]
    assert "cite" not in said[1]


@pytest.fixture(scope="module")
def without_images(marrow, tmp_path_factory):
    """QuPath's files of a set, with its images nowhere near."""
    content = open_contents(str(marrow))
    done = convert(
        content, tmp_path_factory.mktemp("far") / "set", to="qupath", progress=Silent(), copy_images=False
    )
    (done.path / "bmbench-images.json").unlink()
    return done.path / "annotations"


@pytest.mark.parametrize("command", ["convert", "split", "weaken", "info", "import"])
def test_images_that_are_not_there_are_asked_for_with_an_option_that_the_command_has(
    bmbench, marrow, without_images, tmp_path, command
):
    more = {"convert": ("out", "--to", "coco"), "info": ()}.get(command, ("out.json",))
    out = (tmp_path / more[0],) if more else ()
    asked = ("datasets", command, without_images, *out, *more[1:])
    refused = bmbench(*asked)
    assert refused.code == 2
    option = refused.err.split()[-1]
    assert option.startswith("--")
    assert bmbench(*asked, option, marrow / "images").code == 0


def test_a_run_finds_images_where_it_is_told_that_they_are(marrow, without_images):
    options = RunOptions(method="blob_log", dataset=str(without_images), data=marrow / "images")
    plan = resolve(options, Silent())
    assert sum(len(part) for part in plan.split.samples.values()) == 8


@pytest.mark.parametrize(("name", "said"), [
    ("qupth:marrow", "unknown format 'qupth'; did you mean 'qupath'?"),
    ("x9:marrow", "unknown format 'x9'; choose one of asap, "),
    ("C:marrow", "C:marrow: file not found"),
    ("some/qupth:marrow", "some/qupth:marrow: file not found"),
])  # fmt: skip
def test_a_format_that_is_none_is_named_as_one(bmbench, tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    answer = bmbench("datasets", "convert", name, "out", "--to", "coco")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert answer.err.startswith(f"error: {said}")


@pytest.mark.parametrize("arguments", [
    ("convert", "nowhere/at/all", "x", "--to", "coco"),
    ("convert", "synthetic", "x", "--to", "cocoo"),
    ("split", "nowhere.json", "x.json"),
    ("import", "nowhere", "x.json"),
    ("weaken", "nowhere.json", "x.json"),
])  # fmt: skip
def test_a_mistake_is_one_sentence(bmbench, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    answer = bmbench("datasets", *arguments)
    assert answer.code == 2
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_info_reads_every_image_once_and_refuses_a_damaged_one(bmbench, marrow, tmp_path, monkeypatch):
    assert bmbench("datasets", "convert", marrow, tmp_path / "set", "--to", "coco").code == 0
    read: list[Path] = []
    monkeypatch.setattr(
        whole_images,
        "read_rgb",
        lambda path, *size, **how: (read.append(path), read_rgb(path, *size, **how))[1],
    )
    assert bmbench("datasets", "info", tmp_path / "set").code == 0
    assert len(read) == len(set(read)) == 8
    read[3].write_bytes(read[3].read_bytes()[:2000])
    answer = bmbench("datasets", "info", tmp_path / "set")
    assert answer.code == 2
    assert read[3].name in answer.err


@pytest.mark.parametrize("number", [1, 2, 3])
def test_sets_too_small_to_be_split_are_described(bmbench, tmp_path, number):
    import json

    from PIL import Image

    images, annotations = [], []
    for n in range(number):
        Image.new("RGB", (30, 20), (n, 0, 0)).save(tmp_path / f"{n}.png")
        images.append({"id": n, "file_name": f"{n}.png", "width": 30, "height": 20})
        annotations.append({"id": n, "image_id": n, "category_id": 1, "bbox": [1, 2, 9, 9]})
    value = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cell"}]}
    (tmp_path / "gt.json").write_text(json.dumps(value))
    answer = bmbench("datasets", "info", tmp_path / "gt.json")
    assert answer.code == 0, answer.err
    assert f"{number} of 30 × 20 px" in answer.out
    assert "not split" in answer.out
