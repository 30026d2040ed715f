"""Quantised TFLite files: what is in them, that they answer as the float32 file does, and that boxes do not move."""

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.export import tflite
from logo_keras.export.passes import flatbuffer, quantization

NAMES = ("Adidas", "H&M", "Löwenbräu")


def drna():
    return lk.DRNANet(
        class_names=NAMES,
        backbone=tiny_backbone(32),
        image_size=96,
        whole_size=64,
        region_size=32,
        antialias=True,
        navigator_stride=32,
        decision="fused",
        views=("region", "crop", "drop"),
    )


def plain():
    return lk.Classifier(class_names=NAMES, backbone=tiny_backbone(32), image_size=64)


def confident(model):
    """Makes an untrained model decided: its probabilities then depend on the photograph."""
    for name in ("fused_classifier", "whole_classifier"):
        for weight in getattr(getattr(model, name, None), "weights", ()):
            if len(weight.shape) == 2:
                weight.assign(weight * 40)
    return model


def photographs(count, size):
    """Smooth random photographs, uint8 `[count, size, size, 3]`."""
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 255, (count, 6, 6, 3)).astype(np.float32)
    return np.stack([keras.ops.convert_to_numpy(keras.ops.image.resize(one, (size, size))) for one in coarse]).astype(np.uint8)


def answers(data, images):
    """Runs a file on photographs one by one: dict of arrays."""
    interpreter = Interpreter(model_content=data)
    run = interpreter.get_signature_runner("serving_default")
    dtype = run.get_input_details()["images"]["dtype"]
    rows = [run(images=image[None].astype(dtype)) for image in images]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


class Variants:
    """A model's float32 file, its quantised files, and photographs."""

    def __init__(self, make):
        keras.utils.set_random_seed(1)
        model = confident(make())
        self.images = photographs(40, model.image_size)
        self.outputs = model.export_outputs
        self.size = model.image_size
        self.of_bytes = tflite.convert(model, dtype="uint8")
        self.files = {"float32": tflite.convert(model)}
        for precision in ("float16", "dynamic"):
            self.files[precision] = quantization.quantized(self.files["float32"], precision)
        self.files["int8"] = quantization.quantized(self.of_bytes, "int8", self.images[:16])
        self.answers = {precision: answers(data, self.images) for precision, data in self.files.items()}


@pytest.fixture(scope="module")
def regions():
    return Variants(drna)


@pytest.fixture(scope="module")
def whole():
    return Variants(plain)


@pytest.fixture(params=["regions", "whole"])
def variants(request):
    return request.getfixturevalue(request.param)


def address(array):
    return array.__array_interface__["data"][0]


def tensors(data):
    return flatbuffer.parse(data).subgraphs[0].tensors


def kernel_types(data, kind):
    """The types of the kernels of all operators of a kind, one an operator."""
    model = flatbuffer.parse(data)
    number = getattr(schema.BuiltinOperator, kind)
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    graph = model.subgraphs[0]
    return [graph.tensors[one.inputs[1]].type for one in graph.operators if codes[one.opcodeIndex] == number]


@pytest.mark.parametrize("precision", quantization.PRECISIONS)
def test_operators_are_builtin_and_names_and_types_are_kept(variants, precision):
    data = variants.files[precision]
    tflite.check(data)
    interpreter = Interpreter(model_content=data)
    (images,) = interpreter.get_input_details()
    expected = np.uint8 if precision == "int8" else np.float32
    assert (images["name"], images["shape"].tolist(), images["dtype"]) == (
        "images",
        [1, variants.size, variants.size, 3],
        expected,
    )
    outputs = interpreter.get_output_details()
    assert {output["name"] for output in outputs} == set(variants.outputs)
    assert {output["dtype"] for output in outputs} == {np.float32}
    (signature,) = interpreter.get_signature_list().values()
    assert signature["inputs"] == ["images"] and set(signature["outputs"]) == set(variants.outputs)


def test_every_tensor_has_a_name_of_its_own(variants):
    names = [tensor.name for tensor in tensors(variants.files["int8"])]
    assert len(set(names)) == len(names)


def test_files_shrink():
    keras.utils.set_random_seed(0)
    model = lk.Classifier(class_names=NAMES, backbone=tiny_backbone(128), image_size=32)
    data = tflite.convert(model)
    sizes = {name: len(quantization.quantized(data, name, photographs(2, 32))) for name in quantization.PRECISIONS}
    assert sizes["float16"] < 0.55 * len(data)
    assert sizes["dynamic"] < 0.29 * len(data) and sizes["int8"] < 0.29 * len(data)


@pytest.mark.parametrize(("precision", "bound"), [("float16", 0.01), ("dynamic", 0.1), ("int8", 0.1)])
def test_probabilities_stay_near_those_of_float32(variants, precision, bound):
    expected, found = (variants.answers[name]["probabilities"] for name in ("float32", precision))
    assert np.ptp(expected, axis=0).max() > 0.3
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    # Where another region was picked the probabilities are those of another view.
    assert np.median(np.abs(found - expected).max(axis=1)) < bound


@pytest.mark.parametrize("precision", quantization.PRECISIONS)
def test_the_box_of_an_anchor_that_both_pick_does_not_move(regions, precision):
    expected, found = (regions.answers[name]["region_boxes"] for name in ("float32", precision))
    moved = np.abs(found - expected).max(axis=-1)
    assert np.mean(moved == 0) > 0.3
    assert not np.any((0 < moved) & (moved < 1))


def test_scores_are_not_rounded_to_256_levels(regions):
    expected, found = (regions.answers[name]["region_scores"] for name in ("float32", "int8"))
    assert len(np.unique(found)) > 0.7 * found.size
    assert np.corrcoef(expected.ravel(), found.ravel())[0, 1] > 0.9


def test_only_the_convolutions_that_give_the_scores_stay_float32(regions):
    types = kernel_types(regions.files["int8"], "CONV_2D")
    assert types.count(schema.TensorType.FLOAT32) == 3
    # The navigator's other three, and five of the backbone on the image, the regions and the views.
    assert types.count(schema.TensorType.INT8) == 3 + 3 * 5


def test_the_shrinking_of_the_image_is_int8_in_the_int8_file_alone():
    sizes = {"image_size": 64, "whole_size": 32, "region_size": 32, "num_proposals": 2, "num_regions": 1}
    model = lk.NTSNet(class_names=NAMES, backbone=tiny_backbone(), **sizes)
    data = tflite.convert(model, dtype="uint8")
    files = {name: quantization.quantized(data, name, photographs(2, 64)) for name in quantization.PRECISIONS}
    # It runs first.
    types = {name: kernel_types(file, "CONV_2D")[:1] for name, file in files.items()}
    number = schema.TensorType
    assert types == {"float16": [number.FLOAT32], "dynamic": [number.FLOAT32], "int8": [number.INT8]}


def test_a_kernel_is_stored_once_however_often_it_runs(regions):
    model = flatbuffer.parse(regions.files["int8"])
    shapes = [tuple(tensor.shape) for tensor in model.subgraphs[0].tensors if tensor.type == schema.TensorType.INT8]
    assert shapes.count((32, 3, 3, 3)) == 1
    biases = [tensor for tensor in model.subgraphs[0].tensors if tensor.type == schema.TensorType.INT32 and tensor.quantization]
    assert sum(tensor.quantization.scale is not None and len(tensor.quantization.scale) == 32 for tensor in biases) == 5


def test_readers_of_the_older_field_find_every_operator(regions):
    codes = flatbuffer.parse(regions.files["int8"]).operatorCodes
    assert schema.BuiltinOperator.QUANTIZE in {code.builtinCode for code in codes}
    assert all(code.deprecatedBuiltinCode == min(code.builtinCode, 127) for code in codes)


def test_a_plain_classifier_has_no_needless_conversions():
    data = quantization.quantized(tflite.convert(plain(), dtype="uint8"), "int8", photographs(2, 64))
    counts = tflite.operators(data)
    assert (counts["CAST"], counts["QUANTIZE"], counts["DEQUANTIZE"]) == (1, 1, 1)


def test_a_channel_without_weights_keeps_its_bias():
    model = confident(plain())
    images = photographs(8, 64)
    norm = model.extractor.get_layer("norm1")
    gamma, beta = (value.numpy() for value in (norm.gamma, norm.beta))
    # Weights of 1e-9 and a bias of 1: counted in units of the weights' scale it does not fit into int32.
    gamma[:16], beta[:16] = 1e-9, 1.0
    norm.gamma.assign(gamma)
    norm.beta.assign(beta)
    data = tflite.convert(model, dtype="uint8")
    expected, found = (answers(one, images)["probabilities"] for one in (data, quantization.quantized(data, "int8", images)))
    np.testing.assert_allclose(found, expected, atol=0.1)


def test_more_photographs_a_call():
    model = plain()
    data = quantization.quantized(tflite.convert(model, batch=2, dtype="uint8"), "int8", photographs(2, 64))
    interpreter = Interpreter(model_content=data)
    run = interpreter.get_signature_runner("serving_default")
    probabilities = run(images=photographs(2, 64))["probabilities"]
    expected = model(photographs(2, 64).astype(np.float32))["probabilities"]
    np.testing.assert_allclose(probabilities, expected, atol=0.1)


def test_files_are_reproducible_and_weights_aligned(variants):
    again = quantization.quantized(variants.of_bytes, "int8", variants.images[:16])
    assert again == variants.files["int8"]
    model = schema.Model.GetRootAs(again, 0)
    buffers = [model.Buffers(number) for number in range(model.BuffersLength())]
    starts = [address(buffer.DataAsNumpy()) for buffer in buffers if buffer.DataLength()]
    beginning = address(np.frombuffer(again, np.uint8))
    assert len(starts) > 10 and not any((start - beginning) % 16 for start in starts)


def test_bad_arguments_are_refused(variants):
    with pytest.raises(ValueError, match="precision must be one of float16, dynamic, int8, got 'int4'"):
        quantization.quantized(variants.of_bytes, "int4")
    for nothing in (None, []):
        with pytest.raises(ValueError, match="int8 needs calibration"):
            quantization.quantized(variants.of_bytes, "int8", nothing)
    size = variants.size
    for wrong in (np.zeros((size, size + 1, 3), np.uint8), np.zeros((size, size, 3), np.float32)):
        with pytest.raises(ValueError, match=rf"calibration must be uint8 \[{size}, {size}, 3\], got {wrong.dtype}"):
            quantization.quantized(variants.of_bytes, "int8", [wrong])
