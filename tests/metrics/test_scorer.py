"""Metrics of other packages: held to laws before they give a number, and named where they fail."""

from __future__ import annotations

import json
import textwrap

import numpy as np
import pytest

from bmbench.core.plugins import TRUSTED, Origin, PluginError
from bmbench.metrics import Scorer
from bmbench.metrics.laws import broken_laws
from bmbench.metrics.plugin import adopt_scorer
from bmbench.metrics.scorer import LAWS

ORIGIN = Origin(place="my_numbers:SCORER", package="my_numbers", version="1.2")


def scorer(value, **more):
    return Scorer(name="mine", title="mine", value=value, **more)


GOOD = {
    "the share of cells found": scorer(lambda truth, found, scores: scores.recall, perfect=1.0),
    "found twice": scorer(lambda truth, found, scores: scores.fp_duplicate, of_images="sums", perfect=0.0),
    "mean distance of hits": scorer(
        lambda truth, found, scores: float(
            np.mean(
                np.linalg.norm(
                    found.xy[scores.matching.is_hit]
                    - truth.xy[scores.matching.annotation[scores.matching.is_hit]],
                    axis=1,
                )
            )
        ),
        unit="px",
        perfect=0.0,
    ),
    "nothing at all": scorer(lambda truth, found, scores: None),
}


@pytest.mark.parametrize("kind", GOOD)
def test_a_good_scorer_keeps_every_law(kind):
    assert broken_laws(GOOD[kind]) == []


BROKEN = {
    "order": scorer(lambda truth, found, scores: found.xy[0, 0] - found.xy[-1, 0], unit="px"),
    "moving": scorer(lambda truth, found, scores: float(found.xy[:, 0].max()), unit="px"),
    "scaling": scorer(lambda truth, found, scores: float(np.ptp(found.xy[:, 0]))),
    "perfect": scorer(lambda truth, found, scores: scores.recall, perfect=0.5),
    "images twice": scorer(lambda truth, found, scores: scores.tp),
}


@pytest.mark.parametrize("law", LAWS)
def test_a_scorer_that_breaks_one_law_breaks_that_one_alone(law):
    said = broken_laws(BROKEN[law])
    assert len(said) == 1
    with pytest.raises(PluginError, match=r"the metric 'mine' of my_numbers 1.2 breaks a law .*its `keeps`"):
        adopt_scorer(BROKEN[law], "mine", ORIGIN)


def test_what_is_no_promise_is_not_asked_for():
    whole = BROKEN["images twice"]
    without = scorer(whole.value, keeps=tuple(law for law in LAWS if law != "images twice"))
    assert adopt_scorer(without, "mine", ORIGIN) is without


def raises(truth, found, scores):
    raise KeyError("size")


REFUSED = {
    "no Scorer": (7, r"is no Scorer \(got int\)"),
    "another name": (Scorer(name="other", title="", value=raises), "calls itself 'other'"),
    "an unknown law": (scorer(raises, keeps=("beauty",)), r"expected order, .*got beauty"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_scorer_is_refused_in_a_sentence(kind):
    entry, said = REFUSED[kind]
    with pytest.raises(PluginError, match=said):
        adopt_scorer(entry, "mine", ORIGIN)


CODE = """
    from bmbench.metrics import Scorer
    TWICE = Scorer(name="twice", title="found twice", of_images="sums",
                   value=lambda truth, found, scores: scores.fp_duplicate)
    RAISES = Scorer(name="raises", title="", value=lambda truth, found, scores: found.colour, keeps=())
    ENDLESS = Scorer(name="endless", title="", value=lambda truth, found, scores: float("nan"), keeps=())
"""


@pytest.fixture(name="files")
def _files(tmp_path, monkeypatch):
    """A cell found twice and one missed, and a module with scorers that is importable."""
    (tmp_path / "plug_numbers.py").write_text(textwrap.dedent(CODE))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv(TRUSTED, "")
    truth = {
        "images": [{"id": 1, "file_name": "a.png", "width": 90, "height": 90}],
        "categories": [{"id": 1, "name": "cell"}],
        "annotations": [
            {"id": n, "image_id": 1, "category_id": 1, "bbox": [x, 10, 20, 20]} for n, x in ((1, 10), (2, 60))
        ],
    }
    found = [
        {"image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "score": score} for score in (0.9, 0.8)
    ]
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "found.json").write_text(json.dumps(found))
    return tmp_path / "found.json", "--truth", tmp_path / "truth.json", "--radius", 5, "--threshold", 0.5


def test_a_named_metric_stands_in_the_table_and_in_json(bmbench, files):
    shown = bmbench("score", *files, "--metric", "plug_numbers:TWICE")
    assert [line.split() for line in shown.out.splitlines() if "found twice" in line] == [
        ["found", "twice", "1.000", "1.000"]
    ]
    said = json.loads(bmbench("score", *files, "--metric", "plug_numbers:TWICE", "--json").out)
    assert said["metrics"] == {"bb": {"twice": 1.0}, "cd": {"twice": 1.0}}


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("plug_numbers:RAISES", 1, "error: the metric 'raises' failed (AttributeError:"),
        ("plug_numbers:ENDLESS", 1, "error: the metric 'endless' gives nan; what is undefined is None"),
        ("no_such", 2, "error: unknown metric 'no_such'"),
        ("plug_numbers:ABSENT", 2, "error: the metric 'plug_numbers:ABSENT' cannot be loaded"),
    ],
)
def test_a_metric_that_fails_is_named(bmbench, files, name, code, said):
    answer = bmbench("score", *files, "--metric", name)
    assert (answer.code, answer.out) == (code, "")
    assert answer.err.startswith(said)


def test_of_a_module_that_is_nowhere_the_error_says_where_it_is_looked_for(bmbench, files):
    answer = bmbench("score", *files, "--metric", "plug_nmbers:TWICE")
    assert answer.code == 2
    assert answer.err.endswith(
        "; package.module:NAME is looked for in this folder and among what is installed\n"
    )
    absent = bmbench("score", *files, "--metric", "plug_numbers:ABSENT")
    assert "looked for" not in absent.err


def test_it_is_asked_for_in_python_too(files):
    import bmbench as package

    result = package.score(files[0], files[2], radius_px=5, threshold=0.5, metrics=["plug_numbers:TWICE"])
    assert result.to_json()["metrics"]["cd"] == {"twice": 1.0}
