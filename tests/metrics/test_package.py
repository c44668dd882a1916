"""The names that `bmbench.metrics` gives."""

from pathlib import Path

from bmbench import metrics


def test_no_name_is_also_that_of_a_module():
    # Importing such a module would put it in the place of the function, for everybody.
    modules = {path.stem for path in Path(metrics.__file__).parent.glob("*.py")}
    assert not set(metrics.__all__) & modules


def test_every_name_can_be_had():
    for name in metrics.__all__:
        assert getattr(metrics, name).__class__.__name__ != "module"
