"""The container lane with a stand-in process: the same contract, the same limits, the same checks."""

import json
import os
import stat
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.progress import Silent
from bmbench.leaderboards.hosting.evaluate import evaluate
from bmbench.leaderboards.hosting.one_image import ProgramLimits, answer_of, container, own_program

pytestmark = pytest.mark.usefixtures("posix")
DIGEST = "registry.example/lab/net@sha256:" + "0" * 64
SIZE = 512


@pytest.fixture
def images(bench, tmp_path):
    """A track, and the folder of its ten images, each with its number as its colour."""
    bench.track()
    folder = tmp_path / "images"
    folder.mkdir()
    for number, image in enumerate(bench.board.manifest("weak").images):
        Image.fromarray(np.full((SIZE, SIZE, 3), number, np.uint8)).save(folder / image.name)
    return folder


def program(tmp_path, body):
    """A program in Python that gets the path of an image as its last argument."""
    path = tmp_path / "program.py"
    path.write_text(f"import json, os, sys, time\nimage = sys.argv[-1]\n{body}\n")
    return own_program([sys.executable, str(path)])


def run(bench, images, made, tmp_path, **limits):
    out = tmp_path / "predictions.json"
    found = evaluate(
        bench.board.manifest("weak"),
        images,
        made,
        ProgramLimits(**({"seconds": 20} | limits)),
        out=out,
        progress=Silent(),
    )
    return found, json.loads(out.read_text())


BOX = '{"bbox": [1, 2, 30, 40], "score": 0.5}'


def test_each_image_is_answered_alone_under_a_name_that_says_nothing(bench, images, tmp_path):
    body = """
from PIL import Image
assert os.listdir(os.path.dirname(image)) == ["image.png"], os.listdir(os.path.dirname(image))
number = Image.open(image).getpixel((0, 0))[0]
print(json.dumps([{"bbox": [number, 2, 30, 40], "score": 0.5}] * (number % 3)))
"""
    found, rows = run(bench, images, program(tmp_path, body), tmp_path)
    ids = [image.id for image in bench.board.manifest("weak").images]
    expected = [(ids[number], number) for number in range(10) for _ in range(number % 3)]
    assert [(row["image_id"], row["bbox"][0]) for row in rows] == expected
    assert (found.n_detections, len(found.seconds)) == (len(expected), 10)
    # It goes the way of every other predictions file.
    assert bench.submit("from-container", rows)[1].valid


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("time.sleep(60)", "image 1 of 10: the program took longer than 1.5 s"),
        ("sys.stdout.close(); os.close(1); time.sleep(60)", "took longer than 1.5 s"),
        ("print('x' * 10_000_000)", "wrote more than 100,000 bytes"),
        ("while True: print('x' * 1000)", "wrote more than 100,000 bytes"),
        ("sys.exit('no \\x1b[31m weights')", "ended with code 1: no \\[31m weights"),
        ("os.kill(os.getpid(), 9)", "ended with code -9: no message"),
    ],
)
def test_a_program_that_fails_ends_it_and_nothing_is_written(bench, images, tmp_path, body, words):
    started = time.monotonic()
    with pytest.raises(RunFailedError, match=words):
        run(bench, images, program(tmp_path, body), tmp_path, seconds=1.5, answer_bytes=100_000)
    assert time.monotonic() - started < 15
    assert not (tmp_path / "predictions.json").exists()


def test_what_a_program_leaves_behind_is_ended_with_it(tmp_path):
    note = tmp_path / "pid"
    body = f"""
import subprocess
child = subprocess.Popen(["sleep", "300"])
open({str(note)!r}, "w").write(str(child.pid))
"""
    file = tmp_path / "image.png"
    file.write_bytes(b"")
    with pytest.raises(RunFailedError, match="took longer"):
        # The child holds the standard output: nobody waits for it longer than for the program.
        answer_of(program(tmp_path, body), file, ProgramLimits(seconds=2))
    end = time.monotonic() + 5
    while runs(note.read_text()):
        assert time.monotonic() < end
        time.sleep(0.05)


def runs(pid):
    """Whether a process is there and not only waiting to be collected."""
    status = Path(f"/proc/{pid}/status")
    return status.is_file() and "State:\tZ" not in status.read_text()


def test_too_much_memory_is_refused_by_the_kernel(bench, images, tmp_path):
    with pytest.raises(RunFailedError, match="ended with code"):
        run(bench, images, program(tmp_path, "x = bytearray(2_000_000_000)"), tmp_path, memory_mb=512)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("nothing", "E202"),
        ("{}", "no list of detections"),
        ('[{"bbox": [1, 2, 3, 4], "score": NaN}]', "E204"),
        ('[{"bbox": [1, 2, 3, 4], "score": 2}]', "E407"),
        ('[{"bbox": [1, 2, 3], "score": 0.5}]', "E405"),
        ('[{"bbox": [900, 900, 3, 4], "score": 0.5}]', "E406"),
        ('[{"bbox": [1, 2, 3, 4], "score": 0.5, "secret": "…"}]', "E410"),
        ("[" + ",".join(['{"bbox": [1, 2, 3, 4], "score": 0.5}'] * 2001) + "]", "E404"),
        ("[" * 500, "E20"),
    ],
)
def test_an_answer_that_no_submission_may_have_is_refused(bench, images, tmp_path, answer, words):
    made = program(tmp_path, f"print({answer!r})")
    with pytest.raises(BadInputError, match=words):
        run(bench, images, made, tmp_path)
    assert not (tmp_path / "predictions.json").exists()


def test_an_image_that_is_not_there_is_told_before_anything_runs(bench, images, tmp_path):
    (images / "field_03.png").unlink()
    made = own_program(["/does/not/exist"])
    with pytest.raises(BadInputError, match=r"field_03\.png"):
        run(bench, images, made, tmp_path)


@pytest.mark.parametrize(
    "image", ["lab/net:latest", "lab/net", "sha256:12", DIGEST + " --privileged", "-v/:/x"]
)
def test_only_an_image_with_its_digest_is_run(image):
    with pytest.raises(BadInputError, match="no image with a digest"):
        container(image, "podman")


@pytest.mark.parametrize("engine", ["podman", "docker"])
def test_a_container_has_no_network_no_disk_and_limits(engine, tmp_path):
    call = container(DIGEST, engine)(tmp_path / "image.png", ProgramLimits())
    options = set(call.command)
    assert call.command[:2] == (engine, "run")
    assert {"--rm", "--pull=never", "--network=none", "--read-only", "--cap-drop=ALL",
            "--security-opt=no-new-privileges", "--pids-limit=256", "--memory=8192m",
            "--memory-swap=8192m"} <= options  # fmt: skip
    assert call.command[-2:] == (DIGEST, "/in/image.png")
    mounts = [call.command[place + 1] for place, one in enumerate(call.command) if one == "--mount"]
    assert mounts == [f"type=bind,source={tmp_path},target=/in,readonly"]
    assert call.stop[:3] == (engine, "rm", "--force")
    assert call.stop[3] in options


def test_a_stand_in_engine_is_called_for_each_image(bench, images, tmp_path, monkeypatch):
    """An engine that is a script: it finds the mount in its options, and logs what it is told."""
    log, folder = tmp_path / "log", tmp_path / "bin"
    folder.mkdir()
    engine = folder / "podman"
    engine.write_text(f"""#!{sys.executable}
import json, os, sys
open({str(log)!r}, "a").write(" ".join(sys.argv[1:4]) + "\\n")
if sys.argv[1] == "run":
    mount = sys.argv[sys.argv.index("--mount") + 1]
    source = dict(part.partition("=")[::2] for part in mount.split(","))["source"]
    assert os.listdir(source) == [os.path.basename(sys.argv[-1])]
    print(json.dumps([{BOX}]))
""")
    engine.chmod(engine.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    found, rows = run(bench, images, container(DIGEST, "podman"), tmp_path)
    assert (found.n_detections, len(rows)) == (10, 10)
    lines = log.read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["run", "rm"] * 10
    assert [line.split()[3 - 1] for line in lines[::2]] == ["--name"] * 10


def test_the_command_line_says_what_it_took_and_what_comes_next(bmbench, bench, images, tmp_path):
    path = tmp_path / "program.py"
    path.write_text("print('[]')")
    out = tmp_path / "predictions.json"
    common = (
        "leaderboard",
        "evaluate",
        bench.board.path,
        "--track",
        "weak",
        "--images",
        images,
        "--out",
        out,
    )
    answer = bmbench(*common, "--command", f"{sys.executable} {path}")
    assert answer.code == 0, answer.err
    assert "10 images, 0 detections" in answer.out
    assert f"bmbench submit {out}" in answer.out
    assert "nothing keeps the program" in answer.err
    assert bmbench(*common).code == 2
    assert "digest" in bmbench(*common, "--image", "lab/net:latest").err
