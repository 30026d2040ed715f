"""Whether an exported file answers as Keras does, on photos."""

import dataclasses
import time

import numpy as np

from logo_keras.arguments import one_of
from logo_keras.errors import UserError
from logo_keras.image.boxes import areas, common_areas

from .detection import DetectionReport
from .embedding import EmbeddingReport
from .report import FEW, LARGEST_SHARE, MOVED, Reported, excusable

# What the largest difference of each output is called.
_KINDS = {"probabilities": "abs", "region_boxes": "box", "region_scores": "score", "embedding": "embedding"}


@dataclasses.dataclass(frozen=True)
class Bound:
    """What a file must keep to. A figure that is None is not bounded.

    Attributes:
        difference: float, largest difference of a probability from Keras.
        agreement: float in 0..1, least share of photos on which both name the same class first.
        drop: float in 0..1, by how much the share of right answers may fall below Keras's, where the brands are known.

    Two photos are always allowed where a share is bounded.
    """

    difference: float | None = None
    agreement: float | None = None
    drop: float | None = None


# By the precision that a file computes in. float32 leaves about 1e-6 through some fifty layers, so its bound finds any
# mistake. Fewer bits move every number, and may pick other regions: what counts then are the answers.
BOUNDS = {
    "float32": Bound(difference=1e-4),
    "float16": Bound(agreement=0.98, drop=0.005),
    "int8": Bound(agreement=0.95, drop=0.01),
}
# The bound of exact formats, by a name of its own.
BOUND = BOUNDS["float32"].difference


class DiffersFromKeras(UserError):
    """An exported file's answers lie over the bound; `report` has the figures."""

    def __init__(self, message, report):
        super().__init__(message)
        self.report = report


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report(Reported):
    """How far the answers of a file that names brands lie from Keras's.

    Attributes:
        max_abs_diff: float, largest difference of a probability, excused photos left out.
        max_box_diff: float, px of the model's input, largest difference of a corner of a region, excused photos
            left out; None from plain classifiers.
        max_score_diff: float, the same of a region's score.
        max_embedding_diff: float, the same of the embedding; None where the file gives none.
        top1_agreement: float in 0..1, share of all photos on which both name the same class first.
        labelled: int, photos whose brand is known.
        top1: float in 0..1, share of these that the file names right; None where there are none.
        keras_top1: float, the same of Keras.
        region_iou: float, mean over photos and ranks of the intersection over union of the file's and Keras's region.
        same_regions: float in 0..1, share of the regions for which both picked the same anchor at the same rank.
        same_region_diff: float, px, largest difference of a corner where both picked the same anchor.
        over: int, photos over the bound on the difference that nothing excuses.
        tied: int, photos over that bound that are excused: in Keras, values that compete lie within 1e-5.
        moved: int, photos whose probabilities agree while a region lies elsewhere.
    """

    max_abs_diff: float
    top1_agreement: float
    labelled: int
    over: int
    tied: int
    max_box_diff: float | None = None
    max_score_diff: float | None = None
    max_embedding_diff: float | None = None
    top1: float | None = None
    keras_top1: float | None = None
    region_iou: float | None = None
    same_regions: float | None = None
    same_region_diff: float | None = None
    moved: int = 0

    columns = ("top-1", "largest diff.", "agreement")

    @staticmethod
    def _figures(found, reference, precision):
        count, bound = len(reference), BOUNDS[precision].difference
        apart = {name: np.abs(found[name] - reference.expected[name]).reshape(count, -1).max(axis=1) for name in reference.names}
        # Not `>`: a probability that is not a number lies over the bound too.
        over = np.zeros(count, bool) if bound is None else ~(apart["probabilities"] <= bound)
        tied = np.array([over[number] and reference.tied(number) for number in range(count)])
        # With every photo excused, which fails anyway, the figures are those of all.
        counted = ~tied | tied.all()
        probabilities = found["probabilities"]
        # What is no number names no class.
        top1 = np.where(np.isfinite(probabilities).all(axis=-1), probabilities.argmax(axis=-1), -1)
        keras_top1 = reference.expected["probabilities"].argmax(axis=-1)
        known = reference.labels >= 0

        def right(answers):
            return float(np.mean(answers[known] == reference.labels[known])) if known.any() else None

        figures = {f"max_{kind}_diff": float(apart[name][counted].max()) for name, kind in _KINDS.items() if name in apart}
        if "region_boxes" in apart:
            figures |= _regions(found["region_boxes"], reference)
            figures["moved"] = int(np.sum(~over & ~(apart["region_boxes"] <= MOVED)))
        return figures | {
            "top1_agreement": float(np.mean(top1 == keras_top1)),
            "labelled": int(known.sum()),
            "top1": right(top1),
            "keras_top1": right(keras_top1),
            "over": int(np.sum(over & ~tied)),
            "tied": int(tied.sum()),
        }

    @staticmethod
    def alike(ours, theirs):
        """Whether two `probabilities [N]` of one photo are the same answer: bool."""
        return bool(ours.argmax() == theirs.argmax())

    @property
    def failures(self):
        """What is wrong with the file, a tuple of str; empty if it passes."""
        bound, count = BOUNDS[self.precision], self.photographs
        allowed = excusable(count)
        failures = []
        # Not `>` anywhere: what is not a number passes no bound.
        if bound.difference is not None:
            if self.over:
                failures.append(f"{self.over} of {count} photographs over the bound of {bound.difference:g}")
            if self.tied > allowed:
                failures.append(f"{self.tied} photographs over the bound for a tie, more than the {allowed} that may be")
            if self.moved > allowed:
                failures.append(f"regions elsewhere on {self.moved} photographs, more than the {allowed} that may be")
        elif not np.isfinite(self.max_abs_diff):
            failures.append("probabilities that are no numbers")
        if bound.agreement is not None:
            others = (1 - self.top1_agreement) * count
            if not others <= max(FEW, (1 - bound.agreement) * count) + 1e-6:
                failures.append(f"the same class first on {self.top1_agreement:.2%}, less than {bound.agreement:.0%}")
        if bound.drop is not None and self.labelled:
            drop = (self.keras_top1 - self.top1) * self.labelled
            if not drop <= max(FEW, bound.drop * self.labelled) + 1e-6:
                failures.append(f"{self.top1:.2%} right where Keras has {self.keras_top1:.2%}, more than {bound.drop:.1%} below")
        return tuple(failures)

    @property
    def figures(self):
        """The figures of `columns`."""
        return (self.top1, ".1%"), (self.max_abs_diff, ".1e"), (self.top1_agreement, ".1%")

    def _lines(self):
        bound = BOUNDS[self.precision]
        limits = "" if bound.difference is None else f" (bound {bound.difference:g})"
        lines = [f"probabilities differ by at most  {self.max_abs_diff:.2e}{limits}"]
        if self.max_box_diff is not None:
            lines += [
                f"region boxes differ by at most   {self.max_box_diff:.2e} px ({self.moved} photographs over 1 px)",
                f"region scores differ by at most  {self.max_score_diff:.2e}",
                f"same region at the same rank     {self.same_regions:.2%} (mean IoU {self.region_iou:.3f})",
            ]
        if self.max_embedding_diff is not None:
            lines.append(f"the embedding differs by at most {self.max_embedding_diff:.2e}")
        least = "" if bound.agreement is None else f" (at least {bound.agreement:.0%})"
        lines.append(f"top-1 agreement                  {self.top1_agreement:.2%}{least}")
        if self.labelled:
            most = "" if bound.drop is None else f", at most {bound.drop:.1%} less"
            right = f"{self.top1:.2%} of {self.labelled} (Keras {self.keras_top1:.2%}{most})"
            lines.append(f"right                            {right}")
        if bound.difference is not None:
            lines.append(f"tied, so excused and left out    {self.tied} (at most {LARGEST_SHARE:.0%} may be)")
        return lines


# By the output that every file of a model gives, and that it is judged by.
REPORTS = {"probabilities": Report, "embedding": EmbeddingReport, "region_boxes": DetectionReport}


def compare(infer, reference, precision="float32"):
    """Runs a file on the photos of a reference.

    Args:
        infer: function from images, float32 `[1, S, S, 3]`, 0..255, to a dict of arrays with `reference.names`.
        reference: Reference.
        precision: str, a key of BOUNDS.

    Returns:
        A report, of the class that `REPORTS` has for what the file gives.

    Raises:
        ValueError: if there is no such precision.
    """
    one_of("precision", precision, BOUNDS)
    answers, seconds = [], []
    for number in range(len(reference)):
        image = reference.image(number)
        start = time.perf_counter()
        answer = infer(image)
        seconds.append(time.perf_counter() - start)
        # Copies: a runtime may write its next answer to the same place.
        answers.append({name: np.array(answer[name])[0] for name in reference.names})
    found = {name: np.stack([answer[name] for answer in answers]) for name in reference.names}
    return REPORTS[reference.judged].of(found, reference, precision, float(np.median(seconds)) * 1e3)


def _regions(found, reference):
    """The figures of regions: mean IoU rank by rank, share of ranks with the same anchor, and how far off these are in px."""
    expected = reference.expected["region_boxes"]
    common = common_areas(found, expected)
    union = areas(found) + areas(expected) - common
    # A box stands for the anchor that it lies nearest to.
    distances = np.abs(found[..., None, :] - reference.model.boxes).max(axis=-1)
    nearest = reference.model.boxes[np.nan_to_num(distances, nan=np.inf).argmin(axis=-1)]
    same = (nearest == expected).all(axis=-1)
    moved = np.abs(found - expected).max(axis=-1)[same]
    return {
        "region_iou": float(np.mean(common / union)),
        "same_regions": float(np.mean(same)),
        "same_region_diff": float(moved.max()) if same.any() else None,
    }
