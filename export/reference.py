"""Photographs, and what Keras says of them."""

import copy
from functools import cached_property

import numpy as np

from logo_keras import preprocessing

from .photographs import find, label, spread
from .served import output_names

# Two values that compete inside a region network and lie closer than this in Keras may change places in another
# runtime, which sums in another order.
TIE = 1e-5
# Photographs that Keras takes at once.
_BATCH = 8
# Enough for stable ranges of the activations (benchmarks/results/quantization.md).
_CALIBRATION = 100


class Reference:
    """Photographs, and what Keras says of them: computed once, compared with any number of files.

    Args:
        model: the model of this package that is exported.
        photographs: paths, bytes or RGB uint8 arrays.
        outputs: names of the outputs to compare, as for `served.output_names`.

    Attributes:
        model: the model.
        names: tuple of str, the outputs.
        images: uint8 `[P, S, S, 3]`, the photographs as the model takes them.
        photographs: list of P, those of `photographs` that can be read.
        expected: dict of float32 arrays `[P, ...]`, Keras's answers.
        labels: int `[P]`, the class of each photograph, that of the folder that it lies in; -1 where that names none.
        unreadable: dict from a photograph's name to the reason; they were left out.

    Raises:
        ValueError: if none of the photographs can be read.
    """

    def __init__(self, model, photographs, outputs=None):
        self.model = model
        self.names = output_names(model, outputs)
        self.unreadable, self.photographs, images, labels = {}, [], [], []
        for photo in photographs:
            try:
                image = preprocessing.prepare(photo, model.image_size, model.preprocessing)
            except preprocessing.UnreadablePhotograph as error:
                self.unreadable[error.name] = error.reason
                continue
            # Prepared px are whole numbers: a quarter of the memory.
            images.append(image.astype(np.uint8))
            labels.append(label(photo, model.class_names))
            self.photographs.append(photo)
        if not images:
            named = "; ".join(f"{name}: {reason}" for name, reason in list(self.unreadable.items())[:3])
            raise ValueError(f"none of the {len(self.unreadable)} photographs can be read ({named}).")
        self.images, self.labels = np.stack(images), np.array(labels)

    def __len__(self):
        return len(self.images)

    @cached_property
    def expected(self):
        batches = []
        for start in range(0, len(self), _BATCH):
            images = self.images[start : start + _BATCH].astype(np.float32)
            answer = self.model(images, training=False, embedding="embedding" in self.names)
            batches.append({name: np.asarray(answer[name], np.float32) for name in self.names})
        return {name: np.concatenate([batch[name] for batch in batches]) for name in self.names}

    def only(self, outputs):
        """The same, of these outputs alone."""
        other = copy.copy(self)
        other.names = output_names(self.model, outputs)
        # Computed once for all.
        other.expected = self.expected
        return other

    def image(self, number):
        """One photograph as float32 `[1, S, S, 3]`."""
        return self.images[number : number + 1].astype(np.float32)

    def tied(self, number):
        """Whether a choice inside the model hangs on less than 1e-5 on this photograph."""
        return bool(np.asarray(self.model.near_ties(self.image(number), tolerance=TIE))[0])


def calibration_images(model, reference, photos=None):
    """Photographs from which an int8 file gets the ranges of its activations.

    Args:
        model: the model.
        reference: Reference, whose photographs are taken where none are given.
        photos: photographs, as `photographs.find` takes them, or None.

    Returns:
        list of uint8 `[S, S, 3]`, at most 100, spread evenly.

    Raises:
        ValueError: if none of them can be read.
    """
    if photos is None:
        return spread(list(reference.images), _CALIBRATION)
    return list(Reference(model, spread(find(photos), _CALIBRATION)).images)
