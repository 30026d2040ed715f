"""Thresholds of a gallery, and how well it names the brands of a data set."""

import dataclasses
import json

import cv2
import galleries
import numpy as np
import photographs
import pytest
from galleries import SHAPES, WithBackgrounds, gallery, photo

import logo_keras as lk
from logo_keras.datasets import Dataset
from logo_keras.gallery import artwork, calibration
from logo_keras.image import preprocessing, svg


@pytest.fixture
def scenes(tmp_path):
    """A folder of 120 photos without a brand."""
    for seed in range(120):
        photographs.write(tmp_path / "none" / f"{seed:03d}.png", seed=200 + seed, height=60, width=60)
    return tmp_path / "none"


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
        paths.append(photographs.write(tmp_path / f"none{seed}.png", seed=400 + seed))
        labels.append(-1)
        boxes.append([])
    return Dataset(paths=paths, labels=labels, class_names=tuple(SHAPES), boxes=boxes)


def test_one_threshold_is_just_above_the_share_that_is_allowed():
    similarities = np.float32([[0.1, 0.5, 0.3, 0.2], [0.4, 0.1, 0.2, 0.6]])
    # The best of each photo: 0.4, 0.5, 0.3, 0.6. Of five, a fifth is one: nothing above 0.6.
    for share, limit in ((0.01, 0.6), (0.2, 0.6), (0.4, 0.5), (0.6, 0.4)):
        together, own = calibration.fit(similarities, share, own=False)
        assert own is None and together == np.nextafter(np.float32(limit), np.float32(1))


def test_with_enough_photos_every_brand_gets_its_own_so_many_deviations_above_its_mean():
    rng = np.random.default_rng(0)
    spread = np.float32([[0.02], [0.1], [0.2]])
    similarities = rng.normal(size=(3, 2000)).astype(np.float32) * spread
    _, own = calibration.fit(similarities, 0.05, own=True)
    assert own[0] < own[1] < own[2]
    # A narrow one counts as wide as the middle one.
    assert own[2] / own[1] == pytest.approx(2, rel=0.1) and own[0] == pytest.approx(own[1], rel=0.1)
    fresh = rng.normal(size=(3, 20_000)).astype(np.float32) * spread
    assert (fresh >= own[:, None]).any(0).mean() == pytest.approx(0.05, abs=0.015)


def test_of_a_brand_half_of_its_likeliest_rival_is_taken_off():
    similarities = np.float32([[0.8, 0.8, 0.2, -0.1], [0.4, 0.8, -0.3, -0.2], [0.1, 0.0, -0.4, -0.3]])
    expected = [[0.6, 0.4, 0.2, -0.1], [0.0, 0.4, -0.4, -0.2], [-0.3, -0.4, -0.5, -0.3]]
    np.testing.assert_allclose(calibration.apart(similarities), expected, atol=1e-6)
    # In any order.
    np.testing.assert_allclose(calibration.apart(similarities[::-1]), expected[::-1], atol=1e-6)
    np.testing.assert_array_equal(calibration.apart(similarities[:1]), similarities[:1])


def test_the_threshold_of_the_embedding_is_evaluated_box_by_box(tmp_path):
    made = gallery(function=galleries.WithThreshold(0.3))
    scene, box = photo("Acme")
    other, second = photo("Globex")
    both = np.concatenate([scene, other], axis=1)
    (tmp_path / "both.png").write_bytes(photographs.encode(both, ".png"))
    shifted = tuple(np.add(second, (0, scene.shape[1], 0, scene.shape[1])))
    similarities = made.similarities(made.embed(both, [box, shifted]))
    made.threshold = float(made.standings(similarities).max(0).min()) - 1e-4
    # Neither takes anything off the other, since each has a box of its own.
    assert (made.standings(similarities.max(1, keepdims=True)) < made.threshold).any()
    assert {match.label for match in made.recognize(both, 1, [box, shifted])} == {"Acme", "Globex"}
    shown = Dataset(paths=[tmp_path / "both.png"], labels=[0], class_names=("Acme", "Globex"), boxes=[[box, shifted]])
    found = made.evaluate(shown)
    assert found.rule == "embedding" and found.named + found.misnamed == 1


def test_no_photo_is_counted_with_thresholds_that_it_fitted():
    # Each photo is far above all others for a brand of its own: thresholds that have seen it accept none of them.
    similarities = np.eye(10, dtype=np.float32)
    together, _ = calibration.fit(similarities, 0.01, own=False)
    assert not (similarities.max(0) >= together).any()
    odd = np.float32([[0.1] * 9 + [0.9]])
    assert calibration.measure(odd, 0.01, np.arange(10), own=False) == 1
    assert calibration.measure(odd[:, :4], 0.01, np.arange(4), own=False) is None


def test_copies_of_a_photo_are_on_one_side():
    odd, groups = np.repeat(np.float32([[0.1] * 9 + [0.9]]), 2, axis=1), np.repeat(np.arange(10), 2)
    assert calibration.measure(odd, 0.01, groups, own=False) == 2
    # Five copies of one photo measure nothing.
    assert calibration.measure(odd[:, :5], 0.01, np.zeros(5, np.int64), own=False) is None


@pytest.mark.parametrize("own", [False, True])
def test_what_is_measured_is_the_rule_that_is_kept(own):
    # With 100 photos each part is fitted on 80.
    rng = np.random.default_rng(3)
    similarities = rng.normal(size=(40, 100)).astype(np.float32) * rng.uniform(0.02, 0.2, (40, 1)).astype(np.float32)
    groups, expected = np.arange(100), 0
    for part in range(5):
        seen = groups % 5 != part
        together, limits = calibration.fit(similarities[:, seen], 0.05, own)
        assert (limits is None) is not own
        limits = limits[:, None] if own else together
        expected += int((similarities[:, ~seen] >= limits).any(0).sum())
    assert calibration.measure(similarities, 0.05, groups, own) == expected


def test_copies_make_no_promise(scenes):
    paths = sorted(scenes.iterdir())[:60]
    found = gallery().calibrate([*paths, *(path.read_bytes() for path in paths)])
    assert (found.photos, found.own_thresholds) == (120, 0)
    assert found.notes == ("60 photos cannot promise that at most 1.00% are false accepts; 99 can.",)


def test_photos_without_brands_raise_the_thresholds(scenes):
    made = gallery(function=embed_bare)
    found = made.calibrate(scenes, false_accepts=0.05)
    assert (found.photos, found.own_thresholds, found.notes) == (120, 3, ())
    assert found.measured <= 0.15 and found.interval[0] <= found.measured <= found.interval[1]
    taken = [path for path in scenes.iterdir() if made.recognize(path)]
    assert len(taken) <= 0.05 * 121
    scene, box = photo("Acme")
    assert made.recognize(scene, boxes=[box])[0].label == "Acme"
    assert made.list()[0].threshold != made.list()[1].threshold


def test_thresholds_are_kept_and_dropped_where_a_brand_changes(scenes, tmp_path):
    made = gallery()
    made.calibrate(scenes)
    made.save(tmp_path / "a.gallery")
    again = lk.Gallery.load(tmp_path / "a.gallery", embed=WithBackgrounds())
    assert again.list() == made.list() and again.calibration == made.calibration
    own = {each.label: each.threshold for each in again.list()}
    again.add("Acme", [photo("Acme")])
    again.rename("Globex", "GLOBEX")
    after = {each.label: each.threshold for each in again.list()}
    assert after == {"Acme": again.threshold, "GLOBEX": own["Globex"], "Initech": own["Initech"]}


def test_few_photos_give_one_threshold_and_a_note(scenes):
    found = gallery().calibrate([*sorted(scenes.iterdir())[:8], (photographs.scene(), (0, 0, 20, 20))])
    assert (found.photos, found.own_thresholds) == (9, 0)
    assert found.notes == ("9 photos cannot promise that at most 1.00% are false accepts; 99 can.",)


def test_what_cannot_calibrate_is_refused(scenes, tmp_path):
    made = gallery()
    scene, box = photo("Acme")
    photographs.write(tmp_path / "seen.png")
    made.add("Acme", [(tmp_path / "seen.png", (0, 0, 20, 20))])
    (tmp_path / "bad.jpg").write_bytes(b"no photo")
    for negatives, complaint in (
        ([], "none of 0 photos could be read"),
        ([tmp_path / "bad.jpg"], "none of 1 photos could be read"),
        (tmp_path / "seen.png", "seen.png is a photo from which a reference comes"),
        ([(photographs.scene(), (0, 0, 0, 0))], "is empty"),
    ):
        with pytest.raises(ValueError, match=complaint):
            made.calibrate(negatives)
    for share in (0, 1, -0.1, "many", True):
        with pytest.raises(ValueError, match="false_accepts must be a share"):
            made.calibrate(scenes, share)
    with pytest.raises(ValueError, match="no references yet"):
        lk.Gallery(embed=WithBackgrounds()).calibrate(scenes)
    assert made.calibration is None and made.threshold == 0
    found = made.calibrate([tmp_path / "bad.jpg", *scenes.iterdir()])
    assert list(found.unreadable) == [str(tmp_path / "bad.jpg")]


def test_a_data_set_is_evaluated_by_its_boxes(dataset):
    made = gallery()
    found = made.evaluate(dataset)
    assert (found.samples, found.others, found.strangers, found.unreadable) == (9, 4, (), {})
    answers = [
        made.recognize(path, 1, boxes if len(boxes) else None) for path, boxes in zip(dataset.paths, dataset.boxes, strict=True)
    ]
    named = [answer[0].label if answer else None for answer in answers]
    right = [name == label for name, label in zip(named, np.repeat([*SHAPES], 3), strict=False)]
    assert found.named == pytest.approx(np.mean(right)) and found.top1 >= found.named > 0.8
    assert found.misnamed == pytest.approx(np.mean([name is not None for name in named[:9]]) - np.mean(right))
    assert found.false_accepts == np.mean([name is not None for name in named[9:]])
    assert found.per_brand["Acme"] == found.per_brand["Globex"] == 1
    json.dumps(found.to_dict())


def test_figures_are_shares_of_what_they_say(dataset):
    made = gallery(["Acme", "Globex"])
    made.threshold = 2.0
    found = made.evaluate(dataset)
    # Initech's three photos show no brand of this gallery.
    assert (found.samples, found.others, found.strangers) == (6, 7, ("Initech",))
    assert (found.top1, found.named, found.misnamed, found.false_accepts) == (1, 0, 0, 0)
    made.threshold = -2.0
    assert made.evaluate(dataset).false_accepts == 1
    made.rename("Acme", "x"), made.rename("Globex", "Acme"), made.rename("x", "Globex")
    found = made.evaluate(dataset)
    assert (found.top1, found.named, found.misnamed) == (0, 0, 1)


def test_photos_of_references_and_of_the_calibration_score_nothing(dataset):
    made = gallery()
    made.add("Acme", [(dataset.paths[0], dataset.boxes[0][0])])
    made.calibrate([*dataset.paths[-2:]])
    found = made.evaluate(dataset)
    assert (found.samples, found.others, found.references, found.calibrated_on) == (8, 2, 1, 2)
    with pytest.raises(ValueError, match="no sample is left: of 1, 1 are references"):
        made.evaluate(dataset.subset([0]))


def test_photos_that_were_given_as_arrays_score_nothing_either(dataset):
    made = gallery()
    made.add("Acme", [(preprocessing.read(dataset.paths[0]), dataset.boxes[0][0])])
    made.calibrate([preprocessing.read(path) for path in dataset.paths[-2:]])
    found = made.evaluate(dataset)
    assert (found.references, found.calibrated_on) == (1, 2)


def test_artwork_with_transparency_is_the_photo_of_it(tmp_path):
    picture = svg.draw(galleries.mark("Acme"), 64)
    (tmp_path / "mark.png").write_bytes(cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGBA2BGRA))[1].tobytes())
    _, file = artwork.read(tmp_path / "mark.png")
    for given in (picture, preprocessing.read(tmp_path / "mark.png"), (tmp_path / "mark.png").read_bytes()):
        assert artwork.read(given)[1] == artwork.photo_of(given)[1] == file


def test_a_sample_that_shows_a_part_of_a_photo_is_that_part(dataset):
    windows = dataset.cut(0.1)
    plain = dataclasses.replace(windows, boxes=None)
    assert gallery().evaluate(windows).samples == 9
    assert gallery().evaluate(plain).top1 == gallery().evaluate(windows).top1


def test_a_data_set_of_other_brands_is_refused(dataset):
    made = gallery(["Acme"])
    with pytest.raises(ValueError, match="none of the data set's brands, 'Globex'. It has 'Acme'"):
        made.evaluate(dataset.subset([3, 4]))
    with pytest.raises(ValueError, match="no references yet"):
        lk.Gallery(embed=WithBackgrounds()).evaluate(dataset)


def embed_bare(images):
    return galleries.embed(images)


embed_bare.image_size = galleries.SIZE
