"""What a search may try: ranges of settings, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Condition: TypeAlias = tuple[str, str]
"""(setting, value): the range counts only where another setting, which stands before it, has that value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """A number from `low` to `high`; `log`: every factor is as likely as every other."""

    low: float
    high: float
    log: bool = False
    when: Condition | None = None

    def holds(self, value: float) -> bool:
        """Whether the value is one that a search may try."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int
    when: Condition | None = None

    def holds(self, value: float) -> bool:
        """Whether the value is one that a search may try."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of a few values."""

    options: tuple[str | int | float, ...]
    when: Condition | None = None

    def holds(self, value: object) -> bool:
        """Whether the value is one that a search may try."""
        return value in self.options


Range: TypeAlias = Real | Whole | Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """Where a method's best settings are looked for.

    Attributes
    ----------
    learned : setting → range
        What a detector has to be trained for, in the order in which it is chosen.
    decoded : setting → range
        What is applied to a trained detector's answer: many values are tried on one training.
    applied : settings
        Applied to a trained detector's answer too, but not searched.
    yardstick : settings
        Validation losses are compared between trainings that have these settings in common: a loss of
        another kind falls to another share of what it was.
    """

    learned: Mapping[str, Range]
    decoded: Mapping[str, Range] = field(default_factory=dict)
    applied: tuple[str, ...] = ()
    yardstick: tuple[str, ...] = ()
