"""What tests of the formats look at in a Dataset."""

import numpy as np


def summary(dataset):
    """File name, brand (None for no brand of the set) and boxes of every sample, in thousandths of a px."""
    brands = [dataset.class_names[label] if label >= 0 else None for label in dataset.labels]
    boxes = [np.round(each, 3).tolist() for each in dataset.boxes]
    return [(path.rsplit("/", 1)[1], *each) for path, *each in zip(dataset.paths, brands, boxes, strict=True)]
