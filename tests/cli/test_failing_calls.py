"""System calls that fail in turn: whole or as before, one sentence, and the next call heals all.

`make soak` lets every call of every command fail; here are some of the quickest ones.
"""

from __future__ import annotations

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
pytestmark = pytest.mark.usefixtures("posix")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What the commands work on, and the scenes by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        from small_scenes import scenes

        yield {
            scene.name: scene for scene in scenes(tmp_path_factory.mktemp("shared") / "shared", board=False)
        }


@pytest.mark.parametrize(
    ("name", "each"), [("predict to a folder", 6), ("convert", 10), ("import", 8), ("fetch --from", 10)]
)
def test_whatever_call_fails_all_is_whole_or_as_before(made, tmp_path, monkeypatch, name, each):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setenv("BMBENCH_DATA", "set by the soak")
    from soak_calls import fail_in_turn

    count = fail_in_turn(made[name], tmp_path / "place", each=each)
    assert count.wrong == []
    assert sum(count.calls.values()) >= each
    assert count.outcomes["told in a sentence"] >= each // 2


def test_half_a_file_is_noticed(made, tmp_path, monkeypatch):
    """The soak itself sees what a command does that writes in place."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from contextlib import contextmanager

    from soak_calls import fail_in_turn

    @contextmanager
    def in_place(path, **_):
        path.parent.mkdir(parents=True, exist_ok=True)
        yield path

    monkeypatch.setenv("BMBENCH_DATA", "set by the soak")
    monkeypatch.setattr("bmbench.datasets.exchange.convert.writing_folder", in_place)
    count = fail_in_turn(made["convert"], tmp_path / "place", kind="write")
    assert any("half a file" in one for one in count.wrong)
