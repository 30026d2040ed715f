"""boxes.csv and boxes.json beside one's own photographs."""

import json

import pytest
from photographs import write

from logo_keras.datasets import load


@pytest.fixture
def shelf(tmp_path):
    for name in ("puma/1.jpg", "puma/2.jpg", "nike/3.jpg", "none/4.jpg"):
        write(tmp_path / name)
    return tmp_path


def boxes(dataset):
    return [each.tolist() for each in dataset.boxes]


@pytest.mark.parametrize(
    "text",
    [
        "path,x0,y0,x1,y1\npuma/1.jpg,2,1,8,5\n",
        "brand,Y1,X1,path,Y0,X0\npuma,5,8,puma/1.jpg,1,2\n",
        "path;x;y;width;height\r\npuma\\1.jpg;2;1;6;4\r\n",
        "﻿xmin\tymin\txmax\tymax\tfile_name\n2\t1\t8\t5\t./puma/1.jpg\n\n",
        'path, x1, y1, x2, y2, label\n"puma/1.jpg", 2.0, 1, 8, 5, \n',
    ],
)
def test_columns_come_in_any_order_and_under_the_usual_names(shelf, text):
    (shelf / "boxes.csv").write_text(text, newline="")
    assert boxes(load("folder", shelf)) == [[], [[1, 2, 5, 8]], []]


def test_a_photograph_with_several_boxes_has_a_row_for_each_and_one_without_has_empty_cells(shelf):
    (shelf / "boxes.csv").write_text(
        "path,x0,y0,x1,y1\npuma/1.jpg,2,1,8,5\npuma/1.jpg,20,10,30,20\nnike/3.jpg,,,,\nnone/4.jpg,,,,\n"
    )
    assert boxes(load("folder", shelf)) == [[], [[1, 2, 5, 8], [10, 20, 20, 30]], []]
    assert len(load("folder", shelf, cut=0)) == 2
    assert boxes(load("folder", shelf, "none")) == [[]]


def test_coco_json_gives_the_same_boxes(shelf):
    content = {
        "images": [{"id": 7, "file_name": "puma/1.jpg"}, {"id": 8, "file_name": "none/4.jpg"}],
        "categories": [{"id": 1, "name": "puma"}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [2, 1, 6, 4]}],
    }
    (shelf / "boxes.json").write_text(json.dumps(content))
    assert boxes(load("folder", shelf)) == [[], [[1, 2, 5, 8]], []]


def test_a_box_of_another_brand_is_a_sample_of_its_own_only_with_cut(shelf):
    (shelf / "boxes.csv").write_text("path,x0,y0,x1,y1,brand\npuma/1.jpg,2,1,8,5,puma\npuma/1.jpg,0,0,40,30,nike\n")
    whole, cut = load("folder", shelf), load("folder", shelf, cut=0)
    assert (whole.labels.tolist(), boxes(whole)) == ([0, 1, 1], [[], [[1, 2, 5, 8]], []])
    assert sorted(zip(cut.labels.tolist(), boxes(cut), strict=True)) == [(0, [[0, 0, 30, 40]]), (1, [[1, 2, 5, 8]])]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"boxes\.csv is empty"),
        ("path,x0,y0,x1\n", r"boxes\.csv:1: expected a header with path and x0, y0, x1, y1 or x, y, width, height"),
        ("path,x0,y0,x1,y1\n\npuma/1.jpg,1,2,3\n", r"boxes\.csv:3: expected 5 cells, as in the header, got 4"),
        ("path,x0,y0,x1,y1\npuma/1.jpg,1,2,3,\n", r"boxes\.csv:2: expected four numbers, or four empty cells"),
        ("path,x0,y0,x1,y1\npuma/1.jpg,1,2,nan,4\n", r"boxes\.csv:2: expected four numbers"),
        ("path,x0,y0,x1,y1\npuma/1.jpg,1,2,0,4\n", r"boxes\.csv:2: a box must end to the right of and below its start"),
        ("path,x,y,w,h\npuma/1.jpg,1,2,-3,4\n", r"boxes\.csv:2: a box must end to the right"),
        ("path,x0,y0,x1,y1\n,1,2,3,4\n", r"boxes\.csv:2: expected the path of a photograph, got ''"),
        ("path,x0,y0,x1,y1\npuma/9.jpg,1,2,3,4\n", r"boxes\.csv:2: 'puma/9\.jpg' is no photograph of the set"),
        ("path,x0,y0,x1,y1\nnike/1.jpg,1,2,3,4\n", r"boxes\.csv:2: 'nike/1\.jpg' is no photograph of the set"),
        (
            "path,x0,y0,x1,y1\na.jpg,1,2,3,4\npuma/1.jpg,1,2\npuma/1.jpg,1,2,3,4\npuma/1.jpg,1,2,0,4\n",
            r"^3 problems:\n.*csv:2: 'a\.jpg' is no photograph .*\n.*csv:3: expected 5 cells.*\n.*csv:5: a box must end",
        ),
        (
            "path,x0,y0,x1,y1,brand\npuma/1.jpg,1,2,3,4,fila\n",
            r"csv:2: 'fila' is no class of the set; .* belongs to 'puma'",
        ),
        ("path,x0,y0,x1,y1,brand\nnone/4.jpg,1,2,3,4,puma\n", r"boxes\.csv:2: 'none/4\.jpg' is a photograph without a brand"),
    ],
)
def test_errors_name_the_file_and_the_line(shelf, text, message):
    (shelf / "boxes.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        load("folder", shelf)


@pytest.mark.parametrize(
    "path",
    ["../puma/1.jpg", "C:\\me\\puma\\1.jpg", "https://host/x/puma%2F1.jpg?s=1", "/data/local-files/?d=x/puma/1.jpg", "1.jpg"],
)
def test_paths_of_other_machines_and_tools_are_found(shelf, path):
    (shelf / "boxes.csv").write_text(f"path,x0,y0,x1,y1\n{path},2,1,8,5\n")
    dataset = load("folder", shelf)
    assert boxes(dataset) == [[], [[1, 2, 5, 8]], []]
    assert any("found by their file names alone" in note for note in dataset.notes) == (path == "1.jpg")


def test_a_cell_without_end_is_refused(shelf):
    (shelf / "boxes.csv").write_text(f"path,x0,y0,x1,y1\npuma/1.jpg,1,2,3,{'4' * 200_000}\n")
    with pytest.raises(ValueError, match=r"boxes\.csv:2: not CSV"):
        load("folder", shelf)


def test_two_files_of_boxes_are_refused(shelf):
    for name in ("boxes.csv", "boxes.json"):
        (shelf / name).write_text("")
    with pytest.raises(ValueError, match=r"holds both boxes\.csv and boxes\.json: keep one"):
        load("folder", shelf)
