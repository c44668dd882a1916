"""Pages for everybody: axe-core finds nothing, wide and narrow, light and dark; paper loses nothing."""

import base64
import os
from itertools import product
from pathlib import Path

import pytest

from tests.browser import NEEDS_BROWSER

pytest.importorskip("jinja2", reason="jinja2 (bmbench[leaderboard]) is not installed")
pytestmark = NEEDS_BROWSER
AXE = Path(os.environ.get("BMBENCH_AXE", "node_modules/axe-core/axe.min.js"))
PAGES = ("index.html", "weak.html", "compare.html", "weak/alpha-net.html")
_RUN = """
const done = arguments[0];
axe.run(document).then((found) => done(found.violations.map((one) => `${one.id}: ${one.nodes[0].html}`)));
"""


def look(browser, page, *, width, scheme):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
    browser.get(page.as_uri())


@pytest.mark.skipif(
    not AXE.is_file(), reason="axe-core is not there: npm install axe-core, or set BMBENCH_AXE"
)
def test_axe_finds_nothing(browser, site):
    for page, width, scheme in product(PAGES, (1280, 380), ("light", "dark")):
        look(browser, site / page, width=width, scheme=scheme)
        browser.execute_script(AXE.read_text())
        assert browser.execute_async_script(_RUN) == [], (page, width, scheme)


def test_what_scrolls_can_be_reached_by_keys_and_colours_follow_the_system(browser, site):
    ground = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
    for page, scheme in product(PAGES, ground):
        look(browser, site / page, width=380, scheme=scheme)
        regions = browser.find_elements("css selector", ".scroll")
        assert all(region.get_attribute("tabindex") == "0" for region in regions)
        assert all(region.get_attribute("aria-label") for region in regions)
        assert len(browser.find_elements("css selector", "table")) == len(regions)
        colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert colour == ground[scheme], page


def test_paper_has_every_row_and_no_button(browser, site):
    look(browser, site / "weak.html", width=1280, scheme="dark")
    browser.find_element("id", "search").send_keys("alpha")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        rows = browser.find_elements("css selector", "table.board tbody tr")
        assert len(rows) == 6
        assert all(row.is_displayed() for row in rows)
        assert not any(
            one.is_displayed() for one in browser.find_elements("css selector", "nav, .bar, .pages")
        )
        style = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert style == "rgb(255, 255, 255)"
        pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
        assert pdf.startswith(b"%PDF")
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
