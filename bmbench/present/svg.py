"""A few SVG shapes with fixed number formats: the same bytes on every machine.

matplotlib writes its version, the date and random ids into SVG; a board must not change by itself.
"""

import html
import math
from collections.abc import Sequence

from bmbench.present.palette import BROWN, COLOURS, GREY

LINES = (*COLOURS, BROWN, GREY)
DASHES = ("", "7 3", "2 3", "8 3 2 3", "12 4", "4 2", "1 2", "10 2 2 2")
"""For one line after the other, as SVG takes them."""
INK, SOFT, GRID = "#1b1f24", "#57606a", "#d8dee4"
"""Text, less of it, and the lines behind it."""
Points = Sequence[tuple[float, float]]


class SvgDrawing:
    """Shapes on a white sheet, written in the order that they are drawn."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height = width, height
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" '
        head += f'width="{_n(width)}" height="{_n(height)}" role="img" font-family="sans-serif">'
        self._parts = [head, f"<title>{plain(title)}</title>"]
        self.rect(0, 0, width, height, fill="#ffffff")

    def line(self, start: tuple[float, float], end: tuple[float, float], **look: object) -> None:
        """A straight line."""
        place = f'x1="{_n(start[0])}" y1="{_n(start[1])}" x2="{_n(end[0])}" y2="{_n(end[1])}"'
        self._parts.append(f"<line {place}{_look({'stroke': GRID} | look)}/>")

    def path(self, points: Points, **look: object) -> None:
        """An open line through points."""
        text = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self._parts.append(f'<polyline points="{text}"{_look({"fill": "none"} | look)}/>')

    def area(self, points: Points, **look: object) -> None:
        """A filled polygon."""
        text = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self._parts.append(f'<polygon points="{text}"{_look(look)}/>')

    def rect(self, x: float, y: float, width: float, height: float, **look: object) -> None:
        """A rectangle."""
        place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
        self._parts.append(f"<rect {place}{_look(look)}/>")

    def circle(self, x: float, y: float, radius: float, **look: object) -> None:
        """A circle."""
        self._parts.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"{_look(look)}/>')

    def text(self, x: float, y: float, text: object, **look: object) -> None:
        """A text; its baseline starts (or, by `anchor`, ends or has its middle) at the point."""
        anchor = look.pop("anchor", None)
        look = {"font_size": 12, "fill": INK} | look
        if anchor:
            look["text_anchor"] = anchor
        self._parts.append(f'<text x="{_n(x)}" y="{_n(y)}"{_look(look)}>{plain(text)}</text>')

    def __str__(self) -> str:
        return "\n".join([*self._parts, "</svg>"]) + "\n"


class Axes:
    """A frame with ticks, and where a value lies in it; `log_x` makes the axis to the right logarithmic."""

    def __init__(
        self,
        drawing: SvgDrawing,
        frame: tuple[float, float, float, float],
        x: Sequence[float],
        y: Sequence[float],
        *,
        log_x: bool = False,
    ) -> None:
        self._across = math.log10 if log_x else float
        self._drawing = drawing
        self.left, self.top, self.right, self.bottom = frame
        self._x, self._y = (x[0], x[-1]), (y[0], y[-1])
        for tick in x:
            place = self.at(tick, self._y[0])
            drawing.line(place, (place[0], self.top))
            drawing.text(place[0], self.bottom + 16, f"{tick:g}", anchor="middle", fill=SOFT, font_size=11)
        for tick in y:
            place = self.at(self._x[0], tick)
            drawing.line(place, (self.right, place[1]))
            drawing.text(self.left - 6, place[1] + 4, f"{tick:g}", anchor="end", fill=SOFT, font_size=11)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The place of a value."""
        first, last = self._across(self._x[0]), self._across(self._x[1])
        across = (self._across(x) - first) / (last - first or 1)
        up = (y - self._y[0]) / (self._y[1] - self._y[0] or 1)
        return self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - self.top)

    def label(self, x: str, y: str) -> None:
        """The names of the axes."""
        middle = (self.left + self.right) / 2
        self._drawing.text(middle, self.bottom + 34, x, anchor="middle", fill=SOFT)
        self._drawing.text(self.left, self.top - 8, y, anchor="start", fill=SOFT)


def cut(text: str, most: int = 28) -> str:
    """A name that fits a legend."""
    return text if len(text) <= most else text[: most - 1] + "…"


def plain(text: object) -> str:
    """A text for SVG and attributes: the five signs of XML escaped."""
    return html.escape(str(text), quote=True)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 0.05 else "0"


def _look(look: dict[str, object]) -> str:
    return "".join(
        f' {name.replace("_", "-")}="{plain(value)}"'
        for name, value in look.items()
        if value not in ("", None)
    )
