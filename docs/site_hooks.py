"""What mkdocs does beside turning pages into HTML: ``mkdocs build`` loads this file as its hooks.

- A page for every public name of bmbench and every notebook, those of the commands and of the changes, and
  the list of decisions are made here, from what they show, so that none is ever missing.
- A link that leads out of `docs` (``../CONTRIBUTING.md``) becomes one to the repository; one to a file that
  is not there stops the build.
- The site also holds each page as Markdown, and ``llms.txt`` that lists them, for programs that read.
"""

from __future__ import annotations

import inspect
import io
import json
import os
import re
import sys
from contextlib import redirect_stdout, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from typer.main import get_command

import bmbench
from bmbench import cli

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")
PYTHON = "reference/python"
KINDS = {"Tutorials": 2, "How to": 2}
BOOSTS = {"decisions/": 0.2, "results": 0.2, "changes": 0.2, f"{PYTHON}/": 0.5}
"""Kind of a page, or start of its path → its weight in a search: instructions come before reasons."""
_written: dict[str, tuple[str, str]] = {}


def reference_pages() -> dict[str, str]:
    """Path → text of the page of every public name."""
    pages = {}
    for name in bmbench.__all__:
        place = bmbench._PLACES[name]
        real = f"bmbench.{place.replace(':', '.')}"
        options = f"    options:\n      heading: {name}\n      toc_label: {name}\n"
        pages[f"{PYTHON}/{name}.md"] = f"# bmbench.{name}\n\n::: {real}\n{options}"
    return pages


def commands_page() -> str:
    """Every command with its help, as the terminal shows it at 80 columns."""
    os.environ["COLUMNS"] = "80"
    parts = ["# Commands\n\nWhat `bmbench COMMAND --help` says.\n"]
    for words in _commands():
        text = io.StringIO()
        before, sys.argv = sys.argv, ["bmbench", *words, "--help"]
        with redirect_stdout(text), suppress(SystemExit):
            cli.main()
        sys.argv = before
        parts.append(f"## bmbench {' '.join(words)}\n\n```text\n{text.getvalue().rstrip()}\n```\n")
    return "\n".join(parts)


def _commands() -> list[list[str]]:
    found: list[list[str]] = []

    def walk(command: Any, words: list[str]) -> None:
        for name, below in sorted(getattr(command, "commands", {}).items()):
            if getattr(below, "commands", None):
                walk(below, [*words, name])
            else:
                found.append([*words, name])

    walk(get_command(cli.app), [])
    return found


def notebook_pages() -> dict[str, str]:
    """Path → text of the page of every notebook, with what its cells answered."""
    pages = {}
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text("utf-8"))["cells"]
        head = f"[The notebook](../notebooks/{path.name}), to run it yourself.\n"
        title, _, rest = "\n".join(map(_cell_text, cells)).partition("\n\n")
        pages[f"tutorials/{path.stem}.md"] = f"{title}\n\n{head}\n{rest}"
    return pages


def _cell_text(cell: dict[str, Any]) -> str:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return f"{source}\n"
    return "\n".join([f"```python\n{source}\n```\n", *map(_answer, cell["outputs"])])


def _answer(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if html := "".join(data.get("text/html", "")):
        # Without empty lines, at which Markdown would take up again.
        return '<div class="answer">' + re.sub(r"\s*\n\s*", "\n", html) + "</div>\n"
    kind = next((name for name in ("image/png", "image/jpeg") if name in data), None)
    if kind:
        bits = "".join(data[kind]).replace("\n", "")
        picture = f'<img alt="what the cell draws" src="data:{kind};base64,{bits}">'
        return f'<div class="answer">{picture}</div>\n'
    text = "".join(output.get("text", "") or data.get("text/plain", ""))
    return f"```text\n{text.rstrip()}\n```\n"


def made_pages() -> dict[str, str]:
    """Path → text of every page that no file of docs/ holds."""
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8").replace("# Changelog", "# What changed", 1)
    commands = {"reference/commands.md": commands_page()}
    return {**reference_pages(), **commands, **notebook_pages(), "changes.md": changes}


def decisions() -> list[str]:
    """The pages of decisions, in their order."""
    return sorted(f"decisions/{path.name}" for path in (ROOT / "docs" / "decisions").glob("*.md"))


def on_config(config: Any) -> Any:
    """Add what is made here to the navigation."""
    reference = next(part["Reference"] for part in config.nav if "Reference" in part)
    names = [{Path(path).stem: path} for path in reference_pages()]
    reference[:1] = [{"Commands": "reference/commands.md"}, reference[0], {"Public names": names}]
    reference.append({"What changed": "changes.md"})
    tutorials = next(part["Tutorials"] for part in config.nav if "Tutorials" in part)
    tutorials += notebook_pages()
    explanation = next(part["Explanation"] for part in config.nav if "Explanation" in part)
    explanation.append({"Decisions": decisions()})
    return config


def on_files(files: Any, config: Any) -> Any:
    """Make the pages that no file holds."""
    from mkdocs.structure.files import File  # noqa: PLC0415 — tests load this file without mkdocs

    for path, text in made_pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Lead links out of `docs` to the repository, and keep the text for its Markdown copy."""
    kind = KINDS.get(page.ancestors[-1].title, 1) if page.ancestors else 1
    boost = next((weight for start, weight in BOOSTS.items() if page.file.src_uri.startswith(start)), kind)
    page.meta["search"] = {"boost": boost}
    base = f"{config.extra['repository']}/blob/main/"
    text = LINK.sub(lambda found: _outside(found, page.file.src_uri, base), markdown)
    name = Path(page.file.src_uri).stem if page.file.src_uri in reference_pages() else ""
    plain = re.sub(r"""src=(["'])data:.*?\1""", 'src=""', text)
    _written[page.file.src_uri] = (page.title or "", reference_text(name) if name else plain)
    return text


def reference_text(name: str) -> str:
    """What a public name is, with its methods and examples, for who reads no HTML."""
    value = getattr(bmbench, name)
    parts = [f"# bmbench.{name}", inspect.getdoc(value) or ""]
    if inspect.isclass(value):
        for member in vars(value):
            text = inspect.getdoc(getattr(value, member))
            if not member.startswith("_") and text and callable(getattr(value, member)):
                parts += [f"## {name}.{member}", text]
    return "\n\n".join(parts) + "\n"


def _outside(found: re.Match[str], page: str, base: str) -> str:
    target, _, anchor = found[1].partition("#")
    if not target or "://" in target or target.startswith("mailto:"):
        return found[0]
    place = os.path.normpath(PurePosixPath("docs", page).parent / target)
    if place.startswith("docs/") and not (ROOT / place).is_dir():
        return found[0]
    if not (ROOT / place).exists():
        raise ValueError(f"docs/{page}: a link leads to {place}, which is not there")
    return f"]({base}{place}{'#' + anchor if anchor else ''})"


def on_post_build(config: Any) -> None:
    """Write the Markdown copies and ``llms.txt``."""
    site = Path(config.site_dir)
    lines = [f"# {config.site_name}", "", f"> {config.site_description}", ""]
    for path, (title, text) in _written.items():
        copy = site / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, "utf-8")
        lines.append(f"- [{title or path}]({path}): {first_sentence(text)}")
    (site / "llms.txt").write_text("\n".join(lines) + "\n", "utf-8")


def first_sentence(text: str) -> str:
    """The first sentence of a page that is neither a heading, a picture, a table nor code."""
    for block in re.split(r"\n\s*\n", text):
        if block.lstrip().startswith(("#", "!", "|", "```", ":::", "<", "-", ">")) or block.startswith(
            "    "
        ):
            continue
        words = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", " ".join(block.split()))
        return re.split(r"(?<=[.:]) (?=[A-Z])", words)[0]
    return ""
