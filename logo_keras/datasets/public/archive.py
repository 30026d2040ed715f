"""Archives from strangers: unpacked into a folder or read as a stream of photos, and never able to do harm."""

import bz2
import gzip
import json
import lzma
import os
import re
import shutil
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path

from logo_keras.datasets.tree import SUFFIXES, is_system
from logo_keras.errors import UserError
from logo_keras.extras import require
from logo_keras.files import lock, saying_when_full, write_json
from logo_keras.image.preprocessing import MAX_BYTES

# How much an archive may hold: bytes of one file and of all files (WebLogo-2M, the largest public set, has 178 GB in several
# archives), and files and folders (it has 1.9 million photos).
MAX_FILE, MAX_TOTAL, MAX_MEMBERS = 4 * 2**30, 2**40, 5_000_000
# Bytes unpacked for one of the archive. Photos hardly shrink, lists of text to a tenth; gzip's most is 1,032, which a bomb comes
# close to. The first FREE bytes may be packed tighter.
MAX_RATIO, FREE = 100, 16 * 2**20
_STEP = 1 << 16
_BLOCK = 512  # A tar archive is made of these: POSIX.1-2017, pax, "ustar Interchange Format".
# What Linux, macOS and Windows allow as one name, and Linux as a path (limits.h); nobody nests photos as deep as 64.
_NAME, _PATH, _DEPTH = 255, 4095, 64
# How files of these kinds begin: https://en.wikipedia.org/wiki/List_of_file_signatures
_KINDS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_KINDS |= dict.fromkeys((b"PK\x03\x04", b"PK\x05\x06"), zipfile.ZipFile) | {b"Rar!": ".rar", b"7z\xbc\xaf\x27\x1c": ".7z"}
# What damaged archives make the standard library raise.
_DAMAGE = (EOFError, OSError, ValueError, OverflowError, RuntimeError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
_DAMAGE += (tarfile.TarError,)


class ArchiveError(UserError):
    """An archive that cannot be read on: cut short, damaged, or made to do harm."""


class NoArchive(ArchiveError):
    """A file that is no archive, or of a kind that is not read here."""


class BadMember(UserError):
    """A file in an archive that cannot be read; those behind it can."""


@dataclass(frozen=True)
class Member:
    """A file in an archive, or whatever else is no folder.

    Attributes:
        name: str, as the archive has it.
        path: str, relative, with `/`; never outside the folder to unpack into. Empty where `reason` says why there is none.
        reason: str, why it is not read, or empty.
        pieces: function that gives its bytes in small pieces, before the next member is asked for. It raises BadMember
            or ArchiveError.
    """

    name: str
    path: str
    reason: str
    pieces: Callable


@dataclass(frozen=True)
class Unpacked:
    """What came out of an archive.

    Attributes:
        count: int, files.
        archives: tuple of Path, those of the files that are archives themselves.
        notes: tuple of str, what a report must say.
    """

    count: int
    archives: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def unpack(archive, folder):
    """Unpacks an archive into a folder, all of it or nothing.

    Its files are written into a folder `.unpacking-ARCHIVE` inside `folder` first and moved when all are there. An archive that
    holds a path outside, a link, a device, or more than this module's bounds allow is refused. A file that is in `folder`
    already and has the right size is left alone. A file `.unpacked-ARCHIVE.json` says that it is done; then the next call does
    nothing. While one process unpacks, another one waits.

    Args:
        archive: str or path of a .tar, .tar.gz, .tar.bz2, .tar.xz or .zip file.
        folder: str or path; it is made.

    Returns:
        Unpacked.

    Raises:
        ArchiveError: a ValueError that names the archive, and the file in it where there is one.
        FileExistsError: if a file of another size, or a link, is where a file belongs. Links in `folder` are not followed.
        OSError: if it cannot be read or written.
        ImportError: naming the extra, if filelock or tqdm is not installed.
    """
    archive, folder = Path(archive), Path(folder)
    state, stamp = archive.stat(), folder / f".unpacked-{archive.name}.json"
    known = {"size": state.st_size, "changed": state.st_mtime_ns}
    place = folder / f".unpacking-{archive.name}"
    folder.mkdir(parents=True, exist_ok=True)
    with lock(f"{place}.lock", lambda: print(f"{archive.name}: another process unpacks it; waiting for that", file=sys.stderr)):
        done = json.loads(stamp.read_bytes()) if stamp.is_file() else {}
        if not known.items() <= done.items():
            done = known | _unpack(archive, place, folder)
            write_json(stamp, done)
    # Those inside may have been removed since.
    inner = filter(Path.is_file, map(folder.joinpath, done["archives"]))
    return Unpacked(done["count"], tuple(inner), tuple(done["notes"]))


def stream(archives):
    """Reads photos straight from archives, without unpacking them.

    Links, damaged photos and others that cannot be read are left out, and standard error names them; hidden files and those
    whose names do not end as those of photos do are passed over.

    Args:
        archives: iterable of paths, in the order to read.

    Yields:
        str and bytes: the path in the archive, relative, with `/`, and the file's content. A path may come twice.

    Raises:
        ArchiveError: a ValueError that names the archive, after what it had, if it is cut short, damaged or beyond this
            module's bounds.
        OSError: if an archive cannot be opened.
    """
    for archive in archives:
        for member in members(archive, MAX_BYTES):
            name = member.name.rpartition("/")[2]
            if name.startswith(".") or not name.lower().endswith(SUFFIXES) or any(map(is_system, member.name.split("/"))):
                continue
            try:
                if member.reason:
                    raise BadMember(member.reason)
                data = b"".join(member.pieces())
            except BadMember as error:
                print(f"{archive}: {member.name!r} is left out: {error}", file=sys.stderr)
            else:
                yield member.path, data


def parts(root):
    """The archives in a folder, `part_2.tar.gz` before `part_10.tar.gz`.

    Args:
        root: str or path of a folder, or of an archive.

    Returns:
        list of Path, maybe empty.
    """
    root = Path(root)
    if root.is_file():
        return [root]
    found = [path for path in root.iterdir() if is_archive_name(path.name) and not path.name.startswith(".") and path.is_file()]
    return sorted(found, key=lambda path: [(len(d), d) if d.isdigit() else (0, d) for d in re.split(r"(\d+)", path.name)])


def is_archive_name(name):
    """Whether a file's name says that it is an archive that is read here."""
    return re.search(r"\.(tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz)|zip)$", str(name), re.IGNORECASE) is not None


def safe_path(name):
    """The path at which a member may be written.

    Args:
        name: str, as the archive has it.

    Returns:
        str and str: the path, relative, with `/`, and an empty reason; or an empty path and the reason why there is none.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if not parts or any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        reason = "its name is empty or holds control characters"
    elif name.startswith("/") or re.match("[A-Za-z]:", name):
        reason = "its path is absolute"
    elif "\\" in name:
        reason = "its name holds a backslash, which is a folder's end on other systems"
    elif ".." in parts:
        reason = "its path leaves the folder"
    elif len(parts) > _DEPTH or len(os.fsencode(name)) > _PATH or any(len(os.fsencode(part)) > _NAME for part in parts):
        reason = "its path is longer or deeper than file systems take"
    else:
        return "/".join(parts), ""
    return "", reason


def members(archive, max_bytes):
    """Reads an archive from its beginning to its end.

    Args:
        archive: path of a .tar, .tar.gz, .tar.bz2, .tar.xz or .zip file; its content says which of them it is.
        max_bytes: int, the largest file to read.

    Yields:
        Member, in the order of the archive; without folders that have a safe name.

    Raises:
        ArchiveError: naming the archive, if it is none of these, ends too early, is damaged, or holds too much.
        OSError: if it cannot be opened.
    """
    with open(archive, "rb") as file:
        head, packed = file.read(16), os.fstat(file.fileno()).st_size
        file.seek(0)
        kind = next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), nullcontext)
        if isinstance(kind, str):
            raise NoArchive(
                f"{archive} is a {kind} archive, which this package does not unpack. Unpack it yourself, with `7z x {archive}` "
                f"or `unrar x {archive}`, into the folder in which it lies."
            )
        most, total = min(MAX_TOTAL, max(FREE, MAX_RATIO * packed)), 0
        # What is damaged in a zip archive is one file; a tar archive cannot be read any further.
        damaged = (ArchiveError, f"{archive} is cut short or damaged")
        entries, failure = (_of_zip, (BadMember, "it is damaged")) if kind is zipfile.ZipFile else (_of_tar, damaged)
        try:
            with kind(file) as opened:
                for count, (name, folder, size, reason, content) in enumerate(entries(opened, most)):
                    total += size
                    if count == MAX_MEMBERS:
                        raise ArchiveError(f"{archive} has more than {MAX_MEMBERS} members.")
                    if total > most:
                        raise ArchiveError(f"{archive} unpacks {packed} bytes to {total}, more than {most}, like a bomb.")
                    path, unsafe = safe_path(name)
                    # "." is the folder that was packed, which does no harm.
                    if folder and (path or name in ("", ".")):
                        continue
                    large = f"it has {size} bytes, more than {max_bytes}" if size > max_bytes else ""
                    yield Member(name, path, unsafe or reason or large, partial(_pieces, content, *failure))
        except ArchiveError:
            raise
        except _DAMAGE as error:
            if kind is nullcontext and isinstance(error, tarfile.ReadError) and file.tell() <= _BLOCK:
                what = "no archive (.tar, .tar.gz, .tar.bz2, .tar.xz, .zip)"
                raise NoArchive(f"{archive} is {what}: it begins with {head!r}.") from error
            raise ArchiveError(f"{damaged[1]}: {error}.") from error


def _of_zip(zipped, _):
    """As `_of_tar`."""
    kinds = {0: "", stat.S_IFREG: "", stat.S_IFDIR: "", stat.S_IFLNK: "it is a link"}
    for info in zipped.infolist():
        reason = kinds.get(stat.S_IFMT(info.external_attr >> 16), "it is a device")
        reason = reason or ("it is encrypted" if info.flag_bits & 1 else "")
        yield info.filename, info.is_dir(), info.file_size, reason, partial(zipped.open, info)


def _of_tar(file, most):
    """What is in an archive: name, whether it is a folder, bytes, why it is not read or "", and a function that opens it."""
    reader = _Reader(file, most)
    with tarfile.open(fileobj=reader, mode="r:") as tar:
        while (info := tar.next()) is not None:
            tar.members.clear()  # tarfile keeps every member: 2 GB for WebLogo-2M.
            reason = ""
            if info.size < 0:
                raise UserError(f"{info.name!r} claims {info.size} bytes")
            if info.issym() or info.islnk():
                reason = f"it is a link to {info.linkname!r}"
            elif info.isdev():
                reason = "it is a device"
            elif not (info.isdir() or info.isreg()) or info.issparse():
                reason = "it is no plain file"
            # Not tar.extract: of an archive from a stranger only the bytes are wanted, and no links and modes.
            yield info.name, info.isdir(), info.size, reason, partial(tar.extractfile, info)
    # tarfile ends without a word at a header that it cannot read; an archive ends with blocks of zeros.
    if reader.last != bytes(_BLOCK):
        raise UserError(f"it has no end mark after {file.tell()} bytes")


class _Reader:
    """What tarfile reads from: never much at once, since it takes the length that a header claims for long names as it is."""

    def __init__(self, file, most):
        self.file, self.most, self.last = file, most, b""
        self.tell, self.seek = file.tell, file.seek

    def read(self, size):
        if not 0 <= size <= _STEP:
            raise UserError(f"it has a header of {size} bytes, like a bomb")
        if self.tell() > self.most:
            raise UserError(f"it unpacks to {self.tell()} bytes or more, like a bomb")
        self.last = self.file.read(size)
        return self.last


def _pieces(opened, failure, what):
    try:
        with opened() as file:
            while piece := file.read(_STEP):
                yield piece
    except _DAMAGE as error:
        raise failure(f"{what}: {error}") from error


def _unpack(archive, place, folder):
    """Unpacks an archive by way of the folder `place`; gives what its stamp says."""
    shutil.rmtree(place, ignore_errors=True)  # What a killed process left.
    place.mkdir()
    try:
        with saying_when_full(folder, "nothing is unpacked: make room and try again"):
            done = _write(archive, place)
            _move(place, folder)
    finally:
        shutil.rmtree(place)
    return done


def _write(archive, place):
    """Writes the files into `place`; gives their number, the paths of archives among them, and notes."""
    spelled, twins, inner, count = {}, [], [], 0
    for member in require("tqdm", "train").tqdm(members(archive, MAX_FILE), desc=archive.name, unit=" files"):
        if member.reason:
            raise ArchiveError(f"{archive}: {member.name!r} is refused: {member.reason}. Nothing of the archive is unpacked.")
        count += 1
        if is_archive_name(member.path):
            inner.append(member.path)
        # The file and its folders, as hashes: the paths of 2 million photos are 400 MB.
        steps = [(hash(step.casefold()), hash(step)) for step in accumulate(member.path.split("/"), "{}/{}".format)]
        if any(spelled.setdefault(plain, exact) != exact for plain, exact in steps):
            twins.append(member.path)
        path = place / member.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as file:
                file.writelines(member.pieces())
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise ArchiveError(f"{archive}: {member.name!r} has the name of a file and of a folder.") from error
        except BadMember as error:
            raise ArchiveError(f"{archive}: {member.name!r}: {error}.") from error
    notes = []
    if twins:
        notes.append(f"{archive.name}: {len(twins)} files differ from others in letter case only, such as {twins[0]!r}")
        # The same folder by another name: a file system that does not tell letter case apart.
        if place.with_name(place.name.swapcase()).exists():
            raise ArchiveError(f"{notes[0]}, and {place.parent} does not tell these apart. Unpack it on a file system that does.")
    return {"count": count, "archives": inner, "notes": notes}


def _move(place, folder):
    """Moves what was unpacked to where it belongs, once nothing there is in its way."""
    for source, target in _moves(place, folder):
        if os.path.lexists(target) and (there := _kind(target)) != (wanted := _kind(source)):
            raise FileExistsError(f"{target} is a {there}, wanted a {wanted}: move it away.")
    for source, target in _moves(place, folder):
        if not os.path.lexists(target):
            os.replace(source, target)  # A folder with all that is in it, which `_moves` then finds no more.


def _moves(place, folder):
    """Where every folder and file that was unpacked lies, and where it belongs, folders before what is in them."""
    for way, folders, names in os.walk(place):
        for source in (os.path.join(way, name) for name in folders + names):
            yield source, os.path.join(folder, os.path.relpath(source, place))


def _kind(path):
    state = os.lstat(path)
    if stat.S_ISDIR(state.st_mode):
        return "folder"
    return f"file of {state.st_size} bytes" if stat.S_ISREG(state.st_mode) else "link or device"
