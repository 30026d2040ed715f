"""The files of the embedding that comes with the package: how they are made, what they say, and what is refused."""

import keras
import numpy as np
import pytest
from exporting import left, used_to
from marks import drawing
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras import backbones
from logo_keras.datasets.marks import Marks
from logo_keras.edge import model_file
from logo_keras.errors import UserError
from logo_keras.export import release
from logo_keras.export.check.verification import DiffersFromKeras
from logo_keras.gallery import embedders, strangers
from logo_keras.weights import logos, model_card
from logo_keras.weights.safetensors_file import read_safetensors_card, read_safetensors_file

# What logo-train says of a run on marks.
CARD = {
    "architecture": "LogoEmbedder",
    "backbone": "efficientnet_lite0",
    "recipe": "logo_embedder",
    "data": {"kind": "marks", "training": {"split": "train", "marks": 90, "num_classes": 40}},
    "config": {"seed": 7, "batch_size": 64, "steps_per_epoch": 200, "epochs": 12},
    "figures": {"epoch": 3, "val_r1": 0.5},
    "start": {"file": "model.keras", "image_size": 96, "config": {"steps_per_epoch": 100}, "figures": {"epoch": 2}},
    "packages": {"keras": "3.15.1"},
}


@pytest.fixture(scope="module", autouse=True)
def small_lite0():
    """A tiny network under the name of the one that ships, so that it is converted in a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(backbones._BUILDERS, "efficientnet_lite0", lambda weights: tiny_backbone(32))
        yield


@pytest.fixture(scope="module", autouse=True)
def few_crops():
    """A threshold is measured in a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strangers, "_BATCHES", 1)
        patch.setattr(strangers, "_GALLERIES", 5)
        yield


# Of brands that no model here was taught.
MARKS = Marks.of([drawing(name) for name in ("acme", "bolt", "corp")])


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No test writes into the package."""
    monkeypatch.setattr(embedders, "SHIPPED", tmp_path / "written" / "logos.tflite")
    monkeypatch.setattr(logos, "SHIPPED", tmp_path / "written" / "logos.safetensors")


def embedder(**changes):
    """An embedder of few brands that says that it was taught on marks."""
    settings = {"num_classes": 40, "image_size": 64, "dimensions": 16, "num_backgrounds": 5, "weights": None} | changes
    model = lk.LogoEmbedder(**settings)
    model.card |= CARD
    return model


@pytest.fixture(scope="module")
def model(few_photos, small_lite0):
    """Its batch norm has seen the photos, so that vectors point everywhere."""
    keras.utils.set_random_seed(1)
    return used_to(embedder(), few_photos)


@pytest.fixture(scope="module")
def released(model, few_photos, tmp_path_factory):
    """The folder of a run, and the two files that were made of it."""
    folder = tmp_path_factory.mktemp("release")
    (folder / "run").mkdir()
    model.save(folder / "run" / "model.keras")
    files = folder / "logos.tflite", folder / "logos.safetensors"
    report, cosine, found, size = release.release(folder / "run", MARKS, few_photos, 6, "abc123", *files)
    assert report.failures == () and report.photographs == 6 and found.brands == 3
    assert 0.999 <= cosine <= 1 + 1e-6 and size == sum(file.stat().st_size for file in files)
    return files


@pytest.fixture
def hardly_exported(monkeypatch):
    """The export of a TFLite file takes no time, since the file is none."""
    monkeypatch.setattr(release.tflite, "export", lambda model, out, **_: out.write_bytes(b"a file"))


def test_the_tflite_file_embeds_as_the_model_does(released, model, few_photos):
    photos = sorted(few_photos.glob("*/*.jpg"))[::8]
    ours, theirs = lk.edge.Embedder(released[0]).embed(photos), model.embed(photos)
    assert (ours * theirs).sum(axis=1).min() > 0.999


def test_the_weights_are_those_of_the_backbone_in_16_bits(released, model):
    entries = read_safetensors_file(released[1])
    assert {str(array.dtype) for array in entries.values()} == {"float16"}
    assert sum(array.size for array in entries.values()) == model.backbone_value.model.count_params()
    # The kernel of a convolution, in PyTorch's layout.
    kernel = model.backbone_value.model.get_layer("conv3").kernel
    np.testing.assert_array_equal(entries["conv3.weight"], np.float16(kernel).transpose(3, 2, 0, 1))
    norm = model.backbone_value.model.get_layer("norm4")
    np.testing.assert_array_equal(entries["norm4.running_var"], np.float16(norm.moving_variance))


def test_both_files_carry_the_card(released):
    card = model_file.read(released[0]).card
    assert card == read_safetensors_card(released[1])
    assert card["training"] == {"commit": "abc123", "seed": 7, "steps": 800, "batch_size": 64}
    assert card["data"]["training"] == {"split": "train", "marks": 90, "num_classes": 40}
    assert any("@iconify-json/fa6-brands@1.2.6: CC-BY-4.0" in line for line in card["drawings"])
    assert "left_out.txt" in card["left_out"] and "No photo of a logo was used" in card["remarks"][0]
    assert "trademarks" in card["remarks"][1]


def test_the_tflite_file_has_the_threshold_that_was_measured_on_marks(released):
    said = model_file.read(released[0])
    found = said.card["threshold"]
    assert found["brands"] == 3 and found["false_accepts"]["1"] <= strangers.FALSE_ACCEPTS
    gallery = lk.Gallery(released[0])
    assert gallery.threshold == said.threshold == found["threshold"] and gallery.rule == "embedding"
    assert model_card.read(released[0])["arguments"]["threshold"] == said.threshold


@pytest.mark.usefixtures("hardly_exported")
def test_marks_that_the_model_was_taught_measure_nothing(few_photos):
    seen = embedder(num_classes=None, class_names=["acme", "other"])
    with pytest.raises(UserError, match="taught on brands that are to measure its threshold: acme[.]"):
        release.release(seen, MARKS, few_photos, 2, "abc")


def test_describe_prints_the_card_of_either_file(released, capsys):
    for file in released:
        lk.describe(file)
        said = capsys.readouterr().out
        for text in ("LogoEmbedder", "commit abc123, seed 7, steps 800", "Font-Awesome", "No photo of a logo", "keras 3.15.1"):
            assert text in said, (file, text)
    assert model_card.read(released[0])["arguments"]["dimensions"] == 16


def test_the_same_model_gives_the_same_weight_file(released, model):
    assert logos.logos_bytes(model.backbone_value.model, read_safetensors_card(released[1])) == released[1].read_bytes()


@pytest.mark.usefixtures("hardly_exported")
def test_the_files_go_into_the_package_and_the_model_keeps_its_weights(model, few_photos, tmp_path):
    before = model.get_weights()
    release.release(model, MARKS, few_photos, 2, "abc")
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(model.get_weights(), before, strict=True))
    assert left(tmp_path / "written") == ["logos.safetensors", "logos.tflite"]


@pytest.mark.usefixtures("hardly_exported")
@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("MOST_BYTES", 10**4, r"the files have 0.0 and 0.1 MB, more than 0.01 MB together: nothing was written"),
        ("LEAST_COSINE", 1.1, r"in float16 an embedding has a cosine of .* less than 1.1: nothing was written"),
    ],
)
def test_what_fails_a_check_leaves_the_old_files(model, few_photos, tmp_path, monkeypatch, name, value, complaint):
    monkeypatch.setattr(release, name, value)
    (tmp_path / "a.tflite").write_bytes(b"old")
    with pytest.raises(UserError, match=complaint):
        release.release(model, MARKS, few_photos, 2, "abc", tmp_path / "a.tflite", tmp_path / "a.safetensors")
    assert left(tmp_path) == ["a.tflite"] and (tmp_path / "a.tflite").read_bytes() == b"old"


def test_a_file_that_differs_from_keras_leaves_neither(model, few_photos, tmp_path, monkeypatch):
    def differs(*_, **__):
        raise DiffersFromKeras("it differs", None)

    monkeypatch.setattr(release.tflite, "export", differs)
    with pytest.raises(DiffersFromKeras):
        release.release(model, MARKS, few_photos, 2, "abc", tmp_path / "a.tflite", tmp_path / "a.safetensors")
    assert left(tmp_path) == []


def test_another_model_is_refused(few_photos):
    plain = lk.Classifier(num_classes=2, image_size=64, backbone=tiny_backbone())
    untaught = embedder()
    untaught.card = {"weights": "random"}
    for model, complaint in (
        (plain, "the model is a Classifier, wanted a LogoEmbedder"),
        (embedder(backbone=tiny_backbone()), "backbone is of its own, wanted efficientnet_lite0"),
        (untaught, "names no marks that it was taught on"),
    ):
        with pytest.raises(UserError, match=complaint):
            release.release(model, MARKS, few_photos)


@pytest.mark.parametrize("brand", ["adidas", "applemusic", "bmw token", "nike in anton", "the cocacola in anton"])
def test_a_model_that_saw_a_left_out_brand_is_refused(brand):
    model = embedder(num_classes=None, class_names=["acme", brand, "bmwx token", "deutschepost in rye"])
    with pytest.raises(UserError, match=f"taught on brands that are left out: {brand}[.]"):
        release.release(model, MARKS)


def test_the_command_says_what_is_wrong_in_one_line(tmp_path, capsys):
    assert release.main(["release"]) == 1
    assert "--model and --root must be given" in capsys.readouterr().err
    assert release.main(["release", f"--model={tmp_path / 'none.keras'}"]) == 1
    assert "--root must be given" in capsys.readouterr().err
    assert release.main(["release", f"--model={tmp_path / 'none.keras'}", f"--root={tmp_path}", "--commit=abc"]) == 1
    assert "none.keras" in capsys.readouterr().err


def test_a_tree_without_git_asks_for_the_commit(monkeypatch):
    def none(*words):
        raise FileNotFoundError("git")

    monkeypatch.setattr(release, "_git", none)
    assert release.head() == ""
    with pytest.raises(UserError, match="name the one at which the model was trained, --commit"):
        release.release(embedder(), MARKS)


def test_the_commit_says_when_files_have_changed(monkeypatch):
    monkeypatch.setattr(release, "_git", lambda *words: {"rev-parse": "abc", "status": " M README.md"}[words[0]])
    assert release.head() == "abc, with changes"
