"""Getting data sets from a server that breaks off, lies, or sends something else."""

import dataclasses
import hashlib
import io
import os
import stat
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from bmbench.core.errors import BadInputError, RunFailedError
from bmbench.core.progress import Silent
from bmbench.datasets import DATASETS
from bmbench.datasets import download as download_module
from bmbench.datasets.dataset import Dataset, DatasetCard, Download
from bmbench.datasets.download import download
from bmbench.datasets.fetch import fetch, fetch_dataset, terms
from bmbench.datasets.store import stored_folder
from bmbench.datasets.unpack import unpack

CONTENT = np.random.default_rng(0).integers(0, 256, 1_000_000, np.uint8).tobytes()
SHA = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Sends `content`; `cut` bytes at a time, then closes; `ranges` says whether it can continue."""

    content, cut, ranges, fail = CONTENT, 0, True, 0

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/set.zip"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
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


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("BMBENCH_DATA", str(tmp_path / "store"))
    return tmp_path


def test_a_set_is_fetched_checked_unpacked_and_found(server, home):
    path = zipped(home / "set.zip", {"set-1/images/a.txt": b"1"})
    server.content = path.read_bytes()
    pinned = Download(
        url=server.url,
        sha256=hashlib.sha256(server.content).hexdigest(),
        size=len(server.content),
        inner="set-1",
    )
    plain = DATASETS.get("bccd")
    dataset = Dataset(card=dataclasses.replace(plain.card, name="some_set", download=pinned), load=plain.load)
    folder = fetch_dataset(dataset, Silent())
    assert (folder / "images/a.txt").read_bytes() == b"1"
    assert stored_folder("some_set") == folder.resolve()
    assert fetch_dataset(dataset, Silent()) == folder.resolve()
    assert len(server.asked) == 1
    other = zipped(home / "other.zip", {"set-1/images/a.txt": b"2"})
    with pytest.raises(BadInputError, match="not the archive of some_set"):
        fetch_dataset(dataset, Silent(), source=other)


@pytest.mark.parametrize("name", [name for name in DATASETS if DATASETS.get(name).card.source])
def test_a_set_without_a_known_checksum_says_so_and_where_it_is(home, name):
    card = DATASETS.get(name).card
    assert card.download is None
    with pytest.raises(BadInputError, match="no checksum of its files is known") as caught:
        fetch(name, Silent())
    assert card.source in str(caught.value)
    assert card.access
    assert "--from" in str(caught.value)


def test_the_embedded_set_needs_nothing(home):
    assert fetch("synthetic", Silent()) is None


def test_every_card_says_its_terms():
    for name in DATASETS:
        card: DatasetCard = DATASETS.get(name).card
        assert all(text for _, text in terms(card))


def test_files_on_disk_are_used_where_they_lie(home, shared_data):
    assert fetch("kainz", Silent(), source=shared_data / "kainz_bm") == shared_data / "kainz_bm"
    # The second annotation of the same pixels lies in the same folder.
    for name in ("kainz", "kainz_mbm"):
        assert stored_folder(name) == (shared_data / "kainz_bm").resolve()
    assert not any(path.is_dir() for path in (home / "store").iterdir())


def test_a_folder_that_is_not_the_set_is_not_remembered(home):
    with pytest.raises(BadInputError):
        fetch("kainz", Silent(), source=home)
    assert stored_folder("kainz") is None


def test_a_store_without_the_folder_any_more_is_no_store(home):
    (home / "x").mkdir()
    from bmbench.datasets.store import remember

    remember("bccd", home / "x")
    (home / "x").rmdir()
    assert stored_folder("bccd") is None
    assert os.environ["BMBENCH_DATA"]
