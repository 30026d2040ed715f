"""The embedder: its head by hand, what it gives, what it learns, and what of it goes on after a break."""

import dataclasses
import json
import os
import re

import keras
import numpy as np
import photographs
import pytest
import tensorflow as tf
from colour_marks import ColourMarks
from keras import ops
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.evaluation.retrieval import auroc, retrieve
from logo_keras.network import CosineHead, GeneralisedMean
from logo_keras.training import Config, recipes, train

SMALL = {"image_size": 32, "dimensions": 8, "num_backgrounds": 3}


def make(**options):
    options = {"class_names": ("a", "b", "c"), "weights": None} | SMALL | options
    return lk.LogoEmbedder(**({"backbone": tiny_backbone()} | options))


def head(classes, backgrounds, **options):
    """A CosineHead with these vectors."""
    classes, backgrounds = np.float32(classes), np.float32(backgrounds)
    made = CosineHead(len(classes), len(backgrounds), classes.shape[1], **options)
    made.build((None, classes.shape[-1]))
    made.class_vectors.assign(classes)
    made.background_vectors.assign(backgrounds)
    return made


def test_cosines_by_hand_whatever_the_length_of_the_vectors():
    made = head([[[2, 0]], [[0, 0.1]]], [[-3, 0], [0.6, 0.8]])
    cosines, background = made(np.float32([[1, 0], [0.6, 0.8]]))
    np.testing.assert_allclose(cosines, [[1, 0], [0.6, 0.8]], atol=1e-6)
    # Of the backgrounds the nearest.
    np.testing.assert_allclose(background, [0.6, 1], atol=1e-6)


def test_of_the_sub_centres_of_a_brand_the_nearest_counts():
    made = head([[[1, 0], [0, 1]], [[-1, 0], [0, -1]]], [[0, 1]])
    cosines, _ = made(np.float32([[0, 1], [-0.8, -0.6]]))
    np.testing.assert_allclose(cosines, [[1, 0], [-0.6, 0.8]], atol=1e-6)


def test_the_margin_is_taken_from_the_true_class_alone_by_hand():
    made = head([[[1, 0]], [[0, 1]]], [[1, 0]], margin=0.2, scale=10.0)
    logits = made.logits(ops.convert_to_tensor(np.float32([[0.5, 0.1, 0.3]] * 2)), np.array([0, 2]))
    np.testing.assert_allclose(logits, [[3, 1, 3], [5, 1, 1]], rtol=1e-5)


def test_the_margin_rises_step_by_step_and_then_stays():
    made = head([[[1, 0]], [[0, 1]]], [[1, 0]], margin=0.2)
    # Without a run whose length is known it is whole.
    assert float(made.current_margin) == pytest.approx(0.2)
    made.ramp(0, 4)
    margins = [float(made.current_margin)]
    for training in (True, False, True, True, True, True):
        made(np.float32([[1, 0]]), training=training)
        margins.append(float(made.current_margin))
    assert margins == pytest.approx([0, 0.05, 0.05, 0.1, 0.15, 0.2, 0.2])


def test_the_generalised_mean_is_the_mean_of_cubes_at_first_and_the_mean_at_1():
    layer, maps = GeneralisedMean(), np.float32([[[[1], [2]], [[3], [4]]]])
    layer.build()
    np.testing.assert_allclose(layer(maps), [[np.cbrt(25)]], rtol=1e-5)
    layer.exponent.assign(1.0)
    np.testing.assert_allclose(layer(maps), [[2.5]], rtol=1e-5)


def test_the_generalised_mean_of_nothing_and_of_much_has_numbers():
    layer = GeneralisedMean()
    layer.build()
    layer.exponent.assign(12.0)
    maps = tf.concat([tf.zeros((1, 2, 2, 1)), tf.ones((1, 2, 2, 1))], axis=-1)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(maps))
    assert np.isfinite(tape.gradient(value, layer.exponent.value))
    half = GeneralisedMean(dtype="float16")
    half.build()
    np.testing.assert_allclose(half(np.full((1, 2, 2, 1), 60, np.float16)), [[60]], rtol=1e-2)


def test_outputs_have_their_shapes_and_objectness_is_the_difference_of_the_best_cosines():
    model, images = make(), np.random.uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    outputs = model.predict(images, verbose=0)
    assert {name: value.shape for name, value in outputs.items()} == {"embedding": (4, 8), "objectness": (4,)}
    np.testing.assert_allclose(np.linalg.norm(outputs["embedding"], axis=1), 1, atol=1e-5)
    cosines = ops.convert_to_numpy(model(images, cosines=True)["cosines"])
    assert cosines.shape == (4, 4)
    np.testing.assert_allclose(outputs["objectness"], cosines[:, :3].max(axis=1) - cosines[:, 3], atol=1e-6)
    # The vectors of backgrounds that travel with the model give the same.
    assert model.background_vectors.shape == (3, 8) and model.background_vectors.dtype == np.float32
    np.testing.assert_allclose((outputs["embedding"] @ model.background_vectors.T).max(axis=1), cosines[:, 3], atol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "max", "gem"])
def test_a_saved_embedder_answers_as_before(pooling, tmp_path):
    model, images = make(pooling=pooling, sub_centres=2), np.random.uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    model.compile(run_eagerly=True)
    model.fit(images, np.array([0, 3]), verbose=0)
    model.save(tmp_path / "model.keras")
    copy = lk.load(tmp_path / "model.keras")
    assert isinstance(copy, lk.LogoEmbedder) and copy.class_names == ("a", "b", "c") and copy.pooling == pooling
    for name, wanted in model.predict(images, verbose=0).items():
        np.testing.assert_allclose(copy.predict(images, verbose=0)[name], wanted, atol=1e-6, err_msg=name)
    assert float(copy.cosine_head.current_margin) == float(model.cosine_head.current_margin)
    configs = [{key: value for key, value in each.get_config().items() if key != "backbone"} for each in (copy, model)]
    assert configs[0] == configs[1]


@pytest.fixture(scope="module")
def taught():
    """An embedder of four colours after some hundred steps, and what fit said."""
    keras.utils.set_random_seed(0)
    marks = ColourMarks()
    model = make(class_names=marks.class_names)
    model.compile(lk.optimizers.HeadsFirstAdamW(lk.optimizers.WarmupCosine(1e-2)))
    return model, model.fit(marks, batch_size=20, steps_per_epoch=50, epochs=5, verbose=0).history


def test_training_brings_the_right_class_nearest(taught):
    model, history = taught
    assert history["loss"][0] > 2 * history["loss"][-1]
    # Samples of a seed that was not trained.
    images, labels = ColourMarks().batches(100, 32, seed=7)[0]
    cosines = ops.convert_to_numpy(model(images, cosines=True)["cosines"])
    assert (cosines.argmax(axis=1) == labels).mean() > 0.9
    assert model.evaluate(images, labels, verbose=0, return_dict=True)["top1"] > 0.9


def test_objectness_tells_marks_from_backgrounds(taught):
    model, _ = taught
    images, labels = ColourMarks().batches(100, 32, seed=8)[0]
    objectness = model.predict_on_batch(images)["objectness"]
    assert auroc(objectness[labels < 4], objectness[labels == 4]) > 0.95


def test_colours_that_were_never_trained_lie_apart(taught):
    model, _ = taught
    images, labels = ColourMarks([(255, 0, 255), (0, 255, 255), (250, 250, 250)]).batches(100, 32, seed=9)[0]
    marks = labels < 3
    assert retrieve(model.predict_on_batch(images)["embedding"][marks], labels[marks]).r1 > 0.8


def test_the_margin_has_risen_when_a_third_of_the_run_is_over():
    marks, seen = ColourMarks(), []

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(float(self.model.cosine_head.current_margin))

    model = make(class_names=marks.class_names)
    model.compile(run_eagerly=True)
    model.fit(marks, batch_size=2, steps_per_epoch=3, epochs=2, callbacks=[Look()], verbose=0)
    assert seen == pytest.approx([0.1] + [0.2] * 5)


def test_photos_are_embedded_as_the_model_embeds_their_images(tmp_path):
    import cv2

    model = make()
    photos = np.random.randint(0, 256, (5, 32, 32, 3), np.uint8)
    wanted = model.predict(photos.astype(np.float32), verbose=0)["embedding"]
    np.testing.assert_allclose(model.embed(photos, batch_size=2), wanted, atol=1e-5)
    cv2.imwrite(str(tmp_path / "photo.png"), photos[0][..., ::-1])
    for one in (tmp_path / "photo.png", (tmp_path / "photo.png").read_bytes(), photos[0], [photos[0]]):
        np.testing.assert_allclose(model.embed(one), wanted[:1], atol=1e-5)
    assert model.embed([]).shape == (0, 8) and model.embed(photos).dtype == np.float32
    with pytest.raises(ValueError, match="no such file"):
        model.embed([tmp_path / "photo.png", tmp_path / "nowhere.png"])


def test_by_default_two_blocks_are_frozen_and_heads_move_three_times_as_fast():
    model = lk.LogoEmbedder(num_classes=2, image_size=112)
    assert (model.frozen_blocks, model.image_size, model.dimensions) == (2, 112, 256)
    frozen = [layer.name for layer in model.extractor.layers if layer.variables and not layer.trainable]
    assert "stem" in frozen and "block1_project" in frozen and "block2_expand" not in frozen
    rates = {variable.path: getattr(variable, "learning_rate_multiplier", 1.0) for variable in model.trainable_variables}
    assert {path: rate for path, rate in rates.items() if rate != 1} == {
        "projection/kernel": 3,
        "cosine_head/class_vectors": 3,
        "cosine_head/background_vectors": 3,
    }


@pytest.mark.parametrize(
    "options, message",
    [
        ({"pooling": "median"}, "pooling must be one of mean, max, gem, got 'median'"),
        ({"dimensions": 1}, "dimensions must be an integer of at least 2, got 1"),
        ({"num_backgrounds": 0}, "num_backgrounds must be an integer of at least 1"),
        ({"sub_centres": 0}, "sub_centres must be an integer of at least 1"),
        ({"margin": 1}, r"margin must be a number in \[0, 1\)"),
        ({"scale": 0}, "scale must be a number above 0, got 0"),
        ({"image_size": 100}, "image_size must be a multiple of 16 px, got 100"),
    ],
)
def test_bad_values_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_labels_may_be_those_of_backgrounds_and_no_others():
    model, images = make(), np.zeros((2, 32, 32, 3), np.float32)
    model.compile(run_eagerly=True)
    model.fit(images, np.array([0, 3]), verbose=0)
    for labels, message in (
        (np.array([0, 4]), "labels must lie in 0..3, got 0..4"),
        (np.eye(4)[:2], "an embedder needs it for its margin"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            model.fit(images, labels, verbose=0)


def test_marks_are_refused_by_what_cannot_learn_them():
    marks = ColourMarks()
    classifier = lk.Classifier(class_names=marks.class_names, image_size=32, backbone=tiny_backbone())
    classifier.compile()
    with pytest.raises(ValueError, match="marks come with backgrounds, which lk.LogoEmbedder learns and Classifier does not"):
        classifier.fit(marks, verbose=0)
    model = make()
    model.compile()
    with pytest.raises(ValueError, match="of 4 brands that are not the 3 of the model"):
        model.fit(marks, verbose=0)
    with pytest.raises(ValueError, match="augment can only be set for a Dataset"):
        make(class_names=marks.class_names).fit(marks, augment="none", verbose=0)


def test_an_embedder_has_no_answer_where_a_brand_is_asked_for(tmp_path, capsys):
    from logo_keras.commands import predict
    from logo_keras.evaluation import evaluate

    model = make()
    assert not hasattr(model, "recognize") and not hasattr(model, "near_ties")
    with pytest.raises(ValueError, match="LogoEmbedder names no brand"):
        evaluate(model, None)
    model.save(tmp_path / "model.keras")
    photographs.write(tmp_path / "photo.png")
    assert predict.main(["logo-predict", f"--model={tmp_path / 'model.keras'}", str(tmp_path / "photo.png")]) == 1
    assert "model.keras holds a LogoEmbedder, which names no brand" in capsys.readouterr().err


def config(**changes):
    keras.utils.set_random_seed(0)
    arguments = {"backbone": tiny_backbone()} | SMALL
    run = Config("embedder", arguments, epochs=3, batch_size=5, steps_per_epoch=2, warm_up_epochs=1, seed=3)
    return dataclasses.replace(run, **changes)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run on marks, scored on other brands; eager steps, since it has few."""
    import tensorflow as tf

    others = ColourMarks([(255, 0, 255), (0, 255, 255)])
    tf.config.run_functions_eagerly(True)
    yield train(config(), ColourMarks(), tmp_path_factory.mktemp("run"), others, report=lambda line: None)
    tf.config.run_functions_eagerly(False)


def test_a_run_on_marks_leaves_a_model_and_figures_of_brands_that_it_did_not_learn(run):
    assert sorted(os.listdir(run.path.parent)) == ["config.json", "history.csv", "model.keras"]
    assert {"loss", "top1", "val_r1", "val_auroc"} <= set(run.history[-1])
    assert all(0 <= row["val_r1"] <= 1 for row in run.history)
    written = json.loads((run.path.parent / "config.json").read_text())
    assert (written["training"]["marks"], written["validation"]["marks"]) == (4, 2)
    assert run.model.card["data"]["training"]["marks"] == 4 and run.model.card["data"]["classes"] == 4
    assert int(run.model.optimizer.iterations) == 6
    # The warm-up is one epoch of three.
    assert run.model.optimizer._learning_rate.warm_up == pytest.approx(1 / 3)


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(run, tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.now = epoch

        def on_train_batch_begin(self, batch, logs=None):
            # In the middle of an epoch of two steps.
            if (self.now, batch) == (1, 1):
                raise KeyboardInterrupt

    quiet = {"report": lambda line: None}
    with pytest.raises(KeyboardInterrupt):
        train(config(), ColourMarks(), tmp_path, callbacks=[Stop()], checkpoint_minutes=1e-9, **quiet)
    with pytest.raises(ValueError, match="training photos: .*class_names was"):
        train(config(), ColourMarks([(9, 9, 9)] * 4), tmp_path, resume=True, **quiet)
    parts = train(config(), ColourMarks(), tmp_path, resume=True, **quiet)
    # Only threads may sum in another order.
    assert max(np.abs(a - b).max() for a, b in zip(parts.model.get_weights(), run.model.get_weights(), strict=True)) < 1e-5


def test_brands_that_a_start_knows_keep_their_vectors(run, tmp_path):
    seen, said = [], []

    class Start(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append(ops.convert_to_numpy(self.model.cosine_head.class_vectors))

    marks = ColourMarks([(0, 0, 9)] * 3)
    marks.class_names = ("brand 2", "new", "brand 0")
    train(config(epochs=2), marks, tmp_path, start=run.path, callbacks=[Start()], report=said.append)
    before = ops.convert_to_numpy(run.model.cosine_head.class_vectors)
    np.testing.assert_array_equal(seen[0][[0, 2]], before[[2, 0]])
    assert said[0].endswith("It does not know 1 of the 3 brands (new): their classifiers start anew.")


def test_the_recipe_is_what_the_docs_say_and_builds():
    recipe = recipes.recipe("logo_embedder").config
    assert (recipe.model, recipe.learning_rate, recipe.batch_size, recipe.optimizer) == ("LogoEmbedder", 1e-3, 64, "adamw")
    assert recipe.warm_up_epochs * recipe.steps_per_epoch == 200
    small = dataclasses.replace(recipe, arguments={"backbone": tiny_backbone(), "image_size": 32})
    assert small.build(["a", "b"]).compiled


def test_the_commands_of_the_recipes_give_their_settings():
    from logo_keras.commands import train as command

    for recipe in (recipes.recipe("logo_embedder_fine"), recipes.recipe("logo_embedder")):
        flags = command.COMMAND.flags()
        flags.parse(recipe.command.split()[1:])
        assert command.config_from(flags) == recipe.config and flags.data is None
        assert flags["from"].value == recipe.start
    # Without the recipe's name too: an embedder without photos learns from marks.
    flags = command.COMMAND.flags()
    flags.parse(["--model=embedder", "--root=marks", "--out=run"])
    assert command.config_from(flags) == recipe.config


def test_the_command_trains_on_marks(tmp_path, monkeypatch, capsys):
    import sys
    import types

    from logo_keras.commands import train as command

    opened = []

    def marks(root, split):
        opened.append((root, split))
        return ColourMarks() if split == "train" else ColourMarks([(255, 0, 255), (0, 255, 255)])

    monkeypatch.setitem(sys.modules, "logo_keras.datasets.marks", types.SimpleNamespace(Marks=marks))
    small = ("--weights=none", "--image_size=32", "--epochs=2", "--steps_per_epoch=1", "--batch_size=4", "--dimensions=8")
    flags = ("--recipe=logo_embedder", f"--root={tmp_path / 'marks'}", f"--out={tmp_path / 'run'}", *small)
    monkeypatch.setattr("logo_keras.backbones._BUILDERS", {"efficientnet_lite0": lambda weights: tiny_backbone()})
    assert command.main(["logo-train", *flags]) == 0
    assert "4 marks of 4 brands, 2 of 2 others to score after every epoch" in capsys.readouterr().out
    assert opened == [(str(tmp_path / "marks"), "train"), (str(tmp_path / "marks"), "validation")]
    written = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (written["recipe"], written["data"]["kind"]) == ("logo_embedder", "marks")
    for wrong, message in (
        (("--recipe=logo_embedder", "--out=x"), "--root must be given: the folder of the marks"),
        (("--model=embedder", "--root=x", "--out=x", "--cut=0.1"), "--cut is for photos"),
        (("--model=embedder", "--root=x", "--out=x", "--validation=0.1"), "--validation 0.1 is for photos"),
    ):
        assert command.main(["logo-train", *wrong]) == 1
        assert message in capsys.readouterr().err
