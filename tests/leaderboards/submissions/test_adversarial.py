"""Everything that a hostile submission was seen to try elsewhere; each must be refused by code."""

import json
import os

import pytest

from bmbench.leaderboards.submissions.problems import MOST, Problems, quoted
from bmbench.leaderboards.submissions.sources import folder_files
from bmbench.leaderboards.submissions.strict_json import parse
from bmbench.leaderboards.submissions.validate import validate
from bmbench.leaderboards.tracks.names import is_id, is_link, name_fault


@pytest.fixture
def good(bench):
    """A valid submission's folder, and the track that it answers."""
    bench.track()
    folder, verdict = bench.submit("good-one", bench.answer(recall=0.8, false=1))
    assert verdict.valid
    return folder, bench.board.manifest("weak")


def verdict_of(good):
    folder, manifest = good
    return validate(folder_files(folder), manifest, folder=folder.name)


def codes_of(good):
    return {problem.code for problem in verdict_of(good).problems.listed}


def change_card(good, **changes):
    path = good[0] / "submission.json"
    card = json.loads(path.read_text())
    for place, value in changes.items():
        *parts, last = place.split("__")
        inner = card
        for part in parts:
            inner = inner[part]
        inner[last] = value
    path.write_text(json.dumps(card))


def change_predictions(good, text):
    """Put these bytes in place of the predictions, with the digest that goes with them."""
    import hashlib

    data = text if isinstance(text, bytes) else text.encode()
    (good[0] / "predictions-s0.json").write_bytes(data)
    card = json.loads((good[0] / "submission.json").read_text())
    card["runs"][0]["sha256"] = hashlib.sha256(data).hexdigest()
    (good[0] / "submission.json").write_text(json.dumps(card))


def wrapped(*rows, images=range(1, 11)):
    return json.dumps({"schema": "bmbench.predictions/1", "images": list(images), "detections": list(rows)})


BOX = {"image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 20], "score": 0.5}

CARD_TEXTS = {
    "NaN": ('{"a": NaN}', "E204"),
    "infinity": ('{"a": -Infinity}', "E204"),
    "1e999": ('{"a": 1e999}', "E204"),
    "number of 5,000 digits": ('{"a": ' + "9" * 5000 + "}", "E204"),
    "duplicate key": ('{"id": "x", "id": "y"}', "E203"),
    "duplicate key inside": ('{"a": [{"b": 1, "b": 2}]}', "E203"),
    "not JSON": ("id: abc\n- yaml: true", "E202"),
    "YAML tag": ("!!python/object/apply:os.system ['true']", "E202"),
    "pickle": (b"\x80\x04\x95\x10\x00", "E201"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "E201"),
    "Latin-1": ('{"a": "é"}'.encode("latin-1"), "E201"),
    "byte order mark": (b'\xef\xbb\xbf{"a": 1}', "E201"),
    "NUL": (b'{"a": 1}\x00', "E202"),
    "empty": (b"", "E202"),
    "nested 20,000 deep": ("[" * 20_000 + "]" * 20_000, "E205"),
    "nested 40 deep": ("[" * 40 + "1e999" + "]" * 40, "E205"),
    "nested 500 deep": ('{"a":' * 500 + "1" + "}" * 500, "E205"),
    "nested objects": ('{"a":' * 9_000 + "1" + "}" * 9_000, "E205"),
    "a list": ("[]", "E303"),
    "null": ("null", "E303"),
    "trailing comma": ('{"a": 1,}', "E202"),
}


@pytest.mark.parametrize("name", CARD_TEXTS)
def test_a_card_that_means_two_things_or_nothing_is_refused(good, name):
    text, code = CARD_TEXTS[name]
    (good[0] / "submission.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert code in codes_of(good)


@pytest.mark.parametrize("name", [name for name, (_, code) in CARD_TEXTS.items() if code != "E303"])
def test_predictions_that_mean_two_things_or_nothing_are_refused(good, name):
    text, code = CARD_TEXTS[name]
    change_predictions(good, text)
    assert code in codes_of(good)


def test_predictions_nested_100000_deep_are_refused(good):
    change_predictions(good, "[" * 100_000 + "]" * 100_000)
    assert codes_of(good) == {"E205"}


NAMES = {
    "new line": "a\nb",
    "row": "a |\n| 1 | me",
    "pipe": "a|b",
    "tag": "<script>alert(1)</script>",
    "image": "![x](https://evil.example/x.png)",
    "link": "[x](javascript:alert(1))",
    "bidi": "abc\u202edef",
    "zero width": "ab\u200bc",
    "control": "a\x07b",
    "entity": "&lt;b&gt;",
    "code": "`rm`",
    "mention": "@everyone",
    "template": "{{ 7 * 7 }}",
    "decomposed": "Mu\u0308ller",
    "too long": "a" * 61,
    "blank": "   ",
    "only signs": "---",
    "workflow command": "::error::x",
    "NUL": "a\x00b",
    "private use": "a\ue000b",
    "emoji": "best \U0001f947",
    "Cyrillic among Latin": "M\u0430rrow L\u0430b",
    "Greek among Latin": "Marr\u03bfw Lab",
    "an invisible letter": "\u3164",
    "a sentence in one letter": "\ufdfa" * 30,
    "full width": "\uff35-\uff2e\uff45\uff54",
    "a superscript": "U\u00b2-Net",
    "a word that no table breaks": "W" * 60,
    "wide letters": "\u9aa8\u9ad3" * 16,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["display__method", "display__team", "method__family"])
def test_a_name_that_could_be_more_than_a_name_is_refused(good, name, place):
    change_card(good, **{place: NAMES[name]})
    assert codes_of(good) & {"E303", "E304"}


@pytest.mark.parametrize(
    "name",
    [
        "Müller et al. (2021)",
        "U-Net 3+",
        "骨髓 检测",
        "Őrség_2",
        "a",
        "β-VAE of σ 2",
        "骨髄 チーム Tokyo",
        "서울 Lab",
        "Лаборатория крови",
        "unet-statistical-scaled with a long description of it",
    ],
)
def test_names_of_any_script_are_fine(name):
    assert name_fault(name) is None


@pytest.mark.parametrize(
    "id_",
    [
        "../../etc",
        "a/b",
        "a\\b",
        "..",
        ".git",
        "A-Upper",
        "a b",
        "con",
        "a" * 49,
        "ab",
        "é-id",
        "-ab",
        "a\n",
        "",
    ],
)
def test_an_id_cannot_leave_its_folder(good, id_):
    assert not is_id(id_)
    change_card(good, id=id_)
    assert "E303" in codes_of(good) or "E304" in codes_of(good)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "http://github.com/a/b",
        "https://evil.example/a",
        "https://github.com.evil.example/a",
        "https://github.com@evil.example/a",
        "https://github.com/a?x=<script>",
        "https://github.com/../a",
        "https://github.com/a b",
        "//github.com/a",
    ],
)
def test_a_link_leads_where_boards_link_to(good, link):
    assert not is_link(link)
    change_card(good, method__code_url=link)
    assert "E305" in codes_of(good)


def test_a_plain_link_is_fine(good):
    change_card(good, method__code_url="https://github.com/marrow/lab")
    assert verdict_of(good).valid


ROWS = {
    "zero area": ({"bbox": [1, 1, 0, 5]}, "E405"),
    "negative size": ({"bbox": [10, 10, -5, 5]}, "E405"),
    "three numbers": ({"bbox": [1, 2, 3]}, "E405"),
    "text": ({"bbox": ["1", "2", "3", "4"]}, "E405"),
    "booleans": ({"bbox": [True, True, True, True]}, "E405"),
    "huge coordinates": ({"bbox": [1e300, 1, 5, 5]}, "E406"),
    "huge box": ({"bbox": [-1e9, -1e9, 2e9, 2e9]}, "E406"),
    "outside": ({"bbox": [600, 10, 20, 20]}, "E406"),
    "score above one": ({"score": 1.5}, "E407"),
    "negative score": ({"score": -0.1}, "E407"),
    "boolean score": ({"score": True}, "E407"),
    "null score": ({"score": None}, "E407"),
    "unknown category": ({"category_id": 9}, "E408"),
    "boolean category": ({"category_id": True}, "E408"),
    "unknown image": ({"image_id": 99}, "E402"),
    "image id as text": ({"image_id": "1"}, "E402"),
    "image id as list": ({"image_id": [1]}, "E402"),
    "image id as fraction": ({"image_id": 1.0}, "E402"),
    "unknown field": ({"__class__": "x"}, "E410"),
    "centre outside": ({"center": [9e9, 0]}, "E406"),
    "centre of three": ({"center": [1, 2, 3]}, "E410"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_detection_that_cannot_be_one_is_refused(good, name):
    change, code = ROWS[name]
    change_predictions(good, wrapped(BOX | change))
    assert code in codes_of(good)


def test_every_image_must_be_answered_once(good):
    change_predictions(good, wrapped(BOX, images=[1, 2, 3]))
    assert codes_of(good) == {"E403"}
    change_predictions(good, wrapped(BOX, images=[*range(1, 11), 10]))
    assert codes_of(good) == {"E409"}


def test_no_answer_on_any_image_is_an_answer(good):
    change_predictions(good, wrapped())
    assert verdict_of(good).valid


def test_detections_of_one_image_are_limited(good):
    change_predictions(good, wrapped(*[BOX] * 2_001))
    assert codes_of(good) == {"E404"}


def test_a_file_that_is_too_large_is_not_opened(good):
    path = good[0] / "predictions-s0.json"
    with path.open("r+b") as file:
        file.truncate(700 * 2**20)  # a hole: about 10 million boxes, no disk
    path.chmod(0)  # reading it would fail for anybody but root; the size alone must decide
    assert codes_of(good) == {"E104"}
    card = good[0] / "submission.json"
    card.write_text(card.read_text() + " " * 70_000)
    assert codes_of(good) == {"E104"}


@pytest.mark.usefixtures("posix")
def test_links_and_folders_are_not_followed(good, tmp_path):
    secret = tmp_path / "secret.json"
    secret.write_text(wrapped(BOX))
    path = good[0] / "predictions-s0.json"
    path.unlink()
    path.symlink_to(secret)
    assert "E103" in codes_of(good)
    path.unlink()
    path.mkdir()
    assert "E103" in codes_of(good)
    path.rmdir()
    os.mkfifo(path)
    assert "E103" in codes_of(good)


def test_other_files_do_not_belong(good):
    (good[0] / "model.pkl").write_bytes(b"\x80\x04")
    (good[0] / "README.md").write_text("hello")
    assert codes_of(good) == {"E102"}


def test_another_digest_another_folder_another_version(good):
    change_card(good, question__version=2)
    assert codes_of(good) == {"E307"}
    change_card(good, question__version=1, question__data_sha256="0" * 64)
    assert codes_of(good) == {"E307"}
    folder, manifest = good
    assert "E105" in {
        p.code for p in validate(folder_files(folder), manifest, folder="other").problems.listed
    }


def test_a_weak_track_is_about_weak_annotations(good):
    change_card(good, training__annotations="precise")
    assert codes_of(good) == {"E312"}
    change_card(good, training__annotations="none")
    assert verdict_of(good).valid


def test_declarations_must_be_made(good):
    change_card(good, declarations__test_not_used=False)
    assert codes_of(good) == {"E306"}


def test_every_fault_is_told_at_once_and_the_list_ends(good):
    change_card(good, display__method="a|b", id="x/y", training__annotations="all", extra=1, runs=[])
    problems = verdict_of(good).problems
    assert {"/id", "/training/annotations", "/extra"} <= {problem.pointer for problem in problems.listed}
    change_predictions_rows = [BOX | {"score": 2}] * 500
    change_card(good, display__method="fine", id="good-one", training__annotations="weak")
    many = Problems("x")
    for row in change_predictions_rows:
        many.add("E407", "", str(row), "scale it")
    assert ([(one.times, one.code) for one in many.listed], many.count) == ([(500, "E407")], 500)
    for number in range(500):
        many.add("E407", "", f"another text {number}", "scale it")
    assert (len(many.listed), many.count) == (MOST, 1000)


def test_a_faulty_card_keeps_nothing_else_from_being_looked_at(good):
    """One fault a stage: what a field holds, what a schema cannot say, the track, the predictions."""
    change_predictions(good, wrapped(BOX | {"score": 2}))
    change_card(
        good,
        training__artefacts="some",
        declarations__rules_accepted=False,
        question__version=2,
        contacts=["a login"],
    )
    found = {(problem.code, problem.file, problem.pointer) for problem in verdict_of(good).problems.listed}
    card, predictions = "submission.json", "predictions-s0.json"
    assert found == {
        ("E303", card, "/training/artefacts"),
        ("E303", card, "/contacts/0"),
        ("E306", card, "/declarations/rules_accepted"),
        ("E307", card, "/question/version"),
        ("E407", predictions, "/detections/0/score"),
    }


@pytest.mark.parametrize("card", ["[]", "{", '{"runs": "none"}', None])
def test_predictions_are_looked_at_where_the_card_does_not_name_them(good, card):
    change_predictions(good, wrapped(BOX | {"score": 2}))
    path = good[0] / "submission.json"
    path.unlink() if card is None else path.write_text(card)
    (good[0] / "predictions-sum.json").write_text("{}")
    codes = {(problem.code, problem.file) for problem in verdict_of(good).problems.listed}
    assert {("E407", "predictions-s0.json"), ("E102", "predictions-sum.json")} <= codes


@pytest.mark.parametrize("login", ["marrow.lab", "marrow_lab", "Marrow-Lab-2", "m" * 255])
def test_logins_of_any_host_that_boards_link_to(good, login):
    change_card(good, contacts=[login])
    assert verdict_of(good).valid


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("contacts", "expected a login on the git host"),
        ("supersedes", "expected an id: 3 to 48 of"),
        ("method__commit", "expected a commit: 40 of"),
        ("question__data_sha256", "expected a SHA-256: 64 of"),
    ],
)
def test_what_a_text_must_look_like_is_said_in_words(good, place, words):
    change_card(good, **{place: ["@me"] if place == "contacts" else "@me"})
    (problem,) = verdict_of(good).problems.listed
    assert problem.text.startswith(words)
    assert "[A-Z" not in str(problem)


def test_no_error_text_carries_raw_bytes_of_a_stranger(good):
    nasty = "\x1b[31m\u202e|<script>`::error::"
    change_card(good, **{nasty: 1, "id": nasty, "training__artefacts": nasty})
    problems = verdict_of(good).problems
    assert len(problems)
    for problem in problems.listed:
        text = str(problem)
        assert text.isascii()
        assert text.isprintable()
        assert "::error" not in text
        assert "\n" not in text


def test_a_text_is_quoted_harmlessly():
    assert quoted("a\nb\u202e") == r"'a\nb\u202e'"
    assert len(quoted("x" * 1000)) < 50


def test_places_are_json_pointers():
    problems = Problems("f")
    parse(b'{"a/b": [0, {"x": 1e999}]}', problems)
    assert [problem.pointer for problem in problems.listed] == ["/a~1b/1/x"]
