"""The command answers at once: nothing heavy is imported before it is needed."""

import resource
import subprocess
import sys

HEAVY = ("torch", "torchvision", "matplotlib", "scipy", "numpy", "pandas", "cv2", "skimage")


def _python(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_the_command_line_loads_nothing_heavy():
    loaded = _python("import bmbench.cli, sys; print(*sys.modules)").split()
    assert not {module.partition(".")[0] for module in loaded} & set(HEAVY)


def test_scoring_starts_the_process_that_reads_before_it_loads_numpy():
    loaded = _python("import bmbench.benchmark.scoring.score_files, sys; print(*sys.modules)").split()
    assert not {module.partition(".")[0] for module in loaded} & set(HEAVY)


def test_the_light_layers_load_no_torch_and_no_matplotlib():
    code = (
        "import bmbench.metrics, bmbench.datasets, bmbench.leaderboards, sys\n"
        "import bmbench.benchmark.scoring.score_files\n"
        "import bmbench.benchmark.run.tables, bmbench.datasets.formats.coco.samples\n"
        "print(*sys.modules)"
    )
    loaded = {module.partition(".")[0] for module in _python(code).split()}
    assert not loaded & {"torch", "torchvision", "matplotlib", "cv2", "skimage", "safetensors"}


def test_help_answers_in_under_half_a_second_of_cpu_time():
    def cpu_seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "bmbench", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cpu_seconds() for _ in range(3)) < 0.5
