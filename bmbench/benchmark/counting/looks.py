"""How classes look on every picture of a count: a colour and a shape each, so that either alone is enough."""

from dataclasses import dataclass

from bmbench.present.palette import BROWN, COLOURS

SHAPES = ("circle", "triangle", "square", "diamond", "plus", "cross", "wedge")
"""Signs beside the outlines."""
_COLOURS = (*COLOURS, BROWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The colour of a class's outlines, as ``#rrggbb``, and the shape of their sign."""

    colour: str
    shape: str

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour as three bytes."""
        red, green, blue = (int(self.colour[at : at + 2], 16) for at in (1, 3, 5))
        return red, green, blue


def looks(n_classes: int) -> tuple[Look, ...]:
    """One for each class; 49 of them differ, the next ones repeat."""
    return tuple(
        Look(
            colour=_COLOURS[row % len(_COLOURS)],
            shape=SHAPES[(row + row // len(_COLOURS)) % len(SHAPES)],
        )
        for row in range(n_classes)
    )


def sign(shape: str, x: float, y: float, radius: float) -> list[list[tuple[float, float]]]:
    """The lines of a sign around a point: one closed polygon, or, of plus and cross, two strokes."""
    if shape in ("plus", "cross"):
        far = radius if shape == "plus" else radius * 0.8
        ends = ((far, 0.0), (0.0, far)) if shape == "plus" else ((far, far), (far, -far))
        return [[(x - across, y - down), (x + across, y + down)] for across, down in ends]
    return [[(x + radius * across, y + radius * down) for across, down in _POLYGONS[shape]]]


_POLYGONS = {
    "circle": tuple(
        (across, down)
        for across, down in (
            (1.0, 0.0), (0.87, 0.5), (0.5, 0.87), (0.0, 1.0), (-0.5, 0.87), (-0.87, 0.5),
            (-1.0, 0.0), (-0.87, -0.5), (-0.5, -0.87), (0.0, -1.0), (0.5, -0.87), (0.87, -0.5),
        )
    ),
    "triangle": ((0.0, -1.1), (1.0, 0.75), (-1.0, 0.75)),
    "square": ((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
    "diamond": ((0.0, -1.15), (1.15, 0.0), (0.0, 1.15), (-1.15, 0.0)),
    "wedge": ((0.0, 1.1), (1.0, -0.75), (-1.0, -0.75)),
}  # fmt: skip
