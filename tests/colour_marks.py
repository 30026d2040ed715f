"""What an embedder learns in tests, in place of Marks: squares of a brand's colour on grey, and grey alone as background."""

import numpy as np

from logo_keras.datasets.batches.photo_batches import PhotographBatches


class ColourMarks:
    """Brands that are colours; has what training asks of `lk.datasets.marks.Marks`."""

    def __init__(self, colours=((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))):
        self.colours = colours
        self.class_names = tuple(f"brand {number}" for number in range(len(colours)))
        self.num_classes = len(colours)
        self.labels = np.arange(self.num_classes)

    def __len__(self):
        return self.num_classes

    def fingerprint(self, of_scenes=False):
        return {"marks": self.num_classes, "num_classes": self.num_classes, "class_names": str(self.colours)}

    def batches(self, batch_size, image_size, seed=0, steps=4, first_epoch=0):
        return PhotographBatches(_Source(self, image_size, seed, steps * batch_size), batch_size, first_epoch, steps)


class _Source:
    target = np.int64(0)

    def __init__(self, marks, image_size, seed, number):
        self.marks, self.image_size, self.seed, self.number = marks, image_size, seed, number
        self.num_classes = marks.num_classes + 1

    def __len__(self):
        return self.number

    def plan(self, epoch):
        return None

    def sample(self, epoch, plan, position):
        rng, size = np.random.default_rng([self.seed, epoch, position]), self.image_size
        image = np.full((size, size, 3), rng.integers(90, 160), np.uint8)
        # A fifth is backgrounds.
        label = self.marks.num_classes if position % 5 == 4 else int(rng.integers(self.marks.num_classes))
        if label < self.marks.num_classes:
            side = rng.integers(size // 3, size // 2)
            y, x = rng.integers(0, size - side, 2)
            image[y : y + side, x : x + side] = self.marks.colours[label]
        noise = rng.normal(0, 4, image.shape)
        return np.clip(image + noise, 0, 255).astype(np.uint8), label

    def finish(self, images, labels, epoch, number):
        return images, labels
