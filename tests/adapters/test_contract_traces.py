"""What fitting, predicting, saving and loading leave behind in the process: nothing.

All methods run in one fresh process, which looks around before anything of them is imported.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, logging, os, random, sys, tempfile, warnings
from pathlib import Path
import cv2
import numpy as np
import torch

sys.path.insert(0, sys.argv[1])
from adapters.conftest import sample
from adapters.small import request_for
from bmbench.adapters import METHODS
from bmbench.adapters.method import is_installed

configuration = Path(os.environ["HOME"], "configuration")
os.environ["XDG_CONFIG_HOME"] = str(configuration)


def loggers():
    known = {"": logging.root} | logging.root.manager.loggerDict
    known = {name: logger for name, logger in known.items() if isinstance(logger, logging.Logger)}
    return {
        name: [logger.level, logger.propagate, [repr(handler) for handler in logger.handlers]]
        for name, logger in known.items()
        if name.split(".")[0] not in HEAVY
    }


# These set up loggers of their own when another part of them is first imported.
HEAVY = ("torch", "matplotlib", "PIL", "charset_normalizer", "libav")


def ignored_warnings():
    # setuptools, which torch 2.6 imports when it first compiles, hides a warning of its own.
    filters = [one for one in warnings.filters if one[2].__module__ != "pkg_resources"]
    return sorted(str(message) for action, message, *_ in filters if action == "ignore")


def traces():
    return {
        "torch threads": torch.get_num_threads(),
        "torch generator": torch.get_rng_state().tolist(),
        "torch modes": [
            torch.are_deterministic_algorithms_enabled(),
            torch.is_grad_enabled(),
            str(torch.get_default_dtype()),
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.benchmark,
        ],
        "numpy generator": np.random.get_state()[1].tolist(),
        "random": hash(random.getstate()),
        "environment": dict(os.environ),
        "working directory": [os.getcwd(), sorted(os.listdir())],
        "logging": [{n: s for n, s in loggers().items() if s != [0, True, []]}, logging.root.manager.disable],
        "print options": [repr(np.get_printoptions()), str(torch._tensor_str.PRINT_OPTS)],
        "OpenCV's threads": cv2.getNumThreads(),
        "replaced functions": [repr(torch.save), repr(torch.load), repr(cv2.imread)],
        "warnings": [what for what in ignored_warnings() if "matrix" not in what],
        "configuration": sorted(map(str, configuration.rglob("*"))),
    }


torch.manual_seed(5), np.random.seed(5), random.seed(5), torch.set_num_threads(2)
found = {}
for name in filter(lambda name: is_installed(METHODS.get(name)), METHODS.names()):
    before = traces()
    method = METHODS.get(name)
    samples = [sample(number) for number in range(2)]
    detector = method.fit(request_for(method, samples, samples[:1]))
    with tempfile.TemporaryDirectory() as folder:
        detector.save(Path(folder))
        method.load(Path(folder)).predict(samples[0].load())
    after = traces()
    found[name] = [kind for kind in before if before[kind] != after[kind]]
print(json.dumps(found))
"""


@pytest.mark.usefixtures("torch")
def test_no_method_leaves_a_trace_in_its_process(tmp_path):
    here = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(here)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) >= 2
    assert not [name for name, kinds in found.items() if kinds], found
