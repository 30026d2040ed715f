"""Official weights: downloaded, resumed, checked, found again; a server on this machine stands for torchvision's."""

import hashlib

import pytest
from download_server import Answer, serving

from logo_keras.weights import official
from logo_keras.weights.official import OFFICIAL, OfficialFile, official_file

CONTENT = bytes(range(256)) * 20
FILE = f"tiny-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


@pytest.fixture
def server(monkeypatch):
    """A server that has the file; how it goes wrong otherwise is in test_download.py."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("logo_keras.download.sleep", lambda seconds: None)
    with serving() as running:
        running.serve(f"/{FILE}", CONTENT)
        yield running


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache; PyTorch's is empty too."""
    monkeypatch.setenv("LOGO_KERAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setitem(OFFICIAL, "tiny", OfficialFile(FILE, "Tiny_Weights.IMAGENET1K_V1"))
    return tmp_path / "cache"


def test_a_file_is_downloaded_once(server, cache, capsys):
    path = official_file("tiny", server.address)
    assert path == cache / FILE and path.read_bytes() == CONTENT
    assert FILE in capsys.readouterr().err
    assert official_file("tiny", server.address) == path
    assert server.asked == [(f"/{FILE}", None)] and [file.name for file in cache.iterdir()] == [FILE]


def test_a_download_goes_on_where_it_stopped(server, cache):
    cache.mkdir()
    (cache / f"{FILE}.part").write_bytes(CONTENT[:1000])
    assert official_file("tiny", server.address).read_bytes() == CONTENT
    assert server.asked == [(f"/{FILE}", "bytes=1000-")]


def test_a_connection_that_ends_early_is_resumed_by_the_next_call(server, cache):
    server.serve(f"/{FILE}", Answer(CONTENT, cut=10))
    with pytest.raises(OSError, match="the next try goes on from there"):
        official_file("tiny", server.address)
    assert not (cache / FILE).exists()
    server.serve(f"/{FILE}", CONTENT)
    assert official_file("tiny", server.address).read_bytes() == CONTENT
    assert server.asked[-1] == (f"/{FILE}", "bytes=50-")


def test_a_part_of_something_else_is_replaced(server, cache):
    cache.mkdir()
    (cache / f"{FILE}.part").write_bytes(CONTENT + b"more")
    assert official_file("tiny", server.address).read_bytes() == CONTENT


def test_another_file_is_refused_and_removed(server, cache):
    server.serve(f"/{FILE}", b"<html>Please log in to this network</html>")
    with pytest.raises(OSError, match="is not the file: its SHA-256 begins with"):
        official_file("tiny", server.address)
    assert not list(cache.iterdir())


@pytest.mark.parametrize("name", [name for name in OFFICIAL])
def test_without_a_connection_one_message_says_what_to_put_where(name, cache, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with pytest.raises(ConnectionError) as refusal:
        official_file(name, "http://127.0.0.1:9")
    said = str(refusal.value)
    assert f"http://127.0.0.1:9/{OFFICIAL[name].file}" in said and str(cache) in said and "\n" not in said


def test_a_file_that_is_not_there_is_said(server):
    server.serve(f"/{FILE}", Answer(status=404))
    with pytest.raises(OSError, match="could not be downloaded .*Not Found"):
        official_file("tiny", server.address)


def test_a_file_put_there_by_hand_and_one_of_pytorch_are_taken(cache, tmp_path):
    theirs = tmp_path / "torch" / "hub" / "checkpoints" / FILE
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(CONTENT)
    assert official_file("tiny", "http://127.0.0.1:9") == theirs
    cache.mkdir()
    (cache / FILE).write_bytes(CONTENT)
    assert official_file("tiny", "http://127.0.0.1:9") == cache / FILE


def test_a_damaged_file_is_noticed_and_replaced(server, cache, capsys):
    cache.mkdir()
    (cache / FILE).write_bytes(CONTENT[:-1] + b"x")
    assert official_file("tiny", server.address).read_bytes() == CONTENT
    assert f"{FILE} is damaged" in capsys.readouterr().err


def test_a_damaged_file_stays_where_nothing_better_comes(cache, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    cache.mkdir()
    (cache / FILE).write_bytes(b"half of it")
    with pytest.raises(OSError):
        official_file("tiny", "http://127.0.0.1:9")
    assert (cache / FILE).read_bytes() == b"half of it"


def test_a_folder_that_cannot_be_made_is_said(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LOGO_KERAS_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(OSError, match="LOGO_KERAS_CACHE"):
        official_file("tiny", server.address)


def test_unknown_names_list_the_known_ones_and_the_nearest():
    with pytest.raises(ValueError, match="alexnet, googlenet, vgg16, resnet50, resnet152.*Did you mean 'resnet50'"):
        official_file("resnet5")


def test_names_end_in_the_digits_that_are_checked():
    assert {name: file.digits for name, file in OFFICIAL.items() if name != "tiny"} == {
        "alexnet": "7be5be79",
        "googlenet": "1378be20",
        "vgg16": "397923af",
        "resnet50": "0676ba61",
        "resnet152": "394f9c45",
    }
    assert official.ADDRESS.startswith("https://")
