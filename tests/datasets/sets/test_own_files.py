"""A user's own images with a COCO file."""

import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from bmbench.core.dataset import SUBSETS, LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.datasets import open_dataset
from bmbench.datasets.splits.leakage import leaks

N_IMAGES = 12


@pytest.fixture
def own(tmp_path):
    """Twelve 30 × 20 images of six slides, two cells of 9 × 9 px each, and their COCO file as a value."""
    images, annotations = [], []
    for number in range(N_IMAGES):
        Image.fromarray(np.full((20, 30, 3), number, np.uint8)).save(tmp_path / f"{number}.png")
        images.append(
            {
                "id": number,
                "file_name": f"{number}.png",
                "width": 30,
                "height": 20,
                "group": f"slide {number % 6}",
            }
        )
        for part in range(2):
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": number,
                    "category_id": 1,
                    "bbox": [1 + 12 * part, 2, 9, 9],
                }
            )
    value = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cell"}]}
    return tmp_path, value


def write(own):
    folder, value = own
    (folder / "gt.json").write_text(json.dumps(value))
    return str(folder / "gt.json")


def load(own, **request):
    return open_dataset(write(own)).load(LoadRequest(**request))


def test_the_card_is_worked_out_from_the_file(own):
    card = open_dataset(write(own)).card
    assert (card.name, card.annotation, card.radius_px) == ("gt", "boxes", 3.0)
    for record in own[1]["annotations"]:
        record["circle"] = [10, 10, 6]
    card = open_dataset(write(own)).card
    assert (card.annotation, card.radius_px) == ("circles", 4.0)
    for record in own[1]["annotations"]:
        record["segmentation"] = [[0, 0, 9, 0, 9, 9]]
    assert open_dataset(write(own)).card.annotation == "contours"


def test_without_subsets_the_split_is_computed_seeded_and_by_group(own):
    split = load(own)
    assert tuple(split.samples) == SUBSETS
    assert all(split.samples.values())
    assert leaks(split.samples) == ()
    assert sum(len(part) for part in split.samples.values()) == N_IMAGES
    assert_array_equal(split.samples["test"][0].load(), split.samples["test"][0].image_id)
    by_image = load(own, options={"split_by": "image"})
    assert [len(part) for part in by_image.samples.values()] == [7, 1, 1, 3]
    assert load(own, options={"radius_px": "5"}).radius_px == 5


def test_named_subsets_are_kept(own):
    for record in own[1]["images"]:
        record["split"] = "test" if record["id"] == 5 else "train"
    split = load(own)
    assert [sample.image_id for sample in split.samples["test"]] == [5]
    # What the maker does not have comes out of the training images.
    assert sum(len(part) for part in split.samples.values()) == N_IMAGES
    assert all(split.samples.values())
    assert split.split_from.startswith("the maker's, from its annotation files; validation and optimisation")
    del own[1]["images"][3]["split"]
    with pytest.raises(BadInputError, match=r"gt\.json: image 3\.png has no 'split'"):
        load(own)


def test_images_may_lie_elsewhere(own):
    (own[0] / "there").mkdir()
    for number in range(N_IMAGES):
        (own[0] / f"{number}.png").rename(own[0] / "there" / f"{number}.png")
    with pytest.raises(BadInputError, match=r"0\.png: file not found"):
        load(own)
    assert load(own, data=own[0] / "there").samples["test"][0].load().shape == (20, 30, 3)


def test_a_folder_is_opened_by_its_annotation_file(own):
    file = write(own)
    assert open_dataset(str(own[0])).card.source == file
    (own[0] / "more.json").write_text("{}")
    assert open_dataset(str(own[0])).card.source == file
    (own[0] / "more.json").write_text((own[0] / "gt.json").read_text())
    with pytest.raises(BadInputError, match="2 files of the format coco, and none is called"):
        open_dataset(str(own[0]))
    (own[0] / "gt.json").rename(own[0] / "annotations.json")
    assert open_dataset(str(own[0])).card.source == str(own[0] / "annotations.json")


def test_no_cell_at_all_is_refused_with_the_likely_reason(own):
    crowded = json.loads(json.dumps(own[1]))
    for record in crowded["annotations"]:
        record["iscrowd"] = 1
    artefacts = json.loads(json.dumps(own[1]))
    artefacts["categories"][0]["supercategory"] = "artefact"
    for value, reason in (
        (own[1] | {"annotations": []}, "annotate at least one"),
        (own[1] | {"annotations": [], "images": []}, "annotate at least one"),
        (crowded, "iscrowd 1 are ignored regions"),
        (artefacts, "supercategory artefact"),
    ):
        with pytest.raises(BadInputError, match=f"gt.json: no cell is annotated; .*{reason}"):
            open_dataset(write((own[0], value)))


def test_an_image_of_another_size_or_damaged_is_found_on_loading(own):
    Image.new("RGB", (20, 30)).save(own[0] / "4.png")
    with pytest.raises(BadInputError, match=r"4\.png: image size differs from the annotations"):
        load(own)
    (own[0] / "4.png").write_text("no image")
    with pytest.raises(BadInputError, match=r"4\.png: not an image"):
        load(own)


def test_what_is_neither_a_name_nor_a_file_is_one_sentence(tmp_path):
    with pytest.raises(BadInputError, match=r"gone\.json: file not found"):
        open_dataset(str(tmp_path / "gone.json"))
    with pytest.raises(BadInputError, match="no annotations of a known format"):
        open_dataset(str(tmp_path))
