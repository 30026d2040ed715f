"""The synthetic set: what it promises about bytes, boxes, splits and folders."""

import dataclasses
import itertools
import json
import os
import sys

import cv2
import numpy as np
import pytest

from logo_keras.datasets import load, synthesize
from logo_keras.datasets.synthetic import artwork, camera, compositing, placement, scenes
from logo_keras.datasets.synthetic import synthesis as synthetic
from logo_keras.image import svg

pytest.importorskip("simplepycons")
pytest.importorskip("resvg_py")
pytest.importorskip("skimage")

SMALL = dict(brands=3, train=2, validation=1, test=2, none=2)


def contents(root):
    """Every file below a folder: {path: bytes}."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def rectangle(height, width):
    """A mark that is a filled rectangle."""
    hull = np.float32([[0, 0], [1, 0], [1, 1], [0, 1]])
    return artwork.Artwork((255, 0, 0), (np.full((height, width), 255, np.uint8),), hull)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return synthetic.synthesize(tmp_path_factory.mktemp("synthetic") / "set", **SMALL)


def test_same_arguments_give_the_same_bytes_whatever_the_number_of_threads(made, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    again = synthetic.synthesize(tmp_path / "again", **SMALL)
    assert contents(again) == contents(made)


def test_another_seed_gives_other_photographs(made, tmp_path):
    other = contents(synthetic.synthesize(tmp_path / "other", **SMALL, seed=1))
    first = contents(made)
    assert other.keys() == first.keys()
    assert not any(other[path] == first[path] for path in first if path.endswith(".jpg"))


def test_no_photograph_occurs_twice(made):
    photographs = [data for path, data in contents(made).items() if path.endswith(".jpg")]
    assert len(set(photographs)) == len(photographs) == 3 * (2 + 1 + 2) + 2


def test_a_photograph_does_not_depend_on_how_many_others_there_are(made, tmp_path):
    fewer = contents(synthetic.synthesize(tmp_path / "fewer", brands=2, train=1, validation=1, test=1, none=1))
    first = contents(made)
    assert all(data == first[path] for path, data in fewer.items() if path.endswith(".jpg"))


def test_the_brands_are_the_first_of_the_list(made):
    about = json.loads((made / "synthetic.json").read_text())
    assert about["class_names"] == sorted(list(artwork.BRANDS)[:3])
    assert about["arguments"] == {"preset": "demo", **SMALL, "seed": 0, "recipe": synthetic.RECIPE}


def test_areas_of_different_splits_do_not_overlap():
    for first, second in itertools.combinations(scenes.AREAS, 2):
        if first.photograph == second.photograph:
            assert first.split != second.split
            assert not placement.overlap(first.box, second.box)
    assert {area.split for area in scenes.AREAS} == set(synthetic.SPLITS)


def test_distractors_are_not_brands_and_differ_between_training_and_the_rest():
    lists = [set(artwork.BRANDS.values()), set(artwork.TRAIN_DISTRACTORS), set(artwork.OTHER_DISTRACTORS)]
    assert len(artwork.BRANDS) >= 60
    assert sum(map(len, lists)) == len(set.union(*lists))


def test_the_drawing_of_a_mark_has_the_brands_colour_and_shape():
    mark = artwork.draw("adidas")
    drawn = svg.draw(artwork.svg("adidas").encode(), 96, "adidas")
    opaque = drawn[..., 3] == 255
    assert (drawn[opaque][:, :3] == mark.color).all()
    y, x = (np.flatnonzero(opaque.any(axis)) for axis in (1, 0))
    mask = mark.masks[2]
    assert np.ptp(x) / np.ptp(y) == pytest.approx(mask.shape[1] / mask.shape[0], rel=0.05)
    with pytest.raises(ValueError, match="no mark 'nobody'"):
        artwork.svg("nobody")


def test_no_two_marks_look_alike(monkeypatch):
    # Small, which takes a tenth of the time.
    monkeypatch.setattr(artwork, "DRAWN", 128)
    names = [*artwork.BRANDS.values(), *artwork.TRAIN_DISTRACTORS, *artwork.OTHER_DISTRACTORS]
    shapes = []
    for name in names:
        mask = artwork.draw.__wrapped__(name).masks[2]
        pad = [(max(mask.shape) - side) // 2 for side in mask.shape]
        square = np.pad(mask, [(pad[0], pad[0]), (pad[1], pad[1])])
        shape = cv2.resize(square, (48, 48)).astype(np.float64).ravel()
        shapes.append((shape - shape.mean()) / np.linalg.norm(shape - shape.mean()))
    alike = np.array(shapes) @ np.array(shapes).T - np.eye(len(names))
    # Two drawings of one mark (x and its older form, a disc with and without a rim) correlate above 0.9.
    first, second = np.unravel_index(alike.argmax(), alike.shape)
    assert alike.max() < 0.85, f"{names[first]} and {names[second]} correlate by {alike.max():.2f}"


def test_the_box_of_a_rectangle_is_the_rectangle():
    matrix = np.array([[40, 0, 10], [0, 20, 30], [0, 0, 1]], np.float64)
    where = placement.Placement(np.full((20, 40), 255, np.uint8), matrix, np.array([30.0, 10.0, 50.0, 50.0]))
    photo = np.full((100, 120, 3), 200, np.float32)
    coverage = compositing.paste(photo, where, (0, 0, 0), np.random.default_rng(0), plate=False)
    assert compositing.tight_box(coverage) == (30, 10, 50, 50)
    assert coverage.sum() == pytest.approx(20 * 40, rel=0.01)


@pytest.mark.parametrize("brand", ["Nike", "Ferrari", "Coca-Cola", "DHL"])
@pytest.mark.parametrize("seed", range(4))
def test_the_box_bounds_what_the_mark_changed(brand, seed):
    rng = np.random.default_rng(seed)
    where = placement.place(artwork.draw(artwork.BRANDS[brand]), 90.0, 200, 300, rng)
    before = np.full((200, 300, 3), 230, np.float32)
    after = before.copy()
    box = compositing.tight_box(compositing.paste(after, where, (0, 0, 0), rng, plate=False))
    changed = np.abs(after - before).max(axis=2)
    rows, columns = np.nonzero(changed > 0.25 * changed.max())
    found = [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]
    np.testing.assert_allclose(box, found, atol=1)
    # The hull of the mark bounds the box; the tips of the Nike mark are thinner than a px and do not count.
    inside = np.array(box) - where.box
    assert (inside[:2] > -1).all() and (inside[2:] < 1).all()
    if brand != "Nike":
        np.testing.assert_allclose(box, where.box, atol=2)


def test_a_plate_does_not_belong_to_the_box():
    matrix = np.array([[40, 0, 40], [0, 40, 40], [0, 0, 1]], np.float64)
    where = placement.Placement(np.full((40, 40), 255, np.uint8), matrix, np.array([40.0, 40.0, 80.0, 80.0]))
    photo = np.full((120, 120, 3), 100, np.float32)
    coverage = compositing.paste(photo, where, (255, 0, 0), np.random.default_rng(1), plate=True)
    assert compositing.tight_box(coverage) == (40, 40, 80, 80)
    assert (np.abs(photo - 100).max(axis=2) > 1).sum() > 1.1 * 40 * 40


@pytest.mark.parametrize("seed", range(20))
def test_a_placed_mark_has_the_wanted_size_and_lies_inside(seed):
    rng = np.random.default_rng(seed)
    box = placement.place(rectangle(30, 90), 100.0, 200, 120, rng).box
    assert max(box[2] - box[0], box[3] - box[1]) == pytest.approx(100.0)
    assert (box[:2] >= 0).all() and box[2] <= 200 and box[3] <= 120


@pytest.mark.parametrize("seed", range(20))
def test_a_cover_hides_no_more_than_it_may(seed):
    coverage = np.zeros((120, 160), np.float32)
    coverage[30:90, 40:120] = 1.0
    photo, cloth = np.zeros((120, 160, 3), np.float32), np.full((120, 160, 3), 255, np.float32)
    visible = compositing.cover(photo, coverage, cloth, np.random.default_rng(seed), largest=0.25)
    assert 0.75 * coverage.sum() <= visible.sum() <= coverage.sum()
    hidden = photo[..., 0] > 0.5 * photo.max() if photo.any() else np.zeros((120, 160), bool)
    assert not (visible[hidden] > 0.6).any()


def test_covers_hide_something_most_of_the_time():
    coverage = np.ones((60, 60), np.float32)
    cloth = np.zeros((60, 60, 3), np.float32)
    shares = [compositing.cover(cloth.copy(), coverage, cloth, np.random.default_rng(seed), 0.25).mean() for seed in range(30)]
    assert np.mean(np.array(shares) < 0.99) > 0.7


@pytest.mark.parametrize("preset, smallest, largest", [("demo", 0.15, 0.5), ("small", 0.08, 0.4)])
def test_logos_have_the_sizes_of_the_preset(preset, smallest, largest):
    uncovered = dataclasses.replace(synthetic.PRESETS[preset], covered=0.0)
    shares = []
    for number in range(40):
        data, (y0, x0, y1, x1) = synthetic.make_photograph(uncovered, "train", number, 0, "Mitsubishi")
        height, width = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2]
        assert data.startswith(b"\xff\xd8")
        assert max(height, width) == 512
        assert 0 <= y0 < y1 <= height and 0 <= x0 < x1 <= width
        shares.append(max(y1 - y0, x1 - x0) / min(height, width))
    assert smallest - 0.01 <= min(shares) < smallest + 0.1
    assert largest - 0.1 < max(shares) <= largest + 0.01


def test_a_camera_keeps_the_size():
    scene = np.full((40, 60, 3), 128, np.float32)
    photo = camera.photograph(scene, 20.0, np.random.default_rng(0))
    assert photo.shape == (40, 60, 3) and photo.dtype == np.uint8


def test_load_reads_what_was_written(made):
    dataset = synthetic.load(made, split="train")
    assert len(dataset.paths) == len(dataset.labels) == len(dataset.boxes) == 6
    assert list(dataset.class_names) == sorted(list(artwork.BRANDS)[:3])
    for path, label, boxes in zip(dataset.paths, dataset.labels, dataset.boxes, strict=True):
        assert os.path.basename(os.path.dirname(path)) == dataset.class_names[label]
        height, width = cv2.imread(path).shape[:2]
        assert boxes.shape == (1, 4)
        assert (boxes[0, :2] >= 0).all() and boxes[0, 2] <= height and boxes[0, 3] <= width


def test_load_gives_every_labelled_photograph_without_a_split(made):
    every = synthetic.load(made)
    parts = [synthetic.load(made, split=split) for split in ("train", "validation", "test")]
    assert sorted(every.paths) == sorted(path for part in parts for path in part.paths)
    assert min(every.labels) == 0


def test_photographs_without_a_brand_have_label_minus_one_and_no_box(made):
    none = synthetic.load(made, split="none")
    assert list(none.labels) == [-1, -1]
    assert list(none.class_names) == list(synthetic.load(made).class_names)
    assert all(boxes.shape == (0, 4) for boxes in none.boxes)


def test_the_folders_read_as_brands_agree_with_the_set(made):
    for split in ("train", "validation", "test", "none", None):
        folders, whole = load("folder", made, split=split), load("synthetic", made, split=split)
        assert folders.class_names == whole.class_names
        assert sorted(zip(folders.paths, folders.labels, strict=True)) == sorted(zip(whole.paths, whole.labels, strict=True))


def test_a_split_without_photographs_is_empty(tmp_path):
    root = synthesize(tmp_path / "set", brands=1, train=1, validation=0, test=0, none=0)
    assert len(load("synthetic", root, split="validation")) == 0
    assert len(load("synthetic", root)) == 1


def test_load_refuses_an_unknown_split_and_another_folder(made, tmp_path):
    with pytest.raises(ValueError, match="train, validation, test, none.*'dev'"):
        synthetic.load(made, split="dev")
    with pytest.raises(FileNotFoundError, match="no synthetic set.*synthetic.json"):
        synthetic.load(tmp_path)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(brands=1000), f"at most {len(artwork.BRANDS)}"),
        (dict(brands=0), "brands must be an integer of at least 1"),
        (dict(train=-1), "train must be an integer of at least 0"),
        (dict(test=2.5), "test must be an integer"),
        (dict(seed="0"), "seed must be an integer"),
        (dict(preset="hard"), "demo, small.*'hard'"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_written(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        synthetic.synthesize(tmp_path / "set", **arguments)
    assert not any(tmp_path.iterdir())


def test_an_existing_set_is_kept_and_not_made_again(made, monkeypatch):
    before = contents(made)

    def fail(*arguments):
        raise AssertionError("a photograph was made")

    monkeypatch.setattr(synthetic, "make_photograph", fail)
    assert synthetic.synthesize(made, **SMALL) == made
    assert contents(made) == before


def test_another_set_under_the_same_name_is_refused_and_kept(made):
    before = contents(made)
    with pytest.raises(ValueError, match="seed is 0 there and 7 here.*choose another root or remove it"):
        synthetic.synthesize(made, **SMALL, seed=7)
    assert contents(made) == before


def test_a_folder_with_something_else_is_refused_and_an_empty_one_is_filled(tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(ValueError, match="no synthetic set; choose another root"):
        synthetic.synthesize(tmp_path, **SMALL)
    empty = tmp_path / "empty"
    empty.mkdir()
    root = synthetic.synthesize(empty, brands=1, train=1, validation=0, test=0, none=0)
    assert len(synthetic.load(root, split="train").paths) == 1


def test_an_interrupted_run_leaves_nothing_under_the_final_name(tmp_path, monkeypatch):
    make = synthetic.make_photograph

    def interrupted(preset, split, number, seed, brand):
        if split == "test":
            raise KeyboardInterrupt
        return make(preset, split, number, seed, brand)

    monkeypatch.setattr(synthetic, "make_photograph", interrupted)
    with pytest.raises(KeyboardInterrupt):
        synthetic.synthesize(tmp_path / "set", **SMALL)
    assert not any(tmp_path.iterdir())


def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "simplepycons", None)
    # Without what was drawn before.
    monkeypatch.setattr(artwork, "draw", artwork.draw.__wrapped__)
    with pytest.raises(ImportError, match=r"simplepycons.*logo_keras\[export\]"):
        synthetic.synthesize(tmp_path / "set", **SMALL)
    assert not any(tmp_path.iterdir())


def test_progress_is_said_on_stderr(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("logo_keras.report.progress._PAUSE", 0)
    synthetic.synthesize(tmp_path / "set", brands=1, train=2, validation=0, test=0, none=1)
    assert "drawing photos: 3 of 3, " in capsys.readouterr().err
