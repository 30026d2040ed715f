"""Ctrl-C and SIGTERM: what is saved, what is said, and how the process ends."""

import os
import signal
import subprocess
import sys
import threading
import time

import keras
import photographs
import pytest
from tiny import tiny_run as config

from logo_keras import datasets
from logo_keras.commands.command import Command
from logo_keras.training import Interrupted, train
from logo_keras.training.interruption import listening

posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@posix
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_acts_as_outside(signum):
    seen = []
    before = signal.signal(signum, lambda *arguments: seen.append(arguments[0]))
    try:
        with listening() as request:
            assert request.signum is None
            signal.raise_signal(signum)
            assert request.signum == signum and seen == []
            signal.raise_signal(signum)
            assert seen == [signum]
        assert signal.getsignal(signum) is not before
        signal.raise_signal(signum)
        assert seen == [signum] * 2
    finally:
        signal.signal(signum, before)


@posix
def test_a_signal_that_is_ignored_stays_so_and_other_threads_take_none():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with listening():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    seen = []

    def work():
        with listening() as request:
            seen.append(request.signum)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [None] and signal.getsignal(signal.SIGINT) is before


class Signal(keras.callbacks.Callback):
    """Sends the process a signal at a batch of training, or at one of validation."""

    def __init__(self, signum, training=None, validation=None):
        super().__init__()
        self.signum, self.training, self.validation = signum, training, validation

    def on_train_batch_begin(self, batch, logs=None):
        if batch == self.training:
            self.training = signal.raise_signal(self.signum)

    def on_test_batch_begin(self, batch, logs=None):
        if batch == self.validation:
            self.validation = signal.raise_signal(self.signum)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return datasets.load("folder", photographs.two_brands(tmp_path_factory.mktemp("photos")))


@pytest.fixture
def heard():
    """SIGINT is taken: where tests run side by side, processes ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix
@pytest.mark.usefixtures("eager", "heard")
@pytest.mark.parametrize(
    ("where", "signum", "status", "step"),
    [({"training": 1}, signal.SIGINT, 130, 2), ({"validation": 0}, signal.SIGTERM, 143, 3)],
)
def test_a_run_ends_its_step_saves_says_how_to_go_on_and_goes_on(where, signum, status, step, dataset, tmp_path):
    said, options = [], {"validation": dataset, "report": lambda line: said.append(line)}
    with pytest.raises(Interrupted, match=rf"Epoch 1, step {step} of 3 is saved. The same command with --resume") as caught:
        train(config(batch_size=4), dataset, tmp_path / "parts", callbacks=[Signal(signum, **where)], **options)
    assert caught.value.status == status
    parts = train(config(batch_size=4), dataset, tmp_path / "parts", resume=True, **options)
    assert said[0] == f"Going on after epoch 1, step {step} of 3."
    whole = train(config(batch_size=4), dataset, tmp_path / "whole", **options)
    for row, other in zip(parts.history, whole.history, strict=True):
        assert {**row, "seconds": 0} == pytest.approx({**other, "seconds": 0}, rel=1e-4)


def test_a_command_ends_with_the_status_of_the_signal(capsys):
    def work(flags, arguments):
        raise Interrupted("Epoch 1 is saved.", signal.SIGTERM)

    assert Command("logo-x", "", lambda flags: None, work).main(["logo-x"]) == 143
    assert capsys.readouterr().err.strip() == "logo-x: stopped. Epoch 1 is saved."


@posix
@pytest.mark.slow
def test_the_command_leaves_with_a_checkpoint_and_one_line(dataset, tmp_path):
    top = os.path.commonpath([os.path.dirname(path) for path in dataset.paths])
    flags = ["--data=folder", f"--root={top}", "--model=plain", "--weights=none", "--image_size=32", "--batch_size=1"]
    command = [sys.executable, "-m", "logo_keras.commands.train", *flags, "--epochs=1000", f"--out={tmp_path / 'run'}"]
    state = tmp_path / "run" / "unfinished" / "state.json"
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not state.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    process.terminate()
    _, errors = process.communicate(timeout=120)
    last = errors.strip().splitlines()[-1]
    assert process.returncode == 143, errors
    assert last.startswith("logo-train: stopped. Epoch ") and last.endswith("--resume (resume=True) goes on from there.")
