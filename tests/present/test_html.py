"""Tables as text and on pages: the same in a notebook as in a terminal, and every name as text."""

from __future__ import annotations

import pytest

from bmbench.present.html import html_page, page_table, plain_table, text_of
from bmbench.present.terminal import terminal_table


@pytest.fixture(name="table")
def _table():
    table = terminal_table("", ("boxes", "centres"), title="a method", caption="8 images")
    table.add_row("AP", "0.991", "0.992", style="bold")
    return table


def test_text_in_a_notebook_has_no_codes_of_a_terminal(table, monkeypatch):
    plain = text_of([table])
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr("rich.jupyter.display", lambda *_: pytest.fail("rich has shown it by itself"))
    assert text_of([table]) == plain
    assert "\x1b" not in plain
    assert plain.splitlines()[0] == "a method"


def test_a_table_on_a_page_has_no_look_of_its_own(table):
    page = html_page("a", plain_table(table))
    assert "<tr class=bold><td>AP</td><td>0.991</td><td>0.992</td></tr>" in page
    assert "style=" not in page


def test_names_are_text_wherever_they_stand():
    page = html_page("<b>", page_table(["<i>"], [["</td><script>"]]))
    assert "<b>" not in page.replace("<body>", "")
    assert "<script" not in page
    assert "&lt;/td&gt;&lt;script&gt;" in page
