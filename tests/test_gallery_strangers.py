"""The threshold that an embedding comes with, measured on drawn marks of brands that it was not taught."""

import json

import marks as drawn
import numpy as np
import pytest
from galleries import SIZE, Detecting, WithBackgrounds

from logo_keras.datasets.marks import Marks
from logo_keras.errors import UserError
from logo_keras.gallery import artwork, embedders, strangers
from logo_keras.image import svg

MARKS = Marks.of(
    [
        drawn.drawing(name, colored=number % 2 == 1)
        for number, name in enumerate(("acme", "bolt", "corp", "duff", "echo", "fizz", "gear"))
    ]
)


class InEveryPhoto(Detecting):
    """Finds two places, whatever a photo shows; in dark ones a third."""

    image_size = SIZE

    def detect(self, photo, regions=None):
        assert photo.shape == (SIZE, SIZE, 3) and photo.dtype == np.uint8
        self._also = (((2, 2, 20, 20), 0.5), ((8, 8, 30, 30), -0.1), ((0, 0, 32, 32), 0.1))[: 2 + (photo.mean() < 128)]
        return super().detect(photo)


@pytest.fixture(scope="module")
def embedder():
    return embedders.embedder(embed=WithBackgrounds())


@pytest.fixture(scope="module")
def found(embedder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strangers, "_BATCHES", 2)
        patch.setattr(strangers, "_GALLERIES", 20)
        return strangers.measure(embedder, MARKS), strangers.measure(embedder, MARKS)


@pytest.fixture(scope="module")
def searched():
    """Of a detector that finds the same two places in every scene; two galleries of each size."""
    detector = embedders.embedder(embed=InEveryPhoto())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strangers, "_SCENE_BATCHES", 3)
        patch.setattr(strangers, "_GALLERIES", 20)
        return strangers.measure_searched(detector, MARKS)


def test_at_most_the_share_that_is_allowed_is_taken_for_a_brand_in_galleries_of_any_size(found):
    assert list(found[0].false_accepts) == [1, 5]
    assert max(found[0].false_accepts.values()) <= strangers.FALSE_ACCEPTS
    # With the threshold of this size; a little less would be more than is allowed.
    assert max(found[0].false_accepts.values()) > strangers.FALSE_ACCEPTS - 0.02
    assert (found[0].asked, found[0].brands, found[0].with_marks, found[0].without) == ("crops", 7, 102, 26)


def test_the_same_marks_give_the_same_threshold(found):
    assert found[0] == found[1]


def test_of_a_photo_that_is_searched_the_likeliest_place_counts(searched):
    assert (searched.asked, searched.brands, searched.with_marks + searched.without) == ("scenes", 7, 45)
    assert list(searched.named) == [1, 5] and searched.without > 0
    assert max(searched.false_accepts.values()) <= strangers.FALSE_ACCEPTS
    assert "scenes of 7 brands that were not trained" in str(searched)


def test_what_is_named_is_counted_by_photos():
    # Two brands and one that no photo shows; of the first photo two places, of the others one.
    similarities = np.float32([[0.9, 0.1, 0.2, 0.3], [0.0, 0.8, 0.1, 0.1], [0.0, 0.0, 0.0, 0.4]])
    places_of, shown = np.array([[0, 1], [2, 2], [3, 3]]), np.array([[True, True, False], [False] * 3, [False, False, True]])
    found = strangers._found("scenes", similarities, places_of, shown, 0)
    assert (found.brands, found.with_marks, found.without) == (3, 2, 1) and list(found.named) == [1]
    # Galleries of the first brand alone see 0.3 in the third photo, those of the second 0.1, those of the third 0 in the first.
    assert found.threshold == pytest.approx(0.301) and found.false_accepts == {1: 0} and found.backgrounds_named == {1: 0}
    assert found.named == {1: 1}


def test_it_is_said_for_people_and_for_json(found):
    assert f"threshold {found[0].threshold:.3f}, from 102 crops of 7 brands" in str(found[0])
    assert "galleries of   5 brands" in str(found[0])
    said = json.loads(json.dumps(found[0].to_dict()))
    assert said["threshold"] == found[0].threshold and list(said["named"]) == ["1", "5"]


def test_marks_of_one_brand_measure_nothing(embedder):
    with pytest.raises(UserError, match="2 brands or more, got 1"):
        strangers.measure(embedder, Marks.of([drawn.drawing("acme")]))
    with pytest.raises(UserError, match="2 brands or more, got 1"):
        strangers.measure_searched(embedder, Marks.of([drawn.drawing("acme")]))


@pytest.mark.parametrize("package", ["in one colour", "in colours"])
def test_a_drawing_is_artwork_as_a_user_has_it(package):
    if package == "in one colour":
        seen, ink = strangers._picture(drawn.drawing("acme", color=(200, 30, 30))), (200, 30, 30)
    else:
        half = np.dstack([np.full((8, 8, 3), (50, 25, 0), np.uint8), np.full((8, 8), 128, np.uint8)])
        seen, ink = strangers._picture(drawn.Drawing(drawn.Mark("acme", "small", "acme"), half)), (100, 50, 0)
    assert seen.dtype == np.uint8 and seen.shape[2] == 4
    opaque = seen[seen[..., 3] > 100]
    assert np.abs(opaque[:, :3].astype(int) - ink).max() <= 1
    assert set(artwork.drawings(seen)) >= {"own colours on light", "black on light"}


def test_references_are_those_that_a_gallery_makes(embedder):
    ring = svg.draw(
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="3" fill="red"/></svg>', 64
    )
    pictures = list(artwork.drawings(ring).values())
    np.testing.assert_array_equal(strangers._embedded(embedder, iter(pictures)), embedder.embed(pictures))
    assert embedder.image_size == SIZE
