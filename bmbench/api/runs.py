"""`bmbench.run`, `load_run`: a run as an object that shows its scores, its training, and predicts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bmbench.adapters import METHODS
from bmbench.adapters.method import Method
from bmbench.api.display import frame_of, html_of, inline_picture
from bmbench.api.models import TrainedModel, listener
from bmbench.api.results import ScoreResult
from bmbench.benchmark.records.history import read_history
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.records.run_folder import RunDir
from bmbench.benchmark.records.run_records import read_record
from bmbench.benchmark.records.seal import warn_unsealed
from bmbench.benchmark.scoring.recorded import RecordedRun
from bmbench.core.errors import UnknownNameError
from bmbench.core.plugins import trust
from bmbench.present.html import text_of
from bmbench.present.words import RULES, decimal, with_interval

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RunFolder(TrainedModel):
    """A finished run.

    Attributes
    ----------
    folder : Path
        Everything that it wrote; docs/files.md says what is in it.

    Examples
    --------
    >>> import bmbench
    >>> run = bmbench.load_run("runs/first")
    >>> run.metrics["images"]
    2
    >>> print(run.table().splitlines()[0])
    blob_log on my (drawn)
    >>> run.history[0]["step"]
    1
    """

    @property
    def metrics(self) -> dict[str, Any]:
        """The scores of the test images, as in ``metrics.json``."""
        return RunDir(self.folder).read("metrics.json")

    @property
    def config(self) -> dict[str, Any]:
        """What was asked for, as in ``config.json``."""
        return RunDir(self.folder).read("config.json")

    @property
    def history(self) -> list[dict[str, Any]]:
        """What its trainings did, one row a validation: the columns of ``history.csv``."""
        return [dataclasses.asdict(row) for row in read_history(self.folder)]

    def table(self) -> str:
        """The scores as ``bmbench run`` prints them.

        Examples
        --------
        >>> import bmbench
        >>> print(bmbench.load_run("runs/first").table().splitlines()[0])
        blob_log on my (drawn)
        """
        from bmbench.benchmark.run.tables import run_tables

        return text_of(run_tables(RunDir(self.folder)))

    def score(self) -> ScoreResult:
        """The scores of the test images, computed again from the run's files, with their curves.

        Examples
        --------
        >>> import bmbench
        >>> run = bmbench.load_run("runs/first")
        >>> run.score().centres.tp == run.metrics["cd"]["tp"]
        True
        """
        from bmbench.benchmark.scoring.score_files import score_files
        from bmbench.metrics.protocol import resolve_protocol

        run, rules = RunDir(self.folder), dict(self.config["protocol"])
        scores = self.metrics["cd"] or self.metrics["bb"]
        report = score_files(
            run.predictions("test"),
            run.truth("test"),
            resolve_protocol(rules.pop("name"), **rules),
            threshold=scores["threshold"],
        )
        return ScoreResult(report=report, title=self.folder.name)

    def to_frame(self) -> pd.DataFrame:
        """One row a matching rule: the scores with their intervals, and what they are of.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.load_run("runs/first").to_frame()["rule"].tolist()
        ['boxes', 'centres']
        """
        rows = [
            {"run": self.folder.name, "method": self.config["method"], "rule": words} | self.metrics[rule]
            for rule, words in RULES.items()
            if self.metrics[rule] is not None
        ]
        names = [name for name in rows[0] if name not in {"classes", "no_interval"}] if rows else []
        return frame_of({name: [row.get(name) for row in rows] for name in names})

    def plot(self) -> Figure:
        """Precision against recall on the test images, as a figure of matplotlib.

        Examples
        --------
        >>> import bmbench
        >>> bmbench.load_run("runs/first").plot().savefig("curve.png")
        """
        return self.score().plot()

    def __repr__(self) -> str:
        config, metrics = self.config, self.metrics
        texts = [
            f"{words} AP {with_interval(scores['ap'], scores['ap_ci'])}, F1 {decimal(scores['f1'])}"
            for rule, words in list(RULES.items())[::-1]
            if (scores := metrics[rule]) is not None
        ]
        return f"Run({config['method']} on {config['dataset']}: {'; '.join(texts)}; {self.folder})"

    def _repr_html_(self) -> str:
        from bmbench.benchmark.run.tables import run_tables

        pictures = [
            inline_picture(self.folder / name, what)
            for name, what in (("curve.png", "the training"), ("gallery.png", "found, missed and false"))
        ]
        return html_of(run_tables(RunDir(self.folder)), *pictures)


def run(
    method: str | Method = "unet_shrink",
    *,
    dataset: str | Path = "synthetic",
    settings: Mapping[str, Any] | None = None,
    out: str | Path = "runs",
    show_progress: bool = True,
    **options: Any,
) -> RunFolder:
    """A method trained, its threshold chosen, and scored on the test images, as ``bmbench run`` does it.

    Parameters
    ----------
    method : str or Method
        A name that ``bmbench methods`` lists, ``package.module:METHOD``, or what `bmbench.method_from` gives.
    dataset : str or path
        A name that ``bmbench datasets list`` shows, or a file or folder of one's own.
    settings : mapping, optional
        Settings of the method that are other than those of the profile.
    out : path
        The folder that the run's own folder is made in.
    show_progress : bool
        Whether bars show how far it is.
    **options
        Further options of ``bmbench run`` by their names in Python: `data`, `track`, `profile`, `artefacts`,
        `classes`, `seed`, `jitter_px`, `retrain`, `models`, `start` (`--from`), `test_on`, `devices`,
        `dataset_options`.

    Returns
    -------
    RunFolder
        ``bmbench.Run``: with ``.metrics``, ``.table()``, ``.predict(image)``, ``.history``, ``.folder``.

    Raises
    ------
    BadInputError
        For an unknown name, a bad setting, data that cannot be read.
    MissingExtraError
        If the method needs a dependency that is not installed.
    RunFailedError
        If the training diverges or the disk refuses.

    Examples
    --------
    >>> import bmbench
    >>> run = bmbench.run("blob_log", dataset="my.json", show_progress=False)
    >>> len(run.predict("images/marrow_s3_0000.png")) > 0
    True
    """
    from bmbench.benchmark.run.begin_or_resume import run as run_benchmark

    name = known_method(method)
    chosen = _options(dict(options, method=name, dataset=str(dataset), out=out), settings or {})
    finished = run_benchmark(chosen, listener(show_progress=show_progress))
    from bmbench.benchmark.run.tables import write_row

    write_row(finished)
    return RunFolder(folder=finished.path)


def load_run(folder: str | Path) -> RunFolder:
    """A finished run, from its folder; a warning where its records were changed since it was finished.

    Raises
    ------
    BadInputError
        If it is none, not finished, damaged, or of a newer bmbench.

    Examples
    --------
    >>> import bmbench
    >>> bmbench.load_run("runs/first").config["method"]
    'blob_log'
    """
    run = RunDir.open(Path(folder))
    read_record(run.path / "metrics.json", RecordedRun, within=run.path)
    warn_unsealed(run.check_seal("*.json"))
    return RunFolder(folder=run.path)


def known_method(method: str | Method) -> str:
    """The name of a method, known to all that this process does."""
    if isinstance(method, str):
        return trust(METHODS.group, method)
    METHODS.lend(method.name, method, place=f"__main__:{method.name}")
    return method.name


def _options(chosen: dict[str, Any], settings: Mapping[str, Any]) -> RunOptions:
    """The options of a run, with texts and paths as the command line would give them."""
    known = {field.name for field in dataclasses.fields(RunOptions)}
    for name in chosen:
        if name not in known:
            raise UnknownNameError("option", name, known)
    for name in ("data", "out"):
        if chosen.get(name) is not None:
            chosen[name] = Path(chosen[name])
    for name in ("classes", "test_on"):
        if isinstance(chosen.get(name), str):
            chosen[name] = (chosen[name],)
        elif name in chosen:
            chosen[name] = tuple(chosen[name] or ())
    for name, values in (("dataset_options", chosen.get("dataset_options") or {}), ("settings", settings)):
        chosen[name] = {key: str(value) for key, value in values.items()}
    return RunOptions(**chosen)
