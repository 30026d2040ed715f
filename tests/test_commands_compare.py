"""logo-compare as a user runs it: files, folders, patterns, models, what it prints and what it refuses."""

import dataclasses
import json

import cv2
import numpy as np
import pytest

from logo_keras.commands import compare
from logo_keras.evaluation import Evaluation

NAMES = ("red", "green")


def answers(right, **options):
    """An Evaluation of two classes, right where `right` says."""
    count, best = len(right), np.where(np.asarray(right)[:, None], (0, 1), (1, 0))
    known = {"best": best, "best_probabilities": np.float32([[0.75, 0.25]] * count), "ranks": best[:, 0], "root": "/data"}
    paths = tuple(f"/data/{number}.jpg" for number in range(count))
    return Evaluation(NAMES, paths, np.zeros(count, int), None, {}, None, 32, **known | options)


def write(path, right, **options):
    path.parent.mkdir(exist_ok=True)
    path.write_text(answers(right, **options).to_json(), encoding="utf-8")
    return str(path)


@pytest.fixture
def files(tmp_path):
    """Evaluations of 200 photos of which the first is right on all and the second on 180."""
    sizes = np.float32([0.1, 0.4] * 100)
    return [
        write(tmp_path / "good.json", np.ones(200, bool), logo_sizes=sizes),
        write(tmp_path / "bad.json", np.arange(200) >= 20, logo_sizes=sizes),
    ]


def run(capsys, *arguments):
    """Exit code, what was printed, and what stderr got."""
    return compare.main(["logo-compare", *map(str, arguments)]), *capsys.readouterr()


def refused(capsys, *arguments):
    code, out, said = run(capsys, *arguments)
    assert code == 1 and out == "" and said.count("\n") == 1 and said.startswith("logo-compare: ")
    return said


def test_it_prints_both_sides_the_difference_sizes_and_one_sentence(capsys, files):
    code, out, said = run(capsys, *files)
    assert (code, said) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "200 photos"
    assert "good      1   100.0%  98.1% to 100.0%" in lines
    assert "bad       1    90.0%  85.1% to 93.4%" in lines
    assert any(line.startswith("difference   +10.0 points   95 % interval +") for line in lines)
    assert "McNemar      20 photos for good, 0 for bad: p below 0.001" in lines
    assert any(line.startswith("logo below 15%        100  100.0%  90.0%   +10.0  +") for line in lines)
    assert "They differ on 20, of which the first:" in lines and "  0.jpg, red: red / green" in lines
    assert sum(line.startswith("  ") and ".jpg" in line for line in lines) == 10
    assert lines[-1].startswith("good is better than bad on these 200 photos: 10.0 points, ")


def test_json_has_every_photo_on_which_they_differ(capsys, files, tmp_path):
    code, out, _ = run(capsys, *files, f"--json={tmp_path / 'found.json'}")
    found = json.loads((tmp_path / "found.json").read_text())
    assert code == 0 and found["sentence"] == out.splitlines()[-1]
    assert [row["photo"] for row in found["discordant"]] == [f"{number}.jpg" for number in range(20)]
    assert found["first"]["evaluations"] == [files[0]]


def test_no_evaluation_is_overwritten(capsys, files):
    assert "it would be overwritten" in refused(capsys, *files, f"--json={files[1]}")


def test_a_side_may_be_a_folder_a_pattern_or_a_list(capsys, files, tmp_path):
    folder = tmp_path / "report"
    write(folder / "evaluation.json", np.arange(200) >= 30)
    write(tmp_path / "bad-seed1.json", np.arange(200) >= 40)
    write(tmp_path / "bad-seed0.json", np.arange(200) >= 10)
    _, out, _ = run(capsys, files[0], folder)
    assert out.splitlines()[-1].startswith("good is better than report on these")
    for several in (tmp_path / "bad-seed?.json", f"{tmp_path}/bad-seed0.json,{tmp_path}/bad-seed1.json"):
        _, out, _ = run(capsys, files[0], several)
        assert "bad-seed      2    87.5%" in out and "seeds were varied on one side only" in out


def test_a_name_with_a_comma_is_one_file(capsys, files, tmp_path):
    odd = write(tmp_path / "a,b[0].json", np.arange(200) >= 30)
    assert run(capsys, files[0], odd)[1].splitlines()[-1].startswith("good is better than a,b[0] on")


def test_files_of_one_name_are_called_by_their_paths(capsys, tmp_path):
    first, second = (write(tmp_path / name / "m.json", np.arange(200) >= start) for name, start in (("x", 0), ("y", 30)))
    assert f"{first} is better than {second} on" in run(capsys, first, second)[1]


def test_the_same_file_on_both_sides_is_said(capsys, files, tmp_path):
    same = f"{files[0]} is given twice: a model does not differ from itself"
    assert same in refused(capsys, files[0], files[0])
    copy = tmp_path / "copy.json"
    copy.write_bytes((tmp_path / "good.json").read_bytes())
    assert f"{files[0]} and {copy} are copies of one file: a model does not differ" in refused(capsys, files[0], copy)
    assert "which is no second run" in refused(capsys, f"{files[0]},{copy}", files[1])


def test_evaluations_of_one_model_are_no_seeds(capsys, tmp_path):
    first, second = (write(tmp_path / f"{n}.json", np.arange(200) >= n, model={"sha256": "ab"}) for n in (10, 20))
    other = write(tmp_path / "x.json", np.arange(200) >= 15)
    assert "are evaluations of the same model, which is no second run" in refused(capsys, f"{first},{second}", other)
    assert "note: both sides have evaluations of the same model file" in run(capsys, first, second)[2]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_two_sides_are_expected(capsys, files, count):
    assert f"expected two sides, got {count}: logo-compare FIRST SECOND" in refused(capsys, *[files[0]] * count)


def test_what_is_not_there_is_named(capsys, files, tmp_path):
    assert "there is no nowhere.json" in refused(capsys, files[0], "nowhere.json")
    assert "there is no evaluation.json in" in refused(capsys, files[0], tmp_path)
    assert "a side is empty" in refused(capsys, files[0], ",")


def test_evaluations_of_other_photos_are_refused(capsys, files, tmp_path):
    other = write(tmp_path / "other.json", np.ones(5, bool), root="/")
    assert "have no photo in common" in refused(capsys, files[0], other)
    part = write(tmp_path / "part.json", np.ones(5, bool))
    assert "both must be of the same data and split" in refused(capsys, files[0], part)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "null",
        "3",
        "[" * 100_000,
        "\x00\x01",
        '{"schema_version": 99}',
        '{"schema_version": 3}',
        '{"schema_version": true, "samples": []}',
        '{"answers": [["a.jpg", null, "x", "x"]]}',
    ],
)
def test_what_is_no_evaluation_is_refused_in_one_line(capsys, files, tmp_path, text):
    (tmp_path / "odd.json").write_text(text)
    said = refused(capsys, files[0], tmp_path / "odd.json")
    assert "odd.json is no evaluation of logo_keras" in said and len(said) < 500


@pytest.mark.parametrize(
    "place, value",
    [
        ("samples", None),
        ("samples", []),
        ("samples", [3]),
        ("class_names", ["red", 3]),
        ("class_names", ["red", "red"]),
        ("class_names", 5),
        ("unreadable", 3),
        ("data", 3),
        ("model", None),
        ("figures", []),
        (("samples", 0, "photo"), None),
        (("samples", 0, "class"), 9),
        (("samples", 0, "class"), -1),
        (("samples", 0, "class"), 0.5),
        (("samples", 0, "class"), 10**40),
        (("samples", 0, "top"), [0, 7]),
        (("samples", 0, "top"), "red"),
        (("samples", 0, "probabilities"), [float("nan"), 0]),
        (("samples", 0, "probabilities"), ["x", "y"]),
        (("samples", 0, "rank"), None),
        (("samples", 0, "logo_size"), "large"),
        (("samples", 0, "logo_size"), {}),
    ],
)
def test_a_damaged_evaluation_is_refused_in_one_line(capsys, files, tmp_path, place, value):
    found = json.loads((tmp_path / "bad.json").read_text())
    *way, last = [place] if isinstance(place, str) else place
    inner = found
    for step in way:
        inner = inner[step]
    inner[last] = value
    (tmp_path / "odd.json").write_text(json.dumps(found))
    assert "odd.json" in refused(capsys, files[0], tmp_path / "odd.json")


def test_a_huge_file_is_not_read(capsys, files, tmp_path):
    with open(tmp_path / "huge.json", "wb") as file:
        file.truncate(2**40)
    assert "is larger than 512 MiB" in refused(capsys, files[0], tmp_path / "huge.json")


class Colours:
    """Answers as an exported file does: the probability of a brand is the share of its colour."""

    class_names, image_size, preprocessing = NAMES, 32, "stretch"

    def __init__(self, path):
        self.blind = "blind" in path.name

    def infer(self, images):
        means = images.mean(axis=(1, 2))[:, :2] + 1e-3
        answer = means / means.sum(axis=1, keepdims=True)
        return {"probabilities": np.full_like(answer, 0.5) if self.blind else answer}


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A folder of photos, a model that is right, one that always says red, and their arguments."""
    monkeypatch.setattr(compare, "open_model", Colours)
    for brand, colour in (("red", (0, 0, 250)), ("green", (0, 250, 0))):
        (tmp_path / "photos" / brand).mkdir(parents=True)
        for number in range(8):
            cv2.imwrite(str(tmp_path / "photos" / brand / f"{number}.png"), np.full((40, 40, 3), colour, np.uint8))
    for name in ("sees.keras", "blind.tflite"):
        (tmp_path / name).write_text(name)
    return tmp_path / "sees.keras", tmp_path / "blind.tflite", f"--root={tmp_path / 'photos'}"


def test_models_are_evaluated(capsys, models):
    sees, blind, root = models
    code, out, said = run(capsys, sees, blind, "--data=folder", root)
    assert code == 0 and "sees is better than blind on these 16 photos: 50.0 points" in out
    assert "sees.keras is evaluated on 16 samples." in said
    assert "green/0.png, green: green / red" in out


def test_a_model_is_compared_with_an_evaluation(capsys, models, tmp_path):
    sees, blind, root = models
    found = dataclasses.replace(
        compare.evaluate(Colours(blind), compare.datasets.load("folder", root.removeprefix("--root="))),
        data={"kind": "folder", "split": None, "cut": None},
    )
    (tmp_path / "before.json").write_text(found.to_json())
    assert (
        "sees is better than before on these 16 photos" in run(capsys, sees, tmp_path / "before.json", "--data=folder", root)[1]
    )


def test_a_model_needs_photos_and_an_evaluation_has_them(capsys, models, files):
    assert f"{models[0]} is a model: give --data and --root" in refused(capsys, models[0], files[0])
    assert "--data, --root, --split and --cut are for models" in refused(capsys, *files, "--data=folder")
