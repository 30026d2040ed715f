"""Folders of photos: what in them is a photo, what is skipped, and where a set lies."""

import os
import re
from pathlib import Path

from logo_keras.datasets.textfile import contents
from logo_keras.errors import UserError
from logo_keras.files import MARK
from logo_keras.image import containers
from logo_keras.image.containers import SUFFIXES

# Files that lie among photos by the million. They are not opened to see whether they are photos.
_TEXTS = (".txt", ".xml", ".json", ".csv", ".yaml", ".yml", ".names", ".data", ".labels", ".md")
# What file systems, servers and desktops leave in folders: Synology, QNAP, Windows, Linux, macOS, GNOME, Samba, IDEs.
_SYSTEM = frozenset(
    (
        *("@eadir", "@tmp", "@recycle", "@recently-snapshot", "@sharebin", "#recycle", "#snapshot", ".@__thumb", ".synology"),
        *("$recycle.bin", "recycler", "recycled", "system volume information", "found.000", "msocache", "thumbs.db"),
        *("ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "lost+found", ".thumbnails", ".directory", ".trash", ".trashes"),
        *(".trash-1000", "__macosx", ".appledouble", ".appledb", ".appledesktop", ".ds_store", ".fseventsd", "icon\r"),
        *(".spotlight-v100", ".temporaryitems", ".documentrevisions-v100", "network trash folder", "temporary items"),
        *(".dropbox.cache", ".picasa.ini", "picasa.ini", ".picasaoriginals", ".ipynb_checkpoints", "__pycache__"),
        *(".stfolder", ".stversions", ".sync", ".git", ".svn"),
    )
)
_TRASH = re.compile(r"\.trash-\d+|found\.\d{3}|~snapshot|\.snapshots?")
# What this package and others write beside photos.
_WRITTEN = frozenset({MARK, "CACHEDIR.TAG", "held_out.json", "saved_model.pb", "keras_metadata.pb"})
_WRITTEN_SUFFIXES = (".keras", ".tflite", ".onnx", ".square", ".engine")
# How deep files lie in what programs write (a cache, Triton's REPOSITORY/MODEL/VERSION), and how many folders are searched.
_WRITTEN_DEPTH, _WRITTEN_WIDTH = 3, 32
# Bytes that tell an image from another file.
_HEAD = 64
# Folders inside the root that are searched for a set: an archive is often unpacked into a folder of its own, and holds one.
_DEPTH = 2
# Names of files that an error or a note lists.
_NAMED, _NOTED = 3, 5

SYSTEM = "files and folders of file systems and servers, skipped"
WRITTEN = "folders that programs wrote, such as runs, caches and exported models, skipped"
OTHER = "files that are no photographs, skipped"
BARE = "folders that hold texts and no photographs, skipped"
BESIDE = "photographs that lie in no brand's folder, skipped"
INSIDE = "folders inside the folders of brands, skipped"


class Skipped:
    """What was left out while photos were searched for."""

    def __init__(self):
        self._paths = {}

    def add(self, path, why):
        """Notes a path.

        Args:
            path: str.
            why: str, one of the constants of this module.
        """
        self._paths[path] = why

    @property
    def paths(self):
        """All of them, sorted: tuple of str."""
        return tuple(sorted(self._paths))

    def notes(self):
        """What a report must say: list of str, one a kind, with the number and the first names."""
        kinds = {}
        for path, why in sorted(self._paths.items()):
            kinds.setdefault(why, []).append(os.path.basename(path))
        return [f"{why}: {len(names)} ({some(list(dict.fromkeys(names)))})" for why, names in kinds.items()]


def some(names):
    """The first of many names, for a note.

    Args:
        names: list of str.

    Returns:
        str.
    """
    return ", ".join(names[:_NOTED]) + (", ..." if names[_NOTED:] else "")


def is_system(name):
    """Whether a file or folder of this name belongs to a file system, a server or a desktop, not to a data set.

    Args:
        name: str.

    Returns:
        bool.
    """
    # macOS leaves ._NAME.jpg, which is no photo, beside NAME.jpg on foreign file systems.
    return name.startswith("._") or (low := name.lower()) in _SYSTEM or _TRASH.fullmatch(low) is not None


def is_written(folder, names):
    """Whether a program wrote a folder: a run, a cache, an exported model; or marked it as its own.

    Args:
        folder: str.
        names: collection of str, what the folder holds.

    Returns:
        bool.
    """
    if not _WRITTEN.isdisjoint(names) or any(name.endswith(_WRITTEN_SUFFIXES) for name in names):
        return True
    # A cache, a run that has not ended, exported models in folders of their own.
    return not any(name.lower().endswith(SUFFIXES) for name in names) and _holds_only_written(folder)


def is_photograph(path, texts=False):
    """Whether a file is a photo: by its suffix, else by how it begins.

    Args:
        path: str.
        texts: bool, whether files whose names end like those of texts are looked into, too.

    Returns:
        bool. Whoever has the suffix of a photo is one, even where it cannot be read: a report names it.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix in SUFFIXES:
        return True
    # A named pipe would be waited for.
    if suffix in _TEXTS and not texts or not os.path.isfile(path):
        return False
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return containers.kind(head) is not None


def is_text(name):
    """Whether a file's name ends like that of a text or a table."""
    return name.lower().endswith((*_TEXTS, ".html", ".log", ".tsv"))


def walk(folder, skipped=None):
    """Walks through a folder. Links are followed, though no folder is visited twice.

    Hidden files and folders are left out, and what `is_system` or `is_written` says.

    Args:
        folder: str.
        skipped: Skipped, that gets what is left out, but for hidden files.

    Yields:
        Tuples of a folder's path and the sorted names of the files in it; folders come sorted.
    """
    skipped, visited = skipped or Skipped(), set()
    for place, folders, files in os.walk(folder, followlinks=True):
        # A link to a folder above would lead round in a circle.
        real = os.path.realpath(place)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        if place != folder and is_written(place, {*folders, *files}):
            skipped.add(place, WRITTEN)
            folders.clear()
            continue
        for name in filter(is_system, (*folders, *files)):
            skipped.add(os.path.join(place, name), SYSTEM)
        folders[:] = sorted(name for name in folders if not _is_left_out(name))
        yield place, sorted(name for name in files if not _is_left_out(name))


def photographs_in(folder, skipped=None):
    """Lists the photos in a folder and in those inside it, as `walk` goes.

    Args:
        folder: str.
        skipped: Skipped, that gets what is left out, but for hidden files and texts.

    Yields:
        str, paths.
    """
    skipped = skipped or Skipped()
    for place, files in walk(folder, skipped):
        for name in files:
            path = os.path.join(place, name)
            if is_photograph(path):
                yield path
            elif not name.lower().endswith(_TEXTS):
                skipped.add(path, OTHER)


def find_folder(root, names, title):
    """The folder that holds a set: the root, or the one folder in it, up to two levels down, that has one of the names.

    Args:
        root: str or path.
        names: iterable of str, files or folders.
        title: str, what the set is called in errors.

    Returns:
        Path, absolute.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if several folders on one level have one.
    """
    root, names = Path(os.path.abspath(root)), tuple(names)
    level = [root]
    for _ in range(_DEPTH + 1):
        found = [folder for folder in level if any(os.path.exists(os.path.join(folder, name)) for name in names)]
        if len(found) > 1:
            raise UserError(f"{root} holds {title} several times: give one of {', '.join(map(str, found))} as root.")
        if found:
            return Path(found[0])
        level = [path for folder in level if os.path.isdir(folder) for path in folders_in(folder)]
    wanted = " or ".join(names[:_NAMED]) + (" or the like" if names[_NAMED:] else "")
    raise FileNotFoundError(f"{root} is no {title}: neither it nor a folder in it has {wanted}; {contents(root)}.")


def folders_in(folder):
    """The folders in one, without hidden ones and those of file systems.

    Args:
        folder: str or path.

    Returns:
        List of str, paths, sorted.
    """
    with os.scandir(folder) as entries:
        return sorted(entry.path for entry in entries if not _is_left_out(entry.name) and entry.is_dir())


def _holds_only_written(folder):
    """Whether what programs wrote lies in the folders of a folder, and no photo."""
    found = False
    for place, folders, files in os.walk(folder):
        if any(name.lower().endswith(SUFFIXES) for name in files):
            return False
        if place.count(os.sep) - str(folder).count(os.sep) >= _WRITTEN_DEPTH:
            folders.clear()
        # Of a set of brands the first folder holds photos; others are not searched for long.
        del folders[_WRITTEN_WIDTH:]
        found = found or not _WRITTEN.isdisjoint(files) or any(name.endswith(_WRITTEN_SUFFIXES) for name in files)
    return found


def _is_left_out(name):
    return name.startswith(".") or is_system(name)
