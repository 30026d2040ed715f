"""logo-gallery and logo-predict --gallery as a user runs them."""

import gzip
import json

import cv2
import galleries
import numpy as np
import photographs
import pytest
from galleries import SHAPES, photo

import logo_keras as lk
from logo_keras.commands import gallery as command
from logo_keras.commands import predict
from logo_keras.gallery import artwork
from logo_keras.image import draw, svg

pytestmark = pytest.mark.usefixtures("shipped_embedding")


@pytest.fixture
def path(tmp_path, capsys):
    """A gallery that the command made of three folders."""
    marks = galleries.write_marks(tmp_path / "marks")
    assert run("add", tmp_path / "brands.gallery", f"--brands={marks}") == 0
    assert capsys.readouterr().out.splitlines()[0] == "Acme: 4 new references, 4 in all"
    return tmp_path / "brands.gallery"


@pytest.fixture
def photos(tmp_path):
    """A folder with a photo of each brand, filled by its mark, and a plain wall."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for label in SHAPES:
        drawn = artwork.drawings(svg.draw(galleries.mark(label), 100))["own colours on light"]
        (folder / f"{label}.jpg").write_bytes(photographs.encode(drawn))
    (folder / "wall.png").write_bytes(photographs.encode(np.full((50, 50, 3), 200, np.uint8), ".png"))
    return folder


def run(*words):
    return command.main(["logo-gallery", *map(str, words)])


def error(capsys):
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_help_names_the_parts_and_each_explains_itself(capsys):
    assert run("--help") == 0
    text = capsys.readouterr().out
    for part in ("add", "remove", "list", "calibrate", "evaluate", "reembed"):
        assert f"logo-gallery {part} FILE" in text
        assert run(part, "--help") == 0
        assert capsys.readouterr().out.startswith(f"Usage: logo-gallery {part} FILE")
    assert run("find") == 1 and "expected one of add, remove" in error(capsys)


def test_references_are_added_listed_and_removed(path, tmp_path, capsys):
    scene, box = photo("Acme")
    (tmp_path / "shop.png").write_bytes(photographs.encode(scene, ".png"))
    assert run("add", path, "Acme", tmp_path / "shop.png", f"--box={','.join(map(str, box))}") == 0
    assert run("add", path, "Acme", tmp_path / "marks" / "Acme") == 0
    assert capsys.readouterr().out.splitlines() == ["Acme: 1 new references, 5 in all", "Acme: 0 new references, 5 in all"]
    assert run("list", path, f"--json={tmp_path / 'list.json'}") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == [["brand", "references", "threshold"], ["Acme", "5", "0.000"]]
    assert lines[-1][:4] == ["thresholds:", "not", "calibrated:", "nearer"]
    said = json.loads((tmp_path / "list.json").read_text())
    assert said["brands"][0]["label"] == "Acme" and said["rule"] == "backgrounds"
    assert run("list", path, "Acme") == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert "photo, as it is, shop.png at " in last
    assert run("remove", path, "Acme", f"--reference={last.split()[0]}") == 0
    assert run("remove", path, "Globex") == 0
    capsys.readouterr()
    assert run("list", path) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:3]] == [["Acme", "4"], ["Initech", "4"]]


def test_brands_that_cannot_be_used_are_listed_and_the_others_kept(tmp_path, capsys):
    marks, path = galleries.write_marks(tmp_path / "marks"), tmp_path / "brands.gallery"
    for label, name, data in (
        ("Bad", "a.svg", b"<svg>"),
        ("Copycat", "a.svg", galleries.mark("Acme")),
        ("Packed", "z.svgz", gzip.compress(galleries.mark("Acme"))),
    ):
        (marks / label).mkdir()
        (marks / label / name).write_bytes(data)
    (marks / "loose.svg").write_bytes(galleries.mark("Acme"))
    assert run("add", path, f"--brands={marks}") == 1
    said = capsys.readouterr()
    assert [line.split(":")[0] for line in said.out.splitlines()] == [*SHAPES] == [*lk.Gallery.load(path).labels]
    note, title, *lines = said.err.splitlines()
    assert note == f"note: in no brand's folder, and passed over: {marks / 'loose.svg'}"
    assert title == "3 of 6 brands were left out:"
    for line, words in zip(lines, (("Bad", "a.svg: not an SVG"), ("Copycat", "'Acme'"), ("Packed", "gzip -dc")), strict=True):
        assert line.startswith(f"  {words[0]}: ") and words[1] in line
    path.unlink()
    (tmp_path / "none" / "Bad").mkdir(parents=True)
    assert run("add", path, f"--brands={tmp_path / 'none'}") == 1 and not path.exists()


def test_names_that_no_terminal_shows_are_escaped_and_wide_ones_take_two_places(tmp_path, photos, capsys):
    path, made = tmp_path / "brands.gallery", lk.Gallery(embed=galleries.WithBackgrounds())
    names = ("\x1b[31mred", "日本 ロゴ", "Cafe\u0301")
    for name, shape in zip(names, SHAPES, strict=True):
        made.add(name, galleries.mark(shape))
    made.save(path)
    assert run("list", path) == 0
    lines = capsys.readouterr().out.splitlines()[:4]
    assert [line.split("  ")[0] for line in lines] == ["brand", "\\x1b[31mred", "日本 ロゴ", "Café"]
    # Each wide letter takes two places.
    assert [len(line) + 4 * (line[0] == "日") for line in lines] == [34] * 4
    assert predict.main(["logo-predict", f"--gallery={path}", str(photos / "Acme.jpg")]) == 0
    assert ": \\x1b[31mred 0." in capsys.readouterr().out
    assert run("remove", path, "no") == 1 and "\x1b" not in error(capsys)
    made.add("Acme", [(photo("Acme")[0], None)])
    (tmp_path / "\x1b[2J.svg").write_bytes(b"<svg>")
    assert run("add", path, "Acme", tmp_path / "\x1b[2J.svg") == 1 and "\\x1b[2J.svg: not an SVG" in error(capsys)


def test_what_another_process_wrote_meanwhile_is_kept(path, tmp_path, monkeypatch, capsys):
    real, theirs = lk.Gallery.add, galleries.gallery(["Globex"])

    def add(gallery, *arguments):
        theirs.save(target)
        return real(gallery, *arguments)

    monkeypatch.setattr(lk.Gallery, "add", add)
    # One file that was there, and one that was not.
    for target in (path, tmp_path / "new.gallery"):
        assert run("add", target, "Acme", tmp_path / "marks" / "Acme" / "mark.svg") == 1
        assert "written anew since" in error(capsys)
        assert lk.Gallery.load(target).labels == ("Globex",)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["add"], "name the gallery's file"),
        (["add", "FILE", "Acme"], "name a brand and at least one reference"),
        (["add", "FILE", "Acme", "no.svg"], "no.svg: no such file"),
        (["add", "FILE", "Acme", "a.png", "--box=1,2,3"], "--box must be four numbers"),
        (["add", "FILE", "Acme", "a.png", "--box=1,2,x,4"], "--box must be four numbers"),
        (["add", "FILE", "Acme", "a.png", "b.png", "--box=1,2,3,4"], "--box belongs to a single photo"),
        (["add", "FILE", "Acme", "--brands=x"], "--brands takes the brands from its folders"),
        (["remove", "FILE", "Acne"], "no brand 'Acne' in the gallery, which has 'Acme', 'Globex', 'Initech'"),
        (["remove", "FILE"], "name one brand"),
        (["list", "missing.gallery"], "missing.gallery"),
        (["calibrate", "FILE"], "name photos that show none of the brands"),
        (["evaluate", "FILE"], "--data and --root must be given"),
        (["reembed", "FILE", "--model=missing.tflite"], "there is no model missing.tflite"),
    ],
)
def test_what_is_wrong_is_one_line_and_the_file_stays(path, words, complaint, capsys):
    before = path.read_bytes()
    assert run(*[path if word == "FILE" else word for word in words]) == 1
    assert complaint in error(capsys) and path.read_bytes() == before


def test_thresholds_are_fitted_and_a_data_set_is_evaluated(path, photos, tmp_path, capsys):
    for seed in range(20):
        photographs.write(tmp_path / "others" / f"{seed}.png", seed=300 + seed)
    assert run("calibrate", path, tmp_path / "others", "--false_accepts=0.1", f"--json={tmp_path / 'c.json'}") == 0
    out = capsys.readouterr().out
    assert out.startswith("20 photos; threshold ") and "false accepts" in out and "note:" not in out
    found = json.loads((tmp_path / "c.json").read_text())
    assert lk.Gallery.load(path).threshold == pytest.approx(found["threshold"])
    for label in (*SHAPES, "none"):
        name = f"{label}.jpg" if label in SHAPES else "wall.png"
        (tmp_path / "set" / label).mkdir(parents=True)
        (photos / name).rename(tmp_path / "set" / label / name)
    words = ("evaluate", path, "--data=folder", f"--root={tmp_path / 'set'}", f"--json={tmp_path / 'e.json'}")
    assert run(*words) == 0
    out = capsys.readouterr().out
    assert out.startswith("3 samples with a brand of the gallery, 0 without")
    assert "top1           100.0%" in out
    assert "Thresholds: fitted to photos without these brands" in out
    said = json.loads((tmp_path / "e.json").read_text())
    assert said["named"] == 1 and said["rule"] == "calibrated"


def test_references_are_embedded_anew(path, tmp_path, capsys):
    assert run("reembed", path, f"--out={tmp_path / 'new.gallery'}") == 0
    assert "new.gallery: Gallery(3 brands, 12 references" in capsys.readouterr().out
    assert lk.Gallery.load(tmp_path / "new.gallery").labels == lk.Gallery.load(path).labels


def test_predict_names_brands_or_none(path, photos, tmp_path, capsys):
    drawn, written = tmp_path / "drawn", tmp_path / "answers.json"
    words = ["logo-predict", f"--gallery={path}", f"--pictures={drawn}", f"--json={written}", "--top=2", str(photos)]
    assert predict.main(words) == 0
    said = dict(line.rsplit(": ", 1) for line in capsys.readouterr().out.splitlines())
    assert said.pop(str(photos / "wall.png")) == "none"
    for label in SHAPES:
        assert said[str(photos / f"{label}.jpg")].startswith(f"{label} 0.")
    rows = {row.pop("photograph"): row for row in json.loads(written.read_text())["photographs"]}
    assert rows[str(photos / "wall.png")] == {"known": False, "label": None, "matches": []}
    acme = rows[str(photos / "Acme.jpg")]
    assert acme["known"] and acme["label"] == "Acme" and len(acme["matches"]) <= 2
    assert acme["matches"][0]["reference"]["kind"] == "artwork"
    assert sorted(each.name for each in drawn.glob("*.jpg")) == sorted(f"{name}.jpg" for name in (*SHAPES, "wall"))
    # Of a photo as wide as high, a line of 48 px for each brand below.
    assert cv2.imread(str(drawn / "wall.jpg")).shape[:2] == (640 + 48, 640)


def test_predict_names_the_brand_in_each_box(path, tmp_path, capsys):
    first, box = photo("Acme")
    second, other = photo("Globex")
    (tmp_path / "both.png").write_bytes(photographs.encode(np.concatenate([first, second]), ".png"))
    boxes = [tuple(map(float, each)) for each in (box, np.add(other, (120, 0, 120, 0)), (0, 0, 20, 30))]
    words = [f"--box={','.join(map(str, each))}" for each in (*boxes, boxes[0])]
    drawn, written = tmp_path / "drawn", tmp_path / "answers.json"
    words += [f"--pictures={drawn}", f"--json={written}", "--top=1"]
    assert predict.main(["logo-predict", f"--gallery={path}", str(tmp_path / "both.png"), *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = lk.Gallery.load(path).recognize(np.concatenate([first, second]), 1, boxes)
    named = {match.box: f"{match.label} {match.similarity:.2f}" for match in found}
    assert [named.get(each, "none").split()[0] for each in boxes[:2]] == ["Acme", "Globex"]
    places = [",".join(f"{corner:g}" for corner in each) for each in boxes]
    assert lines == [
        f"{tmp_path / 'both.png'} at {place}: {named.get(each, 'none')}" for place, each in zip(places, boxes, strict=True)
    ]
    (row,) = json.loads(written.read_text())["photographs"]
    assert row["boxes"] == [list(each) for each in boxes]
    assert row["known"] and [tuple(match["box"]) for match in row["matches"]] == [match.box for match in found]
    assert (drawn / "both.jpg").is_file()


def test_several_boxes_of_a_photo_are_added(path, tmp_path, capsys):
    (tmp_path / "shop.png").write_bytes(photographs.encode(photo("Acme")[0], ".png"))
    assert run("add", path, "Acme", tmp_path / "shop.png", "--box=20,70,80,130", "--box", "25,75,70,120") == 0
    assert capsys.readouterr().out == "Acme: 2 new references, 6 in all\n"


def test_predict_takes_artwork_for_a_gallery(path, tmp_path, capsys):
    drawn = tmp_path / "drawn"
    assert predict.main(["logo-predict", f"--gallery={path}", f"--pictures={drawn}", str(tmp_path / "marks/Acme/mark.svg")]) == 0
    assert "mark.svg: Acme " in capsys.readouterr().out and (drawn / "mark.jpg").is_file()


def test_predict_says_that_a_gallery_takes_the_place_of_a_model(capsys):
    assert predict.main(["logo-predict", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Usage: logo-predict --model FILE | --gallery FILE PHOTOGRAPH_OR_FOLDER ...")
    assert "(must be given, unless --gallery is)" in text


def test_predict_needs_a_model_or_a_gallery(path, photos, capsys):
    assert predict.main(["logo-predict", str(photos)]) == 1
    assert "--model must be given, or --gallery" in error(capsys)
    assert predict.main(["logo-predict", f"--gallery={path}", "--threads=2", str(photos)]) == 1
    assert "--threads belongs to a model" in error(capsys)


def test_predict_searches_photos_with_a_detector(path, detector, tmp_path, capsys):
    both = np.concatenate([photo("Acme", 1)[0], photo("Globex", 2)[0]])
    folder, drawn, written = tmp_path / "street", tmp_path / "drawn", tmp_path / "answers.json"
    folder.mkdir()
    (folder / "both.png").write_bytes(photographs.encode(both, ".png"))
    (folder / "wall.png").write_bytes(photographs.encode(np.full((50, 50, 3), 200, np.uint8), ".png"))
    words = ["logo-predict", f"--gallery={path}", f"--model={detector}", "--top=1", str(folder)]
    assert predict.main([*words, f"--pictures={drawn}", f"--json={written}"]) == 0
    said = capsys.readouterr()
    (note,) = said.err.splitlines()
    assert note.startswith("note: thresholds: not calibrated: ") and note.endswith(": calibrate the gallery.")
    found = lk.Gallery.load(path, embed=galleries.Detecting()).recognize(both, 1)
    assert {"Acme", "Globex"} <= {match.label for match in found}
    places = [",".join(f"{corner:.0f}" for corner in match.box) for match in found]
    named = [f"{match.label} {match.similarity:.2f}" for match in found]
    lines = [f"{folder / 'both.png'} at {place}: {each}" for place, each in zip(places, named, strict=True)]
    assert said.out.splitlines() == [*lines, f"{folder / 'wall.png'}: none"]
    answers = json.loads(written.read_text())
    assert (answers["rule"], answers["searched"]) == ("backgrounds", True)
    assert [tuple(match["box"]) for match in answers["photographs"][0]["matches"]] == [match.box for match in found]
    assert answers["photographs"][1] == {"photograph": str(folder / "wall.png"), "known": False, "label": None, "matches": []}
    picture = cv2.cvtColor(cv2.imread(str(drawn / "both.jpg")), cv2.COLOR_BGR2RGB).astype(int)
    # Both boxes are drawn; JPEG changes their colours a little.
    for colour in draw.REGION_COLORS[:2]:
        assert (np.abs(picture[:640] - colour).max(-1) < 60).any()
    assert predict.main([*words, "--close"]) == 0 and "note: thresholds" in capsys.readouterr().err


def test_thresholds_are_fitted_and_figures_taken_on_searched_photos(path, detector, tmp_path, capsys):
    for seed in range(20):
        photographs.write(tmp_path / "others" / f"{seed}.png", 300 + seed, 60, 80)
    model = f"--model={detector}"
    assert run("calibrate", path, model, tmp_path / "others", "--false_accepts=0.1", f"--json={tmp_path / 'c.json'}") == 0
    assert capsys.readouterr().out.startswith("20 photos, searched; threshold ")
    assert json.loads((tmp_path / "c.json").read_text())["searched"]
    rows = []
    for label in SHAPES:
        scene, box = photo(label, seed=7)
        (tmp_path / f"{label}.png").write_bytes(photographs.encode(scene, ".png"))
        rows.append(f"{label}.png {label}")
    (tmp_path / "list.txt").write_text("\n".join(rows))
    assert run("evaluate", path, model, "--whole", "--data=list", f"--root={tmp_path / 'list.txt'}") == 0
    out = capsys.readouterr().out
    assert "top1           100.0%" in out and "Thresholds: fitted to photos without these brands" in out
    predicted = ["logo-predict", f"--gallery={path}", str(tmp_path / "Acme.png")]
    assert predict.main([*predicted, model]) == 0
    said = capsys.readouterr()
    assert "Acme.png at " in said.out and said.err == ""
    # Without it the photo is one mark.
    assert predict.main(predicted) == 0 and "Acme.png at " not in capsys.readouterr().out


def test_a_close_look_needs_a_detector(path, photos, capsys):
    for main, words in (
        (predict.main, ["logo-predict", f"--gallery={path}", "--close", str(photos)]),
        (command.main, ["logo-gallery", "calibrate", str(path), "--close", str(photos)]),
    ):
        assert main(words) == 1 and "--close belongs to a detector, and --model names an embedding alone." in error(capsys)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--gallery=FILE", "--box=1,2,3,4", "Acme.jpg", "wall.png"], "--box belongs to a single photo"),
        (["--gallery=FILE", "--box=1,2,3", "Acme.jpg"], "--box must be four numbers y0,x0,y1,x1, got 1,2,3."),
        (["--gallery=FILE", "--box=900,0,990,9", "Acme.jpg"], "outside the photo"),
        (["--model=a.tflite", "--box=1,2,3,4", "Acme.jpg"], "--box belongs to a gallery"),
        (["--model=a.tflite", "--close", "Acme.jpg"], "--close belongs to a gallery"),
    ],
)
def test_predict_says_what_is_wrong_with_a_box(path, photos, words, complaint, capsys):
    words = [f"--gallery={path}" if word == "--gallery=FILE" else word for word in words]
    words = [str(photos / word) if "." in word and word[0] != "-" else word for word in words]
    assert predict.main(["logo-predict", *words]) == 1
    assert complaint in error(capsys)
