"""Any method, fitted in a moment to drawn cells; each once for all tests."""

from functools import cache

from bmbench.adapters import METHODS
from bmbench.benchmark.contract import small_settings
from bmbench.benchmark.contract.promises import same
from bmbench.benchmark.contract.small_settings import LEARNING, request_for, tiny

__all__ = ["LEARNING", "METHODS", "learned", "request_for", "same", "tiny"]


@cache
def learned(name, seed=0):
    """A detector that finds drawn cells."""
    return small_settings.learned(METHODS.get(name), seed=seed)
