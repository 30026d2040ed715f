"""The commands as a user runs them: files they leave, exit codes, errors of one line."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import photographs
import pytest
from edge_files import METADATA, write

from logo_keras import datasets
from logo_keras.commands import evaluate, predict, train

pytestmark = pytest.mark.usefixtures("eager")
COMMANDS = {"logo-train": train, "logo-evaluate": evaluate, "logo-predict": predict}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Photographs of two brands, in the parts train and test."""
    root = tmp_path_factory.mktemp("brands")
    for part, number in (("train", 4), ("test", 2)):
        for brand, first in (("acme", 0), ("globex", 10)):
            for seed in range(first, first + number):
                photographs.write(root / part / brand / f"{seed}.png", seed=seed)
    return root


@pytest.fixture(scope="module")
def tiny():
    """The backbone name "tiny", for the time of these tests."""
    from tiny import tiny_backbone

    from logo_keras import backbones

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(backbones._BUILDERS, "tiny", lambda weights: tiny_backbone())
        yield "tiny"


@pytest.fixture(scope="module")
def trained(folder, tiny, tmp_path_factory):
    """The folder that logo-train left: a plain classifier."""
    out = tmp_path_factory.mktemp("run")
    assert command(train, "--model=plain", f"--root={folder}", f"--out={out}", "--image_size=64", *TINY) == 0
    return out


@pytest.fixture(scope="module")
def exported(trained, folder, tmp_path_factory):
    """The same model as a TFLite file."""
    from logo_keras.export.tflite import export

    path = tmp_path_factory.mktemp("exported") / "model.tflite"
    export(trained / "model.keras", path, photos=folder / "test")
    return path


TINY = ("--data=folder", "--backbone=tiny", "--epochs=1", "--batch_size=4", "--weights=none")


def command(module, *arguments):
    return module.main(["program", *map(str, arguments)])


def error(capsys):
    """What was said on stderr: the one line that it must be."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_says_how_to_begin_and_what_each_flag_is(name, capsys):
    assert command(COMMANDS[name], "--help") == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: {name} ")
    assert "For instance" in text or "A first try" in text
    assert "--model" in text and "None" not in text


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_flag_is_one_line(name, capsys):
    assert command(COMMANDS[name], "--modle=plain") == 1
    assert error(capsys).startswith(f"{name}: Unknown command line flag 'modle'. Did you mean: model ?")


def test_help_comes_without_tensorflow():
    blocked = "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None"
    code = "from logo_keras.commands import evaluate, predict, train; train.main(['logo-train', '--help'])"
    process = subprocess.run([sys.executable, "-c", f"{blocked}; {code}"], capture_output=True, text=True, timeout=60)
    assert process.returncode == 0, process.stderr


def test_train_leaves_its_files(trained):
    names = ["config.json", "curves.png", "history.csv", "model.keras"]
    assert sorted(path.name for path in trained.iterdir()) == names
    config = json.loads((trained / "config.json").read_text())
    assert config["config"]["arguments"]["image_size"] == 64
    # A set with parts is learnt from its part train, not from its test photographs.
    assert config["training"]["photographs"] == 8
    assert config["validation"] is None


def test_the_recipes_are_listed_without_tensorflow_and_other_flags():
    blocked = "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None"
    code = "from logo_keras.commands import train; sys.exit(train.main(['logo-train', '--list-recipes']))"
    process = subprocess.run([sys.executable, "-c", f"{blocked}; {code}"], capture_output=True, text=True, timeout=60)
    assert process.returncode == 0, process.stderr
    lines = process.stdout.splitlines()
    assert lines[0].split() == ["recipe", "data", "row", "paper", "top-1", "top-5", "ours"]
    assert any(line.startswith("logo2k_drna_resnet50 ") and "71.12" in line for line in lines)


def flags_of(*arguments):
    flags = train.COMMAND.flags()
    flags.parse(arguments)
    return flags


def test_flags_change_what_a_recipe_says():
    from logo_keras.training import recipes

    ours = recipes.recipe("logo2k_drna_resnet50").config
    assert train.config_from(flags_of("--recipe=logo2k_drna_resnet50")) == ours
    changed = train.config_from(
        flags_of(
            "--recipe=logo2k_drna_resnet50", "--epochs=3", "--drops=1,2", "--clip=2", "--num_proposals=5",
            "--noteacher", "--navigation=grid", "--loss_weights=ranking=0,region=0.5", "--precision=mixed_bfloat16",
        )
    )  # fmt: skip
    assert (changed.epochs, changed.drops, changed.clip, changed.precision) == (3, (1, 2), 2.0, "mixed_bfloat16")
    assert changed.loss_weights == {"ranking": 0.0, "region": 0.5}
    assert changed.all_arguments == ours.all_arguments | {"num_proposals": 5, "teacher": False, "navigation": "grid"}
    without = train.config_from(flags_of("--model=plain", "--clip=0", "--ema=0", "--early_stopping=0"))
    assert (without.clip, without.ema, without.early_stopping) == (None, None, None)
    asked = train.config_from(flags_of("--model=plain", "--ema=0.99", "--accumulation=4", "--optimizer=sgd", "--schedule=cosine"))
    assert (asked.ema, asked.accumulation, asked.falls) == (0.99, 4, "cosine")


def test_a_recipe_is_trained_and_named_in_what_it_leaves(folder, tiny, tmp_path):
    from logo_keras.weights import model_card

    flags = (f"--root={folder}", f"--out={tmp_path}", "--image_size=64", "--head=pool", *TINY)
    assert command(train, "--recipe=logo2k_efficient_vgg16", *flags) == 0
    written = json.loads((tmp_path / "config.json").read_text())
    assert written["recipe"] == "logo2k_efficient_vgg16"
    assert (written["config"]["precision"], written["config"]["warm_up_epochs"]) == ("mixed_float16", 5)
    card = model_card.read(tmp_path / "model.keras")
    assert (card["recipe"], card["arguments"]["preprocessing"]) == ("logo2k_efficient_vgg16", "paper")


def test_a_dry_run_says_what_the_run_would_take_and_leaves_nothing(folder, tiny, tmp_path, capsys):
    flags = ("--model=plain", f"--root={folder}", f"--out={tmp_path / 'some' / 'run'}", "--image_size=64", *TINY)
    assert command(train, *flags, "--dry-run") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["8 photographs of 2 brands", "Images a brand: 4 at least, 4 in the middle, 4 at most"]
    assert said[2].startswith("64 px, 2 steps of 4 images an epoch, 1 epoch, ") and "Memory: " in said[3]
    assert len(said) == 5 and not list(tmp_path.iterdir())


def test_what_is_odd_about_the_photos_is_said_before_training(folder, tiny, tmp_path, capsys):
    for seed in range(4):
        photographs.write(tmp_path / "brands" / "acme" / f"{seed}.png", seed=seed)
    photographs.write(tmp_path / "brands" / "globex" / "9.png", seed=9)
    own = ("--model=plain", f"--root={tmp_path / 'brands'}", f"--out={tmp_path / 'run'}", "--image_size=64", "--dry_run")
    assert command(train, *own, *TINY) == 0
    assert "note: of 1 brand ('globex') there is a single photo" in capsys.readouterr().err


def test_figures_for_tensorboard_go_where_the_flag_says(folder, tiny, tmp_path):
    pytest.importorskip("tensorboardX")
    flags = train.COMMAND.flags()
    flags.parse(["--tensorboard", "--epochs=1"])
    assert flags.tensorboard is True
    flags.parse(["--notensorboard"])
    assert flags.tensorboard is False
    own = ("--model=plain", f"--root={folder}", f"--out={tmp_path / 'run'}", f"--tensorboard={tmp_path / 'board'}")
    assert command(train, *own, "--image_size=64", *TINY) == 0
    assert len(list((tmp_path / "board" / "train").iterdir())) == 1


def test_train_says_that_a_run_has_ended(trained, folder, tiny, capsys):
    assert command(train, "--model=plain", f"--root={folder}", f"--out={trained}", "--image_size=64", "--resume", *TINY) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_train_names_the_part_that_tells_how_good_the_model_is(trained, folder, tiny, capsys):
    command(train, "--model=plain", f"--root={folder}", f"--out={trained}", "--image_size=64", "--resume", *TINY)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"  logo-evaluate --model {trained / 'model.keras'} --data folder --root {folder} --split test"


def test_a_share_held_out_is_left_out_in_training_and_taken_in_evaluation(folder, tiny, tmp_path, capsys):
    own = ("--data=folder", f"--root={folder / 'train'}", "--held_out=0.25")
    assert command(train, "--model=plain", f"--out={tmp_path / 'run'}", "--image_size=64", *TINY, *own) == 0
    said = capsys.readouterr().out
    assert "6 photographs of 2 brands" in said
    assert f"--data folder --root {folder / 'train'} --held_out 0.25" in said
    assert command(evaluate, f"--model={tmp_path / 'run' / 'model.keras'}", *own) == 0
    assert capsys.readouterr().out.startswith("2 photographs, 2 classes")


def test_the_share_held_out_is_always_the_same_and_the_rest_is_learnt(folder):
    from logo_keras import datasets
    from logo_keras.commands import shares

    dataset = datasets.load("folder", folder)
    learnt, tested = shares.hold_out(dataset, 0.25)
    assert shares.hold_out(dataset, 0.25)[1].paths == tested.paths
    assert sorted(learnt.paths + tested.paths) == sorted(dataset.paths) and set(tested.labels) == {0, 1}
    with pytest.raises(ValueError, match="--held_out must lie between 0 and 1, got 1"):
        shares.hold_out(dataset, 1)


def test_boxes_are_cut_out_in_training_and_notes_are_said(tiny, tmp_path, capsys):
    root = tmp_path / "voc"
    for number in range(6):
        photographs.write(root / f"{number}.jpg", seed=number)
        objects = "".join(
            f"<object><name>{brand}</name><bndbox><xmin>{x}</xmin><ymin>2</ymin><xmax>{x + wide}</xmax><ymax>30</ymax></bndbox>"
            "</object>"
            for brand, x, wide in (("acme", 0, 20), ("globex", 30, 16 + 8 * (number % 2)))
        )
        (root / f"{number}.xml").write_text(f"<annotation>{objects}</annotation>")
    own = ("--data=voc", f"--root={root}", f"--cache={tmp_path / 'cache'}", "--augment=none", "--balance=1")
    small = ("--model=plain", "--image_size=64", *TINY)
    assert command(train, *small, f"--out={tmp_path / 'cut'}", *own, "--cut=0.1") == 0
    assert "12 photographs of 2 brands" in capsys.readouterr().out
    config = json.loads((tmp_path / "cut" / "config.json").read_text())
    assert (config["config"]["augment"], config["config"]["balance"], config["cached"]) == ("none", 1.0, True)
    assert config["data"]["cut"] == 0.1 and len(list((tmp_path / "cache").rglob("*.square"))) == 12
    assert command(train, *small, f"--out={tmp_path / 'whole'}", *own) == 0
    assert "note: photographs with several brands, each labelled with that of its largest box: 6" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on(folder, tiny, tmp_path, monkeypatch, capsys):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("logo_keras.training.run.train", interrupted)
    assert command(train, "--model=plain", f"--root={folder}", f"--out={tmp_path}", *TINY) == 130
    assert error(capsys) == "logo-train: stopped. The same command with --resume goes on from the last checkpoint."


def test_train_makes_region_networks(folder, tiny, tmp_path, capsys):
    sizes = ("--image_size=64", "--whole_size=32", "--region_size=32", "--num_proposals=2", "--views=region,drop")
    assert command(train, f"--root={folder}", f"--out={tmp_path / 'run'}", "--validation=0.5", *sizes, *TINY) == 0
    said = capsys.readouterr().out
    assert said.startswith("4 photographs of 2 brands, 4 to score after every epoch\n")
    assert "val_top1" in said
    capsys.readouterr()
    assert (
        command(evaluate, f"--model={tmp_path / 'run' / 'model.keras'}", f"--root={folder}", "--split=test", "--data=folder") == 0
    )
    said = capsys.readouterr().out
    assert "whole_top1" in said and "The best region covers" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data=folder"], "--out must be given"),
        (["--out=x"], "--data must be given"),
        (["--data=folder", "--out=x"], "--data folder needs --root"),
        (["--data=folder", "--out=x", "--root=nowhere"], "nowhere"),
        (["--data=folder", "--out=x", "--root=ROOT", "--train_split=trian"], "has no split 'trian'"),
        (["--data=folder", "--out=x", "--root=ROOT", "--validation=1.5"], "--validation must lie between 0 and 1, got 1.5"),
        (["--data=folder", "--out=x", "--root=ROOT", "--model=plain", "--views=crop"], "--model plain knows no --views"),
        (["--data=folder", "--out=x", "--root=ROOT", "--backbone=vgg99"], "unknown backbone 'vgg99'"),
        (["--data=folder", "--out=x", "--root=ROOT", "--epochs=0"], "epochs must be an integer of at least 1, got 0"),
        (["--data=folder", "--out=x", "--root=ROOT", "--image_size=100"], "image_size must be a multiple of 32"),
        (["--data=folder", "--out=x", "--root=ROOT", "photo.jpg"], "unexpected: photo.jpg"),
        (["--data=folder", "--out=x", "--root=ROOT", "--keep=best"], "needs validation photos"),
        (["--data=folder", "--out=x", "--recipe=logo2k_resnet51"], "did you mean 'logo2k_resnet50'?"),
        (["--data=folder", "--out=x", "--recipe=logo2k_nts", "--model=drna"], "--recipe logo2k_nts is of --model nts"),
        (["--data=folder", "--out=x", "--recipe=logo2k_nts", "--views=crop"], "--model nts knows no --views"),
        (["--data=folder", "--out=x", "--optimizer=sgd", "--drops=1,x"], "--drops: expected whole numbers, got 'x'"),
        (
            ["--data=folder", "--out=x", "--weights=run/model.keras"],
            "--weights is pretrained, imagenet, logos or none; to start from the model",
        ),
        (["--data=folder", "--out=x", "--loss_weights=ranking"], "--loss_weights ranking: expected NAME=NUMBER, got ''"),
        (["--data=folder", "--out=x", "--momentum=0.5"], 'momentum can only be set with optimizer="sgd"'),
        (["--data=folder", "--out=x", "--optimizer=adam"], "optimizer must be one of adamw, sgd, got 'adam'"),
    ],
)
def test_train_explains_what_is_wrong_in_one_line(arguments, message, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert command(train, *(argument.replace("ROOT", str(folder)) for argument in arguments)) == 1
    said = error(capsys)
    assert said.startswith("logo-train: ") and message in said


def test_train_lists_what_could_not_be_read(tiny, tmp_path, capsys):
    for seed in range(4):
        photographs.write(tmp_path / "brands" / ("acme", "globex")[seed % 2] / f"{seed}.png", seed=seed)
    (tmp_path / "brands" / "acme" / "0.png").write_bytes(b"no image")
    flags = ("--model=plain", f"--root={tmp_path / 'brands'}", f"--out={tmp_path / 'run'}", "--image_size=64", *TINY)
    assert command(train, *flags) == 0
    said = capsys.readouterr().err
    assert said.startswith("1 photograph could not be read and was left out:\n")
    assert "acme/0.png: not an image" in said
    assert command(train, *flags, "--strict", "--overwrite") == 1
    assert "acme/0.png: not an image" in error(capsys)


def test_without_root_the_synthetic_set_is_made(tmp_path, monkeypatch, capsys):
    made = []
    monkeypatch.setattr("logo_keras.datasets.synthesize", lambda root: made.append(root) or root, raising=False)
    assert command(train, "--data=synthetic", f"--out={tmp_path}") == 1
    assert made == [tmp_path / "synthetic"]
    assert "synthetic is no synthetic set" in error(capsys)


def test_evaluate_prints_a_table_and_writes_json(trained, folder, tmp_path, capsys):
    flags = (f"--model={trained / 'model.keras'}", "--data=folder", f"--root={folder}", "--split=test")
    assert command(evaluate, *flags, f"--json={tmp_path / 'out.json'}") == 0
    said = capsys.readouterr().out
    found = json.loads((tmp_path / "out.json").read_text())
    assert said.startswith("4 photographs, 2 classes\n")
    top1 = found["figures"]["top1"]
    low, high = top1["interval"]
    assert f"{top1['share']:6.1%}   95 % interval {low:.1%} to {high:.1%}" in said
    assert len(found["samples"]) == 4


def test_evaluate_asks_the_exported_file_too(trained, exported, folder, tmp_path):
    found = {}
    for model in (trained / "model.keras", exported):
        flags = (f"--model={model}", "--data=folder", f"--root={folder}", "--split=test", f"--json={tmp_path / 'out.json'}")
        assert command(evaluate, *flags) == 0
        found[model.suffix] = json.loads((tmp_path / "out.json").read_text())
    assert found[".keras"]["confusion"] == found[".tflite"]["confusion"]
    pairs = zip(found[".keras"]["samples"], found[".tflite"]["samples"], strict=True)
    assert all(one["probabilities"] == pytest.approx(other["probabilities"], abs=1e-4) for one, other in pairs)


def test_evaluate_writes_a_report_and_repeats_it(trained, exported, folder, tmp_path, capsys):
    greys = tmp_path / "greys"
    for seed in range(30, 33):
        photographs.write(greys / f"{seed}.png", seed=seed)
    asked = ("--data=folder", f"--root={folder}", f"--report={tmp_path / 'report'}", f"--negatives={greys}")
    for _ in range(2):
        assert command(evaluate, f"--model={trained / 'model.keras'}", "--split=test", "--class_means=train", *asked) == 0
    said = capsys.readouterr().out
    assert (
        "3 photographs without a brand of the list: AUROC" in said and f"written: {tmp_path / 'report' / 'report.html'}" in said
    )
    found = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert found["model"]["name"] == "model.keras" and len(found["model"]["sha256"]) == 64
    assert found["model"]["trained_on"] == {"kind": "folder", "split": None}
    assert found["data"] == {"kind": "folder", "root": str(folder), "split": "test", "cut": None, "held_out": None}
    assert set(found["figures"]["none"]["scores"]) == {"probability", "logit", "energy", "cosine", "mahalanobis"}
    # Four of each brand were learnt.
    assert [row["training_images"] for row in found["classes"]] == [4, 4]
    assert [row["photo"] for row in found["samples"]][0].startswith("test/acme/")
    before = (tmp_path / "report" / "evaluation.json").read_bytes()
    capsys.readouterr()
    assert command(evaluate, f"--model={exported}", "--split=test", *asked) == 1
    assert "holds the evaluation of another model (model.keras): choose another folder" in error(capsys)
    assert command(evaluate, f"--model={trained / 'model.keras'}", "--split=train", *asked) == 1
    assert "holds the evaluation of other photos" in error(capsys)
    assert (tmp_path / "report" / "evaluation.json").read_bytes() == before
    assert command(evaluate, f"--model={exported}", "--split=test", *asked, "--overwrite") == 0
    found = json.loads((tmp_path / "report" / "evaluation.json").read_text())
    assert found["model"]["name"] == "model.tflite" and set(found["figures"]["none"]["scores"]) == {"probability"}


def test_a_report_of_what_names_no_brand_or_is_not_there_is_refused(trained, exported, folder, tmp_path, capsys):
    report = ("--data=folder", f"--report={tmp_path / 'report'}")
    keras = f"--model={trained / 'model.keras'}"
    assert command(evaluate, keras, f"--root={tmp_path / 'nowhere'}", *report) == 1
    assert "nowhere" in error(capsys)
    assert command(evaluate, keras, f"--root={folder}", "--split=test", *report, f"--negatives={tmp_path / 'nothing'}") == 1
    assert "nothing: no such file or folder" in error(capsys)
    assert command(evaluate, keras, f"--root={folder}", "--split=test", "--data=folder", "--overwrite") == 1
    assert "--overwrite belongs to --report" in error(capsys)
    assert command(evaluate, f"--model={exported}", f"--root={folder}", "--split=test", *report, "--class_means=train") == 1
    assert "--class_means needs a .keras model" in error(capsys)
    assert not (tmp_path / "report").exists()


def test_evaluate_refuses_other_class_names(trained, tmp_path, capsys):
    for brand in ("acme", "initech"):
        photographs.write(tmp_path / brand / "0.png")
    assert command(evaluate, f"--model={trained / 'model.keras'}", "--data=folder", f"--root={tmp_path}") == 1
    said = error(capsys)
    assert "only in the data set: 'initech'; not in the data set: 'globex'" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data=folder", "--root=ROOT"], "--model must be given"),
        (["--data=folder", "--root=ROOT", "--model=none.keras"], "there is no model none.keras"),
        (["--data=folder", "--root=ROOT", "--model=model.h5"], "must be a .keras, .tflite or .onnx file, got model.h5"),
        (["--data=folder", "--root=ROOT", "--model=MODEL", "--split=tset"], "has no split 'tset'"),
        (["--data=logos", "--root=ROOT", "--model=MODEL"], "value should be one of <folder|list|"),
        (["--data=toplogo10", "--root=ROOT", "--model=MODEL"], "is no TopLogo-10"),
    ],
)
def test_evaluate_explains_what_is_wrong_in_one_line(arguments, message, folder, trained, capsys):
    values = {"ROOT": str(folder), "MODEL": str(trained / "model.keras")}
    for name, value in values.items():
        arguments = [argument.replace(name, value) for argument in arguments]
    capsys.readouterr()
    assert command(evaluate, *arguments) == 1
    said = error(capsys)
    assert said.startswith("logo-evaluate: ") and message in said


def test_predict_names_brands_writes_json_and_draws(trained, folder, tmp_path, capsys):
    photo = folder / "test" / "acme" / "0.png"
    same_name = photographs.write(tmp_path / "other" / "0.png", seed=5)
    flags = (
        f"--model={trained / 'model.keras'}",
        "--top=1",
        f"--json={tmp_path / 'out.json'}",
        f"--pictures={tmp_path / 'drawn'}",
    )
    assert command(predict, *flags, photo, tmp_path / "other") == 0
    lines = capsys.readouterr().out.splitlines()
    found = json.loads((tmp_path / "out.json").read_text())
    assert [row["photograph"] for row in found["photographs"]] == [str(photo), str(same_name)]
    first = found["photographs"][0]
    assert lines[0] == f"{photo}: {first['labels'][0]} {first['probabilities'][0]:.1%}"
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["0-2.jpg", "0.jpg"]
    assert cv2.imread(str(tmp_path / "drawn" / "0.jpg")) is not None


def test_predict_says_none_below_the_threshold_and_that_there_is_none(folder, tmp_path, capsys):
    photo, answers = folder / "test" / "acme" / "0.png", tmp_path / "answers.json"
    found = {}
    for threshold in (None, 0.9):
        path = write(tmp_path / f"{threshold}.tflite", dataclasses.replace(METADATA, threshold=threshold))
        assert command(predict, f"--model={path}", f"--json={answers}", f"--pictures={tmp_path / 'drawn'}", photo) == 0
        found[threshold] = (*capsys.readouterr(), json.loads(answers.read_text()))
    (line, said, known), (none, nothing, unknown) = found.values()
    assert "no threshold, so every photo gets some brand" in said and nothing == ""
    assert (known["threshold"], unknown["threshold"], unknown["temperature"]) == (None, 0.9, 1.0)
    (known,), (unknown,) = known["photographs"], unknown["photographs"]
    assert known["known"] and line.startswith(f"{photo}: {known['label']} {known['confidence']:.1%}")
    assert none == f"{photo}: none (likeliest {known['confidence']:.1%})\n"
    assert (unknown["known"], unknown["label"], unknown["labels"], unknown["probabilities"]) == (False, None, None, None)
    assert unknown["confidence"] == known["confidence"] and unknown["region_boxes"] == known["region_boxes"]


def test_predict_runs_an_exported_file_without_tensorflow(trained, exported, folder, tmp_path, capsys):
    blocked = "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = sys.modules['matplotlib'] = None"
    code = "from logo_keras.commands import predict; sys.exit(predict.main(sys.argv))"
    flags = [f"--model={exported}", f"--json={tmp_path / 'edge.json'}", f"--pictures={tmp_path}", str(folder / "test")]
    process = subprocess.run([sys.executable, "-c", f"{blocked}; {code}", *flags], capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr
    assert command(predict, f"--model={trained / 'model.keras'}", f"--json={tmp_path / 'keras.json'}", folder / "test") == 0
    edge, keras = (json.loads((tmp_path / f"{name}.json").read_text())["photographs"] for name in ("edge", "keras"))
    assert len(edge) == 4
    for one, other in zip(edge, keras, strict=True):
        assert one["labels"] == other["labels"]
        assert np.allclose(one["probabilities"], other["probabilities"], atol=1e-4)


def test_drawings_among_photographs_are_not_taken_for_more_of_them(trained, folder, tmp_path, capsys):
    shutil.copytree(folder / "test", tmp_path / "set")
    flags = (f"--model={trained / 'model.keras'}", f"--pictures={tmp_path / 'set' / 'drawn'}")
    for arguments in ([tmp_path / "set"], [tmp_path / "set"], [next((tmp_path / "set").glob("*/*.png"))]):
        assert command(predict, *flags, *arguments) == 0
        assert "drawn" not in capsys.readouterr().out
    assert len(list((tmp_path / "set" / "drawn").iterdir())) > 1
    assert "drawn" not in datasets.load("folder", tmp_path / "set").class_names


def test_predict_writes_its_answers_whatever_photos_are_called(trained, folder, tmp_path, capsys):
    odd = tmp_path / "photos" / os.fsdecode(b"caf\xe9.png")
    odd.parent.mkdir()
    odd.write_bytes(next((folder / "test" / "acme").iterdir()).read_bytes())
    (tmp_path / "photos" / os.fsdecode(b"broken\xe9.png")).write_bytes(b"broken")
    answers = tmp_path / "answers.json"
    assert command(predict, f"--model={trained / 'model.keras'}", f"--json={answers}", tmp_path / "photos") == 0
    said = json.loads(answers.read_text(encoding="utf-8"))
    assert [row["photograph"] for row in said["photographs"]] == [str(odd)] and len(said["unreadable"]) == 1
    assert "caf\\udce9.png" in capsys.readouterr().out


def test_predict_lists_what_could_not_be_read(trained, folder, tmp_path, capsys):
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    model = f"--model={trained / 'model.keras'}"
    assert command(predict, model, folder / "test" / "acme" / "0.png", empty) == 0
    assert f"1 photograph could not be read and was left out:\n  {empty}: the file is empty\n" in capsys.readouterr().err
    assert command(predict, model, "--strict", empty) == 1
    assert error(capsys) == f"logo-predict: {empty}: the file is empty"
    assert command(predict, model, empty) == 1
    assert capsys.readouterr().err.endswith("logo-predict: none of the photographs could be read.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model=MODEL"], "name at least one photograph or folder"),
        (["--model=MODEL", "nowhere"], "nowhere: no such file or folder"),
        (["--model=MODEL", "EMPTY"], "no photographs in"),
        (["--model=none.tflite", "PHOTO"], "there is no model none.tflite"),
        (["--model=PHOTO", "PHOTO"], "must be a .keras, .tflite or .onnx file"),
        (["--model=MODEL", "--top=0", "PHOTO"], "flag --top=0"),
    ],
)
def test_predict_explains_what_is_wrong_in_one_line(arguments, message, folder, trained, tmp_path, capsys):
    (tmp_path / "nothing").mkdir()
    values = {
        "MODEL": trained / "model.keras",
        "PHOTO": folder / "test" / "acme" / "0.png",
        "EMPTY": tmp_path / "nothing",
    }
    for name, value in values.items():
        arguments = [argument.replace(name, str(value)) for argument in arguments]
    capsys.readouterr()
    assert command(predict, *arguments) == 1
    said = error(capsys)
    assert said.startswith("logo-predict: ") and message in said


def test_a_damaged_model_is_one_line(tmp_path, folder, capsys):
    for suffix in (".keras", ".tflite", ".onnx"):
        (tmp_path / f"model{suffix}").write_bytes(b"no model")
        assert command(predict, f"--model={tmp_path / f'model{suffix}'}", folder / "test") == 1
        assert str(tmp_path / f"model{suffix}") in error(capsys)


def test_predict_takes_an_onnx_file_and_threads(tmp_path, folder, capsys):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from edge_files import write

    path = write(tmp_path / "colours.onnx")
    assert command(predict, f"--model={path}", "--threads=1", "--top=1", folder / "test") == 0
    said = capsys.readouterr().out
    assert said.count("%") == said.count("\n") > 0 and any(name in said for name in ("red", "green", "blue"))


def test_threads_of_a_keras_file_are_refused(trained, folder, capsys):
    capsys.readouterr()
    assert command(predict, f"--model={trained / 'model.keras'}", "--threads=2", folder / "test") == 1
    assert "threads can be chosen for .tflite and .onnx files" in error(capsys)


def run_of(*arguments):
    return command(train, "--model=plain", "--image_size=64", *TINY, *arguments)


def test_held_out_samples_are_those_that_the_run_listed(folder, tiny, tmp_path, capsys):
    root = shutil.copytree(folder / "train", tmp_path / "photographs")
    own = ("--data=folder", f"--root={root}")
    assert run_of(f"--out={tmp_path / 'run'}", *own, "--held_out=0.25") == 0
    listed = {each["path"] for each in json.loads((tmp_path / "run" / "held_out.json").read_text())["samples"]}
    assert len(listed) == 2
    # Photographs that came later are not among them, however they would be dealt.
    for seed in range(20, 30):
        photographs.write(root / "acme" / f"{seed}.png", seed=seed)
    model = f"--model={tmp_path / 'run' / 'model.keras'}"
    answers = tmp_path / "answers.json"
    assert command(evaluate, model, *own, "--held_out=0.25", f"--json={answers}") == 0
    assert {each["photo"] for each in json.loads(answers.read_text())["samples"]} == listed
    capsys.readouterr()
    assert command(evaluate, model, *own, "--held_out=0.5") == 1
    assert "the model was trained with --held_out 0.25" in error(capsys)
    assert command(evaluate, model, *own, "--held_out=0.25", "--cut=0.1") == 1
    capsys.readouterr()
    photographs.write(root / sorted(listed)[0], seed=77)
    assert command(evaluate, model, *own, "--held_out=0.25") == 1
    assert f"{sorted(listed)[0]} (changed)" in error(capsys)
    elsewhere = shutil.move(tmp_path / "run" / "model.keras", tmp_path / "model.keras")
    assert command(evaluate, f"--model={elsewhere}", *own, f"--held_out_file={tmp_path / 'run' / 'held_out.json'}") == 1
    assert "(changed)" in error(capsys)
    assert command(evaluate, f"--model={elsewhere}", *own, "--held_out=0.25") == 0
    assert "so the share is dealt anew" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--validation", "--held_out"])
def test_a_share_that_leaves_brands_nothing_to_learn_from_is_refused(flag, tmp_path, capsys):
    for number, brand in enumerate(("acme", "globex", "initech")):
        photographs.write(tmp_path / "brands" / brand / "0.png", seed=number)
    for share in ("0.1", "0.5"):
        assert (
            command(train, "--data=folder", f"--root={tmp_path / 'brands'}", f"--out={tmp_path / 'run'}", f"{flag}={share}") == 1
        )
        said = error(capsys)
        assert f"{flag} {share} of 3 photographs of 3 brands" in said
    assert not (tmp_path / "run").exists()


def test_one_brand_teaches_nothing(tiny, tmp_path, capsys):
    for seed in range(2):
        photographs.write(tmp_path / "brands" / "acme" / f"{seed}.png", seed=seed)
    flags = (f"--root={tmp_path / 'brands'}", f"--out={tmp_path / 'run'}")
    assert run_of(*flags) == 1
    assert "all 2 photographs are of one brand, acme" in error(capsys)
    with pytest.warns(UserWarning, match="all labels are of one class"):
        assert run_of(*flags, "--one_brand") == 0


def test_a_run_starts_from_a_file_and_a_finished_one_is_kept(trained, folder, tiny, tmp_path, capsys):
    flags = (f"--root={folder}", f"--from={trained / 'model.keras'}", "--learning_rate=0.0001")
    assert run_of(*flags, f"--out={tmp_path}") == 0
    assert f"Starting from the weights of {trained / 'model.keras'}." in capsys.readouterr().out
    assert run_of(*flags, f"--out={tmp_path}") == 1
    assert "holds a finished run" in error(capsys)
    assert run_of(*flags, f"--out={tmp_path}", "--overwrite") == 0
