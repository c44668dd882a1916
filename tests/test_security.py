"""Every threat that SECURITY.md names is held by a test that exists."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent
TEXT = (TESTS.parent / "SECURITY.md").read_text("utf-8")


def test_every_threat_names_the_tests_that_hold_it():
    there = {
        node.name
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    tables = re.findall(r"^\| threat .*\n\|[-|]+\n((?:\|.*\n)+)", TEXT, re.M)
    rows = [row for table in tables for row in table.splitlines()]
    assert len(rows) > 30
    for row in rows:
        threat, _, shown = row.strip("| ").split(" | ")
        named = re.findall(r"`(test_\w+)`", shown)
        assert named, threat
        assert set(named) <= there, threat
    files = {path.name for path in TESTS.rglob("*.py")}
    assert set(re.findall(r"`(?:[\w/]*/)?(test_\w+\.py)`", TEXT)) <= files
