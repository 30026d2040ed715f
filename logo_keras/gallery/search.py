"""Exact search: the best reference of every brand, in blocks, also in vectors that lie in a file."""

import numpy as np

# References that are compared at a time: 32 MiB of vectors of 256, so that a file of any size needs no more memory.
_ROWS = 2**15


def best_of_brands(vectors, starts, queries):
    """The largest cosine that a reference of each brand has with each query.

    Args:
        vectors: float32 `[n, D]`, of length 1, the references of a brand side by side; may be mapped from a file.
        starts: int `[B]`, the row in which the references of each brand begin, ascending from 0.
        queries: float32 `[q, D]`, of length 1.

    Returns:
        float32 `[B, q]`.
    """
    vectors, queries = np.asarray(vectors), np.ascontiguousarray(queries, np.float32)
    best = np.full((len(starts), len(queries)), -np.inf, np.float32)
    for first in range(0, len(vectors), _ROWS):
        stop = min(first + _ROWS, len(vectors))
        low, high = np.searchsorted(starts, first, "right") - 1, np.searchsorted(starts, stop, "left")
        # A brand may have begun in the block before.
        cuts = np.maximum(starts[low:high] - first, 0)
        block = vectors[first:stop]
        if len(queries) == 1:
            part = np.maximum.reduceat(block @ queries[0], cuts)[:, None]
        else:
            part = np.maximum.reduceat(block @ queries.T, cuts, axis=0)
        np.maximum(best[low:high], part, out=best[low:high])
    return best


def similarities(vectors, starts, queries, background_vectors):
    """How alike each brand is to each query: its largest cosine minus the largest one to a background.

    Args:
        vectors, starts, queries: as for `best_of_brands`.
        background_vectors: float32 `[G, D]`, of length 1, or None.

    Returns:
        float32 `[B, q]`.
    """
    return best_of_brands(vectors, starts, queries) - nearest_background(queries, background_vectors)


def nearest_background(queries, background_vectors):
    """The largest cosine that a background has with each query: float32 `[q]`, 0 where an embedding knows no backgrounds."""
    if background_vectors is None:
        return np.zeros(len(queries), np.float32)
    return (queries @ background_vectors.T).max(1)
