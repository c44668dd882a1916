"""The settings that a training reads, whatever is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Budget(Protocol):
    """The settings that a training reads; every family's record has them and says what they are."""

    @property
    def steps(self) -> int:
        """Training ends here at the latest."""
        ...

    @property
    def batch(self) -> int:
        """Patches a step."""
        ...

    @property
    def shard(self) -> int:
        """Patches that are computed together."""
        ...

    @property
    def optimiser(self) -> str:
        """One of adamw, adam, sgd."""
        ...

    @property
    def learning_rate(self) -> float:
        """The highest: it rises over the first tenth of the steps and falls to zero along a cosine."""
        ...

    @property
    def weight_decay(self) -> float:
        """Of the optimiser."""
        ...

    @property
    def momentum(self) -> float:
        """Of plain gradient descent."""
        ...

    @property
    def averaging(self) -> float:
        """Decay of the moving average of the weights that is validated and kept; 0 for none."""
        ...

    @property
    def validate_every(self) -> int:
        """Steps from one validation to the next."""
        ...

    @property
    def patience(self) -> int:
        """Validations without improvement before training ends."""
        ...


def shards_of(budget: Budget) -> Sequence[range]:
    """The numbers of the patches of a step that are computed together."""
    size, batch = budget.shard, budget.batch
    return [range(first, min(first + size, batch)) for first in range(0, batch, size)]
