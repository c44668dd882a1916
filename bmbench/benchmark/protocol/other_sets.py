"""Which images of other sets a trained detector shall be applied to: what `--test-on` asks for."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bmbench.core.errors import BadInputError, UnknownNameError
from bmbench.core.gate import plain_text
from bmbench.core.numerals import numeral
from bmbench.datasets import absolute_dataset

Use = Literal["test", "all"]
_OURS = ("data", "use", "cell_px")


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherSet:
    """What a user asks for: ``NAME[,data=FOLDER][,use=all][,cell_px=NUMBER][,OPTION=VALUE …]``.

    Attributes
    ----------
    dataset : str
        As of `--dataset`.
    use : "test", "all" or None
        None: the test subset where the set has subsets, all of a file that names none.
    cell_px : float or None
        Mean diameter of the cells there, for sets whose pixel size nobody knows.
    options : name → value
        Choices of the data set.
    """

    dataset: str
    data: Path | None = None
    use: Use | None = None
    cell_px: float | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> OtherSet:
        """The wish that a text states; BadInputError with the form if it is none."""
        name, *parts = text.split(",")
        pairs = {key: value for key, _, value in (part.partition("=") for part in parts)}
        if not name or "=" in name or "" in {*pairs, *pairs.values()}:
            raise BadInputError(
                "no other images are named",
                where="--test-on (test: --on)",
                expected="NAME, or NAME,option=value,…",
                got=repr(text),
                remedy="begin with a data set's name or a path, without a = in it",
            )
        use = pairs.get("use")
        if use not in (None, "test", "all"):
            raise UnknownNameError("choice of images", use or "", ("test", "all"))
        return cls(
            dataset=name,
            data=Path(pairs["data"]) if "data" in pairs else None,
            use="all" if use == "all" else "test" if use == "test" else None,
            cell_px=_positive(pairs.get("cell_px")),
            options={key: value for key, value in pairs.items() if key not in _OURS},
        )

    def settled(self) -> OtherSet:
        """The same with absolute paths: it means the same from any folder."""
        data = None if self.data is None else Path(plain_text(str(self.data.expanduser().absolute())))
        return dataclasses.replace(self, dataset=absolute_dataset(self.dataset), data=data)

    def __str__(self) -> str:
        """The text that `parse` reads."""
        ours = {"data": self.data, "use": self.use, "cell_px": self.cell_px}
        pairs = {key: value for key, value in ours.items() if value is not None} | dict(self.options)
        return ",".join([self.dataset, *(f"{key}={value}" for key, value in pairs.items())])

    @property
    def name(self) -> str:
        """What its folder and its row are called: the data set and the choices made."""
        stem = Path(self.dataset).stem if "/" in self.dataset else self.dataset
        chosen = [f"{key}={value}" for key, value in sorted(self.options.items())]
        parts = [stem, *chosen, *(["all"] if self.use == "all" else [])]
        return re.sub(r"[^\w.=-]+", "_", "-".join(parts))


def refuse_namesakes(wishes: Sequence[OtherSet]) -> None:
    """Nothing, or a BadInputError where the results on two sets of images would have one folder."""
    known: dict[str, OtherSet] = {}
    for wish in wishes:
        if wish.name in known:
            raise BadInputError(
                f"--test-on names {wish.name} twice",
                got=f"{known[wish.name]} and {wish}",
                remedy="name one of the two, or rename one of two files",
            )
        known[wish.name] = wish


def _positive(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(numeral(text))
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise BadInputError(f"cell_px={text}", expected="a number of pixels above 0")
    return value
