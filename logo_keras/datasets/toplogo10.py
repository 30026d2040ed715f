"""TopLogo-10: 700 photographs of ten clothing brands, small logos (Su, Zhu and Gong, WACV 2017)."""

from pathlib import Path

from logo_keras.datasets.dataset import Dataset
from logo_keras.datasets.textfile import contents, read_lines

SPLITS = {
    "train40": "40_images_per_class_train.txt",
    "test30": "30_images_per_class_test.txt",
    "train10": "10_images_per_class_train.txt",
    "test60": "60_images_per_class_test.txt",
    None: "all.txt",
}


def load(root, split=None):
    """Opens TopLogo-10 in its official layout: `jpg/`, `masks/`, `ImageSets/`.

    Classes are the folders of `jpg/`; the lists name photographs without folder and suffix, in another letter case
    (`Gucci1` lies in `gucci/`).

    Args:
        root: str or path of the folder that holds the three.
        split: str, "train40" and "test30" (40 and 30 photographs a class), "train10" and "test60", or None for all 700.

    Returns:
        Dataset with boxes, in the order of the official list.

    Raises:
        FileNotFoundError: if a folder or list is missing.
        ValueError: for an unknown split, a name without a photograph, or a line of boxes that cannot be read.
    """
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(filter(None, SPLITS))} or None, got {split!r}.")
    root = Path(root)
    photographs = root / "jpg"
    if not photographs.is_dir():
        raise FileNotFoundError(f"{root} is no TopLogo-10, it has no folder jpg; {contents(root)}.")
    files = {path.stem: path for path in photographs.glob("*/*.*") if not path.name.startswith(".")}
    names = sorted(entry.name for entry in photographs.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    paths, labels, boxes = [], [], []
    listed = root / "ImageSets" / SPLITS[split]
    for number, line in read_lines(listed):
        path = files.get(line.strip())
        if path is None:
            raise ValueError(f"{listed}:{number}: there is no photograph {line.strip()!r} in {photographs}.")
        paths.append(path)
        labels.append(names.index(path.parent.name))
        boxes.append(_boxes(root / "masks" / path.parent.name / f"{path.stem}.jpg.bboxes.txt"))
    return Dataset(paths=paths, labels=labels, class_names=names, boxes=boxes)


def _boxes(file):
    """The boxes of a photograph: lines `x y width height` become `(y0, x0, y1, x1)`."""
    boxes = []
    for number, line in read_lines(file):
        try:
            x, y, width, height = map(float, line.split())
        except ValueError:
            raise ValueError(f"{file}:{number}: expected x y width height, got {line!r}.") from None
        if width > 0 and height > 0:
            boxes.append((y, x, y + height, x + width))
    return boxes
