"""A training run: from photographs to a model file, in a folder of its own."""

import dataclasses
import functools
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import keras
import numpy as np

from logo_keras.files import replacing
from logo_keras.models import load
from logo_keras.models.logo_model import LogoModel
from logo_keras.preprocessing import UnreadablePhotograph
from logo_keras.training.card import card
from logo_keras.training.numbered_epochs import NumberedEpochs
from logo_keras.training.precision import compute_in
from logo_keras.training.unfinished import Unfinished, differing, write_history

MODEL = "model.keras"
HISTORY = "history.csv"
CONFIG = "config.json"


@dataclasses.dataclass(frozen=True)
class Result:
    """What a run left.

    Attributes:
        model: the model that was kept.
        path: Path of its file.
        history: list of dict, a row an epoch: `epoch` (from 1), the metrics (`val_` before those of the validation
            photographs) and `seconds`.
        unreadable: dict, path to reason, of the photographs that were left out.
    """

    model: LogoModel
    path: Path
    history: list
    unreadable: dict


def train(config, training, out, validation=None, resume=False, strict=False, callbacks=(), about=None, report=print, cache=None):
    """Trains a model and leaves `model.keras`, `history.csv` and `config.json` in a folder.

    After every epoch the model, its optimizer included, is kept in `out/unfinished`. A run that was killed goes on after
    the last whole epoch with `resume=True`. Order, augmentation and dropout depend on the seed and the number of the epoch
    alone, so that on one machine it ends with the weights of a run that was never killed, but for rounding where
    threads sum in another order. (Where photographs are unreadable, the learning rate goes on as if they had been
    read.) `model.keras` appears when the run has ended; a file of that name from before is kept until then.

    Args:
        config: Config.
        training: Dataset.
        out: path of the folder, made where it is missing.
        validation: Dataset with the same classes, scored after every epoch; or None.
        resume: bool, go on with the unfinished run in `out`, or start where there is none. A run that has ended with the
            same settings is not repeated.
        strict: bool, stop at the first unreadable photograph instead of leaving it out.
        callbacks: Keras callbacks.
        about: dict for JSON, further entries of `config.json`.
        report: function that takes a line of text.
        cache: path of a folder where photographs are kept as squares, so that they are decoded once; or None. See
            `Dataset.batches`: crops in training are a little different, so a run goes on as it began.

    Returns:
        Result.

    Raises:
        ValueError: for photographs without a brand, other class names in `validation`, no readable photograph at all,
            an unfinished run in `out` that is not to go on or has other settings, or `keep="best"` without validation.
        UnreadablePhotograph: with `strict`, naming the photograph and the reason.
        FloatingPointError: if a loss is no longer a number; says which model is intact.
        OSError: if a file cannot be written; says which model is intact.
    """
    out = Path(out)
    if config.keep == "best" and validation is None:
        raise ValueError('keep="best" needs validation photographs to tell which epoch is best.')
    identity = {
        "config": config.to_dict(),
        "training": _fingerprint(training),
        "validation": None if validation is None else _fingerprint(validation),
        "cached": cache is not None,
    }
    unfinished = Unfinished(out, identity, resume)
    if resume and not unfinished.epochs and _has_ended(out, identity):
        report(f"{out / MODEL} is there already, from a run with the same settings: nothing to do.")
        return _ended(out)
    if unfinished.epochs:
        report(f"Going on after epoch {unfinished.epochs} of {config.epochs}.")
        model = load(unfinished.last)
        compute_in(model, config.precision)
    else:
        model = config.build(training.class_names)
    if unfinished.epochs < config.epochs:
        say = functools.partial(card, config, identity["training"], identity["validation"], about)
        model.card = {**model.card, **say(unfinished.history[-1] if unfinished.history else None)}
        journal = _Journal(unfinished, config, (training, validation), say, report)
        callbacks = [_Seeds(config.seed), _FromTheFirstStep(), journal, *callbacks]
        _fit(model, config, training, validation, unfinished, strict, callbacks, cache)
    model_file = unfinished.best if config.keep == "best" else unfinished.last
    _finish(out, model_file, unfinished, {**identity, "unreadable": unfinished.unreadable, **(about or {})})
    return _ended(out) if config.keep == "best" else _ended(out, model)


def _fit(model, config, training, validation, unfinished, strict, callbacks, cache):
    try:
        model.fit(
            NumberedEpochs(training, unfinished.epochs, strict),
            batch_size=config.batch_size,
            epochs=config.epochs,
            initial_epoch=unfinished.epochs,
            validation_data=None if validation is None else NumberedEpochs(validation, strict=strict),
            callbacks=callbacks,
            seed=config.seed,
            augment=config.augment,
            balance=config.balance,
            cache=cache,
            verbose=0,
        )
    except FloatingPointError as error:
        raise FloatingPointError(f"{error} {unfinished.intact()}") from None
    except Exception as error:
        # TensorFlow has errors of its own for what is raised while photographs are read.
        for dataset in (training, validation):
            if dataset is None or not dataset.unreadable:
                continue
            path, reason = list(dataset.unreadable.items())[-1]
            if strict and (isinstance(error, UnreadablePhotograph) or "UnreadablePhotograph" in str(error)):
                raise UnreadablePhotograph(path, reason) from None
            if set(dataset.paths) <= set(dataset.unreadable):
                raise ValueError(f"none of the {len(dataset)} photographs can be read, for instance {path}: {reason}") from error
        raise


class _Seeds(keras.callbacks.Callback):
    """Starts every epoch's dropout from the run's seed and the number of the epoch."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        states = [variable for variable in self.model.variables if variable.name == "seed_generator_state"]
        seeds = np.random.SeedSequence([self.seed, epoch]).generate_state(len(states))
        for state, seed in zip(states, seeds, strict=True):
            state.assign([int(seed) >> 1, 0])


class _FromTheFirstStep(keras.callbacks.Callback):
    """Lets the learning rate of a run that goes on count from the first step of the run.

    `fit` finds that step by counting back, and steps that loss scaling left out were not counted.
    """

    def on_train_begin(self, logs=None):
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        optimizer._learning_rate.start = 0


class _Journal(keras.callbacks.Callback):
    """Keeps what every epoch gave, and says it."""

    def __init__(self, unfinished, config, datasets, say, report):
        super().__init__()
        self.say = say
        self.unfinished = unfinished
        self.config = config
        self.datasets = [dataset for dataset in datasets if dataset is not None]
        self.report = report

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        row = {name: float(value) for name, value in logs.items()}
        row = {"epoch": epoch + 1, **row, "seconds": round(time.perf_counter() - self.start, 2)}
        unreadable = dict(self.unfinished.unreadable)
        for dataset in self.datasets:
            for path, reason in dataset.unreadable.items():
                if path not in unreadable:
                    self.report(f"left out: {path}: {reason}")
                    unreadable[path] = reason
        score = (row["val_top1"], -row["val_loss"]) if "val_top1" in row else None
        self.model.card = {**self.model.card, **self.say(row)}
        self.unfinished.commit(self.model, row, score, unreadable)
        shown = [f"{name} {row[name]:.3f}" for name in ("loss", "top1", "val_loss", "val_top1") if name in row]
        self.report(f"epoch {epoch + 1} of {self.config.epochs}: {', '.join(shown)}, {row['seconds']:.0f} s")


def _finish(out, model_file, unfinished, about):
    """Puts the kept model and what is known of the run in their places; harmless when done twice."""
    try:
        write_history(out / HISTORY, unfinished.history)
        with replacing(out / CONFIG) as temporary:
            temporary.write_text(json.dumps(about, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        with replacing(out / MODEL) as temporary:
            try:
                os.link(model_file, temporary)
            except OSError:
                # Not every file system has links.
                shutil.copyfile(model_file, temporary)
    except OSError as error:
        raise OSError(f"{out} cannot be written: {error.strerror or error}. {unfinished.intact()}") from error
    unfinished.remove()


def _has_ended(out, identity):
    try:
        before = json.loads((out / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    same = not differing({name: before.get(name) for name in identity}, identity)
    return same and (out / MODEL).exists() and (out / HISTORY).exists()


def _ended(out, model=None):
    """The Result of a run that has ended, read from its folder."""
    rows = []
    with open(out / HISTORY, newline="", encoding="utf-8") as file:
        columns = file.readline().strip().split(",")
        for line in file:
            cells = zip(columns, line.strip().split(","), strict=True)
            rows.append({name: int(cell) if name == "epoch" else float(cell) for name, cell in cells if cell})
    unreadable = json.loads((out / CONFIG).read_text(encoding="utf-8"))["unreadable"]
    return Result(load(out / MODEL) if model is None else model, out / MODEL, rows, unreadable)


def _fingerprint(dataset):
    """What tells one set of photographs from another, wherever its folder lies."""
    top = os.path.commonpath([os.path.dirname(path) for path in dataset.paths]) if len(dataset) else ""
    rows = zip(dataset.paths, dataset.labels.tolist(), strict=True)
    listing = json.dumps([[os.path.relpath(path, top).replace(os.sep, "/"), label] for path, label in rows])
    return {
        "photographs": len(dataset),
        "class_names": list(dataset.class_names),
        "sha256": hashlib.sha256(listing.encode()).hexdigest(),
    }
