"""How well a model, or an exported file, recognizes the photos of a data set."""

import dataclasses
import math
from collections import defaultdict

import numpy as np

from logo_keras.datasets.checking import in_threads
from logo_keras.errors import UserError
from logo_keras.files import json_bytes
from logo_keras.image.preprocessing import UnreadablePhotograph

# Of `Evaluation.to_dict`. 2: the confusion is a list of counts, a sample has a box.
SCHEMA_VERSION = 2
# Likeliest classes that are kept of a sample; top5 needs as many.
BEST = 5
# Two-sided 95 % of the normal distribution.
_Z = 1.959964
# Heads of which the own choice is kept, and their outputs.
_HEADS = {"fused": "fused_logits", "whole": "whole_logits"}
# Photos that are read while the model works on others.
_AHEAD = 64
_REGION_FIGURES = ("region_hit_rate", "region_hit_rate_any", "region_hit_rate_chance", "region_area")


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model said of n samples, and how often it was right. Shares are fractions 0..1.

    A sample is a photo, or, of a data set that was cut, the surroundings of one box. So a path may stand here many times.

    Attributes:
        class_names: tuple of N str.
        paths: tuple of n str, the photos of the samples that could be read, in the order of the data set.
        labels: int `[n]`, their true classes.
        probabilities: float32 `[n, N]`, or None where they were not kept.
        heads: dict from "fused" and "whole" to the class `[n]` that this head alone chooses; empty where the model does not
            tell them.
        region_boxes: float32 `[n, K, 4]`, `(y0, x0, y1, x1)` in px of the model's square image; None without regions.
        image_size: int S, px, side of that image.
        region_hit_rate: float, share of the photos with boxes of which the centre of a logo lies in the best region.
        region_hit_rate_any: float, share of which one lies in any of the K regions.
        region_hit_rate_chance: float, `region_hit_rate` if the best regions are dealt to other photos at random, the
            mean over all such pairs: what large regions, or regions in the middle, hit by themselves.
        region_area: float, mean share of the square image that the best region covers, clipped to the image.
            These four are None without regions, and the hit rates also where no boxes are known.
        unreadable: dict, path to reason, of the photos that were left out, or of which a sample was.
        boxes: None for whole photos, or float32 `[n, 4]`, the box of each sample, `(y0, x0, y1, x1)` in px of the
            photo.
        best: int `[n, min(5, N)]`, the likeliest classes, best first; of equal ones the first, as in `recognize`.
        best_probabilities: float32, theirs.
        ranks: int `[n]`, how many classes come before the true one.
            These three are made of `probabilities` where they are not given.

    Raises:
        ValueError: if they are not all of n samples, or there are neither probabilities nor what is made of them.
    """

    class_names: tuple
    paths: tuple
    labels: np.ndarray
    probabilities: np.ndarray | None
    heads: dict
    region_boxes: np.ndarray | None
    image_size: int
    region_hit_rate: float | None = None
    region_hit_rate_any: float | None = None
    region_hit_rate_chance: float | None = None
    region_area: float | None = None
    unreadable: dict = dataclasses.field(default_factory=dict)
    boxes: np.ndarray | None = None
    best: np.ndarray | None = None
    best_probabilities: np.ndarray | None = None
    ranks: np.ndarray | None = None

    def __post_init__(self):
        if self.best is None:
            if self.probabilities is None:
                raise UserError("an evaluation needs probabilities, or what is made of them: best, best_probabilities and ranks.")
            for name, value in _ranked(self.probabilities, self.labels).items():
                object.__setattr__(self, name, value)
        names = ("paths", "labels", "probabilities", "region_boxes", "boxes", "best", "best_probabilities", "ranks")
        arrays = {name: getattr(self, name) for name in names} | self.heads
        lengths = {name: len(value) for name, value in arrays.items() if value is not None}
        if len(set(lengths.values())) > 1:
            raise UserError(f"an evaluation needs as many of each as there are samples, got {lengths}.")

    @property
    def predicted(self):
        """int `[n]`, the likeliest class; of equal ones the first, as in `recognize`."""
        return self.best[:, 0]

    @property
    def correct(self):
        """bool `[n]`."""
        return self.predicted == self.labels

    @property
    def top1(self):
        """float, share of the photos whose likeliest class is the true one."""
        return float(self.correct.mean())

    @property
    def top1_interval(self):
        """Two floats: the 95 % Wilson interval of `top1`."""
        return wilson_interval(int(self.correct.sum()), len(self.paths))

    @property
    def top5(self):
        """float, share of the photos whose true class is among the five likeliest."""
        return float((self.ranks < BEST).mean())

    @property
    def head_top1(self):
        """dict from the name of a head to the share of the photos of which it alone chooses the true class."""
        return {name: float((choice == self.labels).mean()) for name, choice in self.heads.items()}

    @property
    def confusion_counts(self):
        """int `[m, 3]`: true class, likeliest class and how many photos have both, in order; no row for none."""
        number = len(self.class_names)
        pairs, counts = np.unique(np.asarray(self.labels, np.int64) * number + self.predicted, return_counts=True)
        return np.stack([pairs // number, pairs % number, counts], axis=1)

    @property
    def confusion(self):
        """int `[N, N]`, photos by true class (row) and likeliest class (column); `confusion_counts` in full."""
        counts = np.zeros((len(self.class_names),) * 2, np.int64)
        truth, chosen, number = self.confusion_counts.T
        counts[truth, chosen] = number
        return counts

    @property
    def photographs_per_class(self):
        """int `[N]`."""
        return np.bincount(self.labels, minlength=len(self.class_names))

    @property
    def per_class(self):
        """dict from class name to the share of its photos that is right; None for a class without photos."""
        right = np.bincount(self.labels[self.correct], minlength=len(self.class_names))
        pairs = zip(right.tolist(), self.photographs_per_class.tolist(), strict=True)
        return dict(zip(self.class_names, [hits / total if total else None for hits, total in pairs], strict=True))

    def to_dict(self):
        """The figures, and of each sample the five likeliest classes and the regions, for JSON.

        Its size grows with the number of samples and of classes, not with their product.
        """
        rows = [
            {
                "path": path,
                **({} if self.boxes is None else {"box": self.boxes[number].tolist()}),
                "brand": self.class_names[self.labels[number]],
                "labels": [self.class_names[place] for place in self.best[number]],
                "probabilities": self.best_probabilities[number].tolist(),
                **({} if self.region_boxes is None else {"region_boxes": self.region_boxes[number].tolist()}),
            }
            for number, path in enumerate(self.paths)
        ]
        figures = {"schema_version": SCHEMA_VERSION, "photographs": len(self.paths)}
        figures |= {"top1": self.top1, "top1_interval": list(self.top1_interval), "top5": self.top5}
        figures |= {f"{name}_top1": share for name, share in self.head_top1.items()}
        if self.region_boxes is not None:
            figures |= {name: getattr(self, name) for name in _REGION_FIGURES}
        return figures | {
            "image_size": self.image_size,
            "class_names": list(self.class_names),
            "per_class": self.per_class,
            "confusion": self.confusion_counts.tolist(),
            "unreadable": dict(self.unreadable),
            "predictions": rows,
        }

    def to_json(self):
        """`to_dict` as JSON text. Bytes of a path that are not UTF-8 stand in it as escapes, as JSON reads them back."""
        return json_bytes(self.to_dict()).decode("utf-8")


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How much more often the first of two models is right than the second.

    Attributes:
        difference: float, top1 of the first minus top1 of the second, on the samples that both were asked about.
        interval: two floats, its 95 % interval by a paired bootstrap over the samples.
        photographs: int, how many samples these are: photos, or boxes of a data set that was cut.
    """

    difference: float
    interval: tuple
    photographs: int


def evaluate(model, dataset, batch_size=16, strict=False, probabilities=True):
    """Asks a model about every sample of a data set.

    Args:
        model: a model of this package, or an `lk.edge.Recognizer`.
        dataset: Dataset with the model's class names, in any order. Samples that cannot be read are left out.
        batch_size: int, samples at once; an exported file takes one at a time.
        strict: bool, stop at the first unreadable photo.
        probabilities: bool, whether to keep those of every class. Without them memory grows with the samples alone.

    Returns:
        Evaluation, with the classes in the order of the model.

    Raises:
        ValueError: if the data set has other class names or photos without a brand (label -1), or none can be read.
        UnreadablePhotograph: with `strict`, naming the photo and the reason.
    """
    # An embedder, or a detector.
    if hasattr(model, "embed") or hasattr(model, "embedder"):
        raise UserError(f"a {type(model).__name__} names no brand: its embeddings are judged by lk.evaluation.retrieval.")
    dataset = _labelled_for(model, dataset)
    if hasattr(model, "predict_on_batch"):
        ask, size = model.predict_on_batch, min(batch_size, len(dataset))
    else:
        ask, size = model.infer, 1
    parts, seen, unreadable = [], [], {}
    for batch in _batches(model, dataset, size, strict, unreadable):
        numbers, images, boxes = zip(*batch, strict=True)
        # Another number of images would trace the whole model anew.
        outputs = ask(np.stack([*images, *images[-1:] * (size - len(images))]).astype(np.float32))
        outputs = {name: value[: len(numbers)] for name, value in outputs.items()}
        parts.append(_part(dataset, np.array(numbers), outputs, probabilities))
        seen += boxes
    if not parts:
        example = next(map(": ".join, unreadable.items()), "there are none")
        raise UserError(f"none of the {len(dataset)} photographs can be read; {example}.")
    answers = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    asked = dataset.subset(answers.pop("numbers"))
    return Evaluation(
        class_names=tuple(model.class_names),
        paths=asked.paths,
        labels=asked.labels,
        heads={name: answers.pop(name) for name in _HEADS if name in answers},
        image_size=model.image_size,
        unreadable=unreadable,
        boxes=_sample_boxes(asked),
        **{"probabilities": None, "region_boxes": None} | answers,
        **_region_figures(seen, answers.get("region_boxes"), model.image_size),
    )


def compare(first, second, resamples=10_000, seed=0):
    """Compares two models sample by sample.

    Args:
        first: Evaluation.
        second: Evaluation of the same set; samples that only one of them could read are left out.
        resamples: int, of the bootstrap.
        seed: int, of the bootstrap.

    Returns:
        Comparison.

    Raises:
        ValueError: if no sample is common to both, or they do not agree about the brand of one.
    """
    pairs = paired(_samples(first), _samples(second))
    return bootstrap(first.correct[pairs[:, 0]].astype(float) - second.correct[pairs[:, 1]], resamples, seed)


def bootstrap(differences, resamples=10_000, seed=0):
    """The mean of paired differences and its 95 % interval: what another choice of test photos would do.

    Args:
        differences: float `[n]`, one a sample: 1 where only the first model is right, -1 where only the second is, else 0.
        resamples: int.
        seed: int.

    Returns:
        Comparison.
    """
    # A photo adds -1, 0 or 1, so counting the three kinds in a resample is the same as drawing photos.
    shares = np.array([(differences == value).mean() for value in (-1, 0, 1)])
    counts = np.random.default_rng(seed).multinomial(len(differences), shares, resamples)
    low, high = np.quantile((counts[:, 2] - counts[:, 0]) / len(differences), (0.025, 0.975))
    return Comparison(float(differences.mean()), (float(low), float(high)), len(differences))


def wilson_interval(right, total):
    """The 95 % interval of a share.

    Args:
        right: int.
        total: int, at least 1.

    Returns:
        Two floats in [0, 1].

    Source:
        Wilson 1927, Journal of the American Statistical Association 22 (158), p. 209.
    """
    share, z2 = right / total, _Z**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def paired(first, second):
    """Finds the samples that two lists have in common.

    Args:
        first: sequence of `(path, box, brand)`, the box None or four floats.
        second: likewise. Where a sample stands in a list several times, its first is paired with the first of the other
            list, and so on.

    Returns:
        int `[m, 2]`, places in `first` and `second`, in the order of `first`.

    Raises:
        ValueError: if no sample is common to both, or they do not agree about the brand of one.
    """
    numbers, brands = defaultdict(list), defaultdict(lambda: (set(), set()))
    for path, box, brand in first:
        brands[_key(path, box)][0].add(brand)
    for number, (path, box, brand) in enumerate(second):
        brands[_key(path, box)][1].add(brand)
        numbers[_key(path, box), brand].append(number)
    for (path, box), (ours, theirs) in brands.items():
        if ours and theirs and ours.isdisjoint(theirs):
            where = "" if box is None else f", box {list(box)}"
            raise UserError(f"the two evaluations do not agree about the brand on {path}{where}.")
    pairs = [
        (number, left.pop(0)) for number, (path, box, brand) in enumerate(first) if (left := numbers[_key(path, box), brand])
    ]
    if not pairs:
        raise UserError(
            "the two evaluations have no photograph in common. Both must be of whole photographs, or of the same boxes."
        )
    return np.array(pairs)


def _key(path, box):
    return path, None if box is None else tuple(map(float, box))


def _samples(evaluation):
    """Path, box and brand of each sample."""
    boxes = [None] * len(evaluation.paths) if evaluation.boxes is None else evaluation.boxes
    brands = [evaluation.class_names[label] for label in evaluation.labels]
    return list(zip(evaluation.paths, boxes, brands, strict=True))


def _ranked(probabilities, labels):
    """The likeliest classes `[n, min(5, N)]`, their probabilities, and how many classes come before the true one `[n]`."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    best = order[:, :BEST]
    return {
        "best": best,
        "best_probabilities": np.take_along_axis(probabilities, best, axis=1),
        "ranks": (order == np.asarray(labels)[:, None]).argmax(axis=1),
    }


def _labelled_for(model, dataset):
    """The data set with the classes in the order of the model.

    Raises:
        ValueError: if its class names are others, or photos have no brand (label -1).
    """
    if tuple(dataset.class_names) != tuple(model.class_names):
        dataset = dataset.with_class_names(model.class_names)
    if min(dataset.labels, default=0) < 0:
        raise UserError("the data set has photographs without a brand (label -1), of which no answer is right: leave them out.")
    return dataset


def _batches(model, dataset, size, strict, unreadable):
    """Gives lists of samples that can be read: number, image, boxes. Notes in `unreadable` why others cannot."""

    def read(number):
        try:
            image, boxes = dataset.sample(number, model.image_size, model.preprocessing)
        except UnreadablePhotograph as error:
            return error
        # Prepared px are whole numbers: a quarter of the memory.
        return number, image.astype(np.uint8), boxes

    batch = []
    for number, sample in in_threads(read, range(len(dataset)), "photos", _AHEAD):
        if isinstance(sample, UnreadablePhotograph):
            if strict:
                raise sample
            unreadable[dataset.paths[number]] = sample.reason
            continue
        batch.append(sample)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _part(dataset, numbers, outputs, probabilities):
    """What is kept of the outputs of some samples: arrays by name, one row a sample."""
    part = {"numbers": numbers, **_ranked(outputs["probabilities"], dataset.labels[numbers])}
    if probabilities:
        part["probabilities"] = outputs["probabilities"]
    if "region_boxes" in outputs:
        part["region_boxes"] = outputs["region_boxes"]
        part |= {name: np.argmax(outputs[key], axis=1) for name, key in _HEADS.items() if key in outputs}
    return part


def _sample_boxes(dataset):
    """The box of each sample `[n, 4]`, or the window where the box is not known; None for whole photos."""
    if dataset.windows is None:
        return None
    pairs = zip(dataset.boxes, dataset.windows, strict=True)
    return np.array([boxes[0] if len(boxes) == 1 else window for boxes, window in pairs], np.float32).reshape(-1, 4)


def _region_figures(boxes, region_boxes, size):
    """Those figures about regions that are known, of boxes in px of the image that the model sees."""
    if region_boxes is None:
        return {}
    # In shares of that image.
    regions = region_boxes / size
    clipped = np.clip(regions[:, 0], 0, 1)
    figures = {"region_area": float((clipped[:, 2:] - clipped[:, :2]).prod(axis=1).mean())}
    places = [number for number, each in enumerate(boxes) if len(each)]
    if not places:
        return figures
    best = regions[places, 0]
    hits, any_hits, hits_of_others = [], [], 0
    for row, place in enumerate(places):
        centres = (boxes[place][:, :2] + boxes[place][:, 2:]) / 2 / size
        dealt = contain(best, centres).any(axis=-1)
        hits.append(dealt[row])
        hits_of_others += int(dealt.sum()) - int(dealt[row])
        any_hits.append(contain(regions[place], centres).any())
    figures["region_hit_rate"] = float(np.mean(hits))
    figures["region_hit_rate_any"] = float(np.mean(any_hits))
    if len(places) > 1:
        figures["region_hit_rate_chance"] = hits_of_others / (len(places) * (len(places) - 1))
    return figures


def contain(boxes, points):
    """Whether boxes contain points, their edges included.

    Args:
        boxes: float `[n, 4]`, `(y0, x0, y1, x1)`.
        points: float `[m, 2]`, `(y, x)`, likewise.

    Returns:
        bool `[n, m]`.
    """
    return ((boxes[:, None, :2] <= points) & (points <= boxes[:, None, 2:])).all(axis=-1)
