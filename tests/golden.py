"""The recipe of the reference values' inputs; tests/data/README.md says where the values come from."""

from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"


def normal(seed, shape, scale=1.0):
    """Numbers that numpy's frozen generator gives, float32."""
    return (np.random.RandomState(seed).standard_normal(shape) * scale).astype(np.float32)


def load(name):
    """The arrays of a reference file, by key."""
    with np.load(DATA / f"{name}.npz") as file:
        return dict(file)


def image():
    """The photograph of the reference values, float32 `[2, 448, 448, 3]`, 0..1."""
    return np.random.RandomState(2).uniform(size=(2, 448, 448, 3)).astype(np.float32)
