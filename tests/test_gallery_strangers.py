"""The threshold that an embedding comes with, measured on drawn marks of brands that it was not taught."""

import json

import marks as drawn
import numpy as np
import pytest
from galleries import SIZE, WithBackgrounds

from logo_keras.datasets.marks import Marks
from logo_keras.errors import UserError
from logo_keras.gallery import artwork, embedders, strangers
from logo_keras.image import svg


@pytest.fixture(scope="module")
def embedder():
    return embedders.embedder(embed=WithBackgrounds())


@pytest.fixture(scope="module")
def found(embedder):
    names = ("acme", "bolt", "corp", "duff", "echo", "fizz", "gear")
    marks = Marks.of([drawn.drawing(name, colored=number % 2 == 1) for number, name in enumerate(names)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strangers, "_BATCHES", 2)
        patch.setattr(strangers, "_GALLERIES", 20)
        return strangers.measure(embedder, marks), strangers.measure(embedder, marks)


def test_at_most_the_share_that_is_allowed_is_taken_for_a_brand_in_galleries_of_any_size(found):
    assert list(found[0].false_accepts) == [1, 5]
    assert max(found[0].false_accepts.values()) <= strangers.FALSE_ACCEPTS
    # With the threshold of this size; a little less would be more than is allowed.
    assert max(found[0].false_accepts.values()) > strangers.FALSE_ACCEPTS - 0.02
    assert (found[0].brands, found[0].crops, found[0].backgrounds) == (7, 102, 26)


def test_the_same_marks_give_the_same_threshold(found):
    assert found[0] == found[1]


def test_it_is_said_for_people_and_for_json(found):
    assert f"threshold {found[0].threshold:.3f}, from 102 crops of 7 brands" in str(found[0])
    assert "galleries of   5 brands" in str(found[0])
    said = json.loads(json.dumps(found[0].to_dict()))
    assert said["threshold"] == found[0].threshold and list(said["named"]) == ["1", "5"]


def test_marks_of_one_brand_measure_nothing(embedder):
    with pytest.raises(UserError, match="2 brands or more, got 1"):
        strangers.measure(embedder, Marks.of([drawn.drawing("acme")]))


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
