"""Getting data sets from a server that breaks off, lies, or sends something else."""

import contextlib
import dataclasses
import hashlib
import io
import os
import re
import signal
import stat
import subprocess
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from bmbench.core.dataset import Dataset, DatasetCard, Download
from bmbench.core.errors import BadInputError, MissingExtraError, RunFailedError
from bmbench.core.progress import Silent
from bmbench.datasets import DATASETS
from bmbench.datasets.fetch import download as download_module
from bmbench.datasets.fetch.download import download
from bmbench.datasets.fetch.fetch import fetch, fetch_dataset
from bmbench.datasets.fetch.manifest import compare, fetch_files, manifest, parse_manifest
from bmbench.datasets.fetch.store import store, stored_folder, terms, terms_at_first_use
from bmbench.datasets.fetch.unpack import unpacking

CONTENT = np.random.default_rng(0).integers(0, 256, 1_000_000, np.uint8).tobytes()
SHA = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Sends `content`; `cut` bytes at a time, then closes; `ranges` says whether it can continue."""

    content, cut, ranges, fail = CONTENT, 0, True, 0

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []
        self.files = {}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/set.zip"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path in self.server.files:
            self.server.asked.append(self.path)
            body = self.server.files[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        given = self.headers.get("Range")
        self.server.asked.append(given)
        if self.server.fail:
            self.server.fail -= 1
            self.send_error(503)
            return
        start = int(given[6:-1]) if given and self.server.ranges else 0
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header(
                "Content-Range", f"bytes {start}-{len(self.server.content) - 1}/{len(self.server.content)}"
            )
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cut] if self.server.cut else body)
        self.close_connection = True

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    one = Server()
    thread = threading.Thread(target=one.serve_forever, daemon=True)
    thread.start()
    yield one
    one.shutdown()
    one.server_close()
    thread.join()


def what(server, **changes):
    return Download(**({"url": server.url, "sha256": SHA, "size": len(CONTENT)} | changes))


def test_a_connection_that_breaks_off_is_continued_where_it_stood(server, tmp_path):
    server.cut = 300_000
    download(what(server), tmp_path / "a", Silent())
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_what_an_earlier_command_left_is_not_asked_for_again(server, tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT[:999_000])
    download(what(server), tmp_path / "a", Silent())
    assert server.asked == ["bytes=999000-"]
    download(what(server), tmp_path / "a", Silent())
    assert len(server.asked) == 1


def test_a_server_without_ranges_starts_anew_and_the_file_is_still_right(server, tmp_path):
    server.ranges = False
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    download(what(server), tmp_path / "a", Silent())
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_server_that_answers_only_sometimes_is_asked_again(server, tmp_path):
    server.fail = 3
    download(what(server), tmp_path / "a", Silent())
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_dead_server_is_a_run_failure_and_keeps_the_part(server, tmp_path):
    server.fail = 1000
    (tmp_path / "a.part").write_bytes(CONTENT[:5])
    with pytest.raises(RunFailedError, match="503"):
        download(what(server), tmp_path / "a", Silent())
    assert (tmp_path / "a.part").read_bytes() == CONTENT[:5]
    assert len(server.asked) == download_module.ATTEMPTS


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"!", CONTENT + b"more"])
def test_another_file_than_the_pinned_one_is_removed(server, tmp_path, content):
    server.content = content
    with pytest.raises(BadInputError, match="not the one"):
        download(what(server), tmp_path / "a", Silent())
    assert list(tmp_path.iterdir()) == []


def unpack(archive, folder, **more):
    with unpacking(archive, folder, **more):
        pass


def test_only_the_web_is_asked(tmp_path):
    with pytest.raises(BadInputError, match="address"):
        download(Download(url="file:///etc/passwd", sha256=SHA, size=1), tmp_path / "a", Silent())


def zipped(path, entries, **facts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = facts.get("mode", stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, data)
    return path


def segpc(top="", names=("a", "b", "c", "d")):
    """A small set in the layout of SegPC-2021: images with a mask of one cell each."""
    mask = np.zeros((40, 50), np.uint8)
    mask[5:15, 10:30] = 20
    files = {}
    for part in ("train", "validation"):
        for name in names:
            own = name if part == "train" else f"v{name}"
            files[f"{top}{part}/x/{own}.bmp"] = bmp(np.zeros_like(mask))
            files[f"{top}{part}/y/{own}_1.bmp"] = bmp(mask)
    return files


def bmp(pixels):
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "BMP")
    return written.getvalue()


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "..\\evil", "c:evil"])
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    home = tmp_path / "home"
    home.mkdir()
    zipped(home / "a.zip", {"good.txt": b"1", name: b"2"})
    with pytest.raises(BadInputError, match="leads out"):
        unpack(home / "a.zip", home / "out")
    assert [p.name for p in home.iterdir()] == ["a.zip"]
    assert [p.name for p in tmp_path.iterdir()] == ["home"]


def test_links_are_refused(tmp_path):
    zipped(tmp_path / "a.zip", {"link": b"/etc"}, mode=stat.S_IFLNK | 0o777)
    with pytest.raises(BadInputError, match="link"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(member)
    with pytest.raises(BadInputError, match="link"):
        unpack(tmp_path / "a.tar", tmp_path / "out")


def test_a_zip_that_explodes_is_stopped_at_its_limit(tmp_path):
    zipped(tmp_path / "a.zip", {"zeros": bytes(50_000_000)})
    assert (tmp_path / "a.zip").stat().st_size < 60_000
    with pytest.raises(BadInputError, match="unpacks to more than 1,000,000 bytes"):
        unpack(tmp_path / "a.zip", tmp_path / "out", limit_bytes=1_000_000)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04" + bytes(100)])
def test_no_archive_is_a_typed_error(tmp_path, data):
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(BadInputError):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_tar_and_zip_are_unpacked(tmp_path):
    zipped(tmp_path / "a.zip", {"in/x.txt": b"1", "y.txt": b"2"})
    unpack(tmp_path / "a.zip", tmp_path / "zip")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo("in/x.txt")
        member.size = 1
        archive.addfile(member, io.BytesIO(b"1"))
    unpack(tmp_path / "a.tar.gz", tmp_path / "tar")
    assert (tmp_path / "zip/in/x.txt").read_bytes() == (tmp_path / "tar/in/x.txt").read_bytes() == b"1"


@contextlib.contextmanager
def files_of_at_most(size):
    """As long as the block, the system refuses to write more to a file: a disk that is full, nearly."""
    resource = pytest.importorskip("resource")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


@pytest.mark.parametrize("size", [1_000, 3_000_000])
def test_a_full_disk_is_not_the_fault_of_the_archive(tmp_path, size):
    zipped(tmp_path / "a.zip", {"x": bytes(size)})
    with (
        files_of_at_most(999),
        pytest.raises(RunFailedError, match=r"out: cannot be written \(File too large\)"),
    ):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_place_that_can_be_no_folder_is_a_run_failure(server, tmp_path):
    zipped(tmp_path / "a.zip", {"x": b"1"})
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFailedError, match=r"file: cannot be written \(File exists\)"):
        unpack(tmp_path / "a.zip", tmp_path / "file/out")
    with pytest.raises(RunFailedError, match=r"file/deep: cannot be written \(Not a directory\)"):
        download(what(server), tmp_path / "file/deep/a", Silent())
    assert server.asked == []


@pytest.mark.parametrize("names", [["a", "a/b"], ["a/b", "a"], ["x" * 300]])
def test_names_that_no_folder_can_hold_are_the_fault_of_the_archive(tmp_path, names):
    zipped(tmp_path / "a.zip", dict.fromkeys(names, b"1"))
    with pytest.raises(BadInputError, match="a name that no file can have"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_damaged_archive_is_a_typed_error_wherever_the_damage_lies(tmp_path, kind):
    whole = tmp_path / f"whole.{kind}"
    if kind == "zip":
        zipped(whole, {"a": CONTENT[:5000], "b": CONTENT[5000:9000]})
    else:
        with tarfile.open(whole, "w:gz") as archive:
            for name in ("a", "b"):
                member = tarfile.TarInfo(name)
                member.size = 4000
                archive.addfile(member, io.BytesIO(CONTENT[:4000]))
    good = whole.read_bytes()
    for place in range(0, len(good) - 40, len(good) // 40):
        damaged = tmp_path / f"damaged.{kind}"
        damaged.write_bytes(
            good[:place] + bytes(b ^ 255 for b in good[place : place + 40]) + good[place + 40 :]
        )
        # Some bytes say nothing that matters; everything else is told in one sentence.
        with contextlib.suppress(BadInputError):
            unpack(damaged, tmp_path / f"out{place}")
    shortened = tmp_path / f"shortened.{kind}"
    shortened.write_bytes(good[: len(good) // 2])
    with pytest.raises(BadInputError, match="not an archive, or a damaged one"):
        unpack(shortened, tmp_path / "out")


def test_what_no_archive_is_like_is_said_in_one_line(tmp_path):
    (tmp_path / "a.tar.xz").write_bytes(b"x")
    with pytest.raises(BadInputError, match="not an archive") as fault:
        unpack(tmp_path / "a.tar.xz", tmp_path / "out")
    assert "\n" not in str(fault.value)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BMBENCH_DATA", str(tmp_path / "store"))
    return tmp_path


def test_a_set_is_fetched_checked_unpacked_and_found(server, home):
    path = zipped(home / "set.zip", segpc("set-1/"))
    server.content = path.read_bytes()
    pinned = Download(
        url=server.url,
        sha256=hashlib.sha256(server.content).hexdigest(),
        size=len(server.content),
        inner="set-1",
    )
    plain = DATASETS.get("segpc2021")
    dataset = Dataset(card=dataclasses.replace(plain.card, name="some_set", download=pinned), load=plain.load)
    folder = fetch_dataset(dataset, Silent()).folder
    assert (folder / "train/x/a.bmp").is_file()
    assert stored_folder("some_set") == folder.resolve()
    assert fetch_dataset(dataset, Silent()).folder == folder.resolve()
    assert len(server.asked) == 1
    other = zipped(home / "other.zip", {"set-1/images/a.txt": b"2"})
    with pytest.raises(BadInputError, match="not the archive of some_set"):
        fetch_dataset(dataset, Silent(), source=other)


ELSEWHERE = [
    name for name in DATASETS if DATASETS.get(name).card.source and not DATASETS.get(name).card.manifest
]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_set_without_a_known_checksum_says_so_and_where_it_is(home, name):
    card = DATASETS.get(name).card
    assert card.download is None
    with pytest.raises(BadInputError, match="no checksum of its files is known") as caught:
        fetch(name, Silent())
    assert card.source in str(caught.value)
    assert card.access
    assert "--from" in str(caught.value)


def test_the_embedded_set_needs_nothing(home):
    assert fetch("synthetic", Silent()).folder is None


def test_every_card_says_its_terms():
    for name in DATASETS:
        card: DatasetCard = DATASETS.get(name).card
        assert all(text for _, text in terms(card))


def test_files_on_disk_are_used_where_they_lie(home, shared_data):
    got = fetch("kainz", Silent(), source=shared_data / "kainz_bm")
    assert got.folder == shared_data / "kainz_bm"
    # Eight images with their point lists, byte for byte those of the authors' repository; MBM's points lie
    # there in another form, and three images are kept back: 2 × 3 + 44 of the 66 published files.
    assert got.notes == ("16 files are as published (SHA-256)", "50 published files are not here")
    # The second annotation of the same pixels lies in the same folder.
    for name in ("kainz", "kainz_mbm"):
        assert stored_folder(name) == (shared_data / "kainz_bm").resolve()
    assert {path.name for path in (home / "store").iterdir() if path.is_dir()} == {"locks"}


def test_a_folder_that_is_not_the_set_is_not_remembered(home):
    with pytest.raises(BadInputError):
        fetch("kainz", Silent(), source=home)
    assert stored_folder("kainz") is None


def test_a_store_without_the_folder_any_more_is_no_store(home):
    (home / "x").mkdir()
    from bmbench.datasets.fetch.store import remember

    remember("bccd", home / "x")
    (home / "x").rmdir()
    assert stored_folder("bccd") is None
    assert os.environ["BMBENCH_DATA"]


# Single files with a checksum each.


def pinned(server, contents):
    server.files = {f"/at/commit/there/{name}": data for name, data in contents.items()}
    lines = [f"{hashlib.sha256(d).hexdigest()} {len(d)} here/{n} there/{n}" for n, d in contents.items()]
    base = server.url.removesuffix("set.zip")
    return parse_manifest("\n".join(["# a set", f"{base}at/commit/", *lines, ""]))


def test_files_are_fetched_one_by_one_and_the_folder_appears_with_the_last(server, home):
    files = pinned(server, {"a.txt": b"1", "b.txt": b"22"})
    whole = dict(server.files)
    del server.files["/at/commit/there/b.txt"]
    with pytest.raises(BadInputError, match="not the one that bmbench knows"):
        # The server answers the second address with something else.
        fetch_files(files, home / "set", Silent())
    assert not (home / "set").exists()
    server.files = whole
    server.asked.clear()
    fetch_files(files, home / "set", Silent())
    assert (home / "set/here/a.txt").read_bytes() == b"1"
    assert (home / "set/here/b.txt").read_bytes() == b"22"
    assert server.asked == ["/at/commit/there/b.txt"]
    assert [path.name for path in home.iterdir()] == ["set"]


def test_a_folder_is_compared_with_what_was_published(server, home):
    files = pinned(server, {"a.txt": b"1", "b.txt": b"22", "c.txt": b"333"})
    fetch_files(files, home / "set", Silent())
    (home / "set/here/b.txt").write_bytes(b"2!")
    (home / "set/here/c.txt").unlink()
    found = compare(files, home / "set")
    assert (found.same, found.other, found.missing) == (1, ("here/b.txt",), 1)


@pytest.mark.parametrize(
    ("name", "images", "annotations"), [("kainz", 11, 11 + 4 * 11), ("bccd", 364, 364 + 4)]
)
def test_manifests_name_every_image_and_annotation_at_a_commit(name, images, annotations):
    files = manifest(name)
    shown = [file for file in files if file.path.parent.name in ("images", "JPEGImages")]
    assert len(shown) == images == DATASETS.get(name).card.images
    assert len(files) == len({file.path for file in files}) == images + annotations
    assert sum(file.source.size for file in files) / 1e6 == pytest.approx(
        DATASETS.get(name).card.size_mb, abs=0.05
    )
    for file in files:
        assert re.match(r"https://raw\.githubusercontent\.com/[^/]+/[^/]+/[0-9a-f]{40}/", file.source.url)
        assert re.fullmatch(r"[0-9a-f]{64}", file.source.sha256)
        assert not file.path.is_absolute()
        assert ".." not in file.path.parts


def test_files_of_bccd_on_disk_are_as_published(shared_data):
    found = compare(manifest("bccd"), shared_data / "bccd")
    # 292 images and annotations, and the lists of train, val and trainval.
    assert (found.same, found.other) == (2 * 292 + 3, ())


def test_an_archive_without_a_known_checksum_is_taken_unverified_and_says_so(home, tmp_path):
    archive = zipped(home / "set.zip", segpc())
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    got = fetch("segpc2021", Silent(), source=archive)
    assert got.notes[0].startswith("unverified")
    assert digest in got.notes[1]
    assert (got.folder / "train/x/a.bmp").is_file()


def test_a_checksum_of_ones_own_is_held_against_the_archive(home):
    archive = zipped(home / "set.zip", segpc())
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    with pytest.raises(BadInputError, match="not the archive of segpc2021"):
        fetch("segpc2021", Silent(), source=archive, pin="0" * 64)
    assert fetch("segpc2021", Silent(), source=archive, pin=digest.upper()).folder is not None
    with pytest.raises(BadInputError, match="name the archive"):
        fetch("segpc2021", Silent(), pin=digest)


# What is not the set never takes its place.

WITH_FILES = [name for name in DATASETS if DATASETS.get(name).card.source]


@pytest.mark.parametrize("name", WITH_FILES)
def test_an_archive_of_something_else_is_refused_and_is_never_here(home, name):
    wrong = zipped(home / "wrong.zip", {"holiday.jpg": b"sunshine"})
    with pytest.raises((BadInputError, MissingExtraError), match=f"not the archive of {name}|not installed"):
        fetch(name, Silent(), source=wrong)
    assert stored_folder(name) is None
    assert {path.name for path in store().iterdir()} == {"locks"}


def test_a_wrong_archive_never_replaces_a_good_one_and_a_good_one_does(home):
    good = fetch("segpc2021", Silent(), source=zipped(home / "set.zip", segpc())).folder
    for number, files in enumerate(
        (
            {"holiday.jpg": b"sunshine"},
            # The right names, and no pictures in the files.
            dict.fromkeys(segpc(), b"BM damaged"),
            {name: data for name, data in segpc().items() if "/y/" not in name},
        )
    ):
        with pytest.raises(BadInputError, match=rf"wrong{number}\.zip: not the archive of segpc2021"):
            fetch("segpc2021", Silent(), source=zipped(home / f"wrong{number}.zip", files))
        assert stored_folder("segpc2021") == good
        assert min(path.name for path in (good / "train/x").iterdir()) == "a.bmp"
    other = zipped(home / "other.zip", segpc("Set of 2021/", names="efgh") | {"__MACOSX/train/x/e.bmp": b""})
    new = fetch("segpc2021", Silent(), source=other).folder
    assert stored_folder("segpc2021") == new
    assert min(path.name for path in (new / "Set of 2021/train/x").iterdir()) == "e.bmp"
    assert fetch("segpc2021", Silent()).notes == ("It was here already.",)


def test_a_wrong_archive_never_replaces_a_folder_that_was_named(home, shared_data):
    fetch("bccd", Silent(), source=shared_data / "bccd")
    with pytest.raises(BadInputError, match="not the archive of bccd"):
        fetch("bccd", Silent(), source=zipped(home / "wrong.zip", {"holiday.jpg": b"sunshine"}))
    assert stored_folder("bccd") == (shared_data / "bccd").resolve()


def test_an_archive_replaces_a_folder_that_was_named(home):
    for name, data in segpc().items():
        (home / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "own" / name).write_bytes(data)
    fetch("segpc2021", Silent(), source=home / "own")
    new = fetch("segpc2021", Silent(), source=zipped(home / "set.zip", segpc())).folder
    assert stored_folder("segpc2021") == new == store() / "segpc2021"


def test_two_sets_of_one_folder_are_lost_together_or_not_at_all(home, shared_data):
    fetch("kainz", Silent(), source=shared_data / "kainz_bm")
    files = {
        path.relative_to(shared_data / "kainz_bm").as_posix(): path.read_bytes()
        for folder in ("images", "annotations_txt")
        for path in (shared_data / "kainz_bm" / folder).iterdir()
    }
    files = {f"kainz-main/{name}": data for name, data in files.items()}
    with pytest.raises(BadInputError, match="holds no kainz_mbm"):
        fetch("kainz", Silent(), source=zipped(home / "part.zip", files))
    assert stored_folder("kainz") == stored_folder("kainz_mbm") == (shared_data / "kainz_bm").resolve()
    # Alone it is a whole set, in the only folder of its archive.
    (store() / "kainz.json").unlink()
    assert fetch("kainz", Silent(), source=home / "part.zip").folder == store() / "kainz/kainz-main"


def test_what_an_older_version_took_unseen_is_not_here(home):
    (store() / "segpc2021").mkdir(parents=True)
    (store() / "segpc2021/holiday.jpg").write_bytes(b"sunshine")
    with pytest.raises(BadInputError, match="what lies here is not segpc2021"):
        fetch("segpc2021", Silent())
    fetch("segpc2021", Silent(), source=zipped(home / "set.zip", segpc()))
    assert not (store() / "segpc2021/holiday.jpg").exists()


def test_what_killed_fetches_left_is_gone_after_the_next_one(home):
    code = (
        "import os, sys, pathlib\nfrom bmbench.core.progress import Silent\n"
        "from bmbench.datasets.fetch import unpack\nfrom bmbench.datasets.fetch.fetch import fetch\n"
        "unpack._inner = lambda *_: os.kill(os.getpid(), 9)\n"
        "fetch('segpc2021', Silent(), source=pathlib.Path(sys.argv[1]))\n"
    )
    archive = zipped(home / "set.zip", segpc())
    ended = subprocess.run([sys.executable, "-c", code, str(archive)], check=False)
    assert ended.returncode == -signal.SIGKILL
    left = [path.name for path in store().iterdir() if path.name.startswith(".segpc2021.")]
    assert len(left) == 1
    mine = [store() / ".segpc2021.keep", store() / ".other.abcdefgh"]
    for path in mine:
        path.mkdir()
    with pytest.raises(BadInputError):
        fetch("nuinsseg", Silent(), source=archive)
    assert {path.name for path in store().iterdir()} == {"locks", *(path.name for path in mine)}


# Licence and citation.


def test_terms_are_shown_once_and_again_when_they_change(home, monkeypatch):
    assert terms_at_first_use("bccd") == terms_at_first_use("bccd", home / "nowhere") == ()
    first = terms_at_first_use("bccd", home)
    assert any("MIT" in line for line in first)
    assert any("please cite" in line for line in first)
    assert terms_at_first_use("bccd", home) == ()
    note = next((store() / "terms-shown").iterdir())
    note.write_text("what another licence said")
    assert terms_at_first_use("bccd", home) == first


def test_terms_of_the_embedded_set_and_of_own_files_are_not_shown(home):
    assert terms_at_first_use("synthetic", home) == terms_at_first_use("my/own.json", home) == ()


def test_terms_are_shown_where_nothing_can_be_written(home, monkeypatch):
    (home / "file").write_text("no folder")
    monkeypatch.setenv("BMBENCH_DATA", str(home / "file"))
    assert terms_at_first_use("bccd", home) == terms_at_first_use("bccd", home) != ()
