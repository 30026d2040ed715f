"""Downloads a file: goes on where the connection broke off, checks the SHA-256, and never takes a part for the whole.

Standard library only: pooch checks a SHA-256 but starts anew when a connection breaks; requests, urllib3 and fsspec leave
resuming, checksums and bounds on size to the caller.
"""

import errno
import http.client
import json
import os
import re
import shutil
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from logo_keras import files
from logo_keras.errors import UserError
from logo_keras.extras import require

# Seconds without data after which a connection counts as broken.
PATIENCE = 30
# Breaks in a row, with less than a megabyte between them, after which the download gives up. Pauses double from one second.
TRIES, _PROGRESS, _LONGEST_PAUSE = 5, 1 << 20, 60
# A server that sends without end must not fill the disk. The parts of WebLogo-2M, the largest public set, have some 30 GB.
MAX_BYTES = 256 * 2**30
# Answers after which a later try may go better: RFC 9110, section 15; 429: RFC 6585.
_PASSING = {408, 425, 429, 500, 502, 503, 504}


class NotThere(ConnectionError):
    """The server says that it has no such file (404 or 410)."""


class _Broken(ConnectionError):
    """The connection broke, or nothing came: another try may go better, after `wait` seconds if the server asks for them."""

    wait = 0


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


def download(url, path, sha256=None):
    """Fetches a file, or finds it there.

    What has come stays in `PATH.part` when the connection or the program ends, and the next try goes on from there, in this call
    or another. The server is asked whether the file is still the same, by the ETag or date that `PATH.part.json` keeps; without
    these, and without `sha256`, the next try starts anew. A complete file is renamed to `path`. While one process fetches it,
    another one waits.

    Args:
        url: str, http or https.
        path: str or path of the file to write. Its folder is made.
        sha256: str, the SHA-256 that it must have, in hexadecimal digits, or its first eight or more; or None.

    Returns:
        Fetched.

    Raises:
        ValueError: if `url` is no http or https address, or `sha256` no SHA-256.
        NotThere: if the server has no such file.
        OSError: if the file cannot be fetched or written, or something else came; says what is kept.
        ImportError: naming the extra, if filelock or tqdm is not installed.
    """
    _check_address(url)
    if sha256 is not None and not re.fullmatch("[0-9a-fA-F]{8,64}", sha256):
        raise UserError(f"a SHA-256 must be 64 hexadecimal digits, or the first eight or more of them, got {sha256!r}.")
    path, wanted = Path(path), (sha256 or "").lower()
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, wanted the place of a file.")
    part = _Part(path.with_name(f"{path.name}.part"), url, bool(sha256))
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.lock(f"{part.path}.lock", lambda: _say(f"{path.name}: another process is fetching it; waiting for that")):
        if path.is_file():
            if (found := files.sha256(path)).startswith(wanted):
                return Fetched(path, path.stat().st_size, found, new=False)
            _say(f"{path} is damaged (its SHA-256 begins with {found[:8]}, wanted {wanted[:8]}) and is fetched again.")
        part.complete()
        found = files.sha256(part.path)
        if found.startswith(wanted):
            os.replace(part.path, path)
        part.forget()
    if not found.startswith(wanted):
        wrong = f"its SHA-256 begins with {found[:8]}, wanted {wanted[:8]}"
        raise ConnectionError(f"what came from {url} is not the file: {wrong}; it is removed")
    return Fetched(path, path.stat().st_size, found, new=True)


class _Part:
    """The beginning of a file; `checked` is whether the whole has a SHA-256 that tells if parts do not belong together."""

    def __init__(self, path, url, checked):
        self.path, self.url, self.checked = path, url, checked
        # What the server said when the first bytes came: a mark (ETag or date), and the length.
        self.state = path.with_name(f"{path.name}.json")

    def said(self):
        try:
            said = json.loads(self.state.read_bytes())
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def done(self):
        return self.path.stat().st_size if self.path.exists() else 0

    def forget(self):
        self.path.unlink(missing_ok=True)
        self.state.unlink(missing_ok=True)

    def complete(self):
        """Tries until all is there, or until `TRIES` in a row bring next to nothing."""
        failures, best = 0, self.done()
        while True:
            try:
                return self._try(first=not failures)
            except _Broken as error:
                done = self.done()
                failures, best = (1, done) if done >= best + _PROGRESS else (failures + 1, best)
                if failures >= TRIES:
                    kept = f"{done} bytes are in {self.path}, and the next try goes on from there"
                    raise ConnectionError(f"{self.url}: {error}; {kept}") from error
                _say(f"{self.path.stem}: {error}; trying again")
                sleep(max(error.wait, 2.0 ** (failures - 1)))

    def _try(self, first):
        """Asks for what is missing and appends it."""
        said, start = self.said(), self.done()
        mark, total = said.get("mark"), said.get("total")
        if start and start == total:
            return
        if not (mark or self.checked):
            start = 0
        headers = {"User-Agent": "logo_keras", "Accept-Encoding": "identity"}
        if start:
            headers |= {"Range": f"bytes={start}-"} | ({"If-Range": mark} if mark else {})
        # What an address may not hold, such as spaces, is escaped.
        request = urllib.request.Request(urllib.parse.quote(self.url, safe="%/:?#[]@!$&'()*+,;=~"), headers=headers)
        try:
            answer = urllib.request.build_opener(_Redirects).open(request, timeout=PATIENCE)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from error
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            reason = getattr(error, "reason", error)
            # Where nobody answers at first, nobody is there, or there is no network: waiting would not change that.
            nobody = first and isinstance(error, urllib.error.URLError) and not isinstance(reason, TimeoutError)
            raise (ConnectionError if nobody else _Broken)(f"{self.url}: {reason}") from error
        with answer:
            if start and answer.status == 206:
                total = self._rest(answer, start, mark, total)
            else:
                start, total = 0, answer.length
            self._append(answer, start, total)

    def _refusal(self, error):
        """The exception for an answer that brings no file."""
        text = f"the server answers {error.code} {' '.join(str(error.reason).split())}"
        if error.code == 416:
            self.forget()
            return _Broken("the server has no more bytes than are there, and these are not the file")
        if error.code in _PASSING:
            broken, after = _Broken(text), error.headers.get("Retry-After", "")
            broken.wait = min(int(after), _LONGEST_PAUSE) if re.fullmatch("[0-9]{1,9}", after) else 0
            return broken
        return (NotThere if error.code in (404, 410) else ConnectionError)(f"{self.url}: {text}")

    def _rest(self, answer, start, mark, total):
        """The bytes of the whole file, as an answer says that brings the rest of it; refuses the rest of another file."""
        span = answer.headers.get("Content-Range", "")
        if not (found := re.fullmatch(rf"bytes {start}-\d+/(\d+)", span)):
            raise ConnectionError(f"{self.url}: asked for bytes from {start}, the server sends {span or 'others'}")
        if (mark and _mark(answer) not in (None, mark)) or total not in (None, int(found[1])):
            self.forget()
            raise _Broken("the file has changed on the server since its first bytes came")
        return int(found[1])

    def _append(self, answer, done, total):
        """Writes the body of an answer behind the first `done` bytes of the `total` that there will be, or None."""
        most, packed = MAX_BYTES if total is None else total, answer.headers.get("Content-Encoding", "identity")
        for refused, why in (
            (answer.status not in (200, 206), f"answers {answer.status} {answer.reason}, which brings no file"),
            (packed != "identity", f"packs the file as {packed}, unasked"),
            (most > MAX_BYTES, f"announces {total} bytes, and the most is {MAX_BYTES}"),
        ):
            if refused:
                raise ConnectionError(f"{self.url}: the server {why}")
        answer.length = None  # Otherwise http.client stops at the announced length, and a longer body would go unnoticed.
        with files.saying_when_full(self.path, "what has come is kept: make room and try again, it goes on from there"):
            if (total or 0) - done > (free := shutil.disk_usage(self.path.parent).free):
                raise OSError(errno.ENOSPC, f"{(total - done) / 1e6:,.0f} MB are wanted and {free / 1e6:,.0f} MB are free")
            if not done:
                self.path.write_bytes(b"")
                self.state.write_text(json.dumps({"mark": _mark(answer), "total": total}), encoding="utf-8")
            bar = require("tqdm", "train").tqdm(desc=self.path.stem, initial=done, total=total, unit="B", unit_scale=True)
            with open(self.path, "ab") as file, bar:
                try:
                    for piece in _pieces(answer):
                        file.write(piece)
                        bar.update(len(piece))
                        done += len(piece)
                        if done > most:
                            break
                except _Broken:
                    # Some servers keep the connection open after the last byte, though they are asked to close it.
                    if done != total:
                        raise
        if done > most:
            self.forget()
            raise ConnectionError(f"{self.url}: the server sends more than {most} bytes; what came is removed")
        if total is None:
            _say(f"{self.path.stem}: the server did not say how long it is; whether {done} bytes are all is not known")
        elif done < total:
            raise _Broken(f"the connection ended after {done} of {total} bytes")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows few redirects: to http and https, and from https to https only."""

    max_redirections = max_repeats = 5

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if urllib.parse.urlsplit(newurl).scheme not in ("https", req.type):
            raise urllib.error.HTTPError(req.full_url, code, f"and sends on to {newurl}, which is not followed", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_address(url):
    try:
        parts = urllib.parse.urlsplit(url)
        _ = parts.port, (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise UserError(f"{url!r} is no address: {error}.") from error
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UserError(f"an address must begin with http:// or https:// and a host, got {url!r}.")


def _pieces(answer):
    """The body of an answer, as it comes."""
    try:
        while piece := answer.read1(1 << 20):
            yield piece
    except (OSError, http.client.HTTPException) as error:
        why = f"nothing came for {PATIENCE:g} s" if isinstance(error, TimeoutError) else f"the connection broke: {error}"
        raise _Broken(why) from error


def _mark(answer):
    """By what a later answer shows that it is of the same file: str or None."""
    etag = answer.headers.get("ETag", "W/")
    # A weak ETag does not promise the same bytes: RFC 9110, section 13.1.5.
    return answer.headers.get("Last-Modified") if etag.startswith("W/") else etag


def _say(line):
    print(line, file=sys.stderr)
