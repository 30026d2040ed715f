"""The embedding that comes with the package, as galleries and commands take it where no model is named."""

import json
import subprocess
import sys

import galleries
import pytest
from galleries import SHAPES, mark, photo
from photographs import encode

import logo_keras as lk
from logo_keras.commands import describe, predict, search
from logo_keras.commands import gallery as command
from logo_keras.edge import model_file
from logo_keras.files import sha256
from logo_keras.gallery import embedders

# In a process that has neither TensorFlow nor Keras.
IN_THE_LIGHT_INSTALL = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = sys.modules["safetensors"] = None
import logo_keras as lk
gallery = lk.Gallery()
gallery.add("Acme", sys.argv[1])
print(gallery.recognize(sys.argv[1])[0].label)
lk.describe(lk.gallery.embedders.shipped())
"""


@pytest.fixture(autouse=True)
def shipped():
    """The file that comes with the package."""
    if not embedders.SHIPPED.is_file():
        pytest.skip("no embedding has been released yet")
    return embedders.SHIPPED


def test_a_gallery_without_a_model_takes_it(shipped):
    opened = embedders.embedder()
    assert opened.identity == sha256(shipped) and opened.name == "logos.tflite"
    assert opened.background_vectors.shape[1] == opened.dimensions == lk.Gallery().embed(photo("Acme")[0]).shape[1]


def test_it_names_marks_in_photos_that_it_has_never_seen(tmp_path):
    made = lk.Gallery()
    for label in SHAPES:
        made.add(label, mark(label))
    made.save(tmp_path / "brands.gallery")
    again = lk.Gallery.load(tmp_path / "brands.gallery")
    for label in SHAPES:
        scene, box = photo(label)
        assert [match.label for match in again.recognize(scene, top=1, boxes=[box])] == [label]


def test_the_commands_take_it(tmp_path):
    marks, path = galleries.write_marks(tmp_path / "marks"), tmp_path / "brands.gallery"
    assert command.main(["logo-gallery", "add", str(path), f"--brands={marks}"]) == 0
    scene, (y0, x0, y1, x1) = photo("Acme")
    (tmp_path / "photo.png").write_bytes(encode(scene[int(y0) : int(y1), int(x0) : int(x1)], ".png"))
    said = tmp_path / "said.json"
    assert predict.main(["logo-predict", f"--gallery={path}", f"--json={said}", str(tmp_path / "photo.png")]) == 0
    assert json.loads(said.read_text())["photographs"][0]["label"] == "Acme"
    assert search.main(["logo-search", "index", str(marks), f"--out={tmp_path / 'marks.gallery'}"]) == 0
    words = [
        "find",
        str(marks / "Globex" / "mark.svg"),
        f"--in={tmp_path / 'marks.gallery'}",
        f"--json={tmp_path / 'found.json'}",
    ]
    assert search.main(["logo-search", *words]) == 0
    assert json.loads((tmp_path / "found.json").read_text())["found"][0]["label"] == "Globex/mark"


def test_describe_without_a_file_prints_its_card(shipped, capsys):
    assert describe.main(["logo-describe"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(str(shipped)) and "No photo of a logo was used" in said and "CC-BY-4.0" in said


def test_it_says_how_it_was_made(shipped):
    said = model_file.read(shipped)
    assert said.model == "LogoEmbedder" and said.class_names == () and said.backgrounds is not None
    assert said.card["data"]["training"]["marks"] > 10_000 and said.card["training"]["steps"] > 1000
    assert {"commit", "seed"} <= said.card["training"].keys()


def test_it_runs_without_tensorflow_and_keras(tmp_path):
    (tmp_path / "acme.svg").write_bytes(mark("Acme"))
    words = [sys.executable, "-c", IN_THE_LIGHT_INSTALL, str(tmp_path / "acme.svg")]
    process = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    assert process.stdout.splitlines()[0] == "Acme" and "No photo of a logo was used" in process.stdout


def test_describe_says_what_to_do_where_it_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(embedders, "SHIPPED", tmp_path / "missing.tflite")
    assert describe.main(["logo-describe"]) == 1
    assert "missing.tflite, the embedding that comes with the package, is missing" in capsys.readouterr().err
