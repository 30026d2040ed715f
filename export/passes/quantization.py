"""Makes TFLite files smaller: weights as float16 or int8, or everything but the geometry in int8.

The work is done by ai-edge-quantizer on the float32 file that is exported and verified anyway, operator by operator; which
operator becomes what is decided here, from the graph. (The other way, TensorFlow's converter with the denylist of its
QuantizationDebugger, converts the Keras model again for every variant, and knows operators by their names only.)

What stays float32 in every variant, because int8 or float16 would pick or cut elsewhere: the convolutions that give the
navigator's scores (256 levels of score tie), suppression, boxes, the rows and weights of a crop, the augmentation maps from the
mean over channels on, and their thresholds. So where the same anchor is picked its box is equal to the last bit.

The int8 file besides: pixels are cut in int8, which their 256 levels survive; dense layers have int8 weights and float32
outputs, so that logits are not rounded to 256 levels; pooled features are int8, softmax and outputs float32. A layer that runs
on the whole image, on regions and on views has one range in all of them, the widest, so that its biases are stored once.

Figures and how many photos calibrate: benchmarks/results/quantization.md.
"""

import contextlib
import io
import warnings

import numpy as np

from logo_keras.arguments import one_of
from logo_keras.errors import UserError
from logo_keras.extras import require

from .flatbuffer import pack, parse
from .tflite_graph import Graph

PRECISIONS = ("float16", "dynamic", "int8")
# The narrowest range of an activation: one that was 0 on every photo still needs a scale that int32 can count in.
_NARROWEST = 1e-3
# Half of what int32 holds, so that the sum that a bias is added to has room.
_LARGEST_BIAS = 2.0**30


def quantized(data, precision, calibration=None):
    """Makes a float32 TFLite model smaller.

    Args:
        data: bytes, a float32 TFLite model of this package's with readable names (`tflite.convert`), without metadata. Its
            input may be uint8 that the file casts to float32: so for int8.
        precision: str. `"float16"`: weights float16, computed in float32 on CPUs and in float16 on GPUs. `"dynamic"`: weights
            int8, their activations int8 on the fly, on CPUs. `"int8"`: weights and activations int8.
        calibration: for `"int8"`, prepared photos like those that the model will meet, uint8 `[S, S, 3]`: they give the
            ranges of the activations.

    Returns:
        bytes, a TFLite model of builtin operators alone with the same inputs, outputs and signature.

    Raises:
        ValueError: if the precision is unknown, or for int8 there are no photos, or one of another shape or type.
        ImportError: if ai-edge-quantizer is not installed.
    """
    one_of("precision", precision, PRECISIONS)
    model = parse(data)
    graph = Graph(model)
    convolutions, dense = layers = graph.layers()
    ranges = None
    if precision == "int8":
        images = _checked(calibration, graph.tensors[model.subgraphs[0].inputs[0]].shape)
        pixels = graph.resampling(layers)
        exact = sorted(convolutions | graph.between(layers) | pixels)
        becomes = dict.fromkeys(dense, "dynamic") | dict.fromkeys(exact, "int8")
        places = sorted({place for number in exact for place in graph.floats(number)})
        ranges = _shared(graph, exact, pixels, _ranges(data, places, images))
        _widen_dead_channels(model, graph, exact, ranges)
    else:
        becomes = dict.fromkeys((convolutions | dense) - graph.shrinking(), precision)
    names = _name_by_number(graph, becomes)
    by_name = ranges and {
        graph.tensors[place].name: {"min": np.float32([low]), "max": np.float32([high])} for place, (low, high) in ranges.items()
    }
    quantizer = require("ai_edge_quantizer.quantizer", "export")
    # It draws progress bars, whatever one asks for, and looks at the model with an interpreter that warns of its memory.
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Warning: Enabling `experimental_preserve_all_tensors`")
        work = quantizer.Quantizer(pack(model), _recipe(set(becomes.values())))
        result = work.quantize(by_name, enable_progress_bar=False, enable_progress_report=False)
    return _named(parse(bytes(result.quantized_model)), names)


def _recipe(kinds):
    """What ai-edge-quantizer does to operators whose names begin with what becomes of them."""
    recipe = require("ai_edge_quantizer.recipe_manager", "export").RecipeManager()
    if "float16" in kinds:
        recipe.add_weight_only_config("^float16/", "*", 16, "TENSORWISE", algorithm_key="float_casting")
    if "dynamic" in kinds:
        recipe.add_dynamic_config("^dynamic/", "*", 8)
    if "int8" in kinds:
        recipe.add_static_config("^int8/", "*", activation_num_bits=8, weight_num_bits=8)
    return recipe.get_quantization_recipe()


def _checked(calibration, shape):
    """The photos as a list; `shape` is that of the model's input, `[B, S, S, 3]`."""
    images = [] if calibration is None else [np.asarray(image) for image in calibration]
    if not images:
        raise UserError("int8 needs calibration: prepared photographs, for instance 64.")
    expected = tuple(int(length) for length in shape[1:])
    for image in images:
        if image.shape != expected or image.dtype != np.uint8:
            raise UserError(f"calibration must be uint8 {list(expected)}, got {image.dtype} {list(image.shape)}.")
    return images


def _name_by_number(graph, becomes):
    """Names every tensor by its number, and before it what becomes of its operator; returns the names of inputs and outputs.

    ai-edge-quantizer finds operators by the names of their outputs; the converter's are neither unique nor short.
    """
    names = [tensor.name for tensor in graph.tensors]
    for place, tensor in enumerate(graph.tensors):
        tensor.name = f"float32/{place}"
    for number, kind in becomes.items():
        place = graph.output(number)
        graph.tensors[place].name = f"{kind}/{place}"
    return names


def _ranges(data, places, images):
    """The least and the largest value of tensors over photos: dict from place to two floats."""
    interpreter_module = require("ai_edge_litert.interpreter", "export")
    model = parse(data)
    # As outputs they can be read when the run is over; others share their memory.
    model.subgraphs[0].outputs = np.array(places, np.int32)
    interpreter = interpreter_module.Interpreter(model_content=pack(model))
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    found = {place: (np.inf, -np.inf) for place in places}
    for image in images:
        interpreter.set_tensor(given["index"], np.broadcast_to(image, given["shape"]).astype(given["dtype"]))
        interpreter.invoke()
        for place, (low, high) in found.items():
            values = interpreter.get_tensor(place)
            found[place] = min(low, float(values.min())), max(high, float(values.max()))
    return {place: (low, max(high, low + _NARROWEST)) for place, (low, high) in found.items()}


def _shared(graph, exact, pixels, ranges):
    """Widens ranges: a layer has one input and one output range wherever it runs; pixels have one; their weights 0..1."""
    groups = {place: {place} for place in ranges}

    def join(places):
        together = set().union(*(groups[place] for place in places))
        groups.update(dict.fromkeys(together, together))

    first = {}
    for number in exact:
        # Elementwise operators have no weights of their own.
        if number not in pixels and len(graph.inputs(number)) > 1 and graph.names[number].endswith("CONV_2D"):
            here = graph.inputs(number)[0], graph.output(number)
            there = first.setdefault(graph.inputs(number)[1], here)
            for both in zip(here, there, strict=True):
                join(both)
    weights = {place for number in pixels for place in graph.values(number) if graph.is_weight(number, place)}
    join({place for number in pixels for place in graph.floats(number)} - weights)
    shared = {}
    for place, group in groups.items():
        lows, highs = zip(*(ranges[member] for member in group), strict=True)
        # Weights of a resampling, whether or not a photo had a region that needed them all.
        shared[place] = (0.0, 1.0) if place in weights else (min(lows), max(highs))
    return shared


def _widen_dead_channels(model, graph, exact, ranges):
    """Raises a weight of channels whose weights are next to nothing, so that their biases fit into int32.

    A bias is counted in units of input scale times weight scale. Networks have channels with weights near 1e-8 and biases
    near 1: the count overflows, and the bias changes its sign. What the raised weight adds stays below a ten-thousandth of
    the bias.
    """
    for number in exact:
        if not graph.names[number].endswith("CONV_2D"):
            continue
        given, kernel, *bias = graph.inputs(number)
        if not bias or bias[0] < 0:
            continue
        weights = graph.constant(kernel).copy()
        # A view with the channels of the output first.
        by_channel = np.moveaxis(weights, -1, 0) if graph.names[number] == "DEPTHWISE_CONV_2D" else weights
        low, high = ranges[given]
        scale = (max(high, 0.0) - min(low, 0.0)) / 255
        least = np.abs(graph.constant(bias[0])) * 127 / (scale * _LARGEST_BIAS)
        dead = np.abs(by_channel).max(axis=(1, 2, 3)) < least
        by_channel[dead, 0, 0, 0] = least[dead]
        model.buffers[graph.tensors[kernel].buffer].data = np.frombuffer(weights.tobytes(), np.uint8)


def _named(model, names):
    """The file, with the names that its inputs and outputs had; the tensors between keep their numbers."""
    subgraph = model.subgraphs[0]
    for place in (*subgraph.inputs, *subgraph.outputs):
        number = subgraph.tensors[place].name.decode().split("/")[1].split("_")[0]
        subgraph.tensors[place].name = names[int(number)]
    return pack(model)
