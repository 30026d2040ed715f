"""What is wrong with the photos of a data set: gone, damaged, tiny, in two splits, under two labels."""

import itertools
import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from logo_keras.arguments import whole
from logo_keras.datasets.classes import NONE, composed
from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.find_photos import find
from logo_keras.datasets.quality.duplicates import identical, nearly_identical, survey
from logo_keras.errors import UserError

# Kind of finding to what a report calls it. Those of TROUBLE spoil a training or a figure; the
# others are worth a look, and real data sets have many.
KINDS = {
    "missing": "no such file",
    "unreadable": "cannot be read",
    "repeated": "the same photograph in two splits",
    "identical_across": "byte-identical photographs in two splits",
    "near_across": "nearly identical photographs in two splits",
    "contradicting": "identical photographs under two labels",
    "named": "negatives in a folder that is named as a brand",
    "identical_within": "byte-identical photographs in one split",
    "near_within": "nearly identical photographs in one split",
    "doubtful": "nearly identical photographs under two labels",
    "tiny": "tiny photographs",
    "outside": "boxes outside the photograph",
    "unclear": "boxes that may lie elsewhere: turned by EXIF, or of another size",
    "transparent": "photographs with an alpha channel, which are read on white or grey",
    "empty": "classes without a photograph in a split",
    "skipped": "files and folders that were left out",
}
TROUBLE = ("missing", "unreadable", "repeated", "identical_across", "near_across", "contradicting", "named")
# What negatives are called among the splits.
NEGATIVES = "negatives"
# Px that a box may reach beyond the photo: some tools count px from 1, some from 0.
_BEYOND = 1


class Entry(NamedTuple):
    """Where a data set names a photo: its path, the split, and the brand ("none" for no brand of the set)."""

    path: str
    split: str
    brand: str


class Finding(NamedTuple):
    """One thing that was found: the entries that it concerns, and a detail, or an empty text."""

    entries: tuple
    detail: str = ""


@dataclass(frozen=True)
class Inspection:
    """What `inspect` found.

    Attributes:
        photographs: dict, split to the number of its different photos.
        classes: dict, split to a dict from each class, and "none", to its number of samples.
        boxes: dict, split to its number of boxes.
        near: bool, whether nearly identical photos were looked for.
        findings: dict, kind to a tuple of Finding. Each kind of `KINDS` is an attribute, too: `inspection.missing`. A finding
            concerns a photo, or a group of photos that are alike; "empty" and "skipped" have no entries. `detail` is the
            reason, the labels of a group, the height and width, the boxes, class and split, or the path that was skipped.
    """

    photographs: dict
    classes: dict
    boxes: dict
    near: bool
    findings: dict

    def __getattr__(self, kind):
        if kind in KINDS:
            return self.findings.get(kind, ())
        raise AttributeError(f"{type(self).__name__!r} has no attribute {kind!r}")

    @property
    def trouble(self):
        """Whether anything of `TROUBLE` was found: bool."""
        return any(getattr(self, kind) for kind in TROUBLE)

    def to_dict(self):
        """Everything as JSON can hold it."""
        findings = {kind: [_as_dict(finding) for finding in self.findings[kind]] for kind in KINDS}
        counts = {kind: len(each) for kind, each in findings.items()}
        of_splits = {"photographs": self.photographs, "boxes": self.boxes, "classes": self.classes}
        return {"trouble": self.trouble, **of_splits, "near": self.near, "counts": counts, "findings": findings}


def inspect(datasets, smallest=32, near=True, negatives=None):
    """Reads every photo of the splits of a data set and says what is wrong with them.

    Args:
        datasets: dict, the name of a split to its Dataset.
        smallest: int, px: photos with a shorter side are tiny.
        near: bool, whether to look for nearly identical photos too.
        negatives: paths of photos that are to show none of the brands (`logo_keras.datasets.find_photos.find`), for instance a
            folder; or None. They are compared with the splits as one more, "negatives".

    Returns:
        Inspection.

    Raises:
        ValueError: if there is no split, or one called "negatives" beside negatives, or `smallest` is no integer of at least 0.
        FileNotFoundError: if there are no such negatives.
    """
    if not datasets:
        raise UserError("there is no split to inspect.")
    brands = itertools.chain(*(part.class_names for part in datasets.values()))
    if negatives is not None:
        datasets = _with_negatives(datasets, find(negatives))
    whole("smallest", smallest, 0)
    parts = datasets.values()
    places = {path: place for place, path in enumerate(dict.fromkeys(itertools.chain(*(part.paths for part in parts))))}
    found = survey(list(places), *(max(getattr(part, limit) for part in parts) for limit in ("max_pixels", "max_bytes")))
    same = identical(found)
    like = nearly_identical(found, same) if near else same
    gone = {path for path in found.reasons if not os.path.exists(path)}
    in_splits = Counter(itertools.chain(*({*part.paths} for part in parts)))
    # Kind to a dict from the place of a photo to the detail.
    single = {
        "missing": {places[path]: "" for path in found.reasons if path in gone},
        "unreadable": {places[path]: reason for path, reason in found.reasons.items() if path not in gone},
        "repeated": {place: "" for path, place in places.items() if in_splits[path] > 1},
        "tiny": {place: _size(size) for place, size in enumerate(found.sizes.tolist()) if 0 < min(size) < smallest},
        "outside": _outside(datasets, places, found.sizes),
        "named": {} if negatives is None else _named(brands, datasets[NEGATIVES], negatives, places),
        "unclear": {places[path]: reason for part in parts for path, reason in part.unclear.items()},
        "transparent": dict.fromkeys(np.flatnonzero(found.transparent).tolist(), ""),
    }
    same_groups = _groups(same)
    like_groups = [group for group in _groups(like) if len(set(same[group].tolist())) > 1]
    entries = _entries(datasets, places, {*itertools.chain(*single.values(), *same_groups, *like_groups)})

    def finding(group, detail=""):
        return Finding(tuple(itertools.chain(*(entries[place] for place in group))), detail)

    classes = {split: _classes(dataset) for split, dataset in datasets.items()}
    alone = sorted({*single["repeated"]} - {*itertools.chain(*same_groups)})
    labelled = _contradicting([finding(group) for group in [*same_groups, *([place] for place in alone)]])
    same_groups, like_groups = ([finding(group) for group in groups] for groups in (same_groups, like_groups))
    findings = {kind: [finding([place], detail) for place, detail in each.items()] for kind, each in single.items()} | {
        "identical_across": filter(_across, same_groups),
        "near_across": filter(_across, like_groups),
        "contradicting": labelled,
        "identical_within": itertools.filterfalse(_across, same_groups),
        "near_within": itertools.filterfalse(_across, like_groups),
        "doubtful": _contradicting(like_groups),
        "skipped": [Finding((), path) for path in dict.fromkeys(path for part in parts for path in part.skipped)],
        "empty": [Finding((), f"{name} in {split}") for split, counts in classes.items() for name in _empty(counts)],
    }
    return Inspection(
        photographs={split: len(set(dataset.paths)) for split, dataset in datasets.items()},
        classes=classes,
        boxes={split: sum(map(len, dataset.boxes)) for split, dataset in datasets.items()},
        near=near,
        findings={kind: tuple(each) for kind, each in findings.items()},
    )


def _with_negatives(datasets, paths):
    """The splits and, as one more, photos that are to show no brand. What a split has without a brand may be among these."""
    if NEGATIVES in datasets:
        raise UserError(f"a split is called {NEGATIVES!r} itself: inspect the others with these negatives.")
    negatives = Dataset(tuple(map(str, paths)), np.full(len(paths), -1), next(iter(datasets.values())).class_names)
    own = {*negatives.paths}

    def others(part):
        return part.subset([label >= 0 or path not in own for path, label in zip(part.paths, part.labels, strict=True)])

    return {split: others(part) for split, part in datasets.items()} | {NEGATIVES: negatives}


def _named(brands, negatives, given, places):
    """Place to the brand after which a folder of a negative is named, at or below what was given."""
    brands = {_plain(name): name for name in brands}
    given = [given] if isinstance(given, (str, os.PathLike)) else given
    roots = [os.path.abspath(path) for path in given if os.path.isdir(path)]
    found = {}
    for path in negatives.paths:
        # Whatever lies above says nothing of the photos.
        above = next((os.path.dirname(root) for root in roots if path.startswith(root + os.sep)), os.path.dirname(path) + "/..")
        folders = os.path.relpath(os.path.dirname(path), above).split(os.sep)
        if (brand := next((brands[plain] for plain in map(_plain, folders) if plain in brands), None)) is not None:
            found[places[path]] = brand
    return found


def _plain(name):
    """A name without what people write differently: letter case, spaces and signs."""
    name = composed(name).casefold()
    return "".join(filter(str.isalnum, name)) or name


def _as_dict(finding):
    detail = {"detail": finding.detail} if finding.detail else {}
    return {"photographs": [entry._asdict() for entry in finding.entries], **detail}


def _groups(keys):
    """The places of equal keys, lists of two or more."""
    members = defaultdict(list)
    for place in np.flatnonzero(np.bincount(keys, minlength=len(keys))[keys] > 1).tolist():
        members[keys[place]].append(place)
    return list(members.values())


def _entries(datasets, places, chosen):
    """Place to the different entries of its photo, for the chosen ones: there may be millions of others."""
    found = defaultdict(dict)
    for split, dataset in datasets.items():
        for path, label in zip(dataset.paths, dataset.labels.tolist(), strict=True):
            if places[path] in chosen:
                found[places[path]][Entry(path, split, dataset.class_names[label] if label >= 0 else NONE)] = None
    return {place: tuple(each) for place, each in found.items()}


def _across(finding):
    return len({entry.split for entry in finding.entries}) > 1


def _contradicting(findings):
    """Those whose photos have different labels. One photo may have several: each cut-out has its own."""
    chosen = []
    for finding in findings:
        labels = defaultdict(set)
        for path, split, brand in finding.entries:
            labels[path, split].add(brand)
        if len(set(map(frozenset, labels.values()))) > 1:
            chosen.append(finding._replace(detail=", ".join(sorted(set().union(*labels.values())))))
    return chosen


def _classes(dataset):
    """Class, and "none" if there are such samples, to its number of samples."""
    bare = int((dataset.labels < 0).sum())
    return dataset.counts | ({NONE: bare} if bare else {})


def _empty(counts):
    """The classes without a sample; none of them in a split that shows no brand of the set at all."""
    empty = [name for name, count in counts.items() if not count]
    return empty if len(empty) < len({*counts} - {NONE}) else []


def _outside(datasets, places, sizes):
    """Place to a text that names its boxes that reach beyond the photo."""
    found = defaultdict(dict)
    for dataset in datasets.values():
        for path, boxes in zip(dataset.paths, dataset.boxes, strict=True):
            height, width = sizes[places[path]].tolist()
            for box in boxes.tolist() if height else ():
                if min(box[:2]) < -_BEYOND or box[2] > height + _BEYOND or box[3] > width + _BEYOND:
                    found[places[path]]["({:g}, {:g}, {:g}, {:g})".format(*box)] = None
    return {place: f"{_size(sizes[place])}, (y0, x0, y1, x1) = {', '.join(boxes)}" for place, boxes in found.items()}


def _size(size):
    return f"{size[1]} x {size[0]} px"
