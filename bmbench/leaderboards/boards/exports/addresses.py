"""Full addresses of a board's files, where `about.json` says where the site is published."""

from bmbench.leaderboards.tracks.about import About


def address(about: About, path: str) -> str:
    """The address of a file of the site; its path alone where nobody said where the site is."""
    return path if about.address is None else f"{about.address.rstrip('/')}/{path}"


def keeper(about: About) -> str:
    """Who keeps the board, in one line."""
    return ", ".join(about.keepers) or f"The keepers of {about.title}"
