"""Batches: their shapes, their order, augmentation, and photographs that cannot be read."""

import warnings

import numpy as np
import pytest
import tensorflow as tf
from photographs import encode, scene, write

from logo_keras import datasets
from logo_keras.datasets import pipeline
from logo_keras.preprocessing import UnreadablePhotograph, prepare, resize


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


def everything(batches):
    images, labels = zip(*batches.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def test_batches_keep_the_order_and_the_remainder(dataset):
    batches = dataset.batches(4, 32)
    assert [len(labels) for _, labels in batches] == [4, 4, 2]
    images, labels = everything(batches)
    np.testing.assert_array_equal(labels, dataset.labels)
    np.testing.assert_array_equal(images, [prepare(path, 32) for path in dataset.paths])


def test_batches_have_static_shapes_apart_from_the_batch(dataset):
    images, labels = dataset.batches(4, 32, training=True).element_spec
    assert (images.dtype, images.shape.as_list()) == (tf.float32, [None, 32, 32, 3])
    assert (labels.dtype, labels.shape.as_list()) == (tf.int64, [None])


def test_training_shuffles_and_augments_every_photograph_once_an_epoch(dataset):
    batches = dataset.batches(4, 32, training=True)
    (first, labels), (second, _) = everything(batches), everything(batches)
    assert sorted(labels) == sorted(dataset.labels)
    assert len(first) == len(second) == 10
    assert (labels != dataset.labels).any()
    assert not np.array_equal(first, second)
    assert 0 <= first.min() and first.max() <= 255


def test_the_same_seed_gives_the_same_epochs(dataset):
    first, second = (dataset.batches(4, 32, training=True, seed=5) for _ in range(2))
    for epoch in range(2):
        tf.random.set_seed(epoch)
        for ours, theirs in zip(everything(first), everything(second), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert not np.array_equal(everything(dataset.batches(4, 32, training=True, seed=6))[0], everything(first)[0])


def test_repeat_goes_on_to_another_epoch(dataset):
    images, _ = everything(dataset.batches(10, 16, training=True).repeat(2))
    assert images.shape == (20, 16, 16, 3)
    assert not np.array_equal(images[:10], images[10:])


def test_the_number_of_batches_is_known(dataset, damaged):
    assert dataset.batches(4, 32, training=True).cardinality() == 3
    # Two photographs are left.
    assert damaged.batches(2, 32).cardinality() == 1


def test_unreadable_photographs_are_left_out_and_named(damaged):
    images, labels = everything(damaged.batches(2, 32))
    np.testing.assert_array_equal(images, [prepare(damaged.paths[i], 32) for i in (0, 4)])
    assert labels.tolist() == [0, 0]
    assert {path.rpartition("/")[2]: reason for path, reason in damaged.unreadable.items()} == {
        "1.jpg": "the file is empty",
        "2.jpg": "truncated: the JPEG ends inside a segment",
        "3.jpg": "not an image of a known format (JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF)",
    }
    assert damaged.readable().paths == (damaged.paths[0], damaged.paths[4])


def test_unreadable_photographs_are_left_out_in_training_too(damaged):
    images, _ = everything(damaged.batches(2, 32, training=True))
    assert len(images) == 2
    assert len(damaged.unreadable) == 3


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


def test_a_photograph_that_disappears_between_batches_makes_its_batch_smaller(vanishing):
    dataset, gone = vanishing
    batches = dataset.batches(2, 16)
    gone.unlink()
    images, _ = everything(batches)
    np.testing.assert_array_equal(images, [prepare(dataset.paths[0], 16)])
    assert dataset.unreadable == {str(gone): "no such file"}


def test_a_batch_that_disappears_as_a_whole_ends_the_iteration(vanishing):
    dataset, gone = vanishing
    batches = dataset.batches(1, 16)
    gone.unlink()
    with pytest.raises(tf.errors.InvalidArgumentError, match="Not one photograph of a batch can be read any more"):
        everything(batches)


def test_strict_stops_at_once_and_names_the_first_unreadable_photograph(damaged):
    with pytest.raises(UnreadablePhotograph, match="1.jpg: the file is empty"):
        damaged.batches(2, 32, strict=True)


def test_strict_stops_when_a_photograph_disappears_between_batches(vanishing):
    dataset, gone = vanishing
    batches = dataset.batches(2, 16, strict=True)
    gone.unlink()
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        everything(batches)
    assert f"UnreadablePhotograph: {gone}: no such file" in str(caught.value)


def test_a_set_without_one_readable_photograph_is_refused(damaged):
    with pytest.raises(ValueError, match="none of the 3 photographs can be read; .*1.jpg: the file is empty"):
        damaged.subset([1, 2, 3]).batches(2, 32)


def test_keras_trains_on_batches_without_a_warning(dataset):
    import keras

    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = model.fit(dataset.batches(4, 8, training=True), epochs=2, shuffle=False, verbose=0)
    assert len(history.history["loss"]) == 2


def test_cut_out_samples_come_in_batches(tmp_path):
    path = write(tmp_path / "photo.png", height=40, width=60)
    boxes = [[(0, 0, 10, 10), (20, 20, 40, 50)]]
    cut = datasets.Dataset(paths=[path], labels=[0], class_names=["a"], boxes=boxes).cut(0)
    images, _ = everything(cut.batches(4, 16))
    np.testing.assert_array_equal(images, [resize(scene()[:10, :10], 16), resize(scene()[20:40, 20:50], 16)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
        ({"image_size": 32.0}, "image_size must be an integer of at least 1, got 32.0"),
        ({"seed": -1}, "seed must be an integer of at least 0, got -1"),
        ({"preprocessing": "letterbox"}, "preprocessing must be one of stretch, paper, got 'letterbox'"),
    ],
)
def test_bad_arguments_are_refused(dataset, change, message):
    with pytest.raises(ValueError, match=message):
        dataset.batches(**({"batch_size": 2, "image_size": 32} | change))


def test_an_empty_data_set_has_no_batches(dataset):
    with pytest.raises(ValueError, match="the data set has no photographs"):
        dataset.subset([]).batches(2, 32)


def test_augmentation_crops_60_to_100_percent_of_the_area_and_mirrors_half():
    # Columns of a ramp: its span after the crop says how wide the crop was, its direction whether it was mirrored.
    ramp = np.repeat(np.tile(np.linspace(50, 200, 300)[None, :, None], (200, 1, 3)), 1, axis=0).astype(np.uint8)
    shares, mirrored = [], []
    for seed in range(200):
        image = pipeline.augment(ramp, 64, np.random.default_rng(seed)).astype(float)
        span = image[:, -1].mean() - image[:, 0].mean()
        mirrored.append(span < 0)
        shares.append(abs(span) / 150)
    # The contrast factor 0.8 to 1.2 multiplies the span; sides are sqrt(0.6) to 1 of the photograph.
    assert 0.8 * np.sqrt(0.6) - 0.05 < min(shares) < 0.75 and 0.95 < max(shares) < 1.2
    assert 0.4 < np.mean(mirrored) < 0.6


def test_augmentation_changes_brightness_by_no_more_than_its_bound():
    grey = np.full((30, 30, 3), 128, np.uint8)
    means = [pipeline.augment(grey, 16, np.random.default_rng(seed)).mean() for seed in range(100)]
    assert 128 - pipeline.BRIGHTNESS - 1 <= min(means) < 112
    assert 144 < max(means) <= 128 + pipeline.BRIGHTNESS + 1


def test_augmentation_takes_a_photograph_of_one_pixel():
    assert pipeline.augment(np.full((1, 1, 3), 9, np.uint8), 8, np.random.default_rng(0)).shape == (8, 8, 3)


def test_paper_is_the_middle_without_training(dataset):
    images, _ = everything(dataset.batches(4, 32, preprocessing="paper"))
    np.testing.assert_array_equal(images, [prepare(path, 32, "paper") for path in dataset.paths])


def test_paper_crops_and_mirrors_in_training_and_leaves_colours_alone():
    photo = scene(60, 90)
    stretched = resize(photo, 43)
    parts = {stretched[y : y + 32, x : x + 32].tobytes(): (y, x, False) for y in range(12) for x in range(12)}
    parts |= {stretched[y : y + 32, x : x + 32][:, ::-1].tobytes(): (y, x, True) for y in range(12) for x in range(12)}
    rng = np.random.default_rng(0)
    drawn = [parts[pipeline.augment(photo, 32, rng, "paper").tobytes()] for _ in range(400)]
    rows, columns, mirrored = (np.array(values) for values in zip(*drawn, strict=True))
    assert set(rows) == set(columns) == set(range(12))
    assert abs(mirrored.mean() - 0.5) < 0.1


def test_paper_gives_the_same_batches_for_the_same_seed(dataset):
    first, second = (everything(dataset.batches(4, 32, training=True, seed=5, preprocessing="paper"))[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
