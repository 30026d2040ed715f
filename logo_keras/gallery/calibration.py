"""How alike something must be to count as known: thresholds, fitted on photos that show none of the brands."""

import math
import numbers
import os
from dataclasses import asdict, dataclass

import numpy as np

from logo_keras.errors import UserError
from logo_keras.evaluation.intervals import wilson_interval
from logo_keras.gallery import artwork
from logo_keras.gallery.evaluation import score

# Photos from which on every brand has a threshold of its own: its spread over fewer would be a guess.
ENOUGH = 100
# Where thresholds come from: fitted to photos; measured with the embedding; nearer to the brand than to any background.
CALIBRATED, EMBEDDING, BACKGROUNDS = "calibrated", "embedding", "backgrounds"
# What a person is told of each, and of none.
SAID = {
    CALIBRATED: "fitted to photos without these brands",
    EMBEDDING: "not calibrated: that of the embedding, above half the similarity of the likeliest other brand",
    BACKGROUNDS: "not calibrated: nearer to the brand than to any background; marks of other brands get names too",
    None: "none: every photo gets the likeliest brands",
}
# What the similarity of the likeliest other brand counts. Chosen among 0, 0.3, 0.5, 0.7 and 1 on drawn marks of 197 brands that
# were not trained (November 2026): for 5 % false accepts galleries of 1, 5, 20 and 100 brands need thresholds of 0.21, 0.41, 0.59
# and 0.69 with 0, of 0.21, 0.36, 0.39 and 0.41 with 0.5. With the highest of them 43 % and 66 % of the marks of 100 brands get
# their name.
_OTHERS = 0.5
# Parts of the photos; each is counted with thresholds that the others gave.
_PARTS = 5


@dataclass(frozen=True)
class Calibration:
    """What `Gallery.calibrate` found.

    Attributes:
        photos: int, photos without a brand of the gallery that could be read.
        false_accepts: float, the share of them that was allowed to be taken for a brand.
        measured: float, the share that is, each photo with thresholds that were fitted without it; None for fewer than 5 photos.
        interval: two floats, the 95 % interval of `measured`; None likewise.
        threshold: float, of brands that have none of their own.
        own_thresholds: int, brands that have one.
        unreadable: dict from path to reason, photos that were left out.
        notes: tuple of str, what a report must say.
        searched: bool, whether a detector found the places in the photos: the thresholds are those of photos that are searched.
        close: bool, whether small places were looked at once more.
    """

    photos: int
    false_accepts: float
    measured: float | None
    interval: tuple | None
    threshold: float
    own_thresholds: int
    unreadable: dict
    notes: tuple
    # Files of older versions do not say these.
    searched: bool = False
    close: bool = False


def calibrate(gallery, negatives, false_accepts, close=False):
    """Fits thresholds of a gallery: `Gallery.calibrate`.

    Args:
        gallery: Gallery.
        negatives, false_accepts, close: as for `Gallery.calibrate`.

    Returns:
        Calibration; dict from label to float, the thresholds of brands that have one of their own; and frozenset of str, digests
        of the photos.

    Raises:
        ValueError: if the gallery has no references, no photo can be read, a photo is a reference, or the share is none.
    """
    if not isinstance(false_accepts, numbers.Real) or not 0 < false_accepts < 1:
        raise UserError(f"false_accepts must be a share in (0, 1), got {false_accepts!r}.")
    if not gallery.labels:
        raise UserError("the gallery has no references yet: add some first.")
    samples = _samples(negatives)
    files, similarities, _, unreadable = score(gallery, samples, "calibrating", close)
    used, _ = gallery.files()
    for number, file in files.items():
        if file in used:
            name = f"negatives[{number}]" if isinstance(samples[number][0], (bytes, np.ndarray)) else samples[number][0]
            raise UserError(f"{name} is a photo from which a reference comes: calibrate with photos that show no brand.")
    count = len(files)
    if not count:
        raise UserError(f"none of {len(samples)} photos could be read to calibrate with.")
    groups = np.unique(list(files.values()), return_inverse=True)[1]
    different = int(groups.max()) + 1
    # Decided once, so that what is measured is the rule that is kept.
    own = different >= ENOUGH
    together, limits = fit(similarities, false_accepts, own)
    taken = measure(similarities, false_accepts, groups, own)
    notes = []
    if different < (enough := math.ceil(1 / false_accepts) - 1):
        notes.append(f"{different} photos cannot promise that at most {false_accepts:.2%} are false accepts; {enough} can.")
    searched = gallery.searches and any(samples[number][1] is None for number in files)
    thresholds = {} if limits is None else dict(zip(gallery.labels, limits.tolist(), strict=True))
    found = Calibration(
        photos=count,
        false_accepts=float(false_accepts),
        measured=None if taken is None else taken / count,
        interval=None if taken is None else wilson_interval(taken, count),
        threshold=together,
        own_thresholds=len(thresholds),
        unreadable=unreadable,
        notes=tuple(notes),
        searched=searched,
        close=searched and close,
    )
    return found, thresholds, frozenset(files.values())


def before(threshold, has_backgrounds):
    """The rule and the threshold of a gallery that is not calibrated: str or None, and float or None.

    Args:
        threshold: float, of the embedding; None where it has none.
        has_backgrounds: bool, whether the embedding knows backgrounds.
    """
    if threshold is not None:
        return EMBEDDING, threshold
    return (BACKGROUNDS, 0.0) if has_backgrounds else (None, None)


def limits(labels, threshold, own_thresholds):
    """The threshold of each of the labels: float32 `[B]`, -inf where there is none.

    Args:
        labels: sequence of str.
        threshold: float, of those that have none of their own; or None.
        own_thresholds: dict from label to float.
    """
    found = np.full(len(labels), -np.inf if threshold is None else threshold, np.float32)
    if own_thresholds:
        places = {label: number for number, label in enumerate(labels)}
        for label, value in own_thresholds.items():
            found[places[label]] = value
    return found


def doubts(rule, found, close=False, of_detector=False):
    """What a person must be told of a gallery that searches photos: list of str.

    Args:
        rule: str or None, where its thresholds come from.
        found: Calibration, or None.
        close: bool, whether small places are looked at once more.
        of_detector: bool, whether the detector's threshold counts (`Gallery.detectors_threshold`).
    """
    if of_detector:
        return ["thresholds: that of the detector, measured on drawn scenes; calibrate the gallery for photos such as yours."]
    more = "a photo has many places, each of which may be taken for a brand: calibrate the gallery"
    if rule != CALIBRATED:
        return [f"thresholds: {SAID[rule]}; {more}."]
    # Files of older versions keep thresholds alone.
    if found is None or not found.searched:
        return [f"the gallery was calibrated without a detector; {more} with it."]
    if found.close != close:
        return [f"the gallery was calibrated {'with' if found.close else 'without'} close looks; calibrate it as it is asked."]
    return []


def apart(similarities):
    """How far brands stand out: their similarity minus half of that of the likeliest other brand, where that is above 0.

    A foreign mark looks somewhat like many brands, the more the more brands there are, and a known one like its own. So the
    same threshold serves galleries of any size.

    Args:
        similarities: float32 `[B, n]`, of each brand on each photo.

    Returns:
        float32 `[B, n]`.
    """
    if len(similarities) < 2:
        return similarities
    second, best = np.partition(similarities, -2, axis=0)[-2:]
    # Where two are alike, each is the other's rival.
    rival = np.where(similarities == best, second, best)
    return similarities - np.float32(_OTHERS) * np.maximum(rival, 0)


def to_json(rule, threshold, own_thresholds, found, calibrated_on, by_hand=False):
    """What a gallery's file says of its thresholds: dict for JSON.

    Args:
        rule: str or None, where they come from.
        threshold: float or None.
        own_thresholds: dict from label to float.
        found: Calibration, or None.
        calibrated_on: set of str, digests of photos.
        by_hand: bool, whether a person set the threshold.
    """
    return {
        "rule": rule,
        "threshold": threshold,
        "by_hand": by_hand,
        "thresholds": own_thresholds,
        # Not the paths of one machine.
        "calibration": None if found is None else asdict(found) | {"unreadable": {}},
        "calibrated_on": sorted(calibrated_on),
    }


def from_json(about):
    """The arguments of `to_json` from what it gave: a tuple.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: if it gave nothing of the kind.
    """
    own_thresholds = {label: _finite(value) for label, value in about["thresholds"].items()}
    calibrated_on = about["calibrated_on"]
    if not isinstance(calibrated_on, list) or not all(isinstance(file, str) for file in calibrated_on):
        raise UserError("the photos that calibrated it are no digests")
    threshold, found = about["threshold"], about["calibration"]
    if found is not None:
        interval = None if found["interval"] is None else tuple(found["interval"])
        found = Calibration(**found | {"notes": tuple(found["notes"]), "interval": interval})
    # Files of older versions do not say it.
    rule = about.get("rule", CALIBRATED if found else before(None, threshold is not None)[0])
    if rule not in SAID:
        raise UserError(f"its thresholds come from {rule!r}")
    threshold = None if threshold is None else _finite(threshold)
    return rule, threshold, own_thresholds, found, frozenset(calibrated_on), bool(about.get("by_hand"))


def _finite(value):
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise UserError(f"a threshold is {value!r}")
    return float(value)


def fit(similarities, false_accepts, own):
    """Fits thresholds so that at most a share of new photos without a brand is taken for one.

    One threshold for all is a quantile of each photo's best similarity. Where every brand has one of its own, it is so many
    standard deviations above its mean on these photos, the same number for all. So a plain mark, which many things look like,
    must be matched better.

    Args:
        similarities: float32 `[B, n]`, of each brand on each photo.
        false_accepts: float in (0, 1).
        own: bool, whether every brand has a threshold of its own.

    Returns:
        float, the threshold for all; and float32 `[B]`, one a brand, or None.

    Source:
        Of the quantile: split conformal prediction, Vovk, Gammerman and Shafer 2005, for which a new photo is above the k-th
        largest of n with probability k / (n + 1).
    """
    together = above(similarities.max(0), false_accepts)
    if not own:
        return together, None
    mean, spread = similarities.mean(1), similarities.std(1)
    # A brand that nothing looks like at all would have a threshold too close to its mean.
    spread = np.maximum(spread, np.median(spread)) + 1e-6
    steps = above(((similarities - mean[:, None]) / spread[:, None]).max(0), false_accepts)
    return together, (mean + steps * spread).astype(np.float32)


def measure(similarities, false_accepts, groups, own):
    """How many photos are taken for a brand, each with thresholds that were fitted without it, by the same rule.

    Args:
        similarities, false_accepts, own: as in `fit`.
        groups: int `[n]`, from 0 on: photos with the same number are one, or copies of one.

    Returns:
        int, or None for too few photos.
    """
    if groups.max() + 1 < _PARTS:
        return None
    taken = 0
    for part in range(_PARTS):
        seen = groups % _PARTS != part
        together, limits = fit(similarities[:, seen], false_accepts, own)
        limits = np.full(len(similarities), together) if limits is None else limits
        taken += int((similarities[:, ~seen] >= limits[:, None]).any(0).sum())
    return taken


def above(values, false_accepts):
    """The least number above all but the allowed share of values: float.

    Args:
        values: float32 `[n]`.
        false_accepts: float in (0, 1).
    """
    count = len(values)
    allowed = max(1, math.floor(false_accepts * (count + 1)))
    largest = np.sort(values)[-min(allowed, count)]
    return float(np.nextafter(np.float32(largest), np.float32(np.inf)))


def _samples(negatives):
    """Photos and their boxes, None for the whole: list of tuples."""
    if isinstance(negatives, (str, os.PathLike)) and os.path.isdir(negatives):
        negatives = artwork.files_in(negatives)
    elif isinstance(negatives, (str, bytes, os.PathLike, np.ndarray)):
        negatives = [negatives]
    pairs = [each if isinstance(each, tuple) else (each, None) for each in negatives]
    return [(photo, None if box is None else [box]) for photo, box in pairs]
