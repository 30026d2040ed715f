"""What the region networks do beyond what every model does."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from tiny import REGIONS, tiny_backbone

import logo_keras as lk
from logo_keras.network.losses import ranking_loss
from logo_keras.network.regions import crop_regions

OPTIONS = REGIONS | {"num_classes": 3, "weights": None}


def nts_net(**options):
    return lk.NTSNet(backbone=tiny_backbone(), **(OPTIONS | options))


def drna_net(**options):
    return lk.DRNANet(backbone=tiny_backbone(), **(OPTIONS | options))


def images(count=2, size=96):
    return np.random.RandomState(0).uniform(0, 255, (count, size, size, 3)).astype(np.float32)


def test_outputs_have_the_names_and_shapes_of_the_words_table():
    outputs = nts_net()(images())
    assert {name: tuple(value.shape) for name, value in outputs.items()} == {
        "probabilities": (2, 3),
        "fused_logits": (2, 3),
        "whole_logits": (2, 3),
        "region_scores": (2, 2),
        "region_boxes": (2, 2, 4),
    }


@pytest.mark.parametrize("options", [{"all_regions": True}, {"training": True}])
def test_all_regions_come_when_asked_for_and_in_training(options):
    model = drna_net()
    outputs = model(images(), **options)
    shapes = {name: tuple(value.shape) for name, value in outputs.items()}
    assert shapes["region_logits"] == (2, 3, 3)
    assert shapes["region_index"] == (2, 3)
    assert shapes["region_boxes"] == (2, 3, 4)
    assert shapes["augmented_logits"] == (2, 2, 2, 3)
    index = ops.convert_to_numpy(outputs["region_index"])
    np.testing.assert_array_equal(outputs["region_boxes"], model.boxes[index])
    np.testing.assert_array_equal(outputs["region_scores"], np.take_along_axis(outputs["scores"].numpy(), index, 1))


def test_the_first_regions_are_those_of_a_shorter_answer():
    model = nts_net()
    few, all_ = model(images()), model(images(), all_regions=True)
    np.testing.assert_array_equal(few["region_boxes"], all_["region_boxes"][:, :2])
    np.testing.assert_allclose(few["probabilities"], all_["probabilities"], atol=1e-6)


def test_the_mean_decides_as_stated():
    outputs = nts_net(decision="mean")(images(), all_regions=True)
    heads = [outputs["whole_logits"], outputs["fused_logits"], *ops.unstack(outputs["region_logits"][:, :2], axis=1)]
    np.testing.assert_allclose(outputs["probabilities"], sum(map(ops.softmax, heads)) / 4, atol=1e-6)


def test_region_logits_are_the_teachers_view_of_the_crop():
    model = nts_net()
    outputs = model(images(), all_regions=True)
    crops = crop_regions(model.normalize(images()), outputs["region_boxes"], 32)
    features = ops.mean(model.extractor(crops[:, 1])["32"], axis=(1, 2))
    np.testing.assert_allclose(model.teacher(features), outputs["region_logits"][:, 1], atol=1e-5)


def test_fused_logits_are_of_the_regions_in_order_and_the_whole():
    model = nts_net()
    outputs = model(images())
    normalized = model.normalize(images())
    crops = crop_regions(normalized, outputs["region_boxes"], 32)
    features = [ops.mean(model.extractor(image)["32"], axis=(1, 2)) for image in (crops[:, 0], crops[:, 1], normalized)]
    kernel, bias = model.fused_classifier.get_weights()
    np.testing.assert_allclose(ops.concatenate(features, -1) @ kernel + bias, outputs["fused_logits"], atol=1e-5)


def test_fused_views_follow_each_region_in_the_order_given():
    model = drna_net(views=("drop", "region"))
    outputs = model(images(), all_regions=True)
    normalized = model.normalize(images())
    boxes = outputs["region_boxes"][:, :2]
    regions = crop_regions(normalized, boxes, 32)

    def features(crops):
        return ops.mean(model.extractor(crops)["32"], axis=(1, 2))

    maps = ops.stack([model.extractor(regions[:, k])["32"] for k in range(2)], axis=1)
    drop = model.augmentation(normalized, boxes, maps)["drop"]
    order = [features(drop[:, 0]), features(regions[:, 0]), features(drop[:, 1]), features(regions[:, 1]), features(normalized)]
    kernel, bias = model.fused_classifier.get_weights()
    np.testing.assert_allclose(ops.concatenate(order, -1) @ kernel + bias, outputs["fused_logits"], atol=1e-4)


def test_the_region_alone_makes_it_nts_net():
    nts, drna = nts_net(), drna_net(views=("region",))
    assert drna.loss_names == nts.loss_names
    drna.set_weights(nts.get_weights())
    theirs = drna(images(), all_regions=True)
    for name, value in nts(images(), all_regions=True).items():
        np.testing.assert_allclose(theirs[name], value, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("make", [nts_net, drna_net])
def test_the_embedding_is_what_the_fused_classifier_decides_from(make):
    model = make(decision="mean")
    outputs = model(images(), embedding=True)
    embedding, head = outputs["embedding"].numpy(), model.fused_classifier.classifier
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=-1), 1, atol=1e-6)
    # Its direction: the logits without their bias are its products with the kernel, times its length before.
    logits = outputs["fused_logits"].numpy() - head.bias.numpy()
    products = embedding @ head.kernel.numpy()
    np.testing.assert_allclose(logits / np.linalg.norm(logits, axis=-1, keepdims=True),
                               products / np.linalg.norm(products, axis=-1, keepdims=True), atol=1e-5)  # fmt: skip
    assert "embedding" not in model(images())


@pytest.mark.parametrize("size", [224, 320, 448])
def test_every_image_size_is_answered(size):
    outputs = nts_net(image_size=size, whole_size=size // 64 * 32)(images(1, size))
    assert outputs["region_boxes"].shape == (1, 2, 4)


@pytest.mark.parametrize("count", [1, 3])
def test_as_many_regions_as_proposals(count):
    model = drna_net(num_proposals=count, num_regions=count)
    model.compile(run_eagerly=True)
    assert np.isfinite(model.train_on_batch(images(), np.array([0, 1]))).all()


def test_losses_are_those_of_the_outputs():
    model = nts_net()
    model.compile()
    labels = np.array([0, 2])
    outputs = model(images(), all_regions=True)
    results = model.evaluate(images(), labels, verbose=0, return_dict=True)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    region_losses = entropy(np.repeat(labels[:, None], 3, axis=1), outputs["region_logits"])
    assert results["region_loss"] == pytest.approx(float(ops.mean(region_losses)), rel=1e-4)
    assert results["fused_loss"] == pytest.approx(float(ops.mean(entropy(labels, outputs["fused_logits"]))), rel=1e-4)
    assert results["ranking_loss"] == pytest.approx(float(ranking_loss(outputs["region_scores"], -region_losses)), rel=1e-4)


def test_the_total_is_the_weighted_sum_of_the_losses():
    model, labels = drna_net(), tf.constant([0, 2])
    model.compile(loss_weights={"ranking": 0.0, "region": 2.0})
    outputs = model(images(), all_regions=True)
    losses = {name: float(value) for name, value in model.losses_by_name(labels, outputs, None).items()}
    wanted = losses["whole"] + 2 * losses["region"] + losses["fused"] + losses["augmented"]
    assert losses["ranking"] > 0 and float(model.compute_loss(None, labels, outputs)) == pytest.approx(wanted, rel=1e-5)


def test_the_first_look_is_usable_by_itself():
    model = drna_net()
    normalized, whole, proposals = model.look(images())
    outputs = model(images())
    np.testing.assert_array_equal(proposals.boxes, outputs["region_boxes"])
    np.testing.assert_allclose(model.whole_classifier(whole.feature), outputs["whole_logits"], atol=1e-6)
    np.testing.assert_array_equal(normalized, model.normalize(images()))


def gradients_of(loss_name, model):
    """Which variables a loss alone moves, by path."""
    labels = np.array([0, 1])
    with tf.GradientTape() as tape:
        outputs = model(images(), training=True)
        loss = model.losses_by_name(labels, outputs, None)[loss_name]
    variables = model.trainable_variables
    gradients = tape.gradient(loss, variables)
    return {variable.path for variable, gradient in zip(variables, gradients, strict=True) if gradient is not None}


def test_the_ranking_loss_moves_the_navigator_alone():
    model = nts_net()
    moved = gradients_of("ranking", model)
    assert moved == {variable.path for variable in model.navigator.trainable_variables}


@pytest.mark.parametrize("loss", ["whole", "region", "fused", "augmented"])
def test_the_other_losses_do_not_move_the_navigator(loss):
    model = drna_net()
    moved = gradients_of(loss, model)
    assert moved and not moved & {variable.path for variable in model.navigator.trainable_variables}
    assert {variable.path for variable in model.extractor.trainable_variables} <= moved


def test_batch_norm_takes_one_update_a_pass():
    # Momentum 0.9 and three passes: whole, regions, views. The zeros of the start fade by 0.9 each time.
    model = drna_net()
    norm = next(layer for layer in model.extractor.layers if isinstance(layer, keras.layers.BatchNormalization))
    norm.moving_variance.assign(np.full(8, 1e6, np.float32))
    model(images(), training=True)
    assert float(ops.max(norm.moving_variance)) == pytest.approx(1e6 * 0.9**3, rel=1e-2)


def test_dropout_acts_in_training_only():
    model = nts_net(dropout=0.9)
    first, second = (model(images(), training=False)["fused_logits"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    noisy, noisier = (model(images(), training=True)["fused_logits"] for _ in range(2))
    assert not np.allclose(noisy, noisier)


def test_an_equal_score_is_a_near_tie():
    model = nts_net()
    assert not model.near_ties(images()).any()
    for tidy in (model.navigator.tidy1, model.navigator.tidy2, model.navigator.tidy3):
        tidy.set_weights([np.zeros_like(weights) for weights in tidy.get_weights()])
    assert model.near_ties(images()).all()


def test_a_map_at_its_threshold_is_a_near_tie():
    model = drna_net(image_size=96, region_size=64)
    outputs = dict(model(images(1), all_regions=True))
    outputs["augmentation_maps"] = np.zeros((1, 2, 2, 2), np.float32)
    assert not model._near_ties(outputs, 1e-5).any()
    outputs["augmentation_maps"] = np.full((1, 2, 2, 2), 0.500001, np.float32)
    assert model._near_ties(outputs, 1e-5).all()


@pytest.mark.parametrize("make", [nts_net, drna_net])
def test_sixteen_photographs_can_be_learnt_by_heart(make):
    keras.utils.set_random_seed(1)
    photos = np.repeat(images(4), 4, axis=0)
    labels = np.repeat([0, 1, 2, 0], 4)
    model = make(dropout=0.0)
    model.compile(optimizer=keras.optimizers.Adam(3e-3))
    assert model.fit(photos, labels, batch_size=16, epochs=40, verbose=0).history["top1"][-1] == 1.0


@pytest.mark.parametrize("cls", [lk.NTSNet, lk.DRNANet])
def test_the_fill_is_the_backbones_and_is_kept_in_the_file(cls, tmp_path):
    value = dataclasses.replace(tiny_backbone(), fill=(0.5, 0.25, -0.5))
    options = {"image_size": 64, "region_size": 32, "num_proposals": 2, "num_regions": 1, "weights": None}
    model = cls(num_classes=2, backbone=value, **options)
    assert model.fill == (0.5, 0.25, -0.5) and cls(num_classes=2, backbone=tiny_backbone(), fill=1, **options).fill == 1.0
    outside = np.float32([[[-90, -90, -60, -60]]])
    np.testing.assert_allclose(model.cut(np.ones((1, 64, 64, 3), np.float32), outside)[0, 0, 0, 0], model.fill, atol=1e-6)
    model.save(tmp_path / "model.keras")
    loaded = lk.load(tmp_path / "model.keras")
    assert loaded.fill == model.fill
    if cls is lk.DRNANet:
        assert loaded.augmentation.fill == model.fill
    images = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    np.testing.assert_allclose(loaded(images)["probabilities"], model(images)["probabilities"], atol=1e-6)


@pytest.mark.parametrize(("views", "auxiliary"), [(("crop", "drop"), ()), (("region",), ("drop",)), (("region",), ())])
def test_inspect_gives_what_a_call_gives_and_pictures_of_what_the_backbone_sees(views, auxiliary):
    model = drna_net(views=views, auxiliary_views=auxiliary)
    photos, seen = images(), []
    see = model.see
    model.see = lambda pictures, kind, training=None: seen.append((kind, pictures)) or see(pictures, kind, training)
    inside = model.inspect(photos)
    outputs = model(photos, all_regions=True)
    for name, value in outputs.items():
        np.testing.assert_allclose(inside[name], value, atol=1e-6, err_msg=name)
    # The tiny backbone's pixels are (x - 127.5) / 127.5.
    shown = {kind: np.clip(np.round(127.5 * ops.convert_to_numpy(value) + 127.5), 0, 255) for kind, value in seen}
    np.testing.assert_allclose(inside["regions"], shown["region"], atol=1)
    names = [name for name in ("crop", "drop") if name in (*views, *auxiliary)]
    assert [name for name in ("crop", "drop") if name in inside] == names
    for place, name in enumerate(names):
        np.testing.assert_allclose(inside[name], shown["view"][:, :, place], atol=1)


def test_a_network_without_augmentation_shows_its_regions_alone():
    inside = nts_net().inspect(images())
    assert inside["regions"].shape == (2, 3, 32, 32, 3) and inside["regions"].dtype == np.uint8
    assert not {"crop", "drop", "augmentation_maps"} & set(inside)


def test_a_preprocessing_that_swaps_channels_is_undone_and_another_one_is_refused():
    photos = images(1)
    model = nts_net()
    model.normalize = lk.backbones.Normalize((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), reverse_channels=True)
    np.testing.assert_allclose(model.denormalized(model.normalized(photos)), photos, atol=0.51)
    model.normalize = keras.layers.Lambda(lambda x: x**2)
    with pytest.raises(ValueError, match="cannot be undone"):
        model.denormalized(photos)
