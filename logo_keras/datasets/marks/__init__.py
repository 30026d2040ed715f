"""Brand marks with free licences, drawn on scenes: what the logo embedding learns from."""

from logo_keras.extras import lazily

__all__ = ["Marks", "background_crop", "contact_sheet", "mark_crop", "scene", "scenes_sheet"]
__getattr__, __dir__ = lazily(
    __name__,
    {
        "Marks": "dataset",
        "background_crop": "crops",
        "contact_sheet": "dataset",
        "mark_crop": "crops",
        "scene": "scenes",
        "scenes_sheet": "dataset",
    },
)
