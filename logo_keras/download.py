"""A file from the web: resumed where it broke off, checked where that is possible, never taken for complete when it is not."""

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import sys
import time
import urllib.error
from dataclasses import dataclass
from pathlib import Path

from logo_keras.disk import check_room, saying_when_full
from logo_keras.locks import lock
from logo_keras.web import Broken, check_address, open_address, pieces

# Seconds without an answer, or with next to none, after which a connection counts as broken.
PATIENCE = 30
# Breaks in a row, with less than a megabyte between them, after which it is given up. The pauses double from a second.
TRIES = 5
_PROGRESS = 1 << 20
_LONGEST_PAUSE = 60
# A server that sends without end must not fill the disk. The parts of WebLogo-2M, the largest public set, have some 30 GB.
MAX_BYTES = 256 * 2**30
_SAY_EVERY = 2
_KEPT = "what has come is kept: make room and try again, it goes on from there"
# Answers after which a later try may go better: RFC 9110, section 15; 429: RFC 6585.
_PASSING = {408, 425, 429, 500, 502, 503, 504}


class NotThere(ConnectionError):
    """The server says that it has no such file (404 or 410)."""


class _Changed(Broken):
    """What has come so far is not the beginning of the file."""


@dataclass(frozen=True)
class Fetched:
    """A complete file.

    Attributes:
        path: Path.
        size: int, bytes.
        sha256: str, hexadecimal.
        new: bool, whether it came from the web in this call.
    """

    path: Path
    size: int
    sha256: str
    new: bool


@dataclass(frozen=True)
class _Wanted:
    """What is fetched, and what is known of it."""

    url: str
    part: Path
    size: int | None
    sha256: str | None
    patience: float
    max_bytes: int
    say: object

    @property
    def state(self):
        """The file that keeps what the server said of the file when its first bytes came: ETag, date, length."""
        return self.part.with_name(f"{self.part.name}.json")

    def said(self):
        try:
            said = json.loads(self.state.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def done(self):
        return self.part.stat().st_size if self.part.exists() else 0

    def forget(self):
        self.part.unlink(missing_ok=True)
        self.state.unlink(missing_ok=True)


def download(url, path, size=None, sha256=None, tries=TRIES, patience=PATIENCE, max_bytes=MAX_BYTES, say=None):
    """Fetches a file, or finds it there.

    What has come lies in `PATH.part` and stays when the connection or the program ends: the next try goes on from there, in this
    call or another. The server is asked whether the file is still the same, by the ETag or date that `PATH.part.json` keeps;
    without these, and without `sha256`, the next try starts anew. When all has come, it is renamed to `path`.

    Args:
        url: str, http or https.
        path: str or path of the file to write. Its folder is made.
        size: int, the bytes that it must have, or None.
        sha256: str, the SHA-256 that it must have, in hexadecimal digits, or its first eight or more; or None.
        tries: int, how often to try without getting on.
        patience: float, seconds without data after which the connection counts as broken.
        max_bytes: int, the largest file that is fetched.
        say: function that takes a line of text on how it goes; None prints it to standard error.

    Returns:
        Fetched.

    Raises:
        ValueError: if the address is not http or https, or the SHA-256 is none.
        NotThere: if the server has no such file.
        OSError: if it cannot be fetched or written, or something else came; says what is kept.
    """
    path, say = Path(path), say or (lambda line: print(line, file=sys.stderr))
    check_address(url)
    if sha256 is not None and not re.fullmatch("[0-9a-fA-F]{8,64}", sha256):
        raise ValueError(f"a SHA-256 must be 64 hexadecimal digits, or the first eight or more of them, got {sha256!r}.")
    if path.is_file():
        found = _fetched(path, new=False)
        if not (wrong := _wrong(found, size, sha256)):
            return found
        say(f"{path} is damaged ({wrong}) and is fetched again.")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, wanted the place of a file.")
    path.parent.mkdir(parents=True, exist_ok=True)
    wanted = _Wanted(url, path.with_name(f"{path.name}.part"), size, sha256, patience, max_bytes, say)
    with _alone(wanted):
        if path.is_file() and not _wrong(there := _fetched(path, new=False), size, sha256):
            # Another process has fetched it in the meantime.
            return there
        _complete(wanted, tries)
        found = _fetched(wanted.part, new=True)
        if wrong := _wrong(found, size, sha256):
            wanted.forget()
            raise ConnectionError(f"what came from {url} is not the file: {wrong}; it is removed")
        os.replace(wanted.part, path)
        wanted.forget()
        return Fetched(path, found.size, found.sha256, new=True)


def _alone(wanted):
    """Waits while another process fetches the same file: its connection breaks off at some time, and so does the wait."""
    # A device that only runs models need not have filelock.
    if importlib.util.find_spec("filelock") is None:
        return contextlib.nullcontext()
    waiting = f"{wanted.part.stem}: another process is fetching it; waiting for that"
    return lock(wanted.part.with_name(f"{wanted.part.name}.lock"), lambda: wanted.say(waiting))


def _complete(wanted, tries):
    """Tries until all of `wanted.part` is there."""
    failures, best, first = 0, wanted.done(), True
    while True:
        try:
            return _try(wanted, first)
        except Broken as error:
            if isinstance(error, _Changed):
                wanted.forget()
            if wanted.done() >= best + _PROGRESS:
                failures, best = 0, wanted.done()
            failures, first = failures + 1, False
            if failures >= tries:
                raise ConnectionError(
                    f"{wanted.url}: {error}; {wanted.done()} bytes are in {wanted.part}, and the next try goes on from there"
                ) from error
            wanted.say(f"{wanted.part.stem}: {error}; trying again")
            _pause(max(error.wait, 2.0 ** (failures - 1)))


def _try(wanted, first):
    """Asks for what is missing and receives it."""
    said, start = wanted.said(), wanted.done()
    # A weak ETag does not promise the same bytes: RFC 9110, section 13.1.5.
    marks = [mark for mark in (said.get("etag"), said.get("modified")) if isinstance(mark, str) and not mark.startswith("W/")]
    same = marks[0] if marks else None
    headers = {"User-Agent": "logo_keras", "Accept-Encoding": "identity"}
    start = start if same or wanted.sha256 else 0
    if start:
        headers |= {"Range": f"bytes={start}-"} | ({"If-Range": same} if same else {})
    try:
        answer = open_address(wanted.url, headers, wanted.patience)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 416 and _all_there(wanted, error.headers):
                return
            raise _refusal(wanted, error) from error
    except urllib.error.URLError as error:
        # Where nobody answers at first, nobody is there, or there is no network: waiting would not change that.
        raise (ConnectionError if first else Broken)(f"{wanted.url}: {error.reason}") from error
    with answer:
        _receive(wanted, answer, *_beginning(wanted, answer, said, start))


def _all_there(wanted, headers):
    """Whether a server that has nothing after the last byte of `wanted.part` means that the file is complete."""
    total = re.fullmatch(r"bytes \*/(\d+)", headers.get("Content-Range", ""))
    known = wanted.sha256 or (total and int(total[1]) == wanted.done() == wanted.said().get("total"))
    return known and not _wrong(_fetched(wanted.part, new=True), wanted.size, wanted.sha256)


def _refusal(wanted, error):
    """The exception for an answer that brings no file."""
    text = f"the server answers {error.code} {' '.join(str(error.reason).split())}"
    if error.code == 416:
        return _Changed("the server has no more bytes than are there, and these are not the file")
    if error.code in _PASSING:
        broken, after = Broken(text), error.headers.get("Retry-After", "")
        broken.wait = min(int(after), _LONGEST_PAUSE) if re.fullmatch("[0-9]{1,9}", after) else 0
        return broken
    return (NotThere if error.code in (404, 410) else ConnectionError)(f"{wanted.url}: {text}")


def _beginning(wanted, answer, said, start):
    """How many bytes are there before what comes now, and how many there will be, or None; refuses what is not the file."""
    length, status = answer.length, answer.status
    done, total = 0, length
    if start and status == 206:
        span = answer.headers.get("Content-Range", "")
        found = re.fullmatch(rf"bytes {start}-\d+/(\d+|\*)", span)
        if not found:
            raise ConnectionError(f"{wanted.url}: asked for bytes from {start}, the server sends {span or 'others'}")
        done = start
        total = int(found[1]) if found[1] != "*" else None if length is None else start + length
        if any(said.get(key) and now and said[key] != now for key, now in _said(answer, total).items()):
            raise _Changed("the file has changed on the server since its first bytes came")
    elif status != 200:
        raise ConnectionError(f"{wanted.url}: the server answers {status} {answer.reason}, which brings no file")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise ConnectionError(f"{wanted.url}: the server packs the file as {answer.headers['Content-Encoding']}, unasked")
    if total is not None and wanted.size not in (None, total):
        raise ConnectionError(f"{wanted.url}: the server announces {total} bytes, wanted {wanted.size}: that is another file")
    if (total or 0) > wanted.max_bytes:
        raise ConnectionError(f"{wanted.url}: the server announces {total} bytes, and max_bytes is {wanted.max_bytes}")
    return done, total


def _receive(wanted, answer, done, total):
    """Writes the body of an answer behind the first `done` bytes."""
    part = wanted.part
    with saying_when_full(part, _KEPT):
        check_room(part, (total or 0) - done, _KEPT)
        if not done:
            part.write_bytes(b"")
            wanted.state.write_text(json.dumps(_said(answer, total)), encoding="utf-8")
        with open(part, "ab") as file:
            done = _append(wanted, answer, file, done, total)
    length = wanted.size if total is None else total
    if length is None:
        wanted.say(f"{part.stem}: the server did not say how long it is; whether {done} bytes are all is not known")
    elif done < length:
        raise Broken(f"the connection ended after {done} of {length} bytes")
    if done != wanted.done():
        raise _Changed("something else writes to the same file")


def _append(wanted, answer, file, done, total):
    # Otherwise http.client stops at the announced length, and a longer body would not be noticed.
    answer.length = None
    most, said = wanted.max_bytes if total is None else total, 0
    try:
        for piece in pieces(answer, wanted.patience):
            file.write(piece)
            done += len(piece)
            if done > most:
                wanted.forget()
                raise ConnectionError(f"{wanted.url}: the server sends more than {most} bytes; what came is removed")
            if time.monotonic() - said > _SAY_EVERY:
                said = time.monotonic()
                wanted.say(f"{wanted.part.stem}: {done / 1e6:.0f} of {'?' if total is None else f'{total / 1e6:.0f}'} MB")
    except Broken:
        # Some servers keep the connection open after the last byte, though they are asked to close it.
        if done != total:
            raise
    return done


def _said(answer, total):
    return {"etag": answer.headers.get("ETag"), "modified": answer.headers.get("Last-Modified"), "total": total}


def _fetched(path, new):
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Fetched(path, os.fstat(file.fileno()).st_size, digest, new)


def _wrong(found, size, sha256):
    """What is wrong with a complete file, as text, or None."""
    if size is not None and found.size != size:
        return f"it has {found.size} bytes, wanted {size}"
    if sha256 is not None and not found.sha256.startswith(sha256.lower()):
        return f"its SHA-256 begins with {found.sha256[:8]}, wanted {sha256[:8]}"
    return None


def _pause(seconds):
    time.sleep(seconds)
