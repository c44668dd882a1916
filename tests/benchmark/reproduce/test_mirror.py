"""A study with a copy elsewhere: what is there suffices to go on, wherever a run was lost."""

from __future__ import annotations

import sys
import tarfile
import time
import urllib.request
from dataclasses import replace

import fsspec
import pytest

from bmbench.benchmark.reproduce import mirror as module
from bmbench.benchmark.reproduce.folder import StudyFolder
from bmbench.benchmark.reproduce.matrix import plan
from bmbench.benchmark.reproduce.mirror import Mirror
from bmbench.benchmark.reproduce.study import reproduce
from bmbench.benchmark.reproduce.work import Job, work
from bmbench.core.errors import BadInputError, Stopped
from bmbench.core.progress import Silent
from tests.benchmark.reproduce.finished import cell, write_elsewhere, write_run, write_study

pytestmark = pytest.mark.slow

TRAINED = ("steps=40", "validate_every=5", "width=2", "depth=1", "patch_px=32", "batch=2", "views=1")


def quietly(_: str) -> None:
    """Nobody to say it to."""


class AtStep(Silent):
    """Waits at a step, half a minute at most, until something is true, and stops."""

    def __init__(self, step, there):
        self.step, self.there = step, there

    def note(self, text):
        if text.startswith(self.step):
            for _ in range(300):
                if self.there():
                    raise KeyboardInterrupt
                time.sleep(0.1)


def files(folder):
    """Every file of a study but those that hold times, and locks."""
    found = (path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in found}
    return {
        name: path.read_bytes()
        for name, path in named.items()
        if path.name not in ("log.txt", "timing.json") and not name.startswith("locks/")
    }


@pytest.fixture
def s3(monkeypatch):
    """The address of a bucket on a server of this machine that speaks Amazon's protocol."""
    pytest.importorskip("s3fs", reason="s3fs is not installed (extra s3)")
    moto = pytest.importorskip("moto.server", reason="no S3 server to try it on: pip install 'moto[server]'")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    # The variables above are read when the file system is opened.
    fsspec.filesystem("s3").clear_instance_cache()
    urllib.request.urlopen(urllib.request.Request(f"http://{host}:{port}/studies", method="PUT")).close()
    yield "s3://studies/one"
    server.stop()
    fsspec.filesystem("s3").clear_instance_cache()


@pytest.fixture(params=["memory", "file", "s3"])
def address(request, tmp_path):
    """A place for a study in three kinds of store."""
    if request.param == "s3":
        return request.getfixturevalue("s3")
    return f"memory:///{tmp_path.name}" if request.param == "memory" else f"file://{tmp_path}/there"


def test_another_machine_goes_on_with_what_is_there(options, address, tmp_path):
    """Two runs here, a third on a machine that has nothing; then the same study as one in a single folder."""
    reproduce(replace(options, seeds=(0, 11), publish=address), Silent(), quietly)
    elsewhere = replace(options, out=tmp_path / "elsewhere", seeds=(0, 1, 11), publish=address)
    said: list[str] = []
    assert reproduce(elsewhere, Silent(), said.append).n_finished == 3
    assert any(line.startswith("3 runs, 1 to do") for line in said)
    alone = replace(options, out=tmp_path / "alone", seeds=(0, 11))
    reproduce(alone, Silent(), quietly)
    reproduce(replace(alone, seeds=(0, 1, 11)), Silent(), quietly)
    assert files(elsewhere.out) == files(alone.out)
    store, root = fsspec.url_to_fs(address)
    there = {name.removeprefix(f"{root}/"): store.cat_file(name) for name in store.find(root)}
    assert {n: d for n, d in there.items() if n.split("/")[-1] not in ("log.txt", "timing.json")} == files(
        alone.out
    )


@pytest.mark.usefixtures("torch")
def test_a_run_that_is_lost_goes_on_elsewhere_from_its_last_copy(options, address, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "EVERY_S", 0.05)
    options = replace(options, methods=("unet_shrink",), seeds=(0,), settings=TRAINED)
    matrix, mirror = plan(options), Mirror(address)
    (cell,) = matrix.cells
    lost = Job(cell=cell, facts=matrix.facts, folder=StudyFolder(tmp_path / "lost"), mirror=mirror)

    def kept():
        """Whether a training under way is in the copy there."""
        packed = tmp_path / "seen.tar"
        if not mirror.get(f"unfinished/{cell.name}.tar", packed):
            return False
        with tarfile.open(packed) as tar:
            return any(name.endswith("training.safetensors") for name in tar.getnames())

    with pytest.raises((KeyboardInterrupt, Stopped)):
        work(lost, AtStep("step 30", kept))
    steps: list[str] = []

    class Heard(Silent):
        def note(self, text):
            steps.append(text)

    found = replace(lost, folder=StudyFolder(tmp_path / "found"))
    assert work(found, Heard()).state == "done"
    # Its first look at the validation loss is at step 5, which it does not repeat.
    assert steps[0].startswith("step ")
    assert not steps[0].startswith("step 5,")
    serial = replace(lost, folder=StudyFolder(tmp_path / "serial"), mirror=None)
    assert work(serial, Silent()).state == "done"
    assert files(tmp_path / "found") == files(tmp_path / "serial")
    assert not [name for name in mirror.sizes("") if name.startswith("unfinished")]


def test_a_torn_copy_of_a_run_is_none(options, tmp_path):
    matrix, mirror = plan(options), Mirror(f"file://{tmp_path}/there")
    cell = matrix.cells[0]
    torn = tmp_path / "torn.tar"
    torn.write_bytes(b"not a whole archive")
    mirror.put(torn, f"unfinished/{cell.name}.tar")
    folder = StudyFolder(tmp_path / "study")
    mirror.fetch_unfinished(folder, cell)
    assert not folder.run(cell).exists()


def test_a_file_that_was_torn_on_the_way_is_sent_again_and_the_marker_goes_last(options, tmp_path):
    matrix, mirror = plan(options), Mirror(f"file://{tmp_path}/there")
    job = Job(cell=matrix.cells[0], facts=matrix.facts, folder=StudyFolder(tmp_path / "study"))
    work(job, Silent())
    sent: list[str] = []

    class Watched(Mirror):
        def put(self, path, name):
            sent.append(name)
            super().put(path, name)

    Watched(mirror.url).store(job.folder, job.cell)
    assert sent[-1].endswith("/metrics.json")
    torn = tmp_path / "there" / "runs" / job.cell.name / "predictions.json"
    torn.write_bytes(torn.read_bytes()[:10])
    sent.clear()
    Watched(mirror.url).store(job.folder, job.cell)
    assert sent == [f"runs/{job.cell.name}/predictions.json"]


def test_weights_of_an_attempt_that_did_not_end_do_not_stay_there(options, tmp_path):
    """Two files of one size: sent by an attempt whose marker never arrived, then written anew here."""
    (one, *_), mirror = plan(options).cells, Mirror(f"file://{tmp_path}/there")
    folder = write_study(tmp_path / "study", [one])
    write_run(folder, one, [4])
    write_elsewhere(folder, one, "pale", [4])
    weights, answers = (folder.run(one) / name for name in ("weights", "elsewhere/pale/predictions.json"))
    weights.write_text("new")
    there = tmp_path / "there" / "runs" / one.name
    (there / "elsewhere" / "pale").mkdir(parents=True)
    (there / "weights").write_text("old")
    (there / "elsewhere" / "pale" / answers.name).write_bytes(answers.read_bytes()[::-1])
    mirror.store(folder, one)
    assert (there / "weights").read_text() == "new"
    # The same when the run has arrived, and its answers to other images have not.
    (there / "elsewhere" / "pale" / "metrics.json").unlink()
    (there / "elsewhere" / "pale" / answers.name).write_bytes(answers.read_bytes()[::-1])
    mirror.store(folder, one)
    assert files(there) == files(folder.run(one))


def test_answers_to_other_images_come_to_a_run_that_is_here_already(tmp_path):
    """Two sets were answered elsewhere, one of them here too; what has not wholly arrived there is left."""
    one, mirror = cell("blob_log"), Mirror(f"file://{tmp_path}/there")
    there, here = (write_study(tmp_path / name, [one]) for name in ("elsewhere", "study"))
    for folder in (there, here):
        write_run(folder, one, [4])
    for found, name in enumerate(("pale", "dark", "torn"), start=1):
        write_elsewhere(there, one, name, [found])
    write_elsewhere(here, one, "dark", [4])
    (there.run(one) / "elsewhere" / "torn" / "metrics.json").unlink()
    mirror.store(there, one)
    # An answer that a killed process here did not finish.
    begun = here.run(one) / "elsewhere" / "pale"
    begun.mkdir()
    (begun / "predictions.json").write_text("[]")
    dark = files(here.run(one) / "elsewhere" / "dark")
    mirror.fetch(here, one)
    assert files(begun) == files(there.run(one) / "elsewhere" / "pale")
    assert files(here.run(one) / "elsewhere" / "dark") == dark
    assert sorted(path.name for path in (here.run(one) / "elsewhere").iterdir()) == ["dark", "pale"]


def test_a_study_of_something_else_there_is_refused_and_left_alone(options, tmp_path):
    url = f"file://{tmp_path}/there"
    reproduce(replace(options, seeds=(0,), publish=url), Silent(), quietly)
    before = files(tmp_path / "there")
    other = replace(options, out=tmp_path / "other", profile="paper", publish=url)
    with pytest.raises(BadInputError, match=r"^file:.*has another profile .*choose another --publish"):
        reproduce(other, Silent(), quietly)
    assert not (other.out / "study.json").exists()
    assert files(tmp_path / "there") == before


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("bucket/folder", "expected an address: s3://BUCKET/FOLDER"),
        ("nowhere://x", "Protocol not known: nowhere"),
    ],
)
def test_addresses_that_are_none(bmbench, marrow, tmp_path, address, said):
    answer = bmbench("reproduce", "--dataset", marrow, "--out", tmp_path / "study", "--publish", address)
    assert answer.code == 2
    assert said in answer.err
    assert not (tmp_path / "study").exists()


def test_a_place_that_refuses_is_one_sentence(bmbench, marrow, tmp_path):
    (tmp_path / "there").write_text("a file, not a folder")
    answer = bmbench(
        "reproduce", "--dataset", marrow, "--methods", "blob_log", "--tracks", "weak", "--seeds", "0",
        "--out", tmp_path / "study", "--publish", f"file://{tmp_path}/there/deeper",
    )  # fmt: skip
    assert answer.code == 1
    assert "there/deeper: cannot be written" in answer.err
    assert "Traceback" not in answer.err


def test_without_s3fs_one_sentence_says_what_to_install(bmbench, marrow, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    # fsspec remembers what it found for another test.
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    answer = bmbench(
        "reproduce", "--dataset", marrow, "--out", tmp_path / "study", "--publish", "s3://bucket/study"
    )
    assert answer.code == 2
    assert answer.err.endswith("is not installed: pip install 'bmbench[s3]'\n")
