"""A public data set in a folder: its files downloaded and unpacked, or the words for what a person has to do."""

import re
import urllib.parse
from dataclasses import dataclass, replace
from pathlib import Path

from logo_keras.datasets.about import Download
from logo_keras.datasets.public.archive import parts, unpack
from logo_keras.datasets.public.members import ArchiveError, NoArchive, is_archive_name, safe_path
from logo_keras.download import NotThere, download

_NUMBER = "{number}"
# A server that has every file it is asked for must not be asked for ever.
_MOST_PARTS = 1000


@dataclass(frozen=True)
class Got:
    """A data set in a folder.

    Attributes:
        root: Path, what `logo_keras.datasets.load` takes.
        files: tuple of `logo_keras.download.Fetched`.
        missing: tuple of str, the files that a person still has to put there.
    """

    root: Path
    files: tuple = ()
    missing: tuple = ()


def get(about, folder, urls=(), sha256=(), unpacking=True, say=print, progress=None):
    """Gets a public data set as far as that needs no person. What is there already is not fetched or unpacked again.

    Args:
        about: About.
        folder: str or path; it is made.
        urls: str each, `URL` or `FILE=URL`: where to get a file instead of from the official address, or a file that has none.
        sha256: str each, `FILE=DIGITS`, or `DIGITS` if there is one file: what to compare it with.
        unpacking: bool, whether archives are unpacked.
        say: function that takes a line of text on what was got and how it was checked.
        progress: function that takes a line of text on how it goes; None prints it to standard error.

    Returns:
        Got.

    Raises:
        ValueError: if an address or digest does not fit, or an archive is refused.
        OSError: if a file cannot be fetched or written.
    """
    folder, wanted = Path(folder), _wanted(about, urls)
    digests = _digests(wanted, sha256)
    folder.mkdir(parents=True, exist_ok=True)
    files = [file for each in wanted for file in _fetch(each, folder, digests, say, progress)]
    archives = [file.path for file in files if is_archive_name(file.path)]
    archives += [folder / name for name in about.by_hand if is_archive_name(name) and (folder / name).is_file()]
    if not (about.downloads or about.by_hand):
        # What its archive is called is not known.
        archives += parts(folder)
    for archive in dict.fromkeys(archives if unpacking else ()):
        for inner in _unpack(archive, folder, {file.path for file in files if file.new}, say, progress):
            _unpack(inner, inner.parent, (), say, progress)
    for packed in sorted(path for path in folder.iterdir() if path.suffix.lower() in (".rar", ".7z")):
        say(f"{packed.name} has to be unpacked by hand: 7z x {packed}, or unrar x {packed}, in {folder}.")
    root = folder / about.folder
    there = bool(archives) or (root != folder and root.is_dir())
    missing = [name for name in about.by_hand if not (folder / name).exists() and not (is_archive_name(name) and there)]
    if not (there or files or about.by_hand):
        missing = ["the archive"]
    return Got(root if root.is_dir() else folder, tuple(files), tuple(missing))


def _wanted(about, urls):
    """The files to fetch: the official ones, some from elsewhere, and others."""
    wanted = {each.path: each for each in about.downloads}
    for text in urls:
        name, url = re.fullmatch(r"(?:([^:/?#=]+)=)?(.*)", text, re.DOTALL).groups()
        file = name or urllib.parse.unquote(urllib.parse.urlsplit(url).path).rpartition("/")[2]
        official = [each for each in about.downloads if _matches(each, file)]
        if not (official or name or file in about.by_hand) and len(about.downloads) == 1 and is_archive_name(file):
            official = list(about.downloads)  # A mirror may call the only file by another name.
        if official and (name is None or file == official[0].path) and (_NUMBER in url) == (_NUMBER in official[0].url):
            wanted[official[0].path] = replace(official[0], url=url)
            continue
        if not file or safe_path(file) != (file, "") or _NUMBER in file:
            raise ValueError(f"say what the file is called, as FILE=URL, got {text!r}.")
        if official:  # One part of several: then the others are not asked for.
            wanted.pop(official[0].path, None)
        wanted[file] = Download(url, file)
    return tuple(wanted.values())


def _digests(wanted, sha256):
    """The SHA-256 of files, by the files' names."""
    digests = {}
    for each in sha256:
        file, _, digits = each.rpartition("=")
        if not file and (len(wanted) != 1 or _NUMBER in wanted[0].path):
            raise ValueError(f"say of which file {each!r} is the SHA-256, as FILE=DIGITS.")
        file = file or wanted[0].path
        if not any(_matches(known, file) for known in wanted):
            names = ", ".join(known.path for known in wanted) or "none"
            raise ValueError(f"{file!r} is not fetched, so it has no SHA-256; these are: {names}.")
        digests[file] = digits
    return digests


def _fetch(wanted, folder, digests, say, progress):
    """Fetches a file, or all its parts."""
    files = []
    for part in _parts(wanted):
        part = replace(part, sha256=digests.get(part.path, part.sha256))
        try:
            fetched = download(part.url, folder / part.path, part.size, part.sha256)
        except NotThere:
            if not files:
                raise
            say(f"The server has no {part.path}; how many parts there are is not published.")
            break
        files.append(fetched)
        say(f"{fetched.path.name}: {fetched.size} bytes, SHA-256 {fetched.sha256}, {_checked(part, fetched)}.")
    return files


def _matches(each, file):
    """Whether a file is a Download, or one of its parts."""
    return file == each.path or re.fullmatch(re.escape(each.path).replace(re.escape(_NUMBER), "[0-9]+"), file) is not None


def _parts(each):
    if _NUMBER not in each.url:
        return [each]
    numbers = range(1, _MOST_PARTS + 1)
    return (replace(each, url=each.url.replace(_NUMBER, str(n)), path=each.path.replace(_NUMBER, str(n))) for n in numbers)


def _checked(part, fetched):
    """How a file was checked, as text."""
    known = [name for name, value in (("size", part.size), ("SHA-256", part.sha256)) if value is not None]
    if known:
        return f"the {' and '.join(known)} that it must have"
    length = "complete as the server says" if fetched.new else "there already"
    return f"{length}; neither size nor checksum is published to compare it with"


def _unpack(archive, folder, new, say, progress):
    """Unpacks an archive into the folder; gives the archives that were in it."""
    try:
        done = unpack(archive, folder, say=progress)
    except NoArchive as error:
        if archive not in new:
            raise
        # A page that asks to log in, as often as not: left there, it would be taken for the file next time.
        archive.unlink()
        raise NoArchive(f"{error} It is removed.") from error
    except ArchiveError as error:
        raise ArchiveError(f"{error} Delete {archive} to fetch it again.") from error
    for line in (f"{archive.name}: {done.count} files unpacked.", *done.notes):
        say(line)
    return done.archives
