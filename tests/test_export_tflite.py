"""An exported TFLite file: what is in it, that it answers as Keras does, and that no file is left where it does not."""

import subprocess
import sys

import exporting
import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from exporting import NAMES, kernel_bytes, left, small

import logo_keras as lk
from logo_keras.edge import model_file
from logo_keras.export import tflite
from logo_keras.export.check.verification import BOUND, DiffersFromKeras

PARAMS = ["plain", "nts", "drna", pytest.param("real", marks=pytest.mark.slow)]


class Exported:
    """A model, its file, and the report of the check."""

    def __init__(self, model, path, few_photos):
        self.model, self.path = model, path
        check = tflite.check

        def noting(data, weight_bytes=0):
            self.weight_bytes = weight_bytes
            check(data, weight_bytes)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tflite, "check", noting)
            self.report = tflite.export(model, path, few_photos)


@pytest.fixture(scope="module", params=PARAMS)
def exported(request, tmp_path_factory, few_photos):
    keras.utils.set_random_seed(1)
    return Exported(exporting.MAKERS[request.param](), tmp_path_factory.mktemp("export") / "model.tflite", few_photos)


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


def command(*arguments):
    return tflite.main(["logo-export-tflite", *map(str, arguments)])


def test_the_file_answers_as_keras_does(exported):
    report = exported.report
    assert report.failures == () and report.photographs == 24
    assert report.max_abs_diff <= BOUND and report.top1_agreement == 1
    assert (report.max_box_diff is None) is (exported.model.export_outputs == ("probabilities",))


def test_the_edge_runtime_recognises_as_the_model_does(exported, few_photos):
    photo = next(few_photos.glob("*/*.jpg"))
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
    used = tflite.operators(exported.path.read_bytes())
    assert "CONV_2D" in used
    assert not {"CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"} & set(used)
    assert exported.path.stat().st_size > kernel_bytes(exported.model.extractor) > 1e4


def test_the_weights_that_must_be_inside_are_those_that_the_outputs_depend_on(exported):
    unused = 0
    if isinstance(exported.model, lk.DRNANet):
        # Heads that only train; and the decision is the fused classifier's.
        heads = ("teacher", "whole_classifier", "augmented_classifier")
        unused = sum(kernel_bytes(getattr(exported.model, head)) for head in heads)
        assert unused > 0
    assert exported.weight_bytes == kernel_bytes(exported.model) - unused


def test_the_file_says_what_it_is(exported):
    said, model = model_file.read(exported.path), exported.model
    assert said == model_file.Metadata(NAMES, model.image_size, "stretch", type(model).__name__, model.decision, lk.__version__)


def test_without_photographs_a_synthetic_set_is_drawn(plain, tmp_path):
    report = tflite.export(plain[0], tmp_path / "new" / "model.tflite")
    assert report.photographs == 64 and report.unreadable == {}
    assert left(tmp_path / "new") == ["model.tflite", "model.tflite.json"]


def test_the_same_model_gives_the_same_bytes(plain, converted):
    assert tflite.convert(plain[0]) == converted


@pytest.mark.parametrize("older", [None, b"an older file"])
def test_over_the_bound_no_file_is_left_and_an_older_one_is_kept(converted, few_photos, tmp_path, monkeypatch, older):
    out = tmp_path / "model.tflite"
    if older:
        out.write_bytes(older)
    keras.utils.set_random_seed(3)
    other = small()
    monkeypatch.setattr(tflite, "convert", lambda *_: converted)
    with pytest.raises(DiffersFromKeras, match="model.tflite was not written: 24 of 24 photographs") as caught:
        tflite.export(other, out, few_photos)
    assert caught.value.report.max_abs_diff > BOUND
    assert left(tmp_path) == (["model.tflite"] if older else [])
    assert not older or out.read_bytes() == older


def test_the_route_that_drops_the_weights_is_caught():
    model = keras.Sequential([keras.Input((8, 8, 3), batch_size=1), keras.layers.Flatten(), keras.layers.Dense(5)])
    traced = tf.function(model).get_concrete_function(tf.TensorSpec((1, 8, 8, 3)))
    data = tf.lite.TFLiteConverter.from_concrete_functions([traced], model).convert()
    with pytest.raises(ValueError, match="READ_VARIABLE"):
        tflite.check(data, 0)


def test_constants_smaller_than_the_weights_are_caught(plain, converted):
    kernels = kernel_bytes(plain[0])
    tflite.check(converted, kernels)
    with pytest.raises(ValueError, match="would lack weights"):
        tflite.check(converted, 2 * kernels)


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


def test_a_folder_as_out_is_refused(plain, few_photos, tmp_path):
    with pytest.raises(IsADirectoryError, match="cannot be written"):
        tflite.export(plain[0], tmp_path, few_photos)


def test_an_out_below_a_file_is_refused_before_the_conversion(plain, few_photos, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(tflite, "convert", lambda *_: pytest.fail("converted"))
    with pytest.raises(OSError, match="file"):
        tflite.export(plain[0], tmp_path / "file" / "model.tflite", few_photos)


def test_no_readable_photograph_leaves_no_file(plain, converted, tmp_path, monkeypatch):
    monkeypatch.setattr(tflite, "convert", lambda *_: converted)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match="none of the 1 photographs can be read .*broken.jpg"):
        tflite.export(plain[0], tmp_path / "out" / "model.tflite", tmp_path / "photos")
    assert left(tmp_path / "out") == []


def test_the_command_writes_the_file_and_prints_the_figures(plain, few_photos, tmp_path, capsys):
    (tmp_path / "broken.jpg").write_bytes(b"")
    code = command(
        "--model", plain[1],
        "--out", tmp_path / "model.tflite",
        "--photos", few_photos,
        "--photos", tmp_path,
        "--limit", 0,
    )  # fmt: skip
    assert code == 0
    text = capsys.readouterr().out
    assert f"left out {tmp_path / 'broken.jpg'}: " in text
    assert "24 (1 unreadable)" in text and "top-1 agreement                  100.00%" in text
    assert lk.edge.Recognizer(tmp_path / "model.tflite").class_names == NAMES


def test_a_wrong_model_is_one_clear_line(tmp_path, capsys):
    (tmp_path / "text.keras").write_text("no model")
    assert command("--model", tmp_path / "text.keras", "--out", tmp_path / "model.tflite") == 1
    out, err = capsys.readouterr()
    line = err.splitlines()[-1]
    assert out == "" and line.startswith("logo-export-tflite: ") and "text.keras" in line and "not a model file" in line
    assert left(tmp_path) == ["text.keras"]
    with pytest.raises(OSError, match="missing.keras.* does not exist"):
        tflite.export(tmp_path / "missing.keras", tmp_path / "model.tflite")


def test_both_names_of_the_folder_may_be_imported(root):
    code = "import export.tflite, logo_keras.export.tflite"
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
