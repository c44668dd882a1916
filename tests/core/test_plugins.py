"""Entries of other packages: found by entry points, imported on use, named where they are broken."""

from __future__ import annotations

import sys
import textwrap

import pytest

from bmbench.core.errors import UnknownNameError
from bmbench.core.plugins import TRUSTED, Origin, PluginError, is_place, trust, trusted
from bmbench.core.registry import Registry


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Make a package importable and known by its entry points, as pip does it; its modules are forgotten."""
    monkeypatch.delenv(TRUSTED, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def install(name, code, points, *, version="1.2", group="bmbench.things"):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code))
        facts = tmp_path / f"{name}-{version}.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (facts / "RECORD").write_text(f"{name}.py,,\n{facts.name}/METADATA,,\n")
        lines = "\n".join(f"{point} = {place}" for point, place in points.items())
        (facts / "entry_points.txt").write_text(f"[{group}]\n{lines}\n")

    yield install
    for module in set(sys.modules) - before:
        del sys.modules[module]


def things(**more):
    return Registry("thing", [("own", "math:pi")], group="bmbench.things", **more)


def test_an_entry_of_another_package_is_listed_and_loaded_on_use(installed):
    installed("plug_one", "VALUE = 7", {"seven": "plug_one:VALUE"})
    registry = things()
    assert registry.names() == ("own", "seven")
    assert registry.own_names() == ("own",)
    assert "seven" in registry
    assert "plug_one" not in sys.modules
    assert registry.get("seven") == 7
    assert registry.origin("seven") == Origin(place="plug_one:VALUE", package="plug_one", version="1.2")
    assert registry.origin("own") is None


def test_a_run_keeps_package_version_place_and_a_digest_of_the_code(installed, tmp_path):
    installed("plug_two", "VALUE = 7", {"seven": "plug_two:VALUE"})
    registry = things()
    registry.get("seven")
    facts = registry.origin("seven").facts()
    assert (facts["package"], facts["version"], facts["place"]) == ("plug_two", "1.2", "plug_two:VALUE")
    (tmp_path / "plug_two.py").write_text("VALUE = 8")
    assert registry.origin("seven").facts()["code_sha256"] != facts["code_sha256"]


BROKEN = {
    "raises at import": ("raise RuntimeError('no licence')", r"RuntimeError: no licence, plug_bad.py line 1"),
    "ends the process": ("import sys\nsys.exit(3)", "SystemExit: 3"),
    "is no Python": ("def :", "SyntaxError"),
    "needs what is not there": ("import no_such_module", "ModuleNotFoundError: No module named"),
    "has no such name": ("", "AttributeError: module 'plug_bad' has no attribute 'VALUE'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_package_is_one_sentence_and_breaks_no_other(installed, kind):
    code, said = BROKEN[kind]
    installed("plug_bad", code, {"bad": "plug_bad:VALUE"})
    installed("plug_good", "VALUE = 7", {"good": "plug_good:VALUE"})
    registry = things()
    assert registry.names() == ("own", "bad", "good")
    with pytest.raises(
        PluginError, match=f"the thing 'bad' of plug_bad 1.2 cannot be loaded .*{said}"
    ) as caught:
        registry.get("bad")
    assert "\n" not in str(caught.value)
    found, problems = registry.loaded()
    assert list(found) == ["own", "good"]
    assert len(problems) == 1


def test_two_packages_with_one_name_are_named_and_an_own_name_is_never_hidden(installed):
    installed("plug_a", "VALUE = 1", {"twice": "plug_a:VALUE", "own": "plug_a:VALUE"})
    installed("plug_b", "VALUE = 2", {"twice": "plug_b:VALUE"})
    registry = things()
    with pytest.raises(
        PluginError, match="'twice' is offered by plug_a 1\\.2 and plug_b 1\\.2; uninstall one"
    ):
        registry.get("twice")
    assert registry.get("own") == pytest.approx(3.14159, abs=1e-5)
    _, problems = registry.loaded()
    assert "the thing 'own' of plug_a 1.2 is hidden by bmbench's own" in problems


def test_an_unknown_name_gets_the_nearest_one_of_other_packages_too(installed):
    installed("plug_near", "VALUE = 1", {"my_cells": "plug_near:VALUE"})
    with pytest.raises(UnknownNameError, match="did you mean 'my_cells'"):
        things().get("my_cell")


def test_a_place_is_imported_only_where_the_user_has_named_it(installed, tmp_path):
    installed("plug_place", "from types import SimpleNamespace\nVALUE = SimpleNamespace(name='mine')", {})
    registry = things(by_place=True)
    with pytest.raises(
        PluginError, match="is code that you have not named; if you trust it, set BMBENCH_PLUGINS="
    ):
        registry.get("plug_place:VALUE")
    assert "plug_place" not in sys.modules
    assert "plug_place:VALUE" not in registry
    trust("bmbench.things", "plug_place:VALUE")
    assert registry.get("plug_place:VALUE").name == "mine"
    assert registry.get("mine").name == "mine"
    assert "mine" in registry
    # Another registry, as one of another process, knows it from the environment.
    assert things(by_place=True).get("mine").name == "mine"
    assert things(by_place=True).named_place("mine") == "plug_place:VALUE"


def test_an_entry_may_be_lent_for_this_process(installed):
    registry = things(by_place=True)
    registry.lend("mine", 7, place="__main__:mine")
    assert (registry.get("mine"), registry.origin("mine").place) == (7, "__main__:mine")
    assert "mine" in registry
    with pytest.raises(PluginError, match="bmbench itself has a thing 'own'"):
        registry.lend("own", 7, place="__main__:own")


def test_a_place_is_no_entry_of_a_registry_that_has_none(installed):
    trust("bmbench.things", "math:pi")
    with pytest.raises(UnknownNameError):
        things().get("math:pi")


def test_what_is_no_place_is_never_trusted(monkeypatch):
    monkeypatch.setenv(TRUSTED, "bmbench.things=os bmbench.things=../x:Y bmbench.other=a:b junk")
    assert trusted("bmbench.things") == ()
    assert [is_place(text) for text in ("a.b:C", "a:B.c", "a b:C", "C:/x", "a:", "qupath:x")] == [
        True, False, False, False, False, True,
    ]  # fmt: skip
    assert trust("bmbench.things", "blob_log") == "blob_log"
    assert trusted("bmbench.things") == ()


def test_what_adopting_refuses_is_a_sentence_too(installed):
    installed("plug_odd", "VALUE = 7", {"seven": "plug_odd:VALUE"})
    registry = things(adopt="builtins:divmod")
    with pytest.raises(PluginError, match=r"the thing 'seven' of plug_odd 1\.2 cannot be loaded .TypeError"):
        registry.get("seven")
