"""The members of a tar or zip archive from a stranger: read one after the other, within bounds, names made safe or refused."""

import bz2
import gzip
import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

STEP = 1 << 20
_BLOCK = 512  # A tar archive is made of these: POSIX.1-2017, pax, "ustar Interchange Format".
# What Linux, macOS and Windows allow as one name, and Linux as a path (limits.h); nobody nests photographs as deep as 64.
_NAME, _PATH, _DEPTH = 255, 4095, 64
# How files of these kinds begin: https://en.wikipedia.org/wiki/List_of_file_signatures
_KINDS = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"PK\x03\x04": zipfile.ZipFile,
    b"PK\x05\x06": zipfile.ZipFile,
    b"Rar!\x1a\x07": None,
    b"7z\xbc\xaf\x27\x1c": None,
}
_DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, ValueError, OverflowError)


class ArchiveError(ValueError):
    """An archive that cannot be read on: it is none, cut short, damaged, or made to do harm."""


class NoArchive(ArchiveError):
    """A file that is no archive at all, or none that is read here."""


class BadMember(ValueError):
    """A member that cannot be read; those behind it can."""


@dataclass(frozen=True)
class Bounds:
    """How much an archive may hold.

    Attributes:
        max_bytes: int, of one member.
        max_total: int, of all members. The largest public set, WebLogo-2M, has 178 GB in several archives.
        max_members: int. WebLogo-2M has 1.9 million photographs.
        max_ratio: float, bytes unpacked for one of the archive. Photographs hardly shrink, lists of text to a tenth; gzip's most
            is 1,032, which a bomb comes close to. The first `free` bytes may be packed tighter.
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
        path: str, relative, with `/`; never outside the folder to unpack into. Empty where `reason` says that there is none.
        size: int, bytes.
        reason: str, why it is not read, or empty.
        pieces: function that gives its bytes in pieces of at most 1 MiB, before the next member is asked for. It raises BadMember
            or ArchiveError.
    """

    name: str
    path: str
    size: int
    reason: str
    pieces: Callable


def members(archive, bounds):
    """Reads an archive from its beginning to its end.

    Args:
        archive: Path of a .tar, .tar.gz, .tar.bz2, .tar.xz or .zip file; what it is is seen by its content.
        bounds: Bounds.

    Yields:
        Member, in the order of the archive; without folders that have a safe name.

    Raises:
        ArchiveError: naming the archive, if it is none of these, ends too early, is damaged, or goes beyond `bounds`.
        OSError: if it cannot be opened.
    """
    with open(archive, "rb") as file:
        head = file.read(262 + _BLOCK)
        file.seek(0)
        kind = next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), open)
        if kind is None:
            raise NoArchive(
                f"{archive} is a .{'rar' if head[:1] == b'R' else '7z'} archive, which this package does not unpack. Unpack it "
                f"yourself, with `7z x {archive}` or `unrar x {archive}`, into the folder in which it lies."
            )
        if kind is open and not (head[257:262] == b"ustar" or _is_old_tar(head)):
            raise NoArchive(f"{archive} is no archive (.tar, .tar.gz, .tar.bz2, .tar.xz, .zip): it begins with {head[:16]!r}.")
        each = _of_zip(archive, file, bounds) if kind is zipfile.ZipFile else _of_tar(archive, file, kind, bounds)
        for count, member in enumerate(each):
            if count == bounds.max_members:
                raise ArchiveError(f"{archive} has more than {bounds.max_members} members.")
            yield member


def is_archive_name(name):
    """Whether a file's name says that it is an archive that `members` reads."""
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


def _of_zip(archive, file, bounds):
    try:
        with zipfile.ZipFile(file) as zipped:
            listed = zipped.infolist()
            total = sum(info.file_size for info in listed)
            if total > bounds.max_total:
                raise ArchiveError(f"{archive} would unpack to {total} bytes, more than {bounds.max_total}.")
            packed = os.fstat(file.fileno()).st_size
            if total > max(bounds.free, bounds.max_ratio * packed):
                raise ArchiveError(f"{archive} would unpack {packed} bytes to {total}, like a bomb.")
            for info in listed:
                path, reason = safe_path(info.filename)
                mode = info.external_attr >> 16
                kind = stat.S_IFMT(mode)
                if not reason and not info.is_dir():
                    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                        reason = "it is a link" if stat.S_ISLNK(mode) else "it is a device"
                    elif info.flag_bits & 1:
                        reason = "it is encrypted"
                reason = reason or _too_large(info.file_size, bounds)
                if reason or not info.is_dir():
                    yield Member(info.filename, path, info.file_size, reason, _pieces_of_zip(zipped, info))
    except ArchiveError:
        raise
    except (*_DAMAGE, NotImplementedError) as error:
        raise ArchiveError(f"{archive} is cut short or damaged: {error}.") from error


def _pieces_of_zip(zipped, info):
    def pieces():
        try:
            with zipped.open(info) as file:
                while piece := file.read(STEP):
                    yield piece
        except (*_DAMAGE, NotImplementedError, RuntimeError) as error:
            raise BadMember(f"it is damaged: {error}") from error

    return pieces


def _of_tar(archive, file, kind, bounds):
    with file if kind is open else kind(file) as unpacked:
        reader = _Forward(archive, file, unpacked, bounds)
        try:
            with tarfile.open(fileobj=reader, mode="r:") as tar:
                while (info := tar.next()) is not None:
                    tar.members.clear()  # tarfile keeps every member: 2 GB for WebLogo-2M.
                    if not 0 <= info.size < 2**63:
                        raise ArchiveError(f"{archive} is damaged: {info.name!r} claims {info.size} bytes.")
                    if info.isdir() and info.name in ("", "."):  # The folder that was packed, which does no harm.
                        continue
                    path, reason = safe_path(info.name)
                    if not reason and not info.isdir():
                        reason = _no_file(info) or _too_large(info.size, bounds)
                    if reason or not info.isdir():
                        yield Member(info.name, path, info.size, reason, _pieces_of_tar(reader, info))
        except ArchiveError:
            raise
        except _DAMAGE as error:
            raise ArchiveError(f"{archive} is cut short or damaged: {error}.") from error
        # tarfile ends without a word at a header that it cannot read; an archive ends with blocks of zeros.
        if reader.last.strip(b"\0") or len(reader.last) < _BLOCK:
            raise ArchiveError(f"{archive} is cut short or damaged: it has no end mark after {reader.position} bytes.")


def _pieces_of_tar(reader, info):
    def pieces():
        reader.seek(info.offset_data)
        left = info.size
        while left:
            piece = reader.read(min(STEP, left))
            if not piece:
                raise ArchiveError(f"{reader.archive} is cut short: {info.name!r} lacks {left} bytes.")
            left -= len(piece)
            yield piece

    return pieces


class _Forward:
    """What tarfile reads from: forward alone, in steps, and no more than the bounds allow."""

    def __init__(self, archive, packed, unpacked, bounds):
        self.archive, self.packed, self.unpacked, self.bounds = archive, packed, unpacked, bounds
        self.position, self.last = 0, b""

    def tell(self):
        return self.position

    def read(self, size):
        if not 0 <= size <= STEP:
            # tarfile reads a long name, or other extras of a header, at once, whatever length they claim.
            raise ArchiveError(f"{self.archive} has a header of {size} bytes, like a bomb.")
        try:
            data = self.unpacked.read(size)
        except _DAMAGE as error:
            raise ArchiveError(f"{self.archive} is cut short or damaged: {error}.") from error
        self.position, self.last = self.position + len(data), data
        if self.position > self.bounds.max_total:
            raise ArchiveError(f"{self.archive} unpacks to more than {self.bounds.max_total} bytes.")
        if self.position > max(self.bounds.free, self.bounds.max_ratio * self.packed.tell()):
            raise ArchiveError(f"{self.archive} unpacks {self.packed.tell()} bytes to {self.position}, like a bomb.")
        return data

    def seek(self, position):
        if position < self.position:
            raise ArchiveError(f"{self.archive} is damaged: it leads back from byte {self.position} to {position}.")
        while position > self.position and self.read(min(STEP, position - self.position)):
            pass


def _no_file(info):
    """Why a tar member is no plain file, or an empty text."""
    if info.issym() or info.islnk():
        return f"it is a link to {info.linkname!r}"
    if info.isdev():
        return "it is a device"
    plain = info.type in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE) and not info.issparse()
    return "" if plain else "it is no plain file"


def _too_large(size, bounds):
    return f"it has {size} bytes, more than {bounds.max_bytes}" if size > bounds.max_bytes else ""


def _is_old_tar(head):
    """Whether a first block has the checksum of a tar header from before `ustar`; a block of zeros is an empty archive."""
    try:
        tarfile.TarInfo.frombuf(head[:_BLOCK], "utf-8", "surrogateescape")
    except tarfile.EOFHeaderError:
        return True
    except tarfile.TarError:
        return False
    return True
