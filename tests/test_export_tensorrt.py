"""TensorRT: what runs in which type, which library builds, and what it is told; with a stand-in for both libraries."""

import enum
import json
import sys
import types

import exporting
import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from exporting import NAMES, small
from onnx import helper
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.export import gpu, tensorrt, tensorrt_engine
from logo_keras.export.artifact import report_path
from logo_keras.export.check.verification import DiffersFromKeras
from logo_keras.export.passes import mixed_precision


def answer(model, images):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"images": images}), strict=True))


def types_of(model):
    """Returns the type of every tensor of an ONNX model."""
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
    values = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.value_info, *graph.output)}
    return values | {constant.name: constant.data_type for constant in graph.initializer}


@pytest.fixture(scope="module")
def plain():
    keras.utils.set_random_seed(1)
    return small()


@pytest.fixture(scope="module")
def plain_onnx(plain):
    return tensorrt.typed_onnx(plain, precision="float32")


@pytest.fixture(scope="module")
def drna():
    keras.utils.set_random_seed(2)
    return exporting.drna(tiny_backbone())


@pytest.fixture(scope="module")
def drna_onnx(drna):
    return tensorrt.typed_onnx(drna, precision="float32")


@pytest.fixture
def photos(tmp_path):
    """A folder of three photographs without brands."""
    random = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for number in range(3):
        lk.preprocessing.cv2.imwrite(
            str(tmp_path / "photos" / f"{number}.png"), random.integers(0, 256, (80, 90, 3)).astype(np.uint8)
        )
    return tmp_path / "photos"


def images_of(size, count=4):
    # Smooth: on noise the activations have no range to speak of.
    coarse = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3))
    return np.kron(coarse, np.ones((1, size // 4, size // 4, 1))).astype(np.uint8)


def test_float16_and_int8_answer_nearly_as_float32(plain, plain_onnx):
    images, kernels = images_of(64), mixed_precision.kernel_shapes(plain)
    exact = answer(plain_onnx, images[:1].astype(np.float32))["probabilities"]
    half = answer(mixed_precision.to_float16(plain_onnx, kernels), images[:1].astype(np.float32))["probabilities"]
    whole = answer(mixed_precision.to_int8(plain_onnx, kernels, images), images[:1].astype(np.float32))["probabilities"]
    assert 0 < np.abs(half - exact).max() < 5e-3
    assert np.abs(half - exact).max() < np.abs(whole - exact).max() < 0.1


def test_in_float16_networks_are_halved_and_geometry_and_the_interface_stay_float32(drna, drna_onnx):
    half = mixed_precision.to_float16(drna_onnx, mixed_precision.kernel_shapes(drna))
    onnx.checker.check_model(half, full_check=True)
    kinds = types_of(half)
    convolutions = [node for node in half.graph.node if node.op_type == "Conv"]
    assert len(convolutions) > 15
    assert {kinds[node.output[0]] for node in convolutions} == {onnx.TensorProto.FLOAT16}
    # A product may be either: of a dense layer, or one that resamples.
    geometry = {"TopK", "Floor", "Div", "Abs", "Softmax", "GlobalAveragePool", "GlobalMaxPool", "ReduceMin", "Min", "Max"}
    seen = {node.op_type: kinds[node.output[0]] for node in half.graph.node if node.op_type in geometry}
    assert {"TopK", "Floor", "Div", "Softmax", "GlobalAveragePool"} <= set(seen)
    assert set(seen.values()) == {onnx.TensorProto.FLOAT}
    assert {kinds[value.name] for value in (*half.graph.input, *half.graph.output)} == {onnx.TensorProto.FLOAT}
    assert half.ByteSize() < 0.6 * drna_onnx.ByteSize()


def test_in_int8_networks_have_int8_weights_and_the_navigator_has_none(drna, drna_onnx):
    whole = mixed_precision.to_int8(drna_onnx, mixed_precision.kernel_shapes(drna), images_of(96, 2))
    onnx.checker.check_model(whole, full_check=True)
    makers = {name: node for node in whole.graph.node for name in node.output}
    constants = {constant.name: constant for constant in whole.graph.initializer}
    quantised = floating = 0
    for node in whole.graph.node:
        if node.op_type == "Conv":
            maker = makers.get(node.input[1])
            if maker is None:
                floating += 1
                continue
            assert maker.op_type == "DequantizeLinear" and makers[node.input[0]].op_type == "DequantizeLinear"
            weight, scale, zero = (constants[name] for name in maker.input)
            assert weight.data_type == onnx.TensorProto.INT8 and list(scale.dims) == [weight.dims[0]]
            assert not onnx.numpy_helper.to_array(zero).any()
            assert set(node.input[2:]) <= set(constants)
            quantised += 1
    # Three passes of the backbone; the navigator has six convolutions, and one shrinks the image.
    assert (quantised % 3, floating) == (0, 7) and quantised >= 15


def half_of(nodes, constants, outputs):
    """Returns a tiny graph in float16: images [1, 2, 4, 4], and a 1 x 1 kernel [2, 2, 1, 1]."""
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", kind, [1, 2, 4, 4])],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [onnx.numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return mixed_precision.to_float16(model, {(1, 1, 2, 2)})


KERNEL = np.array([[1, 2], [3, 4]]).reshape(2, 2, 1, 1)


def test_a_convolution_that_is_an_output_stays_float32():
    half = half_of([helper.make_node("Conv", ["images", "kernel"], ["probabilities"])], {"kernel": KERNEL}, ["probabilities"])
    assert [node.op_type for node in half.graph.node] == ["Conv"]
    images = np.ones((1, 2, 4, 4), np.float32)
    np.testing.assert_array_equal(answer(half, images)["probabilities"][0, :, 0, 0], [3, 7])


def test_a_tensor_that_both_types_read_is_cast_once():
    nodes = [
        helper.make_node("Conv", ["images", "kernel"], ["maps"]),
        helper.make_node("Relu", ["maps"], ["active"]),
        helper.make_node("ReduceMax", ["active"], ["highest"], keepdims=1),
        helper.make_node("Div", ["active", "highest"], ["probabilities"]),
    ]
    half = half_of(nodes, {"kernel": KERNEL}, ["probabilities"])
    assert [node.op_type for node in half.graph.node] == ["Cast", "Conv", "Relu", "Cast", "ReduceMax", "Div"]
    images = np.ones((1, 2, 4, 4), np.float32)
    np.testing.assert_allclose(answer(half, images)["probabilities"][0, :, 0, 0], [3 / 7, 1], rtol=1e-6)


@pytest.mark.parametrize("value", [1e5, np.nan])
def test_a_kernel_that_float16_cannot_hold_is_refused(value):
    nodes = [helper.make_node("Conv", ["images", "kernel"], ["maps"]), helper.make_node("ReduceMax", ["maps"], ["probabilities"])]
    with pytest.raises(ValueError, match="kernel: its largest value, .* does not fit in float16"):
        half_of(nodes, {"kernel": KERNEL * value}, ["probabilities"])


def test_a_graph_without_the_models_kernels_is_refused(plain_onnx):
    with pytest.raises(ValueError, match="no convolution or dense layer with a kernel of the model"):
        mixed_precision.to_float16(plain_onnx, {(1, 2, 3)})


class Severity(enum.Enum):
    INTERNAL_ERROR, ERROR, WARNING, INFO = range(4)


class Trt(types.ModuleType):
    """A stand-in for both libraries, which notes what it is told."""

    def __init__(self, name="tensorrt", version="10.13.0", strongly_typed=True, errors=(), mismatch=False, plan=b"plan"):
        super().__init__(name)
        self.__version__, self.told, self.errors, self.mismatch, self.plan = version, {}, errors, mismatch, plan
        self.ILogger = type("ILogger", (), {"Severity": Severity})
        self.NetworkDefinitionCreationFlag = types.SimpleNamespace(**({"STRONGLY_TYPED": 1} if strongly_typed else {}))
        self.BuilderFlag = types.SimpleNamespace(TF32="tf32")
        self.MemoryPoolType = types.SimpleNamespace(WORKSPACE="workspace")
        self.ComputeCapability = enum.Enum("ComputeCapability", "NONE CURRENT SM75 SM80 SM86 SM89 SM120 SM121")

    def note(self, **values):
        self.told |= values
        return True

    def Builder(self, log):
        config = types.SimpleNamespace(
            clear_flag=lambda flag: self.note(cleared=flag),
            set_memory_pool_limit=lambda pool, size: self.note(**{pool: size}),
            add_optimization_profile=lambda profile: self.note(profile=True),
            set_compute_capability=lambda value, number: self.note(**{f"target{number}": value.name}),
            create_timing_cache=lambda data: None if self.mismatch and data else bytearray(data),
            set_timing_cache=lambda cache, ignore: self.note(cache=bytes(cache), ignore=ignore),
            get_timing_cache=lambda: types.SimpleNamespace(serialize=lambda: b"measured"),
        )
        tensor = types.SimpleNamespace(name="images", shape=(-1, 64, 64, 3))

        def build(network, given):
            if self.plan is None:
                log.log(Severity.ERROR, "no kernel for it")
            return self.plan

        return types.SimpleNamespace(
            create_network=lambda flags: self.note(flags=flags) and types.SimpleNamespace(get_input=lambda number: tensor),
            create_builder_config=lambda: config,
            create_optimization_profile=lambda: types.SimpleNamespace(
                set_shape=lambda name, *shapes: self.note(shapes=(name, *shapes))
            ),
            build_serialized_network=build,
        )

    def OnnxParser(self, network, log):
        def error(number):
            name, operator, text = self.errors[number]
            values = {"node_name": name, "node_operator": operator, "desc": text, "node": number}
            return types.SimpleNamespace(**{key: lambda value=value: value for key, value in values.items()})

        return types.SimpleNamespace(
            parse=lambda model: self.note(parsed=model) and not self.errors, num_errors=len(self.errors), get_error=error
        )


def installed(monkeypatch, gpus, **modules):
    """Makes it look as if these libraries were installed and so many GPUs there."""
    for name in ("tensorrt", "tensorrt_rtx"):
        # None makes an import fail as if it were not installed.
        monkeypatch.setitem(sys.modules, name, modules.get(name))
    monkeypatch.setattr(gpu, "count", lambda: gpus)


@pytest.mark.parametrize(
    ("gpus", "runtime", "expected"),
    [(1, "auto", "TensorRT 10.13.0"), (0, "auto", "TensorRT-RTX 1.7.1"), (1, "tensorrt_rtx", "TensorRT-RTX 1.7.1")],
)
def test_tensorrt_is_taken_where_a_gpu_is(monkeypatch, gpus, runtime, expected):
    installed(monkeypatch, gpus, tensorrt=Trt(), tensorrt_rtx=Trt("tensorrt_rtx", "1.7.1"))
    assert str(tensorrt_engine.library(runtime)) == expected


@pytest.mark.parametrize(
    ("gpus", "runtime", "says"),
    [
        (0, "auto", ["pip install tensorrt)", r"logo_keras[tensorrt-rtx]"]),
        (1, "auto", ["pip install tensorrt)", r"logo_keras[tensorrt-rtx]"]),
        (1, "tensorrt", ["pip install tensorrt)"]),
        (0, "tensorrt", ["NVIDIA GPU of this machine", r"logo_keras[tensorrt-rtx]"]),
        (0, "tensorrt_rtx", [r"logo_keras[tensorrt-rtx]"]),
    ],
)
def test_what_is_missing_is_one_line_that_says_what_to_install(monkeypatch, gpus, runtime, says):
    installed(monkeypatch, gpus)
    with pytest.raises(ImportError) as caught:
        tensorrt_engine.library(runtime)
    assert "\n" not in str(caught.value) and all(text in str(caught.value) for text in says)


def test_an_old_or_unknown_library_is_refused(monkeypatch):
    installed(monkeypatch, 1, tensorrt=Trt(version="8.6.1"))
    with pytest.raises(ImportError, match="TensorRT 8.6.1 is too old"):
        tensorrt_engine.library("auto")
    with pytest.raises(ValueError, match="runtime must be one of auto, tensorrt, tensorrt_rtx, got 'onnx'"):
        tensorrt_engine.library("onnx")


def test_compute_capabilities():
    rtx = tensorrt_engine.Library("tensorrt_rtx", Trt("tensorrt_rtx"))
    assert list(tensorrt_engine.capabilities(rtx)) == ["8.0", "8.6", "8.9", "12.0", "12.1"]
    assert [value.name for value in tensorrt_engine.capabilities(rtx, "8.6, 12.0").values()] == ["SM86", "SM120"]
    assert list(tensorrt_engine.capabilities(rtx, ["7.5"])) == ["7.5"]
    with pytest.raises(ValueError, match="are 7.5, 8.0, 8.6, 8.9, 12.0, 12.1, got 9.0"):
        tensorrt_engine.capabilities(rtx, "8.6,9.0")
    full = tensorrt_engine.Library("tensorrt", Trt())
    assert tensorrt_engine.capabilities(full) == {}
    with pytest.raises(ValueError, match="builds for the GPU of this machine"):
        tensorrt_engine.capabilities(full, "8.6")


@pytest.mark.parametrize(("strongly_typed", "flags"), [(True, 2), (False, 0)])
def test_networks_are_strongly_typed_in_every_version(strongly_typed, flags):
    trt = Trt(strongly_typed=strongly_typed)
    assert tensorrt_engine.build(tensorrt_engine.Library("tensorrt", trt), b"model") == b"plan"
    assert trt.told == {"flags": flags, "parsed": b"model", "cleared": "tf32"}


def test_the_builder_is_told_workspace_targets_and_batches():
    trt = Trt("tensorrt_rtx")
    rtx = tensorrt_engine.Library("tensorrt_rtx", trt)
    tensorrt_engine.build(rtx, b"model", tensorrt_engine.capabilities(rtx, "8.6,8.9"), workspace=256, largest_batch=4)
    assert trt.told["workspace"] == 256 * 2**20
    assert (trt.told["target0"], trt.told["target1"]) == ("SM86", "SM89")
    assert trt.told["shapes"] == ("images", (1, 64, 64, 3), (4, 64, 64, 3), (4, 64, 64, 3))


@pytest.mark.parametrize(("old", "mismatch", "used"), [(None, False, b""), (b"old", False, b"old"), (b"old", True, b"")])
def test_a_timing_cache_is_read_where_it_fits_and_written(tmp_path, old, mismatch, used):
    path, trt = tmp_path / "new" / "timing.cache", Trt(mismatch=mismatch)
    if old:
        path.parent.mkdir()
        path.write_bytes(old)
    tensorrt_engine.build(tensorrt_engine.Library("tensorrt", trt), b"model", timing_cache=path)
    assert trt.told["cache"] == used and trt.told["ignore"] is False
    assert path.read_bytes() == b"measured"


def test_a_timing_cache_is_refused_where_nothing_is_measured(tmp_path):
    rtx = tensorrt_engine.Library("tensorrt_rtx", Trt("tensorrt_rtx"))
    with pytest.raises(ValueError, match="a timing cache is TensorRT's"):
        tensorrt_engine.build(rtx, b"model", timing_cache=tmp_path / "cache")


def test_what_the_library_cannot_read_or_build_is_named():
    trt = Trt(errors=[("pick/TopK", "TopK", "no int64"), ("", "Where", "no bool")])
    with pytest.raises(ValueError, match=r"node pick/TopK \(TopK\): no int64; node 1 \(Where\): no bool"):
        tensorrt_engine.build(tensorrt_engine.Library("tensorrt", trt), b"model")
    with pytest.raises(ValueError, match="cannot build the engine: no kernel for it"):
        tensorrt_engine.build(tensorrt_engine.Library("tensorrt", Trt(plan=None)), b"model")


def test_without_a_driver_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(gpu, "_driver", lambda: None)
    assert gpu.count() == 0
    with pytest.raises(OSError, match="no NVIDIA driver here"):
        gpu.Device()


def test_what_the_driver_refuses_is_named(monkeypatch):
    def name(code, text):
        text._obj.value = b"CUDA_ERROR_OUT_OF_MEMORY"

    monkeypatch.setattr(gpu, "_driver", lambda: types.SimpleNamespace(cuInit=lambda flags: 2, cuGetErrorName=name))
    assert gpu.count() == 0
    with pytest.raises(OSError, match=r"refused cuInit: CUDA_ERROR_OUT_OF_MEMORY \(2\)"):
        gpu.Device()


@pytest.fixture
def ahead(monkeypatch, plain_onnx):
    """TensorRT-RTX without a GPU, and a conversion that was done before."""
    installed(monkeypatch, 0, tensorrt_rtx=Trt("tensorrt_rtx", "1.7.1"))
    monkeypatch.setattr(tensorrt.onnx, "convert", lambda *arguments: onnx.ModelProto.FromString(plain_onnx.SerializeToString()))


def test_without_a_gpu_the_report_says_what_was_run(ahead, plain, photos, tmp_path):
    out = tmp_path / "model.engine"
    report = tensorrt.export(plain, out, photos, compute_capabilities="8.6", keep_onnx=tmp_path / "model.onnx")
    assert report.precision == "float16" and report.photographs == 3 and not report.failures
    assert out.read_bytes() == b"plan"
    facts = json.loads(report_path(out).read_text(encoding="utf-8"))
    assert facts["runtime"].startswith("onnxruntime ") and facts["runtime"].endswith(
        "on the same ONNX file; the engine was not run"
    )
    assert facts["engine_was_run"] is False and facts["library"] == "TensorRT-RTX 1.7.1"
    assert facts["compute_capabilities"] == ["8.6"] and facts["metadata"]["class_names"] == list(NAMES)
    assert facts["operators"]["Cast"] > 0 and [entry["name"] for entry in facts["outputs"]] == ["probabilities"]
    assert lk.metadata.read(tmp_path / "model.onnx").class_names == NAMES
    with pytest.raises(ImportError, match="runs on an NVIDIA GPU, and there is none here"):
        tensorrt.open_engine(out)


def test_over_the_bound_nothing_is_left(ahead, photos, tmp_path):
    keras.utils.set_random_seed(3)
    other = small()
    with pytest.raises(DiffersFromKeras, match="model.engine was not written: 3 of 3 photographs over the bound"):
        tensorrt.export(other, tmp_path / "model.engine", photos, precision="float32")
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_a_fixed_batch_is_filled_and_the_first_answer_taken():
    seen = []
    infer = tensorrt.filled(lambda images: seen.append(images.shape) or {"probabilities": np.arange(3)[:, None]}, 3)
    assert infer(np.zeros((1, 4, 4, 3)))["probabilities"].tolist() == [[0]] and seen == [(3, 4, 4, 3)]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"precision": "bfloat16"}, "precision must be one of float32, float16, int8"),
        ({"workspace": 0}, "workspace must be at least 1"),
        ({"largest_batch": 0}, "largest_batch must be at least 1"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"compute_capabilities": "10.0"}, "got 10.0"),
        ({"timing_cache": "cache"}, "a timing cache is TensorRT's"),
        ({"keep_onnx": "model.bin"}, "ends with .onnx"),
    ],
)
def test_wrong_arguments_are_refused(ahead, plain, photos, tmp_path, options, says):
    with pytest.raises(ValueError, match=says):
        tensorrt.export(plain, tmp_path / "model.engine", photos, **options)
