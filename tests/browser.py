"""The pages of deploy/web as a user starts them, and a headless browser that visits them."""

import contextlib
import json
import re
import subprocess
import sys

SECONDS = 600


@contextlib.contextmanager
def served(root, paths, detector=None):
    """The address of the pages with these models, and a detector for the first of them."""
    command = [sys.executable, root / "deploy" / "web" / "serve.py", "--port", "0"]
    command += [f"--model={path}" for path in paths] + ([f"--detector={detector}"] if detector else [])
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        found = re.match(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())
        assert found, "the server did not start"
        yield found[0]
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def visited(clients, root, script, asked, paths, detector=None):
    """What a script of tests/clients tells of one visit: from JSON.

    Args:
        clients: the fixture.
        root: Path of the repository.
        script: str, its name.
        asked: dict for JSON, what it is to do; the address and the browser's program are added.
        paths: list of Path, the models that are served.
        detector: Path of the detector's file that searches photos for the first of them, or None.
    """
    program, node = clients.program("chromium"), clients.program("node")
    clients.needs((root / "deploy" / "web" / "node_modules" / "playwright-core").is_dir(), "npm ci in deploy/web")
    with served(root, paths, detector) as url:
        command = [str(node), str(root / "tests" / "clients" / script)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                asked = asked | {"url": url, "program": str(program)}
                said, complained = process.communicate(json.dumps(asked), timeout=SECONDS)
            finally:
                # On this signal playwright closes the browser; the process has ended already where all went well.
                process.terminate()
    assert process.returncode == 0, complained
    return json.loads(said)
