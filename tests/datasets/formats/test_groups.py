"""Patients and slides of images in formats that have no place for them."""

import pytest

from bmbench.core.dataset import LoadRequest
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent
from bmbench.datasets import open_dataset
from bmbench.datasets.exchange.convert import convert
from bmbench.datasets.formats import FORMATS
from bmbench.datasets.formats.images_beside import SIDECAR_TABLE
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.reading.tables import read_table

from .folders import VOC, lay

NAMES = [f"Pat {patient} Feld {field}" for patient in "ABCD" for field in (1, 2, 3)]


@pytest.fixture
def folder(tmp_path):
    lay(tmp_path / "set", {f"{name}.png": None for name in NAMES})
    return lay(tmp_path / "set", {f"{name}.xml": VOC for name in NAMES})


def groups_of(content):
    return {sample.name[:5]: sample.group for sample in content.samples}


BY_LETTER = {f"Pat {letter}": letter for letter in "ABCD"}


@pytest.mark.parametrize(
    "table",
    [
        "image,group\n" + "".join(f"{name}.png,{name[4]}\n" for name in NAMES),
        "Datei;Fall\n" + "".join(f"{name};{name[4]}\n" for name in NAMES),
        "sep=;\nPatient;Image\n" + "".join(f"{name[4]};C:\\bilder\\{name}.png\n" for name in reversed(NAMES)),
        "slide\tfile_name\n" + "".join(f"{name[4]}\tother/{name}.png\n" for name in NAMES),
    ],
)
def test_a_table_states_groups_in_any_spreadsheets_way(folder, tmp_path, table):
    (tmp_path / "groups.csv").write_text(table)
    assert groups_of(read_any(folder, choices={"groups": str(tmp_path / "groups.csv")})) == BY_LETTER


def test_a_table_beside_the_set_is_read_and_named(folder):
    (folder / SIDECAR_TABLE).write_text("image,group\n" + "".join(f"{n}.png,{n[4]}\n" for n in NAMES))
    found = read_any(folder)
    assert groups_of(found) == BY_LETTER
    assert f"groups from {SIDECAR_TABLE}" in found.notes


@pytest.mark.parametrize(
    ("pattern", "groups"), [(r"Pat (\w)", BY_LETTER), (r"Pat \w", {p: p for p in BY_LETTER})]
)
def test_a_pattern_of_names_states_groups(folder, pattern, groups):
    assert groups_of(read_any(folder, choices={"group_from": pattern})) == groups


@pytest.mark.parametrize("name", [name for name in FORMATS.names() if FORMATS.get(name).write])
def test_groups_come_through_every_format(folder, tmp_path, name):
    content = read_any(folder, choices={"group_from": r"Pat (\w)"})
    out = tmp_path / "out"
    convert(content, out, to=name, progress=Silent())
    again = read_any(out, choices={"group_from": r"Pat (\w)"})
    assert groups_of(again) == BY_LETTER
    if name not in ("cvat", "via"):
        # Kept in the file itself, or beside it.
        assert groups_of(read_any(out)) == BY_LETTER


@pytest.mark.parametrize(
    ("choices", "table", "what"),
    [
        ({"group_from": "("}, "", "group_from '\\('.*a regular expression"),
        ({"group_from": r"Pat ([ABC])"}, "", r"images without a group.*Pat D Feld 1\.png"),
        # As it was typed: no second backslash.
        ({"group_from": r"Fall (\w)"}, "", r"group_from 'Fall \(\\w\)': images without"),
        ({}, "image,group\nPat A Feld 1.png,A\n", "images without a group.*and 8 more"),
        ({}, "image,x\na,b\n", "columns missing.*image and group"),
        ({}, "image,group\na,b\na,c\n", "line 3: image with two groups"),
        ({}, "image,group\na,\n", "line 2: row without an image or a group"),
        ({}, 'image,group\n"a,b\n', "not a table"),
        ({"group_from": "a"}, "image,group\n", "stated twice"),
    ],
)
def test_what_states_no_groups_is_refused(folder, tmp_path, choices, table, what):
    if table:
        (tmp_path / "g.csv").write_text(table)
        choices = {**choices, "groups": str(tmp_path / "g.csv")}
    with pytest.raises(BadInputError, match=what):
        read_any(folder, choices=choices)


def test_names_that_share_a_stem_give_a_warning_with_the_option_to_type(folder):
    (hint,) = [note for note in read_any(folder).notes if "share a stem" in note]
    assert "'Pat A' (3 images)" in hint
    pattern = hint.split("--group-from '")[1].removesuffix("'")
    assert set(groups_of(read_any(folder, choices={"group_from": pattern})).values()) == set(BY_LETTER)


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["BM_GRAZ_HE_0001_01", "BM_GRAZ_HE_0001_02", "BM_GRAZ_HE_0002_01", "BM_GRAZ_HE_0002_02"], 2),
        (["A/1", "A/2", "B/1", "B/2"], 2),
        (["p1-blue", "p1-red", "p2-blue", "p2-red"], 2),
        (["img1", "img2", "img3", "img4"], 0),
        (["field_01", "field_02", "field_03", "field_04"], 0),
        (["train/img_1", "train/img_2", "test/img_3", "test/img_4"], 0),
        (["a_1", "b_1", "c_1", "d_1"], 0),
    ],
)
def test_only_names_in_groups_are_warned_of(tmp_path, names, groups):
    lay(tmp_path, {f"{name}.{e}": t for name in names for e, t in (("png", None), ("xml", VOC))})
    hints = [note for note in read_any(tmp_path).notes if "share a stem" in note]
    assert len(hints) == bool(groups)
    if groups:
        pattern = hints[0].split("--group-from '")[1].removesuffix("'")
        assert len({s.group for s in read_any(tmp_path, choices={"group_from": pattern}).samples}) == groups


def test_stated_groups_are_not_torn_by_a_computed_split(folder):
    split = open_dataset(str(folder)).load(LoadRequest(options={"group_from": r"Pat (\w)"}))
    assert all(len(part) == 3 and len({s.group for s in part}) == 1 for part in split.samples.values())


def test_text_of_windows_is_read_and_named(tmp_path):
    (tmp_path / "g.csv").write_bytes("Bild;Fall\nJäger 1.png;ä\n".encode("cp1252"))
    table = read_table(tmp_path / "g.csv")
    assert table.rows[0][1] == ("Jäger 1.png", "ä")
    assert "cp1252" in table.notes[0]
    (tmp_path / "g.csv").write_bytes("Bild;Fall\nJäger 1.png;ä\n".encode("utf-16"))
    assert read_table(tmp_path / "g.csv").rows[0][1] == ("Jäger 1.png", "ä")
