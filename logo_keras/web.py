"""Reading from the web: http and https alone, few redirects, and no waiting without end."""

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request

_SCHEMES = ("http", "https")
_REDIRECTS = 5
_PIECE = 1 << 20
# Fewer bytes in the time in which some must come count as none: a server could send one every few seconds for ever.
_LEAST = 1 << 10


class Broken(ConnectionError):
    """The connection broke, or nothing came: another try may go better.

    Attributes:
        wait: int, the seconds for which the server asks.
    """

    wait = 0


def check_address(url):
    """Refuses addresses that are not http or https.

    Raises:
        ValueError: naming the address.
    """
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError as error:
        raise ValueError(f"{url!r} is no address: {error}.") from error
    if parts.scheme.lower() not in _SCHEMES or not parts.netloc:
        raise ValueError(f"an address must begin with http:// or https:// and a host, got {url!r}.")


def open_address(url, headers, timeout):
    """Asks a server.

    Args:
        url: str, http or https. What an address may not hold, such as spaces, is escaped.
        headers: dict of str.
        timeout: float, seconds without data.

    Returns:
        `http.client.HTTPResponse`, to be closed. A redirect to http or https is followed, from https to https alone.

    Raises:
        ValueError: if it is no address.
        urllib.error.HTTPError: if the server refuses, or sends on to where this does not go.
        Broken: if the connection breaks or nothing comes.
        urllib.error.URLError: if the server is not reached at all.
    """
    check_address(url)
    try:
        request = urllib.request.Request(urllib.parse.quote(url, safe="%/:?#[]@!$&'()*+,;=~"), headers=headers)
        return _opener().open(request, timeout=timeout)
    except (http.client.InvalidURL, UnicodeError) as error:
        raise ValueError(f"{url!r} is no address: {error}.") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise Broken(f"no answer for {timeout:g} s") from error
        raise
    except (OSError, http.client.HTTPException) as error:
        raise Broken(f"the connection broke: {_reason(error)}") from error


def pieces(answer, patience):
    """The body of an answer, as it comes.

    Args:
        answer: `http.client.HTTPResponse` of `open_address`.
        patience: float, seconds in which something must come.

    Yields:
        bytes, at least one. The end of the body and that of a connection without an announced length look the same.

    Raises:
        Broken: if the connection breaks, or too little comes.
    """
    counted, came = time.monotonic(), 0
    while True:
        try:
            piece = answer.read1(_PIECE)
        except TimeoutError as error:
            raise Broken(f"nothing came for {patience:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise Broken(f"the connection broke: {_reason(error)}") from error
        if not piece:
            return
        yield piece
        came += len(piece)
        if (passed := time.monotonic() - counted) > patience:
            if came < _LEAST:
                raise Broken(f"only {came} bytes came in {passed:.0f} s")
            counted, came = time.monotonic(), 0


def _reason(error):
    return str(error) or type(error).__name__


class _Redirects(urllib.request.HTTPRedirectHandler):
    max_redirections = max_repeats = _REDIRECTS

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        before, after = (urllib.parse.urlsplit(each).scheme.lower() for each in (req.full_url, newurl))
        if after not in _SCHEMES or (before, after) == ("https", "http"):
            raise urllib.error.HTTPError(req.full_url, code, f"and sends on to {newurl}, which is not followed", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener():
    # Not build_opener: what that gives also opens file:, ftp: and data: addresses.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener
