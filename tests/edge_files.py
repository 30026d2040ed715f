"""Exported files made by hand, TFLite and ONNX: a network that says which colour a photograph has most of, or embeds that."""

import dataclasses

import numpy as np

from logo_keras.edge import metadata, model_file

SIZE = 32
METADATA = model_file.Metadata(("red", "green", "blue"), SIZE, "stretch", "NTSNet", "fused", "0.1.0")
# Of a file that gives "embedding", 3 numbers, and names no brands.
EMBEDDER = model_file.Metadata(
    *((), SIZE, "stretch", "LogoEmbedder", None, "0.2.0"),
    dimensions=3,
    background_vectors=metadata.packed(np.float32([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0]])),
)
# Of a file that finds two places.
DETECTOR = dataclasses.replace(EMBEDDER, model="LogoDetector", num_regions=2, region_size=16)
BOXES = np.float32([[0, 0, 16, 8], [8, -4, 24, 12]])
SCORES = np.float32([1.5, 0.5])
REGIONS = ("probabilities", "region_boxes", "region_scores")
EVERYTHING = (*REGIONS, "embedding")
EMBEDDING = ("embedding", "objectness")
PLACES = ("region_boxes", "region_scores", "region_embeddings", "region_objectness", *EMBEDDING)
VECTORS, RATED = np.float32([[0.6, 0.8, 0], [0, 0, 1]]), np.float32([0.25, -0.5])


def write(path, said=METADATA, **options):
    """Writes the network with metadata.

    Args:
        path: Path with the suffix `.tflite` or `.onnx`.
        said: Metadata, or None for a file without.
        options: of `flatbuffer` or of `protobuf`.

    Returns:
        The path.
    """
    path.write_bytes((protobuf if path.suffix == ".onnx" else flatbuffer)(**options))
    if said is not None:
        model_file.append(path, said)
    return path


def flatbuffer(batch=1, outputs=REGIONS, dtype="float32", scale=1.0, channels=3):
    """Returns the bytes of a TFLite model: softmax of the mean colour, its direction and
    the largest number of that, and constant boxes and scores."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.operatorCodes = 3, [schema.BufferT()], []
    graph.tensors, graph.operators = [], []

    def tensor(name, shape, value=None, kind="FLOAT32"):
        made = schema.TensorT()
        made.name, made.shape, made.buffer = name, shape, 0
        made.type = getattr(schema.TensorType, kind)
        if value is not None:
            made.buffer = len(model.buffers)
            model.buffers.append(schema.BufferT())
            model.buffers[-1].data = np.frombuffer(value.tobytes(), np.uint8)
        graph.tensors.append(made)
        return len(graph.tensors) - 1

    def operator(name, inputs, output, options=None):
        code, made = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
        code.version = 1
        model.operatorCodes.append(code)
        made.opcodeIndex, made.inputs, made.outputs = len(model.operatorCodes) - 1, inputs, [output]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            made.builtinOptionsType, made.builtinOptions = getattr(schema.BuiltinOptions, kind), options
        graph.operators.append(made)
        return output

    def mapping(name, place):
        made = schema.TensorMapT()
        made.name, made.tensorIndex = name, place
        return made

    images = tensor("images", [batch, SIZE, SIZE, channels], kind=dtype.upper())
    floats = images
    if dtype == "uint8":
        steps = schema.QuantizationParametersT()
        steps.scale, steps.zeroPoint = [scale], [0]
        graph.tensors[images].quantization = steps
        cast = schema.CastOptionsT()
        cast.inDataType, cast.outDataType = schema.TensorType.UINT8, schema.TensorType.FLOAT32
        floats = operator("CAST", [images], tensor("floats", [batch, SIZE, SIZE, channels]), cast)
    axes = tensor("axes", [2], np.int32([1, 2]), "INT32")
    mean = operator("MEAN", [floats, axes], tensor("mean", [batch, channels]), schema.ReducerOptionsT())
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 0.01
    made = {
        "probabilities": operator("SOFTMAX", [mean], tensor("probabilities", [batch, channels]), softmax),
        "embedding": operator("L2_NORMALIZATION", [mean], tensor("embedding", [batch, channels]), schema.L2NormOptionsT()),
        "region_boxes": tensor("region_boxes", [batch, 2, 4], np.repeat(BOXES[None], batch, 0)),
        "region_scores": tensor("region_scores", [batch, 2], np.repeat(SCORES[None], batch, 0)),
        "region_embeddings": tensor("region_embeddings", [batch, 2, 3], np.repeat(VECTORS[None], batch, 0)),
        "region_objectness": tensor("region_objectness", [batch, 2], np.repeat(RATED[None], batch, 0)),
        "mean": mean,
    }
    largest = tensor("last", [1], np.int32([1]), "INT32")
    made["objectness"] = operator(
        "REDUCE_MAX", [made["embedding"], largest], tensor("objectness", [batch]), schema.ReducerOptionsT()
    )
    graph.inputs, graph.outputs = [images], [made[name] for name in outputs]
    model.subgraphs = [graph]
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    signature.inputs = [mapping("images", images)]
    signature.outputs = [mapping(name, made[name]) for name in outputs]
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def protobuf(batch="batch", outputs=REGIONS, dtype="float32", channels=3):
    """Returns the bytes of an ONNX model: softmax of the mean colour, its direction and
    the largest number of that, and constant boxes and scores."""
    from onnx import TensorProto, helper, numpy_helper

    shapes = {"probabilities": [3], "region_boxes": [2, 4], "region_scores": [2], "embedding": [3], "mean": [3], "objectness": []}
    shapes |= {"region_embeddings": [2, 3], "region_objectness": [2]}
    constants = {
        "hundredth": np.float32(0.01),
        "nothing": np.zeros((3, 8), np.float32),
        "no scores": np.zeros((3, 2), np.float32),
        "boxes": BOXES.reshape(8),
        "scores": SCORES,
        "as boxes": np.int64([0, 2, 4]),
        "no vectors": np.zeros((3, 6), np.float32),
        "vectors": VECTORS.reshape(6),
        "as vectors": np.int64([0, 2, 3]),
        "rated": RATED,
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Mul", ["mean", "hundredth"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("LpNormalization", ["mean"], ["embedding"], axis=1, p=2),
        helper.make_node("ReduceMax", ["embedding"], ["objectness"], axes=[1], keepdims=0),
        # Constant, but as many as there are images.
        helper.make_node("MatMul", ["mean", "nothing"], ["zeros"]),
        helper.make_node("Add", ["zeros", "boxes"], ["flat boxes"]),
        helper.make_node("Reshape", ["flat boxes", "as boxes"], ["region_boxes"]),
        helper.make_node("MatMul", ["mean", "no scores"], ["zero scores"]),
        helper.make_node("Add", ["zero scores", "scores"], ["region_scores"]),
        helper.make_node("Add", ["zero scores", "rated"], ["region_objectness"]),
        helper.make_node("MatMul", ["mean", "no vectors"], ["zero vectors"]),
        helper.make_node("Add", ["zero vectors", "vectors"], ["flat vectors"]),
        helper.make_node("Reshape", ["flat vectors", "as vectors"], ["region_embeddings"]),
    ]
    images = helper.make_tensor_value_info(
        "images", {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8}[dtype], [batch, SIZE, SIZE, channels]
    )
    graph = helper.make_graph(
        nodes,
        "colours",
        [images],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *shapes[name]]) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
