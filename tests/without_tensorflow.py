"""Trains, scores and asks models where there is no TensorFlow, on the backend of KERAS_BACKEND.

Arguments: folder of photographs, folder of a run. Prints what came out as JSON.
"""

import importlib.abc
import json
import sys


class Blocked(importlib.abc.MetaPathFinder):
    """TensorFlow as if it were not installed."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Blocked())

import keras  # noqa: E402 - TensorFlow is blocked first
import numpy as np  # noqa: E402
from tiny import tiny_backbone, tiny_run  # noqa: E402

import logo_keras as lk  # noqa: E402
from logo_keras.training import train  # noqa: E402
from logo_keras.weights import model_card  # noqa: E402

SMALL = {"image_size": 64, "weights": None}
REGIONS = SMALL | {"region_size": 32, "num_proposals": 3, "num_regions": 2}


def main(photographs, out):
    dataset = lk.datasets.load("folder", photographs)
    found = {"backend": keras.backend.backend(), "batches": type(dataset.batches(4, 32)).__name__}
    for cls, options in ((lk.Classifier, SMALL), (lk.NTSNet, REGIONS)):
        model = cls(class_names=dataset.class_names, backbone=tiny_backbone(), **options)
        model.compile()
        losses = model.fit(dataset, batch_size=4, validation_data=dataset, verbose=0).history["loss"]
        if cls is lk.Classifier:
            losses += model.fit(dataset, batch_size=4, augment="mixup", balance=1, verbose=0).history["loss"]
        probabilities = model.predict(dataset, verbose=0)["probabilities"]
        results = model.evaluate(dataset, verbose=0, return_dict=True)
        right = (np.argmax(probabilities, -1) == dataset.labels).mean()
        found[cls.__name__] = {"loss": losses, "top1": results["top1"], "right": right}
    result = train(tiny_run(), dataset, out, validation=dataset, report=lambda line: None)
    found["run"] = [row["loss"] for row in result.history]
    found["packages"] = sorted(model_card.read(result.path)["packages"])
    assert "tensorflow" not in sys.modules
    print(json.dumps(found, default=float))


if __name__ == "__main__":
    main(*sys.argv[1:])
