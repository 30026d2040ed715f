"""A public data set in a folder: its files downloaded and unpacked, or the words for what a person has to do."""

import re
import urllib.parse
from pathlib import Path

from logo_keras.datasets.about import Download
from logo_keras.datasets.public.archive import ArchiveError, NoArchive, is_archive_name, parts, safe_path, unpack
from logo_keras.download import NotThere, download
from logo_keras.errors import UserError

_NUMBER = "{number}"
# A server that has every file it is asked for must not be asked for ever.
_MOST_PARTS = 1000


def get(about, folder, urls=(), sha256=(), unpacking=True):
    """Gets a public data set as far as that needs no person. What is there already is not fetched or unpacked again.

    Prints what was got and how it was checked.

    Args:
        about: About.
        folder: str or path; it is made.
        urls: str each, `URL` or `FILE=URL`: where to get a file instead of from the official address, or a file that has none.
        sha256: str each, `FILE=DIGITS`, or `DIGITS` if there is one file: what to compare it with.
        unpacking: bool, whether archives are unpacked.

    Returns:
        Path, what `logo_keras.datasets.load` takes; and a list of str, the files that a person still has to put there.

    Raises:
        ValueError: if an address or digest does not fit, or an archive is refused.
        OSError: if a file cannot be fetched or written.
    """
    folder, wanted = Path(folder), _wanted(about, urls)
    digests = _digests(wanted, sha256)
    folder.mkdir(parents=True, exist_ok=True)
    fetched = {file.path: file.new for each in wanted for file in _fetch(each, folder, digests)}
    # Where no file is known, nobody knows either what the archive is called.
    by_hand = map(folder.joinpath, about.by_hand) if about.downloads or about.by_hand else parts(folder)
    archives = [path for path in dict.fromkeys([*fetched, *by_hand]) if is_archive_name(path) and path.is_file()]
    for archive in archives if unpacking else ():
        for inner in _unpack(archive, folder, fetched.get(archive)):
            _unpack(inner, inner.parent)
    for packed in sorted(path for path in folder.iterdir() if path.suffix.lower() in (".rar", ".7z")):
        print(f"{packed.name} has to be unpacked by hand: 7z x {packed}, or unrar x {packed}, in {folder}.")
    root = folder / about.folder
    there = bool(archives) or (root != folder and root.is_dir())
    missing = [name for name in about.by_hand if not (folder / name).exists() and not (is_archive_name(name) and there)]
    if not (there or fetched or about.by_hand):
        missing = ["the archive"]
    return (root if root.is_dir() else folder), missing


def _wanted(about, urls):
    """The files to fetch, by their names: the official ones, some from elsewhere, and others."""
    wanted = {each.path: each for each in about.downloads}
    for text in urls:
        name, url = re.fullmatch(r"(?:([^:/?#=]+)=)?(.*)", text, re.DOTALL).groups()
        file = name or urllib.parse.unquote(urllib.parse.urlsplit(url).path).rpartition("/")[2]
        official = next((each for each in about.downloads if _matches(each, file)), None)
        if not (official or name or file in about.by_hand) and len(about.downloads) == 1 and is_archive_name(file):
            official = about.downloads[0]  # A mirror may call the only file by another name.
        if official and name in (None, official.path) and (_NUMBER in url) == (_NUMBER in official.url):
            file = official.path
        elif not file or safe_path(file) != (file, "") or _NUMBER in file:
            raise UserError(f"say what the file is called, as FILE=URL, got {text!r}.")
        elif official:  # One part of several: then the others are not asked for.
            wanted.pop(official.path, None)
        wanted[file] = Download(url, file)
    return tuple(wanted.values())


def _digests(wanted, sha256):
    """The SHA-256 of files, by the files' names."""
    digests = {}
    for each in sha256:
        file, _, digits = each.rpartition("=")
        if not file and (len(wanted) != 1 or _NUMBER in wanted[0].path):
            raise UserError(f"say of which file {each!r} is the SHA-256, as FILE=DIGITS.")
        file = file or wanted[0].path
        if not any(_matches(known, file) for known in wanted):
            names = ", ".join(known.path for known in wanted) or "none"
            raise UserError(f"{file!r} is not fetched, so it has no SHA-256; these are: {names}.")
        digests[file] = digits
    return digests


def _matches(each, file):
    """Whether a file is a Download, or one of its parts."""
    return re.fullmatch(re.escape(each.path).replace(re.escape(_NUMBER), "[0-9]+"), file) or file == each.path


def _fetch(wanted, folder, digests):
    """Fetches a file, or its parts until the server has no more; gives them as Fetched."""
    for number in range(1, _MOST_PARTS + 1 if _NUMBER in wanted.url else 2):
        url, path = (text.replace(_NUMBER, str(number)) for text in (wanted.url, wanted.path))
        try:
            file = download(url, folder / path, digests.get(path))
        except NotThere:
            if number == 1:
                raise
            print(f"The server has no {path}; how many parts there are is not published.")
            return
        checked = "the SHA-256 that it must have"
        if path not in digests:
            checked = "complete as the server says" if file.new else "there already"
            checked += "; no checksum is published to compare it with"
        print(f"{path}: {file.size} bytes, SHA-256 {file.sha256}, {checked}.")
        yield file


def _unpack(archive, folder, new=False):
    """Unpacks an archive into the folder; gives the archives that were in it."""
    try:
        done = unpack(archive, folder)
    except NoArchive as error:
        if not new:
            raise
        # A page that asks to log in, as often as not: left there, it would be taken for the file next time.
        archive.unlink()
        raise NoArchive(f"{error} It is removed.") from error
    except ArchiveError as error:
        raise ArchiveError(f"{error} Delete {archive} to fetch it again.") from error
    print(f"{archive.name}: {done.count} files unpacked.", *done.notes, sep="\n")
    return done.archives
