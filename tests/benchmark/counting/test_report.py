"""The report of a count in a real browser, from the file system."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bmbench.benchmark.counting.count import count
from bmbench.benchmark.counting.options import CountOptions
from bmbench.benchmark.prediction.options import PredictOptions
from bmbench.core.progress import Silent
from tests.benchmark.counting.coloured import picture, trained
from tests.benchmark.counting.conftest import COUNTS
from tests.browser import NEEDS_BROWSER, browsers, quiet

pytestmark = NEEDS_BROWSER
EVIL = "<img src=x onerror=alert(1)>&amp;.png"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from browsers()


@pytest.fixture(scope="module")
def report(fields: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the twelve fields, and of one more whose name is code."""
    folder = tmp_path_factory.mktemp("report")
    picture(folder / EVIL, (2, 0, 0, 0, 0))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bmbench.benchmark.prediction.finished.load_trained", trained)
        asked = PredictOptions(run=Path("run"), images=(fields, folder / EVIL))
        choices = {"group_from": r"(Pat \w|img)"}
        count(CountOptions(predict=asked, out=folder / "counts", group_choices=choices), Silent())
    return folder / "counts" / "report.html"


@pytest.fixture
def page(browser: Any, report: Path) -> Any:
    browser.set_window_size(1280, 900)
    browser.get(report.as_uri())
    # Thumbnails are drawn as soon as their pictures are there.
    wait(lambda: coloured(browser, 0, (0, 114, 178)) > 0)
    return browser


def wait(true: Any) -> None:
    import time

    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def table(page: Any) -> dict[str, list[str]]:
    rows = page.find_elements("css selector", "#summary tbody tr")
    return {
        row.find_element("tag name", "th").text: [cell.text for cell in row.find_elements("tag name", "td")]
        for row in rows
    }


def caption(page: Any, name: str) -> str:
    for figure in page.find_elements("tag name", "figure"):
        if figure.find_element("tag name", "b").get_property("textContent") == name:
            return str(figure.find_element("tag name", "small").get_property("textContent"))
    raise AssertionError(name)


def coloured(page: Any, figure: int, colour: tuple[int, int, int]) -> int:
    """Pixels of a thumbnail that are of about this colour."""
    return int(
        page.execute_script(
            """const canvas = document.querySelectorAll("figure canvas")[arguments[0]];
            if (!canvas.width) return 0;
            const copy = new OffscreenCanvas(canvas.width, canvas.height);
            const pen = copy.getContext("2d", { willReadFrequently: true });
            pen.drawImage(canvas, 0, 0);
            const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
            let n = 0;
            for (let at = 0; at < data.length; at += 4)
              if (arguments[1].every((value, k) => Math.abs(data[at + k] - value) < 40)) n++;
            return n;""",
            figure,
            list(colour),
        )
    )


def slide_to(page: Any, stop: int) -> None:
    """As a hand on the keyboard does it."""
    slider = page.find_element("id", "confidence")
    now = int(slider.get_property("value"))
    slider.send_keys(("\ue014" if stop > now else "\ue012") * abs(stop - now))


def test_it_opens_without_a_complaint_and_asks_for_nothing(page: Any, report: Path) -> None:
    quiet(page)
    text = report.read_text("utf-8")
    assert "default-src 'none'" in text
    assert (
        re.findall(r"(?:src|href)=['\"]?(?!data:)[^'\"> ]+", text.replace("src=x", "").split("<script>")[0])
        == []
    )
    names = [one.get_property("textContent") for one in page.find_elements("css selector", "figure b")]
    assert EVIL in names
    assert len(names) == 13


def test_the_confidence_moves_marks_counts_and_percentages_at_once(page: Any) -> None:
    before, marks = table(page), coloured(page, 0, (0, 114, 178))
    assert int(before["neutrophil"][0]) == sum(counts[0] for counts in COUNTS.values()) + 2
    assert "neutrophil 20" in caption(page, "Pat A 1.png")
    slide_to(page, 0)
    after = table(page)
    assert int(after["neutrophil"][0]) == int(before["neutrophil"][0]) + 3
    assert after["neutrophil"][1:4] != before["neutrophil"][1:4]
    assert "neutrophil 23" in caption(page, "Pat A 1.png")
    assert coloured(page, 0, (0, 114, 178)) > marks
    assert page.find_element("id", "shown").text == "0.125"
    page.find_element("id", "reset").click()
    assert table(page) == before
    assert coloured(page, 0, (0, 114, 178)) == marks
    # Everything has a confidence of 0.9: up to the last stop below all is there, above it nothing is left.
    stops = page.execute_script("return JSON.parse(document.getElementById('facts').textContent).stops")
    slide_to(page, sum(stop <= 0.9 for stop in stops) - 1)
    assert table(page)["neutrophil"][0] == before["neutrophil"][0]
    assert coloured(page, 0, (0, 114, 178)) == marks
    slide_to(page, 30)
    assert table(page)["neutrophil"][:2] == ["0", "–"]
    assert caption(page, "Pat A 1.png") == "no cell"
    assert coloured(page, 0, (0, 114, 178)) == 0
    quiet(page)


def test_a_class_is_switched_off(page: Any) -> None:
    others = coloured(page, 0, (213, 94, 0))
    label = page.find_element("xpath", "//fieldset/label[contains(., 'neutrophil')]")
    label.click()
    assert coloured(page, 0, (0, 114, 178)) == 0
    assert coloured(page, 0, (213, 94, 0)) >= others > 0
    label.click()
    assert coloured(page, 0, (0, 114, 178)) > 0


def test_a_patient_by_itself(page: Any) -> None:
    choice = page.find_element("id", "who")
    next(one for one in choice.find_elements("tag name", "option") if one.text == "Pat B").click()
    shown = [one for one in page.find_elements("tag name", "figure") if one.is_displayed()]
    assert len(shown) == 4
    assert int(table(page)["blast"][0]) == sum(counts[3] for name, counts in COUNTS.items() if name[0] == "B")
    assert page.find_element("id", "whose").text.startswith("Pat B: ")


def test_enlarged_by_keyboard_and_back(page: Any) -> None:
    button = page.find_element("css selector", "figure button")
    page.execute_script("arguments[0].focus()", button)
    button.send_keys("\ue007")
    viewer = page.find_element("id", "viewer")
    assert viewer.is_displayed()
    assert page.find_element("id", "title").text == "Pat A 1.png"
    view = page.find_element("id", "view")
    fitted = page.execute_script("return arguments[0].toDataURL()", view)
    view.send_keys("+")
    assert page.execute_script("return arguments[0].toDataURL()", view) != fitted
    view.send_keys("0")
    assert page.execute_script("return arguments[0].toDataURL()", view) == fitted
    view.send_keys("n")
    assert page.find_element("id", "title").text == "Pat A 2.png"
    view.send_keys("\ue00c")
    wait(lambda: not viewer.is_displayed())
    # The browser says that it closed a moment after it did.
    wait(lambda: page.switch_to.active_element.get_attribute("aria-label") == "Enlarge Pat A 2.png")
    quiet(page)


@pytest.mark.parametrize("dark", [False, True])
def test_a_telephone_shows_all_of_it(page: Any, dark: bool) -> None:
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 380, "height": 800, "deviceScaleFactor": 1, "mobile": True},
    )
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    try:
        ground, ink = page.execute_script(
            "const look = getComputedStyle(document.body); return [look.backgroundColor, look.color]"
        )
        light = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ground, ink)]
        assert (light[0] < light[1]) is dark
        assert page.execute_script("return document.documentElement.scrollWidth") <= 380
        wide = page.find_element("css selector", ".wide")
        assert wide.get_property("scrollWidth") <= wide.get_property("clientWidth")
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
