"""Each switch changes only what it says: two models from one seed, compared."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny import REGIONS, tiny_backbone

import logo_keras as lk
from logo_keras.network.regions import overlaps, propose

OPTIONS = REGIONS | {"num_classes": 3, "weights": None, "dropout": 0.0}
NETWORKS = {"nts_net": lk.NTSNet, "drna_net": lk.DRNANet}
CONTROLS = ("random", "centre", "grid")
LABELS = np.array([0, 2])
# What a switch may take away from, or change the shape of, by the first part of the path.
SWITCHES = {
    "navigation_random": ({"navigation": "random"}, {"navigator"}),
    "navigation_centre": ({"navigation": "centre"}, {"navigator"}),
    "navigation_grid": ({"navigation": "grid"}, {"navigator"}),
    "teacher": ({"teacher": False}, {"teacher"}),
    "navigation_and_teacher": ({"navigation": "grid", "teacher": False}, {"navigator", "teacher"}),
    "num_proposals": ({"num_proposals": 5}, set()),
    "num_regions": ({"num_regions": 3}, {"fused_classifier"}),
    "decision": ({"decision": "mean"}, set()),
}
VIEWS = {
    "views_region": ({"views": ("region",)}, {"augmented_classifier", "fused_classifier"}),
    "views_crop": ({"views": ("crop",)}, {"fused_classifier"}),
    "auxiliary_views": (
        {"views": ("region",), "auxiliary_views": ("crop", "drop")},
        {"fused_classifier"},
    ),
}
PAIRS = [(network, *switch) for network in NETWORKS for switch in SWITCHES.values()]
PAIRS += [("drna_net", *switch) for switch in VIEWS.values()]
IDS = [f"{network}-{switch}" for network in NETWORKS for switch in SWITCHES] + [f"drna_net-{switch}" for switch in VIEWS]


def make(network, **options):
    keras.utils.set_random_seed(5)
    return NETWORKS[network](backbone=tiny_backbone(), **(OPTIONS | options))


def images(count=2):
    return np.random.RandomState(0).uniform(0, 255, (count, 96, 96, 3)).astype(np.float32)


def weights(model):
    return {weight.path: np.asarray(weight) for weight in model.weights}


def gradients(model):
    """The gradients of a compiled model's loss by path, 0 where there is none."""
    with tf.GradientTape() as tape:
        loss = model.compute_loss(None, tf.constant(LABELS), model(images(), training=True), None)
    variables = model.trainable_variables
    found = tape.gradient(loss, [variable.value for variable in variables])
    return {
        variable.path: np.zeros(variable.shape) if gradient is None else np.asarray(gradient)
        for variable, gradient in zip(variables, found, strict=True)
    }


@pytest.mark.parametrize("network, options, changed", PAIRS, ids=IDS)
def test_all_other_weights_start_alike_and_see_the_whole_image_alike(network, options, changed):
    plain, switched = make(network), make(network, **options)
    before, after = weights(plain), weights(switched)
    differing = {path.split("/")[0] for path in before.keys() ^ after.keys()}
    for path in before.keys() & after.keys():
        if before[path].shape != after[path].shape:
            differing.add(path.split("/")[0])
        else:
            np.testing.assert_array_equal(after[path], before[path], err_msg=path)
    assert differing == changed
    theirs, ours = (model(images(), all_regions=True) for model in (plain, switched))
    np.testing.assert_array_equal(ours["whole_logits"], theirs["whole_logits"])
    if "navigation" not in options:
        np.testing.assert_array_equal(ours["scores"], theirs["scores"])
        np.testing.assert_array_equal(ours["region_boxes"][:, :3], theirs["region_boxes"][:, :3])


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("control", CONTROLS)
def test_without_the_navigator_only_the_ranking_loss_falls_away(network, control):
    plain, switched = make(network), make(network, navigation=control)
    assert switched.loss_names == tuple(name for name in plain.loss_names if name != "ranking")
    # The regions that the control picks, given to the network with a navigator, lead to all the same.
    scores = switched.navigator(np.zeros((2, 3, 3, 8), np.float32))
    plain.navigator = lambda maps, training: scores
    theirs, ours = (model(images(), all_regions=True) for model in (plain, switched))
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        np.testing.assert_array_equal(ours[name], value, err_msg=name)
    losses = [model.losses_by_name(LABELS, ours, None) for model in (plain, switched)]
    assert losses[0].keys() - losses[1].keys() == {"ranking"}
    assert all(float(losses[0][name]) == float(value) for name, value in losses[1].items())


@pytest.mark.parametrize("network", NETWORKS)
def test_without_the_teacher_nothing_judges(network):
    plain, switched = make(network), make(network, teacher=False)
    assert switched.loss_names == tuple(name for name in plain.loss_names if name not in ("region", "ranking"))
    theirs, ours = (model(images(), all_regions=True) for model in (plain, switched))
    assert theirs.keys() - ours.keys() == {"region_logits"}
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    losses = [model.losses_by_name(LABELS, outputs, None) for model, outputs in ((plain, theirs), (switched, ours))]
    assert losses[0].keys() - losses[1].keys() == {"region", "ranking"}
    assert all(float(losses[0][name]) == float(value) for name, value in losses[1].items())


def test_without_the_teacher_the_mean_is_that_of_the_other_heads():
    outputs = make("nts_net", teacher=False, decision="mean")(images())
    heads = [tf.nn.softmax(outputs[f"{name}_logits"]) for name in ("whole", "fused")]
    np.testing.assert_allclose(outputs["probabilities"], sum(heads) / 2, atol=1e-6)


@pytest.mark.parametrize("options", [{}, *({"navigation": control} for control in CONTROLS)], ids=["navigator", *CONTROLS])
def test_without_the_teacher_the_navigator_stays_and_the_rest_learns(options):
    model = make("drna_net", teacher=False, **options)
    model.compile(keras.optimizers.AdamW(1e-2, weight_decay=0.1), run_eagerly=True)
    before = weights(model)
    found = model.fit(images(), LABELS, verbose=0).history
    assert found.keys() >= {f"{name}_loss" for name in model.loss_names} and np.isfinite(found["loss"]).all()
    moved = {path.split("/")[0] for path, value in weights(model).items() if not np.array_equal(value, before[path])}
    assert "navigator" not in moved
    assert moved >= {"whole_classifier", "fused_classifier", "augmented_classifier"}


TRAINED = {
    "whole": {"whole_classifier"},
    "region": {"teacher"},
    "fused": {"fused_classifier"},
    "augmented": {"augmented_classifier"},
    "ranking": {"navigator"},
}


@pytest.mark.parametrize("loss", TRAINED)
def test_a_loss_of_weight_0_takes_the_gradient_of_its_own_head_alone(loss):
    found = []
    for weight in (1.0, 0.0):
        model = make("drna_net", batch_norm="frozen")
        model.compile(loss_weights={loss: weight})
        found.append(gradients(model))
    heads = {path for path in found[0] if path.split("/")[0] in set().union(*TRAINED.values())}
    own = {path for path in heads if path.split("/")[0] in TRAINED[loss]}
    assert any(found[0][path].any() for path in own) and not any(found[1][path].any() for path in own)
    for path in heads - own:
        np.testing.assert_allclose(found[1][path], found[0][path], atol=1e-6, err_msg=path)
    backbone_moves = any(not np.allclose(found[0][path], found[1][path]) for path in found[0].keys() - heads)
    assert backbone_moves == (loss != "ranking")


@pytest.mark.parametrize("network", NETWORKS)
def test_the_number_of_proposals_changes_training_alone(network):
    few, many = make(network), make(network, num_proposals=5)
    theirs, ours = few(images()), many(images())
    for name, value in theirs.items():
        np.testing.assert_array_equal(ours[name], value, err_msg=name)
    assert many(images(), training=True)["region_logits"].shape == (2, 5, 3)


@pytest.mark.parametrize("network, width", [("nts_net", 1), ("drna_net", 2)])
def test_the_number_of_regions_changes_the_fused_width(network, width):
    for count in (1, 2, 3):
        kernel = make(network, num_regions=count).fused_classifier.classifier.kernel
        assert kernel.shape == ((count * width + 1) * 8, 3)


def test_random_regions_are_new_in_training_and_fixed_otherwise(tmp_path):
    model = make("nts_net", navigation="random")
    first, second = (np.asarray(model(images(), training=True)["region_index"]) for _ in range(2))
    assert not np.array_equal(first, second) and not np.array_equal(first[0], first[1])
    # On JAX Keras trains past __call__, so that no layer learns of training by itself.
    assert len({tuple(np.asarray(model.call(images(), training=True)["region_index"])[0]) for _ in range(3)}) > 1
    fixed = np.asarray(model(images(3), all_regions=True)["region_index"])
    assert (fixed == fixed[0]).all()
    np.testing.assert_array_equal(model(images(3)[::-1], all_regions=True)["region_index"], fixed)
    other = make("nts_net", navigation="random", navigation_seed=1)
    assert not np.array_equal(other(images(3), all_regions=True)["region_index"], fixed)
    model.save(tmp_path / "model.keras")
    copy = lk.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(copy(images(3), all_regions=True)["region_index"], fixed)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 9])
def test_a_grid_keeps_all_its_regions_apart_and_spread(count):
    model = make("nts_net", image_size=448, whole_size=448, num_regions=count, num_proposals=count, navigation="grid")
    picked = np.asarray(propose(model.navigator(np.zeros((1, 14, 14, 8), np.float32)), model.anchors, count).boxes)[0]
    for place, box in enumerate(picked):
        assert not np.asarray(overlaps(np.delete(picked, place, axis=0), box)).any()
    rows = int(np.ceil(np.sqrt(count)))
    columns = int(np.ceil(count / rows))
    cells = np.indices((rows, columns)).reshape(2, -1)[:, :count].T
    centres = (picked[:, :2] + picked[:, 2:]) / 2
    # Each region's centre lies in its own cell.
    np.testing.assert_array_equal(np.floor(centres / 448 * [rows, columns]), cells)


def test_switches_are_arguments_that_the_signature_shows():
    for network in NETWORKS.values():
        parameters = inspect.signature(network).parameters
        assert parameters["navigation"].default == "navigator" and parameters["teacher"].default is True
