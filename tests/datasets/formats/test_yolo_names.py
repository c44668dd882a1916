"""The names of classes in a data.yaml, as PyYAML reads them, and files that mean harm."""

import time

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from bmbench.core.errors import BadInputError
from bmbench.core.types import Annotations, Category, Sample
from bmbench.datasets.formats.codec import Content
from bmbench.datasets.formats.recognise import read_any
from bmbench.datasets.formats.yolo import CODEC, _yaml_text
from bmbench.datasets.formats.yolo_names import yaml_names
from bmbench.datasets.reading import safe_yaml


def folder_with(place, text):
    Image.new("RGB", (10, 10)).save(place / "a.png")
    (place / "data.yaml").write_text(text, encoding="utf-8")
    (place / "a.txt").write_text("1 0.5 0.5 0.2 0.4\n")
    return place / "data.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "names:\n  '0': blast\n  '1': plasma cell\n",
        'names:\n  "0": blast\n  "1": plasma cell\n',
        "names: {'0': blast, '1': 'plasma cell'}\n",
        "{nc: 2, names: {0: blast, 1: plasma cell}}\n",
        "'names':\n  ? 0\n  : blast\n  ? 1\n  : plasma\n    cell\n",
        'names: ["blast", "plasma\\x20cell"]\n',
        "names:\n- >-\n  blast\n- |-\n  plasma cell\n",
        "%YAML 1.1\n---\nnames: !!seq [blast, !!str plasma cell]\n...\n",
        "train: images\nnames: # of cells\n  # the first\n  0: blast\n\n  1: plasma cell # the last\nnc: 2\n",
    ],
)
def test_names_and_their_numbers_are_those_that_pyyaml_reads(tmp_path, text):
    names = yaml.safe_load(text)["names"]
    judge = dict(enumerate(names)) if isinstance(names, list) else {int(k): v for k, v in names.items()}
    assert judge == {0: "blast", 1: "plasma cell"}
    found = read_any(folder_with(tmp_path, text))
    assert [c.name for c in found.categories] == ["blast", "plasma cell"]
    assert found.categories[found.samples[0].annotations.label[0]].name == "plasma cell"


def test_a_name_is_the_text_that_was_written_also_where_yaml_has_another_word_for_it(tmp_path):
    (tmp_path / "data.yaml").write_text("names: [no, 1.50, null, 2026-11-29, 0x1F]\n")
    assert list(yaml_names(tmp_path / "data.yaml").values()) == ["no", "1.50", "null", "2026-11-29", "0x1F"]


LAUGHS = "a0: &a0 [ha]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
MERGES = "m0: &m0 {x0: 1}\n" + "".join(
    f"m{n}: &m{n}\n  <<: [{', '.join([f'*m{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LAUGHS + "names: *a9\n", "line 2: holds an alias"),
        (MERGES + "names: [a]\n", "holds an alias"),
        ("names: &n [a, *n]\n", "holds an alias"),
        ("names: " + "[" * 100 + "]" * 100, "line 1: nested deeper"),
        ("names: " + "[" * 100_000, "nested deeper|nesting"),
        ("names: " + "{a: " * 100_000, "nested deeper|nesting"),
        ("- " * 100_000, "nested deeper|nesting"),
        ("names: [a, b\n", "line 2: not valid YAML"),
        ("names:\n\t- a\n", "line 2: not valid YAML"),
        ("names: [a\x00]\n", "not valid YAML"),
        ("names: [a]\n--- \nnames: [b]\n", "not valid YAML"),
        ("", "not a YAML mapping"),
        ("\n" * 1_000_000, "not a YAML mapping"),
        ("- a\n- b\n", "not a YAML mapping"),
        ("red\n", "not a YAML mapping"),
        ("nc: 2\n", "no entry 'names'"),
        ("names: [a]\nnames: [b]\n", "line 2: two entries 'names'"),
        ("names: {0: a, '0': b}\n", "two names of class 0"),
        ("names: {0: a, 00: b}\n", "two names of class 0"),
        ("names: {red: 0}\n", "not the number of a class.*red"),
        ("names: {-1: a}\n", "not the number of a class"),
        ("names: {1.0: a}\n", "not the number of a class"),
        ("names: {[0]: a}\n", "not the number of a class"),
        ("names: {12345678: a}\n", "not the number of a class"),
        ("names: red\n", "neither a list nor a map"),
        ("names: [a, [b]]\n", "not the name of a class"),
        ("names:\n  0: a\n  1:\n", "line 3: not the name of a class"),
        ("names: ['  ']\n", "not the name of a class"),
    ],
)
def test_what_is_no_plain_list_of_names_is_refused_at_once(tmp_path, text, why):
    path = folder_with(tmp_path, text)
    started = time.monotonic()
    with pytest.raises(BadInputError, match=why):
        read_any(path)
    assert time.monotonic() - started < 10


def test_a_huge_file_is_refused_unread(tmp_path):
    path = folder_with(tmp_path, "names: [a]\n")
    with path.open("r+b") as file:
        file.truncate(safe_yaml.LIMIT_BYTES + 1)
    with pytest.raises(BadInputError, match="too large"):
        read_any(path)


def test_nothing_is_constructed(tmp_path):
    (tmp_path / "data.yaml").write_text(
        "names: [!!python/object/apply:os.system ['touch owned'], !!python/name:os.system a]\n"
    )
    with pytest.raises(BadInputError, match="not the name of a class"):
        yaml_names(tmp_path / "data.yaml")
    (tmp_path / "data.yaml").write_text("names: [!!python/name:os.system a]\n")
    assert yaml_names(tmp_path / "data.yaml") == {0: "a"}


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
@example("\u2028")
@example("\x7f")
@example("\x85a\ufeff")
@example("a: b # c\\")
@example("\U0001f9eb" * 100)
def test_any_text_is_written_so_that_pyyaml_reads_it_again(text):
    written = _yaml_text(text)
    assert "\n" not in written
    assert yaml.safe_load(f"names:\n  0: {written}\n") == {"names": {0: text}}


def test_names_are_read_as_they_were_written(tmp_path):
    names = ["blast", "red, cell", "no", "1.5", 'it\'s "so": {x}', "Ž\u2028b", "'0'"]
    sample = Sample(
        image_id="a",
        name="a.png",
        width=10,
        height=10,
        group="a",
        annotations=Annotations.empty(),
        load=lambda: Image.new("RGB", (10, 10)),
    )
    categories = tuple(Category(id=number, name=name) for number, name in enumerate(names, start=1))
    CODEC.frame(tmp_path, Content(samples=(sample,), categories=categories))
    assert list(yaml_names(tmp_path / "data.yaml").values()) == names
    CODEC.frame(tmp_path, Content(samples=(sample,), categories=()))
    assert yaml_names(tmp_path / "data.yaml") == {}
