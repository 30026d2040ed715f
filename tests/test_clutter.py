"""Background vectors of what a detector sees in photos without logos."""

import re

import numpy as np
import pytest
from test_detector import make

import logo_keras as lk
from logo_keras.edge.detection import Detection
from logo_keras.edge.metadata import packed
from logo_keras.network import clutter

# Directions of dark, grey and bright things.
DIRECTIONS = np.eye(3, 8, dtype=np.float32)


def detect(photo):
    """Says of a photo how bright it is, twice: of the photo, and of a region."""
    vector = DIRECTIONS[int(photo.mean() // 86)]
    return Detection(np.zeros((1, 4)), np.zeros(1), vector[None], np.zeros(1), vector, 0.0)


def plain(*levels):
    return [np.full((40, 60, 3), level, np.uint8) for level in levels]


def test_few_places_are_kept_as_they_are():
    found = clutter.middles(detect, plain(10, 100), 44, seed=0)
    np.testing.assert_array_equal(found, np.repeat(DIRECTIONS[:2], 22, axis=0))


def test_many_places_become_the_middles_of_their_groups():
    # As many as there are places but for one, so that k-means cannot begin without one of the groups.
    found = clutter.middles(detect, plain(10, 100, 200), 65, seed=0)
    assert len(found) == 65 and found.dtype == np.float32
    for direction in DIRECTIONS:
        assert (found @ direction).max() == pytest.approx(1)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(found, clutter.middles(detect, plain(10, 100, 200), 65, seed=0))


def test_a_photo_is_looked_at_as_a_whole_and_in_areas_the_same_for_the_same_seed():
    seen = []

    def looking(photo):
        seen.append(photo.copy())
        return detect(photo)

    noise = np.random.default_rng(0).integers(0, 256, (50, 80, 3), np.uint8)
    for seed in (0, 0, 1):
        clutter.middles(looking, [noise], 3, seed)
    first, again, other = seen[:11], seen[11:22], seen[22:]
    np.testing.assert_array_equal(first[0], noise)
    assert all(10 <= area.shape[0] <= 45 and 16 <= area.shape[1] <= 72 for area in first[1:])
    assert all(np.array_equal(*pair) for pair in zip(first, again, strict=True))
    assert [area.shape for area in first] != [area.shape for area in other]
    # A px is a photo too.
    assert len(clutter.middles(looking, plain(3)[0][None, :1, :1], 99, 0)) == 22


def test_a_detector_learns_backgrounds_and_keeps_them_in_its_file(tmp_path):
    model = make()
    before = model.background_vectors
    assert before.shape == (3, 8) and model.extra_backgrounds is None
    rng = np.random.default_rng(0)
    photos = rng.integers(0, 256, (2, 90, 70, 3), np.uint8)
    learned = model.learn_backgrounds(photos, count=6)
    assert learned.shape == (6, 8)
    np.testing.assert_array_equal(model.background_vectors[:3], before)
    # Crops that somebody cut out need no more than they were learned with.
    np.testing.assert_array_equal(model.embedder.background_vectors, before)
    # As float16.
    np.testing.assert_allclose(model.background_vectors[3:], learned, atol=1e-3)
    black = np.zeros((1, 128, 128, 3), np.float32)
    answer = model.predict_on_batch(black)["objectness"]
    model.save(tmp_path / "model.keras")
    again = lk.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.background_vectors, model.background_vectors)
    # No weight and no answer of the network depends on them.
    np.testing.assert_array_equal(again.predict_on_batch(black)["objectness"], answer)
    # Those that were there go.
    assert len(model.learn_backgrounds(photos[:1], count=2)) == 2 and model.background_vectors.shape == (5, 8)


def test_a_detector_takes_vectors_or_their_text():
    assert make(extra_backgrounds=DIRECTIONS).extra_backgrounds == packed(DIRECTIONS)
    np.testing.assert_array_equal(make(extra_backgrounds=packed(DIRECTIONS)).background_vectors[3:], DIRECTIONS)
    with pytest.raises(ValueError, match="extra_backgrounds must be of length 1"):
        make(extra_backgrounds=2 * DIRECTIONS)
    with pytest.raises(ValueError, match="extra_backgrounds must be 1 to 4096 float16 vectors of 8 dimensions, got 6 bytes"):
        make(extra_backgrounds=packed(np.eye(1, 3)))
    with pytest.raises(ValueError, match="extra_backgrounds must be base64"):
        make(extra_backgrounds="?")


def test_what_cannot_be_learned_from_is_refused(tmp_path):
    with pytest.raises(ValueError, match="photos must be one or more, got none"):
        make().learn_backgrounds([])
    with pytest.raises(ValueError, match="count must be"):
        make().learn_backgrounds(plain(1), count=0)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    with pytest.raises(ValueError, match=re.escape(str(broken))):
        make().learn_backgrounds([broken])
