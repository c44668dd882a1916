"""The words by which files say that objects must not be counted."""

_WORDS = ("artefact", "artifact")


def is_artefact_kind(kind: str) -> bool:
    """Whether the supercategory of a class is that of artefacts."""
    return kind.lower() in _WORDS


def is_artefact_name(name: str) -> bool:
    """Whether the name of a class says that its objects must not be counted."""
    return any(word in name.lower() for word in _WORDS)
