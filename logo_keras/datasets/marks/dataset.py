"""The marks as a data set: brands, and batches of crops that are drawn while they are asked for."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from logo_keras.arguments import one_of, share, whole
from logo_keras.datasets.batches import front_end
from logo_keras.datasets.batches.order import check_order
from logo_keras.datasets.marks import crops, scenes
from logo_keras.datasets.marks.crops import background_crop, mark_crop
from logo_keras.datasets.marks.drawings import drawings
from logo_keras.errors import UserError
from logo_keras.image import draw

SPLITS = ("train", "validation")
# One of so many brands is held out. By choice: about 150 brands, on which a percent is worth deciding by.
_HELD_OUT = 50
# Share of wordmarks in scenes. By choice: they are a fifth of the marks here, and more of the logos in photos of TopLogo-10 and
# FlickrLogos-27 are names in letters.
_WORDMARKS = 0.3
# Ends the seeds of an epoch's plan, and of a contact sheet, so that neither repeats the numbers of a crop.
_PLANS, _SHEETS = 1, 2


class Marks:
    """The marks of many brands, to learn an embedding from.

    Nothing is read but artwork: no photo of a logo. Brands that embeddings are judged on are left out
    (`logo_keras.datasets.marks.catalogue`).

    Args:
        root: str or path of a folder. The first time, the packages are fetched into it and all marks are drawn, which takes some
            minutes and 800 MB.
        split: str, "train", or "validation" for the brands that are held out, one of 50, or None for all.

    Attributes:
        class_names: tuple of str, the brands, in the order of the alphabet.
        drawings: sequence of Drawing, the marks.
        labels: int64 `[n]`, the brand that each of them shows.
        split: as above.

    Raises:
        ValueError: if there is no such split.
        UserError, FileError, OSError, ImportError: as `logo_keras.datasets.marks.drawings.drawings` does.
    """

    def __init__(self, root, split="train"):
        one_of("split", split, (*SPLITS, None))
        found = drawings(Path(root))
        self._hold(found, split, found.key)

    @classmethod
    def of(cls, drawn, split=None):
        """The data set of drawings that are there already: Marks.

        Args:
            drawn: sequence of Drawing.
            split: as in `Marks`.
        """
        one_of("split", split, (*SPLITS, None))
        marks = cls.__new__(cls)
        marks._hold(drawn, split, None)
        return marks

    def _hold(self, drawn, split, key):
        brands = getattr(drawn, "marks", None) or [drawing.mark for drawing in drawn]
        chosen = [place for place, mark in enumerate(brands) if split in (None, split_of(mark.brand))]
        if not chosen:
            raise UserError(f"there are no marks in the split {split!r} of these {len(brands)}.")
        self.class_names = tuple(sorted({brands[place].brand for place in chosen}))
        numbers = {name: number for number, name in enumerate(self.class_names)}
        self.labels = np.array([numbers[brands[place].brand] for place in chosen], np.int64)
        self.drawings, self.split, self._key = _Chosen(drawn, np.array(chosen)), split, key

    def __len__(self):
        """How many marks there are."""
        return len(self.labels)

    @property
    def num_classes(self):
        """int N, how many brands there are."""
        return len(self.class_names)

    def fingerprint(self, of_scenes=False):
        """What tells these marks, and how they are drawn, from others, wherever their folder lies.

        Args:
            of_scenes: bool, whether scenes are drawn of them, and not crops alone.

        Returns:
            dict for JSON.
        """
        names = "\n".join(f"{mark.brand} {mark.path}" for mark in (drawing.mark for drawing in self.drawings))
        # Scenes are photographed as crops are.
        recipes = {"crops": crops.RECIPE} | ({"scenes": scenes.RECIPE} if of_scenes else {})
        return {
            "marks": len(self),
            "num_classes": self.num_classes,
            "split": self.split,
            "drawings": self._key,
            **recipes,
            "sha256": hashlib.sha256(names.encode()).hexdigest(),
        }

    def batches(self, batch_size, image_size, seed=0, steps=200, backgrounds=0.2, balance=0.5, first_epoch=0, engine=None):
        """Gives crops in batches, each drawn when it is asked for; none comes twice.

        An epoch has as many crops as are asked for. Every random number depends only on the seed, the number of the epoch and
        the crop's place in it. Within a brand each mark is as likely as the others.

        Args:
            batch_size: int.
            image_size: int, px.
            seed: int, 0 or more.
            steps: int, batches an epoch.
            backgrounds: float in [0, 1), share of each batch that shows no mark, rounded to whole crops.
            balance: float in [0, 1]: brands come in proportion to their number of marks to the power of `1 - balance`. 0 is
                every mark equally often, 0.5 square-root sampling, 1 every brand equally often.
            first_epoch: int, number of the first epoch.
            engine: as in `Dataset.batches`.

        Returns:
            Batches of images, float32 RGB `[B, image_size, image_size, 3]`, 0..255, and labels, int64 `[B]`: N is a background.

        Raises:
            ValueError: if an argument is out of range.
            ImportError: naming the extra, if the engine is not installed.

        Source:
            Square-root sampling: Mahajan et al. 2018, arXiv:1805.00932, section 2.2.
        """
        _check(batch_size, image_size, seed, steps, first_epoch, balance)
        share("backgrounds", backgrounds)
        source = Source(self, int(batch_size), int(image_size), int(seed), int(steps), float(backgrounds), float(balance))
        return front_end(engine)(source, int(batch_size), first_epoch, None)

    def scenes(
        self,
        batch_size,
        image_size,
        seed=0,
        steps=200,
        most_boxes=scenes.MOST,
        empty=scenes.EMPTY,
        words=_WORDMARKS,
        balance=0.5,
        first_epoch=0,
        engine=None,
    ):
        """Gives scenes in batches, whole photos with the boxes of their marks, drawn as crops are in `batches`.

        Args:
            batch_size: int.
            image_size: int, px.
            seed: int, 0 or more.
            steps: int, batches an epoch.
            most_boxes: int M, most marks of a scene.
            empty: float in [0, 1), share of the scenes without a mark.
            words: float in [0, 1), share of the marks that are wordmarks, where there are some and others.
            balance: float in [0, 1], as in `batches`.
            first_epoch: int, number of the first epoch.
            engine: as in `Dataset.batches`.

        Returns:
            Batches of images, float32 RGB `[B, image_size, image_size, 3]`, 0..255, and targets, a dict: boxes, float32
            `[B, M, 4]`, `(y0, x0, y1, x1)` px, and labels, int64 `[B, M]`, the brands. Where a scene has fewer marks there follow
            boxes of zeros with the label -1.

        Raises:
            ValueError: if an argument is out of range.
            ImportError: naming the extra, if the engine is not installed.
        """
        _check(batch_size, image_size, seed, steps, first_epoch, balance)
        whole("most_boxes", most_boxes, 1)
        share("empty", empty)
        share("words", words)
        weights = _weights(self.labels, balance)
        are_wordmarks = np.array([drawing.mark.is_wordmark for drawing in self.drawings])
        if 0 < are_wordmarks.sum() < len(self):
            for chosen, wanted in ((are_wordmarks, words), (~are_wordmarks, 1 - words)):
                weights[chosen] *= wanted / weights[chosen].sum()
        source = scenes.Source(
            drawings=self.drawings,
            labels=self.labels,
            num_classes=self.num_classes,
            weights=weights,
            image_size=int(image_size),
            seed=int(seed),
            scenes=int(steps) * int(batch_size),
            most_boxes=int(most_boxes),
            empty=float(empty),
        )
        return front_end(engine)(source, int(batch_size), first_epoch, None)


def split_of(brand):
    """The split that a brand belongs to, by a hash of its name, so that other brands change nothing: str."""
    first = hashlib.sha256(brand.encode()).digest()[:8]
    return "train" if int.from_bytes(first, "big") % _HELD_OUT else "validation"


@dataclass(frozen=True)
class Source:
    """The crops of every epoch, by position: what `PhotographBatches` reads from.

    Attributes:
        marks: Marks.
        batch_size: int.
        image_size: int, px.
        seed: int.
        steps: int, batches an epoch.
        backgrounds: float, share of each batch.
        balance: float, as in `Marks.batches`.
        target: int64, what a label looks like in a batch.
    """

    marks: Marks
    batch_size: int
    image_size: int
    seed: int
    steps: int
    backgrounds: float
    balance: float
    target: np.int64 = np.int64(0)

    def __len__(self):
        """Crops an epoch."""
        return self.steps * self.batch_size

    @property
    def num_classes(self):
        """int, the brands and the backgrounds."""
        return self.marks.num_classes + 1

    @property
    def labels(self):
        """int64 `[n]`, the brand of each mark."""
        return self.marks.labels

    def plan(self, epoch):
        """The mark at each position of an epoch, or -1 for a background: int64 `[len(self)]`."""
        rng = np.random.default_rng([self.seed, epoch, 0, _PLANS])
        empty = round(self.backgrounds * self.batch_size)
        shown = np.arange(self.batch_size) >= empty
        shown = rng.permuted(np.tile(shown, (self.steps, 1)), axis=1).ravel()
        weights = _weights(self.labels, self.balance)
        ends = np.cumsum(weights) / weights.sum()
        # Evenly spaced, so that an epoch shows every brand as often as it can.
        total = int(shown.sum())
        drawn = np.searchsorted(ends[:-1], (np.arange(total) + rng.random()) / max(total, 1), side="right")
        plan = np.full(len(self), -1, np.int64)
        plan[shown] = rng.permutation(drawn)
        return plan

    def sample(self, epoch, plan, position):
        """Draws the crop at a position.

        Args:
            epoch: int.
            plan: what `plan` gives for it.
            position: int.

        Returns:
            Image, uint8 RGB `[image_size, image_size, 3]`, and label, int.
        """
        rng, place = np.random.default_rng([self.seed, epoch, position]), plan[position]
        if place < 0:
            return background_crop(self.marks.drawings, rng, self.image_size), self.marks.num_classes
        return mark_crop(self.marks.drawings[place], rng, self.image_size, self.marks.drawings), self.labels[place]

    def finish(self, images, labels, epoch, number):
        """A whole batch, as it is."""
        return images, labels


def _check(batch_size, image_size, seed, steps, first_epoch, balance):
    """Checks the arguments that batches of crops and of scenes share."""
    for name, value, lowest in (("batch_size", batch_size, 1), ("image_size", image_size, 32), ("steps", steps, 1)):
        whole(name, value, lowest)
    whole("seed", seed, 0)
    whole("first_epoch", first_epoch, 0)
    check_order(True, balance, (0, 1))


def _weights(labels, balance):
    """How often each mark comes in comparison with the others: float64 `[n]`."""
    _, brands, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return (counts ** -float(balance))[brands]


class _Chosen:
    """Some of the drawings: a sequence."""

    def __init__(self, drawn, places):
        self._drawn, self._places = drawn, places

    def __len__(self):
        return len(self._places)

    def __getitem__(self, index):
        return self._drawn[int(self._places[index])]


def contact_sheet(marks, rows=8, columns=12, size=128, seed=0):
    """Crops beside each other, to look at what is learnt from; the last two columns show backgrounds.

    Args:
        marks: Marks.
        rows: int.
        columns: int, 3 or more.
        size: int, px of a crop.
        seed: int, draws marks and crops.

    Returns:
        uint8 RGB `[rows * size, columns * size, 3]`.
    """
    whole("columns", columns, 3)
    sheet = []
    for place in range(whole("rows", rows, 1) * columns):
        rng = np.random.default_rng([seed, place, 0, _SHEETS])
        if place % columns >= columns - 2:
            sheet.append(background_crop(marks.drawings, rng, size))
        else:
            sheet.append(mark_crop(marks.drawings[int(rng.integers(len(marks)))], rng, size, marks.drawings))
    return draw.contact_sheet(sheet, columns, cell=size, gap=0)


def scenes_sheet(marks, rows=4, columns=6, size=320, seed=0):
    """Scenes beside each other, with the boxes of their marks, to look at what is learnt from.

    Args:
        marks: Marks.
        rows: int.
        columns: int.
        size: int, px of a scene.
        seed: int, draws the scenes.

    Returns:
        uint8 RGB `[H, W, 3]`.
    """
    pictures = []
    for place in range(whole("rows", rows, 1) * whole("columns", columns, 1)):
        rng = np.random.default_rng([seed, place, 1, _SHEETS])
        photo, boxes, _ = scenes.scene(marks.drawings, rng, size)
        pictures.append(draw.draw_boxes(photo, boxes))
    return draw.contact_sheet(pictures, columns, cell=size, gap=4)
