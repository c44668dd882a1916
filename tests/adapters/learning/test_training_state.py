"""A training that is stopped at any step and goes on ends with the same bytes."""

import dataclasses

import pytest

torch = pytest.importorskip("torch", reason="networks need torch, which is not installed here")

from bmbench.adapters import METHODS
from bmbench.adapters.images.augment import augment
from bmbench.adapters.learning.fit_request import FitRequest
from bmbench.adapters.learning.training_state import EVERY_S, FILE, StateSaver
from bmbench.adapters.unet.settings import UNetSettings
from bmbench.core.errors import BadInputError
from bmbench.core.progress import Silent

TINY = UNetSettings(
    cell_px=10.0, depth=1, width=4, patch_px=32, batch=3, shard=2, steps=6, validate_every=2, views=1,
    learning_rate=1e-2,
)  # fmt: skip


class Killed(BaseException):
    pass


class Kill(Silent):
    """Ends a training when a step begins, as abruptly as Python allows."""

    def __init__(self, step=None):
        self.step = step
        self.begun = []

    def track(self, items, *, description, total):
        for item in items:
            self.begun.append(item)
            if item == self.step:
                raise Killed
            yield item


@pytest.fixture
def every_validation(monkeypatch):
    """Saving is not rationed: tiny trainings are shorter than what it takes."""
    monkeypatch.setattr("bmbench.adapters.learning.training_state.SHARE", 0)


def fitted(
    sample,
    *,
    state=None,
    settings=TINY,
    progress=None,
    report=None,
    validation=True,
    seed=0,
    encoding="shrink",
):
    request = FitRequest(
        train=[sample(1), sample(2)],
        validation=[sample(3)] if validation else [],
        settings=settings,
        seed=seed,
        augment=augment,
        progress=progress or Silent(),
        state=state,
        report=report,
    )
    return METHODS.get(f"unet_{encoding}").fit(request)


def saved(detector, folder):
    folder.mkdir()
    detector.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    "changes",
    [
        {"normalisation": "batch", "optimiser": "adam"},
        {"normalisation": "group", "optimiser": "adamw"},
        {"normalisation": "instance", "optimiser": "sgd"},
        {"normalisation": "batch", "optimiser": "sgd", "momentum": 0.0},
        {"normalisation": "group", "optimiser": "sgd", "batch": 2},
        {"patch_px": 40, "depth": 2},
    ],
    ids=str,
)
def test_stopped_at_every_step_it_ends_with_the_same_bytes(sample, tmp_path, monkeypatch, changes):
    monkeypatch.setattr("bmbench.adapters.learning.training_state.EVERY_S", 0.0)
    monkeypatch.setattr("bmbench.adapters.learning.training_state.SHARE", 0)
    settings = dataclasses.replace(TINY, **changes)
    whole = saved(fitted(sample, settings=settings), tmp_path / "whole")
    state = tmp_path / "state"
    for step in range(1, settings.steps + 1):
        with pytest.raises(Killed):
            fitted(sample, settings=settings, state=state, progress=Kill(step))
    last = Kill()
    pieces = saved(fitted(sample, settings=settings, state=state, progress=last), tmp_path / "pieces")
    assert last.begun == [settings.steps]
    assert pieces == whole


def test_it_goes_on_from_the_last_validation(sample, tmp_path, every_validation):
    whole = saved(fitted(sample), tmp_path / "whole")
    for validation in (True, False):
        state = tmp_path / f"state-{validation}"
        with pytest.raises(Killed):
            fitted(sample, state=state, progress=Kill(6), validation=validation)
        last = Kill()
        detector = fitted(sample, state=state, progress=last, validation=validation)
        assert last.begun == [5, 6]
        if validation:
            assert saved(detector, tmp_path / "pieces") == whole


def test_a_training_that_had_ended_makes_no_step_more(sample, tmp_path, every_validation):
    # A rate of zero: the first validation is the best; with patience 1 the second ends it, at step 4 of 6.
    still = dataclasses.replace(TINY, learning_rate=0.0, patience=1)
    first, again = Kill(), Kill()
    detectors = [fitted(sample, settings=still, state=tmp_path, progress=p) for p in (first, again)]
    assert first.begun == [1, 2, 3, 4]
    assert again.begun == []
    one, other = (list(d.network.state_dict().values()) for d in detectors)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_how_long_nothing_improved_is_kept(sample, tmp_path, every_validation):
    # As above with patience 2 of 12 steps: the third validation ends it, at step 6.
    still = dataclasses.replace(TINY, learning_rate=0.0, patience=2, steps=12)
    with pytest.raises(Killed):
        fitted(sample, settings=still, state=tmp_path, progress=Kill(5))
    again = Kill()
    fitted(sample, settings=still, state=tmp_path, progress=again)
    assert again.begun == [5, 6]


def test_every_validation_is_told_and_told_again(sample, tmp_path, every_validation):
    whole, pieces = [], []

    def kept(place):
        return lambda step, loss, **facts: place.append((step, loss, *facts.values()))

    fitted(sample, report=kept(whole))
    with pytest.raises(Killed):
        fitted(sample, state=tmp_path, progress=Kill(5), report=kept(pieces))
    assert pieces == whole[:2]
    fitted(sample, state=tmp_path, report=kept(pieces))
    assert pieces == whole[:2] + whole
    assert [step for step, *_ in whole] == [2, 4, 6]
    assert all(loss > 0 and training > 0 for _, loss, training, _ in whole)
    # The learning rate falls to zero along a cosine.
    rates = [rate for *_, rate in whole]
    assert rates == sorted(rates, reverse=True)


def test_what_a_report_raises_ends_the_fit(sample):
    class EnoughError(Exception):
        pass

    def report(step, loss, **_):
        if step == 4:
            raise EnoughError

    steps = Kill()
    with pytest.raises(EnoughError):
        fitted(sample, progress=steps, report=report)
    assert steps.begun == [1, 2, 3, 4]


def test_a_training_whose_patches_were_drawn_otherwise_does_not_go_on(sample, tmp_path, monkeypatch):
    monkeypatch.setattr("bmbench.adapters.learning.trainer.DRAWING", 1)
    fitted(sample, state=tmp_path)
    monkeypatch.undo()
    with pytest.raises(BadInputError, match="another version of bmbench drew, differently"):
        fitted(sample, state=tmp_path)


@pytest.mark.parametrize(
    "changes", [{"settings": dataclasses.replace(TINY, depth=2)}, {"seed": 1}, {"encoding": "dont_care"}]
)
def test_the_state_of_another_training_is_refused(sample, tmp_path, changes):
    fitted(sample, state=tmp_path)
    with pytest.raises(BadInputError, match="another training"):
        fitted(sample, state=tmp_path, **changes)


@pytest.mark.parametrize("place", [0.001, 0.02, 0.05, 0.5, 0.99, None])
def test_a_damaged_state_is_refused(sample, tmp_path, place):
    fitted(sample, state=tmp_path)
    file = tmp_path / FILE
    data = bytearray(file.read_bytes())
    if place is None:
        del data[len(data) // 2 :]
    else:
        data[int(place * len(data))] ^= 1
    file.write_bytes(data)
    with pytest.raises(BadInputError, match=f"{FILE}.*delete it"):
        fitted(sample, state=tmp_path)


def test_saving_is_rationed(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("bmbench.adapters.learning.training_state.time.monotonic", lambda: now[0])
    saver, saved_at = StateSaver(tmp_path, "test"), []

    def state():
        now[0] += 10.0  # saving takes ten seconds, so it is due again 190 s later
        saved_at.append(now[0])
        return {"x": torch.zeros(1)}, {}

    for _ in range(30):
        now[0] += 20.0
        saver.save_if_due(state, at_validation=True)
    # At 20 (done at 30), then at the first of 50, 70, 90 … that is 190 s after 30: 230 (240), 440 (450) …
    assert saved_at == [30.0, 240.0, 450.0]
    between = StateSaver(tmp_path, "test")
    before = len(saved_at)
    now[0] += EVERY_S - 1
    between.save_if_due(state, at_validation=False)
    assert len(saved_at) == before
    now[0] += 1
    between.save_if_due(state, at_validation=False)
    assert len(saved_at) == before + 1


def test_without_a_folder_nothing_is_kept(sample, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fitted(sample)
    assert not list(tmp_path.iterdir())


def test_losses_that_are_read_late_are_all_in_the_state(sample, tmp_path, monkeypatch, every_validation):
    """As on a graphics card: patches are drawn ahead, and losses read when a state is saved."""
    reports = {}
    for kill, ahead in ((None, 0), (5, 2)):
        monkeypatch.setattr("bmbench.adapters.unet.training.steps_ahead", lambda ahead=ahead: ahead)
        told, state = [], tmp_path / str(kill)
        state.mkdir()

        def report(step, loss, told=told, **more):
            told.append((step, loss, more["training_loss"]))

        if kill:
            with pytest.raises(Killed):
                fitted(sample, state=state, progress=Kill(kill))
        detector = fitted(sample, state=state, report=report)
        reports[kill] = (told, saved(detector, state / "model"))
    assert reports[None] == reports[5]
