"""Exported files in a browser, on the page of deploy/web: time of the model, and how far its answers are from Python's.

make clients
.venv/bin/python benchmarks/web.py --photos FOLDER FILE.tflite FILE.onnx ...

Chromium runs without a window, driven by tests/clients/web.mjs; both engines of the page run on the CPU. FOLDER has photos in
folders of their brands. Prints a table and keeps it in benchmarks/results/web.md. A time is the median over the photos, of the
model alone. --screenshot writes a picture of the page with the first file and the first photo.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

from result import Table, keep, run

from logo_keras.edge import Recognizer
from logo_keras.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
# Seconds for all files.
PATIENCE = 600


def define(flags):
    flags.string("photos", None, "Photos, in folders of their brands.")
    flags.integer("limit", 20, "Photos that are asked about, spread over the brands.", 1)
    flags.string("chromium", "chromium", "The browser's program.")
    flags.string("screenshot", None, "A .png file for a picture of the page.")


def main(flags, files):
    if not files:
        raise UserError("name at least one exported file, as in: benchmarks/web.py --photos test model.tflite")
    program = shutil.which(flags.chromium)
    if program is None:
        raise UserError(f"there is no program {flags.chromium!r}: install Chromium, or name it with --chromium.")
    files, photos = [Path(file).resolve() for file in files], sorted(Path(flags.photos).resolve().glob("*/*.*"))
    photos = photos[:: max(1, len(photos) // flags.limit)][: flags.limit]
    asked = {"program": program, "models": [file.name for file in files], "photographs": list(map(str, photos))}
    asked |= {"fits": [], "refused": []}
    if flags.screenshot:
        picture = str(Path(flags.screenshot).resolve())
        asked["screenshot"] = {"model": files[0].name, "photograph": str(photos[0]), "path": picture}
    answers = visit(asked, files)
    lines = Table("file", "engine", "time, ms", "same first brand", "its probability differs by at most")
    for file in files:
        answer, recognizer = answers[file.name], Recognizer(file)
        pairs = [(theirs, recognizer.recognize(photo)) for theirs, photo in zip(answer["recognized"], photos, strict=True)]
        same = sum(theirs["labels"][:1] == list(ours.labels[:1]) for theirs, ours in pairs)
        most = max(abs(theirs["confidence"] - ours.confidence) for theirs, ours in pairs)
        time = statistics.median(theirs["milliseconds"]["infer"] for theirs, _ in pairs)
        engine = answer["engine"].partition(",")[0]
        lines.add(file.name, engine, f"{time:.0f}", f"{same} of {len(pairs)}", f"{most:.0e}")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    model = recognizer.metadata
    facts = [f"Browser: {version}", f"Model: {model.model}, {model.image_size} px, {len(model.class_names)} brands"]
    keep("web", lines, facts=facts)


def visit(asked, files):
    """The answers of one visit to the page: dict by file of its engine and what it said of each photo."""
    serve = [sys.executable, ROOT / "deploy/web/serve.py", "--port", "0", *(f"--model={file}" for file in files)]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = re.match(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())[0]
            client = ["node", ROOT / "tests/clients/web.mjs"]
            said = subprocess.run(
                client, input=json.dumps(asked | {"url": url}), stdout=subprocess.PIPE, text=True, check=True, timeout=PATIENCE
            )
        finally:
            server.kill()
    return json.loads(said.stdout)["answers"]


if __name__ == "__main__":
    run(__doc__, main, define, required=("photos",))
