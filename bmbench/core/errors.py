"""The errors of bmbench.

::

    BmbenchError            a user can repair it; one sentence, no traceback
     ├ BadInputError        a file, an option or a value from outside is wrong     exit code 2
     │  ├ UnreadableError   the disk or the system does not hand out a file
     │  └ UnknownNameError  a method, data set, protocol … of that name is not known
     ├ MissingExtraError    an optional dependency is not installed                exit code 2
     └ RunFailedError       the work itself failed (disk full)                     exit code 1
        └ TrainingFailedError    it would not with other settings (diverged, out of memory)

    BmbenchWarning          what a user should know, in one sentence; the work goes on
    Stopped                 Ctrl-C during work that can go on; its text says how
                                                                                 exit code 130

Anything else that reaches the command line is a bug of bmbench and keeps its traceback.
"""

import difflib
from collections.abc import Iterable
from typing import Any


class BmbenchError(Exception):
    """Something a user can repair; its text is one sentence with the remedy."""

    exit_code = 2

    def __str__(self) -> str:
        """The sentence; a lone surrogate from a file, which no stream can write, is spelt out."""
        return super().__str__().encode("utf-8", "backslashreplace").decode("utf-8")

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process gets the text as it is: not every class of errors is made from its own text."""
        return _again, (type(self), self.args), self.__dict__


class BadInputError(BmbenchError):
    """A file, an option or a value from outside is wrong.

    Parameters
    ----------
    what : str
        What is wrong, in a few words.
    where : str, optional
        The file, and the place in it ("gt.json, annotations[3].bbox").
    expected, got : str, optional
        What was expected there and what was found.
    remedy : str, optional
        What to do about it.
    """

    def __init__(
        self, what: str, *, where: str = "", expected: str = "", got: str = "", remedy: str = ""
    ) -> None:
        self.what, self.where, self.expected, self.got, self.remedy = what, where, expected, got, remedy
        super().__init__(_sentence(what, where=where, expected=expected, got=got, remedy=remedy))


class UnreadableError(BadInputError):
    """The disk, or the system, did not hand out a file; that says nothing of what the file holds."""


class UnknownNameError(BadInputError):
    """A name that no registry entry has; names the nearest one."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = (
            f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(names) or '(none is known)'}"
        )
        super().__init__(f"unknown {kind} {name!r}", remedy=hint)


class MissingExtraError(BmbenchError):
    """An optional dependency is not installed; names the command that installs it."""

    def __init__(self, what: str, *, extra: str = "", command: str = "") -> None:
        command = command or f"pip install 'bmbench[{extra}]'"
        super().__init__(f"{what} is not installed: {command}")


class RunFailedError(BmbenchError):
    """The work itself failed, although the input was good."""

    exit_code = 1


class TrainingFailedError(RunFailedError):
    """A training failed that other settings may save: it diverged, or the memory was too small."""


class BmbenchWarning(UserWarning):
    """What a user should know; the command line prints it in one line."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C during work that can go on; its text is one sentence that says how.

    A KeyboardInterrupt, not a BmbenchError: a loop over many runs that survives the failure of one must
    end here.
    """


def _again(kind: type[BmbenchError], args: tuple[Any, ...]) -> BmbenchError:
    return kind.__new__(kind, *args)


def _sentence(what: str, *, where: str, expected: str, got: str, remedy: str) -> str:
    text = f"{where}: {what}" if where else what
    if expected or got:
        facts = [f"expected {expected}" if expected else "", f"got {got}" if got else ""]
        text += f" ({', '.join(fact for fact in facts if fact)})"
    return f"{text}; {remedy}" if remedy else text
