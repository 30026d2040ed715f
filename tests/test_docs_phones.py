"""What docs/android.md and docs/ios.md say of an exported file is true of one."""

import re

import keras
import pytest
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.export import tflite
from logo_keras.export.check import tflite_file

# Of the backbone, which is another one here.
BACKBONE = {"DEPTHWISE_CONV_2D", "PAD"}
# https://ai.google.dev/edge/litert/performance/gpu, "GPU ML operations support", read in November 2026.
GPU = {
    "ADD", "AVERAGE_POOL_2D", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D", "EXP", "FULLY_CONNECTED", "LOGICAL_AND",
    "LOGISTIC", "LSTM", "MAX_POOL_2D", "MAXIMUM", "MINIMUM", "MUL", "PAD", "PRELU", "RELU", "RELU6", "RESHAPE",
    "RESIZE_BILINEAR", "SOFTMAX", "STRIDED_SLICE", "SUB", "TRANSPOSE_CONV",
}  # fmt: skip


@pytest.fixture(scope="module")
def file():
    """A TFLite model of a DRNA-Net built as that of `make demo`, with another backbone and two classes."""
    keras.utils.set_random_seed(0)
    model = lk.DRNANet(
        class_names=("Adidas", "H&M"),
        backbone=tiny_backbone(),
        image_size=448,
        whole_size=224,
        region_size=96,
        num_proposals=3,
        navigator_stride=16,
        decision="mean",
        antialias=True,
    )
    return tflite.convert(model)


@pytest.fixture(params=["android", "ios"])
def page(request, root):
    return (root / "docs" / f"{request.param}.md").read_text()


@pytest.fixture
def android(root):
    return (root / "docs" / "android.md").read_text()


def snippets(page):
    """The Kotlin or Swift code of a page."""
    return "\n".join(re.findall(r"```(?:kotlin|swift)\n(.*?)```", page, re.DOTALL))


def listed(page, start):
    """The operators of a line of a page's list."""
    (line,) = re.findall(rf"^- {start}: (.*?)\.$", page, re.DOTALL | re.MULTILINE)
    return set(re.findall(r"`(\w+)`", line))


def test_snippets_name_the_signature_the_input_and_the_outputs_of_the_file(page, file):
    model = tflite_file.parse(file)
    (signature,) = model.signatureDefs
    names = {mapping.name.decode() for mapping in (*signature.inputs, *signature.outputs)}
    assert names == {"images", "probabilities", "region_boxes", "region_scores"}
    code = snippets(page)
    assert {*names, signature.signatureKey.decode()} <= set(re.findall(r'"(\w+)"', code))


def test_snippets_name_no_other_tensor(page, file):
    (signature,) = tflite_file.parse(file).signatureDefs
    names = {mapping.name.decode() for mapping in (*signature.inputs, *signature.outputs)}
    called = r'(?:associateWith|createInputBuffer|listOf|mapOf|heads\[|values\[|named: |getValue|with: \[|in \[)\(?\[?"(\w+)"'
    assert set(re.findall(called, snippets(page))) <= names


def test_shapes_of_the_table_are_those_of_the_file(android, file):
    graph = tflite_file.parse(file).subgraphs[0]
    shapes = {
        graph.tensors[place].name.decode(): graph.tensors[place].shape.tolist() for place in (*graph.inputs, *graph.outputs)
    }
    letters = {"S": 448, "N": 2, "K": 2}
    rows = re.findall(r"^\| `(\w+)`[^|]*\| `\[(.*?)\]`", android, re.MULTILINE)
    said = {name: [int(letters.get(side, side)) for side in sides.split(", ")] for name, sides in rows}
    assert said == shapes


def test_the_operators_of_the_page_are_those_of_the_file(android, file):
    said = listed(android, "On the list") | listed(android, "Not on the list")
    assert said - BACKBONE == set(tflite_file.operators(file)) - BACKBONE


def test_operators_are_on_the_side_on_which_the_gpu_delegates_list_has_them(android):
    assert listed(android, "On the list") <= GPU
    assert not listed(android, "Not on the list") & GPU


def test_both_pages_say_that_nothing_was_compiled_or_measured_on_a_phone(page):
    assert re.search(r"Neither snippet was compiled, and no\s+phone was measured", page)


def test_the_table_of_costs_is_what_the_benchmark_printed(android, root):
    printed = (root / "benchmarks" / "results" / "phones.md").read_text().splitlines()
    rows = [line for line in android.splitlines() if line.startswith(("| network", "| between", "| after"))]
    assert len(rows) == 6 and set(rows) <= set(printed)
