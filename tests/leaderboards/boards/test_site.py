"""The site in a real browser, from the file system."""

import pytest

from tests.browser import NEEDS_BROWSER, quiet

pytest.importorskip("jinja2", reason="jinja2 (bmbench[leaderboard]) is not installed")
pytestmark = NEEDS_BROWSER


def names(browser):
    """The ranked methods that are shown, in the order of the table."""
    links = browser.find_elements("css selector", "table.board tr:not([hidden]) td > a")
    return [link.text for link in links if not link.text.startswith("0.")]


def choose(browser, id_, value):
    """As a hand does it: an option that is clicked, or letters that are typed."""
    control = browser.find_element("id", id_)
    if control.tag_name == "select":
        options = control.find_elements("tag name", "option")
        next(option for option in options if option.get_property("value") == value).click()
    else:
        # Unlike `clear`, pressing keys tells the page about every letter.
        control.send_keys("\b" * len(control.get_attribute("value")) + value)


def press(browser, title):
    for button in browser.find_elements("css selector", "table.board th button"):
        if button.text.startswith(title):
            button.click()
            return
    raise AssertionError(title)


def test_sort_and_filter(browser, site):
    browser.get(f"{(site / 'weak.html').as_uri()}")
    assert names(browser) == ["alpha net", "gamma net", "beta net"]
    press(browser, "F1 (centres)")
    assert names(browser) == ["alpha net", "gamma net", "beta net"]
    press(browser, "F1 (centres)")
    assert names(browser) == ["beta net", "gamma net", "alpha net"]
    press(browser, "Method")
    assert names(browser) == ["alpha net", "beta net", "gamma net"]
    head = browser.find_element("css selector", "th[aria-sort]")
    assert head.get_attribute("aria-sort") == "ascending"
    choose(browser, "family", "unet")
    assert names(browser) == ["alpha net", "gamma net"]
    choose(browser, "family", "")
    choose(browser, "annotations", "none")
    assert names(browser) == ["beta net"]
    choose(browser, "annotations", "")
    choose(browser, "search", "GAM")
    assert names(browser) == ["gamma net"]
    assert browser.find_element("css selector", ".count").text == "1"
    choose(browser, "search", "")
    assert "beta net" in names(browser)
    controls = browser.find_elements("css selector", "table.board tr.control:not([hidden])")
    assert len(controls) == 3
    quiet(browser)


def test_compare_two(browser, site):
    browser.get(f"{(site / 'compare.html').as_uri()}#weak")
    verdict = browser.find_element("id", "verdict")
    assert "alpha net is ahead" in verdict.text or "not tell the two apart" in verdict.text
    rows = browser.find_elements("css selector", "#differences tbody tr")
    assert len(rows) == 4
    first = [cell.text for cell in rows[0].find_elements("tag name", "td")]
    choose(browser, "first", "1")
    choose(browser, "second", "0")
    turned = [
        cell.text for cell in browser.find_elements("css selector", "#differences tbody tr:first-child td")
    ]
    assert turned[1:3] == first[2:0:-1]
    assert turned[3] == first[3].replace("+", "\u2212")
    low, high = first[4].split(" to ")
    swap = {"+": "\u2212", "\u2212": "+"}
    assert turned[4] == f"{swap[high[0]]}{high[1:]} to {swap[low[0]]}{low[1:]}"
    assert len(browser.find_elements("css selector", "#curves svg polyline")) == 4
    patches = browser.find_elements("css selector", "#patches figure")
    assert len(patches) == 6
    first_title, second_title = (
        node.get_attribute("textContent") for node in patches[0].find_elements("css selector", "svg > title")
    )
    assert first_title.startswith("gamma net on patch 1: ")
    assert second_title.startswith("alpha net on patch 1: ")
    assert len(browser.find_elements("css selector", "#outcomes tbody tr")) == 14
    choose(browser, "second", "1")
    assert "different" in verdict.text
    assert not browser.find_element("id", "gallery").is_displayed()
    quiet(browser)


def test_the_address_keeps_what_was_chosen(browser, site):
    browser.get(f"{(site / 'compare.html').as_uri()}#track=weak")
    choose(browser, "first", "2")
    choose(browser, "second", "0")
    address = browser.current_url
    assert address.endswith("#track=weak&first=beta-net&second=alpha-net")
    browser.get("about:blank")
    browser.get(address)
    assert [browser.find_element("id", id_).get_attribute("value") for id_ in ("first", "second")] == [
        "2",
        "0",
    ]
    browser.get((site / "weak.html").as_uri())
    choose(browser, "family", "unet")
    press(browser, "Method")
    press(browser, "Method")
    browser.find_element("id", "columns").click()
    address = browser.current_url
    browser.get("about:blank")
    browser.get(address)
    assert names(browser) == ["gamma net", "alpha net"]
    assert browser.find_element("css selector", "td.more").is_displayed()
    # What is not known in an address is left out, and makes nothing of it.
    browser.get("about:blank")
    browser.get(f"{(site / 'weak.html').as_uri()}#family=<img>&sort=99&page=-4&x=1")
    assert len(names(browser)) == 3
    quiet(browser)


def test_a_page_of_its_own(browser, site):
    browser.get(f"{(site / 'weak.html').as_uri()}")
    browser.find_element("link text", "beta net").click()
    assert browser.find_element("tag name", "h1").text == "beta net"
    browser.find_element("link text", "Boards").click()
    assert "Leaderboards" in browser.title
    assert names(browser)[:1] == ["alpha net"]
    browser.find_element("link text", "alpha net").click()
    assert browser.find_element("tag name", "h1").text == "alpha net"
    assert len(browser.find_elements("css selector", "tbody tr")) == 2
    quiet(browser)


@pytest.mark.parametrize("page", ["index.html", "weak.html", "compare.html", "weak/alpha-net.html"])
def test_it_fits_a_phone(browser, site, page):
    size = {"width": 380, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get(f"{(site / page).as_uri()}#weak")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 380
        for control in browser.find_elements("css selector", "select, input"):
            place = control.rect
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= 380
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    quiet(browser)
