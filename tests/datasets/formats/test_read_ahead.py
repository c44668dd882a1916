"""A long file is read in a fork of this process where that is safe, and nobody is left behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FORKING = """
import os, pickle, sys
from pathlib import Path
from bmbench.core.errors import BadInputError
from bmbench.datasets.formats import read_ahead
from bmbench.datasets.formats.predictions import read_columns

def read(path):
    asked.append(os.getpid())
    return read_columns(path)

asked, read_ahead._read, read_ahead._fresh = [], read, None
read_ahead.LONG, read_ahead._processors = 1, lambda: 2
path = Path(sys.argv[1])
with read_ahead.reading_ahead(path, path) as columns:
    try:
        there = columns().score.tolist()
    except BadInputError:
        there = None
print(there, asked == [os.getpid()])
with read_ahead.reading_ahead(path, path):
    pass
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("nobody is left")
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted there")
@pytest.mark.parametrize(("score", "printed"), [(0.25, "[0.25] False"), (7, "None True")])
def test_a_process_of_one_thread_is_forked(tmp_path: Path, score: float, printed: str) -> None:
    detection = {"image_id": 3, "category_id": 1, "bbox": [1, 2, 3, 4]}
    path = tmp_path / "p.json"
    path.write_text(json.dumps([detection | {"score": score}]))
    done = subprocess.run(
        [sys.executable, "-c", FORKING, str(path)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [printed, "nobody is left"], done.stderr
