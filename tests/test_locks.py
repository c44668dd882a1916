"""What is installed is pinned: the locks fit pyproject.toml, and no place that they came from is in them."""

import importlib.util
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCKS = {path.stem: path.read_text() for path in (ROOT / "locks").glob("*.txt")}
PIN = r"[a-z0-9-]+(\[\w+\])?==\S+( ; .+)? \\\n( {4}--hash=sha256:[0-9a-f]{64}( \\)?\n)+"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
HEAVY = {"torch", "torchvision"}


def pins(name, python):
    """Name → version of what a lock installs for a Python on Linux."""
    surroundings = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    found = {}
    for line in re.findall(r"^[a-z0-9].*(?= \\$)", LOCKS[name], re.M):
        pin = Requirement(line)
        if pin.marker is None or pin.marker.evaluate(surroundings):
            assert pin.name not in found
            (found[pin.name],) = (one.version for one in pin.specifier)
    return found


def asked(python, extra="dev"):
    """All that pyproject.toml asks for in an extra, and in the extras that it holds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting = [*map(Requirement, project["dependencies"]), Requirement(f"bmbench[{extra}]")]
    while waiting:
        one = waiting.pop()
        if one.name == "bmbench":
            for held in one.extras:
                waiting += map(Requirement, project["optional-dependencies"][held])
        elif one.marker is None or one.marker.evaluate({"python_version": python}):
            yield one


def test_there_are_the_three_and_those_of_the_documentation_and_of_a_release():
    assert LOCKS.keys() - {"docs", "extras", "release"} == {"full", "light", "uv"}


@pytest.mark.parametrize("name", LOCKS)
def test_everything_is_pinned_by_version_and_hash_and_by_nothing_else(name):
    assert re.sub(PIN, "", re.sub(r"^ *#.*\n", "", LOCKS[name], flags=re.M)) == ""
    assert "://" not in LOCKS[name]


@pytest.mark.parametrize("python", PYTHONS)
def test_the_locks_are_what_pyproject_asks_for(python):
    full, light = pins("full", python), pins("light", python)
    for one in asked(python):
        assert one.specifier.contains(full[one.name]), f"{one}: make lock"
        assert one.name in HEAVY or one.name in light, f"{one}: make lock"


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_of_all_extras_is_what_pyproject_asks_for(python):
    extras = pins("extras", python)
    for one in asked(python, "extras"):
        assert one.specifier.contains(extras[one.name]), f"{one}: make lock"


def test_every_extra_is_in_the_lock_of_all_extras():
    """Only those that build the documentation and look at a release stand apart."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    reached, waiting = set(), ["extras"]
    while waiting:
        reached.add(extra := waiting.pop())
        for one in map(Requirement, project["optional-dependencies"][extra]):
            waiting += one.extras if one.name == "bmbench" else ()
    assert project["optional-dependencies"].keys() - reached == {"docs", "release"}


@pytest.mark.parametrize("python", PYTHONS)
def test_the_light_lock_is_the_full_one_without_torch(python):
    full, light = pins("full", python), pins("light", python)
    assert light.items() < full.items()
    assert full.keys() - light.keys() >= HEAVY
    assert not any(name.startswith("nvidia") for name in light)


def test_the_bill_of_materials_names_every_package_of_the_lock_once():
    """Its form was held against the schema of CycloneDX 1.6 with cyclonedx-python-lib."""
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "locks" / "sbom.py")
    sbom = sys.modules["sbom"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sbom)
    full = sbom.pins(LOCKS["full"])
    assert len(full) == len(re.findall(r"^[a-z0-9].* \\$", LOCKS["full"], re.M))
    own_hash = {"alg": "SHA-256", "content": "0" * 64}
    bill = sbom.sbom(full, sbom.project(), "1.2.3", own_hash)
    assert bill == sbom.sbom(full, sbom.project(), "1.2.3", own_hash)
    parts = {part["bom-ref"]: part for part in bill["components"]}
    assert len(parts) == len(full)
    scope = {part["name"]: part["scope"] for part in bill["components"]}
    assert (scope["numpy"], scope["torch"], scope["pytest"]) == ("required", "optional", "excluded")
    own = bill["metadata"]["component"]["bom-ref"]
    needs = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    assert needs.keys() == parts.keys() | {own}
    assert all(part in parts for needed in needs.values() for part in needed)
    (jinja,) = (name for name in parts if name.startswith("pkg:pypi/jinja2@"))
    assert [name.partition("@")[0] for name in needs[jinja]] == ["pkg:pypi/markupsafe"]
    assert all(part["hashes"] for part in parts.values())
    del sys.modules["sbom"]
