"""The page's server, deploy/web/serve.py: what it serves, to whom, and with which rules. No browser needed."""

import base64
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request

import pytest


@pytest.fixture(scope="module")
def web(root):
    return root / "deploy" / "web"


@pytest.fixture(scope="module")
def serve(web):
    spec = importlib.util.spec_from_file_location("serve", web / "serve.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def running(serve, model, detector=None):
    """The address of a server with a model, and a detector for it."""
    server = serve.http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve.handler([model], detector))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def address(serve, tmp_path):
    """Of a server with a model whose name must be quoted."""
    model = tmp_path / "my logos é.tflite"
    model.write_bytes(b"the model")
    with running(serve, model) as found:
        yield found


def ask(url):
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.headers, response.read()


def test_a_listed_model_can_be_fetched(address):
    (model,) = json.loads(ask(address + "models.json")[1])
    assert model["name"] == "my logos é.tflite"
    assert ask(address.rstrip("/") + model["url"])[1] == b"the model"


def test_a_detector_is_listed_with_the_first_model_and_can_be_fetched(serve, tmp_path):
    for name in ("logos.tflite", "detector.tflite"):
        (tmp_path / name).write_text(name)
    with running(serve, tmp_path / "logos.tflite", tmp_path / "detector.tflite") as address:
        (model,) = json.loads(ask(address + "models.json")[1])
        files = [model, model["detector"]]
        assert [ask(address.rstrip("/") + file["url"])[1].decode() for file in files] == [file["name"] for file in files]


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such names")
def test_a_model_whose_name_is_no_utf_8_is_listed_and_fetched(serve, tmp_path):
    model = tmp_path / os.fsdecode(b"caf\xe9.tflite")
    try:
        model.write_bytes(b"the model")
    except OSError:
        pytest.skip("the file system takes UTF-8 alone")
    with running(serve, model) as address:
        (listed,) = json.loads(ask(address + "models.json")[1])
        assert ask(address.rstrip("/") + listed["url"])[1] == b"the model"


@pytest.mark.parametrize("path", ["%00", "models/0/%00.tflite", "page.js%00", "[", "%ff%fe"])
def test_an_address_that_is_no_files_is_not_found(address, path):
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(address + path)
    assert caught.value.code == 404


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("", "text/html"),
        ("gallery.html", "text/html"),
        ("page.js", "text/javascript"),
        ("page.css", "text/css"),
        ("models.json", "application/json"),
    ],
)
def test_every_answer_has_its_type_and_the_headers_that_threads_need(address, path, kind):
    headers, _ = ask(address + path)
    assert headers.get_content_type() == kind
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert "connect-src 'self'" in headers["Content-Security-Policy"]


def test_webassembly_has_its_type_whatever_the_system_says(serve):
    assert serve.Page.guess_type(serve.Page, "engine.wasm") == "application/wasm"


@pytest.mark.parametrize(
    "path", ["node_modules/", "models/", "models/1/other.tflite", "../../pyproject.toml", "%2e%2e/%2e%2e/setup.py"]
)
def test_folders_and_other_files_are_not_served(address, path):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        ask(address + path)


@pytest.mark.parametrize("name", ["index.html", "gallery.html"])
def test_the_policy_knows_the_import_map(serve, web, name):
    page = (web / name).read_text(encoding="utf-8")
    (imports,) = re.findall(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(imports.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in serve.policy(page)


def test_both_pages_state_the_policy_that_the_server_sends(serve, web):
    first, second = (serve.policy((web / name).read_text(encoding="utf-8")) for name in ("index.html", "gallery.html"))
    assert first == second


def test_a_page_without_a_policy_is_refused(serve):
    with pytest.raises(ValueError, match="must state a Content-Security-Policy"):
        serve.policy("<html></html>")


def test_a_model_of_another_kind_is_refused_with_what_is_expected(web, tmp_path):
    (tmp_path / "model.keras").touch()
    (tmp_path / "detector.tflite").touch()
    for flag, name, said in (
        ("--model", "model.keras", "--model must be an existing .tflite or .onnx file"),
        ("--detector", "model.keras", "--detector must be an existing .tflite or .onnx file"),
        ("--detector", "detector.tflite", "name its file with --model"),
    ):
        command = [sys.executable, str(web / "serve.py"), flag, str(tmp_path / name)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 2 and said in ran.stderr


def test_npm_packages_are_pinned_exactly_and_their_addresses_left_to_npm(web):
    package = json.loads((web / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((web / "package-lock.json").read_text(encoding="utf-8"))
    for name, version in (package["dependencies"] | package["devDependencies"]).items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version
    assert not any("resolved" in entry for entry in lock["packages"].values())
