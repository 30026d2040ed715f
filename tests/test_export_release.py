"""The files of the embedding that comes with the package: how they are made, what they say, and what is refused."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from exporting import left, used_to
from galleries import WithBackgrounds
from marks import drawing
from photographs import encode, scene
from test_detector import make
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
        patch.setattr(strangers, "_SCENE_BATCHES", 2)
        patch.setattr(strangers, "_GALLERIES", 5)
        yield


@pytest.fixture(scope="module", autouse=True)
def clutter(tmp_path_factory):
    """The folder of the photos without logos; two of one package."""
    folder = tmp_path_factory.mktemp("clutter")
    (folder / "walls").mkdir()
    for seed, name in enumerate(("brick.jpg", "stone.jpg")):
        (folder / "walls" / name).write_bytes(encode(scene(90, 120, seed), ".jpg"))
    (folder / "list.txt").write_text("# These.\n= walls 1.0, Debian\nwalls/brick.jpg\nwalls/stone.jpg\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "_CLUTTER", folder / "list.txt")
        yield folder


# Of brands that no model here was taught.
MARKS = Marks.of([drawing(name) for name in ("acme", "bolt", "corp")])


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    """No test writes into the package."""
    monkeypatch.setattr(embedders, "SHIPPED", tmp_path / "written" / "logos.tflite")
    monkeypatch.setattr(embedders, "SHIPPED_DETECTOR", tmp_path / "written" / "detector.tflite")
    monkeypatch.setattr(logos, "SHIPPED", tmp_path / "written" / "logos.safetensors")


def detector(**changes):
    """A detector of an embedder of few brands; both say that they were taught on marks."""
    settings = {"num_classes": 40, "image_size": 64, "dimensions": 16, "num_backgrounds": 5, "weights": None} | changes
    embedder = lk.LogoEmbedder(**settings)
    embedder.card |= CARD
    model = make(embedder)
    # So that no two cells say nearly the same.
    for layer in (model.box_head.score, model.box_head.distance):
        layer.kernel.assign(30 * layer.kernel)
    model.card |= CARD | {"architecture": "LogoDetector", "recipe": "logo_detector"}
    return model


@pytest.fixture(scope="module")
def model(few_photos, small_lite0):
    """The batch norm of its embedder has seen the photos, so that vectors point everywhere."""
    keras.utils.set_random_seed(1)
    model = detector()
    used_to(model.embedder, few_photos)
    return model


@pytest.fixture(scope="module")
def released(model, few_photos, clutter, tmp_path_factory):
    """The three files that were made of the folder of a run: the embedding, its weights, the detector."""
    folder = tmp_path_factory.mktemp("release")
    (folder / "run").mkdir()
    model.save(folder / "run" / "model.keras")
    # What so small and untrained a network finds hangs on every bit.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "_PRECISION", "float32")
        found = release.release(folder / "run", MARKS, clutter, few_photos, 6, "abc123", folder / "made")
    files = [folder / "made" / name for name in ("logos.tflite", "logos.safetensors", "detector.tflite")]
    assert found.embedding.failures == found.detector.failures == () and found.embedding.photographs == 6
    assert (found.marks.asked, found.scenes.asked, found.scenes.brands) == ("crops", "scenes", 3)
    assert 0.999 <= found.cosine <= 1 + 1e-6 and found.sizes == tuple(file.stat().st_size for file in files)
    for text in ("from 51 crops of 3 brands", "scenes of 3 brands", "MB (at most 25)", "MB (at most 13)"):
        assert text in str(found), str(found)
    return files


@pytest.fixture
def hardly_exported(monkeypatch):
    """The export of a TFLite file takes no time, since the file is none; nor does what is measured."""
    monkeypatch.setattr(release.tflite, "export", lambda model, out, *_, **__: out.write_bytes(b"a file"))
    monkeypatch.setattr(release, "_check_alike", lambda *files: None)


def test_the_tflite_files_embed_as_the_model_does(released, model, few_photos):
    photos = sorted(few_photos.glob("*/*.jpg"))[::8]
    for opened in (lk.edge.Embedder(released[0]), lk.edge.Detector(released[2])):
        assert (opened.embed(photos) * model.embed(photos)).sum(axis=1).min() > 0.999


def test_the_detectors_file_knows_what_the_photos_without_logos_show(released, model):
    learned, known = (model_file.read(released[place]).backgrounds for place in (0, 2))
    np.testing.assert_array_equal(learned, known[:5])
    # At most 5 places in each of 11 areas of the two photos.
    assert len(learned) == 5 and 5 < len(known) <= 5 + 110


def test_the_weights_are_those_of_the_backbone_in_16_bits(released, model):
    entries = read_safetensors_file(released[1])
    assert {str(array.dtype) for array in entries.values()} == {"float16"}
    assert sum(array.size for array in entries.values()) == model.embedder.backbone_value.model.count_params()
    # The kernel of a convolution, in PyTorch's layout.
    kernel = model.embedder.backbone_value.model.get_layer("conv3").kernel
    np.testing.assert_array_equal(entries["conv3.weight"], np.float16(kernel).transpose(3, 2, 0, 1))
    norm = model.embedder.backbone_value.model.get_layer("norm4")
    np.testing.assert_array_equal(entries["norm4.running_var"], np.float16(norm.moving_variance))


def test_all_files_carry_a_card(released):
    card = model_file.read(released[0]).card
    assert card == read_safetensors_card(released[1])
    of_detector = model_file.read(released[2]).card
    assert of_detector["backgrounds"].endswith("no part of a photo is in this file: walls 1.0, Debian")
    assert (of_detector["architecture"], of_detector["recipe"]) == ("LogoDetector", "logo_detector")
    assert of_detector["drawings"] == card["drawings"] and of_detector["threshold"]["asked"] == "scenes"
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


def test_the_detector_has_the_threshold_that_was_measured_on_scenes(released):
    said = model_file.read(released[2])
    gallery = lk.Gallery(released[2])
    assert gallery.detectors_threshold == said.threshold == said.card["threshold"]["threshold"]


@pytest.mark.usefixtures("hardly_exported")
def test_marks_that_the_model_was_taught_measure_nothing(few_photos, clutter):
    seen = detector(num_classes=None, class_names=["acme", "other"])
    with pytest.raises(UserError, match="taught on brands that are to measure its threshold: acme[.]"):
        release.release(seen, MARKS, clutter, few_photos, 2, "abc")


def test_describe_prints_the_card_of_each_file(released, capsys):
    for file, kind in zip(released, ("LogoEmbedder", "LogoEmbedder", "LogoDetector"), strict=True):
        lk.describe(file)
        said = capsys.readouterr().out
        for text in (kind, "commit abc123, seed 7, steps 800", "Font-Awesome", "No photo of a logo", "keras 3.15.1"):
            assert text in said, (file, text)
    assert model_card.read(released[0])["arguments"]["dimensions"] == 16


def test_the_same_model_gives_the_same_weight_file(released, model):
    assert logos.logos_bytes(model.embedder.backbone_value.model, read_safetensors_card(released[1])) == released[1].read_bytes()


@pytest.mark.usefixtures("hardly_exported")
def test_the_files_go_into_the_package_and_the_model_keeps_its_weights(model, few_photos, clutter, tmp_path):
    before = model.get_weights()
    release.release(model, MARKS, clutter, few_photos, 2, "abc")
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(model.get_weights(), before, strict=True))
    assert left(tmp_path / "written") == ["detector.tflite", "logos.safetensors", "logos.tflite"]


@pytest.mark.usefixtures("hardly_exported")
@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("MOST_BYTES", 10**4, r"the files of the embedding have 0.1 MB, more than 0.01 MB: nothing was written"),
        ("MOST_DETECTOR_BYTES", 5, r"the detector's file have 0.0 MB, more than 5e-06 MB: nothing was written"),
        ("LEAST_COSINE", 1.1, r"in float16 an embedding has a cosine of .* less than 1.1: nothing was written"),
    ],
)
def test_what_fails_a_check_leaves_the_old_files(model, few_photos, clutter, tmp_path, monkeypatch, name, value, complaint):
    monkeypatch.setattr(release, name, value)
    (tmp_path / "logos.tflite").write_bytes(b"old")
    with pytest.raises(UserError, match=complaint):
        release.release(model, MARKS, clutter, few_photos, 2, "abc", tmp_path)
    assert left(tmp_path) == ["logos.tflite"] and (tmp_path / "logos.tflite").read_bytes() == b"old"


@pytest.mark.parametrize("which", ["LogoEmbedder", "LogoDetector"])
def test_a_file_that_differs_from_keras_leaves_none(model, few_photos, clutter, tmp_path, monkeypatch, which):
    def differs(model, out, *_, **__):
        if type(model).__name__ == which:
            raise DiffersFromKeras("it differs", None)
        out.write_bytes(b"a file")

    monkeypatch.setattr(release.tflite, "export", differs)
    with pytest.raises(DiffersFromKeras):
        release.release(model, MARKS, clutter, few_photos, 2, "abc", tmp_path)
    assert left(tmp_path) == []


def test_a_detector_that_embeds_otherwise_is_refused(released):
    with pytest.raises(UserError, match="the detector's file embeds otherwise"):
        release._check_alike(released[0], embedders.embedder(embed=WithBackgrounds()))


def test_photos_without_logos_that_are_missing_are_named(model, tmp_path):
    with pytest.raises(UserError, match="there is no photo .*brick.jpg, which list.txt names: unpack the packages"):
        release.release(model, MARKS, tmp_path, commit="abc")


def test_the_photos_without_logos_are_those_of_packages():
    lines = (Path(release.__file__).parent / "clutter.txt").read_text().splitlines()
    packages = [line for line in lines if line.startswith("= ")]
    files = [line for line in lines if not line.startswith(("#", "="))]
    assert len(packages) == 13 and len(files) == len({*files}) == 81
    assert all(re.fullmatch(r"= \S+ \S+, (Debian|npm)", line) for line in packages)
    assert all(file.endswith((".jpg", ".png")) and not file.startswith("/") for file in files)


def test_another_model_is_refused(clutter):
    plain = lk.Classifier(num_classes=2, image_size=64, backbone=tiny_backbone())
    untaught, unseeing = detector(), detector()
    untaught.card = unseeing.embedder.card = {"weights": "random"}
    for model, complaint in (
        (plain, "the model is a Classifier, wanted a LogoDetector"),
        (unseeing.embedder, "the model is a LogoEmbedder, wanted a LogoDetector"),
        (detector(backbone=tiny_backbone()), "backbone of the model's embedder is of its own, wanted efficientnet_lite0"),
        (unseeing, "the card of the LogoEmbedder names no marks that it was taught on"),
        (untaught, "the card of the LogoDetector names no marks that it was taught on"),
    ):
        with pytest.raises(UserError, match=complaint):
            release.release(model, MARKS, clutter)


@pytest.mark.parametrize("brand", ["adidas", "applemusic", "bmw token", "nike in anton", "the cocacola in anton"])
def test_a_model_that_saw_a_left_out_brand_is_refused(clutter, brand):
    model = detector(num_classes=None, class_names=["acme", brand, "bmwx token", "deutschepost in rye"])
    with pytest.raises(UserError, match=f"taught on brands that are left out: {brand}[.]"):
        release.release(model, MARKS, clutter)


def test_the_command_says_what_is_wrong_in_one_line(tmp_path, capsys):
    assert release.main(["release"]) == 1
    assert "--model and --root and --clutter must be given" in capsys.readouterr().err
    words = [f"--model={tmp_path / 'none.keras'}", f"--root={tmp_path}"]
    assert release.main(["release", *words]) == 1
    assert "--clutter must be given" in capsys.readouterr().err
    assert release.main(["release", *words, f"--clutter={tmp_path}", "--commit=abc"]) == 1
    assert "none.keras" in capsys.readouterr().err


def test_a_tree_without_git_asks_for_the_commit(clutter, monkeypatch):
    def none(*words):
        raise FileNotFoundError("git")

    monkeypatch.setattr(release, "_git", none)
    assert release.head() == ""
    with pytest.raises(UserError, match="name the one at which the model was trained, --commit"):
        release.release(detector(), MARKS, clutter)


def test_the_commit_says_when_files_have_changed(monkeypatch):
    monkeypatch.setattr(release, "_git", lambda *words: {"rev-parse": "abc", "status": " M README.md"}[words[0]])
    assert release.head() == "abc, with changes"
