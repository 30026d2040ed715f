"""What a run should be told of its photos before it begins: brands of which it can learn little, figures that would mislead."""

import numpy as np

from logo_keras.datasets.classes import listed

# Ratio of the most to the fewest photos of a brand from which on balancing is suggested. By choice: charts of brands turn to a
# logarithmic scale there.
_UNEQUAL = 30


def spread(labels):
    """How many photos the classes have: the fewest, the median and the most, of those that have one.

    Args:
        labels: int `[n]`; -1 counts for none.

    Returns:
        Three numbers, zeros where there are none.
    """
    labels = np.asarray(labels)
    counts = np.unique(labels[labels >= 0], return_counts=True)[1]
    return (int(counts.min()), float(np.median(counts)), int(counts.max())) if counts.size else (0, 0.0, 0)


def remarks(training, validation=None, balance=0.0):
    """Says what is odd about the photos of a run.

    Args:
        training: Dataset.
        validation: Dataset, or None.
        balance: float, as in `Config`.

    Returns:
        list of str, a sentence each; empty where nothing is odd.
    """
    counts = {name: count for name, count in training.counts.items() if count}
    found = []
    if empty := training.empty_classes:
        found.append(f"of {_brands(empty)} there is no photo to learn from: the model will be wrong about them.")
    # Fewer than two a brand.
    if len(counts) > sum(counts.values()) / 2:
        few = f"{sum(counts.values())} photos of {len(counts)} brands are hardly enough to learn from"
        found.append(f"{few}; a gallery names brands from a photo or their artwork alone, without training (logo-gallery).")
    if single := [name for name, count in counts.items() if count == 1]:
        found.append(f"of {_brands(single)} there is a single photo: the model learns that photo, and nothing can tell how well.")
    if len(counts) > 1 and not balance:
        fewest, most = min(counts, key=counts.get), max(counts, key=counts.get)
        if counts[most] > _UNEQUAL * counts[fewest]:
            pair = f"{fewest!r} has {counts[fewest]} of the photos and {most!r} {counts[most]}"
            found.append(f"{pair}: small brands are easily never named. --balance 0.5 shows them more often.")
    return found + ([] if validation is None else _of_validation(counts, validation))


def _of_validation(counts, validation):
    scored = {name: count for name, count in validation.counts.items() if count}
    found = []
    if unknown := [name for name in scored if name not in counts]:
        photos = sum(scored[name] for name in unknown)
        found.append(f"{photos} validation photos show {_brands(unknown)} of which there is none to learn from: always wrong.")
    if len(scored) == 1 and len(counts) > 1:
        name = next(iter(scored))
        found.append(f"all validation photos show {name!r}: a model that always answers it scores 100 %.")
    return found


def _brands(names):
    return f"{len(names)} brand{'s' * (len(names) > 1)} ({listed(names)})"
