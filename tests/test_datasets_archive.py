"""Archives that point outside, hold links and devices, swell, are cut short or damaged; and honest ones."""

import errno
import gzip
import io
import os
import queue
import random
import tarfile
import threading
import zipfile

import pytest
from archives import tar, zipped

from logo_keras.datasets.public import archive as module
from logo_keras.datasets.public.archive import ArchiveError, Member, is_archive_name, parts, safe_path, stream, unpack

FILES = {"set/brand a/1.jpg": b"one" * 300, "set/brand a/2.JPEG": b"two", "set/Marke/é.png": b"", "set/list.txt": b"text\n"}
FORMATS = ("x.tar", "x.tar.gz", "x.tgz", "x.tar.bz2", "x.tar.xz", "x.zip")


def pack(path, files=FILES, entries=()):
    """Writes an archive of the kind that the name says; `entries` are TarInfo or ZipInfo without content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = {"tgz": "gz", "tar": ""}.get(path.suffix[1:], path.suffix[1:])
    path.write_bytes(zipped(files, entries) if kind == "zip" else tar(files, kind, entries))
    return path


def entry(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_entry(name, mode):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


def tree(folder):
    """Every file of a folder and its content, but those that say what is unpacked."""
    files = [path for path in folder.rglob("*") if not path.is_dir() and not path.name.startswith(".unpacked-")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_is_unpacked(tmp_path, out, name):
    result = unpack(pack(tmp_path / name), out)
    assert result.count == 4 and result.archives == () and result.notes == ()
    assert tree(out) == FILES


def test_the_kind_is_seen_by_the_content(tmp_path, out):
    os.rename(pack(tmp_path / "x.zip"), tmp_path / "x.tar.gz")
    unpack(tmp_path / "x.tar.gz", out)
    assert tree(out) == FILES


def test_folders_and_leading_dots_are_no_trouble(tmp_path, out):
    entries = [entry(name, tarfile.DIRTYPE) for name in (".", "./set", "empty/")]
    unpack(pack(tmp_path / "x.tar.gz", {"./set//1.jpg": b"1"}, entries), out)
    assert tree(out) == {"set/1.jpg": b"1"}


def test_a_second_call_does_nothing_until_the_archive_changes(tmp_path, out):
    first = unpack(pack(tmp_path / "x.tar"), out)
    (out / "set/list.txt").unlink()
    assert unpack(tmp_path / "x.tar", out) == first and "set/list.txt" not in tree(out)
    unpack(pack(tmp_path / "x.tar", FILES | {"more.jpg": b"m"}), out)
    assert tree(out) == FILES | {"more.jpg": b"m"}


def test_archives_inside_are_told(tmp_path, out):
    pack(tmp_path / "x.tar", {"set/inner.tar.gz": b"...", "set/1.jpg": b""})
    assert unpack(tmp_path / "x.tar", out).archives == unpack(tmp_path / "x.tar", out).archives == (out / "set/inner.tar.gz",)


def test_several_archives_share_folders(tmp_path, out):
    unpack(pack(tmp_path / "part_1.tar.gz", {"brand/1.jpg": b"1"}), out)
    unpack(pack(tmp_path / "part_2.tar.gz", {"brand/2.jpg": b"2"}), out)
    assert tree(out) == {"brand/1.jpg": b"1", "brand/2.jpg": b"2"}


HOSTILE = [
    "../evil.jpg",
    "set/../../evil.jpg",
    "/tmp/evil.jpg",
    "C:/evil.jpg",
    "c:evil.jpg",
    "..\\evil.jpg",
    "set\\evil.jpg",
    "a\nb.jpg",
    "a" * 256,
    "é" * 128,
    "a/" * 70 + "b.jpg",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["x.tar.gz", "x.zip"])
def test_a_name_that_is_not_safe_refuses_the_archive(tmp_path, out, kind, name):
    pack(tmp_path / kind, {"good.jpg": b"good", name: b"evil"})
    with pytest.raises(ArchiveError, match=f"{kind}.* is refused: .*Nothing of the archive is unpacked"):
        unpack(tmp_path / kind, out)
    assert tree(tmp_path) == {kind: (tmp_path / kind).read_bytes()}


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (entry("set/link", tarfile.SYMTYPE, "/etc"), "it is a link to '/etc'"),
        (entry("set/hard", tarfile.LNKTYPE, "../x"), "it is a link to '../x'"),
        (entry("set/pipe", tarfile.FIFOTYPE), "it is a device"),
        (entry("set/null", tarfile.CHRTYPE), "it is a device"),
        (entry("set/disk", tarfile.BLKTYPE), "it is a device"),
        (entry("set/odd", b"Z"), "it is no plain file"),
        (entry("../folder", tarfile.DIRTYPE), "its path leaves the folder"),
    ],
)
def test_links_and_devices_in_a_tar_archive_refuse_it(tmp_path, out, what, reason):
    with pytest.raises(ArchiveError, match=reason):
        unpack(pack(tmp_path / "x.tar", entries=[what]), out)
    assert tree(out) == {}


@pytest.mark.parametrize(
    ("mode", "reason"), [(0o120777, "it is a link"), (0o020666, "it is a device"), (0o010666, "it is a device")]
)
def test_links_and_devices_in_a_zip_archive_refuse_it(tmp_path, out, mode, reason):
    with pytest.raises(ArchiveError, match=reason):
        unpack(pack(tmp_path / "x.zip", entries=[zip_entry("set/link", mode)]), out)
    assert tree(out) == {}


def test_a_link_of_the_archive_cannot_lead_a_later_member_outside(tmp_path, out):
    """The classic: a link to a folder elsewhere, then a file behind it."""
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.addfile(entry("way", tarfile.SYMTYPE, str(tmp_path)))
        archive.addfile(tarfile.TarInfo("way/evil.jpg"), io.BytesIO())
    with pytest.raises(ArchiveError, match="it is a link"):
        unpack(tmp_path / "x.tar", out)
    assert not (tmp_path / "evil.jpg").exists()


def test_a_file_where_a_folder_belongs_is_named(tmp_path, out):
    out.mkdir()
    (out / "set").write_text("mine")
    with pytest.raises(FileExistsError, match="set is a file of 4 bytes, wanted a folder: move it away"):
        unpack(pack(tmp_path / "x.tar"), out)
    assert tree(out) == {"set": b"mine"}


@pytest.mark.parametrize("link", ["set", "set/brand a", "set/list.txt"])
def test_links_in_the_folder_are_not_followed(tmp_path, out, link):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (out / link).parent.mkdir(parents=True)
    (out / link).symlink_to(elsewhere)
    with pytest.raises(FileExistsError, match=f"{link} is .*move it away"):
        unpack(pack(tmp_path / "x.tar"), out)
    assert list(elsewhere.iterdir()) == [] and [path.name for path in out.iterdir()] == ["set"]


def test_the_folder_itself_may_be_a_link(tmp_path, out):
    (tmp_path / "large disk").mkdir()
    out.symlink_to(tmp_path / "large disk")
    unpack(pack(tmp_path / "x.tar", FILES | {"top.txt": b""}), out)
    assert tree(tmp_path / "large disk") == FILES | {"top.txt": b""}


def test_what_is_there_with_the_right_size_is_left_alone(tmp_path, out):
    (out / "set").mkdir(parents=True)
    (out / "set/list.txt").write_bytes(b"mine\n")
    unpack(pack(tmp_path / "x.tar"), out)
    assert tree(out) == FILES | {"set/list.txt": b"mine\n"}


def test_what_is_there_with_another_size_is_never_overwritten(tmp_path, out):
    (out / "set").mkdir(parents=True)
    (out / "set/list.txt").write_bytes(b"my own list\n")
    with pytest.raises(FileExistsError, match="list.txt is a file of 12 bytes, wanted a file of 5 bytes"):
        unpack(pack(tmp_path / "x.tar"), out)
    assert tree(out) == {"set/list.txt": b"my own list\n"}


@pytest.mark.parametrize("name", ["bomb.tar.gz", "bomb.tar.bz2", "bomb.tar.xz", "bomb.zip"])
def test_a_bomb_is_refused_and_leaves_nothing(tmp_path, out, monkeypatch, name):
    monkeypatch.setattr(module, "FREE", 1 << 20)
    pack(tmp_path / name, {"a.jpg": bytes(2 << 20)})
    with pytest.raises(ArchiveError, match=f"{name} .*like a bomb"):
        unpack(tmp_path / name, out)
    assert tree(out) == {}
    with pytest.raises(ArchiveError, match=f"{name} .*like a bomb"):
        list(stream([tmp_path / name]))


@pytest.mark.parametrize("name", ["x.tar.gz", "x.zip"])
@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        ({"MAX_FILE": 899}, "it has 900 bytes, more than 899"),
        ({"MAX_TOTAL": 600}, "unpacks .* more than 600"),
        ({"MAX_MEMBERS": 3}, "more than 3 members"),
        ({"MAX_RATIO": 0.1, "FREE": 10}, "like a bomb"),
    ],
)
def test_bounds_hold(tmp_path, out, monkeypatch, name, bounds, reason):
    for bound, value in bounds.items():
        monkeypatch.setattr(module, bound, value)
    with pytest.raises(ArchiveError, match=reason):
        unpack(pack(tmp_path / name), out)
    assert tree(out) == {}


def test_a_header_that_claims_gigabytes_allocates_none(tmp_path, out):
    long = tarfile.TarInfo("././@LongLink")
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, 2**40
    (tmp_path / "x.tar").write_bytes(long.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    with pytest.raises(ArchiveError, match="a header of 1099511627776 bytes, like a bomb"):
        unpack(tmp_path / "x.tar", out)


def test_a_zip_that_lies_about_its_sizes_is_damaged(tmp_path, out):
    data = bytearray(pack(tmp_path / "x.zip", {"a.jpg": b"x" * 5000}).read_bytes())
    place = data.rindex(b"PK\x01\x02") + 24  # The size in the central directory: APPNOTE.TXT, section 4.3.12.
    data[place : place + 4] = (10).to_bytes(4, "little")
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(ArchiveError, match="'a.jpg': it is damaged: Bad CRC"):
        unpack(tmp_path / "x.zip", out)
    assert tree(out) == {}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("part", [0.2, 0.5, 0.8])
def test_an_archive_cut_short_is_refused_and_leaves_nothing(tmp_path, out, name, part):
    rng = random.Random(1)
    pack(tmp_path / name, {f"{i}.jpg": rng.randbytes(3000) for i in range(20)})
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * part)])
    with pytest.raises(ArchiveError, match=f"{name} is cut short"):
        unpack(tmp_path / name, out)
    assert tree(out) == {}


def test_a_tar_archive_cut_between_members_is_noticed(tmp_path, out):
    pack(tmp_path / "x.tar", {"1.jpg": b"1" * 512, "2.jpg": b"2" * 512})
    (tmp_path / "x.tar").write_bytes((tmp_path / "x.tar").read_bytes()[:1024])
    with pytest.raises(ArchiveError, match="no end mark after 1024 bytes"):
        unpack(tmp_path / "x.tar", out)


@pytest.mark.parametrize("name", FORMATS)
def test_flipped_bits_are_refused_or_harmless(tmp_path, out, monkeypatch, name):
    """Whatever a damaged archive gives, it is an ArchiveError or files inside the folder."""
    monkeypatch.setattr(module, "MAX_TOTAL", 1 << 22)
    rng = random.Random(2)
    whole = pack(tmp_path / name).read_bytes()
    for number in range(30):
        data = bytearray(whole)
        for _ in range(3):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        (tmp_path / name).write_bytes(data)
        try:
            unpack(tmp_path / name, out / str(number))
        except ArchiveError:
            assert tree(out / str(number)) == {}
    assert {path.name for path in tmp_path.iterdir()} <= {name, "out"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><title>Log in</title>", "is no archive .*begins with b'<!DOCTYPE"),
        (b"", "is no archive"),
        (b"Rar!\x1a\x07\x01\x00", "is a .rar archive.*7z x .*unrar x"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "is a .7z archive"),
        (b"x" * 600, "is no archive"),
    ],
)
def test_what_is_no_archive_is_said(tmp_path, out, content, message):
    (tmp_path / "x.tar.gz").write_bytes(content)
    with pytest.raises(ArchiveError, match=message):
        unpack(tmp_path / "x.tar.gz", out)


def test_a_missing_archive_is_an_os_error(tmp_path, out):
    with pytest.raises(FileNotFoundError):
        unpack(tmp_path / "x.tar", out)


def test_a_full_disk_leaves_nothing_and_says_what_to_do(tmp_path, out, monkeypatch):
    def full():
        yield b"12"
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "members", lambda *_: [Member("a.jpg", "a.jpg", "", full)])
    with pytest.raises(OSError, match="the disk is full .*make room and try again") as refusal:
        unpack(pack(tmp_path / "x.tar"), out)
    assert refusal.value.errno == errno.ENOSPC and list(out.iterdir()) == []


def test_what_a_killed_process_left_is_removed(tmp_path, out):
    left = out / ".unpacking-x.tar" / "set/brand a/1.jpg"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"on")
    unpack(pack(tmp_path / "x.tar"), out)
    assert tree(out) == FILES


def test_a_second_process_waits_for_the_first_and_does_nothing_itself(tmp_path, out, monkeypatch):
    archive, found, said, write = pack(tmp_path / "x.tar"), [], queue.Queue(), module._write
    second = threading.Thread(target=lambda: found.append(unpack(archive, out)))

    def slowly(*arguments):
        if not second.ident:
            second.start()
            # Not by capsys: read while another thread writes, it loses what was written.
            assert "another process unpacks it" in said.get(timeout=30)
        return write(*arguments)

    monkeypatch.setattr(module, "print", lambda text, file: said.put(text), raising=False)
    monkeypatch.setattr(module, "_write", slowly)
    result = unpack(archive, out)
    second.join(30)
    assert found == [result] and tree(out) == FILES


def test_names_that_differ_in_letter_case_are_told(tmp_path, out):
    pack(tmp_path / "x.tar", {"A/1.jpg": b"1", "a/2.jpg": b"2", "a/3.JPG": b"3", "a/3.jpg": b"4"})
    note = "x.tar: 3 files differ from others in letter case only, such as 'a/2.jpg'"
    assert unpack(tmp_path / "x.tar", out).notes == unpack(tmp_path / "x.tar", out).notes == (note,)


def test_names_that_differ_in_letter_case_are_refused_where_they_are_one(tmp_path, out):
    # What a file system that does not tell letter case apart would show.
    (out / ".UNPACKING-X.TAR").mkdir(parents=True)
    with pytest.raises(ArchiveError, match="does not tell these apart"):
        unpack(pack(tmp_path / "x.tar", {"A/1.jpg": b"1", "a/1.jpg": b"2"}), out)


def test_a_name_of_a_file_and_of_a_folder_is_refused(tmp_path, out):
    with pytest.raises(ArchiveError, match="the name of a file and of a folder"):
        unpack(pack(tmp_path / "x.tar", {"a": b"1", "a/b": b"2"}), out)


def test_an_encrypted_member_is_refused(tmp_path, out):
    data = bytearray(pack(tmp_path / "x.zip", {"a.jpg": b"x"}).read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1  # APPNOTE.TXT, section 4.4.4.
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(ArchiveError, match="it is encrypted"):
        unpack(tmp_path / "x.zip", out)


@pytest.mark.parametrize("name", FORMATS)
def test_photographs_are_streamed_in_the_order_of_the_archive(tmp_path, name):
    pack(tmp_path / name, FILES | {"set/.hidden.jpg": b"", "__MACOSX/set/._1.jpg": b"", "set/@eaDir/1.jpg/T.jpg": b""})
    assert list(stream([tmp_path / name])) == [(path, FILES[path]) for path in list(FILES)[:3]]


def test_several_archives_are_streamed_one_after_the_other(tmp_path):
    for number in (10, 2):
        pack(tmp_path / f"part_{number}.tar.gz", {f"brand/{number}.jpg": b"x"})
    (tmp_path / "notes.txt").write_text("")
    assert [path.name for path in parts(tmp_path)] == ["part_2.tar.gz", "part_10.tar.gz"]
    assert parts(str(tmp_path / "part_2.tar.gz")) == [tmp_path / "part_2.tar.gz"]
    assert [path for path, _ in stream(parts(tmp_path))] == ["brand/2.jpg", "brand/10.jpg"]


@pytest.mark.parametrize("kind", ["x.tar.gz", "x.zip"])
def test_bad_members_of_a_stream_are_reported_and_left_out(tmp_path, kind, monkeypatch, capsys):
    monkeypatch.setattr(module, "MAX_BYTES", 40)
    link = zip_entry("link.jpg", 0o120777) if kind == "x.zip" else entry("link.jpg", tarfile.SYMTYPE, "1.jpg")
    pack(tmp_path / kind, {"1.jpg": b"1", "../2.jpg": b"2", "big.jpg": b"x" * 50, "3.jpg": b"3"}, [link])
    assert list(stream([tmp_path / kind])) == [("1.jpg", b"1"), ("3.jpg", b"3")]
    reasons = (
        "'../2.jpg' is left out: its path leaves",
        "'big.jpg' is left out: it has 50",
        "'link.jpg' is left out: it is a link",
    )
    said = capsys.readouterr().err.splitlines()
    assert all(line.startswith(f"{tmp_path / kind}: {reason}") for line, reason in zip(said, reasons, strict=True))


def test_a_damaged_member_of_a_zip_archive_is_left_out_of_a_stream(tmp_path, capsys):
    data = bytearray(pack(tmp_path / "x.zip", {"1.jpg": b"1" * 100, "2.jpg": b"2"}).read_bytes())
    data[data.index(b"1.jpg") + 5] ^= 255
    (tmp_path / "x.zip").write_bytes(data)
    assert list(stream([tmp_path / "x.zip"])) == [("2.jpg", b"2")]
    assert "'1.jpg' is left out: it is damaged" in capsys.readouterr().err


def test_a_stream_gives_what_a_truncated_archive_has_and_then_names_it(tmp_path):
    rng = random.Random(3)
    files = {f"brand/{i}.jpg": rng.randbytes(20_000) for i in range(10)}
    data = pack(tmp_path / "part_1.tar.gz", files).read_bytes()
    (tmp_path / "part_1.tar.gz").write_bytes(data[: len(data) * 6 // 10])
    got = []
    with pytest.raises(ArchiveError, match="part_1.tar.gz is cut short"):
        got.extend(stream([tmp_path / "part_1.tar.gz"]))
    assert 4 <= len(got) <= 6 and dict(got).items() <= files.items()


def test_a_stream_holds_one_photograph_at_a_time(tmp_path):
    """The archive is not read ahead: nothing behind the photograph asked for needs to be there."""
    with gzip.open(tmp_path / "x.tar.gz", "wb") as file:
        for number in range(3):
            info = tarfile.TarInfo(f"brand/{number}.jpg")
            info.size = 1 << 20
            file.write(info.tobuf() + random.Random(number).randbytes(1 << 20))
    photographs = stream([tmp_path / "x.tar.gz"])
    assert [next(photographs)[0] for _ in range(3)] == ["brand/0.jpg", "brand/1.jpg", "brand/2.jpg"]
    with pytest.raises(ArchiveError, match="no end mark"):
        next(photographs)


def test_the_usual_bound_of_a_stream_is_that_of_photographs(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 2)
    pack(tmp_path / "x.tar", {"1.jpg": b"123", "2.jpg": b"12"})
    assert [path for path, _ in stream([tmp_path / "x.tar"])] == ["2.jpg"]


def test_names_of_archives_are_known():
    assert all(map(is_archive_name, ("a.tar.gz", "A.TGZ", "b.zip", "c.tar", "d.tar.xz", "e.tbz2")))
    assert not any(map(is_archive_name, ("a.gz", "b.rar", "c.jpg", "tar", "zip")))


def test_safe_paths_are_plain_and_relative():
    assert safe_path("./a//b/./c.jpg") == ("a/b/c.jpg", "")
    assert safe_path("a b/Ünï'\"中.jpg") == ("a b/Ünï'\"中.jpg", "")
    assert [safe_path(name)[0] for name in ("", ".", "/", "//a", "..", "a/..", "\0")] == [""] * 7
