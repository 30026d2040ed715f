"""What is kept of a run while it lasts, so that it can go on after it was killed."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np

from logo_keras.datasets.held_out import FILE as HELD_OUT
from logo_keras.errors import UserError
from logo_keras.files import write_json
from logo_keras.training.constructors import MODELS

_STATE = "state.json"
# Of `state.json`, beside the identity, before the first epoch.
_BEGUN = {"last": None, "best": None, "best_score": None, "history": [], "unreadable": {}}


class Unfinished:
    """The folder `OUT/unfinished`: the model after the last whole epoch, and `state.json`, which names it.

    A new model is written beside the old one; `state.json`, renamed into place, is the moment from which the new one
    counts. Only then is the old one removed. So there is a whole model at every moment from the first epoch on.

    One process at a time may use it: `_sweep` removes what another one has half written.

    Args:
        out: path of the run's folder.
        identity: dict for JSON: what must be the same for the run to go on.
        resume: bool, whether to go on with what the folder holds.
        overwrite: bool, whether to start anew whatever the folder holds. It is kept until `begin`.

    Attributes:
        history: list of dict, a row an epoch.
        unreadable: dict, path to reason.

    Raises:
        ValueError: if the folder holds a run and neither `resume` nor `overwrite` is set, or one of another identity.
    """

    def __init__(self, out, identity, resume, overwrite=False):
        self.out = Path(out)
        self.folder = self.out / "unfinished"
        self._state = {**_BEGUN, "identity": identity}
        state = None if overwrite else self._read()
        if state is not None:
            self._check(state, resume)
            self._state = {**state, "identity": identity}

    def begin(self, held_out=None):
        """Makes the folder ready: what does not belong to this run is removed.

        Args:
            held_out: dict for JSON, the samples that are left out for testing, or None. It is kept beside the model.
        """
        if not self.epochs:
            # First, so that it names nothing that is removed.
            (self.folder / _STATE).unlink(missing_ok=True)
        if held_out is None:
            (self.folder / HELD_OUT).unlink(missing_ok=True)
        else:
            write_json(self.folder / HELD_OUT, held_out)
        self._sweep()

    @property
    def held_out(self):
        """Path of the list of samples that are left out for testing, or None."""
        path = self.folder / HELD_OUT
        return path if path.exists() else None

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
            score: tuple, higher is better; None if nothing says how good the model is.
            unreadable: dict, path to reason.

        Raises:
            OSError: if it cannot be saved, for instance on a full disk; says which model is intact.
        """
        number = self.epochs + 1
        name = f"epoch-{number:04d}.keras"
        state = {**self._state, "last": name, "history": [*self.history, row], "unreadable": dict(unreadable)}
        if score is not None and list(score) > (self._state["best_score"] or []):
            state |= {"best": name, "best_score": list(score)}
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

    def _read(self):
        try:
            state = json.loads((self.folder / _STATE).read_text(encoding="utf-8"))
            if not isinstance(state, dict) or not {*_BEGUN, "identity"} <= state.keys():
                raise UserError("it lacks entries")
            return state
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise UserError(f"{self.folder / _STATE} is damaged ({error}); --overwrite (overwrite=True) starts anew.") from None

    def _check(self, state, resume):
        done, total = len(state["history"]), state["identity"]["config"]["epochs"]
        what = f"{self.out} holds an unfinished run ({done} of {total} epochs)"
        if not resume:
            raise UserError(
                f"{what}: go on with --resume (resume=True), choose another folder, or start anew with --overwrite "
                "(overwrite=True)."
            )
        differences = differing(state["identity"], self._state["identity"])
        if differences:
            raise UserError(
                f"{what} of other settings, which cannot go on with these: {differences}. Start from its model with --from "
                f"{self.folder / state['last']} in another folder, or anew with --overwrite."
            )

    def _sweep(self):
        """Removes the models that no longer count, and what a killed process left behind."""
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if path.name not in (_STATE, HELD_OUT, self._state["last"], self._state["best"]):
                    path.unlink(missing_ok=True)


# What a hash or a number of bytes means to a reader.
_SAID = {
    "sha256": "other photographs or labels",
    "boxes": "other boxes (another --cut?)",
    "decoding": "photographs are decoded in another way by this version of logo_keras",
    "bytes": "photographs have changed (bytes was {old} and is {new})",
}
# Arguments that the model chooses where they are None; older versions recorded its choice, or the other way round.
CHOSEN = ("whole_size", "frozen_blocks")
# What older versions did not record, and what it was then.
_UNRECORDED = {"start": None}


def differing(before, now, recorded=False):
    """Names the entries in which two nested dicts differ.

    Args:
        before: dict that was read from a file, perhaps of an older version.
        now: dict.
        recorded: bool, whether entries that `before` lacks count as equal.

    Returns:
        str, empty where they are equal.
    """
    names = []
    for name in dict.fromkeys([*before, *now]):
        old, new = before.get(name, _UNRECORDED.get(name)), now.get(name)
        if name == "model":
            # Older versions recorded the short name,
            old = MODELS.get(old, old)
        if name == "arguments":
            # and not every argument.
            old = new | old
        if isinstance(old, dict) and isinstance(new, dict):
            inner = differing(old, new, recorded)
            names.append(f"{name} photographs: {inner}" if inner and name in ("training", "validation") else inner)
        elif name not in before and name not in _UNRECORDED:
            if not recorded:
                names.append(f"{name} was not recorded by the version that began it")
        elif old != new and not (name in CHOSEN and None in (old, new)):
            said = _SAID.get(name, "{name} was {old} and is {new}")
            names.append(said.format(name=name, old=_short(old), new=_short(new)))
    return "; ".join(filter(None, names))


def _short(value, most=60):
    text = "none" if value is None else json.dumps(value)
    return text if len(text) <= most else f"{text[:most]}..."


def fingerprint(dataset):
    """What tells one set of photos from another, wherever its folder lies: dict for JSON."""
    top = os.path.commonpath([os.path.dirname(path) for path in dataset.paths]) if len(dataset) else ""
    rows = zip(dataset.paths, dataset.labels.tolist(), strict=True)
    listing = json.dumps([[os.path.relpath(path, top).replace(os.sep, "/"), label] for path, label in rows])
    return {
        "photographs": len(dataset),
        "class_names": list(dataset.class_names),
        "sha256": hashlib.sha256(listing.encode()).hexdigest(),
        "boxes": _boxes_sha256(dataset),
        # A photo that was replaced by another seldom has its size.
        "bytes": sum(map(_size, set(dataset.paths))),
        # Larger ones are left out.
        "max_pixels": int(dataset.max_pixels),
        "max_bytes": int(dataset.max_bytes),
    }


def _boxes_sha256(dataset):
    """A hash of the boxes and of the windows that were cut out, or None where there are none."""
    if dataset.windows is None and not any(map(len, dataset.boxes)):
        return None
    digest = hashlib.sha256(np.array([len(each) for each in dataset.boxes], np.int64).tobytes())
    for array in (*dataset.boxes, *([] if dataset.windows is None else [dataset.windows])):
        digest.update(np.ascontiguousarray(array, np.float32).tobytes())
    return digest.hexdigest()


def _size(path):
    try:
        return os.path.getsize(path)
    except OSError:
        return 0
