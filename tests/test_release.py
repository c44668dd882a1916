"""What a release is made from says one thing everywhere, and its checks find what is wrong."""

from __future__ import annotations

import importlib.util
import io
import re
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SOURCE = PROJECT["urls"]["Source"]


def script(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    found = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_the_address_of_the_project_is_the_same_everywhere():
    """Whoever moves the project changes it in three files; this names the one that was forgotten."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    assert citation["repository-code"] == SOURCE
    assert site["extra"]["repository"] == SOURCE
    assert all(address.startswith(SOURCE) for address in PROJECT["urls"].values())


def test_citation_and_package_name_one_licence():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert citation["cff-version"] == "1.2.0"
    assert citation["authors"]


def test_links_and_pictures_of_the_readme_lead_to_the_version_that_is_released():
    pytest.importorskip("hatchling", reason="hatchling is not installed here")
    absolute = script(ROOT / "hatch_build.py").absolute
    text = "![a](docs/a.png) [b](docs/b.md#c) [d](https://e.org) [f](#g) [h](mailto:i@j)"
    led = absolute(text, source="https://s", version="1.2")
    assert led.split()[:2] == ["![a](https://s/raw/v1.2/docs/a.png)", "[b](https://s/blob/v1.2/docs/b.md#c)"]
    assert led.split()[2:] == text.split()[2:]
    readme = absolute((ROOT / "README.md").read_text("utf-8"), source="https://s", version="1")
    assert re.findall(r"\]\((?!https?:|#)", readme) == []


@pytest.fixture(name="check")
def _check():
    return script(ROOT / "locks" / "check_release.py")


@pytest.fixture(name="changelog")
def _changelog():
    return script(ROOT / "locks" / "changelog.py")


def test_the_section_of_a_version_is_written_anew_and_older_ones_stay(changelog):
    above = f"# Changelog\n\n{changelog.MARKER}\n"
    text = f"{above}## 0.2.0 (not yet released)\n\n- old\n\n## 0.1.0 (then)\n\n- first\n"
    new = changelog.with_section(text, "0.2.0", "## 0.2.0 (today)\n\n- new\n")
    assert new == text.replace("not yet released", "today").replace("- old", "- new")
    assert changelog.section(new, "0.1.0") == "## 0.1.0 (then)\n\n- first\n"
    later = changelog.with_section(new, "0.3.0", "## 0.3.0 (tomorrow)\n\n- third\n")
    assert later == new.replace("## 0.2.0", "## 0.3.0 (tomorrow)\n\n- third\n\n## 0.2.0")


def test_a_release_needs_a_section_that_says_what_the_fragments_say_and_can_be_read(changelog):
    made = "## 0.2.0 (not yet released)\n\n- one\n"
    assert changelog.faults(made.replace("not yet released", "today"), made) == []
    assert "no section" in changelog.faults("", made)[0]
    assert "not what changes/ says" in changelog.faults(made.replace("one", "two"), made)[0]
    long = made + "word " * changelog.WORDS
    assert [f"{len(long.split())} words" in fault for fault in changelog.faults(long, long)] == [True]
    assert "when this was released" in changelog.faults(made, None)[0]
    assert changelog.faults(made.replace("not yet released", "today"), None) == []


def test_every_fragment_has_a_theme_and_stands_in_the_changelog_whole(changelog):
    pytest.importorskip("towncrier", reason="towncrier is not installed here")
    made = " ".join(changelog.from_fragments("1").split())
    for path in (ROOT / "changes").glob("*.md"):
        assert " ".join(path.read_text("utf-8").split()) in made, path.name


def write_wheel(path, names, readme="[a](https://b.org)"):
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, "")
        file.writestr("bmbench-1.dist-info/METADATA", readme)
        file.writestr("bmbench-1.dist-info/licenses/LICENSE", "")
    return path


def test_a_wheel_has_to_hold_the_package_and_nothing_else(check, tmp_path):
    if not (ROOT / ".git").exists():
        pytest.skip("what belongs into a wheel is what git knows, and this is no clone")
    every = check._git("ls-files", "bmbench")
    assert check.wheel_faults(write_wheel(tmp_path / "a.whl", every)) == []
    assert check.wheel_faults(write_wheel(tmp_path / "b.whl", [*every[1:], "tests/a.py"])) == [
        f"the wheel lacks {every[0]}", "the wheel holds tests/a.py",
    ]  # fmt: skip
    (fault,) = check.wheel_faults(write_wheel(tmp_path / "c.whl", every, "![a](docs/a.png)"))
    assert "docs/a.png" in fault


def test_a_source_distribution_holds_what_builds_and_no_leftovers(check, tmp_path):
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as file:
        for name in (*check.IN_SOURCE[1:], "runs/a/metrics.json", "bmbench/__pycache__/a.pyc"):
            file.addfile(tarfile.TarInfo(f"bmbench-1/{name}"), io.BytesIO())
    assert check.source_faults(tmp_path / "a.tar.gz") == [
        "the source distribution lacks README.md",
        "the source distribution holds bmbench/__pycache__/a.pyc",
        "the source distribution holds runs/a/metrics.json",
    ]


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem
)
def test_issue_forms_are_forms(path):
    form = yaml.safe_load(path.read_text("utf-8"))
    if path.stem == "config":
        return
    assert {"name", "description", "body"} <= form.keys()
    ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
    assert len(set(ids)) == len(ids)
    assert all(part["attributes"].get("label") or part["type"] == "markdown" for part in form["body"])


def test_only_the_upload_has_a_right_and_it_runs_no_code_of_the_repository():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))["jobs"]
    assert jobs["build"]["permissions"] == {"contents": "read"}
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert jobs["publish"]["environment"] == "pypi"
    assert "tag" in jobs["publish"]["if"]
    assert not [step for step in jobs["publish"]["steps"] if "checkout" in step.get("uses", "")]
