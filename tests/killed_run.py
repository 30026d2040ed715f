"""Training runs that kill themselves in the middle of an epoch; test_training.py starts them in a process of its own.

Arguments: folder of photos, and pairs of a folder of a run and the epoch, counted from 0, to be killed in. Prints how each
of the runs ended, as JSON.
"""

import json
import os
import signal
import sys

import keras
import tensorflow as tf
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


def main(photos, *runs):
    ends = []
    for out, epoch in zip(runs[::2], runs[1::2], strict=True):
        # TensorFlow has been imported, once for all runs, and has not computed anything yet.
        child = os.fork()
        if child == 0:
            tf.config.run_functions_eagerly(True)
            train(tiny_run(), datasets.load("folder", photos), out, callbacks=[Killed(int(epoch))])
            os._exit(0)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    print(json.dumps(ends))


if __name__ == "__main__":
    main(*sys.argv[1:])
