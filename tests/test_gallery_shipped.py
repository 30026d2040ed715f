"""The embedding that comes with the package, as galleries and commands take it where no model is named."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import galleries
import numpy as np
import pytest
from galleries import SHAPES, mark, photo
from photographs import encode

import logo_keras as lk
from logo_keras.commands import describe, predict, search
from logo_keras.commands import gallery as command
from logo_keras.datasets.synthetic.placement import overlap
from logo_keras.edge import model_file
from logo_keras.errors import UserError
from logo_keras.files import sha256
from logo_keras.gallery import embedders

# In a process that has neither TensorFlow nor Keras.
IN_THE_LIGHT_INSTALL = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = sys.modules["safetensors"] = None
import logo_keras as lk
gallery = lk.Gallery()
gallery.add("Acme", sys.argv[1])
print(gallery.recognize(sys.argv[2])[0].label)
lk.describe(lk.gallery.embedders.shipped())
"""


@pytest.fixture(autouse=True)
def shipped():
    """The file that comes with the package."""
    if not embedders.SHIPPED.is_file():
        pytest.skip("no embedding has been released yet")
    return embedders.SHIPPED


@pytest.fixture(scope="module")
def brands():
    """A gallery with the detector that comes with the package, which no test changes."""
    made = lk.Gallery()
    for label in SHAPES:
        made.add(label, mark(label))
    return made


def scene(label):
    """A photo of which a mark is a ninth: uint8 RGB `[360, 480, 3]`, and the box of the mark."""
    small, box = photo(label)
    return cv2.resize(small, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC), 3 * np.array(box)


def test_a_gallery_without_a_model_takes_it(shipped):
    opened = embedders.embedder()
    assert opened.identity == sha256(shipped) and opened.name == "logos.tflite"
    assert opened.background_vectors.shape[1] == opened.dimensions == lk.Gallery().embed(photo("Acme")[0]).shape[1]


def test_it_names_marks_in_photos_that_it_has_never_seen(brands, tmp_path):
    brands.save(tmp_path / "brands.gallery")
    again = lk.Gallery.load(tmp_path / "brands.gallery")
    for label in SHAPES:
        seen, box = photo(label)
        assert [match.label for match in again.recognize(seen, top=1, boxes=[box])] == [label]


def test_the_detector_finds_marks_in_whole_photos(brands):
    assert brands.searches and brands.rule == "embedding" and 0 < brands.detectors_threshold != brands.threshold
    for label in SHAPES:
        seen, box = scene(label)
        (found,) = brands.recognize(seen, top=1)
        assert found.label == label and overlap(found.box, box)
    assert brands.recognize(np.full((90, 120, 3), 200, np.uint8)) == ()


def test_the_detector_has_the_embedding_of_the_other_file_and_more_backgrounds(shipped):
    embedding, detector = embedders.embedder(shipped), embedders.embedder(embedders.SHIPPED_DETECTOR)
    assert embedding.agrees(detector.identity, detector.probe)
    ours, theirs = embedding.background_vectors, detector.searched_backgrounds
    assert len(ours) == 64 and len(theirs) == 64 + 512
    np.testing.assert_array_equal(ours, theirs[:64])
    assert embedders.SHIPPED_DETECTOR.stat().st_size <= 13 * 10**6


def test_a_gallery_of_the_embedding_alone_takes_a_photo_for_one_mark(shipped):
    made = lk.Gallery(shipped)
    made.add("Acme", mark("Acme"))
    assert not made.searches and len(made.look(photo("Acme")[0]).boxes) == 1


def test_the_detector_is_opened_once_when_a_photo_is_searched(monkeypatch):
    opened, real = [], embedders._opened

    def counted(path, suffix):
        opened.append(path.name)
        time.sleep(0.05)
        return real(path, suffix)

    monkeypatch.setattr(embedders, "_opened", counted)
    made = lk.Gallery()
    made.add("Acme", mark("Acme"))
    seen, box = scene("Acme")
    assert made.searches and made.recognize(seen, boxes=[box]) and opened == ["logos.tflite"]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: made.recognize(seen)[0].label, range(4)))
    assert found == ["Acme"] * 4 and opened == ["logos.tflite", "detector.tflite"]


def test_without_the_detector_boxes_are_answered_and_a_search_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(embedders, "SHIPPED_DETECTOR", tmp_path / "missing.tflite")
    made = lk.Gallery()
    made.add("Acme", mark("Acme"))
    seen, box = photo("Acme")
    assert made.recognize(seen, boxes=[box])[0].label == "Acme"
    with pytest.raises(UserError, match="missing.tflite, the detector that comes with the package, is missing: .*boxes="):
        made.recognize(seen)


def test_the_commands_take_it(tmp_path, capsys):
    marks, path = galleries.write_marks(tmp_path / "marks"), tmp_path / "brands.gallery"
    assert command.main(["logo-gallery", "add", str(path), f"--brands={marks}"]) == 0
    (tmp_path / "photo.png").write_bytes(encode(scene("Acme")[0], ".png"))
    said = tmp_path / "said.json"
    assert predict.main(["logo-predict", f"--gallery={path}", f"--json={said}", str(tmp_path / "photo.png")]) == 0
    said = json.loads(said.read_text())
    assert said["searched"] and said["photographs"][0]["label"] == "Acme"
    assert "note: thresholds: that of the detector, measured on drawn scenes; calibrate" in capsys.readouterr().err
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
    (tmp_path / "photo.png").write_bytes(encode(scene("Acme")[0], ".png"))
    words = [sys.executable, "-c", IN_THE_LIGHT_INSTALL, str(tmp_path / "acme.svg"), str(tmp_path / "photo.png")]
    process = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    assert process.stdout.splitlines()[0] == "Acme" and "No photo of a logo was used" in process.stdout


def test_describe_says_what_to_do_where_it_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(embedders, "SHIPPED", tmp_path / "missing.tflite")
    assert describe.main(["logo-describe"]) == 1
    assert "missing.tflite, the embedding that comes with the package, is missing" in capsys.readouterr().err
