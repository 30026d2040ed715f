"""Figures of data sets, counted and measured by hand."""

import csv
import io

import cv2
import numpy as np
import photographs
import pytest

from logo_keras.datasets import statistics
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.sizes import read_sizes, upright_size


def made_up(labels, names=("b", "a", "c"), **fields):
    """A set of photographs that do not exist."""
    paths = [f"/made/up/{number}.jpg" for number in range(len(labels))]
    return Dataset(paths, labels, names, root="/made/up", **fields)


def rows(data):
    return list(csv.reader(io.StringIO(data.decode())))


def test_brands_come_by_number_and_then_by_name():
    assert statistics.brands(made_up([2, 0, 1, 2, -1])) == [("c", 2), ("a", 1), ("b", 1)]


def test_a_brand_without_photographs_counts_none():
    assert statistics.brands(made_up([0])) == [("b", 1), ("a", 0), ("c", 0)]


def test_root_categories_are_counted_as_on_the_slide():
    whole = made_up([0, 0, 1, 2], root_categories=["Food", "Food", "Cars"])
    header, table = statistics.overview(whole, {"train": whole.subset([0, 2]), "test": whole.subset([1, 3])})
    assert header == ["root category", "brands", "photographs", "train", "test"]
    assert table == [["Cars", 1, 1, 0, 1], ["Food", 2, 3, 2, 1], ["all", 3, 4, 2, 2]]


def test_photographs_without_a_brand_have_a_row_beside_the_root_categories():
    _, table = statistics.overview(made_up([0, -1, -1], root_categories=["Food", "Food", "Cars"]))
    assert table == [["Cars", 0, 0], ["Food", 1, 1], ["no brand", 0, 2], ["all", 1, 3]]


def test_without_root_categories_every_split_has_a_row():
    whole = made_up([0, 0, 1], boxes=[[(0, 0, 5, 5)], [], [(0, 0, 5, 5), (1, 1, 2, 2)]])
    header, table = statistics.overview(whole, {"train": whole.subset([0, 2]), "none": made_up([-1, -1])})
    assert header == ["split", "brands", "photographs", "no brand", "boxes"]
    assert table == [["train", 2, 2, 0, 3], ["none", 0, 2, 2, 0], ["all with a brand", 2, 3, 0, 3]]


def test_one_split_alone_is_one_row_with_its_name():
    assert statistics.overview(made_up([0, -1], split_name="test"))[1] == [["test", 1, 2, 1, 0]]


def test_a_set_without_splits_is_one_row():
    assert statistics.overview(made_up([0, 1]))[1] == [["all", 2, 2, 0, 0]]


def test_brands_are_sorted_inside_each_root_category():
    whole = made_up([0, 1, 1, 2], root_categories=["Food", "Food", "Cars"])
    assert statistics.by_category(whole) == {"Cars": [("c", 1)], "Food": [("a", 2), ("b", 1)]}
    assert statistics.by_category(made_up([0])) == {}


def test_cut_out_boxes_are_called_so():
    whole = made_up([0], boxes=[[(0, 0, 5, 5), (5, 5, 9, 9)]])
    assert statistics.overview(whole.cut(0.1)) == (
        ["split", "brands", "cut-out boxes", "no brand", "boxes"],
        [["all", 1, 2, 0, 2]],
    )


def test_boxes_are_measured_against_their_photograph(tmp_path):
    path = photographs.write(tmp_path / "a.jpg", height=40, width=160)
    sizes = statistics.box_sizes(Dataset([path], [0], ["acme"], [[(0, 0, 10, 40), (0, 0, 40, 160)]]))
    # 10 x 40 of 40 x 160 px: a quarter of each side; the second is the whole photograph.
    np.testing.assert_allclose(sizes.area_sides, [0.25, 1.0])
    np.testing.assert_allclose(sizes.longer_sides, [0.25, 1.0])
    assert sizes.photographs.tolist() == [[40, 160]] * 2 and sizes.brands == ("acme", "acme")


def test_a_turned_photograph_is_measured_upright(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(photographs.with_orientation(photographs.encode(photographs.scene(40, 160)), 6))
    sizes = statistics.box_sizes(Dataset([path], [0], ["acme"], [[(0, 0, 80, 10)]]))
    assert sizes.photographs.tolist() == [[160, 40]]
    np.testing.assert_allclose(sizes.longer_sides, [0.5])


def test_boxes_of_photographs_that_cannot_be_read_are_left_out_by_name(tmp_path):
    good = photographs.write(tmp_path / "good.png")
    (tmp_path / "cut.jpg").write_bytes(photographs.encode(photographs.scene())[:-20])
    (tmp_path / "folder.jpg").mkdir()
    names = ["none.jpg", "cut.jpg", "good.png", "folder.jpg"]
    sizes = statistics.box_sizes(Dataset([tmp_path / name for name in names], [0] * 4, ["acme"], [[(1, 2, 3, 4)]] * 4))
    assert sizes.paths == (str(good),) and sizes.boxes.tolist() == [[1, 2, 3, 4]]
    reasons = {path.rpartition("/")[2]: reason for path, reason in sizes.unreadable.items()}
    assert reasons["none.jpg"] == "no such file" and reasons["cut.jpg"].startswith("truncated") and len(reasons) == 3


def test_a_set_without_boxes_has_no_sizes_and_no_photograph_is_opened():
    sizes = statistics.box_sizes(made_up([0, 1]))
    assert sizes.paths == () and sizes.area_sides.shape == (0,) and not sizes.unreadable


def test_cut_out_boxes_are_measured_against_the_whole_photograph(tmp_path):
    path = photographs.write(tmp_path / "a.jpg", height=40, width=40)
    whole = Dataset([path], [0], ["acme"], [[(0, 0, 10, 10)]])
    np.testing.assert_allclose(statistics.box_sizes(whole.cut(0.5)).area_sides, [0.25])


def test_a_file_above_the_limit_is_not_read(tmp_path):
    path = str(photographs.write(tmp_path / "a.png"))
    assert read_sizes([path], max_bytes=10)[1] == {path: "too large: 5,067 bytes, at most 10 are read (max_bytes)"}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", "<>")
def test_sizes_agree_with_the_decoder_in_every_orientation(orientation, order):
    jpeg = photographs.with_orientation(photographs.encode(photographs.scene(40, 60)), orientation, order)
    assert upright_size(jpeg) == cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape[:2]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_sizes_agree_with_the_decoder_in_other_formats(kind, orientation):
    image = pytest.importorskip("PIL.Image")
    exif = image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.fromarray(photographs.scene(40, 60)).save(file, kind, exif=exif)
    assert upright_size(file.getvalue()) == cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_COLOR).shape[:2]


@pytest.mark.parametrize("damage", [b"XX", b"II*\x00\xff\xff\xff\x7f", b"MM\x00*\x00\x00\x00\x08\xff\xff"])
def test_broken_exif_turns_nothing(damage):
    jpeg = photographs.encode(photographs.scene(40, 60))
    segment = b"Exif\x00\x00" + damage
    assert upright_size(jpeg[:2] + b"\xff\xe1" + bytes([0, len(segment) + 2]) + segment + jpeg[2:]) == (40, 60)


def test_examples_are_spread_over_the_photographs_of_a_brand():
    whole = made_up([0] * 80 + [1] * 3 + [-1] * 20)
    found = {name: (total, samples.tolist()) for name, total, samples in statistics.examples(whole, 8)}
    assert list(found) == ["b", "a", "no brand"]
    assert found["a"] == (3, [80, 81, 82])
    assert found["b"][0] == 80 and [sample // 10 for sample in found["b"][1]] == list(range(8))
    assert len(found["no brand"][1]) == 8 and min(found["no brand"][1]) >= 83


def test_examples_depend_on_the_seed_and_on_no_other_brand():
    chosen = [
        statistics.examples(made_up([0] * 80 + more), 8, seed)[0][2].tolist() for more, seed in (([], 0), ([1], 0), ([], 1))
    ]
    assert chosen[0] == chosen[1] != chosen[2]


def test_deciles_part_a_row_in_ten():
    np.testing.assert_allclose(statistics.deciles(np.arange(101)), np.arange(10, 100, 10))


def test_the_table_of_boxes_names_photographs_from_the_root_on(tmp_path):
    path = photographs.write(tmp_path / "x" / "a.jpg", height=40, width=160)
    whole = Dataset([path], [-1], ["acme"], [[(0.5, 1, 10.5, 41)]], root=str(tmp_path))
    table = rows(statistics.to_csv(*statistics.box_table(whole, statistics.box_sizes(whole))))
    assert table[1] == ["x/a.jpg", "no brand", "0.50", "1.00", "10.50", "41.00", "40", "160", "0.250000", "0.250000"]


def test_a_table_keeps_every_name_and_gives_the_same_bytes():
    names = ['a,"b"', "line\nend", "可口可乐", " é ", ""]
    data = statistics.to_csv(["brand"], [[name] for name in names])
    assert [row[0] if row else "" for row in rows(data)] == ["brand", *names]
    assert statistics.to_csv(["x"], [["\udcff"]]) == b"x\n\\udcff\n"


def test_two_thousand_brands_are_counted():
    labels = np.repeat(np.arange(2341), 71)
    whole = made_up(labels, names=[str(number) for number in range(2341)], root_categories=[str(n % 10) for n in range(2341)])
    assert statistics.overview(whole)[1][-1] == ["all", 2341, 2341 * 71]
    assert len(statistics.examples(whole, 8)) == 2341


def test_the_boxes_of_toplogo10_are_small(shared):
    from logo_keras import datasets

    sizes = statistics.box_sizes(datasets.load("toplogo10", shared / "data" / "toplogo10"))
    assert len(sizes.paths) == 863 and not sizes.unreadable
    # The README of the photographs: the median is 15 % of the side, the tenth below 7 %.
    np.testing.assert_allclose(statistics.deciles(sizes.longer_sides)[[0, 4]], [0.064, 0.147], atol=0.001)
