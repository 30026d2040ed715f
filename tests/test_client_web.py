"""Exported files in a browser, on the page of deploy/web: LiteRT.js and onnxruntime-web (tests/clients/web.mjs)."""

import base64
import dataclasses
import os
import re
import shutil
import urllib.parse
import zipfile

import cv2
import numpy as np
import pytest
from browser import visited
from photographs import encode, flat_jpeg, scene, with_orientation

import logo_keras as lk
from logo_keras.edge import model_file
from logo_keras.export import onnx, tflite
from logo_keras.export.served import metadata_of, opened
from logo_keras.image import preprocessing

pytestmark = pytest.mark.slow
# In probabilities: other kernels, the same pixels.
TOLERANCE = 1e-3
# In px of the photograph.
BOX_TOLERANCE = 1e-2
COUNT = 20
# OpenCV's own builds differ by so much where an axis grows: its vectorised kernels round on their own.
GREY_LEVELS = 1
SIZES = [(40, 60), (90, 220), (300, 100), (160, 160), (320, 320), (480, 160), (321, 477), (1, 1), (3, 500), (500, 700)]
FILES = ["float32.tflite", "uint8.tflite", "float32.onnx"]
# One with a threshold that no photograph reaches.
STRICT = "strict.tflite"
ENGINES = {"tflite": "LiteRT.js 2.5.3", "onnx": "onnxruntime-web 1.30.0"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("web")


@pytest.fixture(scope="module")
def files(small_model, small_photos, folder):
    """Paths of the exported files, by name."""
    model = opened(small_model)
    paths = {name: folder / name for name in FILES}
    tflite.export(model, paths["float32.tflite"], photos=small_photos, limit=8)
    onnx.export(model, paths["float32.onnx"], photos=small_photos, limit=8)
    # The input of a full int8 file, with float kernels: what the page does is told from what kernels do.
    paths["uint8.tflite"].write_bytes(tflite.convert(model, dtype="uint8"))
    paths[STRICT] = folder / STRICT
    shutil.copyfile(paths["uint8.tflite"], paths[STRICT])
    model_file.append(paths["uint8.tflite"], metadata_of(model))
    model_file.append(paths[STRICT], dataclasses.replace(metadata_of(model), threshold=0.999999))
    return paths


@pytest.fixture(scope="module")
def photographs(small_photos):
    """COUNT JPEGs, of all brands in turn."""
    paths = sorted(small_photos.glob("*/*.jpg"))
    return paths[:: max(1, len(paths) // COUNT)][:COUNT]


@pytest.fixture(scope="module")
def pngs(photographs, files, folder):
    """The same photographs without loss: of model size, and of some other sizes."""
    size = model_file.read(files["float32.tflite"]).image_size
    paths = []
    for number, photograph in enumerate(photographs):
        photo = preprocessing.read(photograph)
        for name, (height, width) in {"own": (size, size), "other": SIZES[number % len(SIZES)]}.items():
            paths.append(folder / f"{number:02}-{name}.png")
            paths[-1].write_bytes(encode(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), ".png"))
    return paths


@pytest.fixture(scope="module")
def fits(folder):
    """Files whose model input the page gives pixel by pixel: dicts with path, size and preprocessing."""
    noise = np.random.default_rng(0).integers(0, 256, (*max(SIZES), 4), dtype=np.uint8)
    photos = {f"{height}x{width}.png": encode(noise[:height, :width, :3], ".png") for height, width in SIZES}
    photos["alpha.png"] = encode(noise[:90, :120], ".png")
    white = noise[:90, :120].copy()
    white[..., :3] = 240 + white[..., :3] // 16
    photos["white.png"] = encode(white, ".png")
    photos["grey.png"] = encode(noise[:90, :120, 0], ".png")
    for name, data in photos.items():
        (folder / name).write_bytes(data)
    return [
        {"path": str(folder / name), "size": size, "preprocessing": how}
        for name in photos
        for size, how in ((160, "stretch"), (97, "stretch"), (112, "paper"))
    ]


@pytest.fixture(scope="module")
def upright(folder):
    """JPEGs of one picture in all orientations that EXIF knows."""
    paths = [folder / f"orientation{number}.jpg" for number in range(1, 9)]
    for number, path in enumerate(paths, start=1):
        path.write_bytes(with_orientation(encode(scene(120, 180), ".jpg"), number))
    return paths


@pytest.fixture(scope="module")
def broken(files, folder):
    """Files that the page must refuse, with the input that they are given to and what it says."""
    whole = {name: path.read_bytes() for name, path in files.items()}
    contents = {
        "text.jpg": ("#photo-file", b"no image at all", "not an image"),
        "empty.png": ("#photo-file", b"", "the file is empty"),
        "cut.jpg": ("#photo-file", flat_jpeg(1, 2, 3)[:60], "not an image"),
        "empty.tflite": ("#model-file", b"", "the file is empty"),
        "text.onnx": ("#model-file", b"no model at all", "neither a TFLite file nor a whole ONNX file"),
        "cut.tflite": ("#model-file", whole["float32.tflite"][:-40], "no metadata of logo_keras"),
        "cut.onnx": ("#model-file", whole["float32.onnx"][:-2000], "neither a TFLite file nor a whole ONNX file"),
        # The zip behind the model is whole, the model is not.
        "hollow.tflite": ("#model-file", _hollow(files["float32.tflite"]), "LiteRT.js cannot run this file"),
    }
    for name, (_, data, _) in contents.items():
        (folder / name).write_bytes(data)
    return {str(folder / name): (given, said) for name, (given, _, said) in contents.items()}


def _hollow(path):
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        start = min(entry.header_offset for entry in archive.infolist())
    return data[:8] + bytes(start - 8) + data[start:]


@pytest.fixture(scope="module")
def visit(clients, root, files, photographs, pngs, fits, upright, broken):
    """What tests/clients/web.mjs tells of one visit to the page."""
    asked = {
        "models": FILES,
        "strict": STRICT,
        "photographs": [str(path) for path in [*photographs, *pngs, *upright]],
        "fits": fits,
        "refused": [(given, path) for path, (given, _) in broken.items()],
    }
    paths = list(files.values())
    # LOGO_KERAS_SCREENSHOT=model.tflite:photograph.jpg (a semicolon on Windows) makes docs/web.png anew with them.
    pictured = os.environ.get("LOGO_KERAS_SCREENSHOT", "").split(os.pathsep)
    if len(pictured) == 2:
        model, photograph = pictured
        paths.append(model)
        asked["screenshot"] = {"model": os.path.basename(model), "photograph": photograph, "path": str(root / "docs" / "web.png")}
    return visited(clients, root, "web.mjs", asked, paths)


@pytest.fixture(scope="module")
def expected(files, photographs, pngs, upright):
    """What the edge runtime says of the same photographs, by the name of the file."""
    recognizers = {name: lk.edge.Recognizer(files[name]) for name in FILES}
    photos = [*photographs, *pngs, *upright]
    return {name: [recognizer.recognize(photo) for photo in photos] for name, recognizer in recognizers.items()}


@pytest.mark.parametrize("name", FILES)
def test_the_browser_names_the_same_logo_as_python(name, visit, expected):
    answers = visit["answers"][name]["recognized"]
    # JPEGs too: their decoders differ by little.
    assert [answer["labels"][0] for answer in answers[:COUNT]] == [one.labels[0] for one in expected[name][:COUNT]]


@pytest.mark.parametrize("name", FILES)
def test_lossless_photographs_of_any_size_get_the_same_scores_and_boxes(name, visit, expected):
    answers, known = visit["answers"][name]["recognized"], expected[name]
    assert len(answers) == len(known)
    for answer, one in list(zip(answers, known, strict=True))[COUNT : 3 * COUNT]:
        assert answer["labels"][0] == one.labels[0]
        np.testing.assert_allclose(answer["probabilities"], one.probabilities, atol=TOLERANCE, rtol=0)
        np.testing.assert_allclose(answer["region_scores"], one.region_scores, atol=TOLERANCE, rtol=1e-3)
        np.testing.assert_allclose(answer["region_boxes"], one.region_boxes, atol=BOX_TOLERANCE, rtol=1e-4)


@pytest.mark.parametrize("name", FILES)
def test_photographs_are_turned_upright(name, visit, expected):
    for answer, one in zip(visit["answers"][name]["recognized"][3 * COUNT :], expected[name][3 * COUNT :], strict=True):
        assert answer["probabilities"][0] == pytest.approx(one.probabilities[0], abs=0.05)


def test_the_page_makes_the_pixels_that_python_makes(visit, fits):
    for asked, answer in zip(fits, visit["fits"], strict=True):
        ours = preprocessing.prepare(asked["path"], asked["size"], asked["preprocessing"])
        theirs = np.frombuffer(base64.b64decode(answer), np.uint8).reshape(ours.shape)
        differences = np.abs(ours - theirs)
        assert differences.max() <= GREY_LEVELS, asked
        assert differences.mean() <= 0.01, asked


@pytest.mark.parametrize("name", FILES)
def test_the_engine_is_the_pinned_one_and_has_threads(name, visit):
    assert visit["threads"]
    assert visit["answers"][name]["engine"].startswith(ENGINES[name.rpartition(".")[2]])


def test_no_request_leaves_this_machine(visit):
    hosts = {urllib.parse.urlsplit(url).hostname for url in visit["requests"] if not url.startswith("blob:")}
    assert hosts == {"127.0.0.1"}


def test_recognizing_asks_for_nothing(visit):
    assert [answer["requests"] for answer in visit["answers"].values()] == [0] * len(FILES)


def test_the_page_is_forbidden_to_connect_elsewhere(visit):
    assert visit["elsewhere"] == ["TypeError", "connect-src"]


def test_the_page_shows_three_logos_the_regions_and_the_time(visit, expected):
    shown, one = visit["page"], expected[FILES[-1]][0]
    assert shown["labels"] == list(one.labels)
    assert len(shown["regions"]) == len(one.region_scores) > 0
    assert f"{len(one.region_scores)} regions marked" in shown["picture"]
    assert re.match(r"\d+ ms", shown["time"])
    assert not shown["problem"]


def test_the_page_says_none_below_the_threshold_of_a_file(visit, expected):
    shown, one = visit["strict"], expected["uint8.tflite"][0]
    assert (shown["answer"]["known"], shown["answer"]["labels"], shown["answer"]["probabilities"]) == (False, [], [])
    assert shown["answer"]["confidence"] == pytest.approx(one.confidence, abs=0.05)
    assert shown["labels"] == ["none"] and "None, the likeliest" in shown["status"]
    assert shown["threshold"] == "100.0 %" and "every photograph gets some logo" in visit["page"]["threshold"]


def test_frames_of_the_camera_are_recognized_until_it_is_stopped(visit):
    assert re.match(r"\d+ ms", visit["camera"]["time"])
    assert visit["camera"]["pressed"] == "false"


def test_the_page_says_what_is_wrong_with_a_file(visit, broken):
    for path, (_, said) in broken.items():
        assert said in visit["refused"][path]


def test_after_a_refused_model_the_one_before_still_answers(visit):
    assert visit["afterwards"]["labels"] == visit["page"]["labels"]


def test_nothing_failed_on_the_page(visit):
    assert visit["errors"] == []
