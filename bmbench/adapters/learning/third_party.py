"""Programs of others, imported without their side effects on the process."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bmbench.adapters.learning.reproducible import environment_kept


@contextmanager
def without_side_effects(**variables: str) -> Iterator[None]:
    """Environment variables for the block alone; afterwards the process is as it was, but for new modules.

    Ultralytics changes how torch and numpy print, OpenCV's threads, `torch.save`, warnings, loggers and the
    environment as soon as it is imported; detectron2 calls what torch warns of.
    """
    with environment_kept():
        import os

        import cv2
        import numpy as np
        import torch

        os.environ.update(variables)
        threads = cv2.getNumThreads()
        prints = dict(vars(torch._tensor_str.PRINT_OPTS))
        loggers = _loggers()
        with ExitStack() as kept:
            kept.enter_context(warnings.catch_warnings())
            kept.enter_context(np.printoptions())
            kept.callback(cv2.setNumThreads, threads)
            kept.callback(torch.set_printoptions, **prints)
            kept.callback(_restore_loggers, loggers)
            for owner, name in ((torch, "save"), (cv2, "imread"), (cv2, "imwrite"), (cv2, "imshow")):
                if hasattr(owner, name):
                    kept.callback(setattr, owner, name, getattr(owner, name))
            kept.callback(logging.disable, logging.root.manager.disable)
            warnings.simplefilter("ignore")
            logging.disable()
            yield


def _loggers() -> dict[str, tuple[Any, ...]]:
    """Level, propagation and handlers of every logger by name."""
    found = logging.root.manager.loggerDict.items()
    named = {name: logger for name, logger in found if isinstance(logger, logging.Logger)}
    return {
        name: (logger.level, logger.propagate, list(logger.handlers))
        for name, logger in ({"": logging.root} | named).items()
    }


def _restore_loggers(before: dict[str, tuple[Any, ...]]) -> None:
    for name in _loggers():
        logger = logging.getLogger(name)
        level, logger.propagate, logger.handlers = before.get(name, (logging.NOTSET, True, []))
        logger.setLevel(level)
