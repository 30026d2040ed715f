"""The edge runtime, on a file made by hand: without TensorFlow, it says which colour a photograph has most of."""

import dataclasses
import subprocess
import sys
import threading

import cv2
import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from logo_keras import metadata
from logo_keras.edge import Recognizer
from logo_keras.preprocessing import UnreadablePhotograph, decode, frame, prepare, resize

SIZE = 32
METADATA = metadata.Metadata(("red", "green", "blue"), SIZE, "stretch", "NTSNet", "fused", "0.1.0")
BOXES = np.float32([[[0, 0, 16, 8], [8, -4, 24, 12]]])
SCORES = np.float32([[1.5, 0.5]])


def flatbuffer():
    """Returns the bytes of a TFLite model: softmax of the mean colour, and constant region boxes and scores."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, graph.tensors = 3, [schema.BufferT()], []

    def tensor(name, shape, value=None):
        made = schema.TensorT()
        made.name, made.shape, made.buffer = name, shape, 0
        made.type = schema.TensorType.FLOAT32
        if value is not None:
            made.type = schema.TensorType.INT32 if value.dtype == np.int32 else made.type
            made.buffer = len(model.buffers)
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = np.frombuffer(value.tobytes(), np.uint8)
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    def operator(code, inputs, outputs, kind, options):
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = code, inputs, outputs
        made.builtinOptionsType, made.builtinOptions = kind, options
        return made

    def code(number):
        made = schema.OperatorCodeT()
        made.builtinCode = made.deprecatedBuiltinCode = number
        made.version = 1
        return made

    def mapping(name, place):
        made = schema.TensorMapT()
        made.name, made.tensorIndex = name, place
        return made

    images = tensor("images", [1, SIZE, SIZE, 3])
    axes = tensor("axes", [2], np.int32([1, 2]))
    mean = tensor("mean", [1, 3])
    probabilities = tensor("probabilities", [1, 3])
    boxes = tensor("region_boxes", [1, 2, 4], BOXES)
    scores = tensor("region_scores", [1, 2], SCORES)
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 0.01
    options = schema.BuiltinOptions
    graph.operators = [
        operator(0, [images, axes], [mean], options.ReducerOptions, schema.ReducerOptionsT()),
        operator(1, [mean], [probabilities], options.SoftmaxOptions, softmax),
    ]
    model.operatorCodes = [code(schema.BuiltinOperator.MEAN), code(schema.BuiltinOperator.SOFTMAX)]
    graph.inputs, graph.outputs = [images], [probabilities, boxes, scores]
    model.subgraphs = [graph]
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    signature.inputs = [mapping("images", images)]
    names = ("probabilities", "region_boxes", "region_scores")
    signature.outputs = [mapping(name, place) for name, place in zip(names, graph.outputs, strict=True)]
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def write(path, said=METADATA):
    path.write_bytes(flatbuffer())
    metadata.append(path, said)
    return path


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    return write(tmp_path_factory.mktemp("edge") / "colours.tflite")


@pytest.fixture(scope="module")
def recognizer(model_file):
    return Recognizer(model_file)


@pytest.fixture(scope="module")
def photo():
    """RGB, 40 x 100 px, mostly blue, a little red at the left."""
    photo = np.full((40, 100, 3), (20, 10, 200), np.uint8)
    photo[:, :30] = (220, 30, 20)
    return photo


def with_orientation(jpeg, orientation):
    """Returns the JPEG with an EXIF segment that holds the orientation and no more."""
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00" + bytes([orientation, 0, 0, 0])
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00" + entry + bytes(4)
    return jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]


def test_the_file_says_what_it_is(recognizer):
    assert recognizer.metadata == METADATA
    assert recognizer.class_names == ("red", "green", "blue") and recognizer.image_size == SIZE


def test_a_photograph_is_recognised(recognizer, photo):
    recognition = recognizer.recognize(photo)
    assert recognition.labels == ("blue", "red", "green")
    # Mean colour (80, 16, 146): softmax of a hundredth of it, by hand.
    assert recognition.probabilities == pytest.approx((0.5589, 0.2888, 0.1523), abs=2e-3)
    assert sum(recognition.probabilities) == pytest.approx(1)


def test_boxes_are_in_px_of_the_photograph(recognizer, photo):
    recognition = recognizer.recognize(photo, top=1)
    np.testing.assert_allclose(recognition.region_boxes, [[0, 0, 20, 25], [10, -12.5, 30, 37.5]])
    np.testing.assert_array_equal(recognition.region_scores, SCORES[0])


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


def test_prepared_images_run_one_after_the_other(recognizer, photo):
    images = np.stack([prepare(photo, SIZE), prepare(photo[:, ::-1] // 2, SIZE)])
    together = recognizer.infer(images)
    assert together["probabilities"].shape == (2, 3) and together["region_boxes"].shape == (2, 2, 4)
    for number in range(2):
        alone = recognizer.infer(images[number : number + 1])
        np.testing.assert_array_equal(alone["probabilities"][0], together["probabilities"][number])


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


def test_no_threads_are_refused(model_file):
    with pytest.raises(ValueError, match="num_threads must be at least 1"):
        Recognizer(model_file, num_threads=0)


def test_neither_tensorflow_nor_keras_is_imported(model_file, photo, root, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(cv2.imencode(".png", photo[..., ::-1])[1].tobytes())
    code = (
        "import sys, logo_keras as lk\n"
        "print(*lk.edge.Recognizer(sys.argv[1]).recognize(sys.argv[2]).labels)\n"
        "print(sorted({'tensorflow', 'keras', 'jax', 'torch', 'matplotlib'} & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code, model_file, path], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    assert printed.splitlines() == ["blue red green", "[]"]


def test_an_unreadable_photograph_is_named(recognizer, tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("no photograph")
    with pytest.raises(UnreadablePhotograph, match="notes.jpg"):
        recognizer.recognize(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.tflite"):
        Recognizer(tmp_path / "nowhere.tflite")


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda data: b"", "the file is empty"),
        (lambda data: b"PK" + data, "not a TFLite file"),
        (lambda data: data[:-1], "cut short"),
        (lambda data: data[: len(data) // 2], "cut short"),
        (lambda data: data[:8] + b"\xff" * 200 + data[208:], "LiteRT cannot run this file"),
    ],
)
def test_a_damaged_file_is_named_with_what_to_do(model_file, tmp_path, damage, complaint):
    path = tmp_path / "damaged.tflite"
    path.write_bytes(damage(model_file.read_bytes()))
    with pytest.raises(ValueError, match=f"damaged.tflite: .*{complaint}.*(again|logo-export-tflite)"):
        Recognizer(path)


@pytest.mark.parametrize("change", [{"image_size": 64}, {"class_names": ("red", "green")}])
def test_metadata_that_do_not_fit_the_model_are_refused(tmp_path, change):
    path = write(tmp_path / "other.tflite", dataclasses.replace(METADATA, **change))
    with pytest.raises(ValueError, match="other.tflite: .* where its metadata say"):
        Recognizer(path)


def test_the_preprocessing_of_the_file_is_used(recognizer, tmp_path, photo):
    path = write(tmp_path / "paper.tflite", dataclasses.replace(METADATA, preprocessing="paper"))
    cut = Recognizer(path)
    assert (recognizer.preprocessing, cut.preprocessing) == ("stretch", "paper")
    # The file looks at the middle of the photograph only, which is what a file of the other kind sees of this array.
    side, offset = frame("paper", SIZE)
    middle = resize(photo, side)[offset : offset + SIZE, offset : offset + SIZE]
    assert cut.recognize(photo).probabilities == recognizer.recognize(middle).probabilities
    assert cut.recognize(photo).probabilities != recognizer.recognize(photo).probabilities


def test_an_unknown_preprocessing_is_refused(tmp_path):
    path = write(tmp_path / "other.tflite", dataclasses.replace(METADATA, preprocessing="letterbox"))
    with pytest.raises(ValueError, match="other.tflite: asks for the preprocessing 'letterbox'"):
        Recognizer(path)


@pytest.mark.parametrize("shape", [(SIZE, SIZE, 3), (1, SIZE, SIZE, 1), (1, 48, 48, 3), (0, SIZE, SIZE, 3)])
def test_images_of_another_shape_are_refused(recognizer, shape):
    with pytest.raises(ValueError, match="images must be"):
        recognizer.infer(np.zeros(shape, np.float32))
