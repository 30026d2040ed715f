"""A data set whose epochs are numbered on from where a run stopped."""


class NumberedEpochs:
    """What `fit` of this package's models takes instead of a Dataset, with the epochs that a resumed run is to see.

    The order of the photographs and their augmentation depend on the seed and on the number of the epoch.

    Args:
        dataset: Dataset.
        first: int, number of the first epoch, counted from 0.
        strict: bool, whether an unreadable photograph stops the run.
    """

    def __init__(self, dataset, first=0, strict=False):
        self.dataset = dataset
        self.first = first
        self.strict = strict

    @property
    def class_names(self):
        return self.dataset.class_names

    @property
    def labels(self):
        return self.dataset.labels

    def __len__(self):
        return len(self.dataset)

    def batches(self, batch_size, image_size, training=False, **options):
        """`Dataset.batches`, whose first iteration is epoch `first` in training."""
        first = self.first if training else 0
        return self.dataset.batches(batch_size, image_size, training, strict=self.strict, first_epoch=first, **options)
