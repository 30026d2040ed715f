"""How well a model, or an exported file, recognizes the photographs of a data set."""

import dataclasses
import json
import math

import numpy as np

from logo_keras.preprocessing import UnreadablePhotograph

# Two-sided 95 % of the normal distribution.
_Z = 1.959964
_REGION_FIGURES = ("region_hit_rate", "region_hit_rate_any", "region_hit_rate_chance", "region_area")


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model said of n photographs, and how often it was right. Shares are fractions 0..1.

    Attributes:
        class_names: tuple of N str.
        paths: tuple of n str, the photographs that could be read, in the order of the data set.
        labels: int `[n]`, their true classes.
        probabilities: float32 `[n, N]`.
        heads: dict from "fused" and "whole" to the class `[n]` that this head alone chooses; empty where the model does not
            tell them.
        region_boxes: float32 `[n, K, 4]`, `(y0, x0, y1, x1)` in px of the model's square image; None without regions.
        image_size: int S, px, side of that image.
        region_hit_rate: float, share of the photographs with boxes of which the centre of a logo lies in the best region.
        region_hit_rate_any: float, share of which one lies in any of the K regions.
        region_hit_rate_chance: float, `region_hit_rate` if the best regions are dealt to other photographs at random, the
            mean over all such pairs: what large regions, or regions in the middle, hit by themselves.
        region_area: float, mean share of the square image that the best region covers, clipped to the image.
            These four are None without regions, and the hit rates also where no boxes are known.
        unreadable: dict, path to reason, of the photographs that were left out.
    """

    class_names: tuple
    paths: tuple
    labels: np.ndarray
    probabilities: np.ndarray
    heads: dict
    region_boxes: np.ndarray | None
    image_size: int
    region_hit_rate: float | None
    region_hit_rate_any: float | None
    region_hit_rate_chance: float | None
    region_area: float | None
    unreadable: dict

    @property
    def predicted(self):
        """int `[n]`, the likeliest class; of equal ones the first, as in `recognize`."""
        return np.argmax(self.probabilities, axis=1)

    @property
    def correct(self):
        """bool `[n]`."""
        return self.predicted == self.labels

    @property
    def top1(self):
        """float, share of the photographs whose likeliest class is the true one."""
        return float(self.correct.mean())

    @property
    def top1_interval(self):
        """Two floats: the 95 % Wilson interval of `top1`."""
        return wilson_interval(int(self.correct.sum()), len(self.paths))

    @property
    def top5(self):
        """float, share of the photographs whose true class is among the five likeliest."""
        own = np.take_along_axis(self.probabilities, self.labels[:, None], axis=1)
        earlier = np.arange(len(self.class_names)) < self.labels[:, None]
        before = (self.probabilities > own) | ((self.probabilities == own) & earlier)
        return float((before.sum(axis=1) < 5).mean())

    @property
    def confusion(self):
        """int `[N, N]`, photographs by true class (row) and likeliest class (column)."""
        counts = np.zeros((len(self.class_names),) * 2, np.int64)
        np.add.at(counts, (self.labels, self.predicted), 1)
        return counts

    @property
    def per_class(self):
        """dict from class name to the share of its photographs that is right; None for a class without photographs."""
        counts = self.confusion
        totals = counts.sum(axis=1)
        shares = [int(counts[n, n]) / int(total) if total else None for n, total in enumerate(totals)]
        return dict(zip(self.class_names, shares, strict=True))

    def to_dict(self, top=5):
        """The figures, and of each photograph the `top` likeliest classes and the regions, for JSON."""
        best = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :top]
        rows = [
            {
                "path": path,
                "brand": self.class_names[self.labels[number]],
                "labels": [self.class_names[place] for place in best[number]],
                "probabilities": self.probabilities[number, best[number]].tolist(),
                **({} if self.region_boxes is None else {"region_boxes": self.region_boxes[number].tolist()}),
            }
            for number, path in enumerate(self.paths)
        ]
        figures = {"photographs": len(self.paths), "top1": self.top1, "top1_interval": list(self.top1_interval)}
        figures["top5"] = self.top5
        figures |= {f"{name}_top1": float((choice == self.labels).mean()) for name, choice in self.heads.items()}
        if self.region_boxes is not None:
            figures |= {name: getattr(self, name) for name in _REGION_FIGURES}
        return figures | {
            "image_size": self.image_size,
            "class_names": list(self.class_names),
            "per_class": self.per_class,
            "confusion": self.confusion.tolist(),
            "unreadable": dict(self.unreadable),
            "predictions": rows,
        }

    def to_json(self):
        """`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How much more often the first of two models is right than the second.

    Attributes:
        difference: float, top1 of the first minus top1 of the second, on the photographs that both were asked about.
        interval: two floats, its 95 % interval by a paired bootstrap over the photographs.
        photographs: int, how many these are.
    """

    difference: float
    interval: tuple
    photographs: int


def evaluate(model, dataset, batch_size=16, strict=False):
    """Asks a model about every photograph of a data set.

    Args:
        model: a model of this package, or an `lk.edge.Recognizer`.
        dataset: Dataset with the model's class names. Photographs that cannot be read are left out.
        batch_size: int, photographs at once; an exported file takes one at a time.
        strict: bool, stop at the first unreadable photograph.

    Returns:
        Evaluation.

    Raises:
        ValueError: if the data set has other class names or photographs without a brand (label -1), or none can be read.
        UnreadablePhotograph: with `strict`, naming the photograph and the reason.
    """
    _check(model, dataset)
    # Anew, so that `unreadable` tells of this reading alone.
    dataset = dataset.subset(range(len(dataset)))
    size = model.image_size
    keras_model = hasattr(model, "predict")
    outputs = _predict(model, dataset, batch_size, strict) if keras_model else _infer(model, dataset, strict)
    readable = dataset.readable()
    if not len(readable):
        example = next(map(": ".join, dataset.unreadable.items()), "there are none")
        raise ValueError(f"none of the {len(dataset)} photographs can be read; {example}.")
    boxes = outputs.get("region_boxes")
    names = {"fused": "fused_logits", "whole": "whole_logits"} if boxes is not None else {}
    return Evaluation(
        class_names=tuple(model.class_names),
        paths=readable.paths,
        labels=readable.labels,
        probabilities=outputs["probabilities"],
        heads={name: np.argmax(outputs[key], axis=1) for name, key in names.items() if key in outputs},
        region_boxes=boxes,
        image_size=size,
        unreadable=dict(dataset.unreadable),
        **_region_figures(readable, boxes, size, model.preprocessing),
    )


def compare(first, second, resamples=10_000, seed=0):
    """Compares two models photograph by photograph.

    Args:
        first: Evaluation.
        second: Evaluation of the same set; photographs that only one of them could read are left out.
        resamples: int, of the bootstrap.
        seed: int, of the bootstrap.

    Returns:
        Comparison.

    Raises:
        ValueError: if no photograph is common to both, or they do not agree about the brand of one.
    """
    places = {path: number for number, path in enumerate(second.paths)}
    pairs = np.array([(n, places[path]) for n, path in enumerate(first.paths) if path in places]).reshape(-1, 2)
    if not len(pairs):
        raise ValueError("the two evaluations have no photograph in common.")
    for one, other in pairs:
        if first.class_names[first.labels[one]] != second.class_names[second.labels[other]]:
            raise ValueError(f"the two evaluations do not agree about the brand on {first.paths[one]}.")
    differences = first.correct[pairs[:, 0]].astype(float) - second.correct[pairs[:, 1]]
    # A photograph adds -1, 0 or 1, so counting the three kinds in a resample is the same as drawing photographs.
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


def _check(model, dataset):
    if tuple(dataset.class_names) != tuple(model.class_names):
        other = sorted(set(dataset.class_names) ^ set(model.class_names))
        what = f"not in both: {', '.join(other[:10])}" if other else "the same names in another order"
        counts = f"{len(model.class_names)} and {len(dataset.class_names)}"
        raise ValueError(f"the model knows other classes than the data set has: {counts}; {what}.")
    if min(dataset.labels, default=0) < 0:
        raise ValueError("the data set has photographs without a brand (label -1), of which no answer is right: leave them out.")


def _predict(model, dataset, batch_size, strict):
    """The outputs of a Keras model, of the photographs that can be read."""
    batches = dataset.batches(batch_size, model.image_size, strict=strict, preprocessing=model.preprocessing)
    try:
        return model.predict(batches, verbose=0)
    except Exception:
        # TensorFlow has errors of its own for what is raised while photographs are read.
        if strict and dataset.unreadable:
            raise UnreadablePhotograph(*next(iter(dataset.unreadable.items()))) from None
        if set(dataset.paths) <= set(dataset.unreadable):
            return {}
        raise


def _infer(model, dataset, strict):
    """The outputs of an exported file, of the photographs that can be read."""
    outputs = []
    for number, path in enumerate(dataset.paths):
        try:
            image, _ = dataset.sample(number, model.image_size, model.preprocessing)
            outputs.append(model.infer(image[None]))
        except UnreadablePhotograph as error:
            dataset.unreadable[path] = error.reason
            if strict:
                raise
    return {name: np.concatenate([output[name] for output in outputs]) for name in outputs[0]} if outputs else {}


def _region_figures(dataset, region_boxes, size, preprocessing):
    figures = dict.fromkeys(_REGION_FIGURES)
    if region_boxes is None:
        return figures
    # In shares of the image that the model sees: the photograph's own px are not needed.
    regions = region_boxes / size
    clipped = np.clip(regions[:, 0], 0, 1)
    figures["region_area"] = float((clipped[:, 2:] - clipped[:, :2]).prod(axis=1).mean())
    places = [number for number, boxes in enumerate(dataset.boxes) if len(boxes)]
    if not places:
        return figures
    best = regions[places, 0]
    hits, any_hits, hits_of_others = [], [], 0
    for row, place in enumerate(places):
        _, boxes = dataset.sample(place, size, preprocessing)
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2 / size
        dealt = _contain(best, centres)
        hits.append(dealt[row])
        hits_of_others += int(dealt.sum()) - int(dealt[row])
        any_hits.append(_contain(regions[place], centres).any())
    figures["region_hit_rate"] = float(np.mean(hits))
    figures["region_hit_rate_any"] = float(np.mean(any_hits))
    if len(places) > 1:
        figures["region_hit_rate_chance"] = hits_of_others / (len(places) * (len(places) - 1))
    return figures


def _contain(boxes, centres):
    """Whether any of `centres [c, 2]` lies in each of `boxes [n, 4]`: bool `[n]`."""
    inside = (boxes[:, None, :2] <= centres) & (centres <= boxes[:, None, 2:])
    return inside.all(axis=-1).any(axis=-1)
