"""The Dataset value: photos, their labels and boxes, and batches of them."""

import numbers
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from logo_keras.arguments import is_whole, whole
from logo_keras.datasets.about import About
from logo_keras.datasets.batches import front_end
from logo_keras.datasets.batches.cache import Cache
from logo_keras.datasets.batches.order import Order, check_order
from logo_keras.datasets.batches.photo_augmentation import augmentation
from logo_keras.datasets.batches.source import Source, reader, square_side
from logo_keras.datasets.checking import Log, in_threads
from logo_keras.datasets.classes import NONE, composed, listed
from logo_keras.datasets.partition import folds, partition
from logo_keras.datasets.quality.duplicates import alike
from logo_keras.errors import UserError
from logo_keras.image import preprocessing as photographs
from logo_keras.image.preprocessing import UnreadablePhotograph, frame

# What boxes are where none are known: one array for all samples, since there may be millions.
_NO_BOXES = np.zeros((0, 4), np.float32)
_NO_BOXES.flags.writeable = False


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Photos with labels and boxes. A sample is one photo, or, after `cut`, the surroundings of one box.

    Attributes:
        paths: tuple of str, absolute, one a sample.
        labels: int64 `[n]`, read-only: places in `class_names`; -1 for a photo that shows no brand of the set.
        class_names: tuple of str.
        boxes: tuple of float32 arrays `[n, 4]`, one a sample (n may be 0): the logos of the sample's brand,
            `(y0, x0, y1, x1)` in px of the upright photo in the file. By default no boxes are known.
        windows: None, or float32 `[n, 4]`: the part of the photo that each sample shows, in the same px. It may
            reach beyond the photo and is clipped when it is read.
        root: None, or str, absolute: the folder in which all paths lie.
        root_categories: None, or tuple of str, the root category of each class (Logo-2K+).
        split_name: None, or str, the part of the data set that this is.
        about: None, or About: licence, citation and address of a public data set.
        notes: tuple of str, what was decided when it was opened and a report must say.
        max_pixels: int, largest height times width of a photo that is read.
        max_bytes: int, largest file that is read.
        skipped: tuple of str, files and folders that were left out when it was opened: no photos of the set.
        unclear: dict, path to reason, of the photos whose boxes may lie elsewhere.
        log: Log, a dict from path to reason, of the photos that could not be read so far: by `check`, or while batches
            are read. A Dataset and its subsets write to the same log; `unreadable` gives what concerns this one.
    """

    paths: Sequence
    labels: Sequence
    class_names: Sequence
    boxes: Sequence | None = None
    windows: np.ndarray | None = None
    root: str | None = None
    root_categories: Sequence | None = None
    split_name: str | None = None
    about: About | None = None
    notes: Sequence = ()
    max_pixels: int = photographs.MAX_PIXELS
    max_bytes: int = photographs.MAX_BYTES
    skipped: Sequence = ()
    unclear: dict = field(default_factory=dict)
    log: Log = field(default_factory=Log, init=False)

    def __post_init__(self):
        paths = tuple(os.path.abspath(os.fspath(path)) for path in self.paths)
        labels = np.array(self.labels).reshape(-1)
        if labels.size and not np.issubdtype(labels.dtype, np.integer):
            raise UserError(f"labels must be integers, got {labels.dtype}.")
        names = tuple(self.class_names)
        if not all(isinstance(name, str) for name in names) or len(set(map(composed, names))) != len(names):
            raise UserError(f"class_names must be different strings, got {listed(names)}.")
        if labels.size and not -1 <= labels.min() <= labels.max() < len(names):
            raise UserError(
                f"labels of {len(names)} classes must lie between -1 and {len(names) - 1}, got {labels.min()} to {labels.max()}."
            )
        boxes = _boxes(self.boxes, paths)
        windows = None if self.windows is None else _constant(np.array(self.windows, np.float32).reshape(-1, 4))
        categories = None if self.root_categories is None else tuple(self.root_categories)
        for what, each in (("label", labels), ("array of boxes", boxes), ("window", windows)):
            if each is not None and len(each) != len(paths):
                raise UserError(f"there must be one {what} a sample, got {len(each)} for {len(paths)} paths.")
        if categories is not None and len(categories) != len(names):
            raise UserError(f"there must be one root category a class, got {len(categories)} for {len(names)} classes.")
        values = dict(paths=paths, labels=_constant(labels.astype(np.int64)), class_names=names, windows=windows)
        values |= dict(boxes=boxes, root_categories=categories, notes=tuple(self.notes))
        values |= dict(skipped=tuple(self.skipped), unclear=_of_paths(self.unclear, paths))
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __len__(self):
        return len(self.paths)

    def __repr__(self):
        kind = "photographs" if self.windows is None else "cut-out boxes"
        return f"Dataset({len(self)} {kind}, {len(self.class_names)} classes, {sum(map(len, self.boxes))} boxes)"

    @property
    def counts(self):
        """Samples of each class, in the order of `class_names`: dict from name to int. Label -1 is not among them."""
        numbers = np.bincount(self.labels + 1, minlength=len(self.class_names) + 1)[1:]
        return dict(zip(self.class_names, numbers.tolist(), strict=True))

    @property
    def empty_classes(self):
        """The classes without a sample, of which nothing can be learnt: tuple of str."""
        return tuple(name for name, count in self.counts.items() if not count)

    @property
    def unreadable(self):
        """The photos of this Dataset that could not be read so far: dict from path to reason."""
        return _of_paths(self.log, self.paths)

    def subset(self, indices):
        """Keeps some samples.

        Args:
            indices: ints, or bool `[n]`.

        Returns:
            Dataset with the same classes, in the order of `indices`.
        """
        indices = np.arange(len(self))[np.asarray(indices, None if len(indices) else np.int64)]
        return self._with(
            paths=[self.paths[i] for i in indices],
            labels=self.labels[indices],
            boxes=[self.boxes[i] for i in indices] if any(map(len, self.boxes)) else None,
            windows=None if self.windows is None else self.windows[indices],
        )

    def _with(self, **changes):
        """A Dataset of the same photos, or some of them, with the same log."""
        made = replace(self, **changes)
        object.__setattr__(made, "log", self.log)
        return made

    def with_class_names(self, class_names):
        """Renumbers the labels for a given order of the classes, for instance that of a model.

        Names are compared in the Unicode form NFC: the same letters are the same name.

        Args:
            class_names: sequence of str, the classes of this data set in any order.

        Returns:
            Dataset with the same samples, and `class_names` as given.

        Raises:
            ValueError: if the names are not those of this data set; the error says which differ.
        """
        names = tuple(class_names)
        if names == self.class_names:
            return self
        places = {composed(name): place for place, name in enumerate(names)}
        own = list(map(composed, self.class_names))
        if len(places) != len(names):
            raise UserError(f"class_names must be different strings, got {listed(names)}.")
        sides = {
            "only in the data set": [name for name in own if name not in places],
            "not in the data set": [name for name in places if name not in {*own}],
        }
        if any(sides.values()):
            differ = "; ".join(f"{side}: {listed(which)}" for side, which in sides.items() if which)
            raise UserError(f"the data set has {len(own)} classes and {len(names)} were asked for, with other names: {differ}.")
        # One more for label -1, which is the last place as NumPy counts.
        order = np.array([places[name] for name in own] + [-1], np.int64)
        by_name = dict(zip(own, self.root_categories or (), strict=False))
        categories = [by_name[name] for name in places] if by_name else None
        return self._with(labels=order[self.labels], class_names=names, root_categories=categories)

    def check(self):
        """Tries to read every photo that was not tried before, in several threads, and logs failures.

        About a millisecond a photo of 500 px; says on stderr how far it is when that takes more than seconds.

        Returns:
            dict, path to reason, of the photos of this Dataset that cannot be read.
        """
        log, samples = self.log, {}
        for index, path in enumerate(self.paths):
            if self._key(index) not in log.tried:
                samples.setdefault(path, []).append(index)

        def reason(path):
            try:
                if self.windows is None:
                    photographs.check(path, self.max_pixels, self.max_bytes)
                else:
                    for index in samples[path]:
                        self.photograph(index)
            except UnreadablePhotograph as error:
                return error.reason
            return None

        log.update((path, why) for path, why in in_threads(reason, samples, "checking photographs") if why is not None)
        log.tried.update(self._key(index) for indices in samples.values() for index in indices)
        return self.unreadable

    def readable(self):
        """Leaves out the photos that cannot be read.

        Returns:
            Dataset, in the same order.
        """
        unreadable = self.check()
        return self.subset([path not in unreadable for path in self.paths])

    def split(self, fraction, seed=0):
        """Deals the samples to two sets, the same share of every class, identical and nearly identical ones to the same.

        Every class with two different photos or more is in both sets; one with a single photo is in one of them,
        and `notes` of the other says so. Each class is dealt by itself: whatever changes in one class, and a class that is
        added, moves no photo of the others. Every photo is read once, to see which are alike
        (`logo_keras.datasets.quality.duplicates`).

        Args:
            fraction: float in (0, 1), share of the first set.
            seed: int.

        Returns:
            Two Datasets, each in the order of this one.

        Raises:
            ValueError: if `fraction` lies outside (0, 1), or leaves one of the sets empty.
        """
        first = partition(alike(self), self._brands(), fraction, seed)
        parts = []
        for name, chosen in (("first", first), ("second", ~first)):
            if not chosen.any():
                raise UserError(
                    f"a share of {fraction:g} of {len(self)} samples of {len(set(self.labels.tolist()))} classes leaves the "
                    f"{name} set empty: give every class at least two different photographs, or choose another share."
                )
            parts.append(self.subset(chosen)._saying_what_is_gone(self))
        return tuple(parts)

    def folds(self, n, seed=0):
        """Deals the samples to `n` sets for cross-validation, as `split` does.

        Args:
            n: int, 2 or more.
            seed: int.

        Returns:
            List of `n` pairs of Datasets, training and test; every sample is in the test set of one pair. `notes` says which
            classes have no sample in one of them.

        Raises:
            ValueError: if `n` is below 2 or above the number of photos.
        """
        places = folds(alike(self), self._brands(), n, seed)
        pairs = ((self.subset(places != fold), self.subset(places == fold)) for fold in range(n))
        return [tuple(part._saying_what_is_gone(self) for part in pair) for pair in pairs]

    def _brands(self):
        """The name of every sample's class; `NONE` for label -1."""
        names = [*map(composed, self.class_names), NONE]
        return [names[label] for label in self.labels.tolist()]

    def _saying_what_is_gone(self, whole):
        """This part of a Dataset, with a note on the classes that are left in other parts alone."""
        gone = [name for name in self.empty_classes if whole.counts[name]]
        note = f"classes of which this part has no sample: {len(gone)} ({listed(gone)})"
        return self._with(notes=[*self.notes, note]) if gone else self

    def cut(self, margin):
        """Makes one sample of every box: the box and its surroundings, clipped to the photo.

        Photos without a box give no sample. Boxes stay in px of the photo.

        Args:
            margin: float, 0 or more: what is added on each side, in shares of the box; None leaves the samples as they are.

        Returns:
            Dataset.

        Raises:
            ValueError: if `margin` is negative, there are no boxes, or the samples are cut out already.
        """
        if margin is None:
            return self
        if isinstance(margin, bool) or not isinstance(margin, numbers.Real) or not 0 <= margin < np.inf:
            raise UserError(f"cut must be a number of at least 0, or None for whole photographs, got {margin!r}.")
        if self.windows is not None:
            raise UserError("the samples are cut out already.")
        owners = [index for index, boxes in enumerate(self.boxes) for _ in boxes]
        if not owners:
            raise UserError("cut needs boxes, and this data set has none.")
        boxes = np.concatenate(self.boxes)
        sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        return replace(self.subset(owners), boxes=boxes[:, None], windows=boxes + margin * sides * np.float32([-1, -1, 1, 1]))

    def photograph(self, index):
        """Reads the photo of a sample, or the part of it that the sample shows.

        Args:
            index: int.

        Returns:
            uint8 RGB `[H, W, 3]`, upright.

        Raises:
            UnreadablePhotograph: if it cannot be read, or the sample's window lies outside it.
        """
        return self.shown(index)[0]

    def shown(self, index):
        """Reads what a sample shows, with its boxes.

        Args:
            index: int.

        Returns:
            uint8 RGB `[H, W, 3]` as `photograph` gives it, and the boxes as float32 `[n, 4]`, `(y0, x0, y1, x1)` in px of this
            image. They may reach beyond it after `cut`.

        Raises:
            UnreadablePhotograph: as `photograph`.
        """
        photo = photographs.read(self.paths[index], self.max_pixels, self.max_bytes)
        if self.windows is None:
            return photo, self.boxes[index]
        height, width = photo.shape[:2]
        window = self.windows[index]
        top, left = np.maximum(np.floor(window[:2]), 0).astype(int)
        bottom, right = np.minimum(np.ceil(window[2:]), (height, width)).astype(int)
        if top >= bottom or left >= right:
            raise UnreadablePhotograph(
                self.paths[index], f"the window {window.tolist()} lies outside the photograph of {height} x {width} px"
            )
        return photo[top:bottom, left:right], self.boxes[index] - np.float32([top, left] * 2)

    def sample(self, index, image_size, preprocessing="stretch"):
        """Makes a sample as a model sees it, with its boxes.

        Args:
            index: int.
            image_size: int, px.
            preprocessing: str, the model's own, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.

        Returns:
            float32 RGB `[image_size, image_size, 3]`, 0..255, the same as in `batches`, and the boxes as float32
            `[n, 4]`, `(y0, x0, y1, x1)` in px of this image. They may reach beyond it after `cut` and with "paper".

        Raises:
            UnreadablePhotograph: if the photo cannot be read.
            ValueError: if there is no such preprocessing.
        """
        side, offset = photographs.frame(preprocessing, image_size)
        photo, boxes = self.shown(index)
        height, width = photo.shape[:2]
        boxes = boxes * np.float32([side / height, side / width] * 2) - np.float32(offset)
        return photographs.prepare(photo, image_size, preprocessing), boxes

    def batches(
        self,
        batch_size,
        image_size,
        training=False,
        seed=0,
        strict=False,
        preprocessing="stretch",
        augment="standard",
        cache=None,
        shard=(0, 1),
        balance=0.0,
        first_epoch=0,
        engine=None,
        steps=None,
    ):
        """Gives the samples in batches, each photo made a square.

        Every iteration is the next epoch; what it gives depends only on the seed and its number. In training no photo is
        read before the first batch: where one cannot be read, the next one of the epoch takes its place, so the number of
        batches is `ceil(len(dataset) / batch_size)`. Otherwise every sample must come exactly once, so `check` tries all of
        them first and those that cannot be read are left out. Either way `unreadable` names them.

        Args:
            batch_size: int. The last batch may be smaller.
            image_size: int, px.
            training: bool. False keeps the order of `paths`. True shuffles and augments, anew in every epoch.
            seed: int, 0 or more.
            strict: bool. True raises an error for the first unreadable photo: UnreadablePhotograph, or, while "tf.data"
                iterates, a `tf.errors.InvalidArgumentError` that names path and reason.
            preprocessing: str, the model's own, one of `logo_keras.image.preprocessing.PREPROCESSINGS`.
            augment: what training does to photos: "standard" (crop, flip, brightness, contrast), "none", "randaugment",
                "mixup", "cutmix", or a `lk.datasets.Augmentation`. MixUp and CutMix give labels that are shares of each class;
                `lk.Classifier` learns from these, region networks refuse them.
            cache: path of a folder where photos are kept as squares (`logo_keras.datasets.batches.cache`), so that they
                are decoded once; None for none. The images are the same, but for crops of "stretch" in training: those are cut
                from the photo stretched to `ceil(image_size / sqrt(smallest area))` px, so they are resampled twice, the
                second time bilinearly.
            shard: (index, count), the part of this host, of so many. Shards are disjoint and together the epoch, in the same
                order for any count; in training they have the same length, and the last samples of the epoch's order, fewer
                than `count`, are left out.
            balance: float in [0, 1], of training: an epoch has as many samples as before, of each class in proportion to
                `count ** (1 - balance)`. 0 is every photo once, 0.5 square-root sampling (Mahajan et al. 2018,
                arXiv:1805.00932), 1 every class equally often.
            first_epoch: int, number of the first epoch; a run that goes on gives the epochs that it has trained.
            engine: str, "keras" for a `keras.utils.PyDataset`, which runs on every backend, or "tf.data" for a view of it as a
                `tf.data.Dataset`. None is "keras".
            steps: int, batches an epoch, where an epoch is not one pass over the samples: the next epoch goes on where the
                last one ended. Order and augmentation are those of whole passes.

        Returns:
            Batches of images, float32 RGB `[B, image_size, image_size, 3]`, 0..255, and labels, int64 `[B]`, or float32
            `[B, N]` with MixUp or CutMix.

        Raises:
            UnreadablePhotograph: if `strict` and a photo cannot be read.
            ValueError: if an argument is out of range, there is no sample, or no photo can be read.
            OSError: if the folder `cache` cannot be made.
            ImportError: naming the extra, if the engine is not installed.
        """
        whole("batch_size", batch_size, 1)
        whole("image_size", image_size, 1)
        whole("seed", seed, 0)
        whole("first_epoch", first_epoch, 0)
        if steps is not None and not is_whole(steps, 1):
            raise UserError(f"steps must be an integer of at least 1, or None, got {steps!r}.")
        frame(preprocessing, image_size)
        how = augmentation(augment, training)
        check_order(training, balance, shard)
        if not len(self):
            raise UserError("the data set has no photographs.")
        if how is not None and how.mixes and self.labels.min() < 0:
            raise UserError("photographs without a brand (label -1) cannot be mixed with others by MixUp or CutMix.")
        batches = front_end(engine)
        squares = None
        if cache is not None:
            squares = Cache(cache, square_side(image_size, preprocessing, how), (self.max_pixels, self.max_bytes))
        indices = np.arange(len(self)) if training else self._to_be_read_once(squares, strict)
        labels = self.labels[indices]
        source = Source(
            read=reader(self, indices, squares, strict),
            labels=labels,
            num_classes=len(self.class_names),
            order=Order(labels, training, seed, balance, shard),
            image_size=int(image_size),
            preprocessing=preprocessing,
            augmentation=how,
            seed=seed,
            squares=squares is not None,
        )
        return batches(source, int(batch_size), first_epoch, steps)

    def _to_be_read_once(self, squares, strict):
        """The samples that can be read, int64 `[n]`. Photos that are in the cache were read before."""
        if squares is not None:
            kept = (index for index, path in enumerate(self.paths) if squares.holds(path, self.window(index)))
            self.log.tried.update(map(self._key, kept))
        unreadable = self.check()
        indices = np.flatnonzero([path not in unreadable for path in self.paths])
        if unreadable and (strict or not len(indices)):
            path = next(path for path in self.paths if path in unreadable)
            if strict:
                raise UnreadablePhotograph(path, unreadable[path])
            raise UserError(f"none of the {len(unreadable)} photographs can be read; {path}: {unreadable[path]}.")
        return indices

    def window(self, index):
        """The part of the photo that a sample shows, as in `windows`; None for the whole."""
        return None if self.windows is None else self.windows[index]

    def _key(self, index):
        """What `log.tried` holds of a sample."""
        return self.paths[index] if self.windows is None else (self.paths[index], *self.windows[index].tolist())


def _of_paths(reasons, paths):
    """The entries of a dict from path to reason that concern some paths, in the order of the dict."""
    own = {*paths} if reasons else ()
    # Of a copy: threads that read ahead write to the log meanwhile.
    return {path: reason for path, reason in dict(reasons).items() if path in own}


def _boxes(boxes, paths):
    """One read-only float32 `[n, 4]` a path, checked."""
    if boxes is None:
        return (_NO_BOXES,) * len(paths)
    # What float32 cannot hold becomes infinite, and is refused below.
    with np.errstate(over="ignore"):
        boxes = tuple(_constant(np.array(each, np.float32).reshape(-1, 4)) if len(each) else _NO_BOXES for each in boxes)
    for path, each in zip(paths, boxes, strict=False):
        if not (np.isfinite(each).all() and (each[:, :2] < each[:, 2:]).all()):
            raise UserError(f"boxes must be finite (y0, x0, y1, x1) with y0 < y1 and x0 < x1, got {each.tolist()} for {path}.")
    return boxes


def _constant(array):
    array.flags.writeable = False
    return array
