"""Photographs that are alike: the same file, the same bytes, or nearly the same picture."""

import itertools
import shutil

import cv2
import numpy as np
import pytest
from photographs import encode, scene, write

from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.quality.duplicates import alike, identical, nearly_identical, survey


def put(path, photo, quality=95):
    """Writes an RGB array as a file; JPEG with a quality."""
    bgr = np.ascontiguousarray(photo[..., ::-1])
    done, data = cv2.imencode(path.suffix, bgr, [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix == ".jpg" else [])
    assert done
    path.write_bytes(data.tobytes())
    return str(path)


def artwork(words, color=(20, 20, 20), size=(300, 300), scale=2.0):
    """Words in the middle of a white picture, as plain as a logo's file."""
    height, width = size
    photo = np.full((height, width, 3), 255, np.uint8)
    (text, tall), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_DUPLEX, scale, 6)
    at = (width - text) // 2, (height + tall) // 2
    return cv2.putText(photo, words, at, cv2.FONT_HERSHEY_DUPLEX, scale, color, 6, cv2.LINE_AA)


def disc(radius, color=(20, 20, 20), size=300):
    return cv2.circle(np.full((size, size, 3), 255, np.uint8), (size // 2, size // 2), radius, color, -1, cv2.LINE_AA)


def resized(photo, factor):
    return cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def brighter(photo, levels):
    return np.clip(photo.astype(int) + levels, 0, 255).astype(np.uint8)


def keys(*paths):
    return alike(Dataset(paths=paths, labels=[0] * len(paths), class_names=["a"])).tolist()


CHANGES = {
    "saved anew": lambda photo: (photo, ".jpg", 60),
    "saved anew and badly": lambda photo: (photo, ".jpg", 30),
    "halved": lambda photo: (resized(photo, 0.5), ".jpg", 85),
    "shrunk a little": lambda photo: (resized(photo, 0.77), ".png", None),
    "enlarged": lambda photo: (cv2.resize(photo, None, fx=1.6, fy=1.6, interpolation=cv2.INTER_CUBIC), ".jpg", 90),
    "brighter": lambda photo: (brighter(photo, 15), ".jpg", 90),
    "darker": lambda photo: (brighter(photo, -15), ".webp", None),
    "with less contrast": lambda photo: ((photo * 0.9).astype(np.uint8), ".jpg", 90),
}
PICTURES = {
    "a scene": scene(240, 320, seed=5),
    "words": artwork("ACME"),
    "a disc": disc(90),
    "a small mark on a large sheet": artwork("ACME", size=(400, 600), scale=1.5),
}


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_is_alike(tmp_path, picture, change):
    photo = PICTURES[picture]
    copy, suffix, quality = CHANGES[change](photo)
    original = put(tmp_path / "original.jpg", photo)
    assert keys(original, put(tmp_path / f"copy{suffix}", copy, quality)) == [0, 0]


def test_different_logos_on_white_are_not_alike(tmp_path):
    words = ["HANES", "HINES", "NIKE", "NICE", "MIKE", "VISA", "VISTA", "GUCCI", "GUCCO", "LOGO", "LEGO", "L0GO"]
    # Large, and so small that a thumbnail shows a bar only.
    photos = [artwork(word, size=size, scale=scale) for word in words for size, scale in (((300, 300), 2), ((400, 600), 1.2))]
    photos += [disc(radius) for radius in (60, 80, 100, 120)]
    photos += [cv2.rectangle(disc(0), (150 - side, 150 - side), (150 + side, 150 + side), (20,) * 3, -1) for side in (53, 71, 89)]
    paths = [put(tmp_path / f"{number}.jpg", photo) for number, photo in enumerate(photos)]
    assert keys(*paths) == list(range(len(paths)))


def test_one_mark_in_two_colours_is_not_alike(tmp_path):
    colors = [(200, 30, 30), (30, 30, 200), (20, 130, 40), (20, 20, 20)]
    paths = [put(tmp_path / f"{number}.jpg", artwork("ACME", color)) for number, color in enumerate(colors)]
    assert keys(*paths) == [0, 1, 2, 3]


def test_mirrored_and_turned_photographs_are_not_alike(tmp_path):
    photo = scene(240, 320, seed=8)
    views = [photo, photo[:, ::-1], photo[::-1], np.rot90(photo)]
    assert keys(*(put(tmp_path / f"{number}.png", view) for number, view in enumerate(views))) == [0, 1, 2, 3]


def test_many_different_scenes_are_not_alike(tmp_path):
    # Small ones too, where the thumbnail is larger than the photograph.
    paths = [str(write(tmp_path / f"{seed}-{side}.png", seed, side, side)) for seed in range(60) for side in (8, 40)]
    groups = keys(*paths)
    for (one, first), (other, second) in itertools.combinations(zip(paths, groups, strict=True), 2):
        same_scene = one.rsplit("-")[0] == other.rsplit("-")[0]
        assert same_scene or first != second


def test_what_is_like_a_copy_is_like_the_original(tmp_path):
    photo = scene(240, 320, seed=3)
    # Each step is small, the first and the last differ by 60 levels.
    paths = [put(tmp_path / f"{step}.png", (photo * 0.6).astype(np.uint8) + np.uint8(20 * step)) for step in range(4)]
    assert keys(paths[0], paths[3]) == [0, 1]
    assert keys(*paths) == [0, 0, 0, 0]
    assert keys(*reversed(paths)) == [0, 0, 0, 0]


def test_photographs_of_one_colour_are_compared_by_their_bytes(tmp_path):
    greys = [put(tmp_path / f"{level}.png", np.full((40, 40, 3), level, np.uint8)) for level in (200, 202, 204)]
    copy = str(shutil.copy(greys[1], tmp_path / "copy.png"))
    assert keys(*greys, copy) == [0, 1, 2, 1]


def test_identical_files_are_alike_whatever_they_are_called(tmp_path):
    original = write(tmp_path / "original.jpg", seed=1)
    copies = [shutil.copy(original, tmp_path / name) for name in ("copy.jpg", "写真 🙂.png", "no-suffix")]
    assert keys(write(tmp_path / "other.jpg", seed=2), original, *copies) == [0, 1, 1, 1, 1]


def test_cut_outs_of_one_photograph_are_alike(tmp_path):
    paths = [write(tmp_path / "0.png", 0), write(tmp_path / "1.png", 1)]
    whole = Dataset(paths=paths, labels=[0, 0], class_names=["a"], boxes=[[(0, 0, 9, 9), (9, 9, 30, 30)], [(0, 0, 5, 5)]])
    assert alike(whole.cut(0.1)).tolist() == [0, 0, 2]


def test_photographs_that_cannot_be_read_are_alone(tmp_path):
    for name in ("one.jpg", "two.jpg"):
        (tmp_path / name).write_bytes(b"<html>")
        (tmp_path / f"empty-{name}").write_bytes(b"")
    (tmp_path / "folder.jpg").mkdir()
    paths = [tmp_path / name for name in ("gone.jpg", "one.jpg", "two.jpg", "empty-one.jpg", "empty-two.jpg", "folder.jpg")]
    assert keys(*paths) == [0, 1, 2, 3, 4, 5]
    # One path twice is one photograph, readable or not.
    assert keys(paths[0], paths[1], paths[0]) == [0, 1, 0]


def test_a_data_set_without_photographs_has_no_keys():
    groups = alike(Dataset(paths=[], labels=[], class_names=["a"]))
    assert groups.dtype == np.int64 and groups.shape == (0,)


def test_a_survey_tells_sizes_upright_and_why_a_photograph_cannot_be_read(tmp_path):
    from photographs import with_orientation

    turned = tmp_path / "turned.jpg"
    turned.write_bytes(with_orientation(encode(scene(40, 60)), 6))
    found = survey([str(turned), str(tmp_path / "gone.jpg")])
    assert found.sizes.tolist() == [[60, 40], [0, 0]]
    assert list(found.reasons) == [str(tmp_path / "gone.jpg")]


def test_limits_of_size_hold(tmp_path):
    path = str(write(tmp_path / "0.png", height=50, width=50))
    assert not survey([path], max_pixels=2500).reasons
    assert list(survey([path], max_pixels=2499).reasons) == [path]
    assert list(survey([path], max_bytes=10).reasons) == [path]


def test_the_nine_groups_of_flickrlogos27_are_found(shared):
    folder = shared / "data" / "flickrlogos27" / "flickr_logos_27_dataset_images"
    if not folder.is_dir():
        pytest.skip("needs FlickrLogos-27")
    names = sorted(path.name for path in folder.glob("*.jpg"))
    found = survey([str(folder / name) for name in names])
    same = identical(found)
    groups = [[names[place] for place in np.flatnonzero(same == key)] for key in np.flatnonzero(np.bincount(same) > 1)]
    assert len(groups) == 9
    assert ["4056335981.jpg", "4057075142.jpg"] in groups
    assert ["4491308340.jpg", "4506432358.jpg", "4507852944.jpg", "4510963350.jpg"] in groups
    # Seen by eye: all are copies, most of them of another size.
    near = nearly_identical(found, same)
    places = {name: place for place, name in enumerate(names)}
    for copies in (
        ("2132909220", "310688144"),
        ("2286135438", "4056335981"),
        ("2395651545", "3311766713"),
        ("2452451692", "2530090035", "2656155309", "3116688672", "3667849173"),
        ("2584787090", "3007900027"),
        ("2908611911", "4177800765"),
        ("3270957373", "3682264340"),
        ("4002343429", "4082747499"),
    ):
        assert len({int(near[places[f"{name}.jpg"]]) for name in copies}) == 1
    assert (np.bincount(near) > 1).sum() == 18


def test_the_one_pair_of_toplogo10_is_found(shared):
    folder = shared / "data" / "toplogo10" / "jpg"
    if not folder.is_dir():
        pytest.skip("needs TopLogo-10")
    paths = sorted(map(str, folder.glob("*/*.*")))
    near = nearly_identical(survey(paths))
    pairs = [paths[place] for place in np.flatnonzero(np.bincount(near)[near] > 1)]
    assert [path.rsplit("/")[-1] for path in pairs] == ["lacoste6.jpg", "lacoste9.jpg"]
