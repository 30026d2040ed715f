"""What training does to a photograph and to a batch."""

import dataclasses

import cv2
import numpy as np
import pytest
from photographs import scene

from logo_keras.datasets.batches.photo_augmentation import AUGMENTATIONS, Augmentation, RandAugment, augment, augmentation, mix
from logo_keras.image.preprocessing import resize

STANDARD = Augmentation()


def plain(photo, size, rng):
    """The standard augmentation, written with numpy alone but for the resampling."""
    height, width = photo.shape[:2]
    side = np.sqrt(rng.uniform(0.6, 1.0))
    tall, wide = max(1, round(height * side)), max(1, round(width * side))
    top, left = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
    image = resize(photo[top : top + tall, left : left + wide], size)
    if rng.random() < 0.5:
        image = image[:, ::-1]
    contrast, brightness = rng.uniform(0.8, 1.2), rng.uniform(-25.0, 25.0)
    changed = (image - image.mean()) * contrast + image.mean() + brightness
    return np.clip(np.rint(changed), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", range(12))
def test_the_standard_augmentation_is_its_formula(seed):
    photo = scene(47, 83, seed)
    wanted = plain(photo, 33, np.random.default_rng(seed))
    np.testing.assert_array_equal(augment(photo, 33, np.random.default_rng(seed)), wanted)


def test_crops_of_a_kept_square_are_bilinear_unless_they_shrink_much():
    still = Augmentation(area=(1, 1), flip=0, brightness=0, contrast=(1, 1))
    for side, bilinear in ((41, True), (48, True), (49, False), (90, False)):
        square = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
        image = augment(square, 32, np.random.default_rng(0), how=still, kept=True)
        averaged, sampled = resize(square, 32), cv2.resize(square, (32, 32), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_array_equal(image, sampled if bilinear else averaged)
        assert not np.array_equal(sampled, averaged)


def test_crops_keep_60_to_100_percent_of_the_area_and_half_are_mirrored():
    # Columns of a ramp: its span after the crop says how wide the crop was, its direction whether it was mirrored.
    ramp = np.tile(np.linspace(50, 200, 300)[None, :, None], (200, 1, 3)).astype(np.uint8)
    shares, mirrored = [], []
    for seed in range(200):
        image = augment(ramp, 64, np.random.default_rng(seed)).astype(float)
        span = image[:, -1].mean() - image[:, 0].mean()
        mirrored.append(span < 0)
        shares.append(abs(span) / 150)
    # The contrast factor 0.8 to 1.2 multiplies the span; sides are sqrt(0.6) to 1 of the photograph.
    assert 0.8 * np.sqrt(0.6) - 0.05 < min(shares) < 0.75 and 0.95 < max(shares) < 1.2
    assert 0.4 < np.mean(mirrored) < 0.6


def test_brightness_changes_by_no_more_than_its_bound():
    grey = np.full((30, 30, 3), 128, np.uint8)
    means = [augment(grey, 16, np.random.default_rng(seed)).mean() for seed in range(100)]
    assert 128 - STANDARD.brightness - 1 <= min(means) < 112
    assert 144 < max(means) <= 128 + STANDARD.brightness + 1


def test_a_photograph_of_one_pixel_is_taken():
    assert augment(np.full((1, 1, 3), 9, np.uint8), 8, np.random.default_rng(0)).shape == (8, 8, 3)


def test_an_augmentation_that_does_nothing_is_the_resampled_photograph():
    photo = scene(50, 70)
    still = Augmentation(area=(1, 1), flip=0, brightness=0, contrast=(1, 1))
    np.testing.assert_array_equal(augment(photo, 32, np.random.default_rng(0), how=still), resize(photo, 32))


def test_everything_can_be_mirrored():
    photo = scene(50, 70)
    mirror = Augmentation(area=(1, 1), flip=1, brightness=0, contrast=(1, 1))
    np.testing.assert_array_equal(augment(photo, 32, np.random.default_rng(0), how=mirror), resize(photo, 32)[:, ::-1])
    crops = {augment(photo, 32, np.random.default_rng(seed), "paper", mirror).tobytes() for seed in range(50)}
    stretched = resize(photo, 43)
    assert crops <= {stretched[y : y + 32, x : x + 32][:, ::-1].tobytes() for y in range(12) for x in range(12)}


def test_paper_crops_and_mirrors_and_leaves_colours_alone():
    photo = scene(60, 90)
    stretched = resize(photo, 43)
    parts = {stretched[y : y + 32, x : x + 32].tobytes(): (y, x, False) for y in range(12) for x in range(12)}
    parts |= {stretched[y : y + 32, x : x + 32][:, ::-1].tobytes(): (y, x, True) for y in range(12) for x in range(12)}
    rng = np.random.default_rng(0)
    drawn = [parts[augment(photo, 32, rng, "paper").tobytes()] for _ in range(400)]
    rows, columns, mirrored = (np.array(values) for values in zip(*drawn, strict=True))
    assert set(rows) == set(columns) == set(range(12))
    assert abs(mirrored.mean() - 0.5) < 0.1


def test_names_stand_for_augmentations():
    assert augmentation("standard") == STANDARD
    assert augmentation("none") is augmentation(None) is None
    assert augmentation("randaugment").randaugment and not augmentation("randaugment").colours
    assert augmentation("mixup").mixes and augmentation("cutmix").mixes and not STANDARD.mixes
    own = dataclasses.replace(STANDARD, flip=0.1)
    assert augmentation(own) is own


def test_runs_know_the_same_names():
    from logo_keras.training import config

    assert config.AUGMENTATIONS == tuple(AUGMENTATIONS)
    assert set(config.MIXING) == {name for name, how in AUGMENTATIONS.items() if how and how.mixes}


@pytest.mark.parametrize("value", ["Standard", "auto", 1, True, {"flip": 0.5}])
def test_an_unknown_augmentation_is_refused_with_the_known_ones(value):
    with pytest.raises(ValueError, match="augment must be one of standard, none, randaugment, mixup, cutmix, or an Augmentation"):
        augmentation(value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"area": (0.0, 1.0)}, r"area must be two rising numbers in \(0, 1\], got \(0.0, 1.0\)"),
        ({"area": (0.9, 0.6)}, "area must be two rising numbers"),
        ({"area": 0.6}, "area must be two rising numbers in .*, got 0.6"),
        ({"area": (0.6, 1.1)}, "area must be"),
        ({"contrast": (-0.1, 1.0)}, "contrast must be two rising numbers"),
        ({"contrast": (1.0, float("nan"))}, "contrast must be two rising numbers"),
        ({"flip": 1.5}, r"flip must be a number in \[0, 1\], got 1.5"),
        ({"flip": True}, "flip must be a number"),
        ({"brightness": -1}, r"brightness must be a number in \[0, 255\], got -1"),
        ({"mixup": -0.1}, "mixup must be a number"),
        ({"cutmix": "1"}, "cutmix must be a number"),
        ({"randaugment": True}, r"randaugment must be None or \(operations, strength\).* got True"),
        ({"randaugment": (0, 0.5)}, "randaugment must be"),
        ({"randaugment": (2, 1.5)}, "randaugment must be"),
        ({"randaugment": (1.5, 0.5)}, "randaugment must be"),
    ],
)
def test_values_out_of_range_are_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(**change)


def batch(count=8, size=16):
    """Images of one colour each, whose grey level is their number, and one-hot labels of four classes."""
    levels = np.arange(count, dtype=np.float32) * 10
    images = np.broadcast_to(levels[:, None, None, None], (count, size, size, 3)).copy()
    return images, np.eye(4, dtype=np.float32)[np.arange(count) % 4]


@pytest.mark.parametrize("how", ["mixup", "cutmix"])
def test_mixed_labels_are_the_shares_of_the_images(how):
    images, labels = batch()
    mixed, shares = mix(images, labels, np.random.default_rng(0), AUGMENTATIONS[how])
    assert mixed.dtype == shares.dtype == np.float32
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    assert (shares.max(axis=1) < 1).any()
    # Each image is a mixture of two levels, its own and another one; its mean says in which shares.
    for number, (image, share) in enumerate(zip(mixed, shares, strict=True)):
        candidates = []
        for other in range(8):
            weight = 1.0 if other == number else (image.mean() - other * 10) / (number * 10 - other * 10)
            candidates.append(weight * labels[number] + (1 - weight) * labels[other])
        assert min(np.abs(candidate - share).max() for candidate in candidates) < 1e-4


def test_mixup_blends_whole_images():
    mixed, _ = mix(*batch(), np.random.default_rng(0), AUGMENTATIONS["mixup"])
    assert max(np.ptp(image) for image in mixed) < 1e-4


def test_cutmix_pastes_a_box_of_another_image():
    images, labels = batch()
    mixed, _ = mix(images, labels, np.random.default_rng(0), AUGMENTATIONS["cutmix"])
    pasted = 0
    for number, image in enumerate(mixed):
        rows, columns = np.nonzero(image[..., 0] != number * 10)
        if len(rows):
            pasted += 1
            box = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            assert np.ptp(box) == 0 and box.size == 3 * len(rows)
            assert np.ptp(rows) == np.ptp(columns)
    assert pasted > 2
    np.testing.assert_array_equal(images, batch()[0])


def test_of_mixup_and_cutmix_each_batch_takes_one():
    both = Augmentation(mixup=1.0, cutmix=1.0)
    cut = [any(np.ptp(image) > 1 for image in mix(*batch(), np.random.default_rng(seed), both)[0]) for seed in range(40)]
    assert 8 < sum(cut) < 32


def test_one_image_is_mixed_with_itself():
    images, labels = batch(1)
    for how in ("mixup", "cutmix"):
        mixed, shares = mix(images, labels, np.random.default_rng(0), AUGMENTATIONS[how])
        np.testing.assert_allclose(mixed, images, atol=1e-4)
        np.testing.assert_allclose(shares, labels, atol=1e-6)


@pytest.fixture(scope="module")
def photographs():
    return np.stack([cv2.resize(scene(seed=seed), (32, 32)) for seed in range(3)]).astype(np.float32)


def test_randaugment_is_that_of_keras(photographs):
    import keras

    layer = keras.layers.RandAugment((0, 255), 2, 0.3, seed=0, dtype="float32")
    ours = RandAugment(2, 0.3)
    for seed in (0, 5, 2**31 - 1):
        layer.generator.state.assign([seed, 0])
        theirs = keras.ops.convert_to_numpy(layer(photographs))
        np.testing.assert_allclose(ours(photographs, seed), theirs.clip(0, 255), atol=1e-3)


def test_randaugment_depends_on_the_seed_alone(photographs):
    ours = RandAugment(2, 0.5)
    first = ours(photographs, 1)
    assert any(np.abs(ours(photographs, seed) - first).max() > 1 for seed in (2, 3, 4))
    np.testing.assert_array_equal(ours(photographs, 1), first)
    np.testing.assert_array_equal(RandAugment(2, 0.5)(photographs, 1), first)
