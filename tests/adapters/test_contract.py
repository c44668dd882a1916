"""What every method promises, run over the whole table."""

import dataclasses
import re
from pathlib import Path

import pytest

from bmbench.adapters import METHODS
from bmbench.adapters.method import Method, require_installed
from bmbench.benchmark.contract.checks import CHECKS, Subject
from bmbench.core.errors import MissingExtraError

from .small import learned

CONTRIBUTING = Path(__file__).parents[2] / "CONTRIBUTING.md"


@pytest.fixture(scope="module", params=METHODS.own_names())
def listed(request):
    return METHODS.get(request.param)


@pytest.fixture(scope="module")
def subject(listed):
    try:
        require_installed(listed)
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    subject = Subject(method=listed)
    vars(subject)["detector"] = learned(listed.name)
    return subject


@pytest.mark.parametrize("check", CHECKS)
def test_it_keeps_the_promise(subject, check, tmp_path):
    CHECKS[check](subject, tmp_path)


def test_the_name_in_the_table_is_the_methods_own(listed):
    assert METHODS.get(listed.name) is listed


def test_whoever_adds_a_method_is_told_every_fact_that_it_must_have():
    fields = dataclasses.fields(Method)
    assert re.findall(r"^    (\w+) : ", Method.__doc__, re.MULTILINE) == [field.name for field in fields]
    shown = re.search(r"`METHOD = Method\((.*?)\)`", CONTRIBUTING.read_text(), re.DOTALL)
    assert re.findall(r"(\w+)=", shown[1]) == [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
