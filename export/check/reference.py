"""Photos, and what Keras says of them."""

import contextlib
import copy
import hashlib
from functools import cached_property

import numpy as np

from logo_keras.edge.detection import framed
from logo_keras.errors import UserError
from logo_keras.image import preprocessing

from ..served import EMBEDDING, REGIONS, given, judged, opened, output_names
from .photos import brands, chosen, label

# Two values that compete inside a region network and lie closer than this in Keras may change places in another
# runtime, which sums in another order.
TIE = 1e-5
# Photos that Keras takes at once.
_BATCH = 8


@contextlib.contextmanager
def referring(model, photos=None, limit=None, outputs=None, reference=None, calibration=None, calibrated=False, apart=()):
    """Yields the Reference that is given, or one of photos; a synthetic set is gone after the block.

    Args:
        model: the model of this package that is exported, or the path of its `.keras` file.
        photos, limit, calibration, calibrated: as for `photos.chosen`.
        outputs: names of the outputs to compare, as for `served.output_names`.
        reference: Reference; all else is then passed over.
        apart: as for Reference.

    Raises:
        ValueError: if the model cannot be read, has no such output, or no photo can be read.
    """
    if reference is not None:
        yield reference
        return
    model = opened(model)
    # Refuses a wrong name before a photo is read.
    names = output_names(model, outputs)
    with chosen(photos, limit, calibration, calibrated, squares=judged(model) == EMBEDDING) as files:
        yield Reference(model, files.compared, names, files.calibration, files.origin, apart)


class Reference:
    """Photos, and what Keras says of them: computed once, compared with any number of files.

    Args:
        model: the model of this package that is exported.
        photographs: paths, bytes or RGB uint8 arrays.
        outputs: names of the outputs to compare, as for `served.output_names`.
        calibration: paths, bytes or arrays of the photos that int8 gets the ranges of its activations from. `photographs`
            that are among them, under whatever name, are not compared.
        origin: str, where the photos for calibration come from.
        apart: digests (`digests`) of further photos that are not to be compared.

    Attributes:
        model: the model.
        names: tuple of str, the outputs.
        judged: str, that of them that a file is judged by.
        images: uint8 `[P, S, S, 3]`, the photos as the model takes them.
        photographs: list of P, those of `photographs` that can be read and are compared.
        expected: dict of float32 arrays `[P, ...]`, Keras's answers.
        labels: int `[P]`, the class of each photo, that of the folder that it lies in; -1 where the folder names none. For an
            embedder and a detector every folder is a class.
        unreadable: dict from a photo's name to the reason; they are left out.
        calibration: list of uint8 `[S, S, 3]`, the photos to calibrate on, as the model takes them.
        origin: str, as given.

    Raises:
        ValueError: if none of the photos can be read, or every one of them was calibrated on.
    """

    def __init__(self, model, photographs, outputs=None, calibration=(), origin="", apart=()):
        self.model, self.names, self.judged, self.origin = model, output_names(model, outputs), judged(model), origin
        self.unreadable = {}
        self.calibration = [image for _, image in self._prepared(calibration)] if len(calibration) else []
        kept = prepared = self._prepared(photographs)
        if apart := {*digests(self.calibration), *apart}:
            kept = [(photo, image) for photo, image in prepared if digests([image])[0] not in apart]
        if not kept:
            raise UserError(
                f"each of the {len(prepared)} photos to compare on was also used for calibration: name other photos with "
                "--photos, or leave out --calibration, and some of them are set aside for it."
            )
        self.photographs = [photo for photo, _ in kept]
        self.images = np.stack([image for _, image in kept])
        names = brands(self.photographs) if self.judged in (EMBEDDING, REGIONS) else model.class_names
        self.labels = np.array([label(photo, names) for photo in self.photographs])

    def _prepared(self, photographs):
        """Those photos that can be read, and their images: list of pairs."""
        prepared = []
        for photo in photographs:
            try:
                image = self._seen(photo)
            except preprocessing.UnreadablePhotograph as error:
                self.unreadable[error.name] = error.reason
                continue
            prepared.append((photo, image))
        if not prepared:
            named = "; ".join(f"{name}: {reason}" for name, reason in list(self.unreadable.items())[-3:])
            raise UserError(f"none of the {len(photographs)} photographs can be read ({named}).")
        return prepared

    def _seen(self, photo):
        """A photo as the model takes it, uint8 `[S, S, 3]`."""
        photo, size, how = preprocessing.pixels(photo), self.model.image_size, self.model.preprocessing
        return framed(photo, size, how)[0] if self.judged == REGIONS else preprocessing.fit(photo, size, how)

    def __len__(self):
        return len(self.images)

    @cached_property
    def expected(self):
        batches = []
        for start in range(0, len(self), _BATCH):
            images = self.images[start : start + _BATCH].astype(np.float32)
            batches.append(given(self.model, images, self.names))
        return {name: np.concatenate([np.asarray(batch[name], np.float32) for batch in batches]) for name in self.names}

    def only(self, outputs):
        """The same photos with some of the outputs."""
        other = copy.copy(self)
        other.names = output_names(self.model, outputs)
        # Computed once for all.
        other.expected = self.expected
        return other

    def image(self, number):
        """One photo as float32 `[1, S, S, 3]`."""
        return self.images[number : number + 1].astype(np.float32)

    def tied(self, number):
        """Whether a choice inside the model hangs on less than 1e-5 on this photo."""
        return bool(np.asarray(self.model.near_ties(self.image(number), tolerance=TIE))[0])


def digests(images):
    """What tells prepared photos apart, whatever their files are called: list of str, one an image uint8 `[S, S, 3]`."""
    return [hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).hexdigest() for image in images]
