"""What a run keeps while it lasts, so that it can go on after it was killed."""

import hashlib
import json
import os
import shutil
from pathlib import Path

from logo_keras.datasets.held_out import FILE as HELD_OUT
from logo_keras.errors import UserError
from logo_keras.files import write_json

_STATE = "state.json"
# `state.json` before the first epoch.
_BEGUN = {"identity": None, "last": None, "best": None, "best_score": None, "history": [], "unreadable": {}}


class Unfinished:
    """The folder `OUT/unfinished`: the model after the last whole epoch, and `state.json`, which names it.

    A new model is written beside the old one; `state.json`, renamed into place, is the moment from which the new one
    counts. Only then is the old one removed. So there is a whole model at every moment from the first epoch on.

    One process at a time may use it: `_sweep` removes what another one has half written.

    Args:
        out: path of the run's folder.
        overwrite: bool, whether to start anew whatever the folder holds. It is kept until `begin`.

    Attributes:
        identity: dict for JSON, what must be the same for the run to go on; None before `begin`.
        history: list of dict, a row an epoch.
        unreadable: dict, path to reason.

    Raises:
        ValueError: if `state.json` is damaged.
    """

    def __init__(self, out, overwrite=False):
        self.folder = Path(out) / "unfinished"
        self._state = _BEGUN
        path = self.folder / _STATE
        if overwrite or not path.exists():
            return
        try:
            self._state = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(self._state, dict) or not _BEGUN.keys() <= self._state.keys():
                raise UserError("it lacks entries")
        except ValueError as error:
            raise UserError(f"{path} is damaged ({error}); --overwrite (overwrite=True) starts anew.") from None

    def begin(self, identity, held_out=None):
        """Makes the folder ready: what does not belong to this run is removed.

        Args:
            identity: dict for JSON: what must be the same for the run to go on.
            held_out: dict for JSON, the samples that are left out for testing, or None. It is kept beside the model.
        """
        if not self.epochs:
            # First, so that it names nothing that is removed.
            (self.folder / _STATE).unlink(missing_ok=True)
        self._state = self._state | {"identity": identity}
        write_held_out(self.folder, held_out)
        self._sweep()

    @property
    def identity(self):
        return self._state["identity"]

    @property
    def history(self):
        return self._state["history"]

    @property
    def unreadable(self):
        return self._state["unreadable"]

    @property
    def epochs(self):
        """int, whole epochs so far."""
        return len(self.history)

    @property
    def last(self):
        """Path of the model after the last whole epoch, or None."""
        return self._state["last"] and self.folder / self._state["last"]

    @property
    def best(self):
        """Path of the best model so far, or None where nothing says which is best."""
        return self._state["best"] and self.folder / self._state["best"]

    def commit(self, model, row, score, unreadable):
        """Keeps the model of an epoch.

        Args:
            model: what to save.
            row: dict of floats, what is known of the epoch.
            score: list of floats, higher is better; None if nothing says how good the model is.
            unreadable: dict, path to reason.

        Raises:
            OSError: if it cannot be saved, for instance on a full disk; says which model is intact.
        """
        number = self.epochs + 1
        name = f"epoch-{number:04d}.keras"
        state = self._state | {"last": name, "history": [*self.history, row], "unreadable": dict(unreadable)}
        if score is not None and score > (self._state["best_score"] or []):
            state |= {"best": name, "best_score": score}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            model.save(self.folder / name)
            write_json(self.folder / _STATE, state)
        # HDF5 raises RuntimeError where a write fails late.
        except (OSError, RuntimeError) as error:
            reason = " ".join(str(getattr(error, "strerror", None) or error).split())
            raise OSError(f"the model of epoch {number} cannot be saved in {self.folder}: {reason}. {self.intact()}") from error
        self._state = state
        self._sweep()

    def intact(self):
        """A sentence that says which model is left when a run breaks off."""
        return f"The model of epoch {self.epochs} is intact: {self.last}" if self.last else "No epoch had been saved yet."

    def remove(self):
        """Removes the folder, once nothing in it is needed any more."""
        # First, so that a folder that is half removed counts as none.
        (self.folder / _STATE).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _sweep(self):
        """Removes the models that no longer count, and what a killed process left behind."""
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if path.name not in (_STATE, HELD_OUT, self._state["last"], self._state["best"]):
                    path.unlink(missing_ok=True)


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
