"""The demo's stages, one after the other: photos, a gallery, two trainings, tests, the exported file, the report."""

import contextlib
import dataclasses
import math
import os
import shutil
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from logo_keras import evaluation, files, training
from logo_keras.demo import demo_page, untrained
from logo_keras.demo.config import EPOCHS, DemoConfig
from logo_keras.demo.findings import Findings
from logo_keras.demo.sets import drawn, opened
from logo_keras.edge import Recognizer
from logo_keras.export.tflite import export
from logo_keras.files import write, write_json
from logo_keras.image.draw import encoded

MODEL, FILE, HTML, JSON, OVERVIEW = "model.keras", "model.tflite", "report.html", "report.json", "overview.jpg"
GALLERY, MATCHES = "brands.gallery", "gallery.jpg"
# How the folder of a training begins, which is gone when the training has ended.
_TRAINING = ".partial-training-"
# Steps that tell how long an epoch takes.
_PROBED = 4
# Steps between two lines about a training.
_SAID = 10
# Of gallery.jpg, which is to go into pages: 170 kB of 300.
_QUALITY = 85
# Photos that the exported file is compared with Keras on, where there are so many. More take time and say no more: the file
# is tested on all of them afterwards.
_VERIFIED = 60


def run(out, data=None, config=None, say=print):
    """Finds brands without training, trains DRNA-Net and the plain classifier, tests both, exports DRNA-Net, runs the file,
    and writes the report.

    Leaves `brands.gallery`, `gallery.jpg`, `model.keras`, `model.tflite`, `overview.jpg`, `report.html` and, last, `report.json`
    in the folder; each appears when it is complete. Of real photos without boxes there is no gallery. What
    an earlier demo left there is replaced file by file.

    Args:
        out: path of the folder, made where it is missing.
        data: path of real photos (see `sets.opened`), or None for synthetic ones, which are put into `out`.
        config: DemoConfig; its defaults by default.
        say: function that takes a line of text.

    Returns:
        dict, what `report.json` holds.

    Raises:
        ValueError: if the photos or settings cannot be used.
        DiffersFromKeras: if the exported file's answers lie over the bound; a ValueError too.
        OSError: if a file cannot be read or written.
        ImportError: if an extra is not installed; names it.
    """
    out, config = Path(out), DemoConfig() if config is None else config
    out.mkdir(parents=True, exist_ok=True)
    sweep(out)
    stages = _Stages(say)
    with stages("photographs", "Photos"):
        photos = opened(drawn(out, config.photographs, config.seed) if data is None else data, config.seed)
        learnt, test = photos.training, photos.test
        stages.say(f"{photos.name} ({photos.split}): {learnt!r} to learn from, {len(test)} to be tested on")
    with stages("gallery", "Brands without training"):
        if data is None:
            root = drawn(out, config.gallery, config.seed)
            gallery = untrained.of_artwork(root, config.photographs["brands"])
        else:
            gallery = untrained.of_photos(learnt, test, config.seed, stages.say)
        for line in str(gallery or "no boxes are known of these photos, so no brand can be shown to a gallery").splitlines():
            stages.say(line)
        matches = gallery and demo_page.matches(gallery, config.seed)
        if gallery:
            gallery.gallery.save(out / GALLERY)
            write(out / MATCHES, encoded(matches, quality=_QUALITY))
    drna_config = dataclasses.replace(config.drna, seed=config.seed, epochs=config.epochs or EPOCHS[photos.name])
    if config.seconds is not None:
        with stages("pace", f"How many epochs of DRNA-Net fit {config.seconds:.0f} s"):
            drna_config = _fitted(drna_config, config.seconds, learnt)
    with stages("train_drna", f"Training DRNA-Net (epochs: {drna_config.epochs})"):
        drna = _train(drna_config, photos, out, stages.say)
        drna.model.save(out / MODEL)
    drna_seconds = _seconds(drna)
    # Equal times are the fair comparison; on synthetic photos, which prove nothing about accuracy, both see every photo as often.
    plain_config = dataclasses.replace(config.plain, seed=config.seed, epochs=drna_config.epochs)
    if photos.name != "synthetic":
        with stages("pace", f"How many epochs of the plain classifier fit DRNA-Net's {drna_seconds:.0f} s"):
            plain_config = _fitted(plain_config, drna_seconds, learnt)
    with stages("train_plain", f"Training the plain classifier (epochs: {plain_config.epochs})"):
        plain = _train(plain_config, photos, out, stages.say)
    with stages("test", "Testing both on photos that neither has seen"):
        drna_test, plain_test = (evaluation.evaluate(each.model, test) for each in (drna, plain))
        stages.say(f"DRNA-Net {drna_test.top1:.1%}, plain {plain_test.top1:.1%} right")
    with stages("export", "Exporting DRNA-Net to TFLite and comparing its answers with those of Keras"):
        # Where there are few test photos, training photos make up the number.
        verified = [*test.paths, *learnt.paths[: max(0, _VERIFIED - len(test))]]
        verification = export(drna.model, out / FILE, photos=verified, limit=_VERIFIED)
        for line in str(verification).splitlines():
            stages.say(line)
    with stages("run_file", "Running the file on the test photos, without TensorFlow"):
        recognizer = Recognizer(out / FILE, os.cpu_count())
        file_test = evaluation.evaluate(recognizer, test)
        stages.say(f"{file_test.top1:.1%} right")
    found = Findings(
        config=dataclasses.replace(config, drna=drna_config, plain=plain_config),
        photos=photos, untrained=gallery, drna=drna, plain=plain, drna_test=drna_test, plain_test=plain_test, file_test=file_test,
        verification=verification, sizes={name: (out / name).stat().st_size for name in (MODEL, FILE)},
        seconds=stages.seconds | {"train_drna_steps": drna_seconds, "train_plain_steps": _seconds(plain)},
    )  # fmt: skip
    with stages("report", "Writing the report"):
        overview = demo_page.overview(found, recognizer)
        write(out / OVERVIEW, encoded(overview))
        found.seconds["total"] = stages.total
        figures = found.to_dict()
        write(out / HTML, demo_page.compose(found, figures, overview, matches))
        write_json(out / JSON, figures)
    stages.say(f"Done: open {out / HTML}")
    return figures


class _Stages:
    """Says which stage runs, and measures it."""

    def __init__(self, say):
        self._say = say
        self._start = time.perf_counter()
        self.seconds = {}

    @contextlib.contextmanager
    def __call__(self, name, title):
        self.say(f"== {title}")
        start = self.total
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + self.total - start

    @property
    def total(self):
        """float, seconds since the demo began."""
        return time.perf_counter() - self._start

    def say(self, line):
        """Passes a line on, behind the time since the demo began."""
        minutes, seconds = divmod(int(self.total), 60)
        self._say(f"[{minutes:2}:{seconds:02}] {line}")


def _train(config, photos, out, say):
    """Trains a model in a folder that is gone afterwards: what one demo has begun, another does not go on with."""

    def told(step, logs):
        if (step + 1) % _SAID == 0:
            say(f"step {step + 1}: loss {logs['loss']:.3f}, top1 {logs['top1']:.3f}")

    progress = keras.callbacks.LambdaCallback(on_train_batch_end=told)
    with tempfile.TemporaryDirectory(prefix=_TRAINING, dir=out) as folder:
        return training.train(config, photos.training, folder, photos.validation, callbacks=[progress], report=say)


def _seconds(result):
    """Seconds of all epochs of a training, without saving."""
    return sum(row["seconds"] for row in result.history)


def _fitted(config, seconds, dataset):
    """The training.Config with as many epochs as end nearest to a time, at least one.

    A few steps of a model that is thrown away foretell it.
    """
    steps = math.ceil(len(dataset) / config.batch_size)
    # Two epochs of them must fit into one of the dataset.
    probed = min(_PROBED, max(1, steps // 2))
    times = [time.perf_counter()]
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: times.append(time.perf_counter()))
    config.build(dataset.class_names).fit(
        dataset, batch_size=config.batch_size, epochs=2, steps_per_epoch=probed, callbacks=[clock], seed=config.seed, verbose=0
    )  # fmt: skip
    # The first of them traces the model too.
    first, second = np.diff(times)
    epochs = round((seconds - max(0.0, first - second)) / (second * steps / probed))
    return dataclasses.replace(config, epochs=max(1, epochs))


def sweep(out):
    """Removes what a demo that was stopped left half done in its folder.

    Args:
        out: str or path of the folder.
    """
    out = Path(out)
    files.sweep(out, (MODEL, FILE, f"{FILE}.json", HTML, JSON, OVERVIEW, GALLERY, MATCHES, "synthetic-*"))
    for path in out.glob(f"{_TRAINING}*"):
        shutil.rmtree(path, ignore_errors=True)
