"""How large the pages of a large board are, and how long a browser takes to load, sort and search them.

    python benchmarks/bench_board_pages.py [--quick]

300 and 1,000 drawn submissions (those of `bench_leaderboard.py`) as a site, opened from the file system in
headless Chromium; the median of five. A sort and a search end when the page was laid out again.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from bench_leaderboard import large
from selenium import webdriver

ROUNDS = 5
OTHERS = ("site/compare.html", "large.md", "site/data/large.csv", "site/data/large.json")
_LOAD = "const t = performance.getEntriesByType('navigation')[0]; return t.loadEventEnd;"
_SORT = """
const buttons = [...document.querySelectorAll('table.board th button')];
const button = buttons.find((one) => one.textContent === 'Method');
const start = performance.now(); button.click(); document.body.offsetHeight; return performance.now() - start;
"""
_SEARCH = """
const field = document.getElementById('search');
field.value = arguments[0]; const start = performance.now();
field.dispatchEvent(new Event('input')); document.body.offsetHeight;
return [performance.now() - start, document.querySelector('.count').textContent];
"""
_SHOWN = "return document.querySelectorAll('table.board tbody tr:not([hidden])').length"


def chromium() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


def median(values: list[float]) -> str:
    return f"{statistics.median(values):.0f}"


def timed(browser: webdriver.Chrome, page: Path, n: int) -> tuple[str, ...]:
    """Milliseconds of a load, a sort and a search, and how many rows are shown."""
    loads, sorts, searches = [], [], []
    for _ in range(ROUNDS):
        browser.get("about:blank")
        browser.get(page.as_uri())
        loads.append(browser.execute_script(_LOAD))
        shown = browser.execute_script(_SHOWN)
        sorts.append(browser.execute_script(_SORT))
        took, found = browser.execute_script(_SEARCH, f"m-{n - 1:04d}")
        searches.append(took)
        assert found == "1", found
    return median(loads), median(sorts), median(searches), str(shown)


def kilobytes(path: Path) -> str:
    return f"{path.stat().st_size / 1000:.0f}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="smaller boards, for a first look")
    sizes = (50, 120) if parser.parse_args().quick else (300, 1000)
    browser = chromium()
    print("| submissions | page | KB | load ms | sort ms | search ms | rows shown |")
    print("|---:|---|---:|---:|---:|---:|---:|")
    try:
        for n in sizes:
            with tempfile.TemporaryDirectory() as folder:
                print(f"<!-- {large(n, Path(folder))} -->", file=sys.stderr)
                boards = Path(folder) / "boards"
                for name in ("index.html", "large.html"):
                    page = boards / "site" / name
                    row = [f"{n:,}", name, kilobytes(page), *timed(browser, page, n)]
                    print(f"| {' | '.join(row)} |", flush=True)
                files = [path for path in boards.rglob("*") if path.is_file()]
                every = sum(path.stat().st_size for path in files) / 1e6
                parts = ", ".join(f"{name} {kilobytes(boards / name)} KB" for name in OTHERS)
                print(f"\n{n:,} submissions: {len(files):,} files, {every:.1f} MB; {parts}\n", flush=True)
    finally:
        browser.quit()
    return 0


if __name__ == "__main__":
    sys.exit(main())
