"""logo-data get against a server on this machine."""

import re
import tarfile
from dataclasses import replace

import pytest
from archives import tar, zipped
from download_server import Answer, serving

from logo_keras.commands import data_get
from logo_keras.datasets import about
from logo_keras.datasets.about import ABOUT, Download
from logo_keras.datasets.public import getting


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr("logo_keras.download.sleep", lambda seconds: None)
    with serving() as running:
        yield running


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def get(*arguments):
    return data_get.COMMAND.main(["logo-data", *map(str, arguments)])


def official(monkeypatch, name, *downloads):
    """Puts official addresses on the server."""
    monkeypatch.setitem(about.ABOUT, name, replace(ABOUT[name], downloads=downloads))


FLICKRLOGOS27 = tar(
    {
        "flickr_logos_27_dataset/flickr_logos_27_dataset_images.tar.gz": tar(
            {"flickr_logos_27_dataset_images/1.jpg": b"photograph"}
        ),
        "flickr_logos_27_dataset/flickr_logos_27_dataset_training_set_annotation.txt": b"1.jpg Adidas 1 0 0 9 9 \n",
    }
)


def test_a_set_is_downloaded_and_unpacked_to_the_bottom(server, out, monkeypatch, capsys):
    url = server.serve("/f.tar.gz", Answer(FLICKRLOGOS27, etag='"1"', cut=200), Answer(FLICKRLOGOS27, etag='"1"'))
    official(monkeypatch, "flickrlogos27", Download(url, "flickr_logos_27_dataset.tar.gz"))
    assert get("flickrlogos27", "--out", out) == 0
    root = out / "flickr_logos_27_dataset"
    assert (root / "flickr_logos_27_dataset_images/1.jpg").read_bytes() == b"photograph"
    said = capsys.readouterr().out
    assert "Kalantidis" in said and "Rights: " in said
    assert "complete as the server says; no checksum is published" in said
    assert said.endswith(f"Done. Next: logo-data check flickrlogos27 {root}\n")
    assert server.asked == [("/f.tar.gz", None), ("/f.tar.gz", "bytes=200-")]
    assert get("flickrlogos27", "--out", out) == 0 and len(server.asked) == 2


def test_a_mirror_and_a_digest_can_be_given(server, out, capsys):
    url = server.serve("/mirror/copy.tgz", FLICKRLOGOS27)
    assert get("flickrlogos27", "--out", out, "--url", url, "--sha256", "0" * 64) == 1
    assert "is not the file: its SHA-256 begins with" in capsys.readouterr().err
    digest = getting.download(url, out / "x").sha256
    assert get("flickrlogos27", "--out", out, "--url", url, "--sha256", digest) == 0
    assert (out / "flickr_logos_27_dataset.tar.gz").is_file()
    assert f"SHA-256 {digest}, the SHA-256 that it must have" in capsys.readouterr().out


def test_parts_are_asked_for_until_there_are_no_more(server, out, monkeypatch, capsys):
    for number in (1, 2, 3):
        server.serve(f"/part_{number}.tar.gz", tar({f"brand/{number}.jpg": b"x"}))
    official(monkeypatch, "weblogo2m", Download(server.address + "/part_{number}.tar.gz", "part_{number}.tar.gz"))
    assert get("weblogo2m", "--out", out) == 0
    assert sorted(path.name for path in (out / "brand").iterdir()) == ["1.jpg", "2.jpg", "3.jpg"]
    said = capsys.readouterr().out
    assert "has no part_4.tar.gz" in said and "1,861,177" in said and "1,867,177" in said


def test_some_parts_alone_can_be_asked_for_and_left_packed(server, out):
    url = server.serve("/elsewhere/2", tar({"brand/2.jpg": b"x"}))
    assert get("weblogo2m", "--out", out, "--url", f"part_2.tar.gz={url}", "--nounpack") == 0
    assert [path.name for path in out.iterdir()] == ["part_2.tar.gz"] and len(server.asked) == 1


def test_a_set_of_which_the_server_has_no_part_is_an_error(server, out, capsys):
    assert get("weblogo2m", "--out", out, "--url", server.address + "/part_{number}.tar.gz") == 1
    assert "part_1.tar.gz: the server answers 404" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["logo2k", "flickrlogos32", "toplogo10", "logos_in_the_wild"])
def test_what_a_person_must_do_is_said_and_counts_as_failure(out, name, capsys):
    assert get(name, "--out", out) == 1
    printed = capsys.readouterr()
    assert ABOUT[name].citation in printed.out
    assert ABOUT[name].address in printed.err and " ".join(ABOUT[name].instructions.split()) in printed.err
    assert f"put into {out}" in printed.err and f"logo-data check {name} {out}" in printed.err


def test_what_was_put_there_by_hand_is_unpacked(out, capsys):
    out.mkdir()
    (out / "FlickrLogos-32_dataset_v2.zip").write_bytes(zipped({"FlickrLogos-v2/trainset.txt": b"HP,1.jpg\n"}))
    assert get("flickrlogos32", "--out", out) == 0
    assert f"logo-data check flickrlogos32 {out / 'FlickrLogos-v2'}" in capsys.readouterr().out


def test_a_link_from_an_e_mail_is_enough(server, out):
    url = server.serve("/secret/FlickrLogos.zip", zipped({"FlickrLogos-v2/trainset.txt": b"HP,1.jpg\n"}))
    assert get("flickrlogos32", "--out", out, "--url", url) == 0
    assert (out / "FlickrLogos-v2/trainset.txt").is_file()


def test_a_set_that_is_half_there_says_what_is_missing(server, out, monkeypatch, capsys):
    official(monkeypatch, "belgalogos", Download(server.serve("/i.tar.gz", tar({"images/1.jpg": b"x"})), "images.tar.gz"))
    assert get("belgalogos", "--out", out) == 1
    assert "not complete: qset3_internal_and_local.gt must be fetched by a person" in capsys.readouterr().err
    assert (out / "images/1.jpg").is_file()
    (out / "qset3_internal_and_local.gt").write_text("")
    assert get("belgalogos", "--out", out) == 0


def test_a_missing_file_can_be_named_with_its_address(server, out, monkeypatch):
    official(monkeypatch, "belgalogos", Download(server.serve("/i.tar.gz", tar({"images/1.jpg": b"x"})), "images.tar.gz"))
    url = server.serve("/mirror/qset3_internal_and_local.gt", b"1\tAdidas\t...")
    assert get("belgalogos", "--out", out, "--url", url) == 0


@pytest.mark.parametrize("name", ["logo405", "PL2K"])
def test_sets_that_are_not_public_are_refused(out, name, capsys):
    assert get(name, "--out", out) == 1
    assert "not been published" in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize("arguments", [(), ("logo2k", "toplogo10"), ("logo3k",)])
def test_one_known_set_must_be_named(arguments, capsys):
    assert get(*arguments) == 1
    assert "flickrlogos27" in capsys.readouterr().err


LINK, DEVICE = tarfile.TarInfo("set/1.jpg"), tarfile.TarInfo("set/1.jpg")
LINK.type, LINK.linkname = tarfile.SYMTYPE, "/etc/passwd"
DEVICE.type = tarfile.CHRTYPE


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (tar({"set/0.jpg": b"x", "../evil.jpg": b"x"}), "its path leaves the folder"),
        (tar({"set/0.jpg": b"x", "/tmp/evil.jpg": b"x"}), "its path is absolute"),
        (zipped({"set/0.jpg": b"x", "../evil.jpg": b"x"}), "its path leaves the folder"),
        (tar({"set/0.jpg": b"x"}, entries=[LINK]), "it is a link"),
        (tar({"set/0.jpg": b"x"}, entries=[DEVICE]), "it is a device"),
        (zipped({"set/0.jpg": bytes(17 << 20)}), "like a bomb"),
        (tar({"set/0.jpg": bytes(17 << 20)}), "like a bomb"),
        (tar({"set/0.jpg": b"x" * 9000}, kind="")[:5000], "is cut short"),
        (tar({"set/0.jpg": b"x" * 9000})[:90], "is cut short"),
    ],
    # Not of the bytes themselves: gzip writes the time into them.
    ids=["tar-up", "tar-absolute", "zip-up", "link", "device", "zip-bomb", "tar-bomb", "tar-short", "gz-short"],
)
def test_an_archive_that_does_harm_is_refused_and_leaves_nothing_but_itself(server, tmp_path, out, data, reason, capsys):
    assert get("toplogo10", "--out", out, "--url", server.serve("/set.tar.gz", data)) == 1
    assert reason in capsys.readouterr().err
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")] == ["out", "out/set.tar.gz"]


def test_a_page_instead_of_an_archive_is_removed(server, out, capsys):
    url = server.serve("/set.zip", b"<!DOCTYPE html><title>Quota exceeded</title>")
    assert get("toplogo10", "--out", out, "--url", url) == 1
    assert "begins with b'<!DOCTYPE" in capsys.readouterr().err and list(out.iterdir()) == []


def test_a_rar_archive_says_what_to_unpack_it_with(server, out, capsys):
    url = server.serve("/Logo-2K%2B.rar", b"Rar!\x1a\x07\x01\x00...")
    assert get("logo2k", "--out", out, "--url", url) == 1
    printed = capsys.readouterr()
    assert "unrar or 7z" in printed.err and f"Logo-2K+.rar has to be unpacked by hand: 7z x {out / 'Logo-2K+.rar'}" in printed.out


def test_a_damaged_archive_inside_does_not_cost_the_outer_one(server, out, capsys):
    assert get("toplogo10", "--out", out, "--url", server.serve("/set.zip", zipped({"set/photographs.tar.gz": b"none"}))) == 1
    assert "photographs.tar.gz is no archive" in capsys.readouterr().err and (out / "set.zip").is_file()


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        (("--url", "file:///etc/passwd"), "must begin with http"),
        (("--url", "http://127.0.0.1:9/"), "say what the file is called"),
        (("--url", "..=http://127.0.0.1:9/x"), "say what the file is called"),
        (("--sha256", "abc"), "say of which file"),
        (("--sha256", "other.zip=" + "0" * 64), "'other.zip' is not fetched.*: none"),
    ],
)
def test_addresses_and_digests_that_do_not_fit_are_refused(out, flag, message, capsys):
    assert get("toplogo10", "--out", out, *flag) == 1
    assert re.search(message, capsys.readouterr().err)


def test_a_server_that_redirects_to_a_file_is_refused(server, out, capsys):
    url = server.serve("/set.zip", Answer(status=302, headers={"Location": "file:///etc/hostname"}))
    assert get("toplogo10", "--out", out, "--url", url) == 1
    assert "the server answers 302" in capsys.readouterr().err and list(out.iterdir()) == []


def test_without_a_folder_the_set_gets_one_of_its_name(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert get("toplogo10", "--url", server.serve("/set.zip", zipped({"qmul_toplogo10/jpg/a.jpg": b"x"}))) == 0
    assert (tmp_path / "toplogo10/qmul_toplogo10/jpg/a.jpg").is_file()
