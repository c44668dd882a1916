"""A run as one HTML file: everything inside, nothing loaded, names of strangers shown as text."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from bmbench.benchmark.finished.page import run_page
from bmbench.present.html import PAGE_STYLE

pytestmark = pytest.mark.filterwarnings("ignore:.*is not as it was:UserWarning")


def test_it_holds_scores_curve_errors_and_every_image(whole_run):
    page = run_page(whole_run)
    metrics = json.loads((whole_run / "metrics.json").read_text())
    assert f"<td>{metrics['cd']['tp']}</td>" in page
    for n in range(metrics["images"]):
        assert f"id='image-{n}'" in page
    pictures = re.findall(r"src='data:image/png;base64,([^']+)'", page)
    held = {path.read_bytes() for path in (*whole_run.glob("*.png"), *(whole_run / "gallery").glob("*.png"))}
    assert {base64.b64decode(text) for text in pictures} <= held
    assert (whole_run / "pr_curves.png").read_bytes() in {base64.b64decode(text) for text in pictures}


def test_errors_are_listed_by_cause_and_lead_to_their_image(whole_run):
    page = run_page(whole_run)
    scores = json.loads((whole_run / "metrics.json").read_text())["cd"]
    listed = page[page.index("By centres") :]
    for words, name in (("on an artefact", "fp_artefact"), ("near a cell", "fp_near")):
        some = f"False alarms, {words}: {scores[name]:,}"
        assert (some in listed) == bool(scores[name])
    assert set(re.findall(r"href='#(image-\d+)'", page)) <= set(re.findall(r"id='(image-\d+)'", page))


def test_the_policy_lets_it_load_nothing_and_its_own_style_alone(whole_run):
    page = run_page(whole_run)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    digest = base64.b64encode(hashlib.sha256(PAGE_STYLE.encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"
    assert "<script" not in page
    assert "style=" not in page
    assert not re.search(r"https?://", re.sub(r"base64,[^']+", "", page))


def test_names_of_a_strangers_files_are_text(own_run):
    bad = "<script>alert(1)</script>'\"&"
    for file in ("truth.json", "config.json"):
        record = json.loads((own_run / file).read_text())
        if file == "truth.json":
            record["images"][0]["file_name"] = bad
            for category in record["categories"]:
                category["name"] = bad
        else:
            record["method"] = bad
        (own_run / file).write_text(json.dumps(record))
    page = run_page(own_run)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_picture_that_is_none_or_leads_elsewhere_stays_outside(own_run, tmp_path, posix):
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG\r\n\x1a\nsecret")
    (own_run / "pr_curves.png").unlink()
    (own_run / "pr_curves.png").symlink_to(secret)
    first = sorted((own_run / "gallery").iterdir())[0]
    first.write_bytes(b"<svg onload=alert(1)>")
    page = run_page(own_run)
    assert base64.b64encode(secret.read_bytes()).decode() not in page
    assert base64.b64encode(first.read_bytes()).decode() not in page
    assert "1 image more without a picture here" in page


@pytest.mark.parametrize("command", ["view", "report", "table"])
def test_a_file_of_another_kind_is_never_written_over(bmbench, whole_run, tmp_path, command):
    picture = tmp_path / "cells.png"
    picture.write_bytes(b"a picture")
    said = bmbench(command, whole_run, "-o", picture)
    assert said.code == 2
    assert f"{picture}: unknown kind of file" in said.err
    assert "got .png" in said.err
    assert picture.read_bytes() == b"a picture"


def test_the_command_writes_it_and_opens_it(bmbench, whole_run, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert bmbench("view", whole_run, "-o", tmp_path / "a.html", "--no-browser").code == 0
    assert opened == []
    said = bmbench("view", whole_run, "-o", tmp_path / "a.html")
    assert said.out == f"Written: {tmp_path / 'a.html'}\n"
    assert opened == [(tmp_path / "a.html").as_uri()]
    assert (tmp_path / "a.html").read_text("utf-8") == run_page(whole_run)
