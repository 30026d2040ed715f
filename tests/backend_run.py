"""Runs small models on the backend of KERAS_BACKEND and prints what they gave: python backend_run.py WEIGHTS_FOLDER.

The first run, on TensorFlow, leaves its weights in the folder; the others start from them.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from tiny import tiny_backbone

import logo_keras as lk

REGIONS = {"region_size": 32, "num_proposals": 3, "num_regions": 2, "whole_size": 64, "antialias": True, "navigator_stride": 16}
MODELS = {
    "classifier": (lk.Classifier, {}),
    "nts_net": (lk.NTSNet, REGIONS),
    "drna_net": (lk.DRNANet, REGIONS),
    "embedder": (lk.LogoEmbedder, {"dimensions": 8, "pooling": "gem"}),
    "detector": (lk.LogoDetector, {"whole_size": 96, "region_size": 32, "num_regions": 3, "filters": 8}),
    "random_regions": (lk.NTSNet, REGIONS | {"navigation": "random"}),
}


def all_on(folder, images, labels):
    """The history of a classifier that is trained with averages, added-up gradients and rates of blocks; of the averages too."""
    model = lk.Classifier(num_classes=3, image_size=96, backbone=tiny_backbone(finest=8), weights=None, dropout=0.0)
    model.load_weights(folder / "classifier.weights.h5")
    schedule = lk.optimizers.WarmupCosine(1e-2)
    averages = {"use_ema": True, "ema_momentum": 0.5}
    model.compile(lk.optimizers.HeadsFirstAdamW(schedule, layer_decay=0.5, gradient_accumulation_steps=2, **averages))
    callbacks = [lk.optimizers.AveragedWeights(), lk.training.EarlyStopping(3)]
    options = {"validation_data": (images, labels), "shuffle": False, "verbose": 0, "callbacks": callbacks}
    history = model.fit(images, labels, batch_size=1, epochs=3, **options).history
    answers = model.predict(images, verbose=0)["probabilities"]
    return history | {"left_loss": [float(value) for value in -np.log(answers[np.arange(6), labels])]}


def main(folder):
    keras.utils.set_random_seed(0)
    images = np.random.RandomState(0).uniform(0, 255, (6, 96, 96, 3)).astype(np.float32)
    labels = np.arange(6) % 3
    found = {}
    for name, (cls, options) in MODELS.items():
        of_the_data, truth = {"num_classes": 3}, labels
        if name == "detector":
            of_the_data = {"embedder": lk.LogoEmbedder(num_classes=3, image_size=32, backbone=tiny_backbone(), weights=None)}
            truth = {"boxes": np.tile(np.float32([8, 8, 40, 56]), (6, 2, 1)), "labels": np.stack([labels, labels - 1], axis=1)}
        backbone = tiny_backbone(finest=8)
        model = cls(**of_the_data, image_size=96, backbone=backbone, weights=None, dropout=0.0, **options)
        file = folder / f"{name}.weights.h5"
        if file.exists():
            model.load_weights(file)
        else:
            model.save_weights(file)
        model.compile(optimizer=keras.optimizers.SGD(1e-3))
        output = {"embedder": "embedding", "detector": "region_embeddings"}.get(name, "probabilities")
        found[name] = {
            "evaluate": model.evaluate(images, truth, batch_size=3, verbose=0, return_dict=True),
            "answers": model.predict(images, verbose=0)[output].tolist(),
            "fit": model.fit(images, truth, batch_size=3, epochs=2, shuffle=False, verbose=0).history,
        }
    found["all settings on"] = {"fit": all_on(folder, images, labels)}
    print(json.dumps({"backend": keras.backend.backend(), "models": found}, default=float))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
