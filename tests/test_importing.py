"""PyTorch weights in our models: what is loaded, left out, refused."""

import dataclasses

import numpy as np
import pytest
import tiny
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.commands import describe, import_weights
from logo_keras.weights.layers import entries_of

CLASSES = 3
REGIONS = tiny.REGIONS | {"weights": None}


def backbone():
    """A small backbone whose layers have names in PyTorch."""
    names = {f"conv{number}": f"layers.{number}.conv" for number in range(5)}
    names |= {f"norm{number}": f"layers.{number}.bn" for number in range(5)}
    return dataclasses.replace(tiny_backbone(), torch_names=names, torch_head="fc")


def nts_net(**options):
    return lk.NTSNet(num_classes=CLASSES, backbone=backbone(), **(REGIONS | options))


def random_entries(pairs, seed=0):
    """Numbers for the entries of layers, by their prefixes."""
    random = np.random.RandomState(seed)
    shapes = {name: shape for layer, prefix in pairs for name, shape in entries_of(layer, prefix).items()}
    return {name: random.uniform(0.5, 1.5, shape).astype(np.float32) for name, shape in shapes.items()}


def classifier_entries(classes=CLASSES):
    model = lk.Classifier(num_classes=classes, backbone=backbone(), image_size=64, weights=None)
    pairs = [(model.extractor.get_layer(ours), theirs) for ours, theirs in model.backbone_value.torch_names.items()]
    return random_entries([*pairs, (model.whole_classifier, "fc")])


def whole_entries(model):
    """A whole NTS-Net's checkpoint for the model."""
    pairs = [(model.extractor.get_layer(ours), f"pretrained_model.{theirs}") for ours, theirs in backbone().torch_names.items()]
    pairs.append((model.whole_classifier, "pretrained_model.fc"))
    for part in ("down1", "down2", "down3", "tidy1", "tidy2", "tidy3"):
        pairs.append((getattr(model.navigator, part), f"proposal_net.{part}"))
    pairs += [(model.teacher.classifier, "partcls_net"), (model.fused_classifier.classifier, "concat_net")]
    return random_entries(pairs)


def test_a_classifier_fills_backbone_and_head():
    entries = classifier_entries()
    model = lk.Classifier(num_classes=CLASSES, backbone=backbone(), image_size=64, weights=None)
    report = lk.load_torch_weights(model, entries)
    assert set(report.loaded) == set(entries) and not report.skipped and not report.missing
    kernel = model.extractor.get_layer("conv2").kernel
    np.testing.assert_array_equal(kernel, entries["layers.2.conv.weight"].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(model.whole_classifier.kernel, entries["fc.weight"].T)


def test_a_head_of_other_classes_is_left_out_and_said():
    model = lk.Classifier(num_classes=CLASSES, backbone=backbone(), image_size=64, weights=None)
    before = model.whole_classifier.kernel.numpy()
    report = lk.load_torch_weights(model, classifier_entries(classes=7))
    assert report.skipped == ("fc.bias", "fc.weight") and report.missing == ("whole_classifier",)
    assert "of 7 classes, the model of 3" in str(report)
    np.testing.assert_array_equal(model.whole_classifier.kernel, before)


def test_a_classifier_is_the_backbone_of_a_region_network():
    model = nts_net()
    report = lk.load_torch_weights(model, classifier_entries(classes=7))
    assert {name.split("/")[0] for name in report.missing} == {"navigator", "teacher", "fused_classifier", "whole_classifier"}


def test_a_whole_nts_net_fills_everything():
    model = nts_net()
    entries = whole_entries(model)
    report = lk.load_torch_weights(model, {f"module.{name}": value for name, value in entries.items()})
    assert set(report.loaded) == set(entries) and not report.skipped and not report.missing
    np.testing.assert_array_equal(model.fused_classifier.classifier.kernel, entries["concat_net.weight"].T)
    np.testing.assert_array_equal(model.navigator.tidy3.bias, entries["proposal_net.tidy3.bias"])


def test_drna_net_takes_an_nts_net_but_its_fused_classifier():
    entries = whole_entries(nts_net())
    model = lk.DRNANet(num_classes=CLASSES, backbone=backbone(), **REGIONS)
    report = lk.load_torch_weights(model, entries)
    assert report.skipped == ("concat_net.bias", "concat_net.weight")
    assert "sees crop, drop" in str(report)
    regions_alone = lk.DRNANet(num_classes=CLASSES, backbone=backbone(), views=("region",), **REGIONS)
    assert not lk.load_torch_weights(regions_alone, entries).skipped


def test_an_nts_net_of_other_classes_is_refused_in_one_line_and_heads_can_stay_out():
    entries = whole_entries(nts_net())
    model = lk.NTSNet(num_classes=5, backbone=backbone(), **REGIONS)
    with pytest.raises(ValueError, match="is of 3 classes, the model of 5") as refusal:
        lk.load_torch_weights(model, entries)
    assert "\n" not in str(refusal.value)
    report = lk.load_torch_weights(model, entries, heads=False)
    assert "proposal_net.down1.weight" in report.loaded and "partcls_net.weight" in report.skipped


def test_another_number_of_regions_is_refused_with_both_shapes():
    with pytest.raises(ValueError, match=r"concat_net.weight is \(3, 24\), wanted \(3, 32\)"):
        lk.load_torch_weights(nts_net(num_regions=3), whole_entries(nts_net()))


def test_a_navigator_of_stride_16_is_refused():
    with pytest.raises(ValueError, match="navigator_stride=32"):
        lk.load_torch_weights(nts_net(navigator_stride=16), whole_entries(nts_net()))


def test_missing_entries_are_all_named_and_nothing_is_changed():
    entries = classifier_entries()
    for name in ("layers.1.conv.weight", "layers.4.bn.running_var"):
        del entries[name]
    entries["layers.0.conv.weight"] = entries["layers.0.conv.weight"][:4]
    model = lk.Classifier(num_classes=CLASSES, backbone=backbone(), image_size=64, weights=None)
    before = model.get_weights()
    with pytest.raises(
        ValueError, match="2 missing: layers.1.conv.weight, layers.4.bn.running_var; 1 of another shape: layers.0"
    ):
        lk.load_torch_weights(model, entries)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_backbone_without_names_in_pytorch_is_refused():
    model = lk.Classifier(num_classes=CLASSES, backbone=tiny_backbone(), image_size=64, weights=None)
    with pytest.raises(ValueError, match="no counterpart in PyTorch"):
        lk.load_torch_weights(model, classifier_entries())


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """A whole NTS-Net on the backbone "tiny", as a file."""
    from safetensors.numpy import save_file

    from logo_keras import backbones

    monkeypatch.setitem(backbones._BUILDERS, "tiny", lambda *_, **__: backbone())
    path = tmp_path / "nts.safetensors"
    save_file({name: np.ascontiguousarray(value) for name, value in whole_entries(nts_net()).items()}, path)
    return path


def test_the_command_makes_a_model_of_a_whole_nts_net(checkpoint, capsys):
    out, labels = checkpoint.with_name("nts.keras"), checkpoint.with_name("labels.txt")
    labels.write_bytes("\ufeffacme\r\nglobex\r\n\r\ninitech\r\n".encode())
    flags = ["--backbone", "tiny", "--image_size", "96", "--labels", str(labels), "--num_proposals", "3"]
    assert import_weights.main(["logo-import", "--checkpoint", str(checkpoint), "--out", str(out), *flags]) == 0
    assert "entries loaded" in capsys.readouterr().out
    model = lk.load(out)
    assert isinstance(model, lk.NTSNet) and model.class_names == ("acme", "globex", "initech")
    assert model.num_regions == 2 and model.preprocessing == "paper"
    entries = whole_entries(nts_net())
    np.testing.assert_array_equal(model.teacher.classifier.kernel, entries["partcls_net.weight"].T)
    assert describe.main(["logo-describe", str(out)]) == 0
    said = capsys.readouterr().out
    assert "imported from nts.safetensors (SHA-256 " in said and "NTSNet" in said and "acme" in said


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--classes", "5"], "is of 3 classes, the model of 5"),
        (["--backbone", "tinny"], "unknown backbone 'tinny'"),
        (["--model", "drna", "--head", "original"], "knows no --head"),
        (["--out", "model.h5"], "must end in .keras"),
    ],
)
def test_the_command_refuses_in_one_line(checkpoint, capsys, flags, said):
    start = [
        "--checkpoint",
        str(checkpoint),
        "--out",
        str(checkpoint.with_name("x.keras")),
        "--backbone",
        "tiny",
        "--image_size",
        "96",
    ]
    assert import_weights.main(["logo-import", *start, *flags]) == 1
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not checkpoint.with_name("x.keras").exists()


def wrapped(entries):
    """The entries of a classifier, inside of what people train networks in."""
    head = {name: value for name, value in entries.items() if name.startswith("fc.")}
    body = {name: value for name, value in entries.items() if name not in head}
    foreign = {"criterion.weight": np.ones(CLASSES, np.float32), "projector.0.weight": np.ones((2, 2), np.float32)}
    numbers = {"epoch": np.int64(3), "queue_ptr": np.zeros(1, np.int64), "loss.margin": np.float32(np.nan)}

    def under(prefix, some=entries):
        return {prefix + name: value for name, value in some.items()}

    return {
        "model": under("model.") | foreign,
        "backbone and head": under("backbone.", body) | under("head.", head) | foreign,
        "backbone beside a head": under("backbone.body.", body) | head,
        "encoder": {"state_dict": under("encoder.") | foreign, "optimizer": {"state": {0: {"step": 3}}, "lr": [0.1]}},
        "infix": {name.replace("layers.", "layers.module."): value for name, value in entries.items()},
        "another infix": {name.replace("layers.", "layers.inner."): value for name, value in entries.items()} | foreign,
        "compiled": under("_orig_mod.model.module.") | numbers,
        "numbers beside": entries | numbers,
        "averaged copy": under("model.") | under("ema_model.", {name: value + 1 for name, value in entries.items()}),
        "plain copy": under("teacher.", {name: value + 1 for name, value in entries.items()}) | entries,
        "unknown container": {"weights": entries, "optimizer": {"state": {}, "groups": [1, 2]}, "epoch": 3},
        "settings by the name of a container": {"model": {"name": "resnet50"}, "network": under("module.") | foreign},
    }


@pytest.mark.parametrize("kind", list(wrapped({})))
def test_a_network_inside_another_module_is_found(kind):
    entries = classifier_entries()
    model = lk.Classifier(num_classes=CLASSES, backbone=backbone(), image_size=64, weights=None)
    checkpoint = wrapped(entries)[kind]
    report = lk.load_torch_weights(model, checkpoint)
    assert not report.missing and len(report.loaded) == len(entries)
    for number in range(5):
        kernel = model.extractor.get_layer(f"conv{number}").kernel
        np.testing.assert_array_equal(kernel, entries[f"layers.{number}.conv.weight"].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(model.whole_classifier.kernel, entries["fc.weight"].T)
    if "criterion.weight" in checkpoint:
        assert {"criterion.weight", "projector.0.weight"} <= set(report.skipped)
    if "epoch" in checkpoint and kind != "unknown container":
        assert {"epoch", "queue_ptr", "loss.margin"} <= set(report.skipped)


def test_an_entry_of_another_copy_does_not_take_the_place_of_a_missing_one():
    entries = classifier_entries()
    copy = {f"ema.{name}": value for name, value in entries.items()}
    del entries["layers.1.conv.weight"]
    model = lk.Classifier(num_classes=CLASSES, backbone=backbone(), image_size=64, weights=None)
    before = model.get_weights()
    for _ in range(2):
        del copy[next(iter(copy))]
    with pytest.raises(ValueError, match="1 missing: layers.1.conv.weight.*The checkpoint has .* entries: model.layers.0"):
        lk.load_torch_weights(model, {f"model.{name}": value for name, value in entries.items()} | copy)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_wanted_entry_that_is_no_weight_is_refused_with_the_reason():
    entries = {f"model.{name}": value for name, value in classifier_entries().items()}
    entries["model.layers.2.conv.weight"] = entries["model.layers.2.conv.weight"].astype(np.int8)
    model = lk.Classifier(num_classes=CLASSES, backbone=backbone(), image_size=64, weights=None)
    with pytest.raises(ValueError, match="layers.2.conv.weight is of type int8.*quantis.*stays as it was"):
        lk.load_torch_weights(model, entries | {"criterion.weight": np.ones(1, np.float32)})


def test_a_whole_nts_net_inside_another_module_is_found():
    model = nts_net()
    entries = whole_entries(model)
    foreign = {"criterion.weight": np.ones(2, np.float32), "epoch": 7}
    report = lk.load_torch_weights(model, {f"net.{name}": value for name, value in entries.items()} | foreign)
    assert len(report.loaded) == len(entries) and not report.missing and report.skipped == ("criterion.weight", "epoch")
    np.testing.assert_array_equal(model.navigator.tidy3.bias, entries["proposal_net.tidy3.bias"])


def test_alexnet_as_dataparallel_and_others_train_it():
    from logo_keras.weights.entries import fitting
    from logo_keras.weights.layers import entries_of

    value = lk.backbones.backbone("alexnet", weights=None)
    wanted = [name for ours, theirs in value.torch_names.items() for name in entries_of(value.model.get_layer(ours), theirs)]
    wanted += [f"{value.torch_head}.{part}" for part in ("weight", "bias")]
    parallel = [name.replace("features.", "features.module.") for name in wanted]
    assert fitting(parallel, wanted) == dict(zip(wanted, parallel, strict=True))
    split = [name.replace("features.", "net.features.") if "features" in name else f"top.{name}" for name in wanted]
    assert fitting(split, wanted) == dict(zip(wanted, split, strict=True))


def test_timm_names_are_translated_inside_another_module():
    from logo_keras.weights.entries import read_checkpoint

    entries = {"conv_stem.weight": 1.0, "blocks.0.0.conv_dw.weight": 2.0, "classifier.weight": 3.0}
    given = {f"encoder.{name}": np.float32([value]) for name, value in entries.items()}
    found = read_checkpoint(given | {"criterion.weight": np.ones(1, np.float32)}, strict=False)
    assert set(found) == {"_conv_stem.weight", "_blocks.0._depthwise_conv.weight", "_fc.weight", "criterion.weight"}
