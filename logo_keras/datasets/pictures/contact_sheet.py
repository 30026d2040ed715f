"""A contact sheet of a data set: a row a brand, a few photos of each, their boxes drawn."""

from dataclasses import dataclass
from itertools import islice

import numpy as np

from logo_keras.datasets.checking import in_threads
from logo_keras.datasets.statistics import examples, noun
from logo_keras.extras import cv2
from logo_keras.image.draw import framed, scaled
from logo_keras.image.preprocessing import UnreadablePhotograph
from logo_keras.report import lettering
from logo_keras.report.html import counted

# px: side of a photo, space between them, width of the names; Latin letters and lines that fit there.
_TILE, _GAP, _NAMES = 96, 6, 216
_LETTERS, _LINES, _LINE = 24, 3, 17
# As in logo_keras.image.draw; the faint letters are 4.5 times as bright as what lies behind them (WCAG 2.1, 1.4.3).
_DARK, _LIGHT, _FAINT, _GREY, _BOX = (27, 31, 36), (240, 243, 246), (145, 152, 161), (90, 96, 103), (230, 159, 0)


@dataclass(frozen=True)
class Sheet:
    """One page.

    Attributes:
        brands: list of str, from top to bottom.
        picture: uint8 RGB `[H, W, 3]`, or None if none of its photos can be read.
        unreadable: dict, path to reason, of the photos that it shows as a `?`.
    """

    brands: list
    picture: np.ndarray | None
    unreadable: dict


def contact_sheets(dataset, each=8, brands=40, seed=0):
    """Draws the photos of every brand that `logo_keras.datasets.statistics.examples` chooses.

    Args:
        dataset: Dataset.
        each: int, most photos a brand.
        brands: int, most brands a page.
        seed: int, 0 or more.

    Yields:
        Sheet, in the order of the classes. About a millisecond a photo of 500 px.
    """
    chosen = examples(dataset, each, seed)
    columns = max((len(samples) for _, _, samples in chosen), default=0)
    tiles = in_threads(lambda sample: _tile(dataset, sample), [i for *_, samples in chosen for i in samples], "contact sheet")
    for start in range(0, len(chosen), brands):
        page = chosen[start : start + brands]
        picture = np.full((_GAP + len(page) * (_TILE + _GAP), columns * (_TILE + _GAP), 3), _DARK, np.uint8)
        unreadable, shown = {}, 0
        for row, (_, _, samples) in enumerate(page):
            for column, (sample, tile) in enumerate(islice(tiles, len(samples))):
                if isinstance(tile, str):
                    unreadable[dataset.paths[sample]] = tile
                    tile = _unknown()
                else:
                    shown += 1
                y, x = _GAP + row * (_TILE + _GAP), column * (_TILE + _GAP)
                picture[y : y + _TILE, x : x + _TILE] = tile
        names = _names([(name, counted(total, noun(dataset))) for name, total, _ in page], len(picture)) if shown else None
        yield Sheet(
            brands=[name for name, _, _ in page],
            picture=np.concatenate([names, picture], axis=1) if shown else None,
            unreadable=unreadable,
        )


def _tile(dataset, sample):
    """The photo in the middle of a square, or str, why it cannot be read."""
    try:
        photo, boxes = dataset.shown(sample)
    except UnreadablePhotograph as error:
        return error.reason
    factor = _TILE / max(photo.shape[:2])
    small = scaled(photo, factor)
    last = np.tile(small.shape[:2], 2) - 1
    for y0, x0, y1, x1 in np.clip(np.round(boxes * factor), 0, last).astype(int).tolist():
        cv2.rectangle(small, (x0, y0), (x1, y1), _BOX, 1)
    return framed(small, _TILE, _TILE)


def _unknown():
    tile = np.full((_TILE, _TILE, 3), _GREY, np.uint8)
    cv2.putText(tile, "?", (_TILE // 2 - 12, _TILE // 2 + 14), cv2.FONT_HERSHEY_SIMPLEX, 1.3, _LIGHT, 2, cv2.LINE_AA)
    return tile


def _names(rows, height):
    """The column of names, each with a line in small letters below: uint8 RGB `[height, _NAMES, 3]`."""
    names = [lettering.wrapped(name, _LETTERS, _LINES) for name, _ in rows]
    texts = [line for lines in names for line in lines]
    with lettering.figure(_NAMES, height, texts, back=np.divide(_DARK, 255)) as figure:
        for row, (lines, (_, below)) in enumerate(zip(names, rows, strict=True)):
            # Lines lie in the middle of their row.
            y = _GAP + row * (_TILE + _GAP) + _TILE / 2 - _LINE * (len(lines) + 1) / 2 - 4
            for place, line in enumerate([*lines, below], 1):
                color, size = (_LIGHT, 10) if place <= len(lines) else (_FAINT, 9)
                at = (10 / _NAMES, 1 - (y + _LINE * place) / height)
                figure.text(*at, line, color=np.divide(color, 255), fontsize=size, va="baseline")
        return lettering.pixels(figure)
