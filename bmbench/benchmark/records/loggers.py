"""`--log`: what a training does, for TensorBoard, MLflow or Weights & Biases.

They write into a folder ``logs`` beside the run, one for all runs there, so that these can be compared in one
view, unless their own variables of the environment say another place (``MLFLOW_TRACKING_URI``,
``WANDB_MODE``): nothing is sent anywhere by itself. Not into the run: what is in there is sealed. A logger
that fails is dropped with one line; no training ends for it.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from bmbench.benchmark.records.history import HistoryRow
from bmbench.core.errors import MissingExtraError, UnknownNameError
from bmbench.core.plugins import first_line
from bmbench.core.progress import Progress

FOLDER = "logs"
_NUMBERS = ("training_loss", "validation_loss", "learning_rate")


class TrainingLogger(Protocol):
    """One of the programs that keep what a training does."""

    def log(self, name: str, value: float, step: int) -> None:
        """One number after a number of steps."""
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


class _TensorBoard:
    def __init__(self, folder: Path, name: str, facts: Mapping[str, Any]) -> None:  # noqa: ARG002
        from tensorboard.summary import Writer

        self._writer = Writer(str(folder / "tensorboard" / name))

    def log(self, name: str, value: float, step: int) -> None:
        self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        self._writer.close()


class _MLflow:
    def __init__(self, folder: Path, name: str, facts: Mapping[str, Any]) -> None:
        # Its own place for a file store is asked for so by its newer releases.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        from mlflow import MlflowClient

        place = os.environ.get("MLFLOW_TRACKING_URI") or (folder / "mlflow").absolute().as_uri()
        self._client = MlflowClient(tracking_uri=place)
        experiment = self._client.get_experiment_by_name("bmbench")
        key = experiment.experiment_id if experiment else self._client.create_experiment("bmbench")
        self._run = self._client.create_run(key, run_name=name).info.run_id
        for fact, value in facts.items():
            self._client.log_param(self._run, fact, value)

    def log(self, name: str, value: float, step: int) -> None:
        self._client.log_metric(self._run, name, value, step=step)

    def close(self) -> None:
        self._client.set_terminated(self._run)


class _WandB:
    def __init__(self, folder: Path, name: str, facts: Mapping[str, Any]) -> None:
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        settings = wandb.Settings(silent=True, console="off")
        self._run = wandb.init(
            project="bmbench", name=name, config=dict(facts), dir=str(folder), mode=mode, settings=settings
        )

    def log(self, name: str, value: float, step: int) -> None:
        fit = name.rpartition("/")[0]
        self._run.define_metric(f"{fit}/*", step_metric=f"{fit}/step")
        self._run.log({name: value, f"{fit}/step": step})

    def close(self) -> None:
        self._run.finish()


LOGGERS: Mapping[str, Callable[[Path, str, Mapping[str, Any]], TrainingLogger]] = MappingProxyType(
    {"tensorboard": _TensorBoard, "mlflow": _MLflow, "wandb": _WandB}
)
"""Name → a logger in a folder, for a run of that name, with facts about it."""


def require_loggers(names: Sequence[str]) -> None:
    """Nothing, or an error that names what is not known or not installed."""
    for name in names:
        if name not in LOGGERS:
            raise UnknownNameError("logger", name, LOGGERS)
        if importlib.util.find_spec(name) is None:
            raise MissingExtraError(f"{name}, which --log asks for,", extra=name)


@contextmanager
def logging_to(
    names: Sequence[str], folder: Path, facts: Mapping[str, Any], progress: Progress
) -> Iterator[Callable[[HistoryRow], None]]:
    """Yield a function that tells the loggers of these names what a training did.

    `folder` is that of the run; the loggers have one beside it.
    """
    open_loggers: dict[str, TrainingLogger] = {}

    def dropped(name: str, error: Exception) -> None:
        open_loggers.pop(name, None)
        progress.note(f"{name} no longer logs ({first_line(error)})")

    def tell(row: HistoryRow) -> None:
        for name, logger in list(open_loggers.items()):
            try:
                for number in _NUMBERS:
                    value = getattr(row, number)
                    if value is not None:
                        logger.log(f"{row.fit}/{number}", value, row.step)
            except Exception as error:  # noqa: BLE001  whatever happens in there, the training goes on
                dropped(name, error)

    for name in names:
        try:
            open_loggers[name] = LOGGERS[name](folder.absolute().parent / FOLDER, folder.name, facts)
        except Exception as error:  # noqa: BLE001  likewise
            dropped(name, error)
    try:
        yield tell
    finally:
        for logger in open_loggers.values():
            with suppress(Exception):
                logger.close()
