"""Downloads from a server that breaks off, lies, changes the file and sends elsewhere."""

import concurrent.futures
import errno
import hashlib
import json
import threading
import time

import pytest
from download_server import Answer, serving

from logo_keras import download as module
from logo_keras.download import NotThere, download

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    """The pauses that would have been made, in seconds."""
    made = []
    monkeypatch.setattr(module, "sleep", made.append)
    return made


@pytest.fixture
def path(tmp_path):
    return tmp_path / "set" / "file.tar.gz"


def names(path):
    return sorted(each.name for each in path.parent.iterdir())


def test_a_file_is_fetched_once_and_its_digest_is_told(server, path, capsys):
    url = server.serve("/f", CONTENT)
    first, second = download(url, path), download(url, path)
    assert (first.path, first.size, first.sha256, first.new) == (path, len(CONTENT), SHA256, True)
    assert not second.new and second.sha256 == SHA256 and len(server.asked) == 1
    assert path.read_bytes() == CONTENT and names(path) == [path.name]
    assert "file.tar.gz" in capsys.readouterr().err


def test_a_digest_may_be_in_capitals_or_its_first_digits(server, path):
    url = server.serve("/f", CONTENT)
    assert download(url, path, sha256=SHA256.upper()).new
    assert not download(url, path, sha256=SHA256[:8]).new


def test_a_broken_connection_is_resumed_after_a_pause(server, path, pauses):
    url = server.serve(
        "/f", Answer(CONTENT, etag='"1"', cut=1000), Answer(CONTENT, etag='"1"', cut=500), Answer(CONTENT, etag='"1"')
    )
    assert download(url, path).sha256 == SHA256
    assert server.asked == [("/f", None), ("/f", "bytes=1000-"), ("/f", "bytes=1500-")] and pauses == [1, 2]


def test_a_date_serves_where_there_is_no_etag(server, path):
    date = "Wed, 21 Oct 2015 07:28:00 GMT"
    url = server.serve("/f", Answer(CONTENT, modified=date, cut=1000), Answer(CONTENT, modified=date))
    assert download(url, path).sha256 == SHA256 and server.asked[1] == ("/f", "bytes=1000-")


@pytest.mark.parametrize("etag", [None, 'W/"1"'])
def test_without_a_sure_mark_it_starts_anew(server, path, etag):
    url = server.serve("/f", Answer(CONTENT, etag=etag, cut=1000), Answer(CONTENT, etag=etag))
    assert download(url, path).sha256 == SHA256 and server.asked == [("/f", None)] * 2


def test_a_digest_is_a_sure_mark(server, path):
    url = server.serve("/f", Answer(CONTENT, cut=1000), CONTENT)
    assert download(url, path, sha256=SHA256).new and server.asked[1] == ("/f", "bytes=1000-")


def test_it_goes_on_in_another_call(server, path, monkeypatch):
    url = server.serve("/f", Answer(CONTENT, etag='"1"', cut=1000), Answer(CONTENT, etag='"1"'))
    monkeypatch.setattr(module, "TRIES", 1)
    with pytest.raises(ConnectionError, match="ended after 1000 of 10240 bytes; 1000 bytes are in .*goes on from there"):
        download(url, path)
    assert names(path) == ["file.tar.gz.part", "file.tar.gz.part.json"]
    assert download(url, path).sha256 == SHA256 and names(path) == [path.name]


def test_a_server_that_breaks_off_every_time_is_given_up(server, path, pauses):
    url = server.serve("/f", Answer(CONTENT, etag='"1"', cut=0))
    with pytest.raises(ConnectionError, match="the next try goes on from there"):
        download(url, path)
    assert len(server.asked) == 5 and pauses == [1, 2, 4, 8]


def test_a_server_that_ignores_ranges_sends_all_again(server, path):
    url = server.serve("/f", Answer(CONTENT, etag='"1"', cut=1000), Answer(CONTENT, etag='"1"', ranges=False))
    assert download(url, path).sha256 == SHA256


def test_a_file_that_has_changed_is_fetched_from_its_beginning(server, path):
    other = b"x" * 9000
    url = server.serve("/f", Answer(CONTENT, etag='"1"', cut=1000), Answer(other, etag='"2"'))
    download(url, path)
    assert path.read_bytes() == other


@pytest.mark.parametrize("lie", [dict(headers={"ETag": '"2"'}), dict(total=9000)])
def test_the_rest_of_another_file_is_not_believed(server, path, lie):
    url = server.serve(
        "/f", Answer(CONTENT, etag='"1"', cut=1000), Answer(CONTENT, etag='"1"', **lie), Answer(CONTENT, etag='"2"')
    )
    assert download(url, path).sha256 == SHA256
    assert server.asked == [("/f", None), ("/f", "bytes=1000-"), ("/f", None)]


def test_a_range_that_begins_elsewhere_is_refused(server, path):
    url = server.serve("/f", Answer(CONTENT, etag='"1"', cut=1000), Answer(CONTENT, etag='"1"', first=0))
    with pytest.raises(ConnectionError, match="asked for bytes from 1000, the server sends bytes 0-"):
        download(url, path)
    assert (path.parent / "file.tar.gz.part").read_bytes() == CONTENT[:1000]


def test_a_body_shorter_than_announced_is_never_complete(server, path):
    url = server.serve("/f", Answer(CONTENT, etag='"1"', announced=len(CONTENT) + 1))
    with pytest.raises(ConnectionError, match="goes on from there|no more bytes"):
        download(url, path)
    assert not path.exists()


def test_a_body_longer_than_announced_is_refused_and_removed(server, path):
    url = server.serve("/f", Answer(CONTENT, announced=100))
    with pytest.raises(ConnectionError, match="sends more than 100 bytes; what came is removed"):
        download(url, path)
    assert names(path) == []


def test_a_length_above_the_bound_is_refused(server, path, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 10000)
    with pytest.raises(ConnectionError, match="announces 10240 bytes, and the most is 10000"):
        download(server.serve("/f", CONTENT), path)
    with pytest.raises(ConnectionError, match="sends more than 10000 bytes"):
        download(server.serve("/g", Answer(CONTENT, announced=-1)), path)
    assert names(path) == []


def test_without_an_announced_length_it_is_said_that_the_end_is_not_known(server, path, capsys):
    assert download(server.serve("/f", Answer(CONTENT, announced=-1)), path).sha256 == SHA256
    assert "did not say how long it is" in capsys.readouterr().err


def test_another_file_is_refused_and_removed(server, path):
    url = server.serve("/f", b"<html>Please log in to this network</html>")
    with pytest.raises(ConnectionError, match="is not the file: its SHA-256 begins with .*; it is removed"):
        download(url, path, sha256=SHA256)
    assert names(path) == []


def test_a_damaged_file_is_fetched_again_and_stays_where_nothing_better_comes(server, path, capsys):
    path.parent.mkdir()
    path.write_bytes(b"half of it")
    with pytest.raises(NotThere, match="the server answers 404 Not Found"):
        download(server.address + "/nothing", path, sha256=SHA256)
    assert path.read_bytes() == b"half of it"
    download(server.serve("/f", CONTENT), path, sha256=SHA256)
    assert path.read_bytes() == CONTENT and "is damaged (its SHA-256 begins with" in capsys.readouterr().err


def test_a_complete_part_is_taken(server, path):
    path.parent.mkdir()
    part = path.with_name("file.tar.gz.part")
    part.write_bytes(CONTENT)
    part.with_name("file.tar.gz.part.json").write_text(json.dumps({"mark": '"1"', "total": len(CONTENT)}))
    assert download(server.serve("/f", Answer(CONTENT, etag='"1"')), path).sha256 == SHA256
    assert server.asked == []


@pytest.mark.parametrize("state", ["", "[]", '{"mark": 7}', "\xff"])
def test_a_part_that_is_not_the_beginning_is_fetched_from_its_beginning(server, path, state):
    path.parent.mkdir()
    path.with_name("file.tar.gz.part").write_bytes(b"x" * 20000)
    path.with_name("file.tar.gz.part.json").write_bytes(state.encode("latin-1"))
    assert download(server.serve("/f", CONTENT), path, sha256=SHA256).new
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("status", [503, 429])
def test_a_server_that_asks_for_patience_is_asked_again(server, path, pauses, status):
    url = server.serve("/f", Answer(status=status, headers={"Retry-After": "7"}), CONTENT)
    assert download(url, path).sha256 == SHA256 and pauses == [7]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_final(server, path, status):
    with pytest.raises(ConnectionError, match=f"the server answers {status}"):
        download(server.serve("/f", Answer(status=status)), path)
    assert len(server.asked) == 1


def test_where_nobody_answers_it_is_given_up_at_once(path, pauses, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(ConnectionError, match="127.0.0.1:9/f: "):
        download("http://127.0.0.1:9/f", path)
    assert pauses == []


def test_a_connection_on_which_nothing_comes_counts_as_broken(server, path, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    never = threading.Event()
    url = server.serve("/f", Answer(CONTENT, etag='"1"', wait=never), Answer(CONTENT, etag='"1"'))
    assert download(url, path).sha256 == SHA256
    never.set()
    assert server.asked[1] == ("/f", f"bytes={len(CONTENT) // 2}-")


def test_a_few_redirects_are_followed(server, path):
    server.serve("/g", CONTENT)
    assert download(server.serve("/f", Answer(status=302, headers={"Location": "/g"})), path).sha256 == SHA256


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/f", "/f", "gopher://127.0.0.1/"])
def test_redirects_elsewhere_or_without_end_are_refused(server, path, target):
    with pytest.raises(ConnectionError, match="the server answers 302"):
        download(server.serve("/f", Answer(status=302, headers={"Location": target})), path)
    assert not path.exists() and len(server.asked) <= 6


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://127.0.0.1/f", "data:,x", "/etc/hostname", "http://", "http://[", "http://a:b/"]
)
def test_what_is_no_web_address_is_refused(path, url):
    with pytest.raises(ValueError, match="address"):
        download(url, path)


def test_a_name_with_spaces_and_letters_is_asked_for(server, path):
    server.serve("/a%20b/%C3%A9.zip", CONTENT)
    assert download(server.address + "/a b/é.zip", path).sha256 == SHA256


@pytest.mark.parametrize("sha256", ["", "abc", "g" * 64, "a" * 65])
def test_a_digest_that_is_none_is_refused(path, sha256):
    with pytest.raises(ValueError, match="SHA-256 must be"):
        download("http://127.0.0.1/f", path, sha256=sha256)


def test_a_packed_body_is_refused(server, path):
    url = server.serve("/f", Answer(CONTENT, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(ConnectionError, match="packs the file as gzip"):
        download(url, path)


def test_too_little_room_is_said_before_anything_is_fetched(server, path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 5000}))
    with pytest.raises(OSError, match="the disk is full .*make room and try again") as refusal:
        download(server.serve("/f", CONTENT), path)
    assert refusal.value.errno == errno.ENOSPC and names(path) == []


def test_a_disk_that_fills_up_keeps_what_came(server, path, monkeypatch):
    def full(answer):
        yield CONTENT[:1000]
        raise OSError(errno.ENOSPC, "No space left on device")

    url = server.serve("/f", Answer(CONTENT, etag='"1"'))
    with monkeypatch.context() as patched:
        patched.setattr(module, "_pieces", full)
        with pytest.raises(OSError, match="the disk is full .*it goes on from there"):
            download(url, path)
    assert download(url, path).sha256 == SHA256 and server.asked[1] == ("/f", "bytes=1000-")


def test_a_folder_in_the_place_of_the_file_is_named(path):
    path.mkdir(parents=True)
    with pytest.raises(IsADirectoryError, match="file.tar.gz is a folder"):
        download("http://127.0.0.1/f", path)


def test_a_second_download_of_one_file_waits_for_the_first(server, path, monkeypatch):
    wait, said = threading.Event(), []
    url = server.serve("/f", Answer(CONTENT, etag='"1"', wait=wait))
    monkeypatch.setattr(module, "_say", lambda line: (said.append(line), wait.set()))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(download, url, path)
        while not server.asked:
            time.sleep(0.01)
        second = pool.submit(download, url, path)
        assert first.result(30).new and not second.result(30).new and len(server.asked) == 1
    assert said == ["file.tar.gz: another process is fetching it; waiting for that"]
    assert path.read_bytes() == CONTENT and names(path) == [path.name]
