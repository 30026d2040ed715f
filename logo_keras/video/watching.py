"""Watching a video: every frame is looked at as it comes, and of each appearance of a brand a small picture is kept."""

import heapq
import itertools
import math

import numpy as np

from logo_keras.arguments import positive
from logo_keras.image.draw import draw_boxes, encoded, scaled
from logo_keras.report.progress import progress
from logo_keras.video.reader import clock
from logo_keras.video.timeline import Look, Timeline, exposures

# Pictures of a brand, of its longest appearances; about 10 kB each.
_PICTURES = 12
# px, longer side; and quality as JPEG.
SIDE, _QUALITY = 320, 82


def watch(video, see, every=1.0, notes=()):
    """Looks at a video from its beginning to its end, or until Ctrl-C is pressed.

    Args:
        video: Video.
        see: function from a frame, uint8 RGB `[H, W, 3]`, to an iterable of Sighting, best first.
        every: float, s between two frames.
        notes: iterable of str, what else a report must say.

    Returns:
        Timeline; and a dict from `(label, start)` of an appearance to its best frame, bytes of a JPEG of up to 320 px with the
        boxes of the brand, for the twelve longest appearances of each.

    Raises:
        UnreadableVideo: if no frame can be decoded.
        ValueError: if `every` is no number above 0.
        KeyboardInterrupt: if no frame had been looked at by then.
    """
    positive("every", every)
    looks, pictures, complete = [], _Pictures(), False
    total = math.ceil(video.promised / every) if video.promised else None
    try:
        for start, frame in progress(video.frames(every), "watching", total):
            looks.append(Look(start, frame.shape[:2], tuple(see(frame))))
            pictures.take(looks[-1], frame)
        complete = True
    except KeyboardInterrupt:
        if not looks:
            raise
    # Where it was stopped, the last look stands for its own time, not for what was read since.
    seconds = round(video.seconds if complete else min(video.seconds, looks[-1].start + every), 6)
    notes = [*notes, *video.notes(complete)]
    if not complete:
        of = f" of {clock(video.promised)}" if video.promised else ""
        notes.insert(0, f"stopped by hand after {clock(seconds)}{of}: what follows is of that part alone.")
    brands = exposures(looks, seconds)
    timeline = Timeline(video.path, seconds, every, complete, looks[0].size, tuple(notes), brands, tuple(looks))
    return timeline, pictures.all(seconds)


class _Pictures:
    """The best frame of each appearance, small, as frames come; of a brand those of its longest appearances."""

    def __init__(self):
        # Label to start, similarity and picture of the appearance that goes on.
        self._open = {}
        # Label to a heap of length, number, start and picture of those that have ended.
        self._closed, self._numbers = {}, itertools.count()

    def take(self, look, frame):
        """Looks at the next frame."""
        best = {}
        for sighting in look.sightings:
            best[sighting.label] = max(sighting.similarity, best.get(sighting.label, -math.inf))
        for label in self._open.keys() - best:
            self._close(label, look.start)
        small = None
        for label, similarity in best.items():
            start, highest, _ = self._open.get(label, (look.start, -math.inf, None))
            if similarity > highest:
                factor = min(1.0, SIDE / max(look.size))
                small = scaled(frame, factor) if small is None else small
                boxes = [each.box for each in look.sightings if each.label == label and each.box is not None]
                picture = encoded(draw_boxes(small, np.float32(boxes) * factor), quality=_QUALITY)
                self._open[label] = (start, similarity, picture)

    def _close(self, label, end):
        start, _, picture = self._open.pop(label)
        heap = self._closed.setdefault(label, [])
        # Of equal ones the first stays.
        heapq.heappush(heap, (round(end - start, 3), -next(self._numbers), start, picture))
        if len(heap) > _PICTURES:
            heapq.heappop(heap)

    def all(self, end):
        """Those that are kept, once the last frame has been taken: dict from `(label, start)` to bytes."""
        for label in list(self._open):
            self._close(label, end)
        return {(label, start): picture for label, heap in self._closed.items() for _, _, start, picture in heap}
