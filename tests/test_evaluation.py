"""Evaluation: figures by hand, the batch path against one photograph at a time, what is left out."""

import json

import cv2
import numpy as np
import pytest

from logo_keras.datasets.dataset import Dataset
from logo_keras.evaluation import Evaluation, compare, evaluate, wilson_interval
from logo_keras.preprocessing import UnreadablePhotograph

BRANDS = ("red", "green", "blue")


class Colours:
    """Answers as an exported file does: the probability of a brand is the share of its colour."""

    class_names = BRANDS
    image_size = 32
    preprocessing = "stretch"

    def __init__(self, *regions):
        self.regions = np.array(regions, np.float32)

    def infer(self, images):
        means = images.mean(axis=(1, 2)) + 1e-3
        answer = {"probabilities": means / means.sum(axis=1, keepdims=True)}
        if len(self.regions):
            answer["region_boxes"] = np.repeat(self.regions[None], len(images), axis=0)
            answer["region_scores"] = np.zeros((len(images), len(self.regions)), np.float32)
        return answer


def photograph(folder, name, colour, height=40, width=80):
    path = folder / f"{name}.png"
    cv2.imwrite(str(path), np.full((height, width, 3), colour[::-1], np.uint8))
    return path


@pytest.fixture
def dataset(tmp_path):
    """Four photographs of 40 x 80 px, the last one labelled wrongly; logos centred at (10, 20), (10, 60), (30, 20), none."""
    colours = [(250, 60, 0), (0, 250, 60), (60, 0, 250), (250, 0, 60)]
    return Dataset(
        paths=[photograph(tmp_path, str(number), colour) for number, colour in enumerate(colours)],
        labels=[0, 1, 2, 1],
        class_names=BRANDS,
        boxes=[[(0, 10, 20, 30)], [(0, 50, 20, 70)], [(20, 10, 40, 30)], []],
    )


def test_three_of_four_are_right(dataset):
    result = evaluate(Colours(), dataset)
    assert result.top1 == 0.75
    assert result.correct.tolist() == [True, True, True, False]
    assert result.top5 == 1.0


def test_confusion_has_true_classes_in_rows(dataset):
    result = evaluate(Colours(), dataset)
    assert result.confusion.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert result.per_class == {"red": 1.0, "green": 0.5, "blue": 1.0}


def test_a_class_without_photographs_has_no_accuracy(dataset):
    assert evaluate(Colours(), dataset.subset([0, 1])).per_class["blue"] is None


def test_wilson_interval_agrees_with_its_published_example():
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263, method 3.
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_top5_counts_ties_as_recognize_orders_them():
    probabilities = np.full((2, 6), 1 / 6, np.float32)
    result = Evaluation(
        tuple("abcdef"), ("one", "two"), np.array([4, 5]), probabilities, {}, None, 32, None, None, None, None, {}
    )
    assert result.top5 == 0.5
    assert result.predicted.tolist() == [0, 0]


def test_regions_hit_by_hand(dataset):
    # The upper left quarter, then the upper right one, in px of the square image.
    result = evaluate(Colours((0, 0, 16, 16), (0, 16, 16, 32)), dataset)
    assert result.region_hit_rate == pytest.approx(1 / 3)
    assert result.region_hit_rate_any == pytest.approx(2 / 3)
    assert result.region_area == 0.25


def test_a_region_that_never_moves_gains_nothing_over_chance(dataset):
    result = evaluate(Colours((0, 0, 16, 16)), dataset)
    assert result.region_hit_rate == pytest.approx(result.region_hit_rate_chance)


def test_chance_deals_regions_to_other_photographs(dataset):
    class Found(Colours):
        """Every photograph's own region lies on its logo, and on no other."""

        def infer(self, images):
            best = images.mean(axis=(0, 1, 2)).argmax()
            self.regions = np.float32([[(0, 0, 16, 16)], [(0, 16, 16, 32)], [(16, 0, 32, 16)]][best])
            return super().infer(images)

    result = evaluate(Found(), dataset)
    assert (result.region_hit_rate, result.region_hit_rate_chance) == (1.0, 0.0)


def test_regions_hit_in_the_frame_of_the_paper(dataset):
    class Cut(Colours):
        preprocessing = "paper"

    # 32 px of a square of 43 px from px 5 on: the logos lie at (5.75, 5.75), (5.75, 27.25), (27.25, 5.75) of the image.
    assert evaluate(Cut((5, 5, 7, 7)), dataset).region_hit_rate == pytest.approx(1 / 3)
    assert evaluate(Cut((5, 5, 7, 28)), dataset).region_hit_rate == pytest.approx(2 / 3)


def test_what_reaches_beyond_the_photograph_covers_nothing(dataset):
    assert evaluate(Colours((-16, -16, 16, 16)), dataset).region_area == 0.25


def test_without_boxes_there_are_no_hit_rates(dataset):
    result = evaluate(Colours((0, 0, 16, 16)), dataset.subset([3]))
    assert result.region_hit_rate is None and result.region_hit_rate_chance is None
    assert result.region_area == 0.25


def test_cut_out_boxes_are_hit_in_their_own_frame(dataset):
    # The sample is the box itself, so its centre is the middle.
    result = evaluate(Colours((12, 12, 20, 20)), dataset.cut(0))
    assert result.region_hit_rate == 1.0


def test_an_unreadable_photograph_is_left_out_and_named(dataset):
    broken = dataset.paths[1]
    with open(broken, "w"):
        pass
    result = evaluate(Colours((0, 0, 16, 16)), dataset)
    assert result.paths == (dataset.paths[0], *dataset.paths[2:])
    assert result.labels.tolist() == [0, 2, 1]
    assert list(result.unreadable) == [broken]
    with pytest.raises(UnreadablePhotograph, match="1.png: the file is empty"):
        evaluate(Colours(), dataset, strict=True)


def test_no_readable_photograph_is_an_error(dataset):
    for path in dataset.paths:
        with open(path, "w"):
            pass
    with pytest.raises(ValueError, match="none of the 4 photographs can be read; .*0.png: the file is empty"):
        evaluate(Colours(), dataset)


def test_other_class_names_are_refused(dataset):
    other = Dataset(dataset.paths, dataset.labels, ("red", "green", "cyan"))
    with pytest.raises(ValueError, match="3 and 3; not in both: blue, cyan"):
        evaluate(Colours(), other)
    swapped = Dataset(dataset.paths, dataset.labels, ("green", "red", "blue"))
    with pytest.raises(ValueError, match="the same names in another order"):
        evaluate(Colours(), swapped)


def test_photographs_without_a_brand_are_refused(dataset):
    with pytest.raises(ValueError, match="label -1"):
        evaluate(Colours(), Dataset(dataset.paths, [0, 1, 2, -1], BRANDS))


def test_json_holds_every_answer(dataset):
    found = json.loads(evaluate(Colours((0, 0, 16, 16)), dataset).to_json())
    assert found["top1"] == 0.75 and found["photographs"] == 4
    assert [row["labels"][0] for row in found["predictions"]] == ["red", "green", "blue", "red"]
    assert found["predictions"][0]["region_boxes"] == [[0, 0, 16, 16]]


def answers(correct):
    """An Evaluation of two classes, right where `correct` says."""
    chosen = np.where(correct, 0, 1)
    paths = tuple(map(str, range(len(correct))))
    return Evaluation(("a", "b"), paths, np.zeros(len(correct), int), np.eye(2)[chosen], {}, None, 32, None, None, None, None, {})


def test_a_model_does_not_differ_from_itself():
    same = answers(np.arange(50) % 3 > 0)
    result = compare(same, same)
    assert (result.difference, result.interval, result.photographs) == (0.0, (0.0, 0.0), 50)


def test_pairing_finds_what_two_intervals_would_hide():
    # Right on 60 and 66 of 100: the Wilson intervals overlap, but nothing got worse.
    first, second = answers(np.arange(100) < 66), answers(np.arange(100) < 60)
    assert first.top1_interval[0] < second.top1_interval[1]
    result = compare(first, second)
    assert result.difference == pytest.approx(0.06)
    low, high = result.interval
    assert 0 < low < 0.06 < high
    # One standard error of the mean of six ones and 94 zeros, times 1.96; the bootstrap's steps are 0.01.
    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.06 * 0.94 / 100), abs=0.015)


def test_photographs_that_only_one_could_read_are_not_compared():
    first, second = answers(np.ones(4, bool)), answers(np.ones(3, bool))
    assert compare(first, second).photographs == 3


@pytest.fixture(scope="module")
def network():
    from tiny import tiny_backbone

    from logo_keras.models import NTSNet

    return NTSNet(
        class_names=BRANDS,
        backbone=tiny_backbone(),
        image_size=64,
        whole_size=32,
        region_size=32,
        num_proposals=2,
        num_regions=2,
        navigator_stride=16,
        decision="mean",
    )


def test_batches_give_what_recognize_gives(network, dataset):
    broken = dataset.paths[1]
    with open(broken, "w"):
        pass
    result = evaluate(network, dataset, batch_size=2)
    assert list(result.unreadable) == [broken]
    for number, path in enumerate(result.paths):
        alone = network.recognize(path, top=3)
        order = np.argsort(-result.probabilities[number], kind="stable")
        assert alone.labels == tuple(BRANDS[place] for place in order)
        np.testing.assert_allclose(alone.probabilities, result.probabilities[number, order], atol=1e-6)
        # 40 x 80 px photographs.
        stretched = result.region_boxes[number] * np.float32([40, 80, 40, 80]) / 64
        np.testing.assert_allclose(alone.region_boxes, stretched, atol=1e-3)
    assert set(result.heads) == {"fused", "whole"}


def test_keras_stops_at_an_unreadable_photograph_when_strict(network, dataset):
    with open(dataset.paths[1], "w"):
        pass
    with pytest.raises(UnreadablePhotograph, match="1.png: the file is empty"):
        evaluate(network, dataset, strict=True)


def test_keras_says_when_no_photograph_can_be_read(network, dataset):
    for path in dataset.paths:
        with open(path, "w"):
            pass
    with pytest.raises(ValueError, match="none of the 4 photographs can be read; .*0.png: the file is empty"):
        evaluate(network, dataset)
