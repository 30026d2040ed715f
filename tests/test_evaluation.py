"""Evaluation: figures by hand, the batch path against one photograph at a time, what is left out."""

import dataclasses
import json
import tracemalloc

import cv2
import numpy as np
import pytest

from logo_keras.commands.evaluate import table
from logo_keras.datasets.dataset import Dataset
from logo_keras.evaluation import Comparison, Evaluation, compare, evaluate, wilson_interval
from logo_keras.image import preprocessing
from logo_keras.image.preprocessing import UnreadablePhotograph

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
    result = Evaluation(tuple("abcdef"), ("one", "two"), np.array([4, 5]), probabilities, {}, None, 32)
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
    with pytest.raises(ValueError, match="only in the data set: 'cyan'; not in the data set: 'blue'"):
        evaluate(Colours(), other)


def test_the_same_names_in_another_order_are_matched_by_name(dataset):
    turned = Dataset(dataset.paths, [1, 0, 2, 0], ("green", "red", "blue"), dataset.boxes)
    wanted, found = (evaluate(Colours(), each) for each in (dataset, turned))
    assert found.class_names == BRANDS and found.to_dict() == wanted.to_dict()


def test_photographs_without_a_brand_are_refused(dataset):
    with pytest.raises(ValueError, match="label -1"):
        evaluate(Colours(), Dataset(dataset.paths, [0, 1, 2, -1], BRANDS))


def test_json_holds_every_answer(dataset):
    found = json.loads(evaluate(Colours((0, 0, 16, 16)), dataset).to_json())
    assert found["figures"]["top1"] == {"samples": 4, "right": 3, "share": 0.75, "interval": list(wilson_interval(3, 4))}
    assert [BRANDS[row["top"][0]] for row in found["samples"]] == ["red", "green", "blue", "red"]
    assert found["samples"][0]["regions"] == [[0, 0, 16, 16]] and found["samples"][0]["photo"].endswith("/0.png")
    assert found["schema_version"] == 3 and "box" not in found["samples"][0]
    assert [row["rank"] for row in found["samples"]] == [0, 0, 0, 2]
    # True class, likeliest class, photographs.
    assert found["confusion"] == [[0, 0, 1], [1, 0, 1], [1, 1, 1], [2, 2, 1]]


def test_json_holds_names_that_are_not_utf_8():
    result = Evaluation(("a",), ("/photos/\udcff.jpg",), np.array([0]), np.ones((1, 1)), {}, None, 32, unreadable={"\udcfe": "?"})
    found = json.loads(result.to_json().encode("utf-8"))
    assert found["samples"][0]["photo"] == "/photos/\udcff.jpg" and found["unreadable"] == {"\udcfe": "?"}


@pytest.fixture
def boxed(tmp_path):
    """Two photographs of two halves each, cut into four samples of 40 x 40 px."""
    colours = [(250, 60, 0), (0, 250, 60), (60, 0, 250)]
    paths = []
    for name, (left, right) in {"a": (0, 1), "b": (2, 0)}.items():
        paths.append(photograph(tmp_path, name, colours[left]))
        photo = cv2.imread(str(paths[-1]))
        photo[:, 40:] = colours[right][::-1]
        cv2.imwrite(str(paths[-1]), photo)
    halves = [(0, 0, 40, 40), (0, 40, 40, 80)]
    whole = Dataset(paths, [0, 2], BRANDS, boxes=[halves, halves])
    return dataclasses.replace(whole.cut(0), labels=[0, 1, 2, 0])


def test_a_model_does_not_differ_from_itself_on_boxes(boxed):
    result = evaluate(Colours(), boxed)
    assert result.top1 == 1 and result.boxes.tolist() == [[0, 0, 40, 40], [0, 40, 40, 80]] * 2
    assert compare(result, result) == Comparison(0.0, (0.0, 0.0), 4)
    assert [row["box"] for row in result.to_dict()["samples"]] == result.boxes.tolist()
    # Wrong on one box of each photograph.
    worse = dataclasses.replace(result, probabilities=None, best=np.array([[0], [0], [2], [1]]))
    assert compare(result, worse).difference == 0.5


def test_whole_photographs_and_boxes_are_not_compared(boxed):
    whole = Dataset(boxed.paths[::2], boxed.labels[::2], BRANDS)
    with pytest.raises(ValueError, match="no photograph in common. Both must be of whole photographs, or of the same boxes"):
        compare(evaluate(Colours(), boxed), evaluate(Colours(), whole))


def outside(dataset, number):
    """The data set with the window of a sample beyond its photograph."""
    windows, boxes = dataset.windows.copy(), list(dataset.boxes)
    windows[number] = [500, 500, 540, 540]
    boxes[number] = windows[number : number + 1]
    return dataclasses.replace(dataset, windows=windows, boxes=boxes)


def test_one_unreadable_window_leaves_the_others_of_its_photograph(boxed, network):
    broken = outside(boxed, 1)
    for model in (Colours((0, 0, 16, 16)), network):
        result = evaluate(model, broken, batch_size=2)
        assert result.paths == (boxed.paths[0], *boxed.paths[2:]) and result.labels.tolist() == [0, 2, 0]
        assert result.boxes.tolist() == [[0, 0, 40, 40], [0, 0, 40, 40], [0, 40, 40, 80]]
        assert len(result.probabilities) == len(result.region_boxes) == 3
        assert list(result.unreadable) == [boxed.paths[1]] and "lies outside" in result.unreadable[boxed.paths[1]]
        with pytest.raises(UnreadablePhotograph, match="lies outside"):
            evaluate(model, broken, strict=True)
    assert evaluate(Colours(), broken).top1 == 1


def test_what_disappears_on_the_way_is_left_out_of_labels_and_answers(dataset, network, monkeypatch):
    read = Dataset.sample
    gone = dataset.paths[1]

    def vanished(self, index, *how):
        if self.paths[index] == gone:
            raise UnreadablePhotograph(gone, "it is gone")
        return read(self, index, *how)

    monkeypatch.setattr(Dataset, "sample", vanished)
    result = evaluate(network, dataset, batch_size=2)
    assert result.paths == (dataset.paths[0], *dataset.paths[2:]) and result.labels.tolist() == [0, 2, 1]
    assert len(result.probabilities) == 3 and result.unreadable == {gone: "it is gone"}
    with pytest.raises(UnreadablePhotograph, match="it is gone"):
        evaluate(network, dataset, batch_size=1, strict=True)


def test_every_photograph_is_read_once(dataset, network, monkeypatch):
    read, paths = preprocessing.read, []
    monkeypatch.setattr(preprocessing, "read", lambda path, *limits: paths.append(path) or read(path, *limits))
    evaluate(network, dataset, batch_size=2)
    assert sorted(paths) == sorted(dataset.paths)


def test_answers_and_labels_of_different_numbers_are_refused():
    with pytest.raises(ValueError, match="as many of each as there are samples, got {'paths': 2, 'labels': 1"):
        Evaluation(("a", "b"), ("1", "2"), np.array([0]), np.eye(2), {}, None, 32)


def test_figures_do_without_the_probabilities(dataset, network):
    for model in (Colours(), network):
        full, lean = (evaluate(model, dataset, probabilities=kept) for kept in (True, False))
        assert lean.probabilities is None and full.probabilities.shape == (4, 3)
        assert lean.to_dict() == full.to_dict()


def test_thousands_of_brands_take_no_square_of_memory():
    number = 4_000
    places = np.arange(number)
    best = np.stack([(places + step) % number for step in range(5)], axis=1)
    names, paths = tuple(map(str, places)), tuple(f"{place}.jpg" for place in places)
    tracemalloc.start()
    result = Evaluation(
        names, paths, places, None, {}, None, 32, best=best, best_probabilities=np.full(best.shape, 0.2), ranks=places % 9
    )
    text, lines = result.to_json(), table(result).splitlines()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A square of 16 million cells would be 128 MB.
    assert peak < 30e6 and len(text) < 4e6
    assert len(json.loads(text)["confusion"]) == number and len(lines) < number + 10


def test_what_is_kept_of_a_photo_does_not_grow_with_the_brands(tmp_path):
    number, samples = 4_000, 400

    class Many(Colours):
        class_names = tuple(map(str, range(number)))

        def infer(self, images):
            return {"probabilities": np.full((len(images), number), 1 / number, np.float32)}

    path = photograph(tmp_path, "one", (9, 9, 9))
    dataset = Dataset([path] * samples, np.zeros(samples, int), Many.class_names)
    tracemalloc.start()
    evaluate(Many(), dataset, probabilities=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Numbers of all brands for all samples would be 13 MB.
    assert peak < 4e6


def test_ranks_are_those_of_a_stable_sort():
    rng = np.random.default_rng(0)
    probabilities, labels = rng.integers(0, 4, (200, 9)) / 4, rng.integers(0, 9, 200)
    result = Evaluation(tuple("abcdefghi"), tuple(map(str, range(200))), labels, probabilities, {}, None, 32)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    np.testing.assert_array_equal(result.best, order[:, :5])
    np.testing.assert_array_equal(result.ranks, np.argmax(order == labels[:, None], axis=1))


def test_the_table_names_what_a_class_is_mostly_taken_for():
    labels, chosen = np.array([0, 0, 0, 0, 1]), np.array([2, 1, 1, 0, 1])
    result = Evaluation(BRANDS, tuple("abcde"), labels, np.eye(3)[chosen], {}, None, 32)
    rows = [line.split() for line in table(result).splitlines()[-3:]]
    assert rows == [["red", "4", "25.0%", "green", "(2)"], ["green", "1", "100.0%"], ["blue", "0", "-"]]
    np.testing.assert_array_equal(result.confusion, [[1, 2, 1], [0, 1, 0], [0, 0, 0]])


@pytest.fixture(scope="module")
def network():
    from tiny import tiny_backbone

    from logo_keras.network import NTSNet

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
