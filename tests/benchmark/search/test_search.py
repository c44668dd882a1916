"""A search repeats itself, survives what kills it, and leaves settings that a run takes."""

import dataclasses
import json
import math
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from optuna.storages.journal import JournalFileBackend

from bmbench.adapters import METHODS
from bmbench.adapters.search_space import Choice, Real, Space, Whole
from bmbench.benchmark.records.options import RunOptions
from bmbench.benchmark.run.decodings import Judged, decodings
from bmbench.benchmark.search.search import TuneOptions, Tuning, best_first, resume_tuning, tune
from bmbench.benchmark.search.table import tuning_table
from bmbench.benchmark.search.trial import Ended, is_hopeless, searched
from bmbench.benchmark.search.trials import Store, Trial
from bmbench.core.errors import RunFailedError, Stopped, TrainingFailedError
from bmbench.core.progress import Silent

TINY = {
    "steps": "2", "validate_every": "1", "width": "4", "views": "1", "depth": "1", "patch_px": "32",
    "batch": "2", "shard": "2", "cell_px": "10", "loss": "cross_entropy", "dice": "0",
}  # fmt: skip


class StopsAt(Silent):
    """Raises at the note that begins so, once."""

    def __init__(self, start):
        self.start = start

    def note(self, text):
        if text.startswith(self.start):
            raise KeyboardInterrupt


def options(marrow, out, **changes):
    run = RunOptions(dataset=str(marrow), settings=TINY, out=out)
    return TuneOptions(run=run, **({"trials": 3, "decodings": 2} | changes))


def results(tuning):
    files = [*tuning.path.glob("trials/*/*"), tuning.settings, tuning.path / "tuning.json"]
    return {path.relative_to(tuning.path).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def whole(marrow, tmp_path_factory, torch):
    return tune(options(marrow, tmp_path_factory.mktemp("tuning")), Silent())


def test_a_search_killed_within_a_trial_ends_with_the_same_bytes(marrow, whole, tmp_path):
    with pytest.raises(Stopped, match="bmbench tune --resume"):
        tune(options(marrow, tmp_path), StopsAt("trial 2 of 3: step 2"))
    (folder,) = tmp_path.iterdir()
    with pytest.raises(Stopped):
        resume_tuning(folder, StopsAt("trial 3 of 3: step 1"))
    assert not (folder / "settings.json").exists()
    # A line that was being written when the process died.
    with (folder / "journal.log").open("a") as journal:
        journal.write('{"op_code":8,"worker')
    (folder / "journal.log.lock").symlink_to("journal.log")
    again = resume_tuning(folder, Silent())
    assert results(again) == results(whole)
    assert [trial.settings for trial in again.trials] == [trial.settings for trial in whole.trials]


def test_a_search_can_be_made_longer(marrow, whole, tmp_path):
    short = tune(options(marrow, tmp_path, trials=2), Silent())
    assert len(short.trials) == 2
    longer = resume_tuning(short.path, Silent(), trials=3)
    assert results(longer) == results(whole)


def test_every_trial_was_judged_on_the_optimisation_images_alone(whole):
    config = json.loads((whole.path / "tuning.json").read_text())["run"]
    for trial in whole.trials:
        place = whole.path / "trials" / f"{trial.number:03d}"
        truth = json.loads((place / "truth.json").read_text())
        assert len(truth["images"]) == config["images"]["optimisation"]
        assert json.loads((place / "result.json").read_text())["f1"] == trial.value
        assert [step for step, _ in trial.looks] == [1, 2]


def test_what_the_user_fixes_is_not_searched(whole):
    for trial in whole.trials:
        assert not TINY.keys() & trial.settings.keys()
        assert trial.settings.keys() >= {"optimiser", "learning_rate", "weight_decay", "normalisation"}
        assert ("momentum" in trial.settings) == (trial.settings["optimiser"] == "sgd")


def test_the_depth_of_a_network_on_an_encoder_is_not_searched():
    method = METHODS.get("unet_shrink")

    def of(encoder):
        options = SimpleNamespace(profile="quick", settings={"encoder": encoder})
        settings = dataclasses.replace(method.settings["quick"], encoder=encoder)
        return searched(SimpleNamespace(method=method, options=options, settings=settings)).learned

    assert of("none").keys() - of("resnet18").keys() == {"depth"}


def test_a_run_takes_the_settings_of_a_search(bmbench, whole, marrow, tmp_path):
    answer = bmbench(
        "run", "--settings", whole.settings, "--dataset", marrow, "--out", tmp_path, "--retrain",
        "--set", "steps=1",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    config = json.loads(next(tmp_path.glob("*/config.json")).read_text())
    wanted = json.loads(whole.settings.read_text())
    assert config["settings"] == wanted["settings"] | {"steps": 1}
    assert config["profile"]["retrain"] is True
    best = best_first(whole.trials)[0]
    assert wanted["chosen"] == {"trial": best.number, "of": 3, "f1_optimisation": best.value}
    assert {name: wanted["settings"][name] for name in best.settings} == best.settings


@pytest.mark.parametrize(
    "content", ["[]", '{"schema": "bmbench.settings/1", "settings": {"depth": [1]}}', "{}"]
)
def test_what_is_no_settings_file_is_refused(bmbench, tmp_path, content):
    path = tmp_path / "settings.json"
    path.write_text(content)
    answer = bmbench("run", "--settings", path)
    assert answer.code == 2
    assert "is not a file of settings" in answer.err


def test_settings_of_another_method_are_refused(bmbench, whole):
    answer = bmbench("run", "--settings", whole.settings, "--method", "blob_log")
    assert answer.code == 2
    assert "settings of another method (expected blob_log, got unet_shrink)" in answer.err


def test_the_command_prints_what_it_found_at_80_columns(bmbench, whole, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    answer = bmbench("tune", "--resume", whole.path)
    assert answer.code == 0
    table = answer.out.split("Search directory")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "…" not in table
    assert (
        f"trial 1, trained with the profile's settings, came to F1 {whole.trials[0].value:.3g}"
        in " ".join(table.split())
    )
    assert f"bmbench run --settings {whole.settings} --retrain --dataset {whole.run.dataset} " in answer.out


def test_json_holds_every_trial_the_best_first_and_the_command_that_trains_it_again(bmbench, whole):
    said = json.loads(bmbench("tune", "--resume", whole.path, "--json").out)
    assert said["settings"] == str(whole.settings)
    assert {trial["trial"] for trial in said["trials"]} == {trial.number + 1 for trial in whole.trials}
    values = [trial["f1"] for trial in said["trials"] if trial["f1"] is not None]
    assert values == sorted(values, reverse=True)
    assert said["retrain"].startswith(f"bmbench run --settings {whole.settings} ")


def test_a_method_without_a_space_is_refused(bmbench, marrow, tmp_path):
    answer = bmbench("tune", "--method", "blob_log", "--dataset", marrow, "--out", tmp_path)
    assert answer.code == 2
    assert "blob_log has no settings to search" in answer.err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_search_is_refused(bmbench, tmp_path):
    answer = bmbench("tune", "--resume", tmp_path)
    assert answer.code == 2
    assert "is not a search" in answer.err


def test_a_full_disk_is_one_sentence_and_the_search_goes_on_later(marrow, whole, tmp_path, monkeypatch):
    def full(backend, logs):
        if any("intermediate_value" in log for log in logs):
            raise OSError(28, "No space left on device")
        real(backend, logs)

    real = JournalFileBackend.append_logs
    with monkeypatch.context() as patched:
        patched.setattr(JournalFileBackend, "append_logs", full)
        with pytest.raises(RunFailedError, match="No space left on device"):
            tune(options(marrow, tmp_path), Silent())
    assert results(resume_tuning(next(tmp_path.iterdir()), Silent())) == results(whole)


@pytest.fixture
def copied(whole, tmp_path):
    """A finished search that may be damaged."""
    return shutil.copytree(whole.path, tmp_path / "search")


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"run": None}, "run: is not"),
        ({"trials": "many"}, "trials: is not"),
        ({"at_once": 0}, "at_once: is not"),
        ({"store": {"database": 3, "study": "s"}}, r"store\.database: is not"),
        ({"schema": "bmbench.tuning/99"}, "written by a newer bmbench"),
        (None, "got list"),
    ],
)
def test_a_record_that_is_damaged_is_one_sentence(bmbench, copied, change, fact):
    path = copied / "tuning.json"
    record = [] if change is None else json.loads(path.read_text()) | change
    path.write_text(json.dumps(record))
    answer = bmbench("tune", "--resume", copied)
    assert answer.code == 2
    assert f"error: {path}" in answer.err
    assert re.search(fact, answer.err)
    assert answer.err.count("\n") == 1


def test_a_search_that_was_changed_is_named_and_not_resumed(bmbench, whole, copied):
    from bmbench.benchmark.verify.verify import verify

    assert verify(whole.path).found == []
    path = copied / "trials" / "000" / "result.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps(value | {"f1": 0.999}))
    assert [(one.fault, one.place) for one in verify(copied).found] == [("changed", ""), ("number", "/f1")]
    answer = bmbench("tune", "--resume", copied)
    assert answer.code == 2
    assert "trials/000/result.json (changed)" in answer.err


@pytest.mark.parametrize(
    ("line", "place"), [("{broken\n", ", line {last}"), ("\xff\n", ", line {last}"), ('{"op_code":5}\n', "")]
)
def test_a_journal_that_is_damaged_is_one_sentence(bmbench, copied, line, place):
    path = copied / "journal.log"
    with path.open("a", encoding="latin-1") as journal:
        journal.write(line)
    last = len(path.read_bytes().splitlines())
    answer = bmbench("tune", "--resume", copied)
    assert answer.code == 2
    assert f"{path}{place.format(last=last)}: not a journal of trials (got " in answer.err
    assert answer.err.count("\n") == 1


def test_a_store_that_refuses_at_once_is_one_sentence(bmbench, copied):
    (copied / "journal.log").unlink()
    (copied / "journal.log").mkdir()
    answer = bmbench("tune", "--resume", copied)
    assert answer.code == 2
    assert f"{copied / 'journal.log'}: is a folder (expected a file)" in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.usefixtures("torch")
def test_trainings_that_diverge_are_trials_given_up(marrow, tmp_path):
    wild = {"learning_rate": "1e30", "normalisation": "none", "steps": "20", "optimiser": "sgd"}
    run = RunOptions(dataset=str(marrow), settings=TINY | wild, out=tmp_path)
    with pytest.raises(TrainingFailedError, match="all 2 trials were given up"):
        tune(TuneOptions(run=run, trials=2, decodings=0), Silent())


SPACE = Space(
    learned={
        "rate": Real(low=1e-4, high=1e-1, log=True),
        "depth": Whole(low=2, high=4),
        "kind": Choice(options=("a", "b")),
        "push": Real(low=0.5, high=0.9, when=("kind", "b")),
    }
)


def filled(path, values, seed=0):
    store = Store(path, SPACE, first={}, seed=seed)
    for value in values:
        asked = store.ask()
        asked.look(1, 0.5)
        asked.tell(value, {"n": asked.number})
    return store


def test_a_store_draws_the_same_whatever_happened_between(tmp_path):
    values = [math.sin(number) for number in range(14)]
    whole = filled(tmp_path / "a.log", values).ended()
    for part in (values[:5], values[5:11]):
        store = filled(tmp_path / "b.log", part)
        store.ask().look(1, 9.0)  # a trial that is never ended
    pieces = filled(tmp_path / "b.log", values[11:]).ended()
    assert pieces == whole
    assert len({trial.settings["rate"] for trial in whole}) == len(values)
    other = filled(tmp_path / "c.log", values[:1], seed=1).ended()
    assert other[0].settings != whole[0].settings


def test_the_first_trial_has_the_settings_that_the_search_began_with(tmp_path):
    first = {"rate": 0.02, "depth": 7, "kind": "a", "push": 0.7, "other": 1}
    store = Store(tmp_path / "a.log", SPACE, first=first, seed=3)
    begun, later = store.ask(), store.ask()
    # A depth of 7 is none of the space, and of kind "a" there is no push.
    assert begun.settings == {"rate": 0.02, "depth": begun.settings["depth"], "kind": "a"}
    assert begun.settings["depth"] in {2, 3, 4}
    assert later.settings["rate"] != 0.02
    again = Store(tmp_path / "b.log", SPACE, first=first, seed=3).ask()
    assert again.settings == begun.settings


def test_a_search_begins_with_the_profile(whole):
    asked = {name: whole.trials[0].settings[name] for name in ("normalisation", "optimiser", "learning_rate")}
    profile = dataclasses.asdict(METHODS.get("unet_shrink").settings["quick"])
    assert asked == {name: profile[name] for name in asked}


def test_draws_lie_in_the_space_and_learn(tmp_path):
    store = Store(tmp_path / "a.log", SPACE, first={}, seed=3)
    for _ in range(30):
        asked = store.ask()
        s = asked.settings
        assert 1e-4 <= s["rate"] <= 1e-1
        assert s["depth"] in {2, 3, 4}
        assert ("push" in s) == (s["kind"] == "b")
        asked.tell(-abs(math.log10(s["rate"]) + 3), {})
    rates = [abs(math.log10(trial.settings["rate"]) + 3) for trial in store.ended()]
    # The first ten are drawn at random, over three decades; the last ten should gather around 1e-3.
    assert np.mean(rates[20:]) < 0.5 * np.mean(rates[:10])
    importance = store.importance()
    assert max(importance, key=importance.__getitem__) == "rate"
    assert sum(importance.values()) == pytest.approx(1)


def test_a_training_worse_than_the_median_of_its_peers_is_hopeless():
    # Best by step 2 of the peers: 0.4, 0.6, 0.8, 1.0; their median is 0.7.
    peers = [((1, 0.9), (2, best), (3, 0.1), (4, 0.1)) for best in (0.4, 0.6, 0.8)] + [
        ((1, 1.0), (2, 1.2), (3, 0.1), (4, 0.1))
    ]
    assert is_hopeless(((1, 2.0), (2, 0.71)), peers)
    assert not is_hopeless(((1, 2.0), (2, 0.69)), peers)
    assert not is_hopeless(((1, 0.69), (2, 2.0)), peers)  # its best look counts
    assert not is_hopeless(((1, 2.0), (2, 0.71)), peers[:3])  # too few to compare with
    long = [peer + tuple((step, 0.1) for step in range(5, 12)) for peer in peers]
    # Eleven looks are usual: two are less than a quarter of them, three are not.
    assert not is_hopeless(((1, 2.0), (2, 2.0)), long)
    assert is_hopeless(((1, 2.0), (2, 2.0), (3, 2.0)), long)


def test_of_equal_trials_the_larger_ap_then_the_earlier_is_best():
    def trial(number, value, ap):
        return Trial(number=number, settings={}, value=value, looks=(), facts={"ap": ap})

    trials = [trial(0, 0.5, 0.1), trial(1, 0.7, 0.2), trial(2, None, None), trial(3, 0.7, 0.3)]
    trials.append(trial(4, 0.7, 0.3))
    assert [one.number for one in best_first(trials)] == [3, 4, 1, 0]


def test_one_trial_is_one_trial():
    facts = {"ap": 0.5, "threshold": 0.4, "decoded": {}}
    trial = Trial(number=0, settings={}, value=0.5, looks=(), facts=facts)
    tuning = Tuning(path=Path(), trials=(trial,), importance={}, run=RunOptions(method="unet_shrink"))
    assert tuning_table(tuning).caption.startswith("1 trial, 0 given up early; trial 1, trained with")


def test_ways_to_decode_begin_with_the_settings_own_and_stay_in_their_ranges():
    space = {"marker": Real(low=0.4, high=0.9), "views": Choice(options=(1, 4)), "n": Whole(low=1, high=2)}
    ways = decodings(space, 40, seed=5)
    assert ways[0] == {}
    assert len(ways) == 41
    assert ways == decodings(space, 40, seed=5) != decodings(space, 40, seed=6)
    assert all(0.4 <= way["marker"] <= 0.9 for way in ways[1:])
    assert {way["views"] for way in ways[1:]} == {1, 4}
    assert {way["n"] for way in ways[1:]} == {1, 2}
    assert decodings({}, 40, seed=5) == ({},)


@pytest.mark.usefixtures("torch")
def test_maps_decode_as_a_prediction_does(marrow):
    from bmbench.benchmark.run.plan import resolve
    from bmbench.benchmark.run.stages import fit

    method = METHODS.get("unet_shrink")
    plan = resolve(RunOptions(dataset=str(marrow), settings=TINY | {"steps": "8"}), Silent())
    detector = fit(plan, plan.split.samples["train"], plan.split.samples["validation"], progress=Silent())
    image = plan.split.samples["test"][0].load()
    decode = method.infer(detector, image)
    counts = []
    for changes in ({}, {"marker": 0.4, "lowest": 0.1, "highest": 0.9, "faint": 0.05}, {"smallest": 2.0}):
        settings = dataclasses.replace(plan.settings, **changes)
        found, expected = decode(settings), dataclasses.replace(detector, settings=settings).predict(image)
        assert np.array_equal(found.box, expected.box)
        assert np.array_equal(found.confidence, expected.confidence)
        counts.append(len(found))
    assert len(set(counts)) == 3


def test_every_space_names_settings_of_its_method():
    for name in METHODS:
        method = METHODS.get(name)
        for profile, space in method.space.items():
            base = method.settings[profile]
            for setting, kind in {**space.learned, **space.decoded}.items():
                ends = kind.options if isinstance(kind, Choice) else (kind.low, kind.high)
                for value in ends:
                    assert getattr(dataclasses.replace(base, **{setting: value}), setting) == value
                # A search begins with these.
                assert kind.holds(getattr(base, setting)), (name, profile, setting)
            assert not space.decoded.keys() & space.learned.keys()
            assert set(space.yardstick) <= space.learned.keys()


@pytest.mark.usefixtures("torch")
def test_the_unit_of_reported_losses_is_what_knowing_nothing_costs():
    from bmbench.adapters.unet.encodings.encoding import ENCODINGS
    from bmbench.adapters.unet.encodings.object_pixels import TargetMap
    from bmbench.adapters.unet.settings import UNetSettings
    from bmbench.adapters.unet.training import UNetPatch, baseline_loss

    # A quarter of the counted pixels is foreground: entropy ln 4 / 4 + 3/4 ln (4/3); squared error 3/16.
    value = np.zeros((1, 4, 4), np.float32)
    value[0, 0, :2] = 1
    weight = np.zeros((4, 4), np.float32)
    weight[:2] = 1
    patch = UNetPatch(image=np.zeros((4, 4, 3), np.uint8), target=TargetMap(value=value, weight=weight))
    encoding = ENCODINGS.get("shrink")
    entropy = math.log(4) / 4 + 0.75 * math.log(4 / 3)
    # With foreground three times as heavy the two classes weigh the same: entropy ln 2.
    for changes, expected in (
        ({}, entropy),
        ({"loss": "squared"}, 3 / 16),
        ({"foreground_weight": 3.0}, math.log(2)),
    ):
        cost = baseline_loss([patch], encoding=encoding, settings=UNetSettings(**changes))
        assert cost == pytest.approx(expected, rel=1e-5)


class StopsAfter(Silent):
    """Raises once so many trials of the search were told."""

    def __init__(self, told):
        self.left = told

    def note(self, text):
        self.left -= ": F1 " in text or ": given up" in text
        if not self.left:
            raise KeyboardInterrupt


def invented(peers_seen):
    """What stands in for a training: an F1 that its settings decide about, and a look."""

    def make_trial(plan, drawn, *, place, peers, look, **_):
        rate = drawn["learning_rate"]
        peers_seen[int(place.name)] = peers
        look(1, rate)
        return Ended(
            judged=Judged(f1=abs(math.sin(9 * math.log(rate))), ap=None, threshold=None, decoded={}),
            looks=((1, rate),),
        )

    return make_trial


@pytest.mark.parametrize("at_once", [3, 4])
@pytest.mark.usefixtures("torch")
def test_a_search_in_rounds_is_the_same_when_killed_within_one_or_made_longer(
    marrow, tmp_path, monkeypatch, at_once
):
    """Draws learn from the eleventh trial on: of 18 trials in rounds several do."""
    expected, seen = {}, {}
    monkeypatch.setattr("bmbench.benchmark.search.search.make_trial", invented(expected))
    plain = tune(options(marrow, tmp_path / "plain", trials=18, at_once=at_once), Silent())
    monkeypatch.setattr("bmbench.benchmark.search.search.make_trial", invented(seen))
    out = tmp_path / "killed"
    with pytest.raises(Stopped):
        tune(options(marrow, out, trials=14, at_once=at_once), StopsAfter(5))
    (folder,) = out.iterdir()
    # Five, six more, two more: each time in the middle of a round of three or of four.
    for told in (6, 2):
        with pytest.raises(Stopped):
            resume_tuning(folder, StopsAfter(told))
    assert len(resume_tuning(folder, Silent()).trials) == 14
    again = resume_tuning(folder, Silent(), trials=18)
    assert again.trials == plain.trials
    assert results(again) == results(plain)
    assert seen == expected
    assert len({trial.settings["learning_rate"] for trial in again.trials}) == 18


def test_what_a_file_of_settings_says_is_not_searched(bmbench, marrow, tmp_path, torch):
    file, out = tmp_path / "mine.json", tmp_path / "runs"
    file.write_text(json.dumps({"schema": "bmbench.settings/2", "settings": TINY | {"optimiser": "sgd"}}))
    said = bmbench(
        "tune", "--settings", file, "--dataset", marrow, "--trials", 1, "--decodings", 1, "--set", "depth=2",
        "--out", out, "--json",
    )  # fmt: skip
    assert said.code == 0, said.err
    (folder,) = out.iterdir()
    found = json.loads((folder / "settings.json").read_text())["settings"]
    # What the command line says comes after the file.
    wanted = TINY | {"optimiser": "sgd", "depth": "2"}
    assert {name: type(found[name])(text) for name, text in wanted.items()} == {n: found[n] for n in wanted}
    (trial,) = json.loads(said.out)["trials"]
    assert not wanted.keys() & trial["settings"].keys()


def test_a_search_of_settings_that_a_file_fixes_all_is_refused(bmbench, whole, marrow, tmp_path):
    answer = bmbench("tune", "--settings", whole.settings, "--dataset", marrow, "--out", tmp_path)
    assert answer.code == 2
    assert "has no settings to search" in answer.err
