"""Brands in whole photos whose boxes nobody tells, named by one or five photos with boxes, or by artwork alone.

.venv/bin/python benchmarks/whole_photos.py --detector FILE --toplogo10 FOLDER --flickrlogos27 FOLDER [--marks FOLDER]

The detector is a .keras, .tflite or .onnx file; no brand of these sets was trained. FlickrLogos-27: references are the squares
around the largest boxes of training photos, the 135 queries with a brand are asked about. TopLogo-10: of all 700 photos those
that are no references. The 135 queries of FlickrLogos-27 without a brand tell known from unknown, for both sets. References are
drawn 30 times. Of artwork a reference stands on white and one on black, and photos of brands without any are not asked about;
--marks names the folder where logo-train --recipe logo_embedder keeps the packages of marks, without which those of simplepycons
are taken alone.

The threshold at 5 % false accepts is the least number above all but so many of the 135 queries without a brand, as
Gallery.calibrate fits it, and so at 1 %: above the sixth best and above the best.

A brand's score in a place is its largest cosine minus the largest to a background, as in a gallery, and in a photo that of its
best place. A row is a choice of places:

detector, K                the best K regions
detector, 8, whole         those and the whole photo
detector, 8, close         those, cut anew from the photo itself, of which the detector sees 640 px
windows                    sliding windows, some 200 a photo, cut from the photo itself
windows, equal             as many of them, with longer steps and without the smallest, as take as much time as the detector
whole photo                alone; the middle of a logo is inside by itself

--add objectness=0.5 adds rows in which half of a place's objectness is added to the score of every brand in it; "score" is the
detector's own, a probability. --backgrounds=64 adds rows with the first 64 background vectors alone, those that the embedding
learned beside its marks.

--trained toplogo10=MODEL.keras adds what to come near to: a network that was trained on the set's own part for training, with all
of its photos and no boxes; its brand is its likeliest, its score the probability of that. It is asked about the official part for
testing alone, and where that is not all that is asked about, the detector's rows are there of these photos too.

A second table has how much better the detector is than windows, on the same photos and draws.

Every run is a line of results/whole-photos.jsonl, and results/whole-photos.md counts them.
"""

import dataclasses
import warnings

import numpy as np
from places import CENTRE_INSIDE, cost, define_detector, finds, limited, opened, opened_sets, sliding, timed, windows, with_boxes
from result import RESULTS, Table, keep, run, shown
from retrieval import artwork, record, squares

from logo_keras import datasets
from logo_keras.datasets.splits import OFFICIAL
from logo_keras.errors import UserError
from logo_keras.evaluation.retrieval import auroc
from logo_keras.export.release import head
from logo_keras.gallery.calibration import above
from logo_keras.gallery.search import similarities
from logo_keras.image.surroundings import whole_box
from logo_keras.report.progress import progress

LOG = RESULTS / "whole-photos.jsonl"
# The parts whose boxes are references, and the parts that are asked about.
SETS = {"toplogo10": None, "flickrlogos27": "train"}
ASKED = {"toplogo10": None, "flickrlogos27": "test"}
# The set that has photos without a brand, and their part.
NONE = ("flickrlogos27", "none")
REGIONS = (2, 4, 8)
SHOTS = (1, 5)
FALSE_ACCEPTS = (0.01, 0.05)
FIGURES = ("named right", "AUROC x 100", *(f"right at {share:.0%} false accepts" for share in FALSE_ACCEPTS),
           "middle of the logo inside", "IoU 0.3")  # fmt: skip
# What is compared, with which places, and by which figures.
COMPARED, WITH = "detector, 8, whole", ("windows, equal", "windows")
DIFFERENCES = ("named right", "AUROC x 100", "right at 5% false accepts")
ADDENDS = ("objectness", "score")
RESAMPLES = 500


@dataclasses.dataclass(frozen=True, eq=False)
class Places:
    """What was seen in n photos, in t places.

    Attributes:
        vectors: float32 `[t, D]`.
        addends: dict from each of `ADDENDS`, where it is known, to float32 `[t]`.
        finds: bool `[t, 2]`, whether the middle of a true box lies inside, and whether one has an IoU of 0.3 with it.
        rows: int `[n, m]`, the places of each photo, best first, -1 where there is none.
    """

    vectors: np.ndarray
    addends: dict
    finds: np.ndarray
    rows: np.ndarray

    def of(self, columns):
        """The same photos with some of their places, a slice."""
        return dataclasses.replace(self, rows=self.rows[:, columns])


def define(flags):
    for name in SETS:
        flags.string(name, None, f"The folder of {name}; one of the sets must be given.")
    flags.string("marks", None, "The folder of the packages of marks.")
    flags.multi_string("add", None, "What is added to the scores in a place, NAME=WEIGHT; objectness or score.")
    flags.integer("backgrounds", 0, "So many background vectors alone, in more rows; 0 for no such rows.", 0)
    flags.multi_string("trained", None, "A network that was trained on one of the sets, NAME=FILE, .keras.")
    flags.integer("draws", 30, "How often references are drawn.", 1)
    define_detector(flags)


def main(flags, arguments):
    variants = {"": (None, None)} | dict(map(variant, flags.add or ()))
    if flags.backgrounds:
        variants[f", {flags.backgrounds} backgrounds"] = None, flags.backgrounds
    sets = opened_sets(flags, SETS)
    rivals = dict(rival(text, sets) for text in flags.trained or ())
    asked = {name: limited(queries(name, dataset), flags.limit) for name, dataset in sets.items()}
    model = opened(flags)
    spent = cost(model, timed(next(iter(asked.values()))))
    slid, none, strangers = sliding(flags, spent), None, None
    if (root := flags[NONE[0]].value) is not None:
        none = limited(datasets.load(NONE[0], root, split=NONE[1]), flags.limit)
        strangers = see(none, model, slid)
    lines, figures = [], {}
    for name, dataset in sets.items():
        seen = see(asked[name], model, slid)
        galleries = references(with_boxes(dataset), model, flags.marks)
        without = 0 if strangers is None else len(strangers["whole photo"].rows)
        lines.append(f"\n{name}: {len(asked[name])} photos of {len(dataset.class_names)} brands, {without} without; percent\n")
        table, answers = Table("places", "references", *FIGURES), {}
        for row, places in seen.items():
            others = None if strangers is None else strangers[row]
            for label, (addend, backgrounds) in variants.items():
                if addend is not None and addend[0] not in places.addends:
                    continue
                for kind, draw in galleries.items():
                    count = 1 if kind == "artwork" else flags.draws
                    draws = [draw(number) for number in range(count)]
                    found = ask(places, others, asked[name], draws, model.background_vectors[:backgrounds], addend)
                    answers[row + label, kind] = found
                    each = figures.setdefault(name, {})[f"{row}{label}, {kind}"] = measured(found)
                    table.add(row + label, kind, *map(shown, each.values()))
        if name in rivals:
            of_detector = {kind: answers[COMPARED, kind] for kind in galleries}
            for (row, kind), found in beside(name, rivals[name], asked[name], none, of_detector).items():
                each = figures[name][f"{row}, {kind}"] = measured(found)
                table.add(row, kind, *map(shown, each.values()))
        lines.append("\n".join(table))
        table = Table("difference in points", "references", *DIFFERENCES)
        for row, kind in ((row, kind) for row in WITH for kind in galleries if (row, kind) in answers):
            each = measured(answers[COMPARED, kind], answers[row, kind])
            each = figures[name][f"{COMPARED} minus {row}, {kind}"] = {figure: each[figure] for figure in DIFFERENCES}
            table.add(f"{COMPARED} minus {row}", kind, *map(shown, each.values()))
        lines.append("\n".join(["", *table]))
    facts = [f"Commit: {head()}", f"{spent}", f"Runs of this script so far: {record(LOG, figures)}",
             "In brackets: 95 % over draws and photos, bootstrap.",
             "The middle of a logo inside, and IoU: of the best place of the photos that are named right."]  # fmt: skip
    keep("whole-photos", *lines, title="Brands in whole photos", facts=facts)


def variant(text):
    """What is added to scores: how a row says it, and a name and a weight, with all background vectors."""
    name, _, weight = text.partition("=")
    try:
        return f" + {weight} {name}", ((name, {each: float(weight) for each in ADDENDS}[name]), None)
    except (KeyError, ValueError):
        raise UserError(f"--add must be NAME=WEIGHT with {' or '.join(ADDENDS)}, got {text!r}.") from None


def rival(text, sets):
    """A network that was trained on one of the sets: its name and the model."""
    name, _, path = text.partition("=")
    if name not in sets or not path:
        raise UserError(f"--trained must be NAME=FILE with a set whose folder is given, got {text!r}.")
    import logo_keras as lk

    model = lk.load(path)
    if tuple(model.class_names) != sets[name].class_names:
        raise UserError(f"{path} knows other brands than {name}: it must have been trained on that set.")
    return name, model


def beside(name, model, dataset, none, of_detector):
    """Rows of a network that was trained on a set, and of the detector where it is asked about more than the part for testing.

    Args:
        name: str, of the set.
        model, dataset, none: as for `ask_trained`.
        of_detector: dict from kinds of references to what `ask` returns.

    Returns:
        dict from places and references, two str, to what `ask` returns.
    """
    part = OFFICIAL[name].test
    tested = np.flatnonzero(np.isin(dataset.paths, datasets.load(name, dataset.root, split=part).paths))
    rows = {(f"{type(model).__name__}, trained", f"{part} alone"): ask_trained(model, dataset.subset(tested), none)}
    if len(tested) < len(dataset):
        rows |= {(COMPARED, f"{kind}, {part} alone"): taken(each, photos=tested) for kind, each in of_detector.items()}
    return rows


def ask_trained(model, dataset, none):
    """What a network says that was trained on the brands: as `ask` returns, of one draw.

    Args:
        model: what has `predict`, which gives `probabilities`.
        dataset: Dataset.
        none: Dataset of photos without a brand, or None.
    """
    probabilities = model.predict(dataset, verbose=0)["probabilities"]
    right = (probabilities.argmax(axis=1) == dataset.labels).astype(float)
    best = np.zeros(0, np.float32) if none is None else model.predict(none, verbose=0)["probabilities"].max(axis=1)
    return right[None], probabilities.max(axis=1)[None], best[None], np.full((1, len(right), 2), np.nan)


def queries(name, dataset):
    """The photos that are asked about, of a set whose references are in `dataset`."""
    if ASKED[name] == SETS[name]:
        return with_boxes(dataset)
    return datasets.load(name, dataset.root, split=ASKED[name])


def see(dataset, model, slid):
    """Looks at every photo once.

    Args:
        dataset: Dataset.
        model: `places.Model`.
        slid: dict, what `places.sliding` gives.

    Returns:
        dict from the name of a row to Places.
    """
    parts = {}
    for number in progress(range(len(dataset)), "photos", len(dataset)):
        photo, true = dataset.shown(number)
        for kind, (boxes, vectors, *addends) in looked(photo, model, slid).items():
            parts.setdefault(kind, []).append((vectors, addends, finds(boxes, true).any(axis=1)[:, [CENTRE_INSIDE, 0]]))
    seen = {kind: joined(each) for kind, each in parts.items()}
    # The whole photo comes first.
    rows = {f"detector, {count}": seen["detector"].of(slice(1, 1 + count)) for count in REGIONS}
    rows["detector, 8, whole"] = seen.pop("detector").of(slice(1 + max(REGIONS)))
    return rows | seen


def looked(photo, model, slid):
    """The places of a photo: dict from their kind to boxes, embeddings, objectness and, from a detector, scores."""
    height, width = photo.shape[:2]
    found, whole = model.detect(photo), np.float32([whole_box(photo)])
    boxes = found.boxes[: max(REGIONS)]
    kinds = {
        "detector": (
            np.concatenate([whole, found.boxes]),
            np.concatenate([found.whole_embedding[None], found.embeddings]),
            np.append(np.float32(found.whole_objectness), found.objectness),
            # The detector does not say whether the whole photo is a logo.
            np.append(np.float32(0), found.scores),
        ),
        "detector, 8, close": (boxes, *model.look(photo, boxes), found.scores[: max(REGIONS)]),
    }
    for kind, most in slid.items():
        boxes = windows(height, width, most)
        kinds[kind] = boxes, *model.look(photo, boxes)
    return kinds | {"whole photo": (whole, *model.look(photo))}


def joined(parts):
    """The places of photos, each vectors `[m, D]`, a list of addends `[m]` and finds `[m, 2]`, as Places."""
    vectors, addends, found = zip(*parts, strict=True)
    counts = np.array([len(each) for each in vectors])
    columns = np.arange(counts.max(initial=0))
    rows = np.where(columns < counts[:, None], (np.cumsum(counts) - counts)[:, None] + columns, -1)
    known = {name: np.concatenate(values) for name, values in zip(ADDENDS, zip(*addends, strict=True), strict=False)}
    return Places(np.concatenate(vectors), known, np.concatenate(found), rows)


def references(dataset, model, marks):
    """The galleries that are asked.

    Args:
        dataset: Dataset with boxes of every photo.
        model: `places.Model`.
        marks: str, the folder of the packages of marks, or None.

    Returns:
        dict from the kind of references to a function from the number of a draw to vectors `[r, D]`, brands ascending `[r]`, and
        the paths of their photos.
    """
    crops, labels, brands = squares(dataset)
    vectors, paths = model.embed(list(crops)), np.array(dataset.paths)
    kinds = {f"{shots}-shot": lambda draw, shots=shots: drawn(vectors, labels, paths, shots, draw) for shots in SHOTS}
    art, of_art = artwork(brands, marks)
    if len(art):
        order = np.argsort(of_art, kind="stable")
        of_marks = model.embed(list(art[order]))
        kinds["artwork"] = lambda draw: (of_marks, of_art[order], paths[:0])
    return kinds


def drawn(vectors, labels, paths, shots, draw):
    """So many references of each brand."""
    rng = np.random.default_rng([0, draw])
    chosen = np.concatenate([rng.permutation(np.flatnonzero(labels == label))[:shots] for label in np.unique(labels)])
    return vectors[chosen], labels[chosen], paths[chosen]


def ask(places, strangers, dataset, draws, background_vectors, addend):
    """Asks galleries about photos.

    Args:
        places: Places, of the photos of `dataset`.
        strangers: Places, of photos without a brand, or None.
        dataset: Dataset.
        draws: list of what `references` gives.
        background_vectors: float32 `[G, D]`.
        addend: str and float, a name of an addend and its weight, or None.

    Returns:
        right: float `[draws, n]`, 1 where the best brand is right, 0 where it is not, NaN where the photo is a reference or its
            brand has none.
        best: float32 `[draws, n]`, the score of the best brand.
        none: float32 `[draws, m]`, likewise of photos without a brand.
        found: float `[draws, n, 2]`, of photos that are named right `Places.finds` of the best place, NaN of others, and where
            boxes are not known.
    """
    boxed = np.array([len(boxes) > 0 for boxes in dataset.boxes])
    paths, rights, bests, nones, founds = np.array(dataset.paths), [], [], [], []
    for vectors, labels, used in draws:
        brands, starts = np.unique(labels, return_index=True)
        brand, best, place = likeliest(places, vectors, starts, background_vectors, addend)
        right = np.where(np.isin(dataset.labels, brands) & ~np.isin(paths, used), brands[brand] == dataset.labels, np.nan)
        rights.append(right)
        bests.append(best)
        founds.append(np.where(((right == 1) & boxed)[:, None], places.finds[place], np.nan))
        none = np.zeros(0, np.float32)
        if strangers is not None:
            _, none, _ = likeliest(strangers, vectors, starts, background_vectors, addend)
        nones.append(none)
    return np.stack(rights), np.stack(bests), np.stack(nones), np.stack(founds)


def likeliest(places, vectors, starts, background_vectors, addend=None):
    """Of each photo the brand with the highest score in any place, this score, and the place: three `[n]`.

    Args:
        places: Places.
        vectors, starts, background_vectors: as for `logo_keras.gallery.search.similarities`.
        addend: as for `ask`.
    """
    scores = similarities(vectors, starts, places.vectors, background_vectors)
    if addend is not None:
        name, weight = addend
        scores = scores + weight * places.addends[name]
    # Row -1: no place.
    scores = np.pad(scores, ((0, 0), (0, 1)), constant_values=-np.inf)[:, places.rows]
    best, photos = scores.max(axis=2), np.arange(scores.shape[1])
    brand = best.argmax(axis=0)
    return brand, best[brand, photos], places.rows[photos, scores[brand, photos].argmax(axis=1)]


def measured(answers, others=None):
    """The figures, each with its interval.

    Args:
        answers: what `ask` returns.
        others: what `ask` returns, of other places in the same photos and of the same draws; or None.

    Returns:
        dict from each of `FIGURES` to three floats, in percent, None where it is not known; with `others` how much higher it is
        for `answers`, where each resample has the same photos and draws of both.
    """
    rng, drawn, (right, _, none, _) = np.random.default_rng(0), [], answers

    def figures(*chosen):
        ours = np.array(values(*taken(answers, *chosen)))
        return ours if others is None else ours - values(*taken(others, *chosen))

    lengths = (*right.shape, none.shape[1])
    for _ in range(RESAMPLES):
        drawn.append(figures(*(rng.integers(length, size=length) for length in lengths)))
    with warnings.catch_warnings():
        # What is not known is nan all over.
        warnings.simplefilter("ignore", RuntimeWarning)
        ends = np.nanquantile(drawn, (0.025, 0.975), axis=0)
    found = 100 * np.stack([figures(), *ends], axis=1)
    known = (None if np.isnan(each[0]) else each.round(2).tolist() for each in found)
    return dict(zip(FIGURES, known, strict=True))


def taken(answers, draws=None, photos=None, strangers=None):
    """Some of the answers: what `ask` returns, of places of draws, photos and photos without a brand; None for all."""
    right, best, none, found = answers
    rows = np.arange(len(right))[:, None] if draws is None else draws[:, None]
    photos = np.arange(right.shape[1]) if photos is None else photos
    strangers = np.arange(none.shape[1]) if strangers is None else strangers
    return right[rows, photos], best[rows, photos], none[rows, strangers], found[rows, photos]


def values(right, best, none, found):
    """Each of `FIGURES` as a fraction, nan where it is not known. Arguments: as `ask` returns."""
    asked = ~np.isnan(right)
    told, accepted = np.nan, [np.nan] * len(FALSE_ACCEPTS)
    if none.shape[1] and asked.any(axis=1).all():
        told = np.mean([auroc(known[each], others) for known, each, others in zip(best, asked, none, strict=True)])
        for place, share in enumerate(FALSE_ACCEPTS):
            limits = np.array([[above(others, share)] for others in none])
            accepted[place] = _mean(np.where(asked, (right == 1) & (best >= limits), np.nan))
    return [_mean(right), told, *accepted, _mean(found[..., 0]), _mean(found[..., 1])]


def _mean(hits):
    hits = hits[~np.isnan(hits)]
    return float(hits.mean()) if len(hits) else np.nan


if __name__ == "__main__":
    run(__doc__, main, define, required=("detector",))
