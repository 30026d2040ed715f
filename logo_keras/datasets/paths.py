"""Photos by the paths that lists and annotation files give them, whatever machine and tool wrote these."""

import functools
import os
import re
import unicodedata
import urllib.parse

from logo_keras.datasets.classes import composed
from logo_keras.datasets.tree import some
from logo_keras.errors import UserError

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# What Label Studio puts before the names of files that are uploaded.
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")
# Parts of an address that hold the path: Label Studio's local files, and what others call it.
_PARAMETERS = ("d", "path", "file", "filename", "src", "url")


class Finder:
    """Finds photos on the disk.

    A path is tried as it is written; with `/` for every backslash; without the address before it, the question after it and
    percent signs in it; of an absolute path or an address, every end, the longest first; in both Unicode forms; in other
    letter case. What is found nowhere is searched by its file name alone, with and without the prefix of an upload. A name
    that several photos have is not guessed.

    Args:
        places: iterable of str, absolute: folders in which paths may start, in the order to try them.
        known: function without arguments that lists the photos to search by name: iterable of str, absolute.
        exists: function of a path, whether there is such a photo.
        ends: bool, whether every end of a relative path is tried, too.
    """

    def __init__(self, places, known, exists=os.path.isfile, ends=False):
        self.places = list(dict.fromkeys(places))
        self._known, self._exists, self._ends = known, exists, ends
        # Where the last one was found, and how many folders of its path were left out.
        self._last, self._dropped = self.places[0], 0
        self._by_name, self._missing, self._count = [], [], 0

    def find(self, name):
        """Finds one.

        Args:
            name: str, as written.

        Returns:
            str, its path, or None if there is none. Both are kept for `notes`.
        """
        self._count += 1
        for written in spellings(name, self._ends):
            for place in (self._last, *self.places):
                path = os.path.normpath(os.path.join(place, written))
                if self._exists(path):
                    self._last, self._dropped = place, max(0, _slashes(name).count("/") - written.count("/"))
                    return path
        folded, names = self._names
        for written in spellings(name):
            for place in self.places:
                found = folded.get(_folded(os.path.join(place, written)), ())
                if len(found) == 1:
                    return found[0]
        keys = (key for written in spellings(name) for key in _keys(written.rpartition("/")[2]))
        found = next((names[key] for key in keys if key in names), ())
        path = found[0] if len(found) == 1 else None
        (self._by_name if path else self._missing).append(name)
        return path

    def guess(self, name):
        """Where a photo that is not there should lie: beside the last one that was found, with its folders. A path."""
        *folders, last = _slashes(name).split("/")
        return os.path.normpath(os.path.join(self._last, *folders[self._dropped :], last))

    def notes(self, source, others=0):
        """What a report must say of the paths.

        Args:
            source: str, what gave the paths, for instance a file.
            others: int, photos of the source that were found without this Finder.

        Returns:
            List of str.
        """
        notes = []
        if self._by_name:
            found = some(self._by_name)
            notes.append(
                f"photographs found by their file names alone, since {source} has other paths: {len(self._by_name)} ({found})"
            )
        if self._missing and not others and len(self._missing) == self._count:
            notes.append(
                f"none of the {self._count} photographs that {source} names was found in {', '.join(self.places)}: "
                f"put them there, or correct paths such as {self._missing[0]!r}"
            )
        return notes

    @functools.cached_property
    def _names(self):
        """The photos by their paths without letter case, and by what their file names are found by: two dicts of lists."""
        folded, names = {}, {}
        for path in dict.fromkeys(self._known()):
            folded.setdefault(_folded(path), []).append(path)
            for key in _keys(os.path.basename(path)):
                names.setdefault(key, []).append(path)
        return folded, names


def inside(root, name, file, number):
    """The path of a photo that a line names, which must lie inside the root.

    Args:
        root: str.
        name: str, with `/` between folders.
        file: path of the list.
        number: int, of the line.

    Returns:
        str.

    Raises:
        ValueError: if the name is empty, absolute, or leads up by `..`; the error names file and line.
    """
    if not name or is_away(name) or "\0" in name or ".." in name.split("/"):
        raise UserError(f"{file}:{number}: {name!r} does not lie inside {root}: give its path from there, without '..'.")
    return f"{root}/{name}"


def is_away(name):
    """Whether a path is absolute, leads up, or is an address: none that lies in a data set's folder as it is written.

    Args:
        name: str, with `/` between folders.

    Returns:
        bool.
    """
    return name.startswith(("/", "../")) or name[1:2] == ":" or _ADDRESS.match(name) is not None


def is_written_elsewhere(name):
    """Whether a path may have to be searched, as other systems and tools write it.

    Args:
        name: str.

    Returns:
        bool.
    """
    return not name.isascii() or any(mark in name for mark in "\\%?#") or is_away(name)


def spellings(name, ends=False):
    """What a written path may mean.

    Args:
        name: str, as written.
        ends: bool, whether every end of a relative path counts, too.

    Yields:
        str, the likeliest first, each once.
    """
    yield name
    seen = {name}
    for plain, away in _meanings(_slashes(name)):
        parts = plain.split("/")
        for end in ["/".join(parts[start:]) for start in range(len(parts) if away or ends else 1)]:
            # Not an absolute path to elsewhere: only what is written may lead there.
            for form in (end, *_forms(end)):
                if form and form not in seen:
                    seen.add(form)
                    yield form


def _meanings(name):
    """Paths with `/`, and whether each may start on another machine."""
    yield name, is_away(name)
    address = _ADDRESS.match(name)
    # The server's name, or nothing in file:///path.
    path = name[address.end() :].partition("/")[2] if address else name
    path, _, query = path.partition("?")
    parameters = urllib.parse.parse_qs(query, errors="surrogateescape")
    for key in _PARAMETERS:
        for value in parameters.get(key, ()):
            yield _slashes(value).lstrip("/"), True
    away = bool(address or query) or is_away(name)
    for plain in (path, path.partition("#")[0]):
        yield plain, away
        # Some write an address into another, and its percent signs are quoted once more.
        for _ in range(2):
            if "%" in plain:
                plain = urllib.parse.unquote(plain, errors="surrogateescape")
                yield _slashes(plain), away
        if away and "+" in plain:
            yield plain.replace("+", " "), away


def _slashes(name):
    return name.replace("\\", "/")


def _folded(path):
    return composed(os.path.normpath(path)).casefold()


def _forms(name):
    """A path in the other Unicode forms, and as bytes that only Windows-1252 reads as this name."""
    if name.isascii():
        return
    yield unicodedata.normalize("NFC", name)
    yield unicodedata.normalize("NFD", name)
    try:
        yield os.fsdecode(name.encode("cp1252"))
    except UnicodeEncodeError:
        pass


def _keys(name):
    """By what a file name is found: itself, whatever its letter case, without the prefix of an upload, both."""
    name = composed(name)
    bare = _UPLOADED.sub("", name, count=1)
    return enumerate((name, name.casefold(), bare, bare.casefold())) if name else ()
