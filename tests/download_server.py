"""A web server on this machine that breaks off, lies and changes its mind, as it is told."""

import contextlib
import http.server
import re
import threading
from dataclasses import dataclass, field


@dataclass
class Answer:
    """What is answered to one request.

    Attributes:
        content: bytes, the whole file.
        etag, modified: str, or None for no such header.
        cut: int, after how many bytes of the body the connection ends, or None.
        announced: int, the Content-Length to claim; None for the true one, -1 for no such header.
        more: bytes sent behind the body.
        ranges: bool, whether the server knows ranges; `first` is the byte that it claims to begin with.
        total: int, the length that it claims for a range, or None for the true one.
        status: int, an error to answer instead; `headers` go with it.
        wait: threading.Event for which it waits in the middle of the body, or None.
    """

    content: bytes = b""
    etag: str | None = None
    modified: str | None = None
    cut: int | None = None
    announced: int | None = None
    more: bytes = b""
    ranges: bool = True
    first: int | None = None
    total: int | None = None
    status: int | None = None
    headers: dict = field(default_factory=dict)
    wait: threading.Event | None = None


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.asked.append((self.path, asked))
        answers = self.server.files.get(self.path)
        if not answers:
            return self.send_error(404)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.status:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        condition = self.headers.get("If-Range")
        same = condition is None or condition in (answer.etag, answer.modified)
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and answer.ranges and same else 0
        size = len(answer.content)
        if start and start >= size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size if answer.total is None else answer.total}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        body = answer.content[start:]
        self.send_response(206 if start else 200)
        if answer.announced != -1:
            self.send_header("Content-Length", str(len(body) if answer.announced is None else answer.announced))
        if start:
            first = start if answer.first is None else answer.first
            self.send_header("Content-Range", f"bytes {first}-{size - 1}/{size if answer.total is None else answer.total}")
        for name, value in {"ETag": answer.etag, "Last-Modified": answer.modified, **answer.headers}.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):  # The client may have gone.
            half = len(body) // 2 if answer.wait else len(body)
            self.wfile.write(body[:half][: answer.cut])
            if answer.wait:
                self.wfile.flush()
                answer.wait.wait(60)
            self.wfile.write(b"" if answer.cut is not None else body[half:] + answer.more)

    def log_message(self, *_):
        """Says nothing."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # path -> list of Answer, taken one after the other; the last stays.
    files: dict
    # (path, Range header) of every request.
    asked: list

    def serve(self, path, *answers):
        """Sets the answers for a path and returns its address; bytes stand for a plain answer."""
        self.files[path] = [answer if isinstance(answer, Answer) else Answer(answer) for answer in answers]
        return self.address + path

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serving():
    """A running server; `no_proxy` must hold 127.0.0.1."""
    with _Server(("127.0.0.1", 0), _Handler) as running:
        running.files, running.asked = {}, []
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()
