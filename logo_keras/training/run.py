"""A training run: from photos to a model file, in a folder of its own."""

import contextlib
import csv
import dataclasses
import json
import os
import shutil
import sys
import time
from pathlib import Path

import keras
import numpy as np

from logo_keras.datasets.held_out import FILE as HELD_OUT
from logo_keras.errors import UserError
from logo_keras.files import Held, lock, replacing, sha256, write_json
from logo_keras.image.preprocessing import DECODING, UnreadablePhotograph
from logo_keras.network import load
from logo_keras.network.divergence import Diverged
from logo_keras.network.logo_model import LogoModel
from logo_keras.training.checkpoint import CHOSEN, Unfinished, differing, fingerprint
from logo_keras.training.config import compute_in
from logo_keras.weights import model_card

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
            photos) and `seconds`.
        unreadable: dict, path to reason, of the photos that were left out.
    """

    model: LogoModel
    path: Path
    history: list
    unreadable: dict


def say(line):
    """Prints a line; characters that the console cannot show become escapes, so that no name of a file ends a run."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding))


def train(
    config,
    training,
    out,
    validation=None,
    resume=False,
    strict=False,
    callbacks=(),
    about=None,
    report=say,
    cache=None,
    overwrite=False,
    start=None,
    held_out=None,
):
    """Trains a model and leaves `model.keras`, `history.csv` and `config.json` in a folder.

    After every epoch the model, its optimizer included, is kept in `out/unfinished`. A run that was killed goes on after
    the last whole epoch with `resume=True`. Order, augmentation and dropout depend on the seed and the number of the epoch
    alone, so that on one machine it ends with the weights of a run that was never killed, but for rounding where
    threads sum in another order. `model.keras` appears when the run has ended. One run at a time writes to a folder.

    Args:
        config: Config.
        training: Dataset.
        out: path of the folder, made where it is missing.
        validation: Dataset with the same classes, scored after every epoch; or None.
        resume: bool, go on with the unfinished run in `out`, or start where there is none. A run that has ended with the
            same settings is not repeated.
        strict: bool, stop at the first unreadable photo instead of leaving it out.
        callbacks: Keras callbacks.
        about: dict for JSON, further entries of `config.json`.
        report: function that takes a line of text.
        cache: path of a folder where photos are kept as squares, so that they are decoded once; or None. See
            `Dataset.batches`: crops in training are a little different, so a run goes on as it began.
        overwrite: bool, start anew whatever an earlier run left in `out`. Its model is kept until the new one is there.
        start: path of a `.keras` file, whose weights the run starts from; or None. Its architecture must be that of `config`.
            The classifiers of brands that it does not know start anew.
        held_out: dict for JSON, the list of the samples that are left out for testing, kept as `held_out.json` beside the
            model; or None. See `logo_keras.datasets.held_out`.

    Returns:
        Result.

    Raises:
        ValueError: for photos without a brand, other class names in `validation`, no readable photo at all,
            an unfinished or finished run in `out` that is not to go on or has other settings, a `start` of another
            architecture, or `keep="best"` without validation.
        UnreadablePhotograph: with `strict`, naming the photo and the reason.
        Diverged: if a loss is no longer a number; says which model is intact.
        OSError: if another run writes to `out`, or a file cannot be written; says which model is intact.
    """
    out = Path(out)
    if config.keep == "best" and validation is None:
        raise UserError('keep="best" needs validation photographs to tell which epoch is best.')
    if resume and overwrite:
        raise UserError("resume goes on with a run and overwrite starts anew: choose one of them.")
    with _alone(out):
        identity = {
            "config": config.to_dict(),
            "training": fingerprint(training),
            "validation": None if validation is None else fingerprint(validation),
            "cached": cache is not None,
            "decoding": DECODING,
            "start": None if start is None else _start_of(start, out, resume),
        }
        unfinished = Unfinished(out, identity, resume, overwrite)
        if not unfinished.epochs and not overwrite and (out / MODEL).exists():
            _check_ended(out, identity, resume)
            ended = _ended(out)
            _check_chosen(ended.model, config, out)
            report(f"{out / MODEL} is there already, from a run with the same settings: nothing to do.")
            return ended
        if unfinished.epochs:
            report(f"Going on after epoch {unfinished.epochs} of {config.epochs}.")
            model = load(unfinished.last)
            _check_chosen(model, config, out)
            compute_in(model, config.precision)
        elif start is not None:
            model, said = _start_from(start, config, training.class_names)
            model.card["start"] = {"file": Path(start).name, "sha256": identity["start"]}
            report(said)
        else:
            model = config.build(training.class_names)
        if unfinished.epochs < config.epochs:
            unfinished.begin(held_out)
            journal = _Journal(unfinished, identity, (training, validation), about, report)
            _fit(model, config, training, validation, unfinished, strict, [journal, *callbacks], cache)
        model_file = unfinished.best if config.keep == "best" else unfinished.last
        _finish(out, model_file, unfinished, {**identity, "unreadable": unfinished.unreadable, **(about or {})})
        return _ended(out) if config.keep == "best" else _ended(out, model)


@contextlib.contextmanager
def _alone(out):
    """Keeps other runs out of a folder, and leaves none where there was none and nothing was written."""
    there = out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(f"{out} is a file; --out must be a folder.") from None
    with contextlib.ExitStack() as stack:
        if not there:
            stack.callback(_remove_empty, out)
        try:
            stack.enter_context(lock(out / ".lock"))
        except Held:
            raise OSError(f"another run writes to {out}: wait until it has ended, or choose another folder.") from None
        # What a run that was killed while it ended has left.
        for path in out.glob(".partial-*"):
            if path.name.endswith((MODEL, HISTORY, CONFIG, HELD_OUT)):
                path.unlink(missing_ok=True)
        yield


def _remove_empty(folder):
    with contextlib.suppress(OSError):
        folder.rmdir()


def _start_of(start, out, resume):
    """The SHA-256 of the file that a run starts from; of one that has gone since, what the run has recorded."""
    try:
        return sha256(start)
    except FileNotFoundError:
        for path in (out / "unfinished" / "state.json", out / CONFIG) if resume else ():
            with contextlib.suppress(OSError, ValueError, KeyError):
                found = json.loads(path.read_bytes())
                return found.get("identity", found)["start"]
        raise FileNotFoundError(f"there is no model {start} to start from.") from None


def _fit(model, config, training, validation, unfinished, strict, callbacks, cache):
    try:
        model.fit(
            training,
            batch_size=config.batch_size,
            epochs=config.epochs,
            initial_epoch=unfinished.epochs,
            validation_data=validation,
            callbacks=callbacks,
            seed=config.seed,
            augment=config.augment,
            balance=config.balance,
            cache=cache,
            strict=strict,
            verbose=0,
        )
    except Diverged as error:
        if unfinished.epochs:
            way = "; to go on from it with a lower rate, give it to --from (start=), with another --out."
        else:
            way = " Start anew with a lower rate, or from a trained model with --from (start=)."
        raise Diverged(f"{error} {unfinished.intact()}{way}") from None
    except UnreadablePhotograph:
        raise
    except Exception as error:
        # TensorFlow has errors of its own for what is raised while photos are read.
        for dataset in (training, validation):
            unreadable = {} if dataset is None else dataset.unreadable
            for path, reason in unreadable.items():
                if strict and f"{path}: {reason}" in str(error):
                    raise UnreadablePhotograph(path, reason) from None
            if unreadable and unreadable.keys() >= {*dataset.paths}:
                raise UserError(f"none of the {len(dataset)} photographs can be read, for instance {path}: {reason}") from error
        raise


class _Journal(keras.callbacks.Callback):
    """Keeps what every epoch gave, and says it."""

    def __init__(self, unfinished, identity, datasets, about, report):
        super().__init__()
        self.unfinished = unfinished
        self.identity = identity
        self.datasets = [dataset for dataset in datasets if dataset is not None]
        self.about = about
        self.report = report

    def on_train_begin(self, logs=None):
        self.describe(self.unfinished.history[-1] if self.unfinished.history else None)

    def describe(self, row):
        self.model.card = {**self.model.card, **model_card.of_run(self.identity, self.about, row)}

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
        self.describe(row)
        score = (row["val_top1"], -row["val_loss"]) if "val_top1" in row else None
        self.unfinished.commit(self.model, row, score, unreadable)
        shown = [f"{name} {row[name]:.3f}" for name in ("loss", "top1", "val_loss", "val_top1") if name in row]
        epochs = self.identity["config"]["epochs"]
        self.report(f"epoch {epoch + 1} of {epochs}: {', '.join(shown)}, {row['seconds']:.0f} s")


def _finish(out, model_file, unfinished, about):
    """Puts the kept model and what is known of the run in their places; harmless when done twice."""
    try:
        _write_history(out / HISTORY, unfinished.history)
        write_json(out / CONFIG, about, indent=2)
        if unfinished.held_out is None:
            (out / HELD_OUT).unlink(missing_ok=True)
        else:
            with replacing(out / HELD_OUT) as temporary:
                shutil.copyfile(unfinished.held_out, temporary)
        with replacing(out / MODEL) as temporary:
            try:
                os.link(model_file, temporary)
            except OSError:
                # Not every file system has links.
                shutil.copyfile(model_file, temporary)
    except OSError as error:
        raise OSError(f"{out} cannot be written: {error.strerror or error}. {unfinished.intact()}") from error
    unfinished.remove()


def _check_ended(out, identity, resume):
    """Refuses to replace a model that was trained with other settings, or at all where nobody asked to go on."""
    what = f"{out} holds a finished run, whose {MODEL} is kept"
    ways = "choose another folder, or replace it with --overwrite (overwrite=True)"
    if not resume:
        raise UserError(f"{what}: {ways}.")
    try:
        before = json.loads((out / CONFIG).read_text(encoding="utf-8"))
        before = {name: before[name] for name in identity if name in before}
    except (OSError, ValueError, TypeError):
        before = {}
    if not before or not (out / HISTORY).exists():
        raise UserError(f"{what}, and {CONFIG} and {HISTORY}, which would say how it was trained, cannot be read: {ways}.")
    # Older versions recorded less, and their models are as finished as others.
    differences = differing(before, identity, recorded=True)
    if differences:
        longer = before.get("config", {}).get("epochs", 0) < identity["config"]["epochs"]
        further = f" To train it further, start from it: --from {out / MODEL} with another --out." if longer else ""
        raise UserError(f"{what}, of other settings: {differences}. To train with these, {ways}.{further}")


def _check_chosen(model, config, out):
    """Refuses to go on with a model that chose itself, where the run recorded None, something else than is asked for now."""
    for name in CHOSEN:
        asked = config.arguments.get(name)
        if asked is not None and asked != getattr(model, name):
            raise UserError(
                f"{out} holds a run of other settings: {name} was {getattr(model, name)} and is {asked}. Choose another folder, "
                "or start anew with --overwrite (overwrite=True)."
            )


def _ended(out, model=None):
    """The Result of a run that has ended, read from its folder."""
    with open(out / HISTORY, newline="", encoding="utf-8") as file:
        rows = [
            {name: int(cell) if name == "epoch" else float(cell) for name, cell in row.items() if cell}
            for row in csv.DictReader(file)
        ]
    unreadable = json.loads((out / CONFIG).read_text(encoding="utf-8"))["unreadable"]
    return Result(load(out / MODEL) if model is None else model, out / MODEL, rows, unreadable)


def _write_history(path, rows):
    """Writes rows of figures as CSV, in the columns of the first row that has them."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _start_from(path, config, class_names):
    """Builds the model of a run with the weights of a file.

    Of classes that the file does not know, the classifiers start anew; those of the others go with their names.

    Returns:
        The model, compiled for the run, and a str that says what was taken over.
    """
    source = load(path)
    # The file's weights replace all others, so none are fetched.
    arguments = {**config.arguments, "weights": None}
    model = dataclasses.replace(config, arguments=arguments, zero_gamma=False).build(class_names)
    if type(source) is not type(model):
        raise UserError(f"{path} is a {type(source).__name__}, and this run trains a {type(model).__name__}: choose its --model.")
    heads, old_heads = _class_weights(model), _class_weights(source)
    pairs = list(zip(model.weights, source.weights, strict=False))
    fits = len(model.weights) == len(source.weights) and all(
        tuple(new.shape) == tuple(old.shape) if id(new) not in heads else id(old) in old_heads for new, old in pairs
    )
    if not fits:
        raise UserError(f"{path} has another architecture than this run{_differences(source, model)}.")
    places = {name: place for place, name in enumerate(source.class_names)}
    known = [(place, places[name]) for place, name in enumerate(model.class_names) if name in places]
    for new, old in pairs:
        value = keras.ops.convert_to_numpy(old)
        if id(new) in heads:
            old_value, value = value, np.array(keras.ops.convert_to_numpy(new))
            for place, old_place in known:
                value[..., place] = old_value[..., old_place]
        new.assign(value)
    model.initial_weights = source.initial_weights
    model.card = {**model.card, "weights": source.card.get("weights")}
    said = f"Starting from the weights of {path}."
    unknown = [name for name in model.class_names if name not in places]
    if unknown:
        shown = ", ".join(unknown[:10]) + (", ..." if len(unknown) > 10 else "")
        said += f" It does not know {len(unknown)} of the {model.num_classes} brands ({shown}): their classifiers start anew."
    return model, said


def _class_weights(model):
    """The ids of the weights whose last axis is the classes."""
    inside = {id(layer) for layer in model.extractor._flatten_layers()}
    dense = (layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.Dense) and id(layer) not in inside)
    return {id(weight) for layer in dense if layer.units == model.num_classes for weight in layer.weights}


def _differences(source, model):
    before, now = source.get_config(), model.get_config()
    left_out = ("name", "class_names", "weights", "card")
    names = [name for name in now if name not in left_out and not isinstance(now[name], dict) and before.get(name) != now[name]]
    return "".join(f", {name} was {before.get(name)} and is {now[name]}" for name in names)
