"""Pictures of photos, answers, models and runs: uint8 RGB `[H, W, 3]`, legible on a phone and in colour blindness.

Those of `logo_keras.image.draw` need NumPy and OpenCV alone; all others matplotlib too (extra `[report]`).
"""

from logo_keras.extras import lazily
from logo_keras.image.draw import (
    REGION_COLORS,
    contact_sheet,
    cut,
    draw_boxes,
    draw_matches,
    draw_recognition,
    draw_regions,
    encoded,
    framed,
    scaled,
)

# Public name: the module that has it. None is called as a module: that would take its place once it is imported.
_HOMES = {
    "answers": "photos",
    "curves": "history",
    "embedding_map": "embeddings",
    "failures": "photos",
    "localised_regions": "regions",
    "ranking": "agreement",
    "save": "sheet",
}

__all__ = [
    "REGION_COLORS",
    "answers",
    "contact_sheet",
    "curves",
    "cut",
    "draw_boxes",
    "draw_matches",
    "draw_recognition",
    "draw_regions",
    "embedding_map",
    "encoded",
    "failures",
    "framed",
    "localised_regions",
    "ranking",
    "save",
    "scaled",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)
