import pytest

from bmbench.core.errors import UnknownNameError
from bmbench.core.registry import Registry


def test_entries_load_on_use_only():
    registry: Registry[object] = Registry("thing", [("here", "math:pi"), ("broken", "no.such.module:X")])
    assert registry.names() == ("here", "broken")
    assert registry.get("here") == pytest.approx(3.14159, abs=1e-5)
    with pytest.raises(ModuleNotFoundError):
        registry.get("broken")


@pytest.mark.parametrize(("place", "error"), [
    ("no.such.module:X", ModuleNotFoundError),
    ("math:no_such_name", AttributeError),
    ("math", AttributeError),
])  # fmt: skip
def test_an_entry_that_cannot_be_loaded_is_named_with_its_place(place, error):
    registry: Registry[object] = Registry("method", [("mine", place)])
    with pytest.raises(error) as caught:
        registry.get("mine")
    assert caught.value.__notes__ == [f"method 'mine' is registered as {place}, which cannot be loaded"]


def test_a_name_that_stands_twice_is_refused():
    registry: Registry[object] = Registry("thing", [("a", "math:pi"), ("b", "math:tau"), ("a", "math:e")])
    with pytest.raises(ValueError, match="'a' is registered twice"):
        registry.get("b")


def test_an_unknown_name_gets_the_nearest_one():
    registry: Registry[object] = Registry("method", [("unet_shrink", "math:pi"), ("blob_log", "math:e")])
    with pytest.raises(UnknownNameError, match="unknown method 'unet_shrnk'; did you mean 'unet_shrink'"):
        registry.get("unet_shrnk")
    with pytest.raises(UnknownNameError, match="choose one of blob_log, unet_shrink"):
        registry.get("xyz")
