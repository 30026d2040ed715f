"""Embeddings that are not of this package, beside which the benchmarks measure its own: ImageNet features, and ONNX files."""

from pathlib import Path

import numpy as np

from logo_keras.extras import require
from logo_keras.image.preprocessing import fit

# px of the squares from which they are computed; no row reads larger ones.
SIDE = 256
# Images at once.
BATCH = 50
# OpenAI's CLIP, clip/clip.py: the normalisation of images in 0..1.
CLIP_MEAN, CLIP_STD = "0.4815,0.4578,0.4082", "0.2686,0.2613,0.2758"


def define_others(flags, size=224):
    flags.integer("imagenet_size", size, "px, side of the images that the ImageNet features see; 0 leaves that row out.", 0)
    flags.multi_string("foreign", None, "An .onnx file of others with one image as input and a vector as its first output.")
    flags.list("foreign_mean", CLIP_MEAN, "What it subtracts from images in 0..1, a number a channel.")
    flags.list("foreign_std", CLIP_STD, "What it divides them by then.")


def others(flags):
    """Yields the name of each, a function from uint8 images `[n, s, s, 3]` to embeddings `[n, D]`, and the best s, px."""
    if flags.imagenet_size:
        yield f"ImageNet features, {flags.imagenet_size} px", imagenet(flags.imagenet_size), flags.imagenet_size
    for path in map(Path, flags.foreign or ()):
        mean, std = (np.float32([float(number) for number in values]) for values in (flags.foreign_mean, flags.foreign_std))
        yield path.name, foreign(path, mean, std), SIDE


def imagenet(size):
    """The mean of the last map of EfficientNet-Lite0 with ImageNet weights."""
    from logo_keras.backbones import backbone

    value = backbone("efficientnet_lite0")

    def embed(crops):
        found = []
        for first in range(0, len(crops), BATCH):
            images = np.stack([fit(crop, size) for crop in crops[first : first + BATCH]])
            maps = value.model(value.preprocessing(images.astype(np.float32)), training=False)
            found.append(np.asarray(maps).mean(axis=(1, 2)))
        return np.concatenate(found)

    return embed


def foreign(path, mean, std):
    """An ONNX file of others: images `[1, 3, S, S]` or `[1, S, S, 3]`, normalised; S as the file says, else 224 px."""
    session = require("onnxruntime", "onnx").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0]
    first = given.shape[1] == 3
    size = given.shape[2] if isinstance(given.shape[2], int) else 224

    def embed(crops):
        rows = []
        for crop in crops:
            image = ((fit(crop, size) / np.float32(255) - mean) / std)[None]
            image = image.transpose(0, 3, 1, 2) if first else image
            rows.append(np.ravel(session.run(None, {given.name: np.ascontiguousarray(image, np.float32)})[0]))
        return np.stack(rows)

    return embed
