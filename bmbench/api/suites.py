"""`bmbench.load_suite`: many methods on many data sets, as `bmbench suite` runs and reports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bmbench.adapters.method import Method
from bmbench.api.display import frame_of, html_of
from bmbench.api.models import listener
from bmbench.api.runs import known_method
from bmbench.benchmark.suite.contents import suite_table
from bmbench.benchmark.suite.plan import SuiteOptions
from bmbench.benchmark.suite.suite_file import Suite, read_suite

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LoadedSuite:
    """A suite, and the folder that its runs and its report are kept in.

    Attributes
    ----------
    suite : bmbench.benchmark.suite.suite_file.Suite
        Its sets, folds, methods and seeds, as the file names them.
    folder : Path
        The results; begun by `run`.

    Examples
    --------
    >>> import bmbench
    >>> bmbench.load_suite("marrow").suite.title
    'The marrow benchmark'
    """

    suite: Suite
    folder: Path

    @property
    def sets(self) -> tuple[str, ...]:
        """The names of its data sets.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.load_suite("marrow").sets[:2]
        ('marrow_1', 'marrow_1_study')
        """
        return tuple(one.name for one in self.suite.sets)

    def run(
        self,
        *methods: str | Method,
        data_root: str | Path | None = None,
        data: Mapping[str, str | Path] | None = None,
        only: Sequence[str] = (),
        lite: bool = False,
        show_progress: bool = True,
    ) -> LoadedSuite:
        """Every run that is not finished yet, one after the other; the same call resumes a killed one.

        Parameters
        ----------
        *methods
            In place of the methods of the suite: names, ``package.module:METHOD``, or what
            `bmbench.method_from` gives.
        data_root : path, optional
            Where the sets lie in the folders that the suite names; a set without data is left out, and said.
        data : mapping, optional
            The folders of single sets by their names.
        only : sequence of str
            Names of sets; empty: all.
        lite : bool
            A first look: few methods, one seed.
        show_progress : bool
            Whether bars and notes say how far it is.

        Raises
        ------
        BadInputError
            For a bad name or setting, data that cannot be read, a folder of something else.
        RunFailedError
            If runs failed; the others are finished, and the same call tries these again.

        Examples
        --------
        >>> import bmbench
        >>> suite = bmbench.load_suite("mine.toml", folder="mine")
        >>> suite.run("blob_log", data_root=".", show_progress=False).report().name
        'report.md'
        """
        from bmbench.benchmark.suite.run import run_suite
        from bmbench.core.errors import RunFailedError

        options = SuiteOptions(
            suite=self.suite,
            out=self.folder,
            folders={name: Path(path) for name, path in (data or {}).items()},
            root=None if data_root is None else Path(data_root),
            only=tuple(only),
            methods=tuple(map(known_method, methods)),
            lite=lite,
        )
        said = run_suite(options, listener(show_progress=show_progress), print if show_progress else _ignore)
        if said.failures:
            (name, reason), more = said.failures[0], len(said.failures) - 1
            raise RunFailedError(f"{name}: {reason}" + (f" (and {more} more)" if more else ""))
        return self

    def report(self) -> Path:
        """The report of what is finished, written beside the runs: ``report.md``, and ``report.html``.

        Examples
        --------
        >>> import bmbench
        >>> suite = bmbench.load_suite("mine.toml", folder="mine")
        >>> done = suite.run("blob_log", data_root=".", show_progress=False)
        >>> done.report().read_text("utf-8").splitlines()[0]
        '# My slides'
        """
        from bmbench.benchmark.suite.report.report import write_suite_report

        return write_suite_report(self.suite, self.folder, _ignore)

    def to_frame(self) -> pd.DataFrame:
        """One row a set, method, track and artefact mode: F1 and AP by centres, 95 % intervals, seconds.

        Rows that are not finished in every fold are left out. ``best`` says whether a method may be the best
        of its set's main table (95 %); it is empty where nothing is tested.

        Examples
        --------
        >>> import bmbench
        >>> suite = bmbench.load_suite("mine.toml", folder="mine")
        >>> suite.run("blob_log", data_root=".", show_progress=False).to_frame()["method"].tolist()
        ['blob_log']
        """
        from bmbench.benchmark.suite.report.set_tables import suite_rows

        rows = suite_rows(self.suite, self.folder)
        return frame_of({name: [row[name] for row in rows] for name in (rows[0] if rows else ())})

    def __repr__(self) -> str:
        return f"Suite({self.suite.name}: {', '.join(self.sets)}; {self.folder})"

    def _repr_html_(self) -> str:
        return html_of([suite_table(self.suite)])


def load_suite(suite: str | Path, *, folder: str | Path = "suite") -> LoadedSuite:
    """A suite by the name of one that comes with bmbench (``marrow``), or by the path of its file.

    Parameters
    ----------
    suite : str or path
        The name, or the TOML file that docs/suite.md describes.
    folder : path
        Where its runs are, or will be.

    Raises
    ------
    BadInputError
        If there is none of that name, or the file is no suite.

    Examples
    --------
    >>> import bmbench
    >>> bmbench.load_suite("mine.toml")
    Suite(mine: mine; suite)
    """
    return LoadedSuite(suite=read_suite(Path(suite)), folder=Path(folder))


def _ignore(line: str) -> None:
    """Nothing: nobody asked for words."""
