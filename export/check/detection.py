"""Whether an exported detector finds the regions that Keras finds, and embeds them as Keras does."""

import dataclasses

import numpy as np

from logo_keras.image.boxes import areas, common_areas

from .embedding import BOUNDS as EMBEDDING_BOUNDS
from .embedding import asked, cosines, retrieved
from .report import FEW, MOVED, Reported, excusable

# Intersection over union from which two regions find the same logo: what the detector itself suppresses at.
_SAME = 0.5


@dataclasses.dataclass(frozen=True)
class DetectionBound:
    """What a file must keep to. A figure that is None is not bounded.

    Attributes:
        score: float, largest difference of a region's score from Keras; then regions may not lie elsewhere either, but for ties.
        embedding: float, largest difference of a number of an embedding.
        objectness: float, largest difference of an objectness.
        cosine: float, least cosine of the embedding of a whole photo and Keras's.
        region_cosine: float, the same of regions, mean over them.
        agreement: float in 0..1, least share of Keras's regions that the file finds, each counted by its score.
        drop: float in 0..1, by how much R@1 may fall below Keras's, where the photos lie in folders of brands; by its standard
            error more, and two photos are always allowed.
    """

    score: float | None = None
    embedding: float | None = None
    objectness: float | None = None
    cosine: float | None = None
    region_cosine: float | None = None
    agreement: float | None = None
    drop: float | None = None


_COSINE = EMBEDDING_BOUNDS["float32"].cosine
# By the precision that a file computes in. In float32 the corners of a trained detector's regions differed by 6e-4 px and numbers
# of their embeddings by 2e-5. Fewer bits move every corner, and with it what is cut out; which regions come last hangs on little,
# so they count by their scores. Of a trained detector of K = 8 float16 found 99.8 % of the regions, with mean cosines of 0.9996
# and 0.9994, since one that moved may have 0.87; dynamic and int8 found 96 to 97 %, with 0.970 to 0.983 (photos of TopLogo-10 and
# 40 synthetic ones, December 2026).
BOUNDS = {
    # As of embedders, but ten times that where the corners of a box have their part in it.
    "float32": DetectionBound(score=1e-4, embedding=1e-3, objectness=1e-3, cosine=_COSINE, region_cosine=_COSINE),
    "float16": DetectionBound(cosine=_COSINE, region_cosine=0.995, agreement=0.98, drop=0.005),
    "int8": DetectionBound(region_cosine=0.95, agreement=0.9, drop=0.01),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class DetectionReport(Reported):
    """How far the regions of a file lie from Keras's, and their embeddings.

    Keras's region and the file's that shares most with it, at least half of what both cover together, are the same region,
    whatever their ranks. In float32 no corner may lie more than 1 px off.

    Attributes:
        regions: int, those that Keras finds, over all photos.
        agreement: float in 0..1, share of them that the file finds too, each counted by its score.
        elsewhere: int, photos on which a region of Keras is not found, or more than 1 px off, and no tie excuses it.
        tied: int, such photos that are excused: in Keras, values that compete lie within 1e-5.
        max_box_diff: float, px of the model's input, largest difference of a corner of regions that both find.
        max_score_diff: float, the same of a score.
        max_abs_diff: float, the same of a number of an embedding, of regions and of whole photos.
        max_objectness_diff: float, the same of an objectness.
        min_cosine: float, least cosine of a whole photo's embedding and Keras's.
        min_region_cosine: float, the same of regions that both find.
        mean_region_cosine: float, the same, mean over them.
        labelled: int, photos that are asked for: those in a folder with others, where there are several such folders.
        r1: float in 0..1, share of the labelled photos of which the nearest other photo is of the same folder, each by the
            embedding of its best region; None where none is labelled, NaN where an embedding has no direction.
        keras_r1: float, the same of Keras.
        r1_error: float, standard error of the difference of the two over the photos.
    """

    regions: int
    agreement: float
    elsewhere: int
    tied: int
    max_box_diff: float
    max_score_diff: float
    max_abs_diff: float
    max_objectness_diff: float
    min_cosine: float
    min_region_cosine: float
    mean_region_cosine: float
    labelled: int
    r1: float | None = None
    keras_r1: float | None = None
    r1_error: float | None = None

    columns = ("regions", "largest diff.", "cosine")

    @staticmethod
    def _figures(found, reference, precision):
        expected, exact = reference.expected, BOUNDS[precision].score is not None
        pairs = [_pairs(*boxes, exact) for boxes in zip(found["region_boxes"], expected["region_boxes"], strict=True)]
        photos = np.repeat(np.arange(len(pairs)), [len(each) for each in pairs])
        ours, theirs = np.concatenate(pairs).T
        scores = expected["region_scores"]
        missed = np.array([len(each) for each in pairs]) < scores.shape[1]
        tied = np.array([exact and missed[number] and reference.tied(number) for number in range(len(pairs))])

        def apart(name, with_whole=None):
            differences = np.abs(found[name][photos, ours] - expected[name][photos, theirs]).ravel()
            if with_whole is not None:
                differences = np.append(differences, np.abs(found[with_whole] - expected[with_whole]))
            return float(differences.max()) if len(differences) else np.nan

        # What is infinite points nowhere either.
        vectors = {name: np.where(np.isfinite(found[name]), found[name], np.nan) for name in ("embedding", "region_embeddings")}
        near = cosines(vectors["region_embeddings"][photos, ours], expected["region_embeddings"][photos, theirs])
        figures, labelled = {}, asked(reference.labels)
        if len(labelled):
            best = (answers["region_embeddings"][:, 0][labelled] for answers in (vectors, expected))
            hits, keras_hits = (retrieved(each, reference.labels[labelled])[0].astype(float) for each in best)
            figures = {"r1": float(hits.mean()), "keras_r1": float(keras_hits.mean())}
            figures["r1_error"] = float(np.std(keras_hits - hits) / len(labelled) ** 0.5)
        return figures | {
            "regions": int(scores.size),
            "agreement": float(scores[photos, theirs].sum() / scores.sum()),
            "elsewhere": int(np.sum(missed & ~tied)),
            "tied": int(tied.sum()),
            "max_box_diff": apart("region_boxes"),
            "max_score_diff": apart("region_scores"),
            "max_abs_diff": apart("region_embeddings", "embedding"),
            "max_objectness_diff": apart("region_objectness", "objectness"),
            "min_cosine": float(cosines(vectors["embedding"], expected["embedding"]).min()),
            "min_region_cosine": float(near.min()) if len(near) else np.nan,
            "mean_region_cosine": float(near.mean()) if len(near) else np.nan,
            "labelled": len(labelled),
        }

    @staticmethod
    def alike(ours, theirs):
        """Whether the regions `[K, 4]` of one photo are the same answer: the best one lies within 1 px: bool."""
        return bool(np.abs(ours[0] - theirs[0]).max() <= MOVED)

    @property
    def failures(self):
        """What is wrong with the file, a tuple of str; empty if it passes."""
        bound, failures, allowed = BOUNDS[self.precision], [], excusable(self.photographs)
        # Not `>` or `<` anywhere: what is not a number passes no bound.
        if bound.score is not None and self.elsewhere:
            failures.append(f"regions elsewhere on {self.elsewhere} photographs")
        if bound.score is not None and self.tied > allowed:
            failures.append(f"regions elsewhere for a tie on {self.tied} photographs, more than the {allowed} that may be")
        for what, value, most in (
            ("a score", self.max_score_diff, bound.score),
            ("an embedding", self.max_abs_diff, bound.embedding),
            ("an objectness", self.max_objectness_diff, bound.objectness),
        ):
            if most is not None and not value <= most:
                failures.append(f"{what} that differs by {value:.2e}, over the bound of {most:g}")
            elif not np.isfinite(value):
                failures.append(f"{what} that is no number")
        for what, value, least, of in (
            ("a cosine", self.min_cosine, bound.cosine, "a whole photo's embedding"),
            ("a mean cosine", self.mean_region_cosine, bound.region_cosine, "regions' embeddings"),
        ):
            if least is not None and not value >= least:
                failures.append(f"{what} of {value:.5f} to Keras's of {of}, less than {least:g}")
        if bound.agreement is not None and not self.agreement >= bound.agreement:
            failures.append(f"the same regions for {self.agreement:.2%} of their scores, less than {bound.agreement:.0%}")
        if bound.drop is not None and self.labelled:
            # What other photos would undo is no evidence: which of two regions comes first often hangs on little.
            drop, most = self.keras_r1 - self.r1, max(FEW / self.labelled, bound.drop + self.r1_error)
            if not drop <= most + 1e-6:
                failures.append(f"R@1 {self.r1:.2%} where Keras has {self.keras_r1:.2%}, more than {bound.drop:.1%} below")
        return tuple(failures)

    @property
    def figures(self):
        """The figures of `columns`."""
        return (self.agreement, ".1%"), (self.max_abs_diff, ".1e"), (self.mean_region_cosine, ".4f")

    def _lines(self):
        bound = BOUNDS[self.precision]

        def limit(value, word="bound"):
            return "" if value is None else f" ({word} {value:g})"

        lines = [
            f"regions that both find           {self.agreement:.2%} of {self.regions}, each counted by its score"
            f"{limit(bound.agreement, 'at least')}",
            f"their boxes differ by at most    {self.max_box_diff:.2e} px",
            f"their scores differ by at most   {self.max_score_diff:.2e}{limit(bound.score)}",
            f"embeddings differ by at most     {self.max_abs_diff:.2e}{limit(bound.embedding)}",
            f"objectness differs by at most    {self.max_objectness_diff:.2e}{limit(bound.objectness)}",
            f"cosine to Keras's, whole photo   least {self.min_cosine:.5f}{limit(bound.cosine, 'at least')}",
            f"cosine to Keras's, regions       {self.mean_region_cosine:.5f}{limit(bound.region_cosine, 'at least')}, "
            f"least {self.min_region_cosine:.5f}",
        ]
        if self.labelled:
            most = "" if bound.drop is None else f", at most {bound.drop:.1%} and an error of {self.r1_error:.1%} less"
            lines.append(f"R@1 of the best region           {self.r1:.2%} of {self.labelled} (Keras {self.keras_r1:.2%}{most})")
        if bound.score is not None:
            lines.append(f"regions elsewhere                {self.elsewhere} photographs, and {self.tied} excused for a tie")
        return lines


def _pairs(ours, theirs, exact):
    """Places of the same region in two lists of boxes, `[K, 4]` each: int `[n, 2]`; those that are most alike are paired first.

    With `exact` no corner lies more than 1 px off, else they share half of what they cover.
    """
    ours = np.nan_to_num(ours)
    off = np.abs(ours[:, None] - theirs[None]).max(axis=-1)
    common = common_areas(ours[:, None], theirs)
    union = areas(ours)[:, None] + areas(theirs) - common
    # Of empty boxes too.
    near = 1 - (1 - _SAME) * off / MOVED
    alike, pairs = near if exact else np.divide(common, union, out=near, where=union > 0), []
    while alike.max() >= _SAME:
        pair = np.unravel_index(alike.argmax(), alike.shape)
        pairs.append(pair)
        alike[pair[0]] = alike[:, pair[1]] = -np.inf
    return np.array(pairs, int).reshape(-1, 2)
