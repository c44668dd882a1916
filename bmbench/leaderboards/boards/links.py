"""Where a board leads: rules, how to submit, data, code, licence, feed."""

from collections.abc import Sequence
from dataclasses import dataclass

from bmbench.leaderboards.boards.page import Page
from bmbench.leaderboards.tracks.about import About
from bmbench.leaderboards.tracks.names import is_link


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A word and an address; without an address the text alone."""

    title: str
    text: str
    address: str | None = None


def links(about: About, pages: Sequence[Page]) -> tuple[Link, ...]:
    """Everything that the board's `about.json` and its tracks name, in the order in which one needs it."""
    found = [
        Link(title="Rules", text="rules", address=about.rules),
        Link(title="Submit", text="how to submit", address=about.submit),
        Link(title="Repository", text="repository of this board", address=about.repository),
        Link(title="Code", text="code", address=about.code),
    ]
    kept = [link for link in found if link.address]
    for page in pages:
        url = page.manifest.rules_url
        if url and is_link(url):
            title = f"Rules of {page.manifest.name}"
            kept.append(Link(title=title, text=f"rules of {page.manifest.name}", address=url))
    for data in dict.fromkeys((page.manifest.data.name, page.manifest.data.licence) for page in pages):
        name, licence = data
        text = f"{name} ({licence})" if licence else name
        kept.append(Link(title="Data", text=text, address=about.data.get(name)))
    if about.licence:
        text = f"these results: {about.licence}"
        kept.append(Link(title="Licence", text=text, address=about.licence_url))
    if about.keepers:
        kept.append(Link(title="Kept by", text=", ".join(about.keepers)))
    return tuple(kept)
