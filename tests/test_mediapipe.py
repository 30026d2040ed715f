"""What an exported TFLite file tells MediaPipe Tasks; test_client_mediapipe.py runs MediaPipe itself."""

import dataclasses
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from mediapipe_metadata import description

from logo_keras.edge import model_file
from logo_keras.export import tflite
from logo_keras.export.passes import flatbuffer, mediapipe
from logo_keras.export.served import MEANINGS

NAMES = ("Adidas", "H&M", "Löwenbräu")
METADATA = model_file.Metadata(NAMES, 8, "stretch", "DRNANet", "fused", "0.1.0")
ALL = ("region_scores", "embedding", "region_boxes", "probabilities")


def converted(outputs=ALL, dtype=tf.float32, key="serving_default"):
    """A TFLite model of one operator or two an output; the outputs in the order of `outputs`."""

    def answer(images):
        means = tf.reduce_mean(tf.cast(images, tf.float32), (1, 2)) / 255
        every = {
            "probabilities": tf.nn.softmax(means),
            "region_boxes": tf.reshape(tf.concat([means, means, means[:, :2]], 1), (1, 2, 4)),
            "region_scores": means[:, :2] - 1,
            "embedding": tf.nn.l2_normalize(means, -1),
            "logits": means * 2,
            "objectness": tf.reduce_max(means, -1),
        }
        return {name: every[name] for name in outputs}

    module = tf.Module()
    module.function = tf.function(answer, input_signature=[tf.TensorSpec([1, 8, 8, 3], dtype, name="images")])
    concrete = module.function.get_concrete_function()
    model = flatbuffer.parse(tf.lite.TFLiteConverter.from_concrete_functions([concrete], module).convert())
    (signature,) = model.signatureDefs
    signature.signatureKey = key
    # The converter orders outputs as it likes.
    places = {mapping.name.decode(): mapping.tensorIndex for mapping in signature.outputs}
    model.subgraphs[0].outputs = [places[name] for name in outputs]
    return tflite.with_readable_names(flatbuffer.pack(model))


@pytest.fixture(scope="module")
def floats():
    return converted()


@pytest.fixture(scope="module")
def said(floats):
    """What the described file says, and its bytes."""
    data = mediapipe.with_metadata(floats, METADATA)
    return description(data), data


@pytest.fixture(scope="module")
def embedder():
    """What the described file of an embedder says."""
    metadata = model_file.Metadata((), 8, "stretch", "LogoEmbedder", None, "0.2.0", dimensions=3)
    return description(mediapipe.with_metadata(converted(("objectness", "embedding")), metadata))


def first_graph(description):
    (graph,) = description["subgraphs"]
    return graph


def test_the_image_is_rgb_of_model_size_that_stays_0_to_255(said):
    (images,) = first_graph(said[0])["inputs"]
    assert images["name"] == "images" and "RGB" in images["description"] and "8 x 8 px" in images["description"]
    assert images["content"] == {"properties": (2, {"color_space": 1, "default_size": {"width": 8, "height": 8}})}
    assert images["process_units"] == [{"options": (1, {"mean": [0.0], "std": [1.0]})}]
    assert images["stats"] == {"max": [255.0], "min": [0.0]}


def test_every_output_is_described_and_probabilities_come_first(said):
    outputs = first_graph(said[0])["outputs"]
    assert [output["name"] for output in outputs] == ["probabilities", "region_boxes", "region_scores", "embedding"]
    assert all(output["description"] == MEANINGS[output["name"]] for output in outputs)
    assert all(output["content"] == {"properties": (1, {})} for output in outputs)


def test_labels_belong_to_probabilities_alone(said):
    probabilities, *others = first_graph(said[0])["outputs"]
    assert [(file["name"], file["type"]) for file in probabilities["files"]] == [(model_file.LABELS_NAME, 2)]
    assert not any("files" in output for output in others)


def test_a_threshold_is_that_of_probabilities_in_the_field_of_the_schema(floats, said):
    calibrated = dataclasses.replace(METADATA, threshold=0.25)
    probabilities, *others = first_graph(description(mediapipe.with_metadata(floats, calibrated)))["outputs"]
    # ScoreThresholdingOptions is the third of the union.
    assert probabilities["process_units"] == [{"options": (3, {"global_score_threshold": 0.25})}]
    # region_boxes would be cut at it.
    assert not any("process_units" in output for output in (*others, *first_graph(said[0])["outputs"]))


def test_the_file_has_its_outputs_in_the_order_in_which_they_are_described(said):
    described = [output["name"] for output in first_graph(said[0])["outputs"]]
    # Of the file, not of LiteRT's Python interface, which sorts.
    graph = flatbuffer.parse(said[1]).subgraphs[0]
    assert [graph.tensors[place].name.decode() for place in graph.outputs] == described


@pytest.mark.parametrize("behind", [b"", b"PK\x03\x04 a zip"])
def test_litert_answers_as_before(floats, said, behind):
    images = np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3)).astype(np.float32)
    before, after = (Interpreter(model_content=data).get_signature_runner() for data in (floats, said[1] + behind))
    expected, got = before(images=images), after(images=images)
    assert set(got) == set(ALL)
    assert all(np.array_equal(got[name], expected[name]) for name in ALL)


def test_the_model_says_who_wrote_it(said):
    assert (said[0]["name"], said[0]["version"]) == ("DRNANet", "0.1.0")
    assert "3 classes" in said[0]["description"]


def test_the_flatbuffer_has_the_identifier_of_the_schema(said):
    model = flatbuffer.parse(said[1])
    (entry,) = (entry for entry in model.metadata if entry.name == b"TFLITE_METADATA")
    assert model.buffers[entry.buffer].data[4:8].tobytes() == b"M001"


def test_what_the_converter_noted_stays(floats, said):
    noted = [entry.name for entry in flatbuffer.parse(floats).metadata]
    assert noted and [entry.name for entry in flatbuffer.parse(said[1]).metadata] == [*noted, b"TFLITE_METADATA"]


def test_the_same_model_gives_the_same_bytes(floats, said):
    assert mediapipe.with_metadata(floats, METADATA) == said[1]


def test_other_metadata_give_other_bytes(floats, said):
    assert mediapipe.with_metadata(floats, dataclasses.replace(METADATA, class_names=NAMES[:2])) != said[1]


def test_a_single_output_is_described():
    data = mediapipe.with_metadata(converted(("probabilities",)), METADATA)
    (output,) = first_graph(description(data))["outputs"]
    assert output["name"] == "probabilities"


def test_a_uint8_image_needs_no_normalization():
    data = mediapipe.with_metadata(converted(("region_boxes", "probabilities"), tf.uint8), METADATA)
    (images,) = first_graph(description(data))["inputs"]
    assert "process_units" not in images and images["stats"] == {"max": [255.0], "min": [0.0]}
    (details,) = Interpreter(model_content=data).get_input_details()
    assert details["dtype"] == np.uint8


def test_the_papers_preprocessing_is_told(floats):
    model = dataclasses.replace(METADATA, image_size=448, preprocessing="paper")
    (images,) = first_graph(description(mediapipe.with_metadata(floats, model)))["inputs"]
    assert "600 x 600 px, of which the middle 448 x 448 px" in images["description"]


@pytest.mark.parametrize("outputs", [("probabilities",), ALL])
def test_the_labels_lie_in_the_zip_behind_the_described_model(outputs, tmp_path):
    names = ("Löwenbräu", "two\nlines", "carriage\r\nreturn", "", "日本")
    path = tmp_path / "model.tflite"
    path.write_bytes(mediapipe.with_metadata(converted(outputs), METADATA))
    model_file.append(path, dataclasses.replace(METADATA, class_names=names))
    labels = first_graph(description(path.read_bytes()))["outputs"][0]["files"][0]["name"]
    with zipfile.ZipFile(path) as archive:
        # MediaPipe reads entries where they lie, so they must not be compressed.
        assert archive.getinfo(labels).compress_type == zipfile.ZIP_STORED
        assert archive.read(labels).decode().split("\n") == ["Löwenbräu", "two lines", "carriage return", "", "日本", ""]
    assert model_file.read(path).class_names == names


def test_of_an_embedder_the_embedding_comes_first_and_nothing_has_labels(embedder):
    outputs = first_graph(embedder)["outputs"]
    assert [output["name"] for output in outputs] == ["embedding", "objectness"]
    assert not any("files" in output or "stats" in output for output in outputs)
    assert "3 dimensions" in embedder["description"]


def test_an_embedder_must_give_its_embedding(embedder):
    metadata = model_file.Metadata((), 8, "stretch", "LogoEmbedder", None, "0.2.0", dimensions=3)
    with pytest.raises(ValueError, match="give embedding, and besides probabilities"):
        mediapipe.with_metadata(converted(("objectness",)), metadata)


def test_a_file_is_described_once(said):
    with pytest.raises(ValueError, match="carries TFLITE_METADATA already"):
        mediapipe.with_metadata(said[1], METADATA)


@pytest.mark.parametrize(
    ("outputs", "complaint"),
    [(("region_boxes",), "give probabilities"), (("probabilities", "logits"), "besides region_boxes, .* gives .*logits")],
)
def test_other_outputs_are_refused(outputs, complaint):
    with pytest.raises(ValueError, match=complaint):
        mediapipe.with_metadata(converted(outputs), METADATA)


def test_another_signature_is_refused():
    with pytest.raises(ValueError, match="one signature serving_default, got 0"):
        mediapipe.with_metadata(converted(key="main"), METADATA)
