"""Brands without training: a gallery of artwork, or of one boxed photo a brand, asked about boxes in other photos."""

import functools
from dataclasses import dataclass, replace

import numpy as np

from logo_keras import datasets
from logo_keras.datasets.classes import listed
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.sizes import read_sizes
from logo_keras.datasets.synthetic import artwork
from logo_keras.gallery import Gallery

# Share of the boxes without a brand of the gallery that may be taken for one. `Gallery.calibrate` has a stricter default, which
# takes more such boxes to keep than the demo has.
_FALSE_ACCEPTS = 0.05


@dataclass(frozen=True, eq=False)
class Untrained:
    """A gallery, and what it said.

    Attributes:
        gallery: Gallery.
        references: str, what it knows of each brand, in words.
        asked: Dataset of the photos, with the boxes that it was asked about. Label -1, and brands that the gallery does not have,
            are right where nothing is known.
    """

    gallery: Gallery
    references: str
    asked: Dataset

    @functools.cached_property
    def evaluation(self):
        """GalleryEvaluation of `asked`."""
        return self.gallery.evaluate(self.asked)

    def brand(self, number):
        """The brand of the gallery that a photo of `asked` shows: str, or None."""
        label = self.asked.labels[number]
        return self.asked.class_names[label] if label >= 0 and self.asked.class_names[label] in self.gallery else None

    def __str__(self):
        found, calibration = self.evaluation, self.gallery.calibration
        lines = [
            f"{len(self.gallery.labels)} brands, each known by {self.references}",
            f"the likeliest brand is right for {found.top1:.1%} of {found.samples} logos in other photos",
        ]
        if calibration:
            lines += [
                f"thresholds: {calibration.false_accepts:.0%} of {calibration.photos} boxes without these brands may get a name",
                f"{found.named:.1%} of the logos are named, {found.misnamed:.1%} get the name of another brand, the others none",
                f"{found.false_accepts:.1%} of {found.others} new boxes without these brands get a name",
                *calibration.notes,
            ]
        return "\n".join(lines)

    def to_dict(self):
        """What report.json holds: shares are fractions 0..1, each beside its 95 % interval or None."""
        found, calibration = self.evaluation, self.gallery.calibration
        return {
            "references": self.references,
            "brands": len(self.gallery.labels),
            "boxes": found.samples,
            "top1": found.top1,
            "top1_interval": list(found.top1_interval),
            "named": found.named,
            "misnamed": found.misnamed,
            "other_boxes": found.others,
            "false_accepts": found.false_accepts,
            "calibrated_on": calibration and calibration.photos,
            "false_accepts_allowed": calibration and calibration.false_accepts,
        }


def of_artwork(root, brands, seed):
    """Adds the first brands of a synthetic set by their artwork, and fits thresholds.

    Half of the other brands, and boxes of bare ground in half of the photos of the split "none", calibrate; the gallery is asked
    about the other halves and its own brands.

    Args:
        root: path of a synthetic set with the splits "test" and "none" and more brands than that.
        brands: int.
        seed: int, of the boxes of ground.

    Returns:
        Untrained.

    Raises:
        ValueError: if the embedding that comes with the package is missing.
        FileNotFoundError: if there is no such set.
    """
    gallery = Gallery()
    for label, name in list(artwork.BRANDS.items())[:brands]:
        gallery.add(label, artwork.svg(name).encode())
    test, none = (datasets.load("synthetic", root, split) for split in ("test", "none"))
    photos = Dataset(
        [*test.paths, *none.paths], [*test.labels, *none.labels], test.class_names, [*test.boxes, *_ground(none, test, seed)]
    )
    others = [number for number, name in enumerate(test.class_names) if name not in gallery]
    calibrates = np.isin(photos.labels, others[::2])
    calibrates[len(test) :: 2] = True
    negatives = photos.subset(calibrates)
    gallery.calibrate([(path, box) for path, (box,) in zip(negatives.paths, negatives.boxes, strict=True)], _FALSE_ACCEPTS)
    return Untrained(gallery, "its artwork alone", photos.subset(~calibrates))


def of_photos(training, test, seed, say=print):
    """Adds each brand by the largest box of one training photo, drawn at random.

    There are no photos without brands to calibrate with, so the likeliest brand is what counts. Boxes that lie outside their
    photos are left out.

    Args:
        training, test: Datasets.
        seed: int.
        say: function that takes a line of text, which names such boxes.

    Returns:
        Untrained, of the brands that have boxes in both; or None where there are none.

    Raises:
        ValueError: if the embedding that comes with the package is missing.
    """
    learnt, asked = (_boxed(part, say) for part in (training, test))
    common = np.setdiff1d(np.intersect1d(learnt.labels, asked.labels), [-1])
    if not len(common):
        return None
    gallery, rng = Gallery(), np.random.default_rng(seed)
    gallery.threshold = None
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


def _ground(photos, like, seed):
    """A box somewhere in each photo, as large as one of the logos of `like`: list of float32 `[1, 4]`."""
    rng, made = np.random.default_rng(seed), []
    for number in range(len(photos)):
        (box,) = like.boxes[rng.integers(len(like))]
        size = box[2:] - box[:2]
        corner = rng.uniform(0, photos.photograph(number).shape[:2] - size)
        made.append(np.float32([[*corner, *(corner + size)]]))
    return made
