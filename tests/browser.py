"""A browser without a window, for pages that are tested as a reader sees them."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

BROWSER, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
NEEDS_BROWSER = [
    pytest.mark.skipif(importlib.util.find_spec("selenium") is None, reason="selenium is not installed"),
    pytest.mark.skipif(
        not (BROWSER and DRIVER), reason="no Chromium with chromedriver (Debian: chromium, chromium-driver)"
    ),
]
"""Marks of a module whose tests open a page."""


def browsers() -> Iterator[Any]:
    """A Chromium that is closed afterwards; what a fixture yields."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER or ""))
    yield driver
    driver.quit()


def quiet(browser: Any) -> None:
    """Assert that no page complained, and that nothing but files and data was asked for."""
    assert [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"] == []
    asked = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
    assert asked
    # Chromium itself may look for its start page: only what our pages ask for counts.
    ours = [url for url in asked if not url.startswith(("chrome:", "about:"))]
    assert all(url.startswith(("file:", "data:")) for url in ours), ours
