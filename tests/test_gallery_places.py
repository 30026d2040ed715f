"""Whole photos: where a gallery with a detector looks, and which brands it names there."""

import dataclasses
import functools

import galleries
import numpy as np
import photographs
import pytest
from galleries import SHAPES, Detecting, WithBackgrounds, gallery, photo

import logo_keras as lk
from logo_keras.datasets import Dataset
from logo_keras.gallery import UnusableGallery, calibration, embedders, places
from logo_keras.image.surroundings import square


@functools.cache
def plain():
    """A gallery without a detector."""
    return gallery()


def searching(function):
    """The same references, of another detector, quicker than drawn anew."""
    made = lk.Gallery(embed=function)
    made.merge(plain())
    return made


@pytest.fixture(scope="module")
def brands():
    """A gallery with a detector that no test changes."""
    return searching(Detecting())


def two_of_acme():
    """Acme beside Globex, and Acme once more below: uint8 RGB `[240, 320, 3]`, and three boxes."""
    parts = [photo("Acme", 1), photo("Globex", 2), photo("Acme", 3), (photographs.scene(120, 160, 4), (0, 0, 0, 0))]
    rows = [np.concatenate([first, second], axis=1) for (first, _), (second, _) in (parts[:2], parts[2:])]
    boxes = [np.add(box, (y, x, y, x)) for (_, box), (y, x) in zip(parts[:3], ((0, 0), (0, 160), (120, 0)), strict=True)]
    return np.concatenate(rows), boxes


def iou(first, second):
    """What two boxes have in common, as a share of both together."""
    first, second = np.float64(first), np.float64(second)
    common = np.maximum(np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2]), 0).prod()
    return common / ((first[2:] - first[:2]).prod() + (second[2:] - second[:2]).prod() - common)


def test_of_each_place_the_likeliest_known_brands_are_named():
    similarities = np.float32([[0.5, 0.2], [0.4, 0.6], [0.3, 0.1]])
    is_known = np.array([[True, False], [True, True], [True, True]])
    assert places.likeliest(similarities, is_known, 2) == [(1, 1), (0, 0), (1, 0), (2, 1)]
    assert places.likeliest(similarities, is_known, 1) == [(1, 1), (0, 0)]
    assert places.likeliest(similarities, np.zeros((3, 2), bool), 2) == []
    assert places.likeliest(np.zeros((3, 0), np.float32), np.zeros((3, 0), bool), 2) == []


@pytest.mark.parametrize(
    ("other", "stays"),
    [
        # Share 0.5 and 0.49 of the smaller one; a part; what is much larger; beside it.
        ((0, 5, 10, 15), False),
        ((0, 5.1, 10, 15.1), True),
        ((2, 2, 4, 4), False),
        ((0, 0, 90, 90), False),
        ((0, 10, 10, 20), True),
    ],
)
def test_one_brand_is_named_once_where_boxes_share_half_of_the_smaller(other, stays):
    assert places.merged([(7, 0), (7, 1)], [(0, 0, 10, 10), other], 3) == [0, 1 if stays else None]
    # Whichever is the likelier.
    assert places.merged([(7, 1), (7, 0)], [(0, 0, 10, 10), other], 3) == [1, 0 if stays else None]


@pytest.mark.parametrize(
    ("other", "home"),
    [
        # Share 60 of 140, 40 of 160, and all of the smaller one, which is 4 of 100.
        ((0, 4, 10, 14), 0),
        ((0, 6, 10, 16), 1),
        ((2, 2, 4, 4), 1),
    ],
)
def test_other_brands_belong_to_the_best_place_where_boxes_share_enough_of_both(other, home):
    assert places.merged([(7, 0), (8, 1)], [(0, 0, 10, 10), other], 3) == [0, home]


def test_a_place_has_at_most_so_many_brands_each_once():
    boxes = [(0, 0, 10, 10), (0, 1, 10, 11), (0, 2, 10, 12), (50, 50, 60, 60)]
    named = [(1, 0), (2, 1), (3, 2), (2, 2), (3, 3)]
    assert places.merged(named, boxes, 2) == [0, 0, None, None, 3]
    assert places.merged(named, boxes, 3) == [0, 0, 0, None, 3]


def test_thousands_of_names_are_merged_at_once():
    boxes = [(y, x, y + 8, x + 8) for y in range(0, 200, 10) for x in range(0, 200, 10)]
    named = [(brand, place) for brand in range(100) for place in range(len(boxes))]
    assert places.merged(named, boxes, 100) == [place for _, place in named]
    assert sum(home is not None for home in places.merged(named, boxes, 3)) == 3 * len(boxes)


def test_several_brands_and_places_are_found_with_their_boxes(brands):
    both, boxes = two_of_acme()
    found = brands.recognize(both, top=1)
    assert sorted(match.label for match in found) == ["Acme", "Acme", "Globex"]
    for label, box in zip(("Acme", "Globex", "Acme"), boxes, strict=True):
        assert [match.label for match in found if iou(match.box, box) > 0.8] == [label]
    similarities = [match.similarity for match in found]
    assert similarities == sorted(similarities, reverse=True)
    assert found[0].to_dict()["box"] == list(found[0].box)


def test_the_similarity_is_that_of_the_region_as_the_detector_sees_it(brands):
    scene, _ = photo("Acme")
    match = brands.recognize(scene)[0]
    found = Detecting().detect(scene)
    assert match.box == tuple(found.boxes[0].tolist())
    assert match.similarity == pytest.approx(float(brands.similarities(found.embeddings)[0, 0]), abs=1e-6)


def test_what_a_detector_knows_of_backgrounds_counts_in_photos_that_are_searched():
    scene, box = photo("Acme")
    knowing, learned = Detecting(), Detecting()
    # What is there is no logo, the detector has learned.
    learned.background_vectors = knowing.detect(scene).embeddings[:1]
    made = searching(knowing)
    whole = lk.Gallery(
        embedders.Embedder(made.embed_squares, "0", "ours", galleries.SIZE, knowing.background_vectors, None, learned)
    )
    whole.merge(made)
    (match,) = whole.recognize(scene, top=1, boxes=[box])
    assert match == made.recognize(scene, top=1, boxes=[box])[0] and match.label == "Acme" and match.similarity > 0
    best = made.recognize(scene, top=1)[0]
    assert best.label == "Acme" and best.similarity not in [each.similarity for each in whole.recognize(scene)]
    vectors = whole.look(scene).vectors
    assert (whole.similarities(vectors, True)[:, 1] < 1e-6).all() and whole.similarities(vectors)[0, 1] > 0.1


def test_boxes_that_are_given_are_not_searched(brands):
    both, boxes = two_of_acme()
    found = brands.recognize(both, top=1, boxes=boxes[:1])
    assert [match.box for match in found] == [tuple(map(float, boxes[0]))]
    assert not plain().searches and brands.searches
    assert found == plain().recognize(both, top=1, boxes=boxes[:1])
    assert brands.recognize(both, boxes=[]) == ()


def test_places_are_the_whole_photo_and_all_regions():
    scene, box = photo("Acme")
    inside, beside = (0.0, 0.0, 30.0, 40.0), (80.0, 0.0, 120.0, 40.0)
    seen = searching(Detecting([(inside, 0.1), (beside, -0.5)])).look(scene)
    assert seen.searched and seen.boxes[::2] == [(0.0, 0.0, 120.0, 160.0), inside] and iou(seen.boxes[1], box) > 0.8
    assert seen.boxes[3:] == [beside] and seen.vectors.shape == (4, galleries.DIMENSIONS)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (500, 25), (20, 20)])
def test_photos_without_any_region_are_looked_at_as_a_whole(brands, size):
    wall = np.full((*size, 3), 200, np.uint8)
    assert brands.recognize(wall) == ()
    seen = brands.look(wall)
    assert seen.boxes == [(0, 0, *size)] and seen.searched


def test_a_mark_that_fills_the_photo_is_named_once(brands):
    drawn = brands.crop(brands.references("Globex")[0])
    (match,) = brands.recognize(drawn, top=1)
    assert match.label == "Globex"


def test_a_close_look_takes_all_px_of_what_the_detector_shrank(brands):
    scene, _ = photo("Acme")
    far, near = brands.look(scene), brands.look(scene, close=True)
    assert near.boxes == far.boxes
    np.testing.assert_array_equal(near.vectors[0], far.vectors[0])
    expected = brands.embed_squares([square(scene, far.boxes[1])])[0]
    np.testing.assert_allclose(near.vectors[1], expected, atol=1e-6)
    assert np.abs(far.vectors[1] - expected).max() > 1e-3
    assert brands.recognize(scene, close=True)[0].similarity > brands.recognize(scene)[0].similarity


@pytest.mark.parametrize(("size", "again"), [((32, 32), False), ((16, 30), False), ((64, 64), True), ((320, 320), True)])
def test_only_places_that_are_seen_small_are_looked_at_closely(size, again):
    # The detector reads 32 px and embeds as many of a region: of 64 px a square of 30 is seen with 15.
    function, asked = Detecting([((0.0, 0.0, 16.0, 24.0), 0.2)]), []
    made = searching(function)
    embed, made._embedder.embed = made._embedder.embed, lambda crops: asked.append(len(crops)) or embed(crops)
    made.look(photographs.scene(*size), close=True)
    assert asked == [int(again)]
    # One that is seen as large as it is embedded.
    large = Detecting([((0.0, 0.0, 60.0, 60.0), 0.2)])
    made = searching(large)
    embed, made._embedder.embed = made._embedder.embed, lambda crops: asked.append(len(crops)) or embed(crops)
    made.look(photographs.scene(64, 64), close=True)
    assert asked[1:] == [0]


def test_without_a_threshold_every_place_gets_the_likeliest_brands():
    bare = searching(Bare())
    both, boxes = two_of_acme()
    found = bare.recognize(both, top=2)
    # Three regions and the whole photo; a brand that is named in a region is not named of the whole again.
    assert bare.rule is None and {match.box for match in found} >= {match.box for match in bare.recognize(both, top=1)}
    assert 6 <= len(found) <= 8


@pytest.fixture(scope="module")
def scenes():
    """40 photos without a brand."""
    return [photographs.scene(60, 80, 200 + seed) for seed in range(40)]


@pytest.fixture
def dataset(tmp_path):
    """Three photos of each brand with a box, four without."""
    paths, labels, boxes = [], [], []
    for number, label in enumerate(SHAPES):
        for seed in range(3):
            scene, box = photo(label, seed=10 + seed, at=(10 * seed, 70))
            paths.append(tmp_path / f"{label}{seed}.png")
            paths[-1].write_bytes(photographs.encode(scene, ".png"))
            labels.append(number)
            boxes.append([box])
    for seed in range(4):
        paths.append(photographs.write(tmp_path / f"none{seed}.png", 400 + seed, 120, 160))
        labels.append(-1)
        boxes.append([])
    return Dataset(paths=paths, labels=labels, class_names=tuple(SHAPES), boxes=boxes)


def test_thresholds_are_fitted_to_the_likeliest_place_of_each_photo(scenes):
    # Two places of every photo look like marks.
    made = searching(Detecting([((0, 0, 30, 30), 0.1), ((30, 40, 60, 80), 0.1)]))
    found = made.calibrate(scenes, false_accepts=0.2)
    assert (found.photos, found.searched, found.close) == (40, True, False)
    best = np.sort([made.similarities(made.look(scene).vectors).max() for scene in scenes])
    # Of 41 a fifth is 8.
    assert found.threshold == pytest.approx(float(best[-8]), abs=1e-6)
    assert sum(bool(made.recognize(scene)) for scene in scenes) == 7
    whole = searching(WithBackgrounds()).calibrate(scenes, 0.2)
    assert not whole.searched and whole.threshold < found.threshold


def test_a_data_set_is_evaluated_as_its_photos_are_recognized(dataset):
    also = [((0, 0, 30, 40), 0.1), ((5, 60, 110, 150), 0.1)]
    for function in (Detecting(also), WithThresholdDetecting(also)):
        made = searching(function)
        found = made.evaluate(dataset, whole=True)
        answers = [made.recognize(path, top=1) for path in dataset.paths]
        named = [answer[0].label if answer else None for answer in answers]
        right = [name == label for name, label in zip(named, np.repeat([*SHAPES], 3), strict=False)]
        assert (found.samples, found.others) == (9, 4) and found.named == pytest.approx(np.mean(right)) and found.named > 0.5
        assert found.misnamed == pytest.approx(np.mean([name is not None for name in named[:9]]) - np.mean(right))
        assert found.false_accepts == np.mean([name is not None for name in named[9:]])
    assert made.evaluate(dataclasses.replace(dataset, boxes=None)) == found


def test_the_boxes_of_a_data_set_count_also_with_a_detector(dataset):
    boxed = dataset.subset(range(9))
    assert searching(Detecting()).evaluate(boxed) == searching(WithBackgrounds()).evaluate(boxed)


def test_photos_with_and_without_boxes_are_scored_in_their_order(dataset):
    found = searching(Detecting()).evaluate(dataset.subset([9, 0, 10, 3, 4, 11, 6]))
    assert found.per_brand == {"Acme": 1, "Globex": 1, "Initech": 1} and found.others == 3


def test_whole_photos_are_asked_about_without_a_detector_too(dataset):
    made = searching(WithBackgrounds())
    assert made.evaluate(dataset, whole=True) == made.evaluate(dataclasses.replace(dataset, boxes=None))


def test_what_calibrated_is_remembered_and_doubted_where_it_does_not_fit(scenes, tmp_path):
    made = searching(Detecting())
    (doubt,) = calibration.doubts(made.rule, None)
    assert doubt.startswith("thresholds: not calibrated: nearer to the brand ") and doubt.endswith(": calibrate the gallery.")
    made.calibrate(scenes, 0.1, close=True)
    made.save(tmp_path / "a.gallery")
    found = lk.Gallery.load(tmp_path / "a.gallery", embed=Detecting()).calibration
    assert found == made.calibration and found.searched and found.close
    assert calibration.doubts("calibrated", found, close=True) == []
    assert "with close looks" in calibration.doubts("calibrated", found)[0]
    found = searching(WithBackgrounds()).calibrate(scenes, 0.1)
    assert "calibrated without a detector" in calibration.doubts("calibrated", found)[0]


def test_a_gallery_opens_with_a_detector_that_has_its_embedding_and_the_other_way_round(tmp_path):
    scene, box = photo("Globex")
    plain().save(tmp_path / "plain.gallery")
    searching(Detecting()).save(tmp_path / "found.gallery")
    opened = lk.Gallery.load(tmp_path / "plain.gallery", embed=Detecting())
    assert iou(opened.recognize(scene)[0].box, box) > 0.8
    opened = lk.Gallery.load(tmp_path / "found.gallery", embed=WithBackgrounds())
    assert not opened.searches and opened.recognize(scene, boxes=[box])[0].label == "Globex"
    with pytest.raises(UnusableGallery, match="another|not with"):
        lk.Gallery.load(tmp_path / "plain.gallery", embed=Other())


def test_what_a_detector_gives_must_fit(monkeypatch):
    scene, _ = photo("Acme")
    good = Detecting().detect(scene)
    for name, value in (
        ("boxes", good.boxes[:, :3]),
        ("boxes", good.boxes * np.nan),
        ("embeddings", good.embeddings[:, :5]),
        ("objectness", np.zeros(7, np.float32)),
        ("whole_embedding", good.embeddings),
    ):
        function, bad = Detecting(), dataclasses.replace(good, **{name: value})
        monkeypatch.setattr(function, "detect", lambda photo, bad=bad: bad)
        with pytest.raises(ValueError, match=f"Detecting must give finite {name} "):
            searching(function).recognize(scene)


class WithThresholdDetecting(Detecting):
    threshold = 0.2


class Bare(Detecting):
    def __init__(self):
        super().__init__()
        self.background_vectors = None


class Other(Detecting):
    def __call__(self, images):
        return galleries.embed(images[..., ::-1])
