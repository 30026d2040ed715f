"""logo-predict with a video as a user runs it."""

import json
import os
import shutil
import sys
from pathlib import Path

import cv2
import galleries
import numpy as np
import photographs
import pytest
import videos
from edge_files import write as write_model

import logo_keras as lk
from logo_keras.commands import predict
from logo_keras.gallery import Match, artwork
from logo_keras.image import svg

pytestmark = pytest.mark.usefixtures("shipped_embedding")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the gallery and the video, which every test copies: drawing marks takes its time."""
    folder = tmp_path_factory.mktemp("made")
    galleries.gallery().save(folder / "brands.gallery")

    def shown(label):
        drawn = artwork.drawings(svg.draw(galleries.mark(label), 100))["own colours on light"]
        return cv2.resize(drawn, (96, 96), interpolation=cv2.INTER_AREA)

    wall = np.full((96, 96, 3), 200, np.uint8)
    videos.write(folder / "match.avi", [shown("Acme")] * 8 + [wall] * 4 + [shown("Globex")] * 6, rate=4)
    return folder


@pytest.fixture
def gallery(made, tmp_path):
    return shutil.copy(made / "brands.gallery", tmp_path)


@pytest.fixture
def video(made, tmp_path):
    """2 s of one mark, 1 s of a wall, 1.5 s of another mark, four frames a second."""
    return shutil.copy(made / "match.avi", tmp_path)


def run(*words):
    return predict.main(["logo-predict", *map(str, words)])


def error(capsys):
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_a_video_becomes_a_page_and_json(gallery, video, tmp_path, capsys):
    page, written = tmp_path / "out" / "match.html", tmp_path / "match.json"
    assert run(f"--gallery={gallery}", video, "--timeline", page, f"--json={written}") == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == ["Acme: 2.0 s (44.4%), 1 appearance", "Globex: 1.5 s (33.3%), 1 appearance"]
    first, second = said.err.splitlines()
    assert first.startswith("note: thresholds: not calibrated: nearer") and "looked at as a whole" in second
    found = json.loads(written.read_text())
    assert [brand["label"] for brand in found["brands"]] == ["Acme", "Globex"]
    assert [[match["label"] for match in frame["matches"]] for frame in found["frames"]] == [
        *(["Acme"], ["Acme"], [], ["Globex"], ["Globex"])
    ]
    # The box of a whole frame is no place.
    assert found["frames"][0]["matches"][0]["box"] is None and found["frames"][-1]["end"] == found["seconds"] == 4.5
    text = page.read_text(encoding="utf-8")
    assert "Thresholds: not calibrated: nearer" in text and text.count("<img") == 2


def test_boxes_give_the_share_of_the_picture(gallery, video, tmp_path, monkeypatch, capsys):
    reference = lk.Gallery.load(gallery).references("Acme")[0]

    def recognize(self, frame, top, boxes, close):
        assert top == 1 and boxes is None and not close and frame.shape == (96, 96, 3)
        # As numbers of numpy, which JSON does not know.
        return (Match("Acme", 0.5, tuple(np.float32([0, 0, 48, 48])), reference),)

    monkeypatch.setattr(lk.Gallery, "recognize", recognize)
    assert run(f"--gallery={gallery}", video, f"--json={tmp_path / 'v.json'}", "--every=0.5") == 0
    assert capsys.readouterr().out == "Acme: 4.5 s (100.0%), 1 appearance, 25.0% of the picture\n"
    found = json.loads((tmp_path / "v.json").read_text())
    assert (found["rule"], found["searched"]) == ("backgrounds", False)
    assert len(found["frames"]) == 9 and found["frames"][0]["matches"][0]["box"] == [0, 0, 48, 48]


def test_a_detector_finds_places_in_frames(gallery, detector, tmp_path, capsys):
    scene, box = galleries.photo("Acme", 1)
    # The colours of the marks, by which that detector knows them, are kept.
    match = videos.write(tmp_path / "match.mkv", [scene, scene, np.full_like(scene, 200)], rate=1, codec="FFV1")
    words = (
        f"--gallery={gallery}",
        f"--model={detector}",
        match,
        f"--timeline={tmp_path / 'v.html'}",
        f"--json={tmp_path / 'v.json'}",
    )
    assert run(*words) == 0
    (note,) = capsys.readouterr().err.splitlines()
    assert note.startswith("note: thresholds: not calibrated: ") and note.endswith("calibrate the gallery.")
    found = json.loads((tmp_path / "v.json").read_text())
    assert found["searched"] and found["frames"][2]["matches"] == []
    (acme,) = [brand for brand in found["brands"] if brand["label"] == "Acme"]
    y0, x0, y1, x1 = box
    assert acme["seconds"] == 2.0 and acme["share_while_seen"] == pytest.approx((y1 - y0) * (x1 - x0) / (120 * 160), rel=0.1)
    assert note.removeprefix("note: t") in (tmp_path / "v.html").read_text(encoding="utf-8")


def test_a_calibrated_gallery_is_not_remarked_upon(gallery, video, tmp_path, capsys):
    opened = lk.Gallery.load(gallery, embed=galleries.WithBackgrounds())
    opened.calibrate([photographs.scene(60, 60, seed) for seed in range(20)], 0.1)
    opened.save(gallery)
    assert run(f"--gallery={gallery}", video, f"--json={tmp_path / 'v.json'}") == 0
    assert "not calibrated" not in capsys.readouterr().err


def test_json_needs_no_jinja2_and_a_page_says_at_once_that_it_does(gallery, video, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert run(f"--gallery={gallery}", video, f"--json={tmp_path / 'v.json'}") == 0
    assert (tmp_path / "v.json").is_file()
    capsys.readouterr()
    assert run(f"--gallery={gallery}", video, f"--timeline={tmp_path / 'v.html'}") == 1
    assert "pip install 'logo_keras[report]'" in error(capsys)


def test_nothing_known_is_said(gallery, tmp_path, capsys):
    wall = videos.write(tmp_path / "wall.avi", [np.full((96, 96, 3), 200, np.uint8)])
    assert run(f"--gallery={gallery}", wall, f"--timeline={tmp_path / 'v.html'}") == 0
    assert capsys.readouterr().out == "none: no brand was recognized in 1 frame.\n"
    assert "No brand was recognized" in (tmp_path / "v.html").read_text(encoding="utf-8")


def test_ctrl_c_writes_what_was_seen(gallery, video, tmp_path, monkeypatch, capsys):
    real, calls = lk.Gallery.recognize, iter(range(9))

    def recognize(*arguments):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(lk.Gallery, "recognize", recognize)
    written = tmp_path / "v.json"
    assert run(f"--gallery={gallery}", video, f"--timeline={tmp_path / 'v.html'}", f"--json={written}") == 130
    said = capsys.readouterr()
    assert said.out == "Acme: 2.0 s (100.0%), 1 appearance\n"
    assert "logo-predict: stopped. What was seen until 0:02 is written." in said.err
    assert json.loads(written.read_text())["complete"] is False
    assert "Stopped by hand after 0:02 of 0:04" in (tmp_path / "v.html").read_text(encoding="utf-8")


def test_a_full_disk_leaves_the_old_page_and_the_figures_on_the_screen(gallery, video, tmp_path, monkeypatch, capsys):
    (tmp_path / "v.html").write_text("old")

    def full(path, data):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("logo_keras.commands.timeline.write", full)
    assert run(f"--gallery={gallery}", video, f"--timeline={tmp_path / 'v.html'}") == 1
    said = capsys.readouterr()
    assert said.out.startswith("Acme: 2.0 s") and "No space left" in said.err.splitlines()[-1]
    assert (tmp_path / "v.html").read_text() == "old"


class Model:
    """A model that says Acme of every frame."""

    def __init__(self, probability, boxes, threshold=None):
        self._probability, self._boxes, self.threshold = probability, np.float32(boxes).reshape(-1, 4), threshold

    def recognize(self, frame, top):
        known = self._probability >= (self.threshold or 0)
        named = [("Acme",), (self._probability,)] if known else [(), ()]
        scores = np.zeros(len(self._boxes), np.float32)
        return lk.recognition.Recognition(*named, self._boxes, scores, known=known, confidence=self._probability)


def test_of_a_model_counts_what_is_likelier_than_all_else():
    frame = videos.grey(9)
    (seen,) = predict.OfModel(Model(0.6, [(-10, 8, 20, 90), (0, 0, 9, 9)])).sightings(frame)
    assert (seen.label, seen.similarity, seen.box) == ("Acme", 0.6, (0, 8, 20, 64))
    assert predict.OfModel(Model(0.5, [(0, 0, 9, 9)])).sightings(frame) == []
    assert "no proof" in predict.OfModel(Model(0.5, [])).notes()[0]


def test_of_a_model_with_a_threshold_counts_what_reaches_it():
    frame = videos.grey(9)
    (seen,) = predict.OfModel(Model(0.3, [(0, 0, 9, 9)], threshold=0.3)).sightings(frame)
    assert (seen.label, seen.similarity) == ("Acme", 0.3)
    model = predict.OfModel(Model(0.8, [(0, 0, 9, 9)], threshold=0.85))
    assert model.sightings(frame) == []
    (note,) = model.notes()
    assert "reaches the model's threshold, 85.0%" in note and "no proof" not in note


def test_a_plain_classifier_has_no_timeline(video, tmp_path, capsys):
    model = write_model(tmp_path / "colours.tflite", outputs=("probabilities",))
    assert run(f"--model={model}", video, f"--timeline={tmp_path / 'v.html'}") == 1
    assert "a timeline needs places" in error(capsys) and not (tmp_path / "v.html").exists()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["VIDEO"], "match.avi is a video: --timeline FILE.html says where its timeline is written"),
        (["VIDEO", "VIDEO", "--timeline=v.html"], "one video at a time"),
        (["PHOTO", "VIDEO"], "one video at a time"),
        (["PHOTO", "--timeline=v.html"], "photo.jpg: a photo (JPEG), no video"),
        (["FOLDER", "--timeline=v.html"], "no regular file"),
        (["missing.mp4", "--timeline=v.html"], "missing.mp4"),
        (["TEXT", "--timeline=v.html"], "text.mp4: no video, damaged"),
        (["--timeline=v.html"], "name at least one photograph"),
        (["PHOTO", "--every=2"], "--every belongs to a video"),
        (["VIDEO", "--timeline=v.html", "--every=0"], "--every must be a number above 0, got 0.0"),
        (["VIDEO", "--timeline=v.html", "--every=-1"], "--every must be a number above 0, got -1.0"),
        (["VIDEO", "--timeline=v.html", "--every=nan"], "--every must be a number above 0"),
        (["VIDEO", "--timeline=v.html", "--top=2", "--box=1,2,3,4"], "--box and --top belong to photos"),
        (["VIDEO", "--timeline=v.html", "--pictures=drawn"], "--pictures belongs to photos"),
        (["VIDEO", "--timeline=FOLDER"], "is a folder: name a file in it"),
        (["VIDEO", "--json=VIDEO"], "is the video itself"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_watched(gallery, video, tmp_path, words, complaint, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lk.Gallery, "recognize", lambda *arguments: pytest.fail("a frame was looked at"))
    (tmp_path / "photo.jpg").write_bytes(photographs.encode(videos.grey(9)))
    (tmp_path / "text.mp4").write_text("hello")
    (tmp_path / "folder").mkdir()
    places = {"VIDEO": video, "PHOTO": "photo.jpg", "TEXT": "text.mp4", "FOLDER": "folder"}
    before = Path(video).read_bytes()
    for name, path in places.items():
        words = [word.replace(name, str(path)) for word in words]
    assert run(f"--gallery={gallery}", *words) == 1
    assert complaint in error(capsys)
    assert not os.path.exists("v.html") and Path(video).read_bytes() == before
