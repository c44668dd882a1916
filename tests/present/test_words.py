"""Numbers and names in sentences, tables and cells."""

import pytest

from bmbench.metrics.protocol import GEOMETRIES
from bmbench.metrics.scores import Counts
from bmbench.present import words
from bmbench.present.markdown import escaped, paragraph, table
from bmbench.present.svg import SvgDrawing


def test_what_is_undefined_is_a_dash_everywhere():
    texts = [
        words.count(None),
        words.decimal(None),
        words.percent(None),
        words.share(None),
        words.with_interval(None, (0.1, 0.2)),
        words.signed(None, (0.1, 0.2)),
        words.points(None),
        words.gap(None, (0.1, 0.2)),
        words.span(None),
    ]
    assert set(texts) == {words.UNDEFINED}


def test_numbers_and_their_intervals():
    assert [words.many(n, "seed") for n in (0, 1, 1200)] == ["0 seeds", "1 seed", "1,200 seeds"]
    assert words.listed(["a"]) == "a"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.counted(1234, 0.5, digits=0) == "1,234 (50 %)"
    assert words.counted(1234, None, digits=0) == "1,234"
    assert words.decimal(0.91249) == "0.912"
    assert words.with_interval(0.9124, None) == "0.912"
    assert words.with_interval(0.9124, (0.88, 0.934)) == "0.912 [0.880, 0.934]"
    assert words.signed(0.0124, (-0.003, 0.029)) == "+0.012 [\u22120.003, +0.029]"
    assert words.decimal(-0.154, 2) == "\u22120.15"
    assert words.span((0.93, 0.968)) == "93.0–96.8"


def test_points_have_a_true_minus_and_no_sign_at_zero():
    assert [words.points(x) for x in (0.012, -0.0123, -0.0001, 0.0)] == ["+1.2", "\u22121.2", "0.0", "0.0"]
    assert words.gap(0.012, (-0.003, 0.029)) == "+1.2 [\u22120.3, +2.9]"


def test_every_rule_and_every_error_has_a_name():
    assert tuple(words.RULES) == GEOMETRIES
    causes = {name for name in Counts.__dataclass_fields__ if name.startswith(("fp_", "fn_"))}
    assert {*words.FALSE_ALARMS, *words.MISSES} == causes


@pytest.mark.parametrize("text", ["a|b", "a\nb", "<b>", "![x](y)", "**b**"])
def test_a_strangers_text_is_only_text_in_a_cell(text):
    cell = escaped(text)
    assert "\n" not in cell
    assert all(cell[place - 1] == "\\" for place, sign in enumerate(cell) if sign in "|<>![]()*")


def test_the_columns_of_a_table_line_up():
    lines = table(["name", "n"], [["a", "1"], ["a long name", "1,200"]]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1] == "| ----------- | ----: |"
    assert lines[3] == "| a long name | 1,200 |"


def test_a_paragraph_is_filled_to_80_columns():
    lines = paragraph("word " * 60, indent="  ").splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.startswith("  ") for line in lines[1:])


def test_a_drawing_escapes_what_it_is_told():
    drawing = SvgDrawing(10, 10, "<a>")
    drawing.text(1, 2.04, "x & y")
    assert str(drawing).splitlines()[1:] == [
        "<title>&lt;a&gt;</title>",
        '<rect x="0" y="0" width="10" height="10" fill="#ffffff"/>',
        '<text x="1" y="2" font-size="12" fill="#1b1f24">x &amp; y</text>',
        "</svg>",
    ]
