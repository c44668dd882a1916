"""How to cite a board: `CITATION.cff`, Citation File Format 1.2.0."""

import json
from collections.abc import Sequence

from bmbench.leaderboards.boards.exports.addresses import keeper
from bmbench.leaderboards.boards.page import Page
from bmbench.leaderboards.tracks.about import About


def citation(pages: Sequence[Page], about: About) -> str:
    """The file; texts in quotes, as JSON writes them, are texts in YAML too."""
    lines = [
        "cff-version: 1.2.0",
        "message: If you use these results, cite the board and the data that they rest on.",
        "type: dataset",
        f"title: {_text(about.title)}",
        f"version: {_text(', '.join(f'{page.manifest.name} {page.manifest.version}' for page in pages))}",
        "authors:",
        *(f"  - name: {_text(name)}" for name in about.keepers or (keeper(about),)),
    ]
    if about.licence is not None and about.licence_url is not None:
        lines.append(f"license-url: {_text(about.licence_url)}")
    for key, value in (("url", about.address), ("repository-code", about.repository)):
        lines += [] if value is None else [f"{key}: {_text(value)}"]
    data = dict.fromkeys((page.manifest.data.name, page.manifest.data.citation) for page in pages)
    lines += ["references:"]
    for name, cited in data:
        lines += ["  - type: data", f"    title: {_text(name)}"]
        lines += [f"    notes: {_text(cited)}"] if cited else []
        lines += ["    authors:", f"      - name: {_text(f'The makers of {name}')}"]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
