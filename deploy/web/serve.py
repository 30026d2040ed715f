"""Serves the pages and model files to this machine's browser, and to nobody else. Python's standard library alone.

python serve.py --model model.tflite
"""

import argparse
import http.server
import json
import re
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGES = ("@litertjs/core", "@litertjs/wasm-utils", "@noble/hashes", "onnxruntime-web")
SUFFIXES = (".tflite", ".onnx")


class Page(http.server.SimpleHTTPRequestHandler):
    """The files of this folder, `models.json`, and the models that it lists.

    A subclass made by `handler` sets the two attributes:
        models: dict from the path of a URL to the Path of a model file.
        listed: list of dict for JSON, what the pages may open.
        policy: str, the pages' Content-Security-Policy.
    """

    models: dict
    listed: list
    policy: str
    protocol_version = "HTTP/1.1"
    # Browsers refuse modules and streamed WebAssembly of other types, and the system's own table may say anything.
    extensions_map = {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".mjs": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".json": "application/json",
        ".svg": "image/svg+xml",
        ".wasm": "application/wasm",
        "": "application/octet-stream",
    }

    def do_GET(self):
        if self.path.partition("?")[0] != "/models.json":
            return super().do_GET()
        body = json.dumps(self.listed).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def translate_path(self, path):
        # A name that is no UTF-8 comes as the bytes that it has on the disk.
        model = self.models.get(urllib.parse.unquote(urllib.parse.urlsplit(path).path, errors="surrogateescape"))
        return str(model) if model else super().translate_path(path)

    def send_head(self):
        try:
            return super().send_head()
        except ValueError:
            # An address with a null character, or with brackets that do not match, is no file's.
            self.send_error(404)

    def list_directory(self, path):
        self.send_error(404)

    def end_headers(self):
        # Together they give the page SharedArrayBuffer, which threads of WebAssembly need.
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        # The page states its policy itself; threads are bound by the header of their own script.
        self.send_header("Content-Security-Policy", self.policy)
        self.send_header("Permissions-Policy", "camera=(self)")
        self.send_header("X-Content-Type-Options", "nosniff")
        # A model or a page that was written anew is seen at the next reload.
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format, *args):
        """Says nothing of requests: the browser's own tools show them."""


def policy(page):
    """Reads the Content-Security-Policy that an HTML page states of itself.

    Args:
        page: str, HTML.

    Returns:
        str.

    Raises:
        ValueError: if it states none.
    """
    found = re.search(r'http-equiv="Content-Security-Policy"\s+content="([^"]+)"', page)
    if not found:
        raise ValueError("index.html must state a Content-Security-Policy in a meta element.")
    return " ".join(found[1].split())


def handler(models, detector=None):
    """Makes the handler that serves this folder and these models.

    Args:
        models: list of Path of `.tflite` or `.onnx` files.
        detector: Path of such a file, with which the gallery searches photos when the first of `models` is open; or None.

    Returns:
        A subclass of `Page`, to be called as `http.server` does.
    """
    files = [*models, *([detector] if detector else [])]
    served = {f"/models/{number}/{path.name}": path for number, path in enumerate(files)}
    entries = [{"name": path.name, "url": urllib.parse.quote(url, errors="surrogateescape")} for url, path in served.items()]
    if detector:
        entries[0]["detector"] = entries.pop()
    stated = policy((HERE / "index.html").read_text(encoding="utf-8"))

    class ThisPage(Page):
        models = served
        listed = entries
        policy = stated

        def __init__(self, *args):
            super().__init__(*args, directory=str(HERE))

    return ThisPage


def main():
    parser = argparse.ArgumentParser(description="Serves the page and model files on 127.0.0.1.")
    parser.add_argument("--model", action="append", default=[], type=Path, help="a .tflite or .onnx file; may be repeated")
    parser.add_argument("--detector", type=Path, help="a detector's file, which searches photos for the gallery's first --model")
    parser.add_argument("--port", type=int, default=8000, help="0: any free port (default: %(default)s)")
    args = parser.parse_args()
    given = [("--model", path) for path in args.model] + ([("--detector", args.detector)] if args.detector else [])
    for flag, path in given:
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            parser.error(f"{flag} must be an existing {' or '.join(SUFFIXES)} file, got {path}")
    if args.detector and not args.model:
        parser.error("--detector searches photos for an embedding: name its file with --model, or the detector itself")
    missing = [name for name in PACKAGES if not (HERE / "node_modules" / name).is_dir()]
    if missing:
        parser.error(f"{', '.join(missing)} not installed: run npm ci in {HERE}")
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", args.port), handler(args.model, args.detector))
    except OSError as error:
        parser.error(f"port {args.port} cannot be used ({error.strerror}): choose another with --port")
    with server:
        address = f"http://127.0.0.1:{server.server_port}/"
        print(f"{address}  (Ctrl+C ends it)\n{address}gallery.html  (logos of your own)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
