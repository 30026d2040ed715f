"""The Dataset value: photographs, their labels and boxes, and batches of them."""

import numbers
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from logo_keras import preprocessing as photographs
from logo_keras.datasets import pipeline
from logo_keras.datasets.partition import partition


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Photographs with labels and boxes. A sample is one photograph, or, after `cut`, the surroundings of one box.

    Attributes:
        paths: tuple of str, absolute, one a sample.
        labels: int64 `[n]`, read-only: places in `class_names`; -1 for a photograph that shows no brand of the set.
        class_names: tuple of str.
        boxes: tuple of float32 arrays `[n, 4]`, one a sample (n may be 0): the logos of the sample's brand,
            `(y0, x0, y1, x1)` in px of the upright photograph in the file. By default no boxes are known.
        windows: None, or float32 `[n, 4]`: the part of the photograph that each sample shows, in the same px. It may
            reach beyond the photograph and is clipped when it is read.
        unreadable: dict, path to reason, of the photographs that cannot be read. Filled by `check`, which `batches`
            calls, and if a photograph disappears later, while batches are read.
    """

    paths: Sequence
    labels: Sequence
    class_names: Sequence
    boxes: Sequence | None = None
    windows: np.ndarray | None = None
    unreadable: dict = field(default_factory=dict, init=False)
    _checked: set = field(default_factory=set, init=False)

    def __post_init__(self):
        paths = tuple(os.path.abspath(os.fspath(path)) for path in self.paths)
        labels = np.array(self.labels).reshape(-1)
        if labels.size and not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(f"labels must be integers, got {labels.dtype}.")
        names = tuple(self.class_names)
        if len(set(names)) != len(names) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"class_names must be different strings, got {names!r}.")
        if len(labels) != len(paths):
            raise ValueError(f"there must be one label a sample, got {len(labels)} labels and {len(paths)} paths.")
        if labels.size and not -1 <= labels.min() <= labels.max() < len(names):
            raise ValueError(
                f"labels of {len(names)} classes must lie between -1 and {len(names) - 1}, got {labels.min()} to {labels.max()}."
            )
        boxes = ((),) * len(paths) if self.boxes is None else self.boxes
        boxes = tuple(_constant(np.array(each, np.float32).reshape(-1, 4)) for each in boxes)
        if len(boxes) != len(paths):
            raise ValueError(f"there must be one array of boxes a sample, got {len(boxes)} for {len(paths)} paths.")
        for path, each in zip(paths, boxes, strict=True):
            if not (np.isfinite(each).all() and (each[:, :2] < each[:, 2:]).all()):
                raise ValueError(
                    f"boxes must be finite (y0, x0, y1, x1) with y0 < y1 and x0 < x1, got {each.tolist()} for {path}."
                )
        windows = self.windows
        if windows is not None:
            windows = _constant(np.array(windows, np.float32).reshape(-1, 4))
            if len(windows) != len(paths):
                raise ValueError(f"there must be one window a sample, got {len(windows)} for {len(paths)} paths.")
        values = dict(paths=paths, labels=_constant(labels.astype(np.int64)), class_names=names, boxes=boxes, windows=windows)
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self):
        return len(self.paths)

    def __repr__(self):
        kind = "photographs" if self.windows is None else "cut-out boxes"
        return f"Dataset({len(self)} {kind}, {len(self.class_names)} classes, {sum(map(len, self.boxes))} boxes)"

    def subset(self, indices):
        """Keeps some samples.

        Args:
            indices: ints, or bool `[n]`.

        Returns:
            Dataset with the same classes, in the order of `indices`. It knows which photographs were checked.
        """
        indices = np.arange(len(self))[np.asarray(indices, None if len(indices) else np.int64)]
        subset = replace(
            self,
            paths=[self.paths[i] for i in indices],
            labels=self.labels[indices],
            boxes=[self.boxes[i] for i in indices],
            windows=None if self.windows is None else self.windows[indices],
        )
        subset._checked.update(self._checked.intersection(subset.paths))
        subset.unreadable.update({path: self.unreadable[path] for path in subset.paths if path in self.unreadable})
        return subset

    def check(self):
        """Tries to read every photograph that was not tried before, in several threads, and notes failures.

        About a millisecond a photograph of 500 px; says on stderr how far it is when that takes more than seconds.

        Returns:
            `unreadable`: dict, path to reason.
        """
        samples = {}
        for index, path in enumerate(self.paths):
            if path not in self._checked:
                samples.setdefault(path, []).append(index)

        def reason(indices):
            try:
                if self.windows is None:
                    photographs.check(self.paths[indices[0]])
                else:
                    for index in indices:
                        self.photograph(index)
            except photographs.UnreadablePhotograph as error:
                return error.reason
            return None

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            said = time.monotonic()
            for count, (path, found) in enumerate(zip(samples, pool.map(reason, samples.values()), strict=True), 1):
                if found is not None:
                    self.unreadable[path] = found
                self._checked.add(path)
                if time.monotonic() - said > 5:
                    said = time.monotonic()
                    print(f"checking photographs: {count} of {len(samples)}", file=sys.stderr)
        return self.unreadable

    def readable(self):
        """Leaves out the photographs that cannot be read, as `batches` does.

        Returns:
            Dataset, in the same order.
        """
        self.check()
        return self.subset(self._readable())

    def _readable(self):
        return np.flatnonzero([path not in self.unreadable for path in self.paths])

    def split(self, fraction, seed=0):
        """Deals the samples to two sets, the same share of every class, byte-identical files to the same one.

        Every class with two different photographs or more is in both sets.

        Args:
            fraction: float in (0, 1), share of the first set.
            seed: int.

        Returns:
            Two Datasets, each in the order of this one.

        Raises:
            ValueError: if `fraction` lies outside (0, 1).
        """
        first = partition(self.paths, self.labels, fraction, seed)
        return self.subset(first), self.subset(~first)

    def cut(self, margin):
        """Makes one sample of every box: the box and its surroundings, clipped to the photograph.

        Photographs without a box give no sample. Boxes stay in px of the photograph.

        Args:
            margin: float, 0 or more: what is added on each side, in shares of the box's height or width.

        Returns:
            Dataset.

        Raises:
            ValueError: if `margin` is negative, there are no boxes, or the samples are cut out already.
        """
        if isinstance(margin, bool) or not isinstance(margin, numbers.Real) or not 0 <= margin < np.inf:
            raise ValueError(f"cut must be a number of at least 0, or None for whole photographs, got {margin!r}.")
        if self.windows is not None:
            raise ValueError("the samples are cut out already.")
        owners = [index for index, boxes in enumerate(self.boxes) for _ in boxes]
        if not owners:
            raise ValueError("cut needs boxes, and this data set has none.")
        boxes = np.concatenate(self.boxes)
        sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        return replace(self.subset(owners), boxes=boxes[:, None], windows=boxes + margin * sides * np.float32([-1, -1, 1, 1]))

    def photograph(self, index):
        """Reads the photograph of a sample, or the part of it that the sample shows.

        Args:
            index: int.

        Returns:
            uint8 RGB `[H, W, 3]`, upright.

        Raises:
            UnreadablePhotograph: if it cannot be read, or the sample's window lies outside it.
        """
        return self._photograph_and_origin(index)[0]

    def sample(self, index, image_size, preprocessing="stretch"):
        """Makes a sample as a model sees it, with its boxes.

        Args:
            index: int.
            image_size: int, px.
            preprocessing: str, the model's own, one of `logo_keras.preprocessing.PREPROCESSINGS`.

        Returns:
            float32 RGB `[image_size, image_size, 3]`, 0..255, the same as in `batches`, and the boxes as float32
            `[n, 4]`, `(y0, x0, y1, x1)` in px of this image. They may reach beyond it after `cut` and with "paper".

        Raises:
            UnreadablePhotograph: if the photograph cannot be read.
            ValueError: if there is no such preprocessing.
        """
        side, offset = photographs.frame(preprocessing, image_size)
        photo, (top, left) = self._photograph_and_origin(index)
        height, width = photo.shape[:2]
        boxes = (self.boxes[index] - np.float32([top, left] * 2)) * np.float32([side / height, side / width] * 2)
        return photographs.prepare(photo, image_size, preprocessing), boxes - np.float32(offset)

    def batches(self, batch_size, image_size, training=False, seed=0, strict=False, preprocessing="stretch"):
        """Gives the samples in batches, each photograph made a square.

        Photographs that cannot be read are found by `check` at the first call, named in `unreadable` and left out. So
        TensorFlow knows the number of batches: `ceil(len(dataset.readable()) / batch_size)`.

        Args:
            batch_size: int. The last batch may be smaller.
            image_size: int, px.
            training: bool. False keeps the order of `paths`. True shuffles and augments (see
                `logo_keras.datasets.pipeline`), anew in every iteration, the same for the same seed.
            seed: int, 0 or more.
            strict: bool. True raises an error for the first unreadable photograph. If one disappears later, the
                iteration raises `tf.errors.InvalidArgumentError`, with path and reason in the message.
            preprocessing: str, the model's own, one of `logo_keras.preprocessing.PREPROCESSINGS`.

        Returns:
            `tf.data.Dataset` of images, float32 RGB `[B, image_size, image_size, 3]`, 0..255, and labels, int64 `[B]`.

        Raises:
            UnreadablePhotograph: if `strict` and a photograph cannot be read.
            ValueError: if a number is out of range, there is no sample, no photograph can be read, or no such preprocessing.
        """
        if not len(self):
            raise ValueError("the data set has no photographs.")
        unreadable = self.check()
        indices = self._readable()
        if unreadable and (strict or not len(indices)):
            path, reason = next((path, unreadable[path]) for path in self.paths if path in unreadable)
            if strict:
                raise photographs.UnreadablePhotograph(path, reason)
            raise ValueError(f"none of the {len(unreadable)} photographs can be read; {path}: {reason}.")

        def read(index):
            try:
                return self.photograph(index)
            except photographs.UnreadablePhotograph as error:
                self.unreadable[self.paths[index]] = error.reason
                if strict:
                    raise
                return None

        labels = self.labels[indices]
        return pipeline.make_batches(read, indices, labels, batch_size, image_size, training, seed, preprocessing)

    def _photograph_and_origin(self, index):
        """The part of the photograph that the sample shows, and its top left corner in px of the photograph."""
        photo = photographs.read(self.paths[index])
        if self.windows is None:
            return photo, (0, 0)
        height, width = photo.shape[:2]
        window = self.windows[index]
        top, left = np.maximum(np.floor(window[:2]), 0).astype(int)
        bottom, right = np.minimum(np.ceil(window[2:]), (height, width)).astype(int)
        if top >= bottom or left >= right:
            raise photographs.UnreadablePhotograph(
                self.paths[index], f"the window {window.tolist()} lies outside the photograph of {height} x {width} px"
            )
        return photo[top:bottom, left:right], (top, left)


def _constant(array):
    array.flags.writeable = False
    return array
