"""Every promise of one method, looked at: `bmbench method check`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from bmbench.adapters.method import Method, require_installed
from bmbench.benchmark.contract.checks import CHECKS, Check, Subject
from bmbench.benchmark.contract.promises import BrokenPromiseError
from bmbench.core.errors import BmbenchError
from bmbench.core.plugins import first_line
from bmbench.core.progress import Progress
from bmbench.present.terminal import text_table


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPromise:
    """What came of one check.

    Attributes
    ----------
    check : str
        Its name.
    title : str
        What is promised.
    broken : str
        What is wrong, in a sentence; empty where the promise is kept.
    seconds : float
    """

    check: str
    title: str
    broken: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As ``bmbench method check --json`` prints it."""
        kept = not self.broken
        return {"check": self.check, "promise": self.title, "kept": kept, "broken": self.broken or None}


def check_method(method: Method, progress: Progress) -> list[CheckedPromise]:
    """What comes of every check, in their order.

    Raises
    ------
    MissingExtraError
        If the method needs a dependency that is not installed.
    """
    require_installed(method)
    subject = Subject(method=method)
    work = progress.track(CHECKS.items(), description=f"Checking {method.name}", total=len(CHECKS))
    return list(_findings(subject, work))


def findings_table(method: Method, findings: Sequence[CheckedPromise]) -> Table:
    """One row a promise; what is broken in a sentence, the seconds below."""
    table = text_table(("", "promise"), wraps="promise")
    for finding in findings:
        text = escape(finding.title)
        if finding.broken:
            text += f"\n[bold]{escape(finding.broken)}[/]"
        table.add_row("[bold]✗[/]" if finding.broken else "✓", text)
    n_broken = sum(bool(finding.broken) for finding in findings)
    seconds = sum(finding.seconds for finding in findings)
    verdict = f"{n_broken} of {len(findings)} broken" if n_broken else f"all {len(findings)} kept"
    table.title, table.title_justify = f"what {method.name} promises", "left"
    table.caption, table.caption_justify = f"{verdict}; {seconds:.1f} s", "left"
    return table


def _findings(subject: Subject, checks: Iterator[tuple[str, Check]]) -> Iterator[CheckedPromise]:
    for name, check in checks:
        started = time.monotonic()
        broken = _broken(check, subject)
        title = (check.__doc__ or name).strip().splitlines()[0]
        yield CheckedPromise(check=name, title=title, broken=broken, seconds=time.monotonic() - started)


def _broken(check: Check, subject: Subject) -> str:
    """What a check finds wrong; what the method raises is wrong too."""
    with tempfile.TemporaryDirectory(prefix="bmbench-") as folder:
        try:
            check(subject, Path(folder))
        except BrokenPromiseError as error:
            return str(error)
        except BmbenchError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  a stranger's method may raise anything
            return f"it raises {first_line(error)}"
    return ""
