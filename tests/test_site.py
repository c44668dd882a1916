"""The documentation: every page is found, every link leads somewhere, every command that it shows exists."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

import bmbench
from bmbench.cli import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
TEXTS = [
    *(DOCS / page for page in PAGES),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
]
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
KINDS = ["Tutorials", "How to", "Reference", "Explanation"]
shown = pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def module(name):
    """A script of docs/, as a module."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    found = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def pages_of(entry):
    if isinstance(entry, str):
        return [entry]
    parts = entry.values() if isinstance(entry, dict) else entry
    return [page for part in parts for page in pages_of(part)]


def test_every_page_is_in_the_navigation_once():
    """Decisions, commands and public names get there by themselves: docs/site_hooks.py."""
    listed = pages_of(CONFIG["nav"])
    wanted = [page for page in PAGES if not page.startswith("decisions/")]
    missing = sorted(set(wanted) - set(listed))
    assert not missing, (
        f"docs/{missing[0]} is not in the navigation: add a line for it to `nav` in mkdocs.yml, below {KINDS}"
    )
    assert sorted(listed) == wanted, "`nav` in mkdocs.yml names a page twice, or one that is not there"


def test_every_decision_is_listed_with_its_number_and_title():
    lines = []
    for path in sorted((DOCS / "decisions").glob("0*.md")):
        number, title = re.match(r"# (\d+)\. (.+)", path.read_text("utf-8")).groups()
        assert int(number) == int(path.name[:4])
        lines.append(f"- {number}: [{title}]({path.name})")
    listed = (DOCS / "decisions" / "README.md").read_text("utf-8").splitlines()
    assert [line for line in listed if line.startswith("-")] == lines


def test_pages_are_of_four_kinds():
    titles = [next(iter(entry)) for entry in CONFIG["nav"]]
    assert titles == ["Home", *KINDS]


def test_instructions_weigh_more_in_a_search_than_reasons():
    hooks = module("site_hooks")
    assert set(hooks.KINDS) < set(KINDS)
    assert min(hooks.KINDS.values()) > 1 > max(hooks.BOOSTS.values())
    made = [*PAGES, *hooks.made_pages()]
    for start in hooks.BOOSTS:
        assert [page for page in made if page.startswith(start)], start


def test_every_notebook_is_a_page_with_what_its_cells_answer():
    pages = module("site_hooks").notebook_pages()
    assert {Path(path).stem for path in pages} == {path.stem for path in DOCS.glob("notebooks/*.ipynb")}
    text = pages["tutorials/score_arrays.md"]
    assert text.startswith("# Score predictions")
    assert "```python\nresult.centres.tp" in text
    assert "```text\n(3, 0, 1)\n```" in text
    table = re.search(r'<div class="answer">(.+?)</div>\n', text, re.S)[1]
    assert "cells missed" in table
    assert "\n\n" not in table


def anchors(path):
    """The places in a page that a link may name: of headings, and those that it states."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.S | re.M)
    found = set(re.findall(r'<a id="([^"]+)"', text))
    for heading in re.findall(r"^#+ (.+)$", text, re.M):
        plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", plain).strip()))
    return found


@shown
def test_links_lead_somewhere(path):
    text = re.sub(r"^```.*?^```|^ {4}[^\n]*$|`[^`\n]*`", "", path.read_text("utf-8"), flags=re.S | re.M)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name) if name else path
        assert there.exists(), f"{target} is not there"
        assert not anchor or there.suffix != ".md" or anchor in anchors(there), f"{target}: no such heading"


def commands():
    found = {}

    def walk(command, words):
        found[words] = command
        for name, below in getattr(command, "commands", {}).items():
            walk(below, (*words, name))

    walk(get_command(app), ())
    return found


COMMANDS = commands()


@shown
def test_commands_that_are_shown_exist_with_their_options(path):
    text = path.read_text("utf-8").replace("\\|", " ")
    told = re.findall(r"^ {4,}((?:\w+=\S+ )*bmbench .*)$|`(bmbench [^`]+)`", text, re.M)
    for line in {part for both in told for part in both if part}:
        words = line.partition("  #")[0].partition(" | ")[0].split()
        words = words[words.index("bmbench") + 1 :]
        place = ()
        while words and (*place, words[0]) in COMMANDS:
            place, words = (*place, words[0]), words[1:]
        first = words[0] if words else ""
        if getattr(COMMANDS[place], "commands", None):
            allowed = not first or first.startswith("-") or not re.fullmatch(r"[a-z]+", first)
            assert allowed, f"{line}: no command {first!r}"
            continue
        known = {
            option for param in COMMANDS[place].params for option in (*param.opts, *param.secondary_opts)
        }
        for word in words:
            name = word.partition("=")[0].rstrip(",.;:)…")
            if re.fullmatch(r"--[a-z][a-z-]+", name) and name not in ("--help", "--debug"):
                assert name in known, f"{line}: no option {name}"


def test_every_public_name_has_a_reference_page():
    pages = module("site_hooks").reference_pages()
    assert [Path(page).stem for page in pages] == bmbench.__all__
    for page, text in pages.items():
        place = re.search(r"^::: bmbench\.(.+)$", text, re.M)[1]
        owner, _, name = place.rpartition(".")
        assert getattr(importlib.import_module(f"bmbench.{owner}"), name) is getattr(bmbench, Path(page).stem)


def test_the_page_of_commands_has_every_command():
    text = module("site_hooks").commands_page()
    leaves = [
        words for words, command in COMMANDS.items() if words and not getattr(command, "commands", None)
    ]
    for words in leaves:
        assert f"## bmbench {' '.join(words)}\n" in text
        assert f"Usage: bmbench {' '.join(words)} " in text


def test_pages_of_the_site_load_nothing_from_elsewhere():
    """A `repo_url` makes every page ask its host; fonts come from a server unless they are turned off."""
    assert "repo_url" not in CONFIG
    assert CONFIG["theme"]["font"] is False
    assert CONFIG["strict"] is True
    assert not [
        name for name in (*CONFIG.get("extra_css", ()), *CONFIG.get("extra_javascript", ())) if "://" in name
    ]


def test_canonical_cases_are_those_of_the_tests():
    script = module("draw_cases")
    assert (DOCS / "cases.md").read_text("utf-8") == script.page()
    for number, case in enumerate(script.drawn()):
        assert (script.PICTURES / f"{number:02d}.svg").read_text("utf-8") == script.picture(case), case.name


def test_every_picture_that_is_made_is_in_the_gallery():
    assert (DOCS / "gallery.md").read_text("utf-8") == module("draw_gallery").page(), (
        "run docs/draw_gallery.py"
    )
    told = (DOCS / "gallery.md").read_text("utf-8")
    sources = [path.read_text("utf-8") for path in (ROOT / "bmbench" / "benchmark").rglob("*.py")]
    made = {name for text in sources for name in re.findall(r'"(\w+\.(?:png|jpg))"', text)}
    missing = sorted(name for name in made if f"`{name}`" not in told)
    assert not missing, f"{missing[0]} is made but not in docs/draw_gallery.py: add it there, and run that"
    heavy = [path.name for path in (DOCS / "images" / "small").iterdir() if path.stat().st_size > 60_000]
    assert heavy == []


def test_the_glossary_is_in_order():
    terms = re.findall(r"^\| \*\*(.+?)\*\* \|", (DOCS / "glossary.md").read_text("utf-8"), re.M)
    assert len(terms) >= 25
    assert terms == sorted(terms, key=str.lower)
