"""A small version of `make calibrate`: intervals hold the truth, equal methods are not called different.

And the documentation says what the file says that the command wrote.
"""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = ROOT / "docs" / "results" / "calibration.md"


@pytest.fixture(scope="module")
def simulation():
    """The modules of the simulation, which lie beside the package."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import calibration_boards
        import calibration_intervals

        yield calibration_intervals, calibration_boards
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def test_the_models_values_are_what_it_draws(simulation):
    """F1 of 20,000 drawn images, and AP of one set of 3,000: within four standard errors of the integrals."""
    model = sys.modules["calibration_model"]
    rng = np.random.default_rng(0)
    for level in (0.84, 0.96):
        method = model.Method.of(level, spread=model.spread_at(level))
        counts = model.draw(rng, [method], model.Design(units=1_000), 20)
        tp, lower = counts.tp.sum(), (counts.tp + counts.fp).sum() + counts.cells.sum()
        assert 2 * tp / lower == pytest.approx(level, abs=0.006)
        assert method.f1() == pytest.approx(level, abs=1e-9)
    scored = simulation[0].SCORED["mid"]
    tally, unit = scored.draw(rng, model.Design(units=3_000))
    from bmbench.statistics.jackknife import average_precision_of

    assert average_precision_of([tally], unit, 3_000, "all").value == pytest.approx(scored.ap, abs=0.01)


def test_intervals_hold_the_truth_where_percentiles_do_not(simulation):
    """Of 400 sets at least 91 % (chance below 1 in 1,000 at 95 %); of percentiles at 6 fewer than 90 %."""
    intervals, _ = simulation
    model = sys.modules["calibration_model"]
    for units, images in ((6, 1), (22, 1), (3, 7)):
        rng = np.random.default_rng(units)
        for name, held in intervals._ratios(rng, 0.84, model.Design(units=units, images=images), 400):
            assert held.share >= 0.91, (name, units)
            assert held.share <= 0.99, (name, units)
            if units < 22:
                assert np.mean(held.before) < 0.9, (name, units)


def test_equal_methods_are_called_different_in_one_board_of_twenty_at_most(simulation):
    """Of 150 boards at most 15 have one (chance below 1 in 1,000 at 5 %); with units alone most do."""
    _, boards = simulation
    alike = boards.false_claims("alike", boards.MID, 7, 22, seeds=0, n_boards=150, seed=1)
    assert alike.now.hits <= 15
    assert alike.kept.hits >= 135
    trained = boards.false_claims("alike", boards.HIGH, 7, 22, seeds=3, n_boards=150, seed=2)
    assert trained.now.hits <= 15
    assert trained.before.hits > 75


def test_a_method_far_behind_is_found_where_swaps_find_nobody(simulation):
    _, boards = simulation
    found = boards.power(boards.MID, 7, 8, 0.2, seeds=0, n_boards=100, seed=3)
    assert found.dropped.share > 0.85
    assert found.kept.share > 0.93
    assert found.pairs.share > 0.35
    assert found.pairs_before.hits == 0


def test_a_method_at_the_margin_is_seldom_called_not_worse(simulation):
    """Nominal 2.5 %: of 300 at most 18 (chance below 1 in 1,000), where percentiles have more."""
    _, boards = simulation
    found = boards.margins("like", boards.HIGH, 12, seeds=0, n_boards=300, seed=4)
    assert found.false.hits <= 18
    assert found.before.hits > found.false.hits


def quoted(text):
    """Rows of tables, whose cells are compared without their padding."""
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows]


@pytest.mark.parametrize("page", ["metrics.md", "leaderboards.md"])
def test_tables_in_the_documentation_are_those_of_the_command(page):
    """What stands between the marks of a quotation is taken from the file that `make calibrate` wrote."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    blocks = re.findall(r"<!-- calibration -->\n(.*?)<!-- end -->", text, re.DOTALL)
    written = WRITTEN.read_text("utf-8")
    every = set(quoted(written))
    for block in blocks:
        assert [row for row in quoted(block) if row not in every] == []
        for sentence in re.findall(r"> (.+)", block):
            assert sentence in " ".join(written.split())
    if page == "metrics.md":
        assert sum(len(quoted(block)) for block in blocks) >= 8
