"""CVAT projects: a folder of images for each subset, names that stand in several, subsets in any letters."""

import pytest
from PIL import Image

from bmbench.core.progress import Silent
from bmbench.datasets.exchange.convert import convert
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.reading.safe_xml import read_xml


def project(folder, *images):
    items = []
    for subset, name, inner in images:
        file = folder / "images" / inner / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 30)).save(file)
        shape = '<box label="x" xtl="1" ytl="2" xbr="5" ybr="9"/>'
        items.append(f'<image id="0" name="{name}" subset="{subset}" width="40" height="30">{shape}</image>')
    (folder / "annotations.xml").write_text(f"<annotations>{''.join(items)}</annotations>")
    return folder


def test_images_of_one_name_in_several_subsets_are_kept_apart(tmp_path):
    content = read_any(project(tmp_path, ("Train", "a.png", "Train"), ("Test", "a.png", "Test")))
    assert [sample.name for sample in content.samples] == ["Train/a.png", "Test/a.png"]
    assert [content.subsets[sample.image_id] for sample in content.samples] == ["train", "test"]
    assert all(sample.load().shape == (30, 40, 3) for sample in content.samples)


@pytest.mark.parametrize(
    ("word", "subset"),
    [
        ("Train", "train"),
        ("TEST", "test"),
        ("Validation", "validation"),
        ("val", "validation"),
        ("Default", None),
    ],
)
@pytest.mark.parametrize("inside", [False, True])
def test_subsets_are_known_in_any_letters_and_their_folders_found(tmp_path, word, subset, inside):
    content = read_any(project(tmp_path, (word, "a.png", word if inside else "")))
    (sample,) = content.samples
    assert content.subsets.get(sample.image_id) == subset
    assert sample.name == (f"{word}/a.png" if inside else "a.png")
    assert sample.load().shape == (30, 40, 3)
    assert content.notes == ()


def test_a_subset_that_means_nothing_here_is_named(tmp_path):
    content = read_any(project(tmp_path, ("Fold 1", "a.png", "")))
    assert content.subsets == {}
    assert content.notes[0].startswith("subset 'Fold 1' of 1 images is none of train,")


def test_what_is_written_names_its_subsets_where_other_programs_look(tmp_path):
    """In ``<subset>`` of the tasks of a project, the only place that datumaro knows."""
    source = project(tmp_path / "in", ("Train", "a.png", "Train"), ("Test", "a.png", "Test"))
    convert(read_any(source), tmp_path / "out", to="cvat", progress=Silent())
    meta = read_xml(tmp_path / "out" / "annotations.xml").find("meta")
    assert [item.text for item in meta.find("project").iter("subset")] == ["train", "test"]
    again = read_any(tmp_path / "out")
    assert [sample.name for sample in again.samples] == ["Train/a.png", "Test/a.png"]
    assert sorted(again.subsets.values()) == ["test", "train"]
