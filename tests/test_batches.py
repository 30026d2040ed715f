"""Batches: their shapes, their order, augmentation, and photographs that cannot be read."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from photographs import encode, scene, write

from logo_keras import datasets
from logo_keras.datasets.batches.order import Order
from logo_keras.datasets.batches.photo_augmentation import Augmentation, augment
from logo_keras.image.preprocessing import UnreadablePhotograph, prepare, read, resize


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Ten photographs of two brands, of different shapes."""
    root = tmp_path_factory.mktemp("set")
    for number in range(10):
        write(root / "ab"[number % 2] / f"{number}.png", seed=number, height=20 + 3 * number, width=50 - 2 * number)
    return datasets.load("folder", root)


@pytest.fixture
def damaged(tmp_path):
    """Five photographs, three of which cannot be read."""
    for number in (0, 4):
        write(tmp_path / "a" / f"{number}.jpg", seed=number)
    (tmp_path / "a" / "1.jpg").write_bytes(b"")
    (tmp_path / "a" / "2.jpg").write_bytes(encode(scene())[:300])
    (tmp_path / "a" / "3.jpg").write_text("<html>gone</html>")
    return datasets.load("folder", tmp_path)


ENGINES = ("tf.data", "keras")
both_engines = pytest.mark.parametrize("engine", ENGINES)


def everything(batches):
    images, labels = zip(*((np.asarray(image), np.asarray(label)) for image, label in batches), strict=True)
    return np.concatenate(images), np.concatenate(labels)


@both_engines
def test_batches_keep_the_order_and_the_remainder(dataset, engine):
    batches = dataset.batches(4, 32, engine=engine)
    assert [len(labels) for _, labels in batches] == [4, 4, 2]
    images, labels = everything(batches)
    np.testing.assert_array_equal(labels, dataset.labels)
    np.testing.assert_array_equal(images, [prepare(path, 32) for path in dataset.paths])


def test_batches_have_static_shapes_apart_from_the_batch(dataset):
    images, labels = dataset.batches(4, 32, training=True, engine="tf.data").element_spec
    assert (images.dtype, images.shape.as_list()) == (tf.float32, [None, 32, 32, 3])
    assert (labels.dtype, labels.shape.as_list()) == (tf.int64, [None])


@both_engines
def test_an_epoch_is_drawn_from_the_seed_and_its_number(dataset, engine):
    batches = dataset.batches(4, 32, training=True, seed=5, engine=engine)
    for epoch in range(2):
        tf.random.set_seed(epoch)
        images, labels = everything(batches)
        order = np.random.default_rng([5, epoch]).permutation(10)
        wanted = [augment(read(dataset.paths[index]), 32, np.random.default_rng([5, epoch, index])) for index in order]
        np.testing.assert_array_equal(images, wanted)
        np.testing.assert_array_equal(labels, dataset.labels[order])


OPTIONS = [
    {"preprocessing": "paper"},
    {"augment": "randaugment"},
    {"augment": Augmentation(mixup=0.4, cutmix=1.0, flip=0.0)},
    {"balance": 0.5},
    {"shard": (1, 3)},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_both_engines_give_the_same_epochs(dataset, options):
    runs = [dataset.batches(4, 32, training=True, seed=5, engine=engine, **options) for engine in ENGINES]
    epochs = [[everything(batches) for _ in range(2)] for batches in runs]
    for ours, theirs in zip(*epochs, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
    assert not np.array_equal(epochs[0][0][0], epochs[0][1][0])


@pytest.mark.parametrize(
    ("augment", "engine"), [("standard", "keras"), ("standard", "tf.data"), ("randaugment", "keras"), ("cutmix", "keras")]
)
def test_a_run_that_goes_on_sees_the_epochs_of_one_that_never_stopped(dataset, engine, augment):
    options = {"training": True, "augment": augment, "engine": engine}
    whole, rest = dataset.batches(4, 32, **options), dataset.batches(4, 32, first_epoch=2, **options)
    epochs = [everything(whole) for _ in range(4)]
    for epoch in epochs[2:]:
        for one, other in zip(epoch, everything(rest), strict=True):
            np.testing.assert_array_equal(one, other)


@both_engines
def test_mixed_labels_are_shares_of_each_class(dataset, engine):
    images, labels = everything(dataset.batches(4, 32, training=True, augment="mixup", engine=engine))
    assert (images.dtype, labels.dtype, labels.shape) == (np.float32, np.float32, (10, 2))
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
    assert 0 <= images.min() and images.max() <= 255


def test_shapes_of_mixed_batches_are_known(dataset):
    images, labels = dataset.batches(4, 32, training=True, augment="cutmix", engine="tf.data").element_spec
    assert (images.dtype, images.shape.as_list()) == (tf.float32, [None, 32, 32, 3])
    assert (labels.dtype, labels.shape.as_list()) == (tf.float32, [None, 2])


@both_engines
def test_other_seeds_give_other_epochs(dataset, engine):
    one, other = (everything(dataset.batches(4, 32, training=True, seed=seed, engine=engine))[0] for seed in (5, 6))
    assert not np.array_equal(one, other)


@both_engines
def test_a_photograph_that_is_drawn_twice_is_augmented_in_two_ways(dataset, engine):
    one = dataset.subset([0, 1, 3, 5, 7, 9])
    images, labels = everything(one.batches(6, 32, training=True, balance=1.0, engine=engine))
    assert len(np.unique(images[labels == 0], axis=0)) == (labels == 0).sum() == 3


@both_engines
def test_shards_are_disjoint_and_together_the_data_set(dataset, engine):
    shards = [everything(dataset.batches(4, 32, shard=(index, 3), engine=engine))[0] for index in range(3)]
    together = np.empty((10, 32, 32, 3), np.float32)
    for index, shard in enumerate(shards):
        together[index::3] = shard
    np.testing.assert_array_equal(together, everything(dataset.batches(4, 32))[0])


def test_batches_are_keras_own_unless_tensorflows_are_asked_for(dataset):
    assert isinstance(dataset.batches(4, 32), keras.utils.PyDataset)
    assert isinstance(dataset.batches(4, 32, engine="tf.data"), tf.data.Dataset)


def test_repeat_goes_on_to_another_epoch(dataset):
    images, _ = everything(dataset.batches(10, 16, training=True, engine="tf.data").repeat(2))
    assert images.shape == (20, 16, 16, 3)
    assert not np.array_equal(images[:10], images[10:])


def test_the_number_of_batches_is_known(dataset, damaged):
    assert len(dataset.batches(4, 32, training=True)) == 3
    assert len(dataset.batches(2, 32, training=True, shard=(2, 3))) == 2
    assert dataset.batches(4, 32, training=True, engine="tf.data").cardinality() == 3
    # Two photographs are left.
    assert len(damaged.batches(2, 32)) == 1


def test_unreadable_photographs_are_left_out_and_named(damaged):
    images, labels = everything(damaged.batches(2, 32))
    np.testing.assert_array_equal(images, [prepare(damaged.paths[i], 32) for i in (0, 4)])
    assert labels.tolist() == [0, 0]
    assert {path.rpartition("/")[2]: reason for path, reason in damaged.unreadable.items()} == {
        "1.jpg": "the file is empty",
        "2.jpg": "truncated: the JPEG ends inside a segment",
        "3.jpg": "not an image of a known format (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, HEIC)",
    }
    assert damaged.readable().paths == (damaged.paths[0], damaged.paths[4])


@both_engines
@pytest.mark.parametrize("balance", [0.0, 1.0])
def test_in_training_the_next_photo_of_the_epoch_takes_the_place_of_one_that_cannot_be_read(damaged, engine, balance):
    options = {"training": True, "augment": "none", "balance": balance, "engine": engine}
    order = Order(damaged.labels, True, balance=balance)
    batches = damaged.batches(2, 16, **options)
    for epoch in range(3):
        places = order.epoch(epoch)[0].tolist()
        wanted = [next(place for place in places[at:] + places if place in (0, 4)) for at in range(5)]
        found = [np.asarray(images) for images, _ in batches]
        assert [len(images) for images in found] == [2, 2, 1]
        np.testing.assert_array_equal(np.concatenate(found), [prepare(damaged.paths[place], 16) for place in wanted])
    assert {path.rpartition("/")[2] for path in damaged.unreadable} == {"1.jpg", "2.jpg", "3.jpg"}
    # A run that begins later gives the same, though it has seen no other epoch.
    later = damaged.batches(2, 16, first_epoch=2, **options)
    np.testing.assert_array_equal(everything(later)[0], np.concatenate(found))


def test_a_photo_that_takes_the_place_of_others_is_augmented_in_other_ways(damaged):
    images, labels = everything(damaged.batches(5, 16, training=True))
    assert labels.tolist() == [0] * 5
    assert len(np.unique(images, axis=0)) == 5


def test_no_photograph_is_read_before_training_asks_for_a_batch(damaged, monkeypatch):
    monkeypatch.setattr(datasets.Dataset, "check", None)
    monkeypatch.setattr(datasets.Dataset, "photograph", None)
    assert len(damaged.batches(2, 16, training=True)) == 3
    assert not damaged.unreadable


def test_training_stops_at_the_first_unreadable_photograph_when_strict(damaged):
    batches = damaged.batches(5, 16, training=True, strict=True)
    with pytest.raises(UnreadablePhotograph, match="[123].jpg: "):
        everything(batches)


def test_training_without_one_readable_photograph_is_refused(damaged):
    batches = damaged.subset([1, 2, 3]).batches(2, 16, training=True)
    with pytest.raises(ValueError, match="none of the 3 photographs can be read; .*[123].jpg: "):
        everything(batches)


@pytest.fixture
def vanishing(tmp_path):
    """Two photographs, and the path of the second."""
    write(tmp_path / "a" / "0.jpg")
    gone = write(tmp_path / "a" / "1.jpg")
    return datasets.load("folder", tmp_path), gone


def test_a_photograph_that_disappears_before_the_batches_is_unreadable(vanishing):
    dataset, gone = vanishing
    gone.unlink()
    assert len(everything(dataset.batches(2, 16))[0]) == 1
    assert dataset.unreadable == {str(gone): "no such file"}


@both_engines
def test_a_photograph_that_disappears_between_batches_makes_its_batch_smaller(vanishing, engine):
    dataset, gone = vanishing
    batches = dataset.batches(2, 16, engine=engine)
    gone.unlink()
    images, _ = everything(batches)
    np.testing.assert_array_equal(images, [prepare(dataset.paths[0], 16)])
    assert dataset.unreadable == {str(gone): "no such file"}


@both_engines
def test_a_batch_that_disappears_as_a_whole_ends_the_iteration(vanishing, engine):
    dataset, gone = vanishing
    batches = dataset.batches(1, 16, engine=engine)
    gone.unlink()
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError), match="Not one photograph of a batch can be read any more"):
        everything(batches)


def test_strict_stops_at_once_and_names_the_first_unreadable_photograph(damaged):
    with pytest.raises(UnreadablePhotograph, match="1.jpg: the file is empty"):
        damaged.batches(2, 32, strict=True)


def test_strict_stops_when_a_photograph_disappears_between_batches(vanishing):
    dataset, gone = vanishing
    batches = dataset.batches(2, 16, strict=True, engine="tf.data")
    gone.unlink()
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        everything(batches)
    assert f"UnreadablePhoto: {gone}: no such file" in str(caught.value)


def test_strict_stops_with_the_photograph_itself_where_keras_reads(vanishing):
    dataset, gone = vanishing
    batches = dataset.batches(2, 16, strict=True, engine="keras")
    gone.unlink()
    with pytest.raises(UnreadablePhotograph, match="1.jpg: no such file"):
        everything(batches)


def test_a_set_without_one_readable_photograph_is_refused(damaged):
    with pytest.raises(ValueError, match="none of the 3 photographs can be read; .*1.jpg: the file is empty"):
        damaged.subset([1, 2, 3]).batches(2, 32)


@both_engines
def test_keras_trains_on_batches_without_a_warning(dataset, engine):
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = model.fit(dataset.batches(4, 8, training=True, engine=engine), epochs=2, shuffle=False, verbose=0)
    assert len(history.history["loss"]) == 2


def test_cut_out_samples_come_in_batches(tmp_path):
    path = write(tmp_path / "photo.png", height=40, width=60)
    boxes = [[(0, 0, 10, 10), (20, 20, 40, 50)]]
    cut = datasets.Dataset(paths=[path], labels=[0], class_names=["a"], boxes=boxes).cut(0)
    images, _ = everything(cut.batches(4, 16))
    np.testing.assert_array_equal(images, [resize(scene()[:10, :10], 16), resize(scene()[20:40, 20:50], 16)])


def test_batches_are_made_ahead_and_those_no_longer_wanted_are_dropped(dataset):
    batches = dataset.batches(2, 8, training=True, engine="keras")
    first = batches[0][0]
    assert sorted(batches._ahead) == [(0, 1), (0, 2)]
    np.testing.assert_array_equal(batches[0][0], first)
    batches[4]
    assert not batches._ahead
    with pytest.raises(IndexError, match="there are 5 batches, got number 5"):
        batches[5]


@pytest.mark.parametrize("batch_size", [2, 5, 10])
def test_keras_gives_every_epoch_once(dataset, batch_size, monkeypatch):
    asked, epoch = [], Order.epoch
    monkeypatch.setattr(Order, "epoch", lambda self, number: asked.append(number) or epoch(self, number))
    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    batches = dataset.batches(batch_size, 8, training=True, first_epoch=4, engine="keras")
    model.fit(batches, epochs=3, shuffle=False, verbose=0)
    assert (asked, batches.epoch) == ([4, 5, 6], 7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
        ({"image_size": 32.0}, "image_size must be an integer of at least 1, got 32.0"),
        ({"seed": -1}, "seed must be an integer of at least 0, got -1"),
        ({"preprocessing": "letterbox"}, "preprocessing must be one of stretch, paper, got 'letterbox'"),
        ({"first_epoch": -1}, "first_epoch must be an integer of at least 0, got -1"),
        ({"engine": "torch"}, "engine must be keras or tf.data, or None, got 'torch'"),
        ({"shard": (2, 2)}, r"shard must be \(index, count\), integers with 0 <= index < count, got \(2, 2\)"),
        ({"shard": 2}, "shard must be"),
        ({"shard": (0, 1.0)}, "shard must be"),
        ({"training": True, "balance": 1.5}, r"balance must be a number in \[0, 1\], got 1.5"),
        ({"training": True, "balance": True}, "balance must be a number"),
        ({"balance": 0.5}, "balance=0.5 changes how often photographs come in training only"),
        ({"augment": "mixup"}, "augment='mixup' changes photographs in training only"),
        ({"augment": "colour"}, "augment must be one of standard, none, randaugment, mixup, cutmix"),
    ],
)
def test_bad_arguments_are_refused_before_a_photograph_is_read(dataset, change, message, monkeypatch):
    monkeypatch.setattr(datasets.Dataset, "check", None)
    with pytest.raises(ValueError, match=message):
        dataset.batches(**({"batch_size": 2, "image_size": 32} | change))


def test_photographs_without_a_brand_are_not_mixed(dataset):
    unlabelled = datasets.Dataset(dataset.paths, [-1] * len(dataset), dataset.class_names)
    with pytest.raises(ValueError, match="label -1. cannot be mixed with others"):
        unlabelled.batches(4, 32, training=True, augment="mixup")


def test_an_empty_data_set_has_no_batches(dataset):
    with pytest.raises(ValueError, match="the data set has no photographs"):
        dataset.subset([]).batches(2, 32)


def test_paper_is_the_middle_without_training(dataset):
    images, _ = everything(dataset.batches(4, 32, preprocessing="paper"))
    np.testing.assert_array_equal(images, [prepare(path, 32, "paper") for path in dataset.paths])


def test_paper_gives_the_same_batches_for_the_same_seed(dataset):
    first, second = (everything(dataset.batches(4, 32, training=True, seed=5, preprocessing="paper"))[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


@both_engines
@pytest.mark.parametrize("steps", [2, 4])
def test_epochs_of_other_lengths_are_stretches_of_the_same_batches(dataset, engine, steps):
    options = {"training": True, "augment": "mixup", "engine": engine}
    passes = dataset.batches(4, 32, **options)
    whole = [np.asarray(images) for _ in range(3) for images, _ in passes]
    epochs = dataset.batches(4, 32, steps=steps, **options)
    assert len(epochs) == steps
    for number in range(2):
        found = [np.asarray(images) for images, _ in epochs]
        assert len(found) == steps
        for one, other in zip(found, whole[number * steps :], strict=False):
            np.testing.assert_array_equal(one, other)
    later = dataset.batches(4, 32, steps=steps, first_epoch=1, **options)
    np.testing.assert_array_equal(np.asarray(next(iter(later))[0]), whole[steps])


@both_engines
def test_the_epoch_can_be_said(dataset, engine):
    batches = dataset.batches(4, 32, training=True, engine=engine)
    epochs = [everything(batches)[0] for _ in range(3)]
    batches.set_epoch(1)
    np.testing.assert_array_equal(everything(batches)[0], epochs[1])


def test_steps_are_checked(dataset):
    with pytest.raises(ValueError, match="steps must be an integer of at least 1, or None, got 0"):
        dataset.batches(4, 32, steps=0)
