"""Where logos are in a photo: what a detector is shown of it, and what becomes of what it gives. No TensorFlow needed."""

import json
import time

import numpy as np
import pytest

from logo_keras.edge.detection import Detection, detect, framed, merged, parts

SIZE = 64
RED, BLUE = (200, 0, 0), (0, 0, 200)


def answers(boxes, scores, embeddings=None, objectness=None):
    """What a model gives for one image: dict of arrays with a batch of one."""
    count = len(boxes)
    embeddings = np.eye(max(count, 3))[:count, :3] if embeddings is None else embeddings
    found = {"region_boxes": np.reshape(boxes, (-1, 4)), "region_scores": scores, "region_embeddings": embeddings}
    found |= {"region_objectness": np.zeros(count) if objectness is None else objectness}
    found |= {"embedding": np.array([0, 0.6, 0.8]), "objectness": np.array(0.125)}
    return {name: np.float32(value)[None] for name, value in found.items()}


def always(*given, **others):
    """A model that gives the same whatever it sees."""
    return lambda images: answers(*given, **others)


def finds_colours(images):
    """A model that finds the px of each colour, the surer the more of them; and a box in the corner, of a low score."""
    (image,) = images
    boxes, scores, vectors = [[0, 0, 4, 4]], [0.01], [[0, 0, 1]]
    for place, colour in enumerate((RED, BLUE)):
        rows, columns = np.nonzero(np.abs(image - colour).max(axis=-1) < 20)
        if len(rows):
            boxes.insert(0, [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1])
            scores.insert(0, 0.2 + 0.5 * len(rows) / image[..., 0].size)
            vectors.insert(0, np.eye(3)[place])
    return answers(boxes, scores, np.float32(vectors))


def photo_with(size, *squares):
    """A grey photo, uint8 `[*size, 3]`, with squares: pairs of a box and a colour."""
    photo = np.full((*size, 3), 128, np.uint8)
    for (y0, x0, y1, x1), colour in squares:
        photo[y0:y1, x0:x1] = colour
    return photo


def test_boxes_come_in_px_of_the_photo():
    # A px of the image is four of the photo, which lies in rows 16 to 48.
    found = detect(always([[20, 8, 36, 40], [16, 0, 48, 64]], [0.5, 0.25]), photo_with((128, 256)), SIZE)
    np.testing.assert_allclose(found.boxes, [[16, 32, 80, 160], [0, 0, 128, 256]])
    np.testing.assert_allclose(found.scores, [0.5, 0.25])
    np.testing.assert_allclose(found.embeddings, np.eye(3)[:2])
    assert found.boxes.dtype == found.embeddings.dtype == np.float32
    np.testing.assert_allclose(found.whole_embedding, [0, 0.6, 0.8])
    assert found.whole_objectness == 0.125 and type(found.whole_objectness) is float


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (90, 90), (20, 30), (7, 9), (641, 333)])
def test_a_square_is_found_where_it_is_in_photos_of_any_size_and_shape(size):
    y0, x0, y1, x1 = box = [int(share * side) for share, side in zip((0.25, 0.5, 0.75, 0.875), size * 2, strict=True)]
    found = detect(finds_colours, photo_with(size, (box, RED)), SIZE)
    np.testing.assert_allclose(found.boxes[0], [y0, x0, y1, x1], atol=0.5 + max(size) / SIZE)
    np.testing.assert_allclose(found.embeddings[0], [1, 0, 0])


def test_the_paper_s_preprocessing_shows_the_middle_and_boxes_lie_there():
    photo = photo_with((256, 256), ((64, 96, 128, 192), RED))
    found = detect(finds_colours, photo, SIZE, preprocessing="paper")
    np.testing.assert_allclose(found.boxes[0], [64, 96, 128, 192], atol=4)


def test_a_photo_keeps_its_shape_and_its_outermost_px_go_on():
    photo = photo_with((32, 64), ((0, 0, 1, 64), RED), ((31, 0, 32, 64), BLUE))
    image, place = framed(photo, SIZE)
    assert place == (16, 0, 48, 64) and image.shape == (64, 64, 3)
    np.testing.assert_array_equal(image[16:48], photo)
    assert (image[:17] == RED).all() and (image[47:] == BLUE).all()


def test_what_lies_beside_the_photo_is_left_out_and_what_reaches_beyond_it_ends_there():
    # The photo lies in rows 16 to 48.
    boxes = [[0, 10, 15, 30], [4, 10, 18, 30], [8, 20, 40, 40], [20, 5, 20, 9], [30, 50, 40, 40]]
    found = detect(always(boxes, [0.9, 0.8, 0.7, 0.6, 0.5]), photo_with((32, 64)), SIZE)
    np.testing.assert_allclose(found.boxes, [[0, 20, 24, 40]])
    np.testing.assert_allclose(found.scores, [0.7])


def test_a_photo_of_which_nothing_is_left_gives_no_region():
    found = detect(always([[0, 10, 15, 30]], [0.9]), photo_with((32, 64)), SIZE)
    assert found.boxes.shape == (0, 4) and found.embeddings.shape == (0, 3) and found.scores.shape == (0,)
    assert found.whole_embedding.shape == (3,)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("name", ["boxes", "scores", "embeddings", "objectness"])
def test_what_is_no_number_is_left_out(name, bad):
    given = {"boxes": [[8.0, 8, 24, 24], [30, 30, 50, 50]], "scores": [0.9, 0.8], "embeddings": np.eye(3)[:2] + 0.0}
    given = {key: np.float32(value) for key, value in given.items()} | {"objectness": np.float32([0.1, 0.2])}
    given[name].reshape(2, -1)[0, -1] = bad
    found = detect(always(**given), photo_with((64, 64)), SIZE)
    # A box so large lies beside the photo, nearly all of it.
    assert len(found.boxes) == (2 if np.isfinite(bad) and name != "boxes" else 1)
    np.testing.assert_allclose(found.boxes[-1], [30, 30, 50, 50])
    assert np.isfinite(found.boxes).all() and found.boxes.max() <= 64


def test_at_most_so_many_regions_come_the_best():
    boxes, scores = [[0, 0, 9, 9], [20, 20, 30, 30], [40, 40, 60, 60]], [0.2, 0.9, 0.5]
    whole = detect(always(boxes, scores), photo_with((64, 64)), SIZE)
    np.testing.assert_allclose(whole.scores, [0.9, 0.5, 0.2])
    some = detect(always(boxes, scores), photo_with((64, 64)), SIZE, regions=2)
    np.testing.assert_array_equal(some.boxes, whole.boxes[:2])
    np.testing.assert_array_equal(some.embeddings, whole.embeddings[:2])
    assert len(detect(always(boxes, scores), photo_with((64, 64)), SIZE, regions=99).boxes) == 3


@pytest.mark.parametrize("regions", [0, -1, 1.5, True, "all"])
def test_a_number_of_regions_that_is_none_is_refused(regions):
    with pytest.raises(ValueError, match="regions must be an integer of at least 1"):
        detect(finds_colours, photo_with((64, 64)), SIZE, regions=regions)


@pytest.mark.parametrize("photo", [np.zeros((0, 9, 3), np.uint8), np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3)), 7])
def test_what_is_no_photo_is_refused(photo):
    with pytest.raises(ValueError, match="photo must be"):
        detect(finds_colours, photo, SIZE)


def test_photos_of_usual_shapes_are_looked_at_once():
    for height, width in ((480, 640), (1080, 1920), (1920, 1080), (800, 1912), (5, 7), (64, 64)):
        assert parts(height, width, SIZE) == [(0, 0, height, width)]
    # Magnified as they are, parts of it would show no more.
    assert parts(10, 160, SIZE) == [(0, 0, 10, 160)]


def test_a_long_photo_is_looked_at_as_a_whole_and_in_squares_that_overlap():
    # (4 - 1/4) / (3/4) = 5 squares of 100 px, each 75 px further.
    squares = [(0, start, 100, start + 100) for start in (0, 75, 150, 225, 300)]
    assert parts(100, 400, SIZE) == [(0, 0, 100, 400), *squares]
    assert parts(400, 100, SIZE)[1:] == [(x0, y0, x1, y1) for y0, x0, y1, x1 in squares]
    # Not smaller than what the model sees: one px of the photo for each of its own.
    assert parts(10, 200, SIZE)[1:] == [(0, start, 10, start + 64) for start in (0, 45, 90, 136)]


@pytest.mark.parametrize("size", [(100, 2000), (1000, 20_000), (333, 7001), (1, 10**6), (10**6, 3)])
def test_parts_cover_the_photo_and_are_few(size):
    long, *found = (part[size.index(max(size)) :: 2] for part in parts(*size, SIZE))
    assert long == (0, max(size)) and found[0][0] == 0 and found[-1][1] == max(size) and len(found) <= 32
    lengths = {last - first for first, last in found}
    assert len(lengths) == 1
    overlaps = [before[1] - after[0] for before, after in zip(found, found[1:], strict=False)]
    assert min(overlaps) >= 0.25 * lengths.pop() - 1


def test_squares_in_a_panorama_are_found_once_each():
    # 20 to 1; some of the squares lie across the end of a part.
    places = [(20, 30 + 333 * number, 60, 70 + 333 * number) for number in range(6)]
    photo = photo_with((100, 2000), *((box, RED if number % 2 else BLUE) for number, box in enumerate(places)))

    found = detect(finds_colours, photo, SIZE)
    sure = found.boxes[found.scores > 0.2]
    # Of the whole photo all px of a colour, if any is left, are one box.
    single = sure[(sure[:, 3] - sure[:, 1]) < 100]
    assert len(single) == 6
    np.testing.assert_allclose(single[np.argsort(single[:, 1])], places, atol=3)
    assert (np.diff(found.scores) <= 0).all() and found.boxes[:, 3].max() <= 2000


def test_a_long_photo_of_one_row_is_answered_at_once():
    start = time.perf_counter()
    found = detect(finds_colours, photo_with((1, 300_000)), SIZE)
    assert len(found.boxes) == 0 and time.perf_counter() - start < 5


def test_of_boxes_that_find_the_same_the_best_stays():
    boxes = np.float32([[0, 0, 10, 10], [0, 0, 10, 9], [0, 5, 10, 15], [50, 50, 60, 60]])
    scores = np.float32([0.3, 0.8, 0.5, 0.9])
    nothing = np.zeros(4, bool)
    # The first shares 90 of 100 px squared with the second; the third 40 of 150 with it.
    np.testing.assert_array_equal(merged(boxes, scores, np.arange(4), nothing), [3, 1, 2])
    np.testing.assert_array_equal(merged(boxes[:0], scores[:0], np.arange(0), nothing[:0]), [])


def test_a_box_that_its_part_cuts_off_goes_where_another_has_the_whole_logo():
    # The right end of a logo; the whole; one that begins where it ends; another, which no look sees whole.
    boxes = np.float32([[0, 60, 10, 100], [0, 0, 10, 100], [0, 90, 10, 140], [0, 200, 10, 240]])
    scores, number = np.float32([0.9, 0.4, 0.8, 0.3]), np.array([1, 0, 1, 1])
    cut = np.array([True, False, True, True])
    np.testing.assert_array_equal(merged(boxes, scores, number, cut), [2, 1, 3])
    # Where the same look found both, or nothing is cut off, they are two logos.
    for others in ((np.zeros(4, int), cut), (number, np.zeros(4, bool))):
        np.testing.assert_array_equal(merged(boxes, scores, *others), [0, 2, 1, 3])


def test_a_detection_is_json():
    found = detect(always([[8, 8, 24, 24]], [0.5]), photo_with((64, 64)), SIZE)
    said = json.loads(json.dumps(found.to_dict()))
    assert set(said) == {field for field in Detection.__dataclass_fields__}
    assert said["boxes"] == [[8, 8, 24, 24]] and said["whole_objectness"] == 0.125
