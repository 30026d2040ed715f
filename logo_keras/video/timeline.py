"""When, how long and how large brands are seen: from what was seen in each frame to the figures of a timeline."""

from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Sighting:
    """A brand at a place of a frame.

    Attributes:
        label: str.
        similarity: float, or what else says how sure it is; the higher the better.
        box: four floats `(y0, x0, y1, x1)`, px of the upright frame; None where it was not found out.
    """

    label: str
    similarity: float
    box: tuple | None


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in a frame.

    Attributes:
        start: float, s. It stands for the time until the next look.
        size: two int, height and width, px.
        sightings: tuple of Sighting, best first.
    """

    start: float
    size: tuple
    sightings: tuple


@dataclass(frozen=True)
class Appearance:
    """A brand in a run of frames, each of which shows it.

    Attributes:
        start, end: float, s.
        best: float, s, the frame in which it is surest.
        similarity: float, there.
        share: float, of the picture, that its boxes cover on average; None where no place is known.
    """

    start: float
    end: float
    best: float
    similarity: float
    share: float | None


@dataclass(frozen=True)
class Exposure:
    """How much of a brand a video shows.

    Attributes:
        label: str.
        seconds: float, in which it is seen.
        share_of_time: float, of what was watched.
        share_while_seen: float, of the picture, that its boxes cover while it is seen, on average; in one frame what boxes
            have in common counts once, and frames in which no place is known do not count. None where none is known at all.
        share_of_picture: float, likewise, on average over all that was watched; frames in which no place is known add nothing.
        appearances: tuple of Appearance.
    """

    label: str
    seconds: float
    share_of_time: float
    share_while_seen: float | None
    share_of_picture: float | None
    appearances: tuple


@dataclass(frozen=True)
class Timeline:
    """What a video shows.

    Attributes:
        video: str, its path.
        seconds: float, how long it was watched; the whole video where it is complete.
        every: float, s between two frames.
        complete: bool, whether it was watched to its end.
        size: two int, height and width of its first frame, px, upright.
        notes: tuple of str, what a report must say.
        brands: tuple of Exposure, the longest seen first.
        looks: tuple of Look.
    """

    video: str
    seconds: float
    every: float
    complete: bool
    size: tuple
    notes: tuple
    brands: tuple
    looks: tuple

    def to_dict(self):
        """The same as strings, floats, lists and dicts, for JSON; each look is a frame with its own end."""
        frames = [
            {"start": look.start, "end": end, "matches": [asdict(sighting) for sighting in look.sightings]}
            for look, end in zip(self.looks, ends(self.looks, self.seconds), strict=True)
        ]
        said = {name: value for name, value in vars(self).items() if name != "looks"}
        return said | {"brands": [asdict(brand) for brand in self.brands], "frames": frames}


def sightings(matches, size):
    """What a gallery recognized in a frame. The box of the whole frame says nothing of the place.

    Args:
        matches: iterable of `lk.gallery.Match`.
        size: two int, height and width of the frame, px.

    Returns:
        list of Sighting.
    """
    found = []
    for match in matches:
        box = tuple(map(float, match.box))
        found.append(Sighting(match.label, match.similarity, None if box == (0, 0, *size) else box))
    return found


def exposures(looks, seconds):
    """How much of each brand is seen.

    Args:
        looks: list of Look, in the order of time.
        seconds: float, s, when the last one ends.

    Returns:
        tuple of Exposure, the longest seen first, of equal ones by their names.
    """
    runs = {}
    for number, look in enumerate(looks):
        for label in dict.fromkeys(sighting.label for sighting in look.sightings):
            mine = runs.setdefault(label, [])
            if not mine or mine[-1][-1] != number - 1:
                mine.append([])
            mine[-1].append(number)
    until = ends(looks, seconds)
    found = [_exposure(label, mine, looks, until, seconds) for label, mine in runs.items()]
    return tuple(sorted(found, key=lambda brand: (-brand.seconds, brand.label)))


def ends(looks, seconds):
    """When each look ends, where the next begins: list of float, s."""
    return [*(look.start for look in looks[1:]), seconds][: len(looks)]


def covered(boxes, size):
    """The share of a picture that boxes cover together; what several cover counts once, what lies outside not at all.

    Args:
        boxes: list of `(y0, x0, y1, x1)`, px, one at least.
        size: two int, height and width of the picture, px.

    Returns:
        float, 0 to 1.
    """
    height, width = size
    boxes = np.clip(np.float64(boxes).reshape(-1, 4), 0, (height, width, height, width))
    # Between two neighbouring edges of boxes, everything or nothing is covered.
    rows, columns = np.unique(boxes[:, ::2]), np.unique(boxes[:, 1::2])
    cells = np.zeros((len(rows) - 1, len(columns) - 1), bool)
    down, across = np.searchsorted(rows, boxes[:, ::2]), np.searchsorted(columns, boxes[:, 1::2])
    for (top, bottom), (left, right) in zip(down, across, strict=True):
        cells[top:bottom, left:right] = True
    return float(np.diff(rows) @ cells @ np.diff(columns)) / (height * width)


def share(look, label):
    """The share of a frame that the boxes of a brand cover: float; None where no place is known."""
    boxes = [sighting.box for sighting in look.sightings if sighting.label == label and sighting.box is not None]
    return covered(boxes, look.size) if boxes else None


def _exposure(label, runs, looks, until, seconds):
    """The figures of a brand, seen in some runs of looks, lists of their numbers: Exposure."""
    appearances, lengths, shares = [], [], []
    for run in runs:
        seen = [looks[number] for number in run]
        took = [until[number] - looks[number].start for number in run]
        parts = [share(look, label) for look in seen]
        surest = max(seen, key=lambda look: _similarity(look, label))
        end, similarity = until[run[-1]], _similarity(surest, label)
        appearances.append(Appearance(seen[0].start, end, surest.start, similarity, _mean(parts, took)))
        lengths += took
        shares += parts
    mean = _mean(shares, lengths)
    area = sum((part or 0) * length for part, length in zip(shares, lengths, strict=True))
    time = sum(lengths)
    overall = None if mean is None else area / seconds
    return Exposure(label, round(time, 6), time / seconds, mean, overall, tuple(appearances))


def _similarity(look, label):
    return max(sighting.similarity for sighting in look.sightings if sighting.label == label)


def _mean(values, weights):
    """The weighted mean of those values that are known; None where none is."""
    known = [(value, weight) for value, weight in zip(values, weights, strict=True) if value is not None]
    return sum(value * weight for value, weight in known) / sum(weight for _, weight in known) if known else None
