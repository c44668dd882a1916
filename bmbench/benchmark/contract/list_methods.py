"""Which methods there are, what each can, what it needs, and under which licence it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from rich.markup import escape
from rich.table import Table

from bmbench.adapters import METHODS
from bmbench.adapters.method import Method, is_installed
from bmbench.benchmark.contract.measured import PROFILE
from bmbench.core.errors import BadInputError
from bmbench.present import markdown
from bmbench.present.terminal import text_table
from bmbench.present.words import UNDEFINED, decimal

ABILITIES = {
    "classes": ("C", "cell_classes", "tells classes of cells apart"),
    "artefacts": ("A", "artefact_class", "learns artefacts as a class"),
    "outlines": ("O", "outlines", "answers with outlines"),
    "points": ("P", "points", "is suited to sets of points"),
}
"""Word → its letter, the attribute of a method, and what it says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedMethods:
    """What methods are listed: those to which all of this applies.

    Attributes
    ----------
    can : words of `ABILITIES`
    family, licence : str
        Empty: any.
    here : bool
        Only what is installed.
    """

    can: tuple[str, ...] = ()
    family: str = ""
    licence: str = ""
    here: bool = False

    def __post_init__(self) -> None:
        for word in self.can:
            if word not in ABILITIES:
                known = ", ".join(ABILITIES)
                raise BadInputError(f"no ability of a method: {word!r}", where="--can", expected=known)

    def holds(self, method: Method) -> bool:
        """Whether the method is listed."""
        return (
            set(self.can) <= set(abilities(method))
            and self.family in {"", method.family}
            and self.licence.lower() in {"", licence_of(method).lower()}
            and (is_installed(method) or not self.here)
        )


ANY = WantedMethods()
Times: TypeAlias = Mapping[str, float]
"""Method → seconds a megapixel, of those that were measured."""
_NO_TIMES: Times = MappingProxyType({})


def abilities(method: Method) -> list[str]:
    """The words of `ABILITIES` that apply to a method."""
    return [word for word, (_, attribute, _) in ABILITIES.items() if getattr(method, attribute)]


def licence_of(method: Method) -> str:
    """The licence of the package that makes the method's network."""
    return method.licence.name if method.licence else UNDEFINED


def millions(parameters: int | None) -> str:
    """A number of parameters in millions; a dash where it is not stated."""
    return UNDEFINED if parameters is None else decimal(parameters / 1e6, 1)


def methods_table(wanted: WantedMethods = ANY, times: Times = _NO_TIMES) -> Table:
    """Every method that is wanted: what it is and can, its licence and size, what it needs, if it is here.

    In place of a yes stand seconds a megapixel where they were measured.
    """
    table = text_table(("method", "can", "licence", "size", "needs", "here"), wraps="method")
    found, problems = _chosen(wanted)
    absent: list[str] = []
    for name, method in found.items():
        here = is_installed(method)
        letters = "".join(ABILITIES[word][0] for word in abilities(method)) or UNDEFINED
        what = f"{name}\n[dim]{escape(_words(method))}[/]"
        needs = _needs(name, method)
        yes = f"{times[name]:.2f} s" if name in times else "yes"
        size = millions(method.parameters.get(PROFILE))
        table.add_row(what, letters, escape(licence_of(method)), size, needs, yes if here else "no")
        if not here:
            absent.append(_installer(method))
    letters = ", ".join(f"{letter} {text}" for letter, _, text in ABILITIES.values())
    more = [f"for more: {command}" for command in dict.fromkeys(absent)]
    left_out = [f"left out: {escape(problem)}" for problem in problems]
    sizes = [f"size: parameters of the network in the {PROFILE} profile, in millions"]
    if times:
        sizes.append("here: seconds for a megapixel, where finished runs on this machine tell")
    table.caption = "\n".join([f"can: {letters}", *sizes, *more, *left_out])
    table.caption_justify = "left"
    return table


def methods_record(wanted: WantedMethods = ANY, times: Times = _NO_TIMES) -> dict[str, Any]:
    """What ``bmbench methods --json`` prints: the methods, and what of other packages cannot be loaded."""
    found, problems = _chosen(wanted)
    records = []
    for name, method in found.items():
        origin, licence = METHODS.origin(name), method.licence
        records.append(
            {
                "name": name,
                "family": method.family,
                "title": method.title,
                "paper": method.paper,
                "licence": licence.name if licence else None,
                "licensed_package": licence.package if licence else None,
                "needs": method.extra,
                "installed": is_installed(method),
                "artefact_class": method.artefact_class,
                "cell_classes": method.cell_classes,
                "outlines": method.outlines,
                "points": method.points,
                "parameters": dict(method.parameters),
                "seconds_per_megapixel": times.get(name),
                "package": None if origin is None else origin.package,
            }
        )
    return {"methods": records, "left_out": problems}


def methods_markdown(wanted: WantedMethods = ANY) -> str:
    """The methods as a table of a document; of what is installed here it says nothing."""
    found, _ = _chosen(wanted)
    rows = []
    for name, method in found.items():
        can = abilities(method)
        package = f" ({method.licence.package})" if method.licence else ""
        rows.append(
            [
                f"`{name}`",
                _words(method),
                *("yes" if word in can else UNDEFINED for word in ABILITIES),
                " / ".join(millions(method.parameters.get(one)) for one in ("quick", "paper")),
                f"{licence_of(method)}{package}",
                _needs(name, method, short=False),
            ]
        )
    header = ["method", "what it is", *ABILITIES, "parameters, millions", "licence (package)", "needs"]
    return markdown.table(header, rows, left=len(header))


def _chosen(wanted: WantedMethods) -> tuple[dict[str, Method], list[str]]:
    found, problems = METHODS.loaded()
    return {name: method for name, method in found.items() if wanted.holds(method)}, list(problems)


def _words(method: Method) -> str:
    """Its title, and its family where the title does not begin with that."""
    plain = method.title.lower().replace("-", "").replace(" ", "")
    family = method.family.replace("_", "")
    return method.title if plain.startswith(family) else f"{method.family}: {method.title}"


def _installer(method: Method) -> str:
    """What installs all that a method needs."""
    own = f"pip install 'bmbench[{method.extra}]'"
    return escape(f"{own} && {method.beside.command}" if method.beside else own)


def _needs(name: str, method: Method, *, short: bool = True) -> str:
    """The extra, the program beside, or the package that brings the method; for a terminal, or whole."""
    origin = METHODS.origin(name)
    if origin is not None:
        return escape(origin.package or origin.place)
    if method.beside is not None:
        return method.beside.module
    if method.extra is None:
        return UNDEFINED
    return method.extra if short else f"`bmbench[{method.extra}]`"
