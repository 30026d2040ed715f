"""Exported files of a calibrated model: their probabilities are calibrated, and they say how."""

import json

import keras
import numpy as np
import onnx
import pytest
from exporting import MAKERS, small
from test_export_onnx import running, written
from test_quantization import answers, confident, photographs

from logo_keras.edge import model_file
from logo_keras.export import onnx as onnx_export
from logo_keras.export import saved_model, tflite
from logo_keras.export.passes import mixed_precision, quantization
from logo_keras.export.passes.flatbuffer import operator_names, parse
from logo_keras.export.served import metadata_of

FITTED = {"validation": 40, "temperature": 2.0, "threshold": 0.4, "fitted_on": "AAECAwQFBgc="}


class Calibrated:
    """A model of a temperature, photographs, and what Keras says of them with and without it."""

    def __init__(self, make, temperature):
        keras.utils.set_random_seed(1)
        self.model = confident(make())
        self.images = photographs(12, self.model.image_size)
        self.before = self.said()
        self.model.temperature, self.model.threshold = temperature, 0.4
        self.model.card["calibration"] = FITTED
        self.after = self.said()
        assert np.abs(self.after - self.before).max() > 0.02

    def said(self):
        return keras.ops.convert_to_numpy(self.model(self.images.astype(np.float32), training=False)["probabilities"])


@pytest.fixture(scope="module", params=["whole", "mean"])
def calibrated(request):
    return Calibrated(lambda: small(16), 2.0) if request.param == "whole" else Calibrated(MAKERS["nts"], 0.5)


@pytest.fixture(scope="module")
def floats(calibrated):
    return tflite.convert(calibrated.model)


def test_a_tflite_file_of_builtin_operators_answers_as_keras_does(calibrated, floats):
    tflite.check(floats)
    assert {"LOG_SOFTMAX", "SOFTMAX"} <= set(tflite.operators(floats))
    np.testing.assert_allclose(answers(floats, calibrated.images)["probabilities"], calibrated.after, atol=1e-5)


@pytest.mark.parametrize(("precision", "tolerance"), [("float16", 5e-3), ("dynamic", 0.1), ("int8", 0.1)])
def test_smaller_tflite_files_do_and_divide_in_float32(calibrated, floats, precision, tolerance):
    int8 = precision == "int8"
    data = tflite.convert(calibrated.model, dtype="uint8") if int8 else floats
    data = quantization.quantized(data, precision, calibrated.images if int8 else None)
    found = answers(data, calibrated.images)["probabilities"]
    np.testing.assert_allclose(found, calibrated.after, atol=tolerance)
    # Nearer to these than to what is not calibrated.
    assert np.abs(found - calibrated.after).mean() < 0.2 * np.abs(found - calibrated.before).mean()
    model = parse(data)
    tensors, names = model.subgraphs[0].tensors, operator_names(model, model.subgraphs[0])
    for name, operator in zip(names, model.subgraphs[0].operators, strict=True):
        if name in ("LOG_SOFTMAX", "SOFTMAX"):
            # FLOAT32 is 0 in the schema.
            assert {tensors[place].type for place in (*operator.inputs, *operator.outputs)} == {0}


def test_an_onnx_file_answers_as_keras_does_and_divides_in_float32_where_networks_have_16_bits(calibrated):
    model = onnx_export.convert(calibrated.model)
    found = running(written(model)).run(["probabilities"], {"images": calibrated.images.astype(np.float32)})[0]
    np.testing.assert_allclose(found, calibrated.after, atol=1e-5)
    halves = mixed_precision.to_float16(model, mixed_precision.kernel_shapes(calibrated.model))
    inferred = onnx.shape_inference.infer_shapes(halves, strict_mode=True)
    types = {value.name: value.type.tensor_type.elem_type for value in (*inferred.graph.value_info, *inferred.graph.output)}
    tails = [node for node in inferred.graph.node if node.op_type in ("LogSoftmax", "Softmax")]
    assert len(tails) == 2 and {types[node.output[0]] for node in tails} == {onnx.TensorProto.FLOAT}
    found = running(written(halves)).run(["probabilities"], {"images": calibrated.images.astype(np.float32)})[0]
    np.testing.assert_allclose(found, calibrated.after, atol=0.02)


def test_a_saved_model_answers_as_keras_does_and_says_how(calibrated, tmp_path):
    saved_model.convert(calibrated.model, tmp_path / "folder")
    found = saved_model.Folder(tmp_path / "folder").serve(calibrated.images.astype(np.float32))
    np.testing.assert_allclose(found["probabilities"], calibrated.after, atol=1e-5)
    said = json.loads((tmp_path / "folder" / "assets.extra" / model_file.METADATA_NAME).read_text(encoding="utf-8"))
    assert (said["threshold"], said["temperature"], said["calibration"]) == (0.4, calibrated.model.temperature, FITTED)


def test_a_file_of_a_model_that_is_not_calibrated_is_what_it_was():
    model = small(8)
    assert "LOG_SOFTMAX" not in tflite.operators(tflite.convert(model))
    assert not {"threshold", "temperature", "calibration"} & set(metadata_of(model).to_dict())
