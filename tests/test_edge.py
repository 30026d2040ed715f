"""The edge runtime on files made by hand, in both engines: without TensorFlow, it says which colour a photograph has most of."""

import dataclasses
import pickle
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest
from edge_files import EVERYTHING, METADATA, SCORES, SIZE, write
from photographs import with_orientation

from logo_keras.edge import Recognizer, UnusableModel
from logo_keras.edge.recognition import Recognition
from logo_keras.image.preprocessing import UnreadablePhotograph, decode, frame, prepare, resize


@pytest.fixture(scope="module", params=[".tflite", ".onnx"])
def suffix(request):
    if request.param == ".onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    return request.param


@pytest.fixture(scope="module")
def model_file(suffix, tmp_path_factory):
    return write(tmp_path_factory.mktemp("edge") / f"colours{suffix}")


@pytest.fixture(scope="module")
def recognizer(model_file):
    return Recognizer(model_file)


@pytest.fixture(scope="module")
def photos(photo):
    """Five photographs, mostly blue, red, green, blue, red, of two sizes."""
    return [np.roll(photo, shift, axis=2)[: 40 - 10 * (shift % 2)] for shift in range(5)]


@pytest.fixture(scope="module")
def photo():
    """RGB, 40 x 100 px, mostly blue, a little red at the left."""
    photo = np.full((40, 100, 3), (20, 10, 200), np.uint8)
    photo[:, :30] = (220, 30, 20)
    return photo


def test_a_recognizer_is_opened_again_where_a_pickle_takes_it(suffix, photo, tmp_path, monkeypatch):
    write(tmp_path / f"colours{suffix}")
    monkeypatch.chdir(tmp_path)
    first = Recognizer(f"colours{suffix}", num_threads=2)
    packed = pickle.dumps(first)
    # Another process may work in another folder.
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = pickle.loads(packed)
    assert again.metadata == first.metadata
    assert again.recognize(photo).to_dict() == first.recognize(photo).to_dict()
    assert pickle.dumps(again) == packed
    (tmp_path / f"colours{suffix}").unlink()
    with pytest.raises(FileNotFoundError):
        pickle.loads(packed)


def test_the_file_says_what_it_is(recognizer):
    assert recognizer.metadata == METADATA
    assert recognizer.class_names == ("red", "green", "blue") and recognizer.image_size == SIZE


def test_a_photograph_is_recognised(recognizer, photo):
    recognition = recognizer.recognize(photo)
    assert recognition.labels == ("blue", "red", "green")
    # Mean colour (80, 16, 146): softmax of a hundredth of it, by hand.
    assert recognition.probabilities == pytest.approx((0.5589, 0.2888, 0.1523), abs=2e-3)
    assert sum(recognition.probabilities) == pytest.approx(1)


def test_one_rule_says_what_is_known_whatever_the_photograph_comes_as(suffix, photo, tmp_path):
    fitted = {"validation": 40, "threshold": 0.6, "temperature": 1.5}
    said = dataclasses.replace(METADATA, threshold=0.6, temperature=1.5, calibration=fitted)
    strict = pickle.loads(pickle.dumps(Recognizer(write(tmp_path / f"strict{suffix}", said))))
    assert (strict.threshold, strict.temperature, strict.calibration) == (0.6, 1.5, fitted)
    frame = np.ascontiguousarray(photo[..., ::-1])
    ways = [strict.recognize, lambda photo, **ways: strict.recognize_batch([photo], **ways)[0]]
    ways += [
        lambda photo, **ways: strict.recognize_frame(frame, **ways),
        lambda photo, **ways: next(strict.frames([frame], **ways))[1],
    ]
    for way in ways:
        unknown, known = way(photo), way(photo, threshold=0.5)
        # The likeliest has 0.559; the temperature is in a file already, so that nothing is divided again.
        assert (unknown.known, unknown.labels) == (False, ()) and unknown.confidence == pytest.approx(0.5589, abs=2e-3)
        assert known.labels == way(photo, threshold=0).labels == ("blue", "red", "green")
        assert len(unknown.region_boxes) == 2


def test_a_file_that_says_nothing_of_a_threshold_gives_every_photograph_some_brand(recognizer, photo):
    assert (recognizer.threshold, recognizer.temperature, recognizer.calibration) == (None, 1.0, None)
    assert recognizer.recognize(photo).known and not recognizer.recognize(photo, threshold=0.6).known


def test_boxes_are_in_px_of_the_photograph(recognizer, photo):
    recognition = recognizer.recognize(photo, top=1)
    np.testing.assert_allclose(recognition.region_boxes, [[0, 0, 20, 25], [10, -12.5, 30, 37.5]])
    np.testing.assert_array_equal(recognition.region_scores, SCORES)


def test_path_and_bytes_are_read(recognizer, photo, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(cv2.imencode(".png", photo[..., ::-1])[1].tobytes())
    expected = recognizer.recognize(photo).to_dict()
    assert recognizer.recognize(path).to_dict() == expected
    assert recognizer.recognize(path.read_bytes()).to_dict() == expected


@pytest.mark.parametrize(("orientation", "turns"), [(3, 2), (6, -1), (8, 1)])
def test_a_photograph_turned_by_exif_is_the_upright_one(recognizer, photo, orientation, turns):
    jpeg = cv2.imencode(".jpg", photo[..., ::-1])[1].tobytes()
    upright = np.ascontiguousarray(np.rot90(decode(jpeg), turns))
    turned = recognizer.recognize(with_orientation(jpeg, orientation))
    assert turned.to_dict() == recognizer.recognize(upright).to_dict()
    # Its boxes are in px of the upright photograph: 40 x 100 px, or 100 x 40.
    assert turned.region_boxes[0].tolist() == [0, 0, upright.shape[0] / 2, upright.shape[1] / 4]


@pytest.mark.parametrize("batch", [1, 2, 3, "free"])
def test_images_run_in_the_batches_of_the_file(suffix, recognizer, photos, tmp_path, batch):
    if batch == "free" and suffix == ".tflite":
        pytest.skip("a TFLite file has a batch")
    path = write(tmp_path / f"batch{suffix}", batch="n" if batch == "free" else batch)
    batched = Recognizer(path)
    assert batched.batch == (None if batch == "free" else batch)
    together = batched.infer(np.stack([prepare(photo, SIZE) for photo in photos]))
    assert together["probabilities"].shape == (5, 3) and together["region_boxes"].shape == (5, 2, 4)
    for number, photo in enumerate(photos):
        alone = recognizer.infer(prepare(photo, SIZE)[None])
        np.testing.assert_allclose(together["probabilities"][number], alone["probabilities"][0], atol=1e-6)


def test_a_free_batch_is_one_call(tmp_path, photos, monkeypatch):
    pytest.importorskip("onnx")
    recognizer, sizes = Recognizer(write(tmp_path / "free.onnx")), []
    run = recognizer._engine.run
    monkeypatch.setattr(recognizer._engine, "run", lambda images: sizes.append(len(images)) or run(images))
    recognizer.recognize_batch(photos)
    recognizer.recognize_batch(photos, batch_size=2)
    assert sizes == [5, 2, 2, 1]


def test_a_batch_answers_as_single_photographs_do(recognizer, photos):
    answers = recognizer.recognize_batch(iter(photos), top=2, batch_size=2)
    for photo, answer in zip(photos, answers, strict=True):
        alone = recognizer.recognize(photo, top=2)
        assert answer.labels == alone.labels and answer.probabilities == pytest.approx(alone.probabilities, abs=1e-6)
        np.testing.assert_array_equal(answer.region_boxes, alone.region_boxes)
    assert recognizer.recognize_batch([]) == []


def test_a_batch_names_the_photograph_that_cannot_be_read(recognizer, photo, tmp_path):
    (tmp_path / "notes.jpg").write_text("no photograph")
    with pytest.raises(UnreadablePhotograph, match=r"notes\.jpg: "):
        recognizer.recognize_batch([photo, tmp_path / "notes.jpg"])
    with pytest.raises(UnreadablePhotograph, match=r"photos\[1\]: the file is empty"):
        recognizer.recognize_batch([photo, b""])


def test_a_batch_that_is_not_strict_leaves_a_gap(recognizer, photo):
    first, second, third = recognizer.recognize_batch([photo, b"", photo], strict=False)
    assert second is None and first.labels == third.labels == ("blue", "red", "green")


@pytest.mark.parametrize("photos", ["photo.jpg", b"bytes", np.zeros((3, 4, 4, 3), np.uint8)])
def test_a_batch_of_a_single_photograph_is_refused(recognizer, photos):
    with pytest.raises(ValueError, match="photos must be several photos"):
        recognizer.recognize_batch(photos)


def test_a_frame_of_opencv_is_recognised(recognizer, photo):
    assert recognizer.recognize_frame(photo[..., ::-1]).to_dict() == recognizer.recognize(photo).to_dict()


@pytest.mark.parametrize("frame", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), None])
def test_a_frame_of_another_kind_is_refused(recognizer, frame):
    with pytest.raises(ValueError, match="frame must be a uint8 BGR array"):
        recognizer.recognize_frame(frame)


def test_a_file_with_uint8_input_gets_rounded_images(suffix, tmp_path, photo):
    recognizer = Recognizer(write(tmp_path / f"whole{suffix}", dtype="uint8", outputs=("probabilities", "mean")))
    images = np.zeros((1, SIZE, SIZE, 3), np.float32)
    images[..., :] = 7.4, 7.6, 300
    np.testing.assert_allclose(recognizer.infer(images)["mean"], [[7, 8, 255]], rtol=1e-6)
    assert recognizer.recognize(photo).labels == ("blue", "red", "green")


def test_uint8_images_are_taken_by_every_file(recognizer, photo):
    image = resize(photo, SIZE)[None]
    given = recognizer.infer(image)["probabilities"]
    np.testing.assert_array_equal(given, recognizer.infer(image.astype(np.float32))["probabilities"])


def test_a_file_may_give_probabilities_alone(suffix, tmp_path, photo):
    recognizer = Recognizer(write(tmp_path / f"plain{suffix}", outputs=("probabilities",)))
    assert recognizer.outputs == ("probabilities",)
    answer = recognizer.recognize(photo)
    assert answer.labels == ("blue", "red", "green") and answer.embedding is None
    assert answer.region_boxes.shape == (0, 4) and answer.region_scores.shape == (0,)


def test_a_file_may_give_more(suffix, tmp_path, photo):
    recognizer = Recognizer(write(tmp_path / f"more{suffix}", outputs=(*EVERYTHING, "mean")))
    assert set(recognizer.outputs) == {*EVERYTHING, "mean"}
    # The direction of the mean colour, (80, 16, 146).
    expected = np.array([80, 16, 146]) / np.linalg.norm([80, 16, 146])
    for answer in (recognizer.recognize(photo), *recognizer.recognize_batch([photo])):
        np.testing.assert_allclose(answer.embedding, expected, atol=2e-3)
        assert answer.embedding.dtype == np.float32 and answer.to_dict()["embedding"] == answer.embedding.tolist()


def test_an_answer_without_embedding_does_not_mention_it(recognizer, photo):
    answer = recognizer.recognize(photo)
    assert isinstance(answer, Recognition) and answer.embedding is None and "embedding" not in answer.to_dict()


def test_answers_do_not_change_under_the_next_photograph(recognizer, photo):
    first = recognizer.infer(prepare(photo, SIZE)[None])["probabilities"]
    kept = first.copy()
    recognizer.infer(prepare(255 - photo, SIZE)[None])
    np.testing.assert_array_equal(first, kept)


def test_threads_may_share_a_recognizer(recognizer, photo):
    photos = [np.roll(photo, shift, axis=2) for shift in range(3)] * 8
    expected = [recognizer.recognize(photo).to_dict() for photo in photos]
    answers = [None] * len(photos)

    def answer(number):
        answers[number] = recognizer.recognize(photos[number]).to_dict()

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(len(photos))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == expected


def test_the_number_of_threads_does_not_change_the_answer(model_file, recognizer, photo):
    assert Recognizer(model_file, num_threads=2).recognize(photo).to_dict() == recognizer.recognize(photo).to_dict()


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_no_threads_are_refused(model_file, threads):
    with pytest.raises(ValueError, match="num_threads must be an integer of at least 1"):
        Recognizer(model_file, num_threads=threads)


def test_one_engine_is_imported_and_neither_tensorflow_nor_keras(model_file, photo, root, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(cv2.imencode(".png", photo[..., ::-1])[1].tobytes())
    code = (
        "import sys, logo_keras as lk\n"
        "print(*lk.edge.Recognizer(sys.argv[1]).recognize(sys.argv[2]).labels)\n"
        "engines = {'ai_edge_litert', 'onnxruntime'}\n"
        "print(sorted({'tensorflow', 'keras', 'jax', 'torch', 'matplotlib', 'onnx', *engines} & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, model_file, path], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    engine = {".tflite": "ai_edge_litert", ".onnx": "onnxruntime"}[model_file.suffix]
    assert printed.splitlines() == ["blue red green", f"['{engine}']"]


def test_an_unreadable_photograph_is_named(recognizer, tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("no photograph")
    with pytest.raises(UnreadablePhotograph, match="notes.jpg"):
        recognizer.recognize(path)


@pytest.mark.parametrize("change", [{"image_size": 64}, {"class_names": ("red", "green")}])
def test_metadata_that_do_not_fit_the_model_are_refused(suffix, tmp_path, change):
    path = write(tmp_path / f"other{suffix}", dataclasses.replace(METADATA, **change))
    with pytest.raises(UnusableModel, match=f"other{suffix}: .* where its metadata say"):
        Recognizer(path)


def test_the_preprocessing_of_the_file_is_used(suffix, recognizer, tmp_path, photo):
    path = write(tmp_path / f"paper{suffix}", dataclasses.replace(METADATA, preprocessing="paper"))
    cut = Recognizer(path)
    assert (recognizer.preprocessing, cut.preprocessing) == ("stretch", "paper")
    # The file looks at the middle of the photograph only, which is what a file of the other kind sees of this array.
    side, offset = frame("paper", SIZE)
    middle = resize(photo, side)[offset : offset + SIZE, offset : offset + SIZE]
    assert cut.recognize(photo).probabilities == recognizer.recognize(middle).probabilities
    assert cut.recognize(photo).probabilities != recognizer.recognize(photo).probabilities


def test_an_unknown_preprocessing_is_refused(suffix, tmp_path):
    path = write(tmp_path / f"other{suffix}", dataclasses.replace(METADATA, preprocessing="letterbox"))
    with pytest.raises(UnusableModel, match=f"other{suffix}: asks for the preprocessing 'letterbox'"):
        Recognizer(path)


@pytest.mark.parametrize("shape", [(SIZE, SIZE, 3), (1, SIZE, SIZE, 1), (1, 48, 48, 3), (0, SIZE, SIZE, 3)])
def test_images_of_another_shape_are_refused(recognizer, shape):
    with pytest.raises(ValueError, match="images must be"):
        recognizer.infer(np.zeros(shape, np.float32))


def test_a_missing_onnxruntime_is_named(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    path = write(tmp_path / "colours.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"needs onnxruntime, which is not installed: pip install 'logo_keras\[onnx\]'"):
        Recognizer(path)
