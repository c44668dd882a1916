"""Boards: pure functions of results, whole or not at all, with names that stay names."""

import csv
import io
import json
import multiprocessing
import os
import re
import signal
import time
import xml.etree.ElementTree as ET

import msgspec
import pytest

from bmbench.core.errors import BadInputError
from bmbench.core.files import exchange_folders
from bmbench.core.progress import Silent
from bmbench.leaderboards.boards import words
from bmbench.leaderboards.boards.archive import check_frozen, freeze
from bmbench.leaderboards.boards.build import board_files, build_board, check_board
from bmbench.leaderboards.results.record import canonical, read_result
from bmbench.leaderboards.results.standings_record import read_standings
from bmbench.leaderboards.results.verify import verify_board
from bmbench.leaderboards.tracks.create_track import write_manifest
from bmbench.leaderboards.tracks.leaderboard_folder import Leaderboard
from bmbench.leaderboards.tracks.manifest import Partner, Rules

pytest.importorskip("jinja2", reason="jinja2 (bmbench[leaderboard]) is not installed")

PAYLOADS = (
    "a|b",
    "a\n| 1 | x |",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "https://evil.example",
    "www.evil.example",
    "`code`",
    "**bold** _it_ ~~no~~",
    "{{ 7*7 }}{% raw %}",
    "&lt;b&gt; &amp;",
    "]]> --> '\" <!--",
)


def test_of_the_same_answer_with_another_threshold_the_page_names_the_metrics(bench):
    # AP asks for no threshold, so that it is the same in every unit, and F1 is not.
    bench.track()
    manifest = bench.board.manifest("weak")
    write_manifest(bench.board.path / "tracks" / "weak", msgspec.structs.replace(manifest, replicates=300))
    rows = bench.answer(recall=0.9, false=3)
    bench.submit("first-one", rows)
    moved = [row | {"bbox": [row["bbox"][0] + 0.001, *row["bbox"][1:]]} for row in rows]
    bench.submit("copy-one", moved, team="Other Team", threshold=0.99)
    bench.score()
    files = board_files(bench.board)
    pages = "".join(files[f"site/weak/{one}-one.html"].decode() for one in ("first", "copy"))
    notes = re.findall(r'<p class="note">(.*?: the same as of .*?)</p>', pages)
    assert any(note.startswith("AP (centres): the same as of ") for note in notes)
    assert not any(note.startswith("F1") for note in notes)


@pytest.fixture
def scored(bench):
    """A scored track with two methods, a superseded and a broken submission."""
    bench.track()
    manifest = bench.board.manifest("weak")
    write_manifest(bench.board.path / "tracks" / "weak", msgspec.structs.replace(manifest, replicates=300))
    bench.submit("first-one", bench.answer(recall=0.9, false=1))
    bench.submit("second-one", bench.answer(recall=0.6, false=2, seed=4), team="Other Team", family="blobs")
    bench.submit("old-one", bench.answer(recall=0.5, false=2, seed=5), team="Other Team")
    bench.submit(
        "new-one", bench.answer(recall=0.7, false=2, seed=6), team="Other Team", supersedes="old-one"
    )
    broken = bench.board.submission("weak", "broken-one")
    broken.mkdir()
    (broken / "submission.json").write_text('{"a": NaN}')
    bench.score()
    return bench.board


def test_the_same_results_give_the_same_bytes(scored):
    assert board_files(scored) == board_files(scored)
    build_board(scored)
    check_board(scored)


def test_stale_boards_are_told(scored):
    with pytest.raises(BadInputError, match="stale"):
        check_board(scored)
    build_board(scored)
    page = scored.path / "boards" / "weak.md"
    page.write_text(page.read_text().replace("first one", "best one"))
    with pytest.raises(BadInputError, match=re.escape("weak.md")):
        check_board(scored)
    build_board(scored)
    (scored.path / "boards" / "extra.md").write_text("mine")
    with pytest.raises(BadInputError, match=re.escape("extra.md")):
        check_board(scored)


def test_an_unscored_track_is_told(bench):
    bench.track()
    with pytest.raises(BadInputError, match="bmbench leaderboard score"):
        build_board(bench.board)


def rename(board, text):
    """Put a name into a result behind the validator's back: the boards must hold even then."""
    path = board.result("weak", "first-one")
    result = read_result(path)
    card = msgspec.structs.replace(result.card, method=text, team=text, family=text, code_url=text)
    path.write_bytes(canonical(msgspec.structs.replace(result, card=card)))


def table_rows(markdown):
    return sum(line.startswith("|") for line in markdown.splitlines())


WIDEST = 110
"""Characters that a git host shows beside each other, about."""


def widths_of_tables(markdown):
    """(longest words, longest cells) of each table, in characters, with the space around cells."""
    tables = [part.splitlines() for part in re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE)]
    return [widths_of(table) for table in tables]


def widths_of(lines):
    """The two widths of one table."""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if not re.fullmatch(r"[-: |]+", line)]
    columns = [
        [re.sub(r"\\(.)", r"\1", cell).strip() for cell in column] for column in zip(*rows, strict=True)
    ]
    words = [max(len(word) for cell in column for word in [*cell.split(), ""]) for column in columns]
    return sum(words), sum(max(map(len, column)) + 2 for column in columns)


def test_tables_are_as_wide_as_a_git_host_shows(scored):
    rename(scored, "W" * 24 + " " + "W" * 24)
    wide = board_files(scored)["weak.md"].decode()
    assert all(word <= WIDEST for word, _ in widths_of_tables(wide))
    rename(scored, "A method of a lab")
    ranking, every_metric = widths_of_tables(board_files(scored)["weak.md"].decode())[:2]
    assert ranking[1] <= WIDEST
    assert every_metric[1] <= WIDEST


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_name_stays_a_name(scored, payload):
    before = board_files(scored)
    rename(scored, payload)
    after = board_files(scored)
    plain, nasty = (files["weak.md"].decode() for files in (before, after))
    assert table_rows(nasty) == table_rows(plain)
    head = next(line for line in nasty.splitlines() if line.startswith("| Place"))
    row = next(line for line in nasty.splitlines() if line.startswith(("| 1", "| –")))
    assert len(re.findall(r"(?<!\\)\|", row)) == len(re.findall(r"(?<!\\)\|", head))
    for rendered in (to_html(nasty), to_html(after["README.md"].decode())):
        assert 'evil.example"' not in rendered
        assert "<script" not in rendered.lower()
        assert "onerror=" not in re.sub(r"&lt;.*?&gt;", "", rendered)
    assert tags_of(after) == tags_of(before)
    assert rows_that_machines_read(after) == rows_that_machines_read(before)


def rows_that_machines_read(files):
    """The rows of every table, once all that machines read was read."""
    found = {}
    for name, data in files.items():
        if name.endswith((".xml", ".svg")):
            ET.fromstring(data)
        elif name.endswith(".json"):
            json.loads(data)
        elif name.endswith(".csv"):
            found[name] = [len(row) for row in csv.reader(io.StringIO(data.decode()))]
    return found


def tags_of(files):
    """How many tags of a kind that does something each page has; pages of methods, whose address is by their
    name, together."""
    found = {}
    for name, data in files.items():
        if name.endswith((".html", ".svg")):
            page = "methods" if name.startswith("site/methods/") else name
            found.setdefault(page, []).append(len(re.findall(rb"<(script|img|b|a)\b", data)))
    return {page: sorted(counts) for page, counts in found.items()}


def to_html(markdown):
    """The Markdown as a git host would show it, raw HTML allowed so that a hole would be seen."""
    import markdown_it

    return markdown_it.MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)


def test_escaped_cells_come_back_as_they_were():
    for payload in PAYLOADS:
        flat = " ".join(payload.split())
        text = re.sub(r"<[^>]*>", "", to_html(f"| {words.md_cell(payload)} |\n|---|\n"))
        import html

        assert html.unescape(text).strip() == flat


def test_no_page_asks_for_anything(scored):
    for name, data in board_files(scored).items():
        text = data.decode()
        assert not re.search(
            r'(src|href)="(?!#|data:|[\w./-]*\.(html|json|csv|xml|cff|svg|yaml)|https://github)', text
        ), name
        assert "@import" not in text
        assert "url(" not in text
        if name.endswith(".html"):
            assert "default-src 'none'" in text
            assert 'style="' not in text


def test_what_is_not_ranked_is_listed_with_its_reason(scored):
    text = board_files(scored)["weak.md"].decode()
    ranking, rest = text.split("## Not ranked")
    assert "old one" not in ranking
    assert "broken" not in ranking
    assert re.search(r"old\\-one .*replaced by its team", rest)
    assert re.search(r"broken\\-one .*E204", rest)
    for name in ("oracle", "dense grid", "blank"):
        assert f"| control | {name}" in ranking


def test_too_few_patients_is_said_instead_of_a_p_value(bench, make_truth):
    bench.truth = make_truth("three.json", n_images=9, groups=3)
    bench.track(unit="patient")
    manifest = bench.board.manifest("weak")
    write_manifest(bench.board.path / "tracks" / "weak", msgspec.structs.replace(manifest, replicates=300))
    bench.submit("first-one", bench.answer(recall=0.95, false=1))
    bench.submit("second-one", bench.answer(recall=0.4, false=1, seed=3))
    bench.score()
    text = board_files(bench.board)["weak.md"].decode()
    assert "Everything rests on 3 patients" in text
    assert "By chance two equal methods may differ by about" in text
    assert not re.search(r", p [<0-9]", text)


@pytest.mark.parametrize(
    ("n_images", "words"),
    [
        (1, "1 image cannot show how images differ"),
        (2, "2 images cannot show how images differ"),
        (4, "Everything rests on 4 images"),
        (7, "1 of 1 pair of all submissions is told apart (Shaffer"),
    ],
)
def test_a_board_of_few_images_says_so_first(bench, make_truth, n_images, words):
    bench.truth = make_truth("few.json", n_images=n_images)
    for track, partner in (("precise", None), ("weak", Partner(track="precise", kind="weaker", margin=0.05))):
        bench.track(track, partner=partner)
        manifest = bench.board.manifest(track)
        write_manifest(bench.board.path / "tracks" / track, msgspec.structs.replace(manifest, replicates=300))
        bench.submit("good-one", bench.answer(recall=0.95, false=1), track=track)
        bench.submit("worse-one", bench.answer(recall=0.4, false=1, seed=3), track=track, artefacts="class")
    bench.score()
    files = board_files(bench.board)
    board, page = files["weak.md"].decode(), files["site/weak.html"].decode()
    assert words in board
    assert words in page
    assert f"drawn, {n_images} image{'s' * (n_images > 1)}, {12 * n_images} cells" in board
    # Below three neither an interval nor a verdict, nor a promise of what a test would find.
    few = n_images < 3
    assert bool(re.search(r"\d\.\d{3} \[", board)) != few
    assert ("is the best of these 2 (95 %)" in board) != few
    assert ("4 of 5 cases" in board) != few
    assert bool(re.search(r", p [<0-9]", board)) == (n_images >= 6)
    verdicts = {row.verdict for row in read_standings(bench.board.standings("weak")).crossings}
    assert verdicts == ({"too few units"} if few else {"same"})


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (Rules(radius_px=14.67), "paper (centres at most 14.67 px apart, boxes with an IoU above 0.5)"),
        (Rules(), "paper (centres at most 55 px apart, boxes with an IoU above 0.5)"),
        (Rules(protocol="voc2010", iou=0.3), "voc2010 (boxes with an IoU of at least 0.3)"),
        (Rules(protocol="kainz"), "kainz (centres at most 10 px apart)"),
    ],
)
def test_a_board_states_the_limits_that_it_matches_by(bench, rules, words):
    bench.track(rules=rules)
    manifest = bench.board.manifest("weak")
    write_manifest(bench.board.path / "tracks" / "weak", msgspec.structs.replace(manifest, replicates=100))
    bench.score()
    files = board_files(bench.board)
    for name in ("weak.md", "site/weak.html"):
        assert f"Protocol: {words}. Unit" in files[name].decode()


def build_often(board, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        build_board(board)


@pytest.mark.usefixtures("posix")
def test_two_builds_at_once_and_a_kill_leave_whole_boards(scored, tmp_path):
    folders = [tmp_path / name for name in ("here", "there")]
    for folder in folders:
        folder.mkdir()
    if not exchange_folders(*folders):
        pytest.skip("this system cannot exchange two folders in one step")
    build_board(scored)
    wanted = board_files(scored)
    context = multiprocessing.get_context("fork")
    for round_ in range(3):
        builders = [context.Process(target=build_often, args=(scored, 20)) for _ in range(2)]
        for builder in builders:
            builder.start()
        end = time.monotonic() + 0.7 + 0.23 * round_
        looks = 0
        while time.monotonic() < end:
            assert seen(scored.path / "boards") == set(wanted)
            looks += 1
        for builder in builders:
            os.kill(builder.pid, signal.SIGKILL)
            builder.join()
        assert looks > 3
        check_board(scored)
    build_board(scored)
    assert not list(scored.path.glob(".*"))


def seen(folder):
    """The names in a folder that may be exchanged at any moment; looked at again if it was meanwhile."""
    while True:
        before = folder.stat().st_ino
        try:
            names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        except FileNotFoundError:
            continue  # it was the old one, and its builder removed it
        if folder.stat().st_ino == before:
            return names


def test_p_values():
    assert [words.p_value(p) for p in (0.00001, 0.00034, 0.0123, 0.5)] == [
        "< 0.0001",
        "0.0003",
        "0.012",
        "0.50",
    ]


def test_board_data_is_readable_by_machines(scored):
    value = json.loads(scored.standings("weak").read_text())
    assert value["schema"] == "bmbench.standings/2"


def test_a_frozen_version_stays_and_still_builds(scored):
    build_board(scored)
    count = freeze(scored, "2026-11")
    folder = scored.path / "archive" / "2026-11"
    assert check_frozen(folder) == count - 1
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    # What comes later on changes nothing in it.
    rename(scored, "another name")
    build_board(scored)
    assert b"another name" in (scored.path / "boards" / "weak.md").read_bytes()
    assert b"archive/2026-11/boards/site/index.html" in (scored.path / "boards/site/index.html").read_bytes()
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    old = Leaderboard(folder)
    check_board(old)
    build_board(old)
    assert check_frozen(folder) == count - 1
    assert verify_board(old, Silent()).count > 1000
    with pytest.raises(BadInputError, match="never changed"):
        freeze(scored, "2026-11")
    (folder / "results" / "weak" / "first-one.json").write_text("{}")
    with pytest.raises(BadInputError, match="a frozen file was changed"):
        check_frozen(folder)


def test_only_a_board_that_is_up_to_date_is_frozen(scored):
    with pytest.raises(BadInputError, match="stale"):
        freeze(scored, "2026-11")
    build_board(scored)
    with pytest.raises(BadInputError, match="id"):
        freeze(scored, "../2026")
    assert not (scored.path / "archive").exists()
