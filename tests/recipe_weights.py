"""Weights and images of network.npz and zoo.npz, from numpy's frozen generator (tests/data/README.md)."""

import ast

import golden
import numpy as np

ZOO = ("alexnet", "vgg16", "resnet50", "resnet152", "googlenet")


def entries(names, shapes, scale=(0.5, 0.8)):
    """A checkpoint in PyTorch's layout, by name; entry i is drawn from seed 1000 + i.

    Args:
        names: n str.
        shapes: n str, sizes joined by commas, with or without brackets.
        scale: range of the batch norm scales.
    """
    found = {}
    for number, (name, text) in enumerate(zip(map(str, names), map(str, shapes), strict=True)):
        inside = text.strip("() ,")
        shape = ast.literal_eval(f"({inside},)") if inside else ()
        random = np.random.RandomState(1000 + number)
        if name.endswith("num_batches_tracked"):
            value = np.zeros(shape, np.int64)
        elif name.endswith("running_mean") or name.endswith("bias"):
            value = random.standard_normal(shape) * 0.1
        elif name.endswith("running_var"):
            value = random.uniform(0.5, 1.5, shape)
        elif len(shape) == 1:
            value = random.uniform(*scale, shape)
        else:
            value = random.standard_normal(shape)
            value *= np.sqrt(2 / np.prod(shape[1:]))
        found[name] = value if value.dtype == np.int64 else np.asarray(value, np.float32)
    return found


def images(cells, size):
    """Two normalised images of `size` px: coarse squares, `cells` a side, and fine noise. Float32 `[2, size, size, 3]`."""
    side = size // cells
    coarse = np.kron(np.random.RandomState(5).uniform(size=(2, cells, cells, 3)), np.ones((1, side, side, 1)))
    fine = 0.1 * np.random.RandomState(6).uniform(size=(2, size, size, 3))
    return ((coarse + fine).astype(np.float32) - 0.5) / 0.25


def zoo(name):
    """Entries of a network of zoo.npz, and its logits `[2, 1000]`."""
    reference = golden.load("zoo")
    found = entries(reference[f"{name}_names"], reference[f"{name}_shapes"], reference[f"{name}_scale"])
    return found, reference[f"{name}_logits"]


def pixels(normalized, normalize):
    """What a `Normalize` layer turns into these normalised images; float32."""
    return (normalized * np.float64(normalize.std) + np.float64(normalize.mean)).astype(np.float32)


def zoo_pixels(model):
    """The images of zoo.npz as pixels for a model, `[2, 224, 224, 3]`."""
    return pixels(images(7, 224), model.normalize)
