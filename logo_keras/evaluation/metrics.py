"""How well a model, or an exported file, recognizes the photos of a data set."""

import dataclasses

import numpy as np

from logo_keras.errors import UserError
from logo_keras.evaluation import document, reliability
from logo_keras.evaluation.asking import ask, card_of, describe
from logo_keras.evaluation.figures import BEST
from logo_keras.evaluation.intervals import wilson_interval
from logo_keras.evaluation.localisation import localise
from logo_keras.image.boxes import areas
from logo_keras.image.preprocessing import frame

# Heads of which the own choice is kept, and their outputs.
_HEADS = {"fused": "fused_logits", "whole": "whole_logits"}


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
        region_area: float, mean share of the square image that the best region covers, clipped to the image; None without
            regions.
        localisation: dict of `logo_keras.evaluation.localisation.localise`: where the regions lie beside the true logos, and
            beside regions that know nothing of the photo; None without regions, or where no boxes are known.
        unreadable: dict, path to reason, of the photos that were left out, or of which a sample was.
        boxes: None for whole photos, or float32 `[n, 4]`, the box of each sample, `(y0, x0, y1, x1)` in px of the
            photo.
        best: int `[n, min(5, N)]`, the likeliest classes, best first; of equal ones the first, as in `recognize`.
        best_probabilities: float32, theirs.
        ranks: int `[n]`, how many classes come before the true one.
            These three are made of `probabilities` where they are not given.
        uncalibrated: None where it is not known, or float32 `[n]`, the probability of the likeliest class before the model's
            temperature.
        logo_sizes: None where no box is known, or float32 `[n]`, the square root of the share of the image that the largest
            logo of the sample covers; NaN for a sample without a box.
        scores: dict from a score to float `[n]`, the higher the surer that a brand of the list is shown; not in JSON.
        model: dict for JSON, what is known of the model: `name` and `sha256` of its file, `architecture`, `temperature`,
            `threshold`, `calibration`.
        data: dict for JSON, which photos they are: `kind`, `root`, `split`, `cut`, `held_out`.
        root: None, or str, the folder in which all photos lie; paths in JSON begin there.
        root_categories: None, or tuple of N str, the root category of each class.
        training_images: None where it is not known, or tuple of N int, what the model learnt each class from.
        fitted: None where it is not known, or int, photos among these that the model's temperature and threshold were fitted on.
        none: None where it was not asked, or dict for JSON, what the model said of photos without a brand of its list
            (`logo_keras.evaluation.negatives`).

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
    region_area: float | None = None
    localisation: dict | None = None
    unreadable: dict = dataclasses.field(default_factory=dict)
    boxes: np.ndarray | None = None
    best: np.ndarray | None = None
    best_probabilities: np.ndarray | None = None
    ranks: np.ndarray | None = None
    uncalibrated: np.ndarray | None = None
    logo_sizes: np.ndarray | None = None
    scores: dict = dataclasses.field(default_factory=dict)
    model: dict = dataclasses.field(default_factory=dict)
    data: dict = dataclasses.field(default_factory=dict)
    root: str | None = None
    root_categories: tuple | None = None
    training_images: tuple | None = None
    fitted: int | None = None
    none: dict | None = None

    def __post_init__(self):
        if self.best is None:
            if self.probabilities is None:
                raise UserError("an evaluation needs probabilities, or what is made of them: best, best_probabilities and ranks.")
            for name, value in _ranked(self.probabilities, self.labels).items():
                object.__setattr__(self, name, value)
        names = ("paths", "labels", "probabilities", "region_boxes", "boxes", "best", "best_probabilities", "ranks")
        names += ("uncalibrated", "logo_sizes")
        arrays = {name: getattr(self, name) for name in names} | self.heads | self.scores
        lengths = {name: len(value) for name, value in arrays.items() if value is not None}
        if len(set(lengths.values())) > 1:
            raise UserError(f"an evaluation needs as many of each as there are samples, got {lengths}.")

    @property
    def predicted(self):
        """int `[n]`, the likeliest class; of equal ones the first, as in `recognize`."""
        return self.best[:, 0]

    @property
    def confidences(self):
        """float `[n]`, the probability of the likeliest class."""
        return self.best_probabilities[:, 0]

    @property
    def threshold(self):
        """float, the confidence with which a brand counts as known; None where every photo gets one."""
        return self.model.get("threshold")

    @property
    def known(self):
        """bool `[n]`, whether the model names a brand by itself."""
        # As `recognize` does, in which probabilities are float64 too.
        return np.asarray(self.confidences, np.float64) >= (self.threshold or 0)

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
    def region_hit_rate(self):
        """float, share of the photos with boxes of which the best region holds the centre of a logo; None without boxes."""
        return self._told("model", "centre_in_best")

    @property
    def region_hit_rate_any(self):
        """float, share of which one of the K regions does."""
        return self._told("model", "centre_in_any")

    @property
    def region_hit_rate_chance(self):
        """float, `region_hit_rate` with the regions of other photos: what large regions hit by themselves."""
        return self._told("other_images", "centre_in_best")

    def _told(self, regions, figure):
        return (self.localisation or {"figures": {}})["figures"].get(regions, {}).get(figure)

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
        """All figures and a row a sample, for JSON; see `logo_keras.evaluation.document`."""
        return document.to_dict(self)

    def to_json(self):
        """`to_dict` as JSON text. Bytes of a path that are not UTF-8 stand in it as escapes, as JSON reads them back."""
        return document.text(self.to_dict())

    @classmethod
    def from_dict(cls, found, name="the evaluation"):
        """Reads what `to_dict` gave, of schema_version 2 too: every sample, without `probabilities` and `heads`.

        Args:
            found: dict.
            name: str, what it is called in errors.

        Raises:
            ValueError: naming it, if it is damaged.
        """
        return cls(**document.fields(found, name))


def read(path):
    """Reads an evaluation that was written as JSON.

    Args:
        path: str or Path of the file, or of the folder that `logo-evaluate --report` wrote.

    Returns:
        Evaluation, as `Evaluation.from_dict` gives it.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: naming the file, if it is no evaluation of this package, or damaged.
    """
    return Evaluation.from_dict(document.load(path), str(path))


def evaluate(model, dataset, batch_size=16, strict=False, probabilities=True, scores=None, infer=None):
    """Asks a model about every sample of a data set.

    Args:
        model: a model of this package, or an `lk.edge.Recognizer`.
        dataset: Dataset with the model's class names, in any order. Samples that cannot be read are left out.
        batch_size: int, samples at once; an exported file takes one at a time.
        strict: bool, stop at the first unreadable photo.
        probabilities: bool, whether to keep those of every class. Without them memory grows with the samples alone.
        scores: function from the outputs of B images to a dict of float `[B]`, kept as `Evaluation.scores`; or None.
        infer: function of images `[B, S, S, 3]`, instead of the model's own; or None.

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
    subject, unreadable = describe(model), {}
    keep = _Kept(subject["temperature"], probabilities, scores)
    parts, seen, sizes = [], [], []
    for numbers, outputs, boxes in ask(model, dataset, batch_size, strict, unreadable, infer):
        parts.append({"numbers": numbers, **keep(outputs, dataset.labels[numbers])})
        seen += boxes
        sizes += [_logo_size(each, model) for each in boxes]
    if not parts:
        example = next(map(": ".join, unreadable.items()), "there are none")
        raise UserError(f"none of the {len(dataset)} photographs can be read; {example}.")
    answers = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    asked = dataset.subset(answers.pop("numbers"))
    heads, told = ({name: answers.pop(name) for name in [*answers] if name in names} for names in (_HEADS, keep.names))
    regions, size = answers.get("region_boxes"), model.image_size
    counts = ((card_of(model).get("data") or {}).get("training_images")) or ()
    return Evaluation(
        class_names=tuple(model.class_names),
        paths=asked.paths,
        labels=asked.labels,
        heads=heads,
        image_size=size,
        region_area=None if regions is None else float(areas(np.clip(regions[:, 0] / size, 0, 1)).mean()),
        localisation=None if regions is None else localise(seen, regions, size, getattr(model, "boxes", None)),
        unreadable=unreadable,
        boxes=_sample_boxes(asked),
        logo_sizes=np.float32(sizes) if any(map(len, seen)) else None,
        scores=told,
        model=subject,
        root=dataset.root,
        root_categories=dataset.root_categories,
        training_images=tuple(counts) if len(counts) == len(model.class_names) else None,
        **{"probabilities": None, "region_boxes": None} | answers,
    )


def _ranked(probabilities, labels):
    """The likeliest classes `[n, min(5, N)]`, their probabilities, and how many classes come before the true one `[n]`."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    # A copy: a view would keep the order of all classes.
    best = order[:, :BEST].copy()
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


class _Kept:
    """What is kept of the outputs of some samples: arrays by name, one row a sample."""

    def __init__(self, temperature, probabilities, scores):
        self.temperature, self.probabilities, self.scores = temperature, probabilities, scores
        self.names = ()

    def __call__(self, outputs, labels):
        given = outputs["probabilities"]
        part = {**_ranked(given, labels), "uncalibrated": reliability.uncalibrated(given, self.temperature)}
        if self.probabilities:
            part["probabilities"] = given
        if "region_boxes" in outputs:
            part["region_boxes"] = outputs["region_boxes"]
            part |= {name: np.argmax(outputs[key], axis=1) for name, key in _HEADS.items() if key in outputs}
        told = self.scores(outputs) if self.scores else {}
        self.names = tuple(told)
        return part | told


def _sample_boxes(dataset):
    """The box of each sample `[n, 4]`, or the window where the box is not known; None for whole photos."""
    if dataset.windows is None:
        return None
    pairs = zip(dataset.boxes, dataset.windows, strict=True)
    return np.array([boxes[0] if len(boxes) == 1 else window for boxes, window in pairs], np.float32).reshape(-1, 4)


def _logo_size(boxes, model):
    """The square root of the share of the photo that the largest of its boxes covers, NaN without one."""
    if not len(boxes):
        return np.nan
    # With the preprocessing "paper" the image is a part of the photo.
    side, _ = frame(model.preprocessing, model.image_size)
    return float(np.sqrt(areas(np.asarray(boxes)).max())) / side
