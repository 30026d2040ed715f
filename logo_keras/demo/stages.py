"""The demo's stages, one after the other: photos, two trainings, tests, the exported file, the report."""

import contextlib
import dataclasses
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np

from logo_keras import evaluation, training
from logo_keras.demo import page
from logo_keras.demo.config import EPOCHS, PLAIN_SHARE, DemoConfig
from logo_keras.demo.findings import Findings, Trained
from logo_keras.demo.pace import TrainingClock, epochs_within
from logo_keras.demo.sets import real, synthetic
from logo_keras.edge import Recognizer
from logo_keras.export.tflite import export
from logo_keras.files import write, write_json
from logo_keras.image import preprocessing
from logo_keras.image.draw import encoded

MODEL, FILE, HTML, JSON, OVERVIEW = "model.keras", "model.tflite", "report.html", "report.json", "overview.jpg"
# Of single photos, after two that warm up.
_TIMED = 20
# Photos that the exported file is compared with Keras on, where there are so many. More take time and say no more: the file
# is tested on all of them afterwards.
_VERIFIED = 100


def run(out, data=None, config=None, say=print):
    """Trains DRNA-Net and the plain classifier, tests both, exports DRNA-Net, runs the file, and writes the report.

    Leaves `model.keras`, `model.tflite`, `overview.jpg`, `report.html` and, last, `report.json` in the folder; each
    appears when it is complete. What an earlier demo left there is replaced file by file.

    Args:
        out: path of the folder, made where it is missing.
        data: path of real photos (see `sets.real`), or None for synthetic ones, which are put into `out`.
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
        if data is None:
            sets = synthetic(out, config.photographs, config.seed)
        else:
            sets = real(data, config.held_back, config.seed)
        stages.say(f"{sets.name} ({sets.split}): {sets.training!r} to learn from, {len(sets.test)} to be tested on")
    drna_config = dataclasses.replace(config.drna, seed=config.seed, epochs=config.epochs or EPOCHS[sets.name])
    if config.seconds is not None:
        with stages("pace", f"How many epochs of DRNA-Net fit {config.seconds:.0f} s"):
            fitting = epochs_within(config.seconds, drna_config, sets.training)
            drna_config = dataclasses.replace(drna_config, epochs=fitting)
    with stages("train_drna", f"Training DRNA-Net (epochs: {drna_config.epochs})"):
        drna = _train(drna_config, sets, out, stages.say)
        drna.model.save(out / MODEL)
    plain_config = dataclasses.replace(config.plain, seed=config.seed, epochs=config.plain_epochs or 1)
    share = PLAIN_SHARE[sets.name] if config.plain_epochs is None else None
    if share is not None:
        seconds = share * drna.seconds
        with stages("pace", f"How many epochs of the plain classifier fit {seconds:.0f} s, {share:.0%} of DRNA-Net's"):
            fitting = epochs_within(seconds, plain_config, sets.training)
            plain_config = dataclasses.replace(plain_config, epochs=fitting)
    with stages("train_plain", f"Training the plain classifier (epochs: {plain_config.epochs})"):
        plain = _train(plain_config, sets, out, stages.say)
    with stages("test", "Testing both on photos that neither has seen"):
        drna_test, plain_test = (evaluation.evaluate(trained.model, sets.test) for trained in (drna, plain))
        stages.say(f"DRNA-Net {drna_test.top1:.1%}, plain {plain_test.top1:.1%} right")
    with stages("export", "Exporting DRNA-Net to TFLite and comparing its answers with those of Keras"):
        # Of all brands, and where there are few test photos, training photos make up the number.
        count = len(sets.test)
        paths = [sets.test.paths[place] for place in np.linspace(0, count - 1, min(count, _VERIFIED)).astype(int)]
        verification = export(drna.model, out / FILE, photos=[*paths, *sets.training.paths][:_VERIFIED])
        for line in str(verification).splitlines():
            stages.say(line)
    with stages("run_file", "Running the file on the test photos, without TensorFlow"):
        file_test = evaluation.evaluate(Recognizer(out / FILE), sets.test)
        keras_milliseconds = _milliseconds(drna.model, drna_test.paths[0])
        stages.say(f"{file_test.top1:.1%} right")
    found = Findings(
        config=config, photographs=sets, drna=drna, plain=plain, drna_test=drna_test, plain_test=plain_test,
        file_test=file_test, verification=verification, plain_share=share, keras_milliseconds=keras_milliseconds,
        sizes={name: (out / name).stat().st_size for name in (MODEL, FILE)},
        seconds=stages.seconds | {"train_drna_steps": drna.seconds, "train_plain_steps": plain.seconds},
    )  # fmt: skip
    with stages("report", "Writing the report"):
        figures = _report(found, out, stages)
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
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    @property
    def total(self):
        """float, seconds since the demo began."""
        return time.perf_counter() - self._start

    def say(self, line):
        """Passes a line on, behind the time since the demo began."""
        minutes, seconds = divmod(int(self.total), 60)
        self._say(f"[{minutes:2}:{seconds:02}] {line}")


def _train(config, sets, out, say):
    """Trains a model in a folder that is gone afterwards: what a demo has begun, another does not go on with."""
    clock = TrainingClock(say)
    with tempfile.TemporaryDirectory(prefix=".partial-training-", dir=out) as folder:
        result = training.train(config, sets.training, folder, sets.validation, callbacks=[clock], report=say)
    return Trained(result.model, config, result.history, clock.ends)


def _milliseconds(model, path):
    """Median time of Keras for one photo, decoding left out."""
    image = preprocessing.prepare(path, model.image_size)[None]
    times = []
    for _ in range(2 + _TIMED):
        start = time.perf_counter()
        model.predict_on_batch(image)
        times.append(time.perf_counter() - start)
    return float(np.median(times[2:])) * 1e3


def _report(found, out, stages):
    """Writes the pictures and figures, the figures last; returns them."""
    overview = page.overview(found, Recognizer(out / FILE))
    write(out / OVERVIEW, encoded(overview))
    found.seconds["total"] = stages.total
    write(out / HTML, page.compose(found, overview))
    figures = found.to_dict()
    write_json(out / JSON, figures)
    return figures


def sweep(out):
    """Removes what a demo that was stopped left half done in its folder.

    Args:
        out: str or path of the folder.
    """
    out = Path(out)
    for name in (MODEL, FILE, f"{FILE}.json", HTML, JSON, OVERVIEW):
        for path in out.glob(f".partial-????????-{name}"):
            path.unlink(missing_ok=True)
    for path in (*out.glob(".partial-training-*"), *out.glob(".partial-????????-synthetic-*")):
        shutil.rmtree(path, ignore_errors=True)
