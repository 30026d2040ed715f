"""Cells of a detector: where they lie, and which of them is to find which box, by hand."""

import numpy as np
from keras import ops

from logo_keras.network.cells import assign, make_cells


def owners(size, strides, boxes, labels=None):
    """Of each cell, by its centre, the box that it is to find: dict from (y, x, stride) to a tuple."""
    cells, boxes = make_cells(size, strides), np.float32([boxes])
    labels = np.zeros((1, boxes.shape[1]), np.int32) if labels is None else np.int32([labels])
    found, wanted = map(ops.convert_to_numpy, assign(cells, boxes, labels))
    places = zip(cells.centres.tolist(), cells.strides.tolist(), found[0], wanted[0].tolist(), strict=True)
    return {(*centre, stride): tuple(box) for centre, stride, found, box in places if found}


def test_cells_come_level_by_level_and_row_by_row():
    cells = make_cells(64, (16, 32))
    assert cells.centres.shape == (20, 2) and cells.centres.dtype == np.float32
    np.testing.assert_array_equal(cells.centres[[0, 1, 4, 16, 17, 18]], [[8, 8], [8, 24], [24, 8], [16, 16], [16, 48], [48, 16]])
    np.testing.assert_array_equal(cells.strides, [16] * 16 + [32] * 4)
    assert len(make_cells(320, (8, 16, 32)).strides) == 40**2 + 20**2 + 10**2


def test_a_level_finds_boxes_of_its_own_size_and_the_ends_find_the_rest():
    cells = make_cells(320, (8, 16, 32))
    sides = {stride: tuple(cells.longer_sides[cells.strides == stride][0]) for stride in (8, 16, 32)}
    assert sides == {8: (0, 56), 16: (40, 112), 32: (80, np.inf)}


def test_the_cells_in_the_middle_of_a_box_find_it():
    # Its middle is (32, 32): 12 px to each side at stride 8, of the 20 px that it has.
    found = owners(64, (8,), [[12, 12, 52, 52]])
    assert {(y, x) for y, x, _ in found} == {(y, x) for y in (20, 28, 36, 44) for x in (20, 28, 36, 44)}
    assert set(found.values()) == {(12, 12, 52, 52)}


def test_a_cell_outside_a_box_does_not_find_it():
    assert {(y, x) for y, x, _ in owners(64, (8,), [[18, 18, 30, 30]])} == {(y, x) for y in (20, 28) for x in (20, 28)}


def test_a_line_between_two_rows_of_centres_is_found_all_the_same():
    assert {y for y, _, _ in owners(64, (8,), [[21, 8, 23, 56]])} == {20}
    # As near to the one as to the other.
    assert {y for y, _, _ in owners(64, (8,), [[23, 8, 25, 56]])} == {20, 28}


def test_the_smallest_of_several_boxes_counts():
    small, large = (20, 20, 36, 36), (8, 8, 60, 60)
    found = owners(64, (8,), [large, small])
    assert found[28, 28, 8] == small and found[44, 44, 8] == large
    assert owners(64, (8,), [small, large]) == found


def test_what_is_labelled_as_none_is_found_by_no_cell():
    assert not owners(64, (8,), [[12, 12, 52, 52]], [-1])
    assert len(owners(64, (8,), [[12, 12, 52, 52], [0, 0, 0, 0]], [5, -1])) == 16


def test_a_box_between_two_levels_is_found_by_both():
    assert {stride for _, _, stride in owners(320, (8, 16, 32), [[100, 100, 148, 148]])} == {8, 16}
    assert {stride for _, _, stride in owners(320, (8, 16, 32), [[10, 10, 300, 300]])} == {32}
