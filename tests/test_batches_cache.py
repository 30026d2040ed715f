"""Photographs kept on disk as squares."""

import multiprocessing
import os

import numpy as np
import pytest
from photographs import scene, write

from logo_keras import datasets
from logo_keras.datasets.batches.cache import Cache
from logo_keras.datasets.batches.photo_augmentation import augment
from logo_keras.image.preprocessing import DECODING, UnreadablePhotograph, prepare, read, resize

LIMITS = (10**6, 10**6)


@pytest.fixture
def photographs(tmp_path):
    """Five photographs of different shapes."""
    root = tmp_path / "photographs"
    for number in range(5):
        write(root / "a" / f"{number}.png", seed=number, height=20 + 30 * number, width=150 - 20 * number)
    return datasets.load("folder", root)


def never():
    raise AssertionError("the photograph is read again")


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def everything(batches):
    return np.concatenate([np.asarray(images) for images, _ in batches])


def test_what_is_kept_is_not_read_again(tmp_path, photographs):
    cache, path = Cache(tmp_path / "cache", 32, LIMITS), photographs.paths[0]
    assert not cache.holds(path, None)
    first = cache.square(path, None, lambda: read(path))
    assert cache.holds(path, None)
    np.testing.assert_array_equal(first, resize(read(path), 32))
    np.testing.assert_array_equal(cache.square(path, None, never), first)
    np.testing.assert_array_equal(Cache(tmp_path / "cache", 32, LIMITS).square(path, None, never), first)


def test_a_file_lies_two_folders_deep_and_holds_little_but_the_pixels(tmp_path, photographs):
    cache = Cache(tmp_path / "cache", 32, LIMITS)
    cache.square(photographs.paths[0], None, lambda: scene())
    (file,) = files(tmp_path / "cache")
    assert len(file.relative_to(tmp_path / "cache").parts) == 3
    assert 3 * 32**2 < file.stat().st_size < 3 * 32**2 + 64


def test_another_side_window_or_limit_is_another_file(tmp_path, photographs):
    path = photographs.paths[0]
    Cache(tmp_path / "cache", 32, LIMITS).square(path, None, scene)
    for other in (Cache(tmp_path / "cache", 33, LIMITS), Cache(tmp_path / "cache", 32, (10, 10))):
        assert not other.holds(path, None)
    same = Cache(tmp_path / "cache", 32, LIMITS)
    assert same.holds(path, None) and not same.holds(path, np.float32([0, 0, 5, 5]))


def test_squares_that_another_decoding_made_are_not_used(tmp_path, photographs, monkeypatch):
    path = photographs.paths[0]
    Cache(tmp_path / "cache", 32, LIMITS).square(path, None, scene)
    monkeypatch.setattr("logo_keras.datasets.batches.cache.DECODING", DECODING + 1)
    assert not Cache(tmp_path / "cache", 32, LIMITS).holds(path, None)


def test_a_photograph_that_changed_is_read_anew(tmp_path, photographs):
    cache, path = Cache(tmp_path / "cache", 32, LIMITS), photographs.paths[0]
    cache.square(path, None, lambda: read(path))
    os.utime(path, ns=(1, 1))
    assert not cache.holds(path, None)


@pytest.mark.parametrize("damage", ["short", "empty", "long", "flipped", "other mark"])
def test_a_damaged_file_is_made_anew(damage, tmp_path, photographs):
    cache, path = Cache(tmp_path / "cache", 32, LIMITS), photographs.paths[0]
    square = cache.square(path, None, lambda: read(path))
    (file,) = files(tmp_path / "cache")
    data = bytearray(file.read_bytes())
    if damage == "flipped":
        data[-5] ^= 1
    elif damage == "other mark":
        data[0] ^= 1
    file.write_bytes({"short": data[:-9], "empty": b"", "long": data + b"1"}.get(damage, data))
    np.testing.assert_array_equal(cache.square(path, None, lambda: read(path)), square)
    np.testing.assert_array_equal(cache.square(path, None, never), square)
    assert files(tmp_path / "cache") == [file]


def test_a_photograph_that_is_gone_is_unreadable_though_it_is_kept(tmp_path, photographs):
    cache, path = Cache(tmp_path / "cache", 32, LIMITS), photographs.paths[0]
    cache.square(path, None, lambda: read(path))
    os.unlink(path)
    with pytest.raises(UnreadablePhotograph, match="no such file"):
        cache.square(path, None, lambda: read(path))


def test_a_full_disk_ends_caching_with_one_line_and_the_run_goes_on(tmp_path, photographs, capsys):
    resource = pytest.importorskip("resource", reason="limits on file sizes are Unix's")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    batches = photographs.batches(2, 32, cache=tmp_path / "cache", engine="keras")
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        images = everything(batches)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    np.testing.assert_array_equal(images, [prepare(path, 32) for path in photographs.paths])
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"the cache {tmp_path / 'cache'} takes no more photographs: ")
    assert files(tmp_path / "cache") == []


@pytest.mark.parametrize("preprocessing", ["stretch", "paper"])
def test_without_training_images_are_bit_equal(preprocessing, tmp_path, photographs):
    wanted = [prepare(path, 32, preprocessing) for path in photographs.paths]
    for _ in range(2):
        batches = photographs.batches(2, 32, cache=tmp_path / "cache", preprocessing=preprocessing)
        np.testing.assert_array_equal(everything(batches), wanted)
    assert len(files(tmp_path / "cache")) == 5


def test_paper_trains_on_the_same_images_with_and_without(tmp_path, photographs):
    runs = [photographs.batches(2, 32, True, preprocessing="paper", cache=cache) for cache in (None, tmp_path / "cache")]
    for _ in range(2):
        np.testing.assert_array_equal(everything(runs[0]), everything(runs[1]))


def test_stretch_trains_on_crops_of_the_kept_square(tmp_path, photographs):
    images = everything(photographs.batches(2, 32, True, seed=3, cache=tmp_path / "cache"))
    # 42 px = 32 px / sqrt(0.6), rounded up.
    squares = [resize(read(path), 42) for path in photographs.paths]
    order = np.random.default_rng([3, 0]).permutation(5)
    wanted = [augment(squares[index], 32, np.random.default_rng([3, 0, index]), kept=True) for index in order]
    np.testing.assert_array_equal(images, wanted)


def test_training_without_augmentation_keeps_what_evaluation_keeps(tmp_path, photographs):
    everything(photographs.batches(2, 32, cache=tmp_path / "cache"))
    kept = files(tmp_path / "cache")
    images = everything(photographs.batches(2, 32, True, augment="none", cache=tmp_path / "cache"))
    assert {image.tobytes() for image in images} == {prepare(path, 32).tobytes() for path in photographs.paths}
    assert files(tmp_path / "cache") == kept


def test_subsets_and_cuts_share_the_folder(tmp_path, photographs):
    everything(photographs.batches(2, 32, cache=tmp_path / "cache"))
    everything(photographs.subset([1, 3]).batches(2, 32, cache=tmp_path / "cache"))
    assert len(files(tmp_path / "cache")) == 5
    boxes = [[(0, 0, 9, 9), (5, 5, 20, 20)]] + [[]] * 4
    whole = datasets.Dataset(photographs.paths, photographs.labels, photographs.class_names, boxes)
    cut = whole.cut(0)
    images = everything(cut.batches(2, 32, cache=tmp_path / "cache"))
    np.testing.assert_array_equal(images, everything(cut.batches(2, 32)))
    np.testing.assert_array_equal(images, everything(cut.batches(2, 32, cache=tmp_path / "cache")))
    assert len(files(tmp_path / "cache")) == 7


def test_what_is_kept_needs_no_check(tmp_path, photographs, monkeypatch):
    everything(photographs.batches(2, 32, cache=tmp_path / "cache"))
    again = datasets.load("folder", photographs.root)
    checked = []
    monkeypatch.setattr("logo_keras.image.preprocessing.check", lambda path, *limits: checked.append(path))
    write(tmp_path / "photographs" / "a" / "5.png")
    more = datasets.load("folder", photographs.root)
    again.batches(2, 32, cache=tmp_path / "cache")
    assert checked == []
    more.batches(2, 32, cache=tmp_path / "cache")
    assert [os.path.basename(path) for path in checked] == ["5.png"]


def fill(root, folder):
    dataset = datasets.load("folder", root)
    cache = Cache(folder, 32, (dataset.max_pixels, dataset.max_bytes))
    for path in dataset.paths:
        cache.square(path, None, lambda path=path: read(path))


def test_processes_fill_one_folder_side_by_side(tmp_path, photographs):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fill, args=(photographs.root, tmp_path / "cache")) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    assert len(files(tmp_path / "cache")) == 5
    cache = Cache(tmp_path / "cache", 32, (photographs.max_pixels, photographs.max_bytes))
    for path in photographs.paths:
        np.testing.assert_array_equal(cache.square(path, None, never), resize(read(path), 32))


@pytest.mark.parametrize("value", ["", 5, True])
def test_a_cache_that_is_no_path_is_refused(value, photographs):
    with pytest.raises(ValueError, match="cache must be the path of a folder, or None, got"):
        photographs.batches(2, 32, cache=value)


def test_a_file_in_place_of_the_folder_is_named(tmp_path, photographs):
    (tmp_path / "cache").write_text("no folder")
    with pytest.raises(OSError, match="cache is no folder and cannot be made one"):
        photographs.batches(2, 32, cache=tmp_path / "cache")
