"""Brands without training: a gallery of artwork, or of one boxed photo a brand, searches other photos."""

import functools
from dataclasses import dataclass, replace

import numpy as np

from logo_keras import datasets
from logo_keras.datasets.classes import listed
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.sizes import read_sizes
from logo_keras.datasets.synthetic import artwork
from logo_keras.gallery import Gallery
from logo_keras.gallery.calibration import SAID

# Share of the photos without a brand of the gallery that may get a name. `Gallery.calibrate` has a stricter default, which takes
# more such photos to keep than the demo has.
_FALSE_ACCEPTS = 0.05


@dataclass(frozen=True, eq=False)
class Untrained:
    """A gallery, and what it said.

    Attributes:
        gallery: Gallery.
        references: str, what it knows of each brand, in words.
        asked: Dataset of the photos that it searched. Label -1, and brands that the gallery does not have, are right where
            nothing is known.
    """

    gallery: Gallery
    references: str
    asked: Dataset

    @functools.cached_property
    def evaluation(self):
        """GalleryEvaluation of `asked`, whose boxes the gallery is not told."""
        return self.gallery.evaluate(self.asked, whole=True)

    def brand(self, number):
        """The brand of the gallery that a photo of `asked` shows: str, or None."""
        label = self.asked.labels[number]
        return self.asked.class_names[label] if label >= 0 and self.asked.class_names[label] in self.gallery else None

    def __str__(self):
        found, calibration = self.evaluation, self.gallery.calibration
        lines = [
            f"{len(self.gallery.labels)} brands, each known by {self.references}",
            f"the likeliest brand is right for {found.top1:.1%} of {found.samples} other photos, searched as a whole",
            f"thresholds: {SAID[self.gallery.rule]}",
            f"{found.named:.1%} get the right name, {found.misnamed:.1%} that of another brand, the others none",
        ]
        if calibration:
            lines += [
                f"{calibration.false_accepts:.0%} of {calibration.photos} photos without these brands may get a name",
                f"{found.false_accepts:.1%} of {found.others} new ones do",
                *calibration.notes,
            ]
        return "\n".join(lines)

    def to_dict(self):
        """What report.json holds: shares are fractions 0..1, each beside its 95 % interval or None."""
        found, calibration = self.evaluation, self.gallery.calibration
        return {
            "references": self.references,
            "brands": len(self.gallery.labels),
            "photos": found.samples,
            "top1": found.top1,
            "top1_interval": list(found.top1_interval),
            "named": found.named,
            "misnamed": found.misnamed,
            "other_photos": found.others,
            "false_accepts": found.false_accepts,
            "calibrated_on": calibration and calibration.photos,
            "false_accepts_allowed": calibration and calibration.false_accepts,
        }


def of_artwork(root, brands):
    """Adds the first brands of a synthetic set by their artwork, and fits thresholds.

    The photos of half of the other brands, and half of those of the split "none", calibrate; the gallery searches the other
    halves and the photos of its own brands.

    Args:
        root: path of a synthetic set with the splits "test" and "none" and more brands than that.
        brands: int.

    Returns:
        Untrained.

    Raises:
        ValueError: if a model that comes with the package is missing.
        FileNotFoundError: if there is no such set.
    """
    gallery = Gallery()
    for label, name in list(artwork.BRANDS.items())[:brands]:
        gallery.add(label, artwork.svg(name).encode())
    test, none = (datasets.load("synthetic", root, split) for split in ("test", "none"))
    photos = Dataset([*test.paths, *none.paths], [*test.labels, *none.labels], test.class_names, [*test.boxes, *none.boxes])
    others = [number for number, name in enumerate(test.class_names) if name not in gallery]
    calibrates = np.isin(photos.labels, others[::2])
    calibrates[len(test) :: 2] = True
    gallery.calibrate(photos.subset(calibrates).paths, _FALSE_ACCEPTS)
    return Untrained(gallery, "its artwork alone", photos.subset(~calibrates))


def of_photos(training, test, seed, say=print):
    """Adds each brand by the largest box of one training photo, drawn at random.

    There are no photos without brands to calibrate with, so the thresholds are those of the embedding. Boxes that lie outside
    their photos are left out.

    Args:
        training, test: Datasets.
        seed: int.
        say: function that takes a line of text, which names such boxes.

    Returns:
        Untrained, of the brands that have a box in training photos; or None where the test photos show none of them.

    Raises:
        ValueError: if a model that comes with the package is missing.
    """
    learnt, asked = _boxed(training, say), test.readable()
    common = np.setdiff1d(np.intersect1d(learnt.labels, asked.labels), [-1])
    if not len(common):
        return None
    gallery, rng = Gallery(), np.random.default_rng(seed)
    for label in common:
        number = rng.choice(np.flatnonzero(learnt.labels == label))
        largest = max(learnt.boxes[number], key=lambda box: np.prod(box[2:] - box[:2]))
        gallery.add(learnt.class_names[label], (learnt.paths[number], largest))
    return Untrained(gallery, "one photo of it", asked.subset(np.isin(asked.labels, common)))


def _boxed(dataset, say):
    """The photos that can be read and have a box, without the boxes that lie outside of them: Dataset."""
    dataset = dataset.subset([len(boxes) > 0 for boxes in dataset.boxes]).readable()
    sizes, _ = read_sizes(list(dict.fromkeys(dataset.paths)), dataset.max_bytes)
    boxes, outside = [], []
    for path, each in zip(dataset.paths, dataset.boxes, strict=True):
        within = ((each[:, :2] < sizes[path]) & (each[:, 2:] > 0)).all(axis=1)
        boxes.append(each[within])
        outside += [f"{path} ({', '.join(f'{corner:g}' for corner in box)})" for box in each[~within].tolist()]
    if outside:
        say(f"note: boxes that lie outside their photos are left out: {listed(outside)}")
    return replace(dataset, boxes=boxes).subset([len(each) > 0 for each in boxes])
