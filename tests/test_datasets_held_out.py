"""The list of held-out samples: they are found again by path and box, and checked by their bytes."""

import json
import shutil

import photographs
import pytest

from logo_keras import datasets
from logo_keras.datasets import held_out
from logo_keras.files import write_json


@pytest.fixture
def folder(tmp_path):
    """Four photographs of each of two brands."""
    for number in range(8):
        photographs.write(tmp_path / "set" / ("acme", "globex")[number % 2] / f"{number}.png", seed=number)
    return tmp_path / "set"


def written(tmp_path, value):
    write_json(tmp_path / held_out.FILE, value)
    return held_out.read(tmp_path / held_out.FILE)


def test_the_samples_are_found_again_where_the_folder_has_moved(folder, tmp_path):
    dataset = datasets.load("folder", folder)
    found = written(tmp_path, held_out.record(dataset.subset([1, 6]), folder, 0.25, data="folder", split=None, cut=None))
    assert (found["share"], found["data"]) == (0.25, "folder")
    assert [each["path"] for each in found["samples"]] == ["acme/2.png", "globex/5.png"]
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    photographs.write(moved / "acme" / "00.png", seed=99)
    taken = held_out.take(datasets.load("folder", moved), moved, found, "held_out.json")
    assert [path.rsplit("/", 1)[1] for path in taken.paths] == ["2.png", "5.png"]


def test_a_sample_is_a_photograph_and_a_box(folder, tmp_path):
    path = str(folder / "acme" / "0.png")
    boxes = [[(0, 0, 20, 20), (10, 30, 40, 60)], [(0, 0, 40, 60)]]
    whole = datasets.Dataset([path, str(folder / "globex" / "1.png")], [0, 1], ["acme", "globex"], boxes, root=str(folder))
    dataset = whole.cut(0.1)
    found = written(tmp_path, held_out.record(dataset.subset([1]), folder, 0.3, cut=0.1))
    taken = held_out.take(dataset, folder, found, "held_out.json")
    assert taken.paths == (path,) and taken.boxes[0].tolist() == [[10, 30, 40, 60]]
    other = datasets.Dataset([path], [0], ["acme"], [[(10, 30, 40, 59)]], root=str(folder)).cut(0.1)
    with pytest.raises(ValueError, match=r"1 of the 1 held-out samples .* acme/0.png \(missing\)"):
        held_out.take(other, folder, found, "held_out.json")


def test_missing_and_changed_files_are_named(folder, tmp_path):
    dataset = datasets.load("folder", folder)
    found = written(tmp_path, held_out.record(dataset.subset([0, 1, 2]), folder, 0.25))
    photographs.write(folder / "acme" / "2.png", seed=50)
    (folder / "acme" / "0.png").unlink()
    with pytest.raises(ValueError, match=r"2 of the 3 .*: acme/0.png \(missing\), acme/2.png \(changed\)"):
        held_out.take(datasets.load("folder", folder), folder, found, "held_out.json")


def test_names_that_are_not_utf8_are_written_and_found(folder, tmp_path):
    import os

    os.rename(folder / "acme" / "0.png", os.fsencode(folder / "acme") + b"/caf\xe9.png")
    dataset = datasets.load("folder", folder)
    found = written(tmp_path, held_out.record(dataset, folder, 0.25))
    assert len(held_out.take(dataset, folder, found, "held_out.json")) == 8


@pytest.mark.parametrize(
    "change",
    [b"", b"[]", {"schema_version": 2}, {"samples": [{"path": "a.jpg"}]}, {"share": "much"}, {"samples": None}],
    ids=str,
)
def test_a_damaged_list_is_named(change, folder, tmp_path):
    path = tmp_path / held_out.FILE
    good = held_out.record(datasets.load("folder", folder), folder, 0.25)
    path.write_bytes(change if isinstance(change, bytes) else json.dumps(good | change).encode())
    with pytest.raises(ValueError, match="held_out.json is not a list of held-out photographs, or it is damaged"):
        held_out.read(path)
