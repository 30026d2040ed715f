"""Small training runs that are killed, at named points or at any moment, and gone on with; in a process of its own.

python killed_run.py PHOTOS OUT NAME ... prints, as JSON, how the run ended that nothing disturbed, and by name how each of the
others did: the exit statuses of its processes, what was said when it went on, and whether it left the same model and history.
A name is one of POINTS, or "random SEED", which is killed up to three times. test_training.py kills at three points,
benchmarks/soak.py at all.
"""

import csv
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import keras
import tensorflow as tf
from tiny import tiny_run

from logo_keras import datasets, files
from logo_keras.network.optimizers import AveragedWeights
from logo_keras.training import checkpoint, train
from logo_keras.training import run as runs

# Every step leaves a checkpoint, so that one is always half written.
MINUTES = 1e-9
# All that has a state of its own.
SETTINGS = {
    "epochs": 3,
    "batch_size": 3,
    # Loss scaling too.
    "precision": "mixed_float16",
    "augment": "randaugment",
    "balance": 0.5,
    "keep": "best",
    "ema": 0.9,
    "accumulation": 2,
    "early_stopping": 2,
}


def kill():
    """Ends the process as `kill -9` and a power cut do, without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


class KillAt(keras.callbacks.Callback):
    """Kills at a batch of an epoch, both counted from 0: behind a batch of training, or of validation."""

    def __init__(self, training=None, validation=None):
        super().__init__()
        self.training, self.validation = training, validation

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.now, batch) == self.training:
            kill()

    def on_test_batch_end(self, batch, logs=None):
        if (self.now, batch) == self.validation:
            kill()


def before(owner, name, fits=lambda *arguments: True, number=1, first=lambda *arguments: None):
    """Kills before the call with a number, counted from 1, of a function: of those calls whose arguments fit."""
    function, calls = getattr(owner, name), []

    def called(*arguments, **options):
        calls.append(fits(*arguments))
        if calls[-1] and sum(calls) == number:
            first(*arguments)
            kill()
        return function(*arguments, **options)

    setattr(owner, name, called)


def _renames(end, number=1):
    return lambda: before(files.os, "replace", lambda old, new: str(new).endswith(end), number)


def _half_written():
    """Kills when half of model.keras is on the disk."""
    before(files, "_sync", lambda path: path.name.endswith("-model.keras"), first=lambda path: os.truncate(path, 1000))


def _swapped():
    """Kills when averaged weights have just been put in the place of those that are trained, before anything is saved."""
    function, calls = AveragedWeights._swap_variables, []

    def called(self):
        function(self)
        calls.append(self)
        # Four an epoch: before its validation and after it, at its end, and where the next one begins.
        if len(calls) == 5:
            kill()

    AveragedWeights._swap_variables = called


# From a name to what is done in the process before the run; what it returns is added to the callbacks.
POINTS = {
    "in the middle of an epoch": lambda: KillAt(training=(1, 2)),
    "in the first epoch, at its first step": lambda: KillAt(training=(0, 0)),
    "inside validation": lambda: KillAt(validation=(1, 1)),
    "between write and rename of a checkpoint": _renames("epoch-0002-step-000003.keras"),
    "between write and rename of an epoch's model": _renames("epoch-0002.keras"),
    "between model and state.json": _renames("state.json", 7),
    "between state.json and the removal of the old model": lambda: before(checkpoint.Unfinished, "_sweep", number=8),
    "between write and rename of model.keras": _renames("model.keras"),
    "between history.csv and config.json": _renames("config.json"),
    "between model.keras and the end": lambda: before(checkpoint.Unfinished, "remove"),
    "while model.keras is written": _half_written,
    "while averaged weights are swapped in": _swapped,
}


def start(photos, out, prepare=lambda: None):
    """Begins a run, or goes on with it, in a process of its own; returns its id."""
    child = os.fork()
    if child:
        return child
    # TensorFlow has been imported, once for all runs, and has not computed anything yet.
    tf.config.run_functions_eagerly(True)
    tf.config.experimental.enable_op_determinism()
    callback, dataset, status = prepare(), datasets.load("folder", photos), 1
    try:
        said = []
        options = {"resume": True, "report": said.append, "checkpoint_minutes": MINUTES}
        options["callbacks"] = [callback] if callback else []
        result = train(tiny_run(**SETTINGS), dataset, out, dataset.subset([0, 1, 10, 11]), **options)
        Path(f"{out}.json").write_text(json.dumps({"said": said[0], "digest": digest(result.path)}))
        status = 0
    finally:
        os._exit(status)


def digest(path):
    """What must be the same: hashes of weights and optimizer, all that counts in them, and the history without times."""
    model = runs.load(path)
    rows = list(csv.DictReader((path.parent / "history.csv").open()))
    values = {"weights": model.weights, "optimizer": model.optimizer.variables}
    return {name: _sha256(each) for name, each in values.items()} | {
        "history": [{name: cell for name, cell in row.items() if name != "seconds"} for row in rows],
        "left": sorted(os.listdir(path.parent)),
    }


def _sha256(variables):
    hashed = hashlib.sha256()
    for variable in variables:
        hashed.update(keras.ops.convert_to_numpy(variable).tobytes())
    return hashed.hexdigest()


def wait(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def disturbed(photos, out, name, seconds):
    """Runs, is killed, goes on: as the module's text says of the others."""
    ends = []
    if name.startswith("random"):
        rng = random.Random(name)
        for _ in range(rng.choice((1, 2, 3))):
            child, until = start(photos, out), time.monotonic() + rng.uniform(0, seconds)
            while time.monotonic() < until and os.waitpid(child, os.WNOHANG) == (0, 0):
                time.sleep(0.01)
            if time.monotonic() >= until:
                os.kill(child, signal.SIGKILL)
                ends.append(wait(child))
            else:
                ends.append(0)
    else:
        ends.append(wait(start(photos, out, POINTS[name])))
    return ends + [wait(start(photos, out))]


def main(photos, out, *names):
    out = Path(out)
    begun = time.monotonic()
    ends = {"undisturbed": [wait(start(photos, out / "undisturbed"))]}
    seconds = time.monotonic() - begun
    whole = json.loads((out / "undisturbed.json").read_text())["digest"]
    found = {"undisturbed": {"ends": ends["undisturbed"], **whole}}
    for name in names:
        place = out / name.replace(" ", "-").replace("/", "-")
        found[name] = {"ends": disturbed(photos, place, name, seconds)}
        left = Path(f"{place}.json")
        if left.exists():
            result = json.loads(left.read_text())
            found[name] |= {"said": result["said"], "same": result["digest"] == whole}
            found[name]["differs"] = [key for key in whole if result["digest"][key] != whole[key]]
        shutil.rmtree(place, ignore_errors=True)
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
