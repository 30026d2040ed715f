"""What a run keeps while it lasts, so that it can go on after it was killed."""

import contextlib
import hashlib
import json
import math
import os
import shutil
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from logo_keras.datasets.held_out import FILE as HELD_OUT
from logo_keras.errors import UserError
from logo_keras.files import replacing, write_json
from logo_keras.network.resuming import pack, unpack

_STATE = "state.json"
# `state.json` before the first epoch.
_BEGUN = {"identity": None, "last": None, "best": None, "best_score": None, "history": [], "unreadable": {}}
# What it holds besides, after a whole epoch.
_INSIDE = {"step": 0, "steps": None, "snapshot": None, "arrays": None, "ended": False}


class Unfinished:
    """The folder `OUT/unfinished`: the model after the last whole epoch or a later step, and `state.json`, which names it.

    A new model is written beside the old one; `state.json`, renamed into place, is the moment from which the new one
    counts. Only then is the old one removed. So there is a whole model at every moment from the first one on, and never more
    than two beside the best.

    One process at a time may use it: `_sweep` removes what another one has half written.

    Args:
        out: path of the run's folder.
        overwrite: bool, whether to start anew whatever the folder holds. It is kept until `begin`.

    Attributes:
        identity: dict for JSON, what must be the same for the run to go on; None before `begin`.
        history: list of dict, a row an epoch.
        unreadable: dict, path to reason.
        step: int, steps of the next epoch that are done.
        steps: int, steps of that epoch, or None where nobody has counted them.
        ended: bool, whether the run ended after the last whole epoch though more were allowed, as early stopping does.

    Raises:
        ValueError: if `state.json` is damaged.
    """

    def __init__(self, out, overwrite=False):
        self.folder = Path(out) / "unfinished"
        self._state = _BEGUN | _INSIDE
        path = self.folder / _STATE
        if overwrite or not path.exists():
            return
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(state, dict) or not _BEGUN.keys() <= state.keys():
                raise UserError("it lacks entries")
        except ValueError as error:
            raise UserError(f"{path} is damaged ({error}); --overwrite (overwrite=True) starts anew.") from None
        # Versions that kept whole epochs alone say nothing of steps.
        self._state = _INSIDE | state

    def begin(self, identity, held_out=None):
        """Makes the folder ready: what does not belong to this run is removed.

        Args:
            identity: dict for JSON: what must be the same for the run to go on.
            held_out: dict for JSON, the samples that are left out for testing, or None. It is kept beside the model.
        """
        if not self.last:
            # First, so that it names nothing that is removed.
            (self.folder / _STATE).unlink(missing_ok=True)
        self._state = self._state | {"identity": identity}
        write_held_out(self.folder, held_out)
        self._sweep()

    identity = property(lambda self: self._state["identity"])
    history = property(lambda self: self._state["history"])
    unreadable = property(lambda self: self._state["unreadable"])
    step = property(lambda self: self._state["step"])
    steps = property(lambda self: self._state["steps"])
    ended = property(lambda self: self._state["ended"])

    @property
    def epochs(self):
        """int, whole epochs so far."""
        return len(self.history)

    @property
    def last(self):
        """Path of the model after the last whole epoch or a later step, or None."""
        return self._state["last"] and self.folder / self._state["last"]

    @property
    def best(self):
        """Path of the best model so far, or None where nothing says which is best."""
        return self._state["best"] and self.folder / self._state["best"]

    @property
    def place(self):
        """How far the run is: "epoch 3" or "epoch 3, step 120 of 400"."""
        if not self.step:
            return f"epoch {self.epochs}"
        return f"epoch {self.epochs + 1}, step {self.step} of {self.steps}"

    def snapshot(self):
        """What `commit` or `commit_inside` got as snapshot, or None.

        Raises:
            ValueError: if its file is missing or damaged.
        """
        packed, name = self._state["snapshot"], self._state["arrays"]
        if packed is None or name is None:
            return packed
        path = self.folder / name
        try:
            with np.load(path, allow_pickle=False) as file:
                return unpack(packed, [file[f"arr_{number}"] for number in range(len(file.files))])
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise UserError(f"{path} is missing or damaged ({error}); --overwrite (overwrite=True) starts anew.") from None

    def commit(self, model, row, score, unreadable, snapshot=None, ended=False):
        """Keeps the model of an epoch.

        Args:
            model: what to save.
            row: dict of floats, what is known of the epoch.
            score: list of floats, higher is better; None if nothing says how good the model is.
            unreadable: dict, path to reason.
            snapshot: dict of what the model's file does not hold, as `logo_keras.network.resuming.pack` takes it.
            ended: bool, whether the run ends here.

        Raises:
            OSError: if it cannot be saved, for instance on a full disk; says which model is intact.
        """
        number = self.epochs + 1
        name = f"epoch-{number:04d}"
        changes = _INSIDE | {"history": [*self.history, row], "unreadable": dict(unreadable), "ended": ended}
        if score is not None and score > (self._state["best_score"] or []):
            changes |= {"best": f"{name}.keras", "best_score": score}
        self._commit(model, name, changes, snapshot, f"epoch {number}")

    def commit_inside(self, model, step, steps, unreadable, snapshot):
        """Keeps the model after a step of the next epoch.

        Args:
            model: what to save.
            step: int, steps of the epoch that are done.
            steps: int, steps of the epoch.
            unreadable, snapshot: as `commit` has them.

        Raises:
            OSError: as `commit`.
        """
        number = self.epochs + 1
        changes = {"step": step, "steps": steps, "unreadable": dict(unreadable)}
        self._commit(model, f"epoch-{number:04d}-step-{step:06d}", changes, snapshot, f"epoch {number}, step {step}")

    def _commit(self, model, name, changes, snapshot, place):
        arrays, path = [], self.folder / f"{name}.keras"
        state = self._state | changes | {"last": path.name, "snapshot": pack(snapshot, arrays), "arrays": None}
        if arrays:
            state["arrays"] = f"{name}.npz"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if arrays:
                with replacing(self.folder / state["arrays"]) as temporary:
                    np.savez(temporary, *arrays)
            model.save(path)
            write_json(self.folder / _STATE, state)
        # HDF5 raises RuntimeError where a write fails late.
        except (OSError, RuntimeError) as error:
            with contextlib.suppress(OSError):
                self._sweep()
            reason = " ".join(str(getattr(error, "strerror", None) or error).split())
            raise OSError(
                f"the model of {place} cannot be saved in {self.folder}: {reason}. {path.name} takes about {_megabytes(model)} "
                f"MB. {self.intact()} When there is room, the same command with --resume (resume=True) goes on from there."
            ) from error
        self._state = state
        self._sweep()

    def intact(self):
        """A sentence that says which model is left when a run breaks off."""
        return f"The model of {self.place} is intact: {self.last}." if self.last else "No model had been saved yet."

    def remove(self):
        """Removes the folder, once nothing in it is needed any more."""
        # First, so that a folder that is half removed counts as none.
        (self.folder / _STATE).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _sweep(self):
        """Removes the models that no longer count, and what a killed process left behind."""
        kept = (_STATE, HELD_OUT, *(self._state[name] for name in ("last", "best", "arrays")))
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if path.name not in kept:
                    path.unlink(missing_ok=True)


def _megabytes(model):
    """About what the file of a model takes, its optimizer included: int."""
    variables = [*model.weights, *(model.optimizer.variables if model.optimizer else ())]
    # Weights are float32 whatever the backbone computes in.
    return 1 + 4 * sum(math.prod(variable.shape) for variable in variables) // 10**6


def write_held_out(folder, held_out):
    """Writes the list of the samples that are left out for testing beside a model; None removes one that was there."""
    if held_out is None:
        (folder / HELD_OUT).unlink(missing_ok=True)
    else:
        write_json(folder / HELD_OUT, held_out)


# What a hash or a number of bytes means to a reader.
_SAID = {
    "sha256": "other photos or labels",
    "boxes": "other boxes (another --cut?)",
    "decoding": "this version of logo_keras decodes photos in another way",
    "scenes": "this version of logo_keras draws scenes in another way",
    "bytes": "photos have changed (bytes was {old} and is {new})",
}


def differing(before, now):
    """Names the entries in which two nested dicts differ.

    Args:
        before: dict that was read from a file.
        now: dict; what it lacks is not compared.

    Returns:
        str, empty where they are equal.
    """
    names = []
    for name, new in now.items():
        old = before.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            inner = differing(old, new)
            names.append(f"{name} photos: {inner}" if inner and name in ("training", "validation", "negatives") else inner)
        elif old != new:
            said = _SAID.get(name, "{name} was {old} and is {new}")
            names.append(said.format(name=name, old=_short(old), new=_short(new)))
    return "; ".join(filter(None, names))


def _short(value, most=60):
    text = "none" if value is None else json.dumps(value)
    return text if len(text) <= most else f"{text[:most]}..."


def fingerprint(dataset, of_scenes=False):
    """What tells one set of photos, or of marks, from another, wherever its folder lies.

    Args:
        dataset: Dataset or Marks.
        of_scenes: bool, whether scenes are drawn of the marks, and not crops alone.

    Returns:
        dict for JSON.
    """
    if hasattr(dataset, "fingerprint"):
        return dataset.fingerprint(of_scenes)
    top = os.path.commonpath([os.path.dirname(path) for path in dataset.paths]) if len(dataset) else ""
    places = [os.path.relpath(path, top).replace(os.sep, "/") for path in dataset.paths]
    windows = None if dataset.windows is None else dataset.windows.tolist()
    return {
        "photographs": len(dataset),
        "class_names": list(dataset.class_names),
        "sha256": _sha256(list(zip(places, dataset.labels.tolist(), strict=True))),
        "boxes": _sha256([[boxes.tolist() for boxes in dataset.boxes], windows]),
        # A photo that was replaced by another seldom has its size.
        "bytes": sum(map(_size, set(dataset.paths))),
        # Larger ones are left out.
        "max_pixels": int(dataset.max_pixels),
        "max_bytes": int(dataset.max_bytes),
    }


def _sha256(value):
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _size(path):
    try:
        return os.path.getsize(path)
    except OSError:
        return 0
