"""The page of a timeline: of each brand how long and how large it is seen, when, and pictures of it (extra `[report]`)."""

import math
from pathlib import PurePath

from logo_keras.report.html import render
from logo_keras.video.reader import clock
from logo_keras.video.watching import SIDE

# A page of so many pictures has about 3 MB; the brands that are seen longest come first.
_PICTURES = 240
# Columns of a bar: no page grows with the number of appearances.
COLUMNS = 1000


def page(timeline, pictures):
    """Draws a timeline.

    Args:
        timeline: Timeline, as `watch` gives it.
        pictures: dict from `(label, start)` to bytes, likewise.

    Returns:
        bytes, HTML in UTF-8, complete in itself.

    Raises:
        ImportError: naming the extra, if jinja2 is not installed.
    """
    rows, left = [], _PICTURES
    for brand in timeline.brands:
        kept = [(each, pictures[brand.label, each.start]) for each in brand.appearances if (brand.label, each.start) in pictures]
        rows.append((brand, bars(brand.appearances, timeline.seconds), kept[:left]))
        left -= len(kept[:left])
    return render(
        "video.html",
        title=f"Brands in {PurePath(timeline.video).name}",
        timeline=timeline,
        notes=[note[:1].upper() + note[1:] for note in timeline.notes],
        brands=rows,
        columns=COLUMNS,
        clock=clock,
        width=round(timeline.size[1] * min(1, SIDE / max(timeline.size))),
    )


def bars(appearances, seconds):
    """Where a bar is filled: appearances in columns, of which each is filled where a part of it is.

    Args:
        appearances: iterable of Appearance, in the order of time.
        seconds: float, the whole bar.

    Returns:
        list of two int, the first column and how many; none touch.
    """
    runs = []
    for each in appearances:
        # Rounded first: 0.6 s of 0.8 s is column 750, not 749.
        first, end = (round(time / seconds * COLUMNS, 6) for time in (each.start, each.end))
        first = min(COLUMNS - 1, int(first))
        end = min(COLUMNS, max(first + 1, math.ceil(end)))
        if runs and first <= runs[-1][1]:
            runs[-1][1] = end
        else:
            runs.append([first, end])
    return [(first, end - first) for first, end in runs]
