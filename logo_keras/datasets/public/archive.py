"""Archives from strangers: unpacked into a folder or read as a stream of photographs, and never able to do harm."""

import json
import os
import re
import shutil
import stat
import sys
import time
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from logo_keras.datasets.public.members import ArchiveError, BadMember, Bounds, is_archive_name, members
from logo_keras.datasets.tree import SUFFIXES, is_system
from logo_keras.files import replacing, saying_when_full
from logo_keras.image.preprocessing import MAX_BYTES

_SAY_EVERY = 2
_TWINS = "{} files have names that differ from others in letter case only, such as {!r}"
_KEPT = "what is unpacked is kept: make room and try again, it goes on from there"


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


def unpack(archive, folder, bounds=None, say=None):
    """Unpacks an archive into a folder, all of it or nothing.

    Its files are written into a folder `.unpacking-...` inside `folder` first. When the program is killed or the disk is full,
    the next call goes on there. An archive with a member that points outside, a link, a device, or more than `bounds` allow is
    refused, and nothing of it stays. What is in `folder` already and has the right size is left alone. A file
    `.unpacked-ARCHIVE.json` says that it is done; then the next call does nothing.

    Args:
        archive: str or path of a .tar, .tar.gz, .tar.bz2, .tar.xz or .zip file.
        folder: str or path; it is made.
        bounds: Bounds, or None for the usual ones.
        say: function that takes a line of text on how it goes; None prints it to standard error.

    Returns:
        Unpacked.

    Raises:
        ArchiveError: a ValueError that names the archive, and the member where there is one.
        FileExistsError: if a file of another size, or a link, is where a member belongs. Links in `folder` are not followed.
        OSError: if it cannot be read or written.
    """
    archive, folder, say = Path(archive), Path(folder), say or (lambda line: print(line, file=sys.stderr))
    found = archive.stat()
    known = {"size": found.st_size, "changed": found.st_mtime_ns}
    stamp = folder / f".unpacked-{archive.name}.json"
    done = _read(stamp)
    if done and known == {key: done.get(key) for key in known}:
        inner = tuple(folder / path for path in done["archives"] if (folder / path).is_file())
        return Unpacked(done["count"], inner, tuple(done["notes"]))
    place = folder / f".unpacking-{archive.name}-{found.st_size:x}-{found.st_mtime_ns:x}"
    place.mkdir(parents=True, exist_ok=True)
    # The same folder under another name: a file system that does not tell letter case apart.
    blind = (folder / place.name.swapcase()).exists()
    try:
        count, inner, notes = _write(archive, place, folder, bounds or Bounds(), blind, say)
    except (ArchiveError, FileExistsError):
        shutil.rmtree(place)
        raise
    _settle(place, folder)
    with replacing(stamp) as temporary:
        text = json.dumps(known | {"count": count, "archives": inner, "notes": notes}, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")
    return Unpacked(count, tuple(folder / path for path in inner), tuple(notes))


def stream(archives, suffixes=SUFFIXES, bounds=None, refused=None):
    """Reads photographs straight from archives, without unpacking them.

    Args:
        archives: path of an archive, or several, in the order to read.
        suffixes: tuple of str, what the names of photographs end with, in lower case; others are passed over, hidden ones too.
        bounds: Bounds, of each archive; None for the usual ones, with at most 256 MiB a photograph.
        refused: function of an archive's path, a member's name and the reason, called for each that is left out; None prints
            them to standard error.

    Yields:
        str and bytes: the path in the archive, relative, with `/`, and the file's content. A path may come twice.

    Raises:
        ArchiveError: a ValueError that names the archive, after what it had, if it is cut short, damaged or beyond `bounds`.
        OSError: if an archive cannot be opened.
    """
    bounds = bounds or replace(Bounds(), max_bytes=MAX_BYTES)
    refused = refused or (lambda *what: print("{}: {!r} is left out: {}".format(*what), file=sys.stderr))
    for archive in [archives] if isinstance(archives, (str, os.PathLike)) else archives:
        for member in members(Path(archive), bounds):
            name = member.name.rpartition("/")[2]
            if name.startswith(".") or not name.lower().endswith(suffixes) or any(map(is_system, member.name.split("/"))):
                continue
            reason = member.reason
            if not reason:
                try:
                    data = b"".join(member.pieces())
                except BadMember as error:
                    reason = str(error)
            if reason:
                refused(str(archive), member.name, reason)
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


def _write(archive, place, folder, bounds, blind, say):
    """Writes the members into `place`; gives their count, the paths of archives among them, and notes."""
    spelling, twins, ways, inner, said, count = _Spelling(), [], set(), [], time.monotonic(), 0
    for member in members(archive, bounds):
        if member.reason:
            raise ArchiveError(f"{archive}: {member.name!r} is refused: {member.reason}. Nothing of the archive is unpacked.")
        way = member.path.rpartition("/")[0]
        if way not in ways:
            _check_way(folder, way)
            ways.add(way)
        if spelling.is_twin(way, member.path):
            twins.append(member.path)
        if is_archive_name(member.path):
            inner.append(member.path)
        count += 1
        if not _is_there(folder / member.path, member.size):
            _write_member(archive, place / member.path, member)
        if time.monotonic() - said > _SAY_EVERY:
            said = time.monotonic()
            say(f"{archive.name}: {count} files")
    notes = [f"{archive.name}: {_TWINS.format(len(twins), twins[0])}"] if twins else []
    if notes and blind:
        raise ArchiveError(f"{notes[0]}, and {folder} does not tell these apart. Unpack it on a file system that does.")
    return count, inner, notes


class _Spelling:
    """Finds paths that differ from earlier ones in letter case only. It keeps hashes: 2 million paths are 400 MB."""

    def __init__(self):
        self.folders, self.exact, self.plain = {}, set(), set()

    def is_twin(self, folder, path):
        exact, plain = hash(path), hash(path.casefold())
        twin = self.folders.setdefault(folder.casefold(), folder) != folder or (plain in self.plain and exact not in self.exact)
        self.exact.add(exact)
        self.plain.add(plain)
        return twin


def _write_member(archive, path, member):
    if _size(path) == member.size:  # Written before the program was killed.
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with saying_when_full(path, _KEPT), open(path, "wb") as file:
            for piece in member.pieces():
                file.write(piece)
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise ArchiveError(f"{archive}: {member.name!r} has the name of a file and of a folder.") from error
    except BadMember as error:
        raise ArchiveError(f"{archive}: {member.name!r}: {error}.") from error
    if _size(path) != member.size:
        raise ArchiveError(f"{archive}: {member.name!r} has other than {member.size} bytes.")


def _size(path):
    """The size of a plain file, -1 of whatever else is there, None of nothing."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def _is_there(path, size):
    """Whether a file is in its place already; refuses to overwrite another one."""
    found = _size(path)
    if found not in (None, size):
        raise FileExistsError(f"{path} is there and is not the file of {size} bytes that belongs there: move it away.")
    return found is not None


def _check_way(folder, way):
    """Refuses links and files where the folders of a member belong: what lies behind a link is not the folder's."""
    for part in accumulate(way.split("/") if way else (), "{}/{}".format):
        path = folder / part
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise FileExistsError(f"{path} is a link or a file, wanted a folder: move it away.")


def _settle(place, folder):
    """Moves what was unpacked to where it belongs."""
    for way, _, files in os.walk(place):
        target = folder / Path(way).relative_to(place)
        target.mkdir(parents=True, exist_ok=True)
        for name in files:
            os.replace(os.path.join(way, name), target / name)
    shutil.rmtree(place)


def _read(stamp):
    try:
        done = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return done if isinstance(done, dict) and {"count", "archives", "notes"} <= set(done) else None
