"""An exported TFLite file: what is in it, that it answers as Keras does, and that no file is left where it does not."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras import datasets
from logo_keras.edge import metadata
from logo_keras.export import tflite
from logo_keras.export.check import tflite_file
from logo_keras.export.check.verification import BOUND, DiffersFromKeras

NAMES = ("Adidas", "H&M", "Löwenbräu")
REGIONS = {"class_names": NAMES, "image_size": 96, "region_size": 32, "weights": None}
MAKERS = {
    "plain": lambda: lk.Classifier(class_names=NAMES, image_size=64, weights=None),
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


def small():
    """A plain classifier that is converted in a second."""
    return lk.Classifier(class_names=NAMES, image_size=64, backbone=tiny_backbone(64))


class Exported:
    """A model, its file, and the report of the check."""

    def __init__(self, model, path, photos):
        self.model, self.path = model, path
        check = tflite_file.check

        def noting(data, weight_bytes):
            self.weight_bytes = weight_bytes
            check(data, weight_bytes)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tflite_file, "check", noting)
            self.report = tflite.export(model, path, photos)


def kernel_bytes(layer):
    """Returns the bytes of the weights of a layer or model that are no vectors."""
    return sum(4 * int(np.prod(weight.shape)) for weight in layer.weights if len(weight.shape) > 1)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A folder of 24 synthetic photographs."""
    root = tmp_path_factory.mktemp("photos") / "synthetic"
    return datasets.synthesize(root, brands=4, train=0, validation=0, test=6, none=0)


@pytest.fixture(scope="module", params=MAKERS)
def exported(request, tmp_path_factory, photos):
    keras.utils.set_random_seed(1)
    return Exported(MAKERS[request.param](), tmp_path_factory.mktemp("export") / "model.tflite", photos)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A plain classifier and its `.keras` file."""
    keras.utils.set_random_seed(2)
    model, path = small(), tmp_path_factory.mktemp("plain") / "model.keras"
    model.save(path)
    return model, path


@pytest.fixture(scope="module")
def converted(plain):
    return tflite.convert(plain[0])


def command(root, *arguments):
    return subprocess.run([sys.executable, "-m", "export.tflite", *map(str, arguments)], cwd=root, capture_output=True, text=True)


def left(folder):
    """Returns the names of all that is in a folder, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


def test_the_file_answers_as_keras_does(exported):
    report = exported.report
    assert report.failures == () and report.photographs == 24
    assert report.max_abs_diff <= BOUND and report.top1_agreement == 1
    assert (report.max_box_diff is None) is (exported.model.export_outputs == ("probabilities",))


def test_the_edge_runtime_recognises_as_the_model_does(exported, photos):
    photo = next(photos.glob("test/*/*.jpg"))
    ours, theirs = lk.edge.Recognizer(exported.path).recognize(photo), exported.model.recognize(photo)
    assert ours.labels == theirs.labels
    np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=BOUND)
    np.testing.assert_allclose(ours.region_boxes, theirs.region_boxes, atol=1e-3)


def test_input_and_outputs_are_float32_with_readable_names(exported):
    interpreter = Interpreter(str(exported.path))
    (images,) = interpreter.get_input_details()
    size = exported.model.image_size
    assert (images["name"], images["shape"].tolist(), images["dtype"]) == ("images", [1, size, size, 3], np.float32)
    outputs = interpreter.get_output_details()
    assert {output["name"] for output in outputs} == set(exported.model.export_outputs)
    assert {output["dtype"] for output in outputs} == {np.float32}
    (signature,) = interpreter.get_signature_list().values()
    assert signature["inputs"] == ["images"] and set(signature["outputs"]) == set(exported.model.export_outputs)


def test_operators_are_builtin_and_weights_are_inside(exported):
    used = tflite_file.operators(exported.path.read_bytes())
    assert "CONV_2D" in used
    assert not {"CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"} & set(used)
    assert exported.path.stat().st_size > kernel_bytes(exported.model.extractor) > 10e6


def test_the_weights_that_must_be_inside_are_those_that_the_outputs_depend_on(exported):
    unused = 0
    if isinstance(exported.model, lk.DRNANet):
        # Heads that only train; and the decision is the fused classifier's.
        heads = ("teacher", "whole_classifier", "augmented_classifier")
        unused = sum(kernel_bytes(getattr(exported.model, head)) for head in heads)
        assert unused > 0
    assert exported.weight_bytes == kernel_bytes(exported.model) - unused


def test_the_file_says_what_it_is(exported):
    said, model = metadata.read(exported.path), exported.model
    assert said == metadata.Metadata(NAMES, model.image_size, "stretch", type(model).__name__, model.decision, lk.__version__)


def test_without_photographs_a_synthetic_set_is_drawn(plain, tmp_path):
    report = tflite.export(plain[0], tmp_path / "new" / "model.tflite")
    assert report.photographs == 64 and report.unreadable == {}
    assert left(tmp_path / "new") == ["model.tflite", "model.tflite.json"]


def test_the_same_model_gives_the_same_bytes(plain, converted):
    assert tflite.convert(plain[0]) == converted


@pytest.mark.parametrize("older", [None, b"an older file"])
def test_over_the_bound_no_file_is_left_and_an_older_one_is_kept(converted, photos, tmp_path, monkeypatch, older):
    out = tmp_path / "model.tflite"
    if older:
        out.write_bytes(older)
    keras.utils.set_random_seed(3)
    other = small()
    monkeypatch.setattr(tflite, "convert", lambda *_: converted)
    with pytest.raises(DiffersFromKeras, match="model.tflite was not written: 24 of 24 photographs") as caught:
        tflite.export(other, out, photos)
    assert caught.value.report.max_abs_diff > BOUND
    assert left(tmp_path) == (["model.tflite"] if older else [])
    assert not older or out.read_bytes() == older


def test_the_route_that_drops_the_weights_is_caught():
    model = keras.Sequential([keras.Input((8, 8, 3), batch_size=1), keras.layers.Flatten(), keras.layers.Dense(5)])
    traced = tf.function(model).get_concrete_function(tf.TensorSpec((1, 8, 8, 3)))
    data = tf.lite.TFLiteConverter.from_concrete_functions([traced], model).convert()
    with pytest.raises(ValueError, match="READ_VARIABLE"):
        tflite_file.check(data, 0)


def test_constants_smaller_than_the_weights_are_caught(plain, converted):
    kernels = kernel_bytes(plain[0])
    tflite_file.check(converted, kernels)
    with pytest.raises(ValueError, match="would lack weights"):
        tflite_file.check(converted, 2 * kernels)


@keras.saving.register_keras_serializable("test_export_tflite")
class Cropping(keras.Model):
    """A model whose operator TFLite lacks."""

    image_size = 32
    export_outputs = ("probabilities",)

    def build(self, input_shape=None):
        self.head = keras.layers.Dense(2)
        self.head.build((None, 3))

    def call(self, images, embedding):
        crops = tf.image.crop_and_resize(images, [[0.1, 0.1, 0.6, 0.6]], [0], [8, 8])
        return {"probabilities": self.head(keras.ops.mean(crops, axis=(1, 2)))}


def test_a_model_that_needs_other_operators_is_refused():
    model = Cropping()
    model.build()
    with pytest.raises(ValueError, match="builtin operators cannot express this model"):
        tflite.convert(model)


def test_a_folder_as_out_is_refused(plain, photos, tmp_path):
    with pytest.raises(IsADirectoryError, match="cannot be written"):
        tflite.export(plain[0], tmp_path, photos)


def test_an_out_below_a_file_is_refused_before_the_conversion(plain, photos, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(tflite, "convert", lambda *_: pytest.fail("converted"))
    with pytest.raises(OSError, match="file"):
        tflite.export(plain[0], tmp_path / "file" / "model.tflite", photos)


def test_no_readable_photograph_leaves_no_file(plain, converted, tmp_path, monkeypatch):
    monkeypatch.setattr(tflite, "convert", lambda *_: converted)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match="none of the 1 photographs can be read .*broken.jpg"):
        tflite.export(plain[0], tmp_path / "out" / "model.tflite", tmp_path / "photos")
    assert left(tmp_path / "out") == []


def test_the_command_writes_the_file_and_prints_the_figures(plain, photos, root, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"")
    ran = command(
        root,
        "--model", plain[1],
        "--out", tmp_path / "model.tflite",
        "--photos", photos,
        "--photos", tmp_path,
        "--limit", 0,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert f"left out {tmp_path / 'broken.jpg'}: " in ran.stdout
    assert "24 (1 unreadable)" in ran.stdout and "top-1 agreement                  100.00%" in ran.stdout
    assert lk.edge.Recognizer(tmp_path / "model.tflite").class_names == NAMES


@pytest.mark.parametrize(("name", "complaint"), [("missing.keras", "does not exist"), ("text.keras", "not a model file")])
def test_a_wrong_model_is_one_clear_line(root, tmp_path, name, complaint):
    (tmp_path / "text.keras").write_text("no model")
    ran = command(root, "--model", tmp_path / name, "--out", tmp_path / "model.tflite")
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr and ran.stdout == ""
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("logo-export-tflite: ") and name in last and complaint in last
    assert left(tmp_path) == ["text.keras"]


def test_help_explains_every_flag(root):
    ran = command(root, "--help")
    assert ran.stdout.startswith("Writes a TFLite file from a .keras file.")
    assert all(f"--{flag}:" in ran.stdout for flag in ("model", "out", "photos", "limit", "[no]debug"))


def test_both_names_of_the_folder_may_be_imported(root):
    code = "import export.tflite, logo_keras.export.tflite"
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
