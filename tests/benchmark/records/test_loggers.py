"""`--log`: the real programs, on local folders; one that fails ends no training."""

from __future__ import annotations

import pytest

from bmbench.benchmark.records import loggers
from bmbench.benchmark.records.history import HistoryRow
from bmbench.benchmark.records.loggers import logging_to, require_loggers
from bmbench.core.errors import MissingExtraError, UnknownNameError

ROWS = [
    HistoryRow(fit="final", step=10, training_loss=0.5, validation_loss=0.25, learning_rate=1e-3),
    HistoryRow(fit="final", step=20, training_loss=0.375, validation_loss=None, learning_rate=5e-4),
]
FACTS = {"method": "blob_log", "seed": 0}


class Listener:
    """Keeps what it is told."""

    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)


def log(tmp_path, name):
    listener = Listener()
    with logging_to((name,), tmp_path / "runs" / "a-run", FACTS, listener) as tell:
        for row in ROWS:
            tell(row)
    assert listener.said == []
    return tmp_path / "runs" / "logs"


def test_tensorboard_shows_what_was_told(tmp_path):
    pytest.importorskip("tensorboard", reason="an extra that the lock does not hold")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(log(tmp_path, "tensorboard") / "tensorboard" / "a-run"))
    events.Reload()
    tensors = {tag: events.Tensors(tag) for tag in events.Tags()["tensors"]}
    assert set(tensors) == {"final/training_loss", "final/validation_loss", "final/learning_rate"}
    assert [event.step for event in tensors["final/training_loss"]] == [10, 20]


@pytest.mark.filterwarnings("ignore")
def test_mlflow_shows_what_was_told(tmp_path, monkeypatch):
    pytest.importorskip("mlflow", reason="an extra that the lock does not hold")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=(log(tmp_path, "mlflow") / "mlflow").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("bmbench").experiment_id])
    assert run.info.run_name == "a-run"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"method": "blob_log", "seed": "0"}
    history = client.get_metric_history(run.info.run_id, "final/training_loss")
    assert [(one.step, one.value) for one in history] == [(10, 0.5), (20, 0.375)]


@pytest.mark.filterwarnings("ignore")
def test_wandb_writes_without_a_network(tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="an extra that the lock does not hold")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (folder,) = (log(tmp_path, "wandb") / "wandb").glob("offline-run-*")
    assert list(folder.glob("*.wandb"))


def test_a_logger_that_fails_is_dropped_with_a_line_and_the_others_go_on(tmp_path, monkeypatch):
    heard = []

    class Good:
        def log(self, name, value, step):
            heard.append((name, value, step))

        def close(self):
            raise OSError("disk full")

    class Bad(Good):
        def log(self, name, value, step):
            raise RuntimeError("no more")

    def missing(*_):
        raise ImportError("half installed")

    table = {"good": lambda *_: Good(), "bad": lambda *_: Bad(), "none": missing}
    monkeypatch.setattr(loggers, "LOGGERS", table)
    listener = Listener()
    with logging_to(("good", "bad", "none"), tmp_path / "run", FACTS, listener) as tell:
        for row in ROWS:
            tell(row)
    assert heard == [
        ("final/training_loss", 0.5, 10),
        ("final/validation_loss", 0.25, 10),
        ("final/learning_rate", 1e-3, 10),
        ("final/training_loss", 0.375, 20),
        ("final/learning_rate", 5e-4, 20),
    ]
    assert listener.said == [
        "none no longer logs (ImportError: half installed)", "bad no longer logs (RuntimeError: no more)",
    ]  # fmt: skip


def test_what_is_not_known_or_not_installed_is_said_before_any_work(monkeypatch):
    with pytest.raises(UnknownNameError, match="unknown logger 'tensorbord'; did you mean 'tensorboard'"):
        require_loggers(("tensorbord",))
    monkeypatch.setattr(loggers.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(
        MissingExtraError,
        match=r"wandb, which --log asks for, is not installed: pip install 'bmbench\[wandb\]'",
    ):
        require_loggers(("wandb",))
