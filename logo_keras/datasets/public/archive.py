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
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from pathlib import Path

from logo_keras.datasets.tree import SUFFIXES, is_system
from logo_keras.errors import UserError
from logo_keras.extras import require
from logo_keras.files import lock, saying_when_full, write_json
from logo_keras.image.preprocessing import MAX_BYTES

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
    """A member that cannot be read; those behind it can."""


@dataclass(frozen=True)
class Bounds:
    """How much an archive may hold.

    Attributes:
        max_bytes: int, of one member.
        max_total: int, of all members. The largest public set, WebLogo-2M, has 178 GB in several archives.
        max_members: int. WebLogo-2M has 1.9 million photos.
        max_ratio: float, bytes unpacked for one of the archive. Photos hardly shrink, lists of text to a tenth; gzip's most is
            1,032, which a bomb comes close to. The first `free` bytes may be packed tighter.
        free: int, bytes.
    """

    max_bytes: int = 4 * 2**30
    max_total: int = 2**40
    max_members: int = 5_000_000
    max_ratio: float = 100
    free: int = 16 * 2**20


@dataclass(frozen=True)
class Member:
    """A file in an archive, or whatever else is no folder.

    Attributes:
        name: str, as the archive has it.
        path: str, relative, with `/`; never outside the folder to unpack into. Empty where `reason` says why there is none.
        size: int, bytes.
        reason: str, why it is not read, or empty.
        pieces: function that gives its bytes in small pieces, before the next member is asked for. It raises BadMember
            or ArchiveError.
    """

    name: str
    path: str
    size: int
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


def unpack(archive, folder, bounds=None):
    """Unpacks an archive into a folder, all of it or nothing.

    Its files are written into a folder `.unpacking-ARCHIVE` inside `folder` first and moved when all are there. An archive with a
    member that points outside, a link, a device, or more than `bounds` allow is refused. What is in `folder` already and has the
    right size is left alone. A file `.unpacked-ARCHIVE.json` says that it is done; then the next call does nothing. While one
    process unpacks, another one waits.

    Args:
        archive: str or path of a .tar, .tar.gz, .tar.bz2, .tar.xz or .zip file.
        folder: str or path; it is made.
        bounds: Bounds, or None for the usual ones.

    Returns:
        Unpacked.

    Raises:
        ArchiveError: a ValueError that names the archive, and the member where there is one.
        FileExistsError: if a file of another size, or a link, is where a member belongs. Links in `folder` are not followed.
        OSError: if it cannot be read or written.
        ImportError: naming the extra, if filelock or tqdm is not installed.
    """
    archive, folder = Path(archive), Path(folder)
    state, stamp = archive.stat(), folder / f".unpacked-{archive.name}.json"
    known = {"size": state.st_size, "changed": state.st_mtime_ns}
    if done := _done(stamp, known, folder):
        return done
    place = folder / f".unpacking-{archive.name}"
    folder.mkdir(parents=True, exist_ok=True)
    with lock(f"{place}.lock", lambda: print(f"{archive.name}: another process unpacks it; waiting for that", file=sys.stderr)):
        if done := _done(stamp, known, folder):
            return done  # The other process has unpacked it.
        shutil.rmtree(place, ignore_errors=True)  # What a killed process left.
        place.mkdir()
        try:
            with saying_when_full(folder, "nothing is unpacked: make room and try again"):
                count, inner, notes = _write(archive, place, bounds or Bounds())
                _move(place, folder)
        finally:
            shutil.rmtree(place)
        write_json(stamp, known | {"count": count, "archives": inner, "notes": notes})
    return Unpacked(count, tuple(folder / path for path in inner), tuple(notes))


def stream(archives, bounds=None):
    """Reads photos straight from archives, without unpacking them.

    What is not read, such as links and damaged photos, is printed to standard error; hidden files and those whose names do not
    end as those of photos do are passed over.

    Args:
        archives: path of an archive, or several, in the order to read.
        bounds: Bounds, of each archive; None for the usual ones, with at most 256 MiB a photo.

    Yields:
        str and bytes: the path in the archive, relative, with `/`, and the file's content. A path may come twice.

    Raises:
        ArchiveError: a ValueError that names the archive, after what it had, if it is cut short, damaged or beyond `bounds`.
        OSError: if an archive cannot be opened.
    """
    bounds = bounds or replace(Bounds(), max_bytes=MAX_BYTES)
    for archive in [archives] if isinstance(archives, (str, os.PathLike)) else archives:
        for member in members(Path(archive), bounds):
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


def members(archive, bounds):
    """Reads an archive from its beginning to its end.

    Args:
        archive: Path of a .tar, .tar.gz, .tar.bz2, .tar.xz or .zip file; its content says which of them it is.
        bounds: Bounds.

    Yields:
        Member, in the order of the archive; without folders that have a safe name.

    Raises:
        ArchiveError: naming the archive, if it is none of these, ends too early, is damaged, or goes beyond `bounds`.
        OSError: if it cannot be opened.
    """
    with open(archive, "rb") as file:
        head, packed = file.read(16), os.fstat(file.fileno()).st_size
        file.seek(0)
        most = max(bounds.free, bounds.max_ratio * packed)
        kind = next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), None)
        if isinstance(kind, str):
            raise NoArchive(
                f"{archive} is a {kind} archive, which this package does not unpack. Unpack it yourself, with `7z x {archive}` "
                f"or `unrar x {archive}`, into the folder in which it lies."
            )
        try:
            with kind(file) if kind else nullcontext(file) as opened:
                total = 0
                for count, member in enumerate(_of_zip(opened) if kind is zipfile.ZipFile else _of_tar(archive, opened, most)):
                    total += member.size
                    if count == bounds.max_members:
                        raise ArchiveError(f"{archive} has more than {bounds.max_members} members.")
                    if total > bounds.max_total:
                        raise ArchiveError(f"{archive} unpacks to more than {bounds.max_total} bytes.")
                    if total > most:
                        raise ArchiveError(f"{archive} unpacks {packed} bytes to {total} or more, like a bomb.")
                    path, reason = safe_path(member.name)
                    if member.size > bounds.max_bytes:
                        reason = reason or member.reason or f"it has {member.size} bytes, more than {bounds.max_bytes}"
                    yield replace(member, path=path, reason=reason or member.reason)
        except ArchiveError:
            raise
        except _DAMAGE as error:
            if kind is None and isinstance(error, tarfile.ReadError) and file.tell() <= _BLOCK:
                what = "no archive (.tar, .tar.gz, .tar.bz2, .tar.xz, .zip)"
                raise NoArchive(f"{archive} is {what}: it begins with {head!r}.") from error
            raise ArchiveError(f"{archive} is cut short or damaged: {error}.") from error


def _of_zip(zipped):
    for info in zipped.infolist():
        if info.is_dir() and safe_path(info.filename)[0]:
            continue
        kind = stat.S_IFMT(info.external_attr >> 16)
        reason = "it is encrypted" if info.flag_bits & 1 else ""
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            reason = "it is a link" if kind == stat.S_IFLNK else "it is a device"
        pieces = partial(_pieces, partial(zipped.open, info), BadMember, "it is damaged")
        yield Member(info.filename, "", info.file_size, reason, pieces)


def _of_tar(archive, file, most):
    reader = _Reader(file, most)
    with tarfile.open(fileobj=reader, mode="r:") as tar:
        while (info := tar.next()) is not None:
            tar.members.clear()  # tarfile keeps every member: 2 GB for WebLogo-2M.
            if info.size < 0:
                raise UserError(f"{info.name!r} claims {info.size} bytes")
            # "." is the folder that was packed, which does no harm.
            if info.isdir() and (info.name in ("", ".") or safe_path(info.name)[0]):
                continue
            reason = ""
            if info.issym() or info.islnk():
                reason = f"it is a link to {info.linkname!r}"
            elif info.isdev():
                reason = "it is a device"
            elif info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE) or info.issparse():
                reason = "it is no plain file"
            # Not tar.extract: of an archive from a stranger only the bytes are wanted, and no links and modes.
            pieces = partial(_pieces, partial(tar.extractfile, info), ArchiveError, f"{archive} is cut short or damaged")
            yield Member(info.name, "", info.size, reason, pieces)
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


def _write(archive, place, bounds):
    """Writes the members into `place`; gives their number, the paths of archives among them, and notes."""
    spelled, twins, inner, count = {}, [], [], 0
    for member in require("tqdm", "train").tqdm(members(archive, bounds), desc=archive.name, unit=" files"):
        if member.reason:
            raise ArchiveError(f"{archive}: {member.name!r} is refused: {member.reason}. Nothing of the archive is unpacked.")
        count += 1
        if is_archive_name(member.path):
            inner.append(member.path)
        # The file and its folders, as hashes: the paths of 2 million photos are 400 MB.
        steps = [(hash(step.casefold()), hash(step)) for step in accumulate(member.path.split("/"), "{}/{}".format)]
        if [plain for plain, exact in steps if spelled.setdefault(plain, exact) != exact]:
            twins.append(member.path)
        path = place / member.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "wb") as file:
                for piece in member.pieces():
                    file.write(piece)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise ArchiveError(f"{archive}: {member.name!r} has the name of a file and of a folder.") from error
        except BadMember as error:
            raise ArchiveError(f"{archive}: {member.name!r}: {error}.") from error
    if not twins:
        return count, inner, []
    note = f"{archive.name}: {len(twins)} files have names that differ from others in letter case only, such as {twins[0]!r}"
    # The same folder by another name: a file system that does not tell letter case apart.
    if place.with_name(place.name.swapcase()).exists():
        raise ArchiveError(f"{note}, and {place.parent} does not tell these apart. Unpack it on a file system that does.")
    return count, inner, [note]


def _move(place, folder):
    """Moves what was unpacked to where it belongs, once nothing there is in its way."""
    for moving in (False, True):
        for way, _, names in os.walk(place):
            target = folder / Path(way).relative_to(place)
            if target != folder and (target.is_symlink() or (target.exists() and not target.is_dir())):
                raise FileExistsError(f"{target} is a link or a file, wanted a folder: move it away.")
            if moving:
                target.mkdir(parents=True, exist_ok=True)
            for name in names:
                source, path = os.path.join(way, name), target / name
                if not os.path.lexists(path):
                    if moving:
                        os.replace(source, path)
                    continue
                wanted, there = os.stat(source).st_size, os.lstat(path)
                if not stat.S_ISREG(there.st_mode) or there.st_size != wanted:
                    raise FileExistsError(
                        f"{path} is there and is not the file of {wanted} bytes that belongs there: move it away."
                    )


def _done(stamp, known, folder):
    """What a stamp says of an archive that is unpacked: Unpacked; None where it is not, or has changed since."""
    try:
        done = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(done, dict) or not {"count", "archives", "notes"} <= set(done):
        return None
    if known != {key: done.get(key) for key in known}:
        return None
    return Unpacked(
        done["count"], tuple(path for name in done["archives"] if (path := folder / name).is_file()), tuple(done["notes"])
    )
