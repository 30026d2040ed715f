"""How well a model knows, while it is trained, brands that it does not learn from."""

import keras
import numpy as np

from logo_keras.evaluation.retrieval import auroc, retrieve
from logo_keras.report.progress import progress

# Some 1,000 marks and 250 backgrounds: a share of the marks is known within 3 points (95 %).
_BATCHES, _BATCH_SIZE = 20, 64
# Some 300 scenes with 500 marks: a share of the marks is known within 4 points (95 %).
_SCENE_BATCHES, _SCENES = 20, 16


class ScoreMarks(keras.callbacks.Callback):
    """Adds to the figures of every epoch, on the same samples each time: `val_r1`, the share of marks whose nearest other
    sample is of their brand, and `val_auroc`, the chance that a mark's objectness is above that of a background.

    Args:
        marks: Marks of brands that are not trained.
    """

    def __init__(self, marks):
        super().__init__()
        self.marks = marks

    def on_epoch_end(self, epoch, logs=None):
        # Drawn anew each time, the same ones: kept, they would take 250 MB at 128 px.
        batches = self.marks.batches(_BATCH_SIZE, self.model.image_size, seed=0)
        embeddings, objectness, labels = [], [], []
        number_of_batches = min(_BATCHES, len(batches))
        for number in progress(range(number_of_batches), "scoring marks", number_of_batches):
            images, truth = batches.batch(0, number)
            seen = self.model.predict_on_batch(images)
            embeddings.append(seen["embedding"])
            objectness.append(seen["objectness"])
            labels.append(truth)
        embeddings, objectness, labels = map(np.concatenate, (embeddings, objectness, labels))
        marks = labels < self.marks.num_classes
        logs["val_r1"] = retrieve(embeddings[marks], labels[marks]).r1
        logs["val_auroc"] = auroc(objectness[marks], objectness[~marks])


class ScoreScenes(keras.callbacks.Callback):
    """Adds to the figures of every epoch those of a detector on scenes, the same each time: `val_loss` and its parts;
    `val_recall`, the share of the marks that its best eight regions find; and `val_auroc`, the chance that a scene with a mark
    has a higher best score than one without.

    Args:
        marks: Marks of brands that are not trained.
    """

    def __init__(self, marks):
        super().__init__()
        self.marks = marks

    def on_epoch_end(self, epoch, logs=None):
        scenes = self.marks.scenes(_SCENES, self.model.whole_size, seed=0, steps=_SCENE_BATCHES)
        said = [_SayProgress("scoring scenes", len(scenes))]
        figures = self.model.evaluate(scenes, verbose=0, return_dict=True, callbacks=said)
        logs.update({f"val_{name}": value for name, value in figures.items()})


class _SayProgress(keras.callbacks.Callback):
    """`progress` of an evaluation."""

    def __init__(self, what, steps):
        super().__init__()
        self.steps = iter(progress(range(steps), what, steps))

    def on_test_begin(self, logs=None):
        next(self.steps, None)

    def on_test_batch_end(self, batch, logs=None):
        # Ends with the last batch, since one was asked for before the first.
        next(self.steps, None)
