"""What every model does; one row a model."""

import re
import subprocess
import sys
import warnings

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny import REGIONS, one_convolution, tiny_backbone

import logo_keras as lk
from logo_keras.datasets.batches.photo_augmentation import Augmentation
from logo_keras.datasets.dataset import Dataset

NAMES = ("Aral", "Esso", "Shell")
MODELS = {
    "classifier": (lk.Classifier, {"image_size": 64}),
    "nts_net": (lk.NTSNet, REGIONS),
    "nts_net_mean": (lk.NTSNet, REGIONS | {"decision": "mean", "navigator_stride": 16, "whole_size": 64, "antialias": True}),
    "drna_net": (lk.DRNANet, REGIONS),
    "drna_net_auxiliary": (lk.DRNANet, REGIONS | {"views": ("region",), "auxiliary_views": ("crop", "drop")}),
}


def make(name, **options):
    cls, defaults = MODELS[name]
    options = {"class_names": NAMES, "weights": None} | defaults | options
    if "backbone" not in options:
        options["backbone"] = one_convolution() if name == "classifier" else tiny_backbone()
    return cls(**options)


def photographs(count, size, seed=0):
    """Images of a brand each: a bright square whose colour is the class. float32, labels int."""
    random = np.random.RandomState(seed)
    images, labels = random.uniform(0, 100, (count, size, size, 3)), np.arange(count) % 3
    for image, label in zip(images, labels, strict=True):
        y, x = random.randint(0, size - 24, 2)
        image[y : y + 24, x : x + 24, label] = 255
    return images.astype(np.float32), labels


# "nts_net_mean" has all of "nts_net" and the rest.
@pytest.fixture(scope="module", params=[name for name in MODELS if name != "nts_net"])
def trained(request):
    """A model of each kind after one epoch, its data, and what fit and evaluate said."""
    keras.utils.set_random_seed(0)
    model = make(request.param)
    images, labels = photographs(6, model.image_size)
    # A few eager steps take less time than tracing them, which test_region_networks does.
    model.compile(run_eagerly=True)
    history = model.fit(images, labels, batch_size=3, epochs=1, verbose=0).history
    return model, images, labels, history, model.evaluate(images, labels, batch_size=3, verbose=0, return_dict=True)


def test_every_loss_and_accuracy_is_tracked_by_its_name(trained):
    model, _, _, history, results = trained
    names = {f"{name}_loss" for name in model.loss_names} | set(model.metrics_by_name) | {"loss"}
    assert set(history) == set(results) == names


def test_the_loss_is_the_sum_of_the_losses(trained):
    model, _, _, _, results = trained
    assert results["loss"] == pytest.approx(sum(results[f"{name}_loss"] for name in model.loss_names), rel=1e-4)


def test_accuracy_is_that_of_the_probabilities(trained):
    model, images, labels, _, results = trained
    probabilities = model.predict(images, verbose=0)["probabilities"]
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-5)
    assert results["top1"] == pytest.approx((probabilities.argmax(axis=-1) == labels).mean())


def test_a_saved_model_answers_and_goes_on_as_before(trained, tmp_path):
    model, images, labels, _, results = trained
    model.save(tmp_path / "model.keras")
    copy = lk.load(tmp_path / "model.keras")
    given = copy.predict(images, verbose=0)
    for name, wanted in model.predict(images, verbose=0).items():
        np.testing.assert_allclose(given[name], wanted, atol=1e-6, err_msg=name)
    assert copy.class_names == model.class_names
    configs = [{key: value for key, value in m.get_config().items() if key != "backbone"} for m in (copy, model)]
    assert configs[0] == configs[1]
    again = copy.evaluate(images, labels, batch_size=3, verbose=0, return_dict=True)
    assert again == pytest.approx(results, abs=1e-5)
    steps = int(copy.optimizer.iterations)
    copy.fit(images, labels, batch_size=3, epochs=1, verbose=0)
    assert int(copy.optimizer.iterations) == steps + 2


def test_constructor_arguments_are_attributes(trained):
    model, *_ = trained
    config = model.get_config()
    for name in config.keys() - {"name", "weights", "backbone", "teacher"}:  # model.teacher is the layer
        value = getattr(model, name)
        assert (list(value) if isinstance(value, tuple) else value) == config[name], name


def test_permuting_the_batch_permutes_the_output(trained):
    model, images, *_ = trained
    straight, turned = model.predict(images, verbose=0), model.predict(images[::-1].copy(), verbose=0)
    for name, value in straight.items():
        np.testing.assert_allclose(turned[name][::-1], value, atol=1e-4, err_msg=name)


def test_a_batch_of_one_and_constant_images_are_answered(trained):
    model, images, *_ = trained
    for image in (images[:1], np.zeros_like(images[:1]), np.full_like(images[:1], 255)):
        assert all(np.isfinite(value).all() for value in model.predict(image, verbose=0).values())


def test_recognize_agrees_with_predict(trained):
    model, images, *_ = trained
    photo = images[0].astype(np.uint8)
    answer = model.recognize(photo, top=2)
    wanted = model.predict(photo[None].astype(np.float32), verbose=0)
    best = wanted["probabilities"][0].argsort()[::-1][:2]
    assert answer.labels == tuple(NAMES[place] for place in best)
    np.testing.assert_allclose(answer.probabilities, wanted["probabilities"][0][best], atol=1e-6)
    if "region_boxes" in wanted:
        np.testing.assert_allclose(answer.region_boxes, wanted["region_boxes"][0], atol=1e-4)


def test_the_same_seed_gives_the_same_run():
    runs = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        model = make("classifier")
        model.compile(run_eagerly=True)
        images, labels = photographs(6, 64)
        runs.append(model.fit(images, labels, batch_size=3, epochs=2, verbose=0).history)
    assert runs[0] == runs[1]


def test_a_model_in_a_fresh_process_gives_the_same(tmp_path):
    model = make("classifier")
    images, _ = photographs(2, 64)
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "wanted.npy", model.predict(images, verbose=0)["probabilities"])
    model.save(tmp_path / "model.keras")
    code = (
        "import numpy as np, keras, logo_keras as lk; lk.Classifier; "
        "model = keras.saving.load_model('model.keras'); "
        "given = model.predict(np.load('images.npy'), verbose=0)['probabilities']; "
        "np.testing.assert_allclose(given, np.load('wanted.npy'), atol=1e-6)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_weights_and_classes_weigh_the_loss():
    model = make("classifier")
    images, labels = photographs(3, 64)
    model.compile(run_eagerly=True)
    single = model.evaluate(images[:1], labels[:1], verbose=0, return_dict=True)["loss"]
    weighted = model.evaluate(images, labels, sample_weight=np.float32([3, 0, 0]), verbose=0, return_dict=True)["loss"]
    assert weighted == pytest.approx(single, rel=1e-4)
    column = np.float32([[3], [0], [0]])
    again = make("classifier")
    again.set_weights(model.get_weights())
    again.compile(run_eagerly=True)
    in_columns = again.evaluate(images, labels[:, None], sample_weight=column, verbose=0, return_dict=True)["loss"]
    assert in_columns == pytest.approx(single, rel=1e-4)
    model.fit(images, labels, class_weight={0: 1.0, 1: 0.0, 2: 2.0}, validation_data=(images, labels), verbose=0)


def test_loss_weights_and_smoothing_change_the_loss():
    model = make("nts_net")
    images, labels = photographs(3, 96)
    model.compile(loss_weights={"ranking": 0.0, "region": 2.0}, label_smoothing=0.2, run_eagerly=True)
    results = model.evaluate(images, labels, verbose=0, return_dict=True)
    wanted = results["whole_loss"] + 2 * results["region_loss"] + results["fused_loss"]
    assert results["loss"] == pytest.approx(wanted, rel=1e-5)
    logits = tf.nn.log_softmax(model.predict(images, verbose=0)["whole_logits"]).numpy()
    smoothed = -(0.8 * logits[np.arange(3), labels] + 0.2 * logits.mean(axis=-1)).mean()
    assert results["whole_loss"] == pytest.approx(smoothed, rel=1e-4)


def test_many_steps_in_one_execution_train_alike():
    runs = []
    for steps in (1, 2):
        keras.utils.set_random_seed(0)
        model = make("classifier")
        model.compile(steps_per_execution=steps)
        images, labels = photographs(8, 64)
        model.fit(tf.data.Dataset.from_tensor_slices((images, labels)).batch(4), epochs=1, verbose=0)
        runs.append(model.get_weights())
    for once, twice in zip(*runs, strict=True):
        np.testing.assert_allclose(once, twice, atol=1e-5)


def test_a_loss_that_is_no_number_stops_and_is_named():
    model = make("nts_net")
    images, labels = photographs(3, 96)
    model.compile(run_eagerly=True)
    images[1] = np.nan
    with pytest.raises(FloatingPointError, match=r"\w+_loss is nan at step 1"):
        model.fit(images, labels, verbose=0)


def test_a_loss_in_compile_is_refused():
    with pytest.raises(ValueError, match="has its own losses"):
        make("classifier").compile(loss="mse")


@pytest.mark.parametrize("options", [{"loss_weights": {"crop": 1.0}}, {"label_smoothing": 1.0}])
def test_bad_compile_arguments_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        make("classifier").compile(**options)


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("classifier", {"class_names": None}, "one of num_classes and class_names"),
        ("classifier", {"class_names": []}, "at least one class"),
        ("classifier", {"class_names": ("a", "a")}, "differ"),
        ("classifier", {"class_names": "ab"}, "several names"),
        ("classifier", {"class_names": None, "num_classes": 2.5}, "must be an integer"),
        ("classifier", {"image_size": None}, "image_size"),
        ("classifier", {"weights": "flickr"}, "weights"),
        ("classifier", {"num_classes": 4}, "must agree"),
        ("classifier", {"backbone": "lenet"}, "unknown backbone"),
        ("classifier", {"image_size": 100}, "image_size must be a multiple of 32"),
        ("classifier", {"dropout": 1.0}, "dropout"),
        ("classifier", {"dropout": "much"}, "dropout must be a number"),
        ("classifier", {"frozen_blocks": 1.5}, "frozen_blocks must be an integer"),
        ("classifier", {"preprocessing": "squash"}, "preprocessing must be one of stretch, paper, got 'squash'"),
        ("classifier", {"head": "conv"}, "head"),
        ("classifier", {"batch_norm": "off"}, "batch_norm"),
        ("classifier", {"frozen_blocks": 7}, "frozen_blocks"),
        ("nts_net", {"num_regions": 4}, "num_proposals"),
        ("nts_net", {"num_regions": 0}, "num_regions"),
        ("nts_net", {"num_regions": 2.0}, "num_regions must be an integer"),
        ("nts_net", {"num_proposals": "6"}, "num_proposals must be an integer"),
        ("nts_net", {"num_proposals": 10**4}, "anchors"),
        ("nts_net", {"antialias": 1}, "antialias must be True or False"),
        ("nts_net", {"teacher": "no"}, "teacher must be True or False"),
        ("nts_net", {"navigation": "middle"}, "navigation must be one of navigator, random, centre, grid"),
        ("nts_net", {"navigation_seed": -1}, "navigation_seed"),
        ("nts_net", {"navigation": "centre", "navigator_stride": 8}, "navigator_stride"),
        ("nts_net", {"whole_size": 128}, "whole_size must be at most"),
        ("nts_net", {"region_size": 16}, "region_size"),
        ("nts_net", {"decision": "whole"}, "decision"),
        ("nts_net", {"navigator_stride": 8}, "navigator_stride"),
        ("drna_net", {"crop_threshold": 1.0}, "crop_threshold"),
        ("drna_net", {"drop_threshold": 0.0}, "drop_threshold"),
        ("drna_net", {"crop_threshold": "half"}, "crop_threshold must be a number"),
        ("drna_net", {"views": ()}, "views"),
        ("drna_net", {"views": ("zoom",)}, "views"),
        ("drna_net", {"auxiliary_views": ("crop",)}, "auxiliary_views"),
    ],
)
def test_bad_values_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        make(name, **options)


def one_line(error):
    return str(error.value).count("\n") == 0


@pytest.mark.parametrize(
    "name, shape, expected",
    [
        ("nts_net", (2, 64, 64, 3), "[B, 96, 96, 3]"),
        ("drna_net", (2, 96, 64, 3), "[B, 96, 96, 3]"),
        ("nts_net", (96, 96, 3), "[B, 96, 96, 3]"),
        ("classifier", (2, 64, 64, 1), "[B, S, S, 3]"),
        ("classifier", (64, 64, 3), "[B, S, S, 3]"),
    ],
)
def test_images_of_another_shape_are_refused_in_one_line(name, shape, expected):
    model, images = make(name), np.zeros(shape, np.float32)
    model.compile()
    calls = [
        lambda: model(images),
        lambda: model.predict(images, verbose=0),
        lambda: model.train_on_batch(images, np.zeros(len(images))),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=re.escape(f"expected {expected}, got [")) as error:
            call()
        assert one_line(error)


@pytest.mark.parametrize(
    "labels, message",
    [
        (np.eye(4)[:3], "integer labels [B] or shares [B, 3] are expected, got shape [3, 4]"),
        (np.full((3, 3), 0.5), "labels [B, 3] must be shares of at least 0 that sum to 1, got [[0.5, 0.5, 0.5]]"),
        (np.float32([[2, -1, 0]] * 3), "labels [B, 3] must be shares of at least 0 that sum to 1"),
        (np.array([0, 1, 3]), "labels must lie in 0..2, got 0..3"),
        (np.array([0, -1, 2]), "labels must lie in 0..2, got -1..2"),
        (np.array([0, 0.5, 2]), "labels must be whole numbers"),
        (np.array(["Aral", "Esso", "Shell"]), "labels must be whole numbers"),
    ],
)
def test_labels_that_name_no_class_are_refused_in_one_line(labels, message):
    model, images = make("classifier"), np.zeros((3, 64, 64, 3), np.float32)
    model.compile(run_eagerly=True)
    calls = [
        lambda: model.fit(images, labels, verbose=0),
        lambda: model.evaluate(images, labels, verbose=0),
        lambda: model.fit(images, np.arange(3), validation_data=(images, labels), verbose=0),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=re.escape(message)) as error:
            call()
        assert one_line(error)


def test_one_hot_labels_teach_as_their_numbers_do():
    images, labels = photographs(6, 64)
    weights, results = [], []
    for given in (labels, np.eye(3, dtype=np.float32)[labels]):
        keras.utils.set_random_seed(0)
        model = make("classifier", dropout=0.0)
        model.compile("sgd", label_smoothing=0.1, run_eagerly=True)
        model.fit(images, given, batch_size=3, epochs=2, shuffle=False, verbose=0)
        weights.append(model.get_weights())
        results.append(model.evaluate(images, given, verbose=0, return_dict=True))
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert results[0] == pytest.approx(results[1], abs=1e-5)


def test_the_loss_of_shares_is_their_cross_entropy():
    model, (images, _) = make("classifier"), photographs(2, 64)
    model.compile(label_smoothing=0.2, metrics=["accuracy"], run_eagerly=True)
    shares = np.float32([[0.7, 0.3, 0.0], [0.1, 0.1, 0.8]])
    results = model.evaluate(images, shares, verbose=0, return_dict=True)
    logits = model.predict(images, verbose=0)["whole_logits"]
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    wanted = -((0.8 * shares + 0.2 / 3) * log_probabilities).sum(axis=-1).mean()
    assert results["loss"] == pytest.approx(wanted, rel=1e-4)
    right = (logits.argmax(axis=-1) == [0, 2]).mean()
    assert results["top1"] == results["accuracy"] == pytest.approx(right)


@pytest.mark.parametrize("name", ["nts_net", "drna_net"])
def test_region_networks_refuse_shares_and_say_why(name, folder):
    model = make(name)
    model.compile(run_eagerly=True)
    images, one_hot = np.zeros((3, model.image_size, model.image_size, 3), np.float32), np.eye(3, dtype=np.float32)
    calls = [
        lambda: model.fit(images, one_hot, verbose=0),
        lambda: model.evaluate(images, one_hot, verbose=0),
        lambda: model.fit(tf.data.Dataset.from_tensors((images, one_hot)), verbose=0),
        lambda: model.fit(lk.datasets.load("folder", folder), augment="mixup", verbose=0),
        lambda: model.fit(lk.datasets.load("folder", folder), augment=Augmentation(cutmix=0.5), verbose=0),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="needs the one true class of an image.*lk.Classifier"):
            call()


def test_a_classifier_learns_from_mixed_images(folder):
    dataset = lk.datasets.load("folder", folder)
    model = make("classifier")
    model.compile(run_eagerly=True)
    for augment in ("mixup", "cutmix"):
        history = model.fit(dataset, batch_size=4, augment=augment, validation_data=dataset, verbose=0).history
        assert np.isfinite(history["loss"] + history["val_loss"]).all()


def test_fit_passes_on_what_batches_take(folder, tmp_path):
    dataset = lk.datasets.load("folder", folder)
    runs = []
    for engine in ("tf.data", "keras"):
        keras.utils.set_random_seed(0)
        model = make("classifier")
        model.compile(run_eagerly=True)
        options = {"augment": "none", "balance": 1.0, "shard": (1, 2), "cache": tmp_path / "cache", "engine": engine}
        model.fit(dataset, batch_size=2, epochs=2, validation_data=dataset, seed=4, verbose=0, **options)
        assert int(model.optimizer.iterations) == 2 * 2
        runs.append(model.get_weights())
        results = model.evaluate(dataset, verbose=0, return_dict=True, engine=engine, cache=tmp_path / "cache")
        probabilities = model.predict(dataset, verbose=0, engine=engine)["probabilities"]
        assert results["top1"] == pytest.approx((probabilities.argmax(-1) == dataset.labels).mean())
    for one, other in zip(*runs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    # Training without augmentation and validation keep the same squares.
    assert len([path for path in (tmp_path / "cache").rglob("*") if path.is_file()]) == 6


@pytest.mark.slow
def test_a_data_set_is_fitted_on_two_devices(folder, root):
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "import numpy as np, tensorflow as tf\n"
        "cpu, two = tf.config.list_physical_devices('CPU')[0], [tf.config.LogicalDeviceConfiguration()] * 2\n"
        "tf.config.set_logical_device_configuration(cpu, two)\n"
        "import logo_keras as lk\n"
        "from tiny import tiny_backbone\n"
        f"dataset = lk.datasets.load('folder', {str(folder)!r})\n"
        "with tf.distribute.MirroredStrategy(['CPU:0', 'CPU:1']).scope():\n"
        "    model = lk.Classifier(class_names=dataset.class_names, image_size=64, backbone=tiny_backbone(), weights=None)\n"
        "    model.compile()\n"
        "for engine in ('tf.data', 'keras'):\n"
        "    losses = model.fit(dataset, batch_size=4, epochs=2, engine=engine, verbose=0).history['loss']\n"
        "    assert len(losses) == 2 and np.isfinite(losses).all(), losses"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=300)
    assert process.returncode == 0, process.stderr


def test_options_of_a_data_set_are_refused_for_arrays():
    model = make("classifier")
    model.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="augment, cache can only be set for a Dataset of this package, got ndarray as x"):
        model.fit(*photographs(3, 64), augment="none", cache="somewhere", verbose=0)


def test_photographs_are_prepared_as_the_model_says(folder):
    dataset = lk.datasets.load("folder", folder)
    keras.utils.set_random_seed(0)
    ours = make("classifier", preprocessing="paper")
    keras.utils.set_random_seed(0)
    other = make("classifier")
    other.set_weights(ours.get_weights())
    path = dataset.paths[0]
    images = np.stack([lk.preprocessing.prepare(path, 64, name) for name in ("paper", "stretch")])
    wanted = ours.predict(images, verbose=0)["probabilities"]
    for model, row in ((ours, wanted[0]), (other, wanted[1])):
        np.testing.assert_allclose(model.predict(dataset, verbose=0)["probabilities"][0], row, atol=1e-5)
        np.testing.assert_allclose(model.recognize(path, top=3).probabilities, np.sort(row)[::-1], atol=1e-5)
    assert not np.allclose(*wanted, atol=1e-5)
    assert ours.get_config()["preprocessing"] == "paper"


def with_feature():
    """A tiny Backbone with a fully connected layer of its own, as AlexNet has."""
    value = tiny_backbone()
    flat = keras.layers.Flatten(name="flat")(keras.layers.AveragePooling2D(2, name="halve")(value.levels[32]))
    feature = keras.layers.Dense(5, name="fc")(keras.layers.Reshape((8,), name="eight")(flat))
    model = keras.Model(value.model.inputs, [value.levels[32], feature], name="with_feature")
    return lk.Backbone(model, value.preprocessing, value.levels, feature="fc")


def test_a_networks_own_feature_is_classified_as_it_is(tmp_path):
    model = make("classifier", backbone=with_feature(), head="original", dropout=0.0)
    images, _ = photographs(2, 64)
    feature = model.extractor(model.normalize(images))["feature"]
    kernel, bias = model.whole_classifier.get_weights()
    assert kernel.shape == (5, 3)
    wanted = model.predict(images, verbose=0)["whole_logits"]
    np.testing.assert_allclose(feature @ kernel + bias, wanted, atol=1e-5)
    model.save(tmp_path / "model.keras")
    copy = lk.load(tmp_path / "model.keras")
    assert copy.head == "original"
    np.testing.assert_allclose(copy.predict(images, verbose=0)["whole_logits"], wanted, atol=1e-5)
    with pytest.raises(ValueError, match=re.escape("expected [B, 64, 64, 3], got [2, 96, 96, 3]")):
        model(np.zeros((2, 96, 96, 3), np.float32))


@pytest.mark.parametrize("name", ["nts_net", "drna_net"])
def test_a_head_for_whole_images_is_refused_by_region_networks(name):
    with pytest.raises(ValueError, match='head="pool"') as error:
        make(name, backbone=with_feature())
    assert one_line(error)


def test_the_card_is_kept_in_the_file(tmp_path):
    model = make("classifier")
    assert model.card == {"weights": model.backbone_value.source, "packages": {"logo_keras": lk.__version__}}
    model.card["data"] = {"name": "folder", "photographs": [6, 3]}
    model.card["weights"] = "imported from net.pth"
    model.save(tmp_path / "model.keras")
    card = lk.load(tmp_path / "model.keras").card
    assert card["weights"] == "imported from net.pth" and card["data"] == {"name": "folder", "photographs": [6, 3]}


def test_a_file_from_before_there_were_cards_is_read():
    model = make("classifier")
    config = model.get_config()
    for name in ("card", "head"):
        del config[name]
    copy = lk.Classifier.from_config(config)
    assert copy.card == {} and copy.head == "pool" and copy.preprocessing == "stretch"


def test_classes_without_names_are_numbered():
    assert make("classifier", class_names=None, num_classes=3).class_names == ("0", "1", "2")


def test_frozen_blocks_and_batch_norm_do_not_move():
    for options, frozen in (({"frozen_blocks": 1}, ("conv0", "conv1", "norm1")), ({"batch_norm": "frozen"}, ("norm0", "norm4"))):
        model = make("classifier", backbone=tiny_backbone(), **options)
        layers = {layer.name: layer for layer in model.extractor.layers}
        before = {name: layers[name].get_weights() for name in (*frozen, "conv4")}
        images, labels = photographs(4, 64)
        model.compile(optimizer="sgd", run_eagerly=True)
        model.fit(images, labels, verbose=0)
        for name in frozen:
            keras.tree.map_structure(np.testing.assert_array_equal, layers[name].get_weights(), before[name])
        assert not np.array_equal(layers["conv4"].get_weights()[0], before["conv4"][0])


@pytest.mark.parametrize("name", ["missing.keras", "text.keras"])
def test_a_file_that_is_no_model_is_named(tmp_path, name):
    (tmp_path / "text.keras").write_text("no model")
    with pytest.raises((FileNotFoundError, ValueError), match=name):
        lk.load(tmp_path / name)


def test_another_keras_model_is_refused_by_name(tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="other.keras holds a Sequential"):
        lk.load(tmp_path / "other.keras")


@pytest.fixture
def folder(tmp_path):
    """Two photographs of each brand, in a folder of its own."""
    images, labels = photographs(6, 64)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = tmp_path / NAMES[label] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), image[..., ::-1].astype(np.uint8))
    return tmp_path


def test_a_data_set_is_fitted_evaluated_and_predicted(folder):
    dataset = lk.datasets.load("folder", folder)
    model = make("classifier")
    model.compile(run_eagerly=True)
    model.fit(dataset, batch_size=4, epochs=1, validation_data=dataset, verbose=0)
    results = model.evaluate(dataset, verbose=0, return_dict=True)
    probabilities = model.predict(dataset, verbose=0)["probabilities"]
    assert results["top1"] == pytest.approx((probabilities.argmax(-1) == dataset.labels).mean())


def test_a_folder_opened_by_keras_is_fitted(folder):
    data = keras.utils.image_dataset_from_directory(folder, image_size=(64, 64), batch_size=3, verbose=False)
    model = make("classifier")
    model.compile(run_eagerly=True)
    model.fit(data, epochs=1, verbose=0)
    assert model.predict(data, verbose=0)["probabilities"].shape == (6, 3)


def test_a_data_set_of_other_classes_is_refused(folder):
    model = make("classifier", class_names=("Aral", "Esso", "Total"))
    model.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="'Shell'.*'Total'"):
        model.fit(lk.datasets.load("folder", folder), verbose=0)


def test_photographs_without_a_brand_are_refused(folder):
    dataset = lk.datasets.load("folder", folder)
    unlabelled = type(dataset)(dataset.paths, [-1] * len(dataset), dataset.class_names)
    model = make("classifier")
    model.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="label -1"):
        model.fit(unlabelled, verbose=0)


def test_images_too_small_for_a_backbone_without_padding_are_refused():
    images = keras.Input((None, None, 3))
    maps = keras.layers.MaxPooling2D(3, 2)(keras.layers.Conv2D(2, 11, 16)(images))
    unpadded = lk.Backbone(keras.Model(images, maps, name="unpadded"), None, {32: maps})
    # Left to TensorFlow, the empty map would end the process.
    with pytest.raises(ValueError, match="image_size = 32 px is too small for the backbone 'unpadded'"):
        make("classifier", backbone=unpadded, image_size=32)


def dropping(run_eagerly=True):
    """A compiled classifier with dropout, always with the same weights; eager, since it runs a few steps only."""
    keras.utils.set_random_seed(5)
    model = make("classifier", dropout=0.5)
    model.compile(run_eagerly=run_eagerly)
    return model


class At(keras.callbacks.Callback):
    """Does something before an epoch."""

    def __init__(self, epoch, what):
        super().__init__()
        self.epoch, self.what = epoch, what

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            self.what(self.model)


def stop(model):
    raise KeyboardInterrupt


def weights_differ(one, other):
    return max(np.abs(a - b).max() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize(
    "options", [{}, {"engine": "keras"}, {"steps_per_epoch": 1, "augment": "mixup"}, {"balance": 1.0}], ids=str
)
def test_a_run_that_goes_on_by_hand_ends_with_the_weights_of_one_that_never_stopped(options, folder, tmp_path):
    dataset = lk.datasets.load("folder", folder)
    options = {"batch_size": 4, "epochs": 3, "verbose": 0, **options}
    whole, file = dropping(), tmp_path / "model.keras"
    whole.fit(dataset, callbacks=[At(1, lambda model: model.save(file))], **options)
    parts = lk.load(file)
    assert parts.epochs_seen == 1
    parts.fit(dataset, initial_epoch=1, **options)
    assert weights_differ(parts, whole) < 1e-6
    assert float(parts.optimizer.learning_rate) == float(whole.optimizer.learning_rate)


def test_a_run_that_keras_restores_ends_with_the_weights_of_one_that_never_stopped(folder, tmp_path):
    dataset = lk.datasets.load("folder", folder)
    options = {"batch_size": 4, "epochs": 3, "verbose": 0}
    whole, broken, restored = dropping(), dropping(), dropping()
    whole.fit(dataset, **options)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(dataset, callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "backup"), At(1, stop)], **options)
    restored.fit(dataset, callbacks=[keras.callbacks.BackupAndRestore(tmp_path / "backup")], **options)
    assert weights_differ(restored, whole) < 1e-6
    assert restored.epochs_seen == 3


def test_a_second_fit_goes_on_with_the_epochs_of_a_data_set(folder, monkeypatch):
    from logo_keras.datasets.batches.order import Order

    asked, epoch = [], Order.epoch
    monkeypatch.setattr(Order, "epoch", lambda self, number: asked.append(number) or epoch(self, number))
    dataset, model = lk.datasets.load("folder", folder), dropping()
    for options in ({"epochs": 2}, {"epochs": 1}, {"epochs": 1, "initial_epoch": 0}, {"epochs": 6, "initial_epoch": 5}):
        model.fit(dataset, batch_size=6, verbose=0, **options)
    assert asked == [0, 1, 2, 0, 5]
    assert model.epochs_seen == 6


@pytest.mark.parametrize("steps", [2, 4])
@pytest.mark.parametrize("kind", ["dataset", "keras", "tf.data", "batches", "arrays", "foreign"])
def test_the_rate_ends_with_the_last_step_whatever_the_length_of_an_epoch(kind, steps, folder):
    dataset, taken = lk.datasets.load("folder", folder), []
    images, labels = photographs(6, 64)

    class Foreign(keras.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, number):
            return images[2 * number :][:2], labels[2 * number :][:2]

    class Count(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            taken.append(0)

        def on_train_batch_end(self, batch, logs=None):
            taken[-1] += 1

    data = {
        "dataset": lambda: {"x": dataset, "batch_size": 2},
        "keras": lambda: {"x": dataset, "batch_size": 2, "engine": "keras"},
        "tf.data": lambda: {"x": tf.data.Dataset.from_tensor_slices((images, labels)).batch(2)},
        "batches": lambda: {"x": dataset.batches(2, 64, training=True, engine="keras")},
        "arrays": lambda: {"x": images, "y": labels, "batch_size": 2},
        "foreign": lambda: {"x": Foreign()},
    }[kind]()
    model = dropping()
    # Keras warns that arrays and PyDatasets have ended, and ends the epoch there.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Your input ran out of data")
        model.fit(**data, steps_per_epoch=steps, epochs=3, verbose=0, callbacks=[Count()])
    assert sum(taken) == model.optimizer._learning_rate.total
    assert float(model.optimizer.learning_rate) == pytest.approx(0, abs=1e-9)
    if kind not in ("arrays", "foreign"):
        assert taken == [steps] * 3


def test_the_length_of_data_that_keras_counts_is_known():
    model = dropping()
    images, labels = photographs(6, 64)
    model.fit(images, labels, batch_size=2, validation_split=0.5, epochs=2, verbose=0)
    assert (model.optimizer._learning_rate.total, int(model.optimizer.iterations)) == (4, 4)


def test_steps_per_epoch_is_checked():
    with pytest.raises(ValueError, match="steps_per_epoch must be an integer of at least 1, got 0"):
        dropping().fit(*photographs(3, 64), steps_per_epoch=0, verbose=0)


def test_a_broken_loss_is_found_though_few_steps_are_looked_at(monkeypatch):
    from logo_keras.network import divergence

    looks, look = [], divergence.StopAtNaN._look
    monkeypatch.setattr(divergence.StopAtNaN, "_look", lambda self: looks.append(self._step) or look(self))
    model = dropping()
    images, labels = photographs(12, 64)
    images[10] = np.nan
    with pytest.raises(FloatingPointError, match=r"whole_loss is nan since one of the steps 9 to 12 \(epoch 1\). Lower"):
        model.fit(images, labels, batch_size=1, shuffle=False, verbose=0)
    assert looks == [1, 2, 4, 8, 12]


def test_no_callback_saves_a_model_that_has_diverged(tmp_path):
    model, file = dropping(), tmp_path / "model.keras"
    images, labels = photographs(6, 64)
    images[2:] = np.nan
    with pytest.raises(FloatingPointError, match="whole_loss is nan at step 3"):
        model.fit(
            images, labels, batch_size=1, shuffle=False, verbose=0,
            callbacks=[keras.callbacks.ModelCheckpoint(file, save_freq=3)],
        )  # fmt: skip
    assert not file.exists()
    # The same model may be saved afterwards, by whoever wants to look at it.
    model.save(file)


def test_weights_that_the_last_step_broke_stop_the_run():
    class Break(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            bias = self.model.whole_classifier.bias
            bias.assign(bias + np.inf)

    with pytest.raises(FloatingPointError, match="whole_classifier/bias is no longer finite after step 1. Lower the learning"):
        dropping().fit(*photographs(6, 64), batch_size=6, verbose=0, callbacks=[Break()])


def test_one_class_is_said_to_teach_nothing(folder):
    dataset = lk.datasets.load("folder", folder)
    with pytest.warns(UserWarning, match="all labels are of one class"):
        dropping().fit(dataset.subset(dataset.labels == 0), verbose=0)


def test_a_data_set_in_another_order_of_the_classes_is_matched_by_name(tmp_path):
    images, labels = photographs(6, 64)
    paths = [tmp_path / f"{number}.png" for number in range(6)]
    for path, image in zip(paths, images, strict=True):
        cv2.imwrite(str(path), image[..., ::-1].astype(np.uint8))
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    straight = Dataset([*paths, broken], [*labels, 0], NAMES)
    turned = Dataset([*paths, broken], [*(2 - labels), 2], NAMES[::-1])
    assert not np.array_equal(straight.labels, turned.labels)
    results, weights = [], []
    for dataset in (straight, turned):
        keras.utils.set_random_seed(0)
        model = make("classifier", dropout=0.0)
        model.compile(run_eagerly=True)
        model.fit(dataset, batch_size=6, validation_data=dataset, verbose=0)
        results.append(model.evaluate(dataset, batch_size=6, verbose=0))
        weights.append(model.get_weights())
        assert list(dataset.unreadable) == [str(broken)]
    np.testing.assert_allclose(results[1], results[0], rtol=1e-5)
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_training_step_is_traced_once(monkeypatch):
    traced, step = [], keras.Model.train_step
    monkeypatch.setattr(keras.Model, "train_step", lambda self, data: traced.append(self) or step(self, data))
    dropping(run_eagerly=False).fit(*photographs(4, 64), batch_size=2, verbose=0)
    assert len(traced) == 1
