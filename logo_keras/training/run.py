"""A training run: from photos to a model file, in a folder of its own."""

import contextlib
import csv
import dataclasses
import json
import sys
import time
from pathlib import Path

from logo_keras.datasets.held_out import FILE as HELD_OUT
from logo_keras.errors import UserError
from logo_keras.files import Held, lock, replacing, sweep, write_json
from logo_keras.image.preprocessing import DECODING, UnreadablePhotograph
from logo_keras.network import LogoDetector, load
from logo_keras.network.divergence import Diverged
from logo_keras.network.inputs import draws_itself
from logo_keras.network.logo_model import LogoModel
from logo_keras.network.optimizers import AveragedWeights
from logo_keras.training.calibrating import Calibrating
from logo_keras.training.checkpoint import Unfinished, differing, fingerprint, write_held_out
from logo_keras.training.checkpoints import Checkpoints, check_minutes
from logo_keras.training.config import CHECKPOINT_MINUTES, completed, compute_in
from logo_keras.training.early_stopping import EarlyStopping, score_of
from logo_keras.training.held_out_marks import ScoreMarks, ScoreScenes
from logo_keras.training.interruption import listening
from logo_keras.training.starting import sha256_of_start, start_from
from logo_keras.weights import model_card

MODEL = "model.keras"
HISTORY = "history.csv"
CONFIG = "config.json"
# Figures of an epoch that are said.
_SHOWN = ("loss", "top1", "recall", "val_loss", "val_top1", "val_r1", "val_recall", "val_auroc")


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
    """Prints a line at once; characters that the console cannot show become escapes, so that no name of a file ends a run."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)


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
    negatives=None,
    checkpoint_minutes=CHECKPOINT_MINUTES,
    dry=False,
):
    """Trains a model and leaves `model.keras`, `history.csv` and `config.json` in a folder.

    Every few minutes and after every epoch the model, its optimizer included, is kept in `out/unfinished`. A run that was killed
    goes on from there with `resume=True`. On one machine it ends with the weights of a run that was never killed, but for
    rounding where threads sum in another order, and bit for bit with `tf.config.experimental.enable_op_determinism()`. Ctrl-C
    and SIGTERM end the step, save, and leave. `model.keras` appears when the run has ended. One run at a time writes to a folder.

    Args:
        config: Config.
        training: Dataset, or Marks for an embedder or a detector.
        out: path of the folder, made where it is missing.
        validation: Dataset with the same classes, scored after every epoch; Marks of other brands, of which `val_auroc` is
            measured, and `val_r1` of an embedder, `val_recall` of a detector; or None.
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
            The classifiers of brands that it does not know start anew. A detector starts from a detector, or from the embedder
            that it is to keep.
        held_out: dict for JSON, the list of the samples that are left out for testing, kept as `held_out.json` beside the
            model; or None. See `logo_keras.datasets.held_out`.
        negatives: photos that show none of the brands: a Dataset, or paths as for `logo_keras.datasets.find_photos.find`, for
            instance a folder; or None. When the run has ended, the temperature and the threshold of the kept model are fitted on
            the validation photos, and on these (`logo_keras.evaluation.calibrate`).
        checkpoint_minutes: float, of training between two models that are kept inside an epoch; 0 keeps whole epochs alone.
        dry: bool, keep nothing: for `callbacks` that end the run by an exception before its first epoch does, as
            `watching.Forecast` does.

    Returns:
        Result.

    Raises:
        ValueError: for photos without a brand, other class names in `validation`, no readable photo at all,
            an unfinished or finished run in `out` that is not to go on or has other settings, a `start` of another
            architecture, `keep="best"` or `early_stopping` without validation, negatives that nothing can be fitted on, or
            negative minutes.
        UnreadablePhotograph: with `strict`, naming the photo and the reason.
        Diverged: if a loss is no longer a number; says which model is intact.
        OSError: if another run writes to `out`, or a file cannot be written; says which model is intact.
        Interrupted: a KeyboardInterrupt, after Ctrl-C or SIGTERM; says what is saved.
    """
    out = Path(out)
    check_minutes(checkpoint_minutes)
    if config.keep == "best" and validation is None:
        raise UserError('keep="best" needs validation photos to tell which epoch is best.')
    if config.early_stopping and validation is None:
        raise UserError("early_stopping needs validation photos to tell whether an epoch is better.")
    if resume and overwrite:
        raise UserError("resume goes on with a run and overwrite starts anew: choose one of them.")
    calibrating = Calibrating(config, training, validation, negatives)
    with _only_run(out):
        unfinished = Unfinished(out, overwrite)
        finished = not unfinished.last and not overwrite and (out / MODEL).exists()
        before = _recorded(out) if finished else unfinished.identity
        of_scenes = config.model == "LogoDetector"
        identity = {
            "config": config.to_dict(),
            "training": fingerprint(training, of_scenes),
            "validation": None if validation is None else fingerprint(validation, of_scenes),
            "cached": cache is not None,
            "decoding": DECODING,
            "start": None if start is None else sha256_of_start(start, before),
            "negatives": None if negatives is None else fingerprint(calibrating.negatives),
        }
        if finished or unfinished.last:
            _check_same(out, before, identity, resume, unfinished)
        if finished:
            report(f"{out / MODEL} is there already, from a run with the same settings: nothing to do.")
            return Result(load(out / MODEL), out / MODEL, _read_history(out / HISTORY), before.get("unreadable", {}))
        if unfinished.last:
            of = "" if unfinished.step else f" of {config.epochs}"
            report(f"Going on after {unfinished.place}{of}.")
            model = load(unfinished.last)
            compute_in(model, config.precision)
        elif start is not None:
            model, said = start_from(start, config, training.class_names)
            model.card["start"] = {"file": Path(start).name, "sha256": identity["start"]} | model.card.get("start", {})
            report(said)
        else:
            model = config.build(training.class_names)
        if unfinished.epochs < config.epochs and not unfinished.ended:
            datasets = [each for each in (training, validation) if each is not None and not draws_itself(each)]
            callbacks, scored = list(callbacks), validation
            if config.early_stopping:
                callbacks.insert(0, EarlyStopping(config.early_stopping, report))
            if validation is not None and draws_itself(validation):
                # In front of the others, so that they have its figures.
                score = ScoreScenes if isinstance(model, LogoDetector) else ScoreMarks
                callbacks.insert(0, score(validation))
                scored = None
            if config.ema:
                # First, so that all that follows sees the averages.
                callbacks.insert(0, AveragedWeights())
            with _explaining(unfinished, datasets, strict), contextlib.ExitStack() as stack:
                if not dry:
                    unfinished.begin(identity, held_out)
                    request = stack.enter_context(listening())
                    callbacks.append(_Journal(unfinished, checkpoint_minutes, request, datasets, about, report))
                model.fit(
                    training,
                    batch_size=config.batch_size,
                    epochs=config.epochs,
                    initial_epoch=unfinished.epochs,
                    validation_data=scored,
                    callbacks=callbacks,
                    seed=config.seed,
                    augment=config.augment,
                    balance=config.balance,
                    steps_per_epoch=config.steps_per_epoch,
                    cache=cache,
                    strict=strict,
                    verbose=0,
                )
        kept = unfinished.best if config.keep == "best" else unfinished.last
        model = load(kept)
        calibrating.fit(model, report)
        try:
            _write_history(out / HISTORY, unfinished.history)
            write_json(out / CONFIG, {**identity, "unreadable": unfinished.unreadable, **(about or {})}, indent=2)
            write_held_out(out, held_out)
            model.save(out / MODEL)
        # HDF5 raises RuntimeError where a write fails late.
        except (OSError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OSError(f"{out} cannot be written: {reason}. {unfinished.intact()}") from error
        unfinished.remove()
        return Result(model, out / MODEL, unfinished.history, unfinished.unreadable)


@contextlib.contextmanager
def _only_run(out):
    """Keeps other runs out of a folder, and leaves none where there was none and nothing was written."""
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(f"{out} is a file; --out must be a folder.") from None
    try:
        with lock(out / ".lock"):
            # What a run left that was killed while it ended.
            sweep(out, (MODEL, HISTORY, CONFIG, HELD_OUT))
            yield
    except Held:
        raise OSError(f"another run writes to {out}: wait until it has ended, or choose another folder.") from None
    finally:
        with contextlib.suppress(OSError):
            for folder in made:
                folder.rmdir()


def _recorded(out):
    """What `config.json` says of a finished run; empty where it, or the history, cannot be read."""
    try:
        return {**json.loads((out / CONFIG).read_text(encoding="utf-8"))} if (out / HISTORY).exists() else {}
    except (OSError, ValueError, TypeError):
        return {}


def _check_same(out, before, identity, resume, unfinished):
    """Refuses to go on with a run of other settings, or with any where nobody asked to."""
    ways = "choose another folder, or replace it with --overwrite (overwrite=True)"
    if unfinished.last:
        inside = f" and {unfinished.step} of {unfinished.steps} steps" if unfinished.step else ""
        done = f"{unfinished.epochs} of {before['config']['epochs']} epochs{inside}"
        what, model = f"an unfinished run ({done})", unfinished.last
    else:
        what, model = f"a finished run, whose {MODEL} is kept", out / MODEL
    if not resume:
        further = "go on with --resume (resume=True), " if unfinished.last else ""
        raise UserError(f"{out} holds {what}: {further}{ways}.")
    if not before:
        raise UserError(
            f"{out} holds {what}, and {CONFIG} and {HISTORY}, which would say how it was trained, cannot be read: {ways}."
        )
    differences = differing({**before, "config": completed(before["config"])}, identity)
    if differences:
        raise UserError(
            f"{out} holds {what}, of other settings: {differences}. To train with these, {ways}. To train it further, start from "
            f"it: --from {model} with another --out."
        )


@contextlib.contextmanager
def _explaining(unfinished, datasets, strict):
    """Says what to do where a run ends before its last epoch: it diverges, or photos cannot be read."""
    try:
        yield
    except Diverged as error:
        way = "Start anew with a lower rate, or go on from a model: give it to --from (start=), with another --out."
        raise Diverged(f"{error} {way} {unfinished.intact()}") from None
    except Exception as error:
        # TensorFlow raises errors of its own, with the text of what was raised while photos were read.
        for dataset in datasets:
            for path, reason in dataset.unreadable.items():
                if f"{path}: {reason}" in str(error):
                    if strict:
                        raise UnreadablePhotograph(path, reason) from None
                    what = f"none of the {len(dataset)} photos can be read"
                    raise UserError(f"{what}, for instance {path}: {reason}") from error
        raise


class _Journal(Checkpoints):
    """Keeps what every epoch gave, and says it."""

    def __init__(self, unfinished, minutes, request, datasets, about, report):
        super().__init__(unfinished, minutes)
        self.request = request
        self.datasets = datasets
        self.about = about
        self.report = report
        # Of the epoch, before the run was stopped in it.
        self.seconds = 0
        self.left_out = dict(unfinished.unreadable)

    def join(self, model, data, settings):
        # The model has been opened already.
        return self.goes_on()

    def get_state(self):
        return {"seconds": self._elapsed()}

    def set_state(self, state):
        self.seconds = state["seconds"]

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()
        super().on_epoch_begin(epoch, logs)

    def _elapsed(self):
        return self.seconds + time.perf_counter() - self.start

    def unreadable(self):
        for dataset in self.datasets:
            for path, reason in dataset.unreadable.items():
                if path not in self.left_out:
                    self.report(f"left out: {path}: {reason}")
                    self.left_out[path] = reason
        return self.left_out

    def row(self, epoch, logs):
        row = {name: float(value) for name, value in logs.items()}
        row = {"epoch": epoch + 1, **row, "seconds": round(self._elapsed(), 2)}
        # The next epoch begins.
        self.seconds, self.start = 0, time.perf_counter()
        # Of marks, which are drawn, there are no counts.
        counts = list(self.datasets[0].counts.values()) if self.datasets else None
        self.model.card = {**self.model.card, **model_card.of_run(self.unfinished.identity, self.about, row, counts)}
        return row, score_of(row)

    def committed(self, row):
        shown = [f"{name} {row[name]:.3f}" for name in _SHOWN if name in row]
        epochs = self.unfinished.identity["config"]["epochs"]
        self.report(f"epoch {row['epoch']} of {epochs}: {', '.join(shown)}, {row['seconds']:.0f} s")

    def on_train_end(self, logs=None):
        """Leaves the folder: the model is still to be taken out of it."""


def _read_history(path):
    """The rows that `_write_history` wrote."""
    with open(path, newline="", encoding="utf-8") as file:
        return [
            {name: int(cell) if name == "epoch" else float(cell) for name, cell in row.items() if cell}
            for row in csv.DictReader(file)
        ]


def _write_history(path, rows):
    """Writes rows of figures as CSV, in the columns of the first row that has them."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
