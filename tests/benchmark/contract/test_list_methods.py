"""Which methods there are: what the list says of each, what filters it, and that the licences are true."""

import dataclasses
import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest

from bmbench.adapters import METHODS
from bmbench.benchmark.contract.list_methods import (
    ABILITIES,
    WantedMethods,
    abilities,
    methods_markdown,
    methods_record,
    methods_table,
)
from bmbench.core.errors import BadInputError

ROOT = Path(__file__).parents[3]
OWN = [METHODS.get(name) for name in METHODS.own_names()]
PAGE = (ROOT / "docs" / "methods.md").read_text("utf-8")
OF_EXTRAS = re.findall(r"^\| `([a-z-]+)` \| (`.+`) \| ([A-Z][\w. -]+) \|$", PAGE, re.MULTILINE)
LICENSED = sorted(
    {(method.licence.package, method.licence.name) for method in OWN}
    | {(package, one) for package, _, licence in OF_EXTRAS for one in licence.split(" AND ")}
)
SAID_AS = {
    "Apache-2.0": r"Apache[- ](Software )?(License[,]? )?(Version )?2\.0|Apache Software License",
    "BSD-3-Clause": r"BSD(-3-Clause)?\b",
    "AGPL-3.0": r"AGPL-3\.0",
    "MIT": r"\bMIT\b",
    "CNRI-Python": r"CNRI-Python",
}
"""How packages write these licences in their metadata; the classifier of Apache's names no version."""
SEGMENTERS = {"unet", "stardist", "hover", "flow"}


def names(**wanted):
    return [one["name"] for one in methods_record(WantedMethods(**wanted))["methods"]]


@pytest.mark.parametrize(("package", "licence"), LICENSED)
def test_a_licence_is_what_the_package_says_of_itself(package, licence):
    if package == "bmbench":
        assert f'license = "{licence}"' in (ROOT / "pyproject.toml").read_text("utf-8")
        return
    try:
        said = importlib.metadata.metadata(package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed here")
    words = [said.get("License-Expression"), said.get("License"), *said.get_all("Classifier", [])]
    assert re.search(SAID_AS[licence], "\n".join(word for word in words if word))


def test_every_method_of_this_package_has_a_licence():
    assert all(method.licence for method in OWN)
    assert {method.licence.name for method in OWN} == {"Apache-2.0", "BSD-3-Clause", "AGPL-3.0"}


def test_the_page_has_a_licence_for_all_that_the_extras_of_methods_ask_for():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    told = {(package, extra) for package, where, _ in OF_EXTRAS for extra in re.findall(r"\w+", where)}
    wanted = {
        (re.split(r"[^\w-]", one)[0], extra)
        for extra in {method.extra for method in OWN if method.extra} | {"encoders"}
        for one in extras[extra]
        if not one.startswith("bmbench[")
    }
    assert wanted <= told


def test_every_method_has_a_judge_that_is_there():
    rows = [line.split("|") for line in PAGE.partition("## Who judges them")[2].splitlines() if "::" in line]
    judged = {name for row in rows for name in re.findall(r"`(\w+)", row[1])}
    for method in OWN:
        assert method.name in judged or (method.family == "unet" and "unet_" in judged), method.name
    for row in rows:
        file, _, test = row[3].strip(" `").partition("::")
        assert f"\ndef {test}(" in (ROOT / "tests" / "adapters" / file).read_text("utf-8"), row[3]


def test_a_list_is_filtered_by_all_that_is_wanted():
    everything = names()
    assert set(METHODS.own_names()) <= set(everything)
    assert names(can=("outlines", "classes")) == [
        *(name for name in everything if name.startswith("unet_")),
        "stardist",
        "hover",
        "flow",
        "mask_rcnn",
        "circular_mask_rcnn",
        "detectron2_mask_rcnn",
    ]
    assert names(family="retinanet") == ["retinanet", "circular_retinanet", "detectron2_retinanet"]
    assert names(licence="agpl-3.0") == ["yolov3u", "yolo11", "yolo26"]
    assert names(licence="BSD-3-Clause", family="fcos") == ["fcos"]
    assert names(family="no such") == []


def test_only_what_is_installed_is_here(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert names(here=True) == ["blob_log"]


def test_an_unknown_ability_is_one_sentence():
    with pytest.raises(BadInputError, match=r"no ability.*'wings'.*classes, artefacts, outlines, points"):
        WantedMethods(can=("classes", "wings"))


def test_what_a_method_can_is_what_it_says_of_itself():
    method = METHODS.get("blob_log")
    assert abilities(method) == []
    for word, (_, attribute, _) in ABILITIES.items():
        assert abilities(dataclasses.replace(method, **{attribute: True})) == [word]


def test_outlines_are_promised_by_those_alone_whose_settings_have_masks_or_that_segment():
    for method in OWN:
        settings = {field.name for field in dataclasses.fields(method.settings["quick"])}
        assert method.outlines == (method.family in SEGMENTERS or "mask" in settings), method.name


def test_the_table_says_for_each_method_what_it_can_and_needs():
    table = methods_table(WantedMethods(family="mask_rcnn"))
    assert list(table.columns[1].cells) == ["CAOP", "CAOP", "CAOP"]
    assert list(table.columns[2].cells) == ["BSD-3-Clause", "BSD-3-Clause", "Apache-2.0"]
    assert list(table.columns[4].cells) == ["train", "train", "detectron2"]


def test_the_page_holds_the_table_that_the_command_makes():
    assert methods_markdown() in PAGE, (
        "run `bmbench methods --markdown` and put the table into docs/methods.md"
    )
