"""The demo with little of everything: its stages, what it leaves behind, how it reads folders and flags."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from unittest import mock

import numpy as np
import pytest
from conftest import ROOT
from photographs import write
from test_report import Checked
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.commands import demo as command
from logo_keras.datasets.synthetic.synthesis import RECIPE
from logo_keras.demo import DemoConfig, demo_page, quick, run, sets, stages, untrained
from logo_keras.image.boxes import areas, common_areas
from logo_keras.training import Config

KEYS = {
    "gallery", "top1", "top5", "plain_top1", "tflite_top1", "tflite_max_abs_diff", "tflite_tied", "region_hit_rate",
    "region_hit_rate_any", "region_hit_rate_chance", "region_area", "seconds", "intervals", "settings", "versions",
}  # fmt: skip
ARTIFACTS = {
    stages.MODEL,
    stages.FILE,
    f"{stages.FILE}.json",
    stages.HTML,
    stages.JSON,
    stages.OVERVIEW,
    stages.GALLERY,
    stages.MATCHES,
}
SETS = {f"synthetic-demo-{numbers}-seed0-recipe{RECIPE}" for numbers in ("4-13-2-3-0", "8-0-0-3-4")}


def with_tiny_backbone(config, **changes):
    arguments = {**config.arguments, "backbone": tiny_backbone(), "frozen_blocks": 1, **changes}
    return dataclasses.replace(config, arguments=arguments)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demo of a tiny backbone that has ended: its folder, its figures, the lines it said; and what its page was made of."""
    out, lines = tmp_path_factory.mktemp("demo"), []
    composed = mock.Mock(wraps=demo_page.compose)
    (out / ".partial-0badcafe-model.keras").write_bytes(b"what a killed demo left")
    config = quick()
    drna = with_tiny_backbone(config.drna, num_proposals=2, num_regions=1)
    config = dataclasses.replace(config, drna=drna, plain=with_tiny_backbone(config.plain))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "_VERIFIED", 16)
        patch.setattr(stages, "_SAID", 5)
        patch.setattr(demo_page, "compose", composed)
        return out, run(out, config=config, say=lines.append), lines, composed.call_args.args


def test_the_demo_leaves_its_files_and_no_half_ones(demo):
    out, *_ = demo
    assert {path.name for path in out.iterdir()} == ARTIFACTS | SETS


def test_the_figures_are_those_of_the_file(demo):
    out, figures, *_ = demo
    assert set(figures) == KEYS
    assert json.loads((out / stages.JSON).read_text(encoding="utf-8")) == figures


def test_shares_are_fractions_and_lie_in_their_intervals(demo):
    _, figures, *_ = demo
    for name in ("top1", "top5", "plain_top1", "tflite_top1", "region_hit_rate", "region_hit_rate_any"):
        low, high = figures["intervals"][name]
        assert 0 <= low <= figures[name] <= high <= 1
    low, high = figures["intervals"]["top1_minus_plain_top1"]
    assert low <= figures["top1"] - figures["plain_top1"] <= high
    assert 0 < figures["region_area"] < 1


def test_the_model_that_is_left_scores_what_the_report_says(demo):
    out, figures, *_ = demo
    test = lk.datasets.load("synthetic", out / f"synthetic-demo-4-13-2-3-0-seed0-recipe{RECIPE}", "test")
    assert lk.evaluation.evaluate(lk.load(out / stages.MODEL), test).top1 == figures["top1"]
    assert lk.evaluation.evaluate(lk.edge.Recognizer(out / stages.FILE), test).top1 == figures["tflite_top1"]
    assert figures["tflite_max_abs_diff"] < 1e-4


def test_every_stage_is_said_and_measured(demo):
    _, figures, lines, _ = demo
    seconds = figures["seconds"]
    assert {"photographs", "gallery", "train_drna", "train_plain", "test", "export", "run_file", "total"} <= set(seconds)
    assert seconds["train_drna_steps"] <= seconds["train_drna"] < seconds["total"]
    assert sum(" == " in line for line in lines) == 8
    assert any("epoch 1 of 1" in line for line in lines)
    assert any("step 5: loss " in line and "step 10" not in line for line in lines)


def test_the_report_is_complete_in_itself_and_tells_the_figures(demo):
    out, figures, *_ = demo
    page = Checked((out / stages.HTML).read_text(encoding="utf-8"))
    # What the gallery says, the overview, and of nine wrong and nine right answers as many as there are.
    right = round(12 * figures["top1"])
    assert len(page.addresses) == 2 + min(9, right) + min(9, 12 - right)
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.addresses)
    text = "".join(page.words).replace("\n", " ")
    assert f"{100 * figures['top1']:.1f}\u00a0%" in text and f"{100 * figures['plain_top1']:.1f}\u00a0%" in text
    assert "no evidence of how well the network does on real photos" in text
    assert f"{100 * figures['gallery']['named']:.1f}\u00a0%are so like it that they are named" in text
    assert page.tags.count("svg") == 2


@pytest.mark.parametrize(
    ("weights", "start"),
    [
        ("logos", "starting from the backbone of the embedding that comes with the package."),
        ("imagenet", "starting from a network that knows ImageNet."),
        (None, "starting from random weights."),
    ],
)
def test_the_report_says_what_the_network_started_from(demo, weights, start):
    found, figures, *pictures = demo[3]
    drna = figures["settings"]["drna"]
    drna = drna | {"arguments": drna["arguments"] | {"weights": weights}}
    page = demo_page.compose(found, figures | {"settings": figures["settings"] | {"drna": drna}}, *pictures)
    assert start in " ".join("".join(Checked(page.decode()).words).split())


def test_without_a_gallery_the_report_has_no_section_about_it(demo):
    _, figures, _, (found, _, overview, _) = demo
    assert "Brands without training" in demo_page.compose(found, figures, overview, overview).decode()
    page = demo_page.compose(dataclasses.replace(found, untrained=None), figures | {"gallery": None}, overview, None).decode()
    assert "Brands without training" not in page and "DRNA-Net was trained" in page


def test_the_gallery_knows_the_brands_by_artwork_and_is_asked_about_what_did_not_calibrate_it(demo):
    out, figures, _, (found, *_) = demo
    gallery, said = lk.Gallery.load(out / stages.GALLERY), found.untrained.evaluation
    assert gallery.labels == ("Adidas", "Apple", "Starbucks", "McDonald's")
    assert {reference.kind for label in gallery.labels for reference in gallery.references(label)} == {"artwork"}
    # Three photos of each of four brands; of the four others, and of four photos without any, half.
    assert (said.samples, said.others, said.calibrated_on, said.references) == (12, 2 * 3 + 2, 0, 0)
    assert figures["gallery"]["calibrated_on"] == 2 * 3 + 2
    assert gallery.calibration == found.untrained.gallery.calibration
    assert figures["gallery"]["top1"] > 0.5 and figures["gallery"]["photos"] == 12


def test_the_gallery_finds_logos_in_whole_photos_without_being_told_where(demo):
    found = demo[3][0].untrained
    photos = [number for number in range(len(found.asked)) if found.brand(number)]
    matches = [found.gallery.recognize(found.asked.photograph(number), top=1)[:1] for number in photos]
    shares = [common_areas(*each) / areas(each[0]) for each in _boxes(found, photos, matches)]
    # A box of its own, half of which is the logo's; the photo as a whole is none.
    assert sum(share > 0.5 for share in shares) >= len(photos) / 2


def _boxes(found, photos, matches):
    """What was named and where the logo is: pairs of float `[4]`."""
    return [(np.array(each[0].box), found.asked.boxes[n][0]) for n, each in zip(photos, matches, strict=True) if each]


def test_real_photos_with_boxes_give_the_gallery_one_photo_of_each_brand(demo):
    out, *_ = demo
    photos = sets.opened(out / f"synthetic-demo-4-13-2-3-0-seed0-recipe{RECIPE}", 0)
    found = untrained.of_photos(photos.training, photos.test, 0)
    gallery = found.gallery
    assert [(brand.label, brand.references) for brand in gallery.list()] == [(name, 1) for name in photos.test.class_names]
    for label in gallery.labels:
        (reference,) = gallery.references(label)
        number = photos.training.paths.index(str(out / photos.training.root / "train" / label / reference.source))
        assert reference.box == tuple(photos.training.boxes[number][0])
    assert (found.evaluation.samples, found.evaluation.others) == (12, 0)
    assert "one photo" in str(found) and "not calibrated" in str(found) and found.to_dict()["calibrated_on"] is None


def test_photos_without_boxes_give_no_gallery(tmp_path):
    for number in range(4):
        write(tmp_path / ("adidas", "puma")[number % 2] / f"{number}.jpg", seed=number)
    photos = lk.datasets.load("folder", tmp_path)
    assert untrained.of_photos(photos, photos, 0) is None


def test_a_box_outside_its_photo_is_left_out_and_named(demo):
    out, *_ = demo
    photos = sets.opened(out / f"synthetic-demo-4-13-2-3-0-seed0-recipe{RECIPE}", 0)
    far, partly = np.float32([5000, 5, 5090, 95]), np.float32([-10, -10, 90, 90])
    # Of the first photo the only box, of the second one of two; what reaches beyond the third stays.
    boxes = [[far], [*photos.training.boxes[1], far], [partly], *photos.training.boxes[3:]]
    training = dataclasses.replace(photos.training, boxes=boxes)
    said = []
    # Those of photos that are searched do not count, nor whether there are any.
    test = dataclasses.replace(photos.test, boxes=[[far], [], *photos.test.boxes[2:]])
    found = untrained.of_photos(training, test, 0, said.append)
    first, second = (f"'{path} (5000, 5, 5090, 95)'" for path in training.paths[:2])
    assert said == [f"note: boxes that lie outside their photos are left out: {first}, {second}"]
    assert len(found.gallery.labels) == 4 and len(found.asked) == 12
    said.clear()
    assert untrained.of_photos(training.subset([0]), test, 0, said.append) is None and len(said) == 1


def test_folders_are_recognized_by_their_layout(tmp_path):
    for name in ("ImageSets", "jpg", "masks"):
        (tmp_path / "top" / name).mkdir(parents=True)
    (tmp_path / "flickr" / "flickr_logos_27_dataset_images").mkdir(parents=True)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "synthetic.json").write_text("{}")
    (tmp_path / "own").mkdir()
    kinds = {name: sets.kind(tmp_path / name) for name in ("top", "flickr", "made", "own")}
    assert kinds == {"top": "toplogo10", "flickr": "flickrlogos27", "made": "synthetic", "own": "folder"}


def test_the_official_splits_are_taken(shared):
    toplogo10 = sets.opened(shared / "data" / "toplogo10", 0)
    assert (toplogo10.name, len(toplogo10.training), len(toplogo10.test)) == ("toplogo10", 400, 300)
    assert toplogo10.validation is None
    flickrlogos27 = sets.opened(shared / "data" / "flickrlogos27", 0)
    assert (flickrlogos27.name, len(flickrlogos27.training), len(flickrlogos27.test)) == ("flickrlogos27", 809, 135)


def test_folders_named_train_and_test_are_the_split(tmp_path):
    for number, split in enumerate(["train", "train", "validation", "test"]):
        write(tmp_path / split / "adidas" / f"{number}.jpg", seed=number)
    found = sets.opened(tmp_path, 0)
    assert [len(part) for part in (found.training, found.validation, found.test)] == [2, 1, 1]


def test_folders_without_a_split_are_split_by_the_seed(tmp_path):
    for number in range(20):
        write(tmp_path / ("adidas", "puma")[number % 2] / f"{number}.jpg", seed=number)
    found, again, other = (sets.opened(tmp_path, seed) for seed in (0, 0, 1))
    assert (len(found.training), found.validation, len(found.test)) == (14, None, 6)
    assert found.test.paths == again.test.paths != other.test.paths
    assert not set(found.training.paths) & set(found.test.paths)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder .*nowhere"):
        sets.opened(tmp_path / "nowhere", 0)


def test_only_what_a_killed_demo_left_is_swept_away(tmp_path):
    mine = tmp_path / ".partial-0badcafe-notes.txt"
    mine.write_text("mine")
    (tmp_path / "report.json").write_text("{}")
    (tmp_path / ".partial-0badcafe-report.json").write_text("{")
    (tmp_path / ".partial-training-x1").mkdir()
    (tmp_path / ".partial-0badcafe-synthetic-demo").mkdir()
    stages.sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {mine.name, "report.json"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 2, "seconds": 10.0}, "either epochs or seconds"),
        ({"epochs": 0}, "epochs must be above 0, got 0"),
        ({"seconds": -1.0}, "seconds must be above 0, got -1.0"),
    ],
)
def test_bad_settings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        DemoConfig(**changes)


class Clockwork:
    """A training whose steps take a known time: two seconds, the first one twelve."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self.now)
        monkeypatch.setattr(Config, "build", lambda config, class_names: self)

    def fit(self, dataset, epochs, steps_per_epoch, callbacks, **options):
        self.now += 10.0
        for epoch in range(epochs):
            self.now += 2.0 * steps_per_epoch
            callbacks[0].on_epoch_end(epoch, {})


@pytest.mark.parametrize(("seconds", "epochs"), [(1.0, 1), (50.0, 1), (210.0, 5), (1000.0, 25)])
def test_epochs_within_a_time_count_the_first_steps_tracing_once(monkeypatch, seconds, epochs):
    # 20 steps of 2 s are 40 s an epoch, behind 10 s of tracing.
    Clockwork(monkeypatch)
    photos = lk.datasets.Dataset([f"{n}.jpg" for n in range(200)], np.zeros(200, int), ["adidas"])
    assert stages._fitted(Config("plain", batch_size=10), seconds, photos).epochs == epochs


def flags_of(*arguments):
    flags = command.COMMAND.flags()
    flags.parse(arguments)
    return flags


def test_flags_become_settings():
    assert command.config_from(flags_of()) == DemoConfig()
    assert command.config_from(flags_of("--seed=3", "--epochs=2")) == DemoConfig(seed=3, epochs=2)
    assert command.config_from(flags_of("--seconds=60")) == DemoConfig(seconds=60.0)
    assert command.config_from(flags_of("--quick", "--seed=3")) == dataclasses.replace(quick(), seed=3)


def test_help_explains_the_flags(capsys):
    assert command.main(["demo", "--help"]) == 0
    text = capsys.readouterr().out
    assert "report.html" in text and all(f"--{flag}" in text for flag in ("out", "data", "seed", "epochs", "seconds"))


def test_what_the_user_can_mend_is_one_line(capsys, tmp_path):
    assert command.main(["demo", f"--out={tmp_path}", f"--data={tmp_path / 'nowhere'}"]) == 1
    assert capsys.readouterr().err == f"demo: there is no folder {tmp_path / 'nowhere'}.\n"
    assert command.main(["demo", "--epochs=1", "--seconds=5", f"--out={tmp_path}"]) == 1
    assert "either epochs or seconds may be given" in capsys.readouterr().err


def quick_demo(out):
    arguments = ["-m", "logo_keras.commands.demo", "--quick", f"--out={out}"]
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow
def test_a_demo_that_is_stopped_leaves_no_half_files_and_can_be_run_again(tmp_path):
    stopped = quick_demo(tmp_path)
    for line in stopped.stdout:
        if "== Training DRNA-Net" in line:
            break
    time.sleep(3)
    stopped.send_signal(signal.SIGTERM)
    stopped.communicate(timeout=120)
    assert stopped.returncode == 143
    assert {path.name for path in tmp_path.iterdir()} == {stages.GALLERY, stages.MATCHES} | SETS
    again = quick_demo(tmp_path)
    said, _ = again.communicate(timeout=600)
    assert again.returncode == 0, said
    assert ARTIFACTS < {path.name for path in tmp_path.iterdir()}
