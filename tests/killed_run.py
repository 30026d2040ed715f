"""A training run that kills itself in the middle of an epoch; test_training.py starts it in a process of its own.

Arguments: folder of photographs, folder of the run, epoch to be killed in (counted from 0).
"""

import os
import signal
import sys

import keras
from tiny import tiny_run

from logo_keras import datasets
from logo_keras.training import train


class Killed(keras.callbacks.Callback):
    """Ends the process as `kill -9` and a power cut do, without a word."""

    def __init__(self, epoch):
        super().__init__()
        self.fatal = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.now = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.now == self.fatal and batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    photographs, out, epoch = sys.argv[1:]
    train(tiny_run(), datasets.load("folder", photographs), out, callbacks=[Killed(int(epoch))])
