"""Whether an exported file answers as Keras does, on photographs."""

import dataclasses
import time

import numpy as np

from logo_keras import preprocessing

# The stated bound on the difference of any probability. float32 leaves about 1e-6 through some fifty layers.
BOUND = 1e-4
# Two values that compete inside a region network and lie closer than this in Keras may change places in another
# runtime, which sums in another order.
TIE = 1e-5
# The largest share of the photographs that such a tie may excuse, and of those on which regions lie elsewhere.
LARGEST_SHARE = 0.05
# Photographs that Keras takes at once.
_BATCH = 8
# px of the model's input. Corners are whole px, so a region that is off by more is another region.
MOVED = 1.0


class DiffersFromKeras(ValueError):
    """An exported file's answers lie over the bound; `report` has the figures."""

    def __init__(self, message, report):
        super().__init__(message)
        self.report = report


@dataclasses.dataclass(frozen=True)
class Report:
    """How far a file's answers lie from Keras's.

    Attributes:
        photographs: int, how many were compared.
        max_abs_diff: float, largest difference of a probability, excused photographs left out.
        max_box_diff: float, px of the model's input, largest difference of a corner of a region, excused photographs
            left out; None from plain classifiers.
        max_score_diff: float, the same of a region's score.
        top1_agreement: float in 0..1, share of all photographs on which both name the same class first.
        over: int, photographs over the bound that nothing excuses.
        tied: int, photographs over the bound that are excused: in Keras, values that compete lie within 1e-5.
        moved: int, photographs whose probabilities agree while a region lies elsewhere.
        unreadable: dict from a photograph's name to the reason; they were left out.
        milliseconds: float, median time of the file for a photograph, decoding left out.
    """

    photographs: int
    max_abs_diff: float
    max_box_diff: float | None
    max_score_diff: float | None
    top1_agreement: float
    over: int
    tied: int
    moved: int
    unreadable: dict[str, str]
    milliseconds: float

    @property
    def failures(self):
        """What is wrong with the file, a tuple of str; empty if it passes."""
        allowed = int(LARGEST_SHARE * self.photographs)
        failures = []
        if self.over:
            failures.append(f"{self.over} of {self.photographs} photographs over the bound of {BOUND:g}")
        if self.tied > allowed:
            failures.append(f"{self.tied} photographs over the bound for a tie, more than the {allowed} that may be")
        if self.moved > allowed:
            failures.append(f"regions elsewhere on {self.moved} photographs, more than the {allowed} that may be")
        return tuple(failures)

    def __str__(self):
        lines = [f"left out {name}: {reason}" for name, reason in self.unreadable.items()]
        lines += [
            f"photographs compared with Keras  {self.photographs} ({len(self.unreadable)} unreadable)",
            f"probabilities differ by at most  {self.max_abs_diff:.2e} (bound {BOUND:g})",
        ]
        if self.max_box_diff is not None:
            lines += [
                f"region boxes differ by at most   {self.max_box_diff:.2e} px ({self.moved} photographs over 1 px)",
                f"region scores differ by at most  {self.max_score_diff:.2e}",
            ]
        lines += [
            f"top-1 agreement                  {self.top1_agreement:.2%}",
            f"tied, so excused and left out    {self.tied} (at most {LARGEST_SHARE:.0%} may be)",
            f"median time a photograph         {self.milliseconds:.1f} ms",
        ]
        return "\n".join(lines)


def compare(infer, model, photographs):
    """Runs a file and its Keras model on the same photographs.

    Args:
        infer: function from images, float32 `[1, S, S, 3]`, 0..255, to a dict of arrays with `model.export_outputs`.
        model: the model of this package that was exported.
        photographs: paths, bytes or RGB uint8 arrays.

    Returns:
        Report.

    Raises:
        ValueError: if none of the photographs can be read.
    """
    rows, batch, unreadable = [], [], {}
    for photo in photographs:
        try:
            batch.append(preprocessing.prepare(photo, model.image_size, model.preprocessing))
        except preprocessing.UnreadablePhotograph as error:
            unreadable[error.name] = error.reason
        if len(batch) == _BATCH:
            rows += _rows(infer, model, np.stack(batch))
            batch = []
    if batch:
        rows += _rows(infer, model, np.stack(batch))
    if not rows:
        named = "; ".join(f"{name}: {reason}" for name, reason in list(unreadable.items())[:3])
        raise ValueError(f"none of the {len(unreadable)} photographs can be read ({named}).")
    return _report(rows, unreadable)


@dataclasses.dataclass(frozen=True)
class _Row:
    """One photograph; the differences are the largest of their kind."""

    probability: float
    box: float | None
    score: float | None
    same_top1: bool
    tied: bool
    seconds: float

    @property
    def over(self):
        # Not `>`: a probability that is not a number lies over the bound too.
        return not self.probability <= BOUND


def _rows(infer, model, images):
    expected = {name: np.asarray(value) for name, value in model(images, training=False).items()}
    rows = []
    for number in range(len(images)):
        start = time.perf_counter()
        answer = infer(images[number : number + 1])
        seconds = time.perf_counter() - start
        largest = {name: float(np.max(np.abs(answer[name][0] - expected[name][number]))) for name in model.export_outputs}
        row = _Row(
            probability=largest["probabilities"],
            box=largest.get("region_boxes"),
            score=largest.get("region_scores"),
            same_top1=np.argmax(answer["probabilities"][0]) == np.argmax(expected["probabilities"][number]),
            tied=False,
            seconds=seconds,
        )
        if row.over:
            tied = model.near_ties(images[number : number + 1], tolerance=TIE)
            row = dataclasses.replace(row, tied=bool(np.asarray(tied)[0]))
        rows.append(row)
    return rows


def _report(rows, unreadable):
    # With every photograph excused, which fails anyway, the figures are those of all.
    counted = [row for row in rows if not row.tied] or rows
    has_regions = rows[0].box is not None
    return Report(
        photographs=len(rows),
        max_abs_diff=float(np.max([row.probability for row in counted])),
        max_box_diff=float(np.max([row.box for row in counted])) if has_regions else None,
        max_score_diff=float(np.max([row.score for row in counted])) if has_regions else None,
        top1_agreement=float(np.mean([row.same_top1 for row in rows])),
        over=sum(row.over and not row.tied for row in rows),
        tied=sum(row.tied for row in rows),
        moved=sum(not row.over and not row.box <= MOVED for row in rows) if has_regions else 0,
        unreadable=unreadable,
        milliseconds=float(np.median([row.seconds for row in rows])) * 1e3,
    )
