"""Sets of boxes in their published layouts, made small here; `pig_wbc` also on the real files."""

import pytest
from numpy.testing import assert_allclose
from PIL import Image

from bmbench.core.dataset import SUBSETS, LoadRequest
from bmbench.core.errors import BadInputError, BmbenchError
from bmbench.core.types import Role
from bmbench.datasets import DATASETS
from bmbench.datasets.fetch.manifest import compare, manifest


def load(name, data, **options):
    return DATASETS.get(name).load(LoadRequest(data=data, options=options))


def samples_of(split):
    return [sample for part in split.samples.values() for sample in part]


def write_parts(folder, parts, line="0 0.5 0.5 0.25 0.5", *, inside=True):
    """Images of 40 × 20 px with one line each: ``PART/images``, or ``images/PART``."""
    for part, count in parts.items():
        for kind in ("images", "labels"):
            home = folder / (f"{part}/{kind}" if inside else f"{kind}/{part}")
            home.mkdir(parents=True)
            for number in range(count):
                if kind == "images":
                    Image.new("RGB", (40, 20), (number, 0, 0)).save(home / f"{part}{number}.png")
                else:
                    (home / f"{part}{number}.txt").write_text(line)
    return folder


def test_the_makers_parts_hold_and_validation_is_halved(tmp_path):
    split = load("pig_wbc", write_parts(tmp_path, {"train": 6, "valid": 4, "test": 3}))
    assert [len(split.samples[subset]) for subset in SUBSETS] == [6, 2, 2, 3]
    assert {sample.name.split("/")[0] for sample in split.samples["test"]} == {"test"}
    assert_allclose(samples_of(split)[0].annotations.box, [[15, 5, 25, 15]])
    assert split.categories[0].name == "WBC"


def test_pig_wbc_as_it_lies_here_is_what_is_pinned(shared_data):
    folder = shared_data / "pig_wbc"
    found = compare(manifest("pig_wbc"), folder)
    assert (found.other, found.same + found.missing) == ((), 1310)
    split = load("pig_wbc", folder)
    assert sum(map(len, split.samples.values())) == found.same // 2
    assert {sample.name.split("/")[0] for sample in split.samples["test"]} <= {"test", "valid"}


def test_leukemia_attri_has_attributes_behind_its_boxes_and_artefacts(tmp_path):
    line = "0 0.5 0.5 0.25 0.5 1 0 1 1 0 2\n2 0.5 0.5 0.5 0.5 1 0 1 1 0 2\n"
    for domain in ("H_100x_C1", "L_40x_C2"):
        write_parts(tmp_path / domain, {"train": 4, "val": 2, "test": 2}, line, inside=False)
    with pytest.raises(BadInputError, match=r"2 folders.*--option domain=H_100x_C1"):
        load("leukemia_attri", tmp_path)
    split = load("leukemia_attri", tmp_path, domain="L_40x_C2")
    annotations = samples_of(split)[0].annotations
    assert annotations.role.tolist() == [int(Role.ARTEFACT), int(Role.CELL)]
    assert split.categories[annotations.label[1]].name == "Lymphoblast"
    assert split.faults == ("left out: attributes of an object (16)",)
    assert len(split.categories) == 14


def test_pcmmd_says_which_number_it_takes_for_plasma_cells(tmp_path):
    write_parts(tmp_path / "data" / "detection", {"train": 4, "test": 2}, "1 0.5 0.5 0.25 0.5")
    split = load("pcmmd", tmp_path)
    assert split.categories[samples_of(split)[0].annotations.label[0]].name == "other cell"
    assert "class 0 is taken for plasma cells" in split.faults[0]
    other = load("pcmmd", tmp_path, plasma="1")
    assert other.categories[samples_of(other)[0].annotations.label[0]].name == "plasma cell"


def test_a_fold_of_the_myeloma_set_is_chosen(tmp_path):
    for fold, count in (("fold_1", 4), ("fold_2", 5)):
        write_parts(tmp_path / fold, {"train": count, "val": 2, "test": 2})
    assert len(load("myeloma_ufba", tmp_path, fold="fold_2").samples["train"]) == 5
    assert len(load("myeloma_ufba", tmp_path / "fold_1").samples["train"]) == 4


def test_cytologia_keeps_laboratories_whole(tmp_path):
    (tmp_path / "images_cytologia").mkdir()
    rows = ["NAME,x1,y1,x2,y2,class,lab"]
    for number in range(12):
        Image.new("RGB", (40, 20)).save(tmp_path / "images_cytologia" / f"{number}.jpg")
        rows += [f"{number}.jpg,1,2,11,12,{kind},L{number % 6}" for kind in ("BA", "Artefact")]
    (tmp_path / "train.csv").write_text("\n".join(rows))
    split = load("cytologia", tmp_path)
    groups = [{sample.group for sample in split.samples[subset]} for subset in SUBSETS]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 6
    first = samples_of(split)[0].annotations
    assert (len(first), sorted(first.role.tolist())) == (2, sorted([int(Role.CELL), int(Role.ARTEFACT)]))
    (tmp_path / "train.csv").write_text("\n".join(row.rsplit(",", 1)[0] for row in rows))
    assert "one by one" in load("cytologia", tmp_path).faults[0]


@pytest.mark.parametrize(
    "line", ["x 0 0 0 0", "0 0.5", "0 0.5 0.5 0.25 nan", "3 0.5 0.5 0.1 0.1", "0 1 1 1 1 1 1", "0.5 1 1 1 1"]
)
def test_a_damaged_line_is_named(tmp_path, line):
    write_parts(tmp_path, {"train": 3, "valid": 2, "test": 1}, line)
    with pytest.raises(BadInputError, match=r"train0\.txt, line 1"):
        load("pig_wbc", tmp_path)


@pytest.mark.parametrize("name", ["pig_wbc", "leukemia_attri", "cytologia", "pcmmd", "myeloma_ufba"])
def test_an_empty_folder_is_one_sentence(tmp_path, name):
    with pytest.raises(BmbenchError):
        load(name, tmp_path)
