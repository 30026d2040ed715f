"""Tidying an ONNX graph: less in it, the same numbers out of it."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

from logo_keras.export.passes.onnx_graph import tidied  # noqa: E402

RANDOM = np.random.default_rng(0)
CONSTANTS = {
    "kernel": RANDOM.normal(size=(4, 3, 3, 3)),
    "bias": RANDOM.normal(size=4),
    "factor": RANDOM.normal(size=(1, 4, 1, 1)),
    "offset": RANDOM.normal(size=(4, 1, 1)),
    "half": np.array(0.5),
    "row": RANDOM.normal(size=(1, 1, 1, 6)),
}
INDICES = {"zeros": [0, 0], "ends": [10**9, 10**9], "two": [2, 2], "axes": [0, 3], "steps": [1, 1]}
IMAGES = RANDOM.normal(size=(2, 3, 8, 8)).astype(np.float32)


def graph(*nodes, outputs=("y",)):
    """Returns a model of nodes, each `(operator, inputs, output)`, on the input `x`."""
    constants = [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in CONSTANTS.items()]
    constants += [numpy_helper.from_array(np.array(value, np.int64), name) for name, value in INDICES.items()]
    return helper.make_model(
        helper.make_graph(
            [helper.make_node(kind, inputs.split(), [output]) for kind, inputs, output in nodes],
            "graph",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 8, 8])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            constants,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )


def kinds(model):
    return [node.op_type for node in model.graph.node]


def run(model):
    return ReferenceEvaluator(model).run(None, {"x": IMAGES})


@pytest.mark.parametrize("inputs", ["x kernel", "x kernel bias"])
@pytest.mark.parametrize("behind", ["Mul factor", "Add offset", "Mul half", "Mul factor, Add offset, Mul half"])
def test_factors_and_offsets_a_channel_go_into_the_convolution(inputs, behind):
    steps = [step.split() for step in behind.split(", ")]
    nodes = [("Conv", inputs, "y0")] + [(kind, f"y{n} {name}", f"y{n + 1}") for n, (kind, name) in enumerate(steps)]
    # The constant may stand on either side.
    nodes[-1] = (nodes[-1][0], " ".join(reversed(nodes[-1][1].split())), "y")
    expected = run(graph(*nodes))
    tidy = tidied(graph(*nodes))
    assert kinds(tidy) == ["Conv"]
    np.testing.assert_allclose(run(tidy)[0], expected[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("nodes", "outputs"),
    [
        ([("Conv", "x kernel", "a"), ("Mul", "a row", "y")], ("y",)),
        ([("Conv", "x kernel", "a"), ("Mul", "a factor", "b"), ("Add", "a b", "y")], ("y",)),
        ([("Conv", "x kernel", "a"), ("Mul", "a factor", "y")], ("y", "a")),
    ],
    ids=["a column", "read twice", "an output"],
)
def test_other_factors_stay(nodes, outputs):
    expected = run(graph(*nodes, outputs=outputs))
    tidy = tidied(graph(*nodes, outputs=outputs))
    assert sorted(kinds(tidy)) == sorted(node[0] for node in nodes)
    for found, value in zip(run(tidy), expected, strict=True):
        np.testing.assert_array_equal(found, value)


def test_a_kernel_that_two_convolutions_share_stays_shared():
    nodes = [("Conv", "x kernel", "a"), ("Mul", "a factor", "b"), ("Relu", "x", "r"), ("Conv", "r kernel", "c")]
    model = graph(*nodes, ("Mul", "c factor", "d"), ("Add", "b d", "y"))
    expected = run(model)
    tidy = tidied(model)
    assert kinds(tidy) == ["Conv", "Relu", "Conv", "Add"]
    assert len(tidy.graph.initializer) == 1
    np.testing.assert_allclose(run(tidy)[0], expected[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("ends", "left"), [("ends", ["Relu"]), ("two", ["Slice", "Relu"])])
def test_slices_that_take_everything_are_left_out(ends, left):
    model = graph(("Slice", f"x zeros {ends} axes steps", "a"), ("Relu", "a", "y"))
    expected = run(model)
    tidy = tidied(model)
    assert kinds(tidy) == left
    np.testing.assert_array_equal(run(tidy)[0], expected[0])


def test_operators_that_no_output_needs_and_their_constants_are_left_out():
    tidy = tidied(graph(("Relu", "x", "y"), ("Conv", "x kernel", "dead")))
    assert kinds(tidy) == ["Relu"] and not tidy.graph.initializer


def test_the_numbers_that_converters_count_are_not_in_the_names():
    def named(scope, count):
        nodes = [
            ("Conv", "x kernel bias", f"{scope}/backbone_{count}/stem_1/Conv2D__{count}:0"),
            ("Relu", f"{scope}/backbone_{count}/stem_1/Conv2D__{count}:0", f"Relu__{count}:0"),
            ("Relu", f"Relu__{count}:0", f"Relu__{count + 1}:0"),
            ("Relu", f"Relu__{count + 1}:0", "y"),
        ]
        return tidied(graph(*nodes), "net_7")

    tidy = named("net_7_1", 3)
    assert [node.name for node in tidy.graph.node] == ["backbone/stem/Conv2D", "Relu", "Relu.2", "Relu/y"]
    assert {tensor.name for tensor in tidy.graph.initializer} == {"backbone/stem/Conv2D/weight", "backbone/stem/Conv2D/bias"}
    assert tidy.graph.output[0].name == "y"
    assert named("net_7", 5).SerializeToString(deterministic=True) == tidy.SerializeToString(deterministic=True)
