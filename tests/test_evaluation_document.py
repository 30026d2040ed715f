"""Evaluations as JSON: read back, also of the version before, and what is refused."""

import copy
import json

import numpy as np
import pytest

from logo_keras.evaluation import Evaluation, document, read

NAMES = ("red", "green", "blue", "black", "white", "grey")


@pytest.fixture(scope="module")
def found():
    """Three samples of six brands, the last one without a box of its own."""
    rows = [[0.5, 0.2, 0.1, 0.1, 0.05, 0.05], [0.1, 0.6, 0.1, 0.1, 0.05, 0.05], [0.3, 0.25, 0.2, 0.15, 0.1, 0]]
    return Evaluation(
        NAMES,
        ("/photos/a/1.jpg", "/photos/b/2.jpg", "/photos/b/2.jpg"),
        np.array([0, 1, 5]),
        np.float32(rows),
        {"whole": np.array([0, 0, 0])},
        np.arange(24, dtype=np.float32).reshape(3, 2, 4),
        64,
        region_area=0.25,
        localisation={"samples": 2, "logos": 2, "regions": 2, "figures": {"model": {"centre_in_best": 0.5}}},
        unreadable={"/photos/c.jpg": "it is empty"},
        boxes=np.float32([[0, 0, 4, 4], [1, 1, 5, 5], [2, 2, 6, 6]]),
        uncalibrated=np.float32([0.6, 0.7, 0.4]),
        logo_sizes=np.float32([0.1, 0.2, np.nan]),
        model={"name": "m.keras", "sha256": "00", "architecture": "DRNANet", "temperature": 1.5, "threshold": 0.4},
        data={"kind": "folder", "split": "test"},
        root="/photos",
        root_categories=("warm", "cold") * 3,
        training_images=(3, 1, 4, 1, 5, 9),
    )


@pytest.fixture
def written(found):
    return json.loads(found.to_json())


def test_samples_are_keyed_by_path_below_the_data_set_and_box(written):
    assert [(row["photo"], row["box"]) for row in written["samples"]] == [
        ("a/1.jpg", [0, 0, 4, 4]), ("b/2.jpg", [1, 1, 5, 5]), ("b/2.jpg", [2, 2, 6, 6])
    ]  # fmt: skip
    assert written["unreadable"] == {"c.jpg": "it is empty"} and written["photographs"] == 2


def test_a_row_holds_all_of_a_sample(written):
    assert written["samples"][2] == {
        "photo": "b/2.jpg", "box": [2, 2, 6, 6], "class": 5, "top": [0, 1, 2, 3, 4],
        "probabilities": [0.3, 0.25, 0.2, 0.15, 0.1], "uncalibrated": 0.4, "known": False, "rank": 5,
        "regions": [[16, 17, 18, 19], [20, 21, 22, 23]],
    }  # fmt: skip
    assert written["samples"][0]["logo_size"] == 0.1 and written["samples"][0]["known"]


def test_what_was_written_is_read_back(found, written, tmp_path):
    path = tmp_path / document.FILE
    document.write(path, found.to_dict())
    for again in (read(path), read(tmp_path), Evaluation.from_dict(written)):
        assert again.class_names == NAMES and again.paths == ("a/1.jpg", "b/2.jpg", "b/2.jpg")
        assert again.top1 == found.top1 and again.top5 == found.top5 and again.known.tolist() == found.known.tolist()
        np.testing.assert_array_equal(again.best, found.best)
        np.testing.assert_allclose(again.logo_sizes, found.logo_sizes)
        np.testing.assert_array_equal(again.boxes, found.boxes)
        np.testing.assert_array_equal(again.region_boxes, found.region_boxes)
        assert again.region_hit_rate == 0.5 and again.training_images == found.training_images
        # Of the classes of the heads only the figures are kept.
        told, own = again.to_dict(), found.to_dict()
        assert told["figures"] | {"heads": None} == own["figures"] | {"heads": None}
        assert {name: value for name, value in told.items() if name != "figures"} == {
            name: value for name, value in own.items() if name != "figures"
        }


def test_every_row_is_a_line(found):
    lines = found.to_json().splitlines()
    assert sum('"photo": ' in line for line in lines) == 3 and max(map(len, lines)) < 2000


def test_the_version_before_is_read(tmp_path):
    rows = [
        {"path": "/data/1.jpg", "brand": "green", "labels": ["green", "red"], "probabilities": [0.75, 0.25]},
        {"path": "/data/2.jpg", "brand": "red", "labels": ["green", "red"], "probabilities": [0.5, 0.5]},
    ]
    old = {"schema_version": 2, "photographs": 2, "image_size": 64, "class_names": ["red", "green"], "predictions": rows}
    (tmp_path / "old.json").write_text(json.dumps(old))
    found = read(tmp_path / "old.json")
    assert found.top1 == 0.5 and found.ranks.tolist() == [0, 1] and found.boxes is None
    assert found.paths == ("/data/1.jpg", "/data/2.jpg") and found.threshold is None


def test_what_is_no_evaluation_is_refused_by_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no evaluation .*nothing.json"):
        read(tmp_path / "nothing.json")
    path = tmp_path / "x.json"
    for text in ("", "[" * 100_000, "[]", "{}", '{"schema_version": 4}', '{"schema_version": true}', "\udcff"):
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(ValueError, match="x.json is no evaluation of logo_keras"):
            read(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda given: given.pop("samples"),
        lambda given: given.update(samples=[]),
        lambda given: given.update(samples=[None]),
        lambda given: given.update(class_names=["red"] * 6),
        lambda given: given.update(model=None),
        lambda given: given["samples"][0].update(photo=3),
        lambda given: given["samples"][0].update({"class": 6}),
        lambda given: given["samples"][0].update({"class": 0.5}),
        lambda given: given["samples"][0].update(top=[0, 1]),
        lambda given: given["samples"][0].update(rank=-1),
        lambda given: given["samples"][0].update(rank=10**30),
        lambda given: given["samples"][0].update(probabilities=[float("nan")] * 5),
        lambda given: given["samples"][0].update(box="all"),
        lambda given: given["samples"][1].update(regions=[[1, 2, 3, 4]]),
        lambda given: given["samples"][0].update(logo_size="large"),
        lambda given: given["samples"][0].update(uncalibrated=[]),
    ],
)
def test_a_damaged_one_is_refused_by_name(written, change):
    damaged = copy.deepcopy(written)
    change(damaged)
    with pytest.raises(ValueError, match="x.json is no evaluation of logo_keras, or it is damaged"):
        Evaluation.from_dict(damaged, "x.json")
