"""An exported ONNX file: what is in it, that it answers as Keras does, and that no file is left where it does not."""

import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf
from keras import ops
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras import datasets
from logo_keras.edge import metadata
from logo_keras.export import onnx as onnx_export
from logo_keras.export.check import onnx_file
from logo_keras.export.check.verification import BOUND, DiffersFromKeras
from logo_keras.image import preprocessing

NAMES = ("Adidas", "H&M", "Löwenbräu")
REGIONS = {"class_names": NAMES, "image_size": 96, "region_size": 32, "weights": None}
MAKERS = {
    "plain": lambda: lk.Classifier(class_names=NAMES, image_size=64, weights=None),
    "resnet50": lambda: lk.Classifier(class_names=NAMES, backbone="resnet50", image_size=64, weights=None),
    "nts": lambda: lk.NTSNet(**REGIONS, num_proposals=6, num_regions=4, navigator_stride=32, antialias=False),
    "drna": lambda: lk.DRNANet(
        **REGIONS,
        whole_size=64,
        navigator_stride=16,
        views=("region", "crop", "drop"),
        decision="fused",
        # Not 0, which adds nothing to the graph.
        fill=(0.5, -0.25, 1.0),
    ),
}
OUTPUTS = {"drna": ("region_scores", "probabilities", "embedding", "region_boxes"), "resnet50": ("embedding", "probabilities")}


def small():
    """A plain classifier that is converted in a second."""
    return lk.Classifier(class_names=NAMES, image_size=64, backbone=tiny_backbone(64))


class Exported:
    """A model, its file, and the report of the check."""

    def __init__(self, name, path, photos):
        self.model, self.path = MAKERS[name](), path
        self.names = OUTPUTS.get(name, self.model.export_outputs)
        self.report = onnx_export.export(self.model, path, photos, outputs=self.names)
        self.session = running(path)
        self.images = np.stack([self._prepared(photo) for photo in sorted(photos.glob("test/*/*.jpg"))[::3]])

    def _prepared(self, photo):
        return preprocessing.prepare(photo, self.model.image_size, self.model.preprocessing)

    def run(self, images):
        return self.session.run(None, {"images": images})


def running(model):
    """Returns a session of a path or of bytes."""
    return onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model), providers=["CPUExecutionProvider"], enable_fallback=0
    )


def kernel_bytes(layer):
    """Returns the bytes of the weights of a layer or model that are no vectors."""
    return sum(4 * int(np.prod(weight.shape)) for weight in layer.weights if len(weight.shape) > 1)


def written(model):
    return model.SerializeToString(deterministic=True)


def left(folder):
    """Returns the names of all that is in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


def command(root, *arguments):
    return subprocess.run([sys.executable, "-m", "export.onnx", *map(str, arguments)], cwd=root, capture_output=True, text=True)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of 24 synthetic photographs."""
    root = tmp_path_factory.mktemp("photos") / "synthetic"
    return datasets.synthesize(root, brands=4, train=0, validation=0, test=6, none=0)


@pytest.fixture(scope="module", params=["plain", "nts", "drna", pytest.param("resnet50", marks=pytest.mark.slow)])
def exported(request, tmp_path_factory, photos):
    keras.utils.set_random_seed(1)
    return Exported(request.param, tmp_path_factory.mktemp("export") / "model.onnx", photos)


@pytest.fixture(scope="module")
def fixed(tmp_path_factory):
    """A DRNA-Net, and a file of it for two photographs a call."""
    keras.utils.set_random_seed(1)
    model, path = MAKERS["drna"](), tmp_path_factory.mktemp("fixed") / "model.onnx"
    path.write_bytes(written(onnx_export.convert(model, batch=2)))
    return model, path


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A plain classifier and its `.keras` file."""
    keras.utils.set_random_seed(2)
    model, path = small(), tmp_path_factory.mktemp("plain") / "model.keras"
    model.save(path)
    return model, path


@pytest.fixture(scope="module")
def converted(plain):
    return onnx_export.convert(plain[0])


def test_the_file_answers_as_keras_does(exported):
    report = exported.report
    assert report.failures == () and report.photographs == 24
    assert report.max_abs_diff <= BOUND and report.top1_agreement == 1
    assert (report.max_box_diff is None) is ("region_boxes" not in exported.names)
    assert (report.max_embedding_diff is None) is ("embedding" not in exported.names)


def test_the_edge_runtime_recognizes_as_the_model_does(exported, photos):
    photo = next(photos.glob("test/*/*.jpg"))
    ours, theirs = lk.edge.Recognizer(exported.path).recognize(photo), exported.model.recognize(photo)
    assert ours.labels == theirs.labels
    np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=BOUND)
    if "region_boxes" in exported.names:
        np.testing.assert_allclose(ours.region_boxes, theirs.region_boxes, atol=1e-3)


def test_a_photograph_gets_the_same_answer_in_batches_of_1_3_and_8(exported):
    together = exported.run(exported.images)
    assert len(exported.images) == 8
    for start, stop in ((0, 1), (0, 3), (5, 8)):
        for some, all_ in zip(exported.run(exported.images[start:stop]), together, strict=True):
            np.testing.assert_allclose(some, all_[start:stop], atol=1e-5)


def test_input_and_outputs_are_float32_with_a_free_batch_in_the_order_asked_for(exported):
    (images,), outputs = exported.session.get_inputs(), exported.session.get_outputs()
    size = exported.model.image_size
    assert (images.name, images.shape, images.type) == ("images", ["batch", size, size, 3], "tensor(float)")
    assert tuple(output.name for output in outputs) == exported.names
    assert {output.shape[0] for output in outputs} == {"batch"} and {output.type for output in outputs} == {"tensor(float)"}


def test_it_is_valid_onnx_of_the_stated_opset_with_the_weights_inside(exported):
    model = onnx.load(exported.path)
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", onnx_export.OPSET)]
    assert {node.domain for node in model.graph.node} == {""}
    assert exported.path.stat().st_size > kernel_bytes(exported.model.extractor) > 10e6


def test_nothing_is_left_of_batch_normalisation_dead_heads_and_repeated_constants(exported):
    model = onnx.load(exported.path)
    counts = onnx_file.operators(model)
    assert "BatchNormalization" not in counts and "Identity" not in counts and "Dropout" not in counts
    makers = {name: node for node in model.graph.node for name in node.output}
    scaled = [node for node in model.graph.node if node.op_type == "Mul" and makers.get(node.input[0], node).op_type == "Conv"]
    assert scaled == []
    constants = [tensor for tensor in model.graph.initializer if np.prod(tensor.dims) > 1000]
    values = {(tuple(tensor.dims), tensor.raw_data) for tensor in constants}
    assert len(values) == len(constants)
    used = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= used


def test_the_file_and_the_report_beside_it_say_what_it_is(exported):
    model, said = exported.model, metadata.read(exported.path)
    assert said == metadata.Metadata(NAMES, model.image_size, "stretch", type(model).__name__, model.decision, lk.__version__)
    proto = onnx.load(exported.path)
    properties = {entry.key: entry.value for entry in proto.metadata_props}
    assert json.loads(properties["class_names"]) == list(NAMES) and properties["preprocessing"] == "stretch"
    assert metadata.Metadata.from_json(properties["logo_keras.json"]) == said
    assert (proto.producer_name, proto.graph.name) == ("logo_keras", type(model).__name__)
    assert all(value.doc_string for value in (*proto.graph.input, *proto.graph.output))
    facts = json.loads(Path(f"{exported.path}.json").read_text(encoding="utf-8"))
    assert facts["format"] == "ONNX" and facts["runtime"].startswith("onnxruntime 1.")
    assert facts["operators"] == onnx_file.operators(proto) and facts["opset"] == onnx_export.OPSET
    assert facts["inputs"][0]["shape"] == ["batch", model.image_size, model.image_size, 3]
    assert [output["name"] for output in facts["outputs"]] == list(exported.names)


def test_the_file_names_no_folder_of_the_machine(exported, root):
    data = exported.path.read_bytes()
    for place in (root, Path.home(), sys.prefix, exported.path.parent):
        assert str(place).encode() not in data
    assert b"site-packages" not in data and b"__autograph" not in data


def test_a_fixed_batch_leaves_no_shape_to_compute_and_the_same_numbers(fixed):
    model, path = fixed
    assert not {"Shape", "Range", "ConstantOfShape"} & set(onnx_file.operators(onnx.load(path)))
    session = running(path)
    assert session.get_inputs()[0].shape == [2, 96, 96, 3] and session.get_outputs()[1].shape == [2, 2, 4]
    images = np.random.default_rng(0).uniform(0, 255, (2, 96, 96, 3)).astype(np.float32)
    answer = model(images, training=False)
    for name, found in zip(model.export_outputs, session.run(None, {"images": images}), strict=True):
        np.testing.assert_allclose(found, answer[name], atol=BOUND)


def test_keras_own_export_gives_the_same_for_a_plain_classifier(plain, converted, tmp_path):
    model, images = plain[0], np.random.default_rng(0).uniform(0, 255, (3, 64, 64, 3)).astype(np.float32)
    model(images)
    signature = [keras.InputSpec("float32", (None, 64, 64, 3), name="images")]
    with warnings.catch_warnings():
        # It asks NumPy for the old name `object`.
        warnings.simplefilter("ignore", FutureWarning)
        model.export(tmp_path / "keras.onnx", format="onnx", input_signature=signature, verbose=False)
    theirs = running(tmp_path / "keras.onnx")
    (found,) = theirs.run(["probabilities"], {"images": images})
    np.testing.assert_allclose(running(written(converted)).run(None, {"images": images})[0], found, atol=1e-6)


class Small(keras.Model):
    """A model of one function."""

    image_size, export_outputs, decision = 8, ("probabilities",), "whole"

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.built = True

    def call(self, images, embedding=False):
        return {"probabilities": self.function(images)}


def test_choices_between_infinite_values_stay_exact():
    def race(images):
        scores = images[:, 0, :, 0]
        out = ops.where(scores > 100, -np.inf, scores)
        return ops.where(scores > 200, scores, out) + ops.take(ops.where(scores > 50, out, scores), [0, -1], axis=1)[:, :1]

    images = np.random.default_rng(0).uniform(0, 255, (4, 8, 8, 3)).astype(np.float32)
    proto = onnx_export.convert(Small(race))
    assert onnx_file.operators(proto)["Where"] == 3 and "Less" not in onnx_file.operators(proto)
    np.testing.assert_array_equal(running(written(proto)).run(None, {"images": images})[0], race(images))


def test_an_index_that_may_be_negative_counts_from_the_end():
    def turned(images):
        index = ops.cast(images[:, 0, 0, 0] / 64, "int32") - 2
        return ops.take(ops.arange(6, dtype="float32"), index)[:, None] + 0 * images[:, 0, :, 0]

    images = np.random.default_rng(0).uniform(0, 255, (16, 8, 8, 3)).astype(np.float32)
    answer = np.asarray(turned(images))
    assert set(answer.ravel()) == {4, 5, 0, 1}
    np.testing.assert_array_equal(running(written(onnx_export.convert(Small(turned)))).run(None, {"images": images})[0], answer)


def test_an_operator_that_onnx_lacks_is_refused():
    with pytest.raises(ValueError, match="ONNX cannot express this model: .*Digamma"):
        onnx_export.convert(Small(lambda images: tf.math.digamma(images[:, 0, :, 0])))


def test_an_optimiser_that_fails_is_one_line_and_the_file_is_right(plain, monkeypatch, caplog, capfd):
    from tf2onnx.optimizer.transpose_optimizer import TransposeOptimizer

    def failing(self, graph, iteration):
        raise IndexError("list index out of range")

    monkeypatch.setattr(TransposeOptimizer, "optimize", failing)
    images = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    with caplog.at_level(logging.WARNING):
        session = running(written(onnx_export.convert(plain[0])))
    assert {record.getMessage() for record in caplog.records} == {
        "tf2onnx: Failed to apply optimize_transpose (list index out of range)"
    }
    assert "Traceback" not in capfd.readouterr().err + caplog.text
    np.testing.assert_allclose(session.run(None, {"images": images})[0], plain[0](images)["probabilities"], atol=BOUND)


def test_constants_smaller_than_the_weights_are_caught(plain, converted):
    onnx_file.check(converted, kernel_bytes(plain[0]))
    with pytest.raises(ValueError, match="would lack weights"):
        onnx_file.check(converted, 2 * kernel_bytes(plain[0]))


@pytest.mark.parametrize("older", [None, b"an older file"])
def test_over_the_bound_no_file_is_left_and_an_older_one_is_kept(converted, photos, tmp_path, monkeypatch, older):
    out = tmp_path / "model.onnx"
    if older:
        out.write_bytes(older)
    keras.utils.set_random_seed(3)
    monkeypatch.setattr(onnx_export, "convert", lambda *_: converted)
    with pytest.raises(DiffersFromKeras, match="model.onnx was not written: 24 of 24 photographs") as caught:
        onnx_export.export(small(), out, photos)
    assert caught.value.report.max_abs_diff > BOUND
    assert left(tmp_path) == (["model.onnx"] if older else [])
    assert not older or out.read_bytes() == older


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"out": "model.tflite"}, "the name of an ONNX file ends with .onnx"),
        ({"batch": 0}, "batch must be at least 1, or free, got 0"),
        ({"outputs": "region_boxes,probabilities"}, "Classifier has no output 'region_boxes'"),
    ],
)
def test_wrong_options_are_refused_before_the_conversion(plain, tmp_path, monkeypatch, options, complaint):
    monkeypatch.setattr(onnx_export, "convert", lambda *_: pytest.fail("converted"))
    with pytest.raises(ValueError, match=complaint):
        onnx_export.export(plain[0], tmp_path / options.pop("out", "model.onnx"), **options)


def test_the_command_writes_the_same_bytes_on_any_day_and_prints_no_traceback(plain, converted, photos, root, tmp_path):
    ran = command(root, "--model", plain[1], "--out", tmp_path / "model.onnx", "--photos", photos, "--limit", 0)
    assert ran.returncode == 0, ran.stderr
    assert "top-1 agreement                  100.00%" in ran.stdout and "Traceback" not in ran.stderr
    assert left(tmp_path) == ["model.onnx", "model.onnx.json"]
    assert (tmp_path / "model.onnx").read_bytes().startswith(written(converted))


def test_help_explains_every_flag(root):
    ran = command(root, "--help")
    assert ran.stdout.startswith("Writes an ONNX file from a .keras file.")
    assert all(f"--{flag}:" in ran.stdout for flag in ("model", "out", "photos", "limit", "batch")) and "outputs:" in ran.stdout


def test_polygraphy_inspects_and_lints_the_file_for_tensorrt(fixed, tmp_path):
    tool = [sys.executable, "-c", "from polygraphy.tools import main; main()"]
    ran = subprocess.run([*tool, "inspect", "model", fixed[1]], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"Name: DRNANet | ONNX Opset: {onnx_export.OPSET}" in ran.stdout
    assert "{images [dtype=float32, shape=(2, 96, 96, 3)]}" in ran.stdout
    ran = subprocess.run(
        [*tool, "check", "lint", fixed[1], "-o", tmp_path / "lint.json"],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    said = json.loads((tmp_path / "lint.json").read_text())
    assert said["lint_entries"] == [] and not said["summary"]["failing"]
