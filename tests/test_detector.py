"""The detector: what it gives, what it learns, that the embedder in it stays, and what of it goes on after a break."""

import json
import re

import keras
import numpy as np
import photographs
import pytest
from keras import ops
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.datasets.batches.photo_batches import PhotographBatches
from logo_keras.network.resampling import shrink
from logo_keras.training import Config, recipes, train

SMALL = {"image_size": 128, "whole_size": 64, "num_regions": 4, "filters": 8}


def make_embedder(**options):
    options = {"class_names": ("a", "b", "c"), "image_size": 32, "dimensions": 8, "num_backgrounds": 3} | options
    return lk.LogoEmbedder(backbone=tiny_backbone(), weights=None, **options)


def make(embedder=None, **options):
    options = {"backbone": tiny_backbone(finest=8), "weights": None} | SMALL | options
    return lk.LogoDetector(embedder=embedder or make_embedder(), **options)


class ColourScenes:
    """Scenes of up to two red or green squares on grey, some without any; has what training asks of Marks."""

    def __init__(self, colours=((255, 0, 0), (0, 255, 0)), recipe=1):
        self.colours, self.recipe = colours, recipe
        self.class_names = tuple(f"colour {number}" for number in range(len(colours)))
        self.num_classes = len(colours)
        self.labels = np.arange(self.num_classes)

    def __len__(self):
        return self.num_classes

    def fingerprint(self, of_scenes=False):
        recipe = {"scenes": self.recipe} if of_scenes else {}
        return {"marks": self.num_classes, "num_classes": self.num_classes, "class_names": str(self.colours)} | recipe

    def batches(self, *arguments, **options):
        raise AssertionError("a detector asks for scenes, not for crops")

    def scenes(self, batch_size, image_size, seed=0, steps=4, first_epoch=0):
        return PhotographBatches(_Source(self, image_size, seed, steps * batch_size), batch_size, first_epoch, steps)


class _Source:
    def __init__(self, marks, image_size, seed, number):
        self.marks, self.image_size, self.seed, self.number = marks, image_size, seed, number

    def __len__(self):
        return self.number

    def plan(self, epoch):
        return None

    def sample(self, epoch, plan, position):
        rng, size = np.random.default_rng([self.seed, epoch, position]), self.image_size
        image = np.clip(rng.normal(rng.integers(90, 160), 8, (size, size, 3)), 0, 255)
        boxes, labels = np.zeros((3, 4), np.float32), np.full(3, -1)
        for place in range(position % 3):
            side = int(rng.integers(12, 28))
            # Each in a half of its own.
            y, x = int(rng.integers(0, size - side)), int(rng.integers(0, size // 2 - side)) + place * size // 2
            labels[place] = rng.integers(self.marks.num_classes)
            image[y : y + side, x : x + side] = self.marks.colours[labels[place]]
            boxes[place] = y, x, y + side, x + side
        return image.astype(np.uint8), {"boxes": boxes, "labels": labels}

    def finish(self, images, labels, epoch, number):
        return images, labels


def photos(count=3, size=128):
    return np.random.uniform(0, 255, (count, size, size, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def taught():
    """A detector after some hundred steps, its embedder before them, and what fit said."""
    keras.utils.set_random_seed(0)
    embedder = make_embedder()
    model = make(embedder, filters=16)
    model.compile(lk.optimizers.HeadsFirstAdamW(lk.optimizers.WarmupCosine(1e-2)))
    return model, embedder, model.fit(ColourScenes(), batch_size=12, steps_per_epoch=40, epochs=5, verbose=0).history


def test_outputs_have_their_shapes_and_regions_lie_in_the_photo_best_first():
    outputs = make().predict(photos(), verbose=0)
    assert {name: value.shape for name, value in outputs.items()} == {
        "embedding": (3, 8),
        "objectness": (3,),
        "region_boxes": (3, 4, 4),
        "region_scores": (3, 4),
        "region_embeddings": (3, 4, 8),
        "region_objectness": (3, 4),
    }
    boxes, scores = outputs["region_boxes"], outputs["region_scores"]
    assert (boxes[..., 2:] > boxes[..., :2]).all() and boxes.min() >= 0 and boxes.max() <= 128
    assert (np.diff(scores, axis=1) <= 0).all() and 0 < scores.min() and scores.max() < 1
    np.testing.assert_allclose(np.linalg.norm(outputs["region_embeddings"], axis=-1), 1, atol=1e-5)


def test_at_first_every_cell_says_no_with_a_square_of_four_strides():
    model = make()
    found = model(photos(2, 64), cells=True)
    assert found["cell_scores"].shape == (2, 84) and found["cell_boxes"].shape == (2, 84, 4)
    assert float(ops.max(ops.sigmoid(found["cell_scores"]))) < 0.02
    sides = found["cell_boxes"][..., 2:] - found["cell_boxes"][..., :2]
    np.testing.assert_allclose(sides / model.cells.strides[:, None], 4, rtol=0.05)


def test_regions_are_embedded_as_the_embedder_embeds_the_squares_around_them():
    embedder = make_embedder()
    model, images = make(embedder), photos(1)
    # 1.25 times 25.6 px are the 32 px that the embedder sees: nothing is resampled. The second one reaches beyond the photo.
    boxes = np.float32([[[37.2, 41.2, 62.8, 66.8], [107.2, 51.2, 132.8, 76.8]]])
    padded = np.pad(images[0], ((0, 16), (0, 0), (0, 0)), "edge")
    wanted = embedder.predict(np.stack([padded[34:66, 38:70], padded[104:136, 48:80]]), verbose=0)
    seen = model.embed_regions(images, boxes)
    assert seen["embedding"].shape == (1, 3, 8)
    for name in ("embedding", "objectness"):
        np.testing.assert_allclose(seen[name][0, 1:], wanted[name], atol=1e-4)
    # Before them the whole photo, shrunk.
    whole = embedder.predict(ops.convert_to_numpy(shrink(images, 32)), verbose=0)
    np.testing.assert_allclose(seen["embedding"][:, 0], whole["embedding"], atol=1e-4)


def test_training_lowers_the_losses_and_finds_the_squares(taught):
    model, _, history = taught
    assert history["loss"][0] > 1.5 * history["loss"][-1]
    assert history["score_loss"][-1] < history["score_loss"][0] and history["box_loss"][-1] < history["box_loss"][0]
    # Scenes of a seed that was not trained.
    figures = model.evaluate(ColourScenes().scenes(24, 64, seed=7, steps=2), verbose=0, return_dict=True)
    assert figures["recall"] > 0.8 and figures["auroc"] > 0.9
    assert figures["loss"] == pytest.approx(figures["score_loss"] + figures["box_loss"], rel=1e-4)


def test_recall_is_the_share_of_true_boxes_that_the_best_regions_find(taught):
    model, _, _ = taught
    images, truth = ColourScenes().scenes(24, 64, seed=8, steps=1)[0]
    recall = model.evaluate(images, truth, verbose=0, return_dict=True)["recall"]
    # The same by hand.
    regions = ops.convert_to_numpy(model.best(model(images, cells=True), 4)[0])
    hits = []
    for boxes, labels, found in zip(truth["boxes"], truth["labels"], regions, strict=True):
        for box in boxes[labels >= 0]:
            sides = np.minimum(found[:, 2:], box[2:]) - np.maximum(found[:, :2], box[:2])
            common = sides.clip(0).prod(axis=1)
            union = (found[:, 2:] - found[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod() - common
            hits.append((common / union).max() >= 0.5)
    assert len(hits) == 24 and recall == pytest.approx(np.mean(hits), abs=1e-6)


def test_the_embedder_stays_as_it_was_and_is_the_detectors_own(taught):
    model, embedder, _ = taught
    assert not model.embedder.trainable_variables and embedder.trainable_variables and model.embedder is not embedder
    for ours, theirs in zip(model.embedder.get_weights(), embedder.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(model.background_vectors, embedder.background_vectors)
    assert model.class_names == embedder.class_names and model.dimensions == 8


def test_a_saved_detector_answers_as_before_in_one_file(taught, tmp_path):
    model, _, _ = taught
    model.save(tmp_path / "model.keras")
    copy = lk.load(tmp_path / "model.keras")
    assert isinstance(copy, lk.LogoDetector) and copy.class_names == ("a", "b", "c")
    images = photos()
    for name, wanted in model.predict(images, verbose=0).items():
        np.testing.assert_allclose(copy.predict(images, verbose=0)[name], wanted, atol=1e-5, err_msg=name)
    ours, theirs = (each.embedder.get_config() for each in (model, copy))
    assert {name for name in ours if ours[name] != theirs[name]} <= {"backbone"} and not copy.embedder.trainable_variables
    described = lk.weights.model_card.read(tmp_path / "model.keras")
    assert described["architecture"] == "LogoDetector" and described["classes"] == ["a", "b", "c"]


def test_a_gallery_of_the_embedder_opens_with_the_file_of_the_detector(tmp_path):
    # More brands than backgrounds, so that something looks like a mark.
    embedder = make_embedder(class_names=tuple(map(str, range(40))), num_backgrounds=1)
    model, photo = make(embedder), photographs.scene(90, 120)
    model.save(tmp_path / "detector.keras")
    gallery = lk.Gallery(embedder)
    gallery.add("Acme", photographs.scene(40, 40, 3))
    gallery.save(tmp_path / "brands.gallery")
    gallery = lk.Gallery.load(tmp_path / "brands.gallery", tmp_path / "detector.keras")
    found, seen = model.detect(photo), gallery.look(photo)
    is_mark = found.objectness > 0
    assert gallery.searches and is_mark.any() and seen.boxes[0] == (0, 0, 90, 120)
    np.testing.assert_allclose(seen.boxes[1:], found.boxes[is_mark], atol=1e-3)
    np.testing.assert_allclose(seen.vectors[1:], found.embeddings[is_mark], atol=1e-5)
    assert {match.box for match in gallery.recognize(photo)} <= set(seen.boxes)


def test_no_cell_learns_where_a_scene_shows_nothing():
    model = make()
    truth = {"boxes": np.zeros((2, 3, 4), np.float32), "labels": np.full((2, 3), -1)}
    losses = model.losses_by_name(truth, model(photos(2, 64), cells=True), None)
    assert float(losses["box"]) == 0 and 0 < float(losses["score"]) < 1


def test_a_scene_of_weight_0_does_not_count():
    model = make()
    found = model(photos(2, 64), cells=True)
    truth = {"boxes": np.float32([[[8, 8, 24, 24]], [[20, 30, 60, 50]]]), "labels": np.zeros((2, 1), np.int32)}
    first = [{name: value[:1] for name, value in each.items()} for each in (truth, found)]
    alone, weighted = model.losses_by_name(*first, None), model.losses_by_name(truth, found, np.float32([1, 0]))
    for name in ("score", "box"):
        assert float(weighted[name]) == pytest.approx(float(alone[name]), rel=1e-5), name


@pytest.mark.parametrize(
    "options, message",
    [
        ({"embedder": "run/model.keras"}, "embedder must be a lk.LogoEmbedder, got 'run/model.keras'"),
        ({"whole_size": 160}, "whole_size must be at most image_size = 128 px, got 160"),
        ({"region_size": 160}, "region_size must be at most image_size = 128 px, got 160"),
        ({"num_regions": 85}, "num_regions must be at most 84, got 85"),
        ({"class_names": ("a", "b", "c")}, "leave out class_names"),
        ({"filters": 0}, "filters must be an integer of at least 1"),
        ({"backbone": tiny_backbone}, "maps of stride 8, 16 and 32; it has [16, 32]"),
    ],
)
def test_bad_values_are_refused(options, message):
    options = {name: value() if callable(value) else value for name, value in options.items()}
    with pytest.raises(ValueError, match=re.escape(message)):
        make(**options)


def test_images_and_boxes_of_other_shapes_are_refused():
    model, truth = make(), {"boxes": np.float32([[[1, 1, 9, 9]]]), "labels": np.zeros((1, 1), np.int32)}
    model.compile(run_eagerly=True)
    with pytest.raises(ValueError, match=re.escape("expected [B, 128, 128, 3]")):
        model(photos(1, 64))
    with pytest.raises(ValueError, match=re.escape("expected [B, 64, 64, 3]")):
        model.fit(photos(1), truth, verbose=0)
    for wrong, message in (
        (np.zeros(1), "a dict of boxes [B, M, 4] and labels [B, M] is expected, got ndarray"),
        (truth | {"labels": np.zeros((1, 2))}, "boxes [B, M, 4] and labels [B, M] are expected"),
        (truth | {"boxes": np.float32([[[1, 9, 9, 9]]])}, "not empty, got [1.0, 9.0, 9.0, 9.0]"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            model.fit(photos(1, 64), wrong, verbose=0)


@pytest.fixture(scope="module")
def embedder_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("embedder") / "model.keras"
    make_embedder().save(path)
    return path


def config(**changes):
    keras.utils.set_random_seed(0)
    arguments = {"backbone": tiny_backbone(finest=8), "weights": None} | SMALL
    options = {"epochs": 2, "batch_size": 3, "steps_per_epoch": 2, "warm_up_epochs": 1, "seed": 3} | changes
    return Config("detector", arguments, **options)


@pytest.mark.usefixtures("eager")
def test_a_run_takes_the_embedder_of_its_start_scores_other_marks_and_goes_on(embedder_file, tmp_path, monkeypatch):
    monkeypatch.setattr("logo_keras.training.held_out_marks._SCENE_BATCHES", 1)

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.now = epoch

        def on_train_batch_begin(self, batch, logs=None):
            # In the middle of an epoch of two steps.
            if (self.now, batch) == (1, 1):
                raise KeyboardInterrupt

    said, others = [], ColourScenes([(255, 255, 0)])
    with pytest.raises(ValueError, match="embedder must be a lk.LogoEmbedder, got None"):
        train(config(), ColourScenes(), tmp_path / "none")
    options = {"start": embedder_file, "report": said.append}
    with pytest.raises(KeyboardInterrupt):
        train(config(), ColourScenes(), tmp_path / "run", others, callbacks=[Stop()], checkpoint_minutes=1e-9, **options)
    assert said[0] == f"Regions are embedded by {embedder_file}."
    # Scenes are drawn in another way by now.
    with pytest.raises(ValueError, match="training photos: this version of logo_keras draws scenes in another way"):
        train(config(), ColourScenes(recipe=2), tmp_path / "run", others, resume=True, **options)
    run = train(config(), ColourScenes(), tmp_path / "run", others, resume=True, **options)
    whole = train(config(), ColourScenes(), tmp_path / "whole", others, **options)
    assert {"loss", "score_loss", "box_loss", "recall", "auroc", "val_loss", "val_recall", "val_auroc"} <= set(run.history[-1])
    assert max(np.abs(a - b).max() for a, b in zip(run.model.get_weights(), whole.model.get_weights(), strict=True)) < 1e-5
    assert run.model.card["start"]["file"] == "model.keras" and run.model.embedder.dimensions == 8
    # And a run starts from a detector, whose embedder it keeps.
    third = train(config(epochs=1, warm_up_epochs=0), ColourScenes(), tmp_path / "third", start=run.path, report=said.append)
    np.testing.assert_array_equal(third.model.background_vectors, run.model.background_vectors)
    assert said[-2] == f"Starting from the weights of {run.path}."


def test_a_classifier_is_no_start(tmp_path):
    lk.Classifier(num_classes=2, image_size=32, backbone=tiny_backbone()).save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="is a Classifier, and this run trains a LogoDetector"):
        train(config(), ColourScenes(), tmp_path / "run", start=tmp_path / "model.keras")


def test_the_command_of_the_recipe_gives_its_settings_and_photos_are_refused(capsys):
    from logo_keras.commands import train as command

    recipe = recipes.recipe("logo_detector")
    flags = command.COMMAND.flags()
    flags.parse(recipe.command.split()[1:])
    assert command.config_from(flags) == recipe.config and flags["from"].value == recipe.start
    flags = command.COMMAND.flags()
    flags.parse(["--model=detector", "--root=marks", "--out=run"])
    assert command.config_from(flags) == recipe.config
    assert command.main(["logo-train", "--model=detector", "--data=folder", "--root=x", "--out=x"]) == 1
    assert "a detector learns from scenes of marks" in capsys.readouterr().err
    assert json.dumps(recipe.config.to_dict())


def test_marks_draw_the_scenes_that_a_detector_learns_from():
    from marks import drawing

    from logo_keras.datasets.marks import Marks

    marks = Marks.of([drawing(f"brand {number}") for number in range(4)])
    model = make()
    model.compile(run_eagerly=True)
    history = model.fit(marks, batch_size=2, steps_per_epoch=1, verbose=0).history
    assert np.isfinite(history["loss"]).all() and np.isfinite(history["recall"]).all()
