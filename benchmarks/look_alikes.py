"""Look-alike search on altered copies: how far down the list the original stands, and how often a trap stands before it.

.venv/bin/python benchmarks/look_alikes.py --marks FOLDER [FILE ...]

A file, an embedder as .keras, .tflite or .onnx, has a row for each kind of copy. Before it come the rows of what the ImageNet
features of EfficientNet-Lite0 give, the mean of its last map. --marks names the folder where logo-train --recipe logo_embedder
keeps the packages of marks. Of the brands that are held out of training (Marks, "validation") one mark each is altered:
recoloured, inverted, grey, with its strokes redrawn, rotated, mirrored, with other text beside it, and several of these at once.
Each copy is looked for as logo-search find does, in an index of logo-search that has all marks of these brands, others, up to
--indexed marks, and the traps: for each copy, another mark in its colours.

The rank is 1 and as many as there are marks of other brands before the original; a mark of its own brand, or of a brand whose
mark looks the same, counts as it does. Traps have no part in ranks. A trap before the original of its copy is counted.
"""

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from altered import ALTERATIONS, has_colours, in_the_colours_of, picture, shows_something
from embeddings import define_others, others
from result import Table, keep, run, shown

import logo_keras as lk
from logo_keras.datasets.marks import Marks
from logo_keras.edge import Embedder
from logo_keras.evaluation.retrieval import interval
from logo_keras.export.release import head
from logo_keras.extras import cv2
from logo_keras.files import write
from logo_keras.gallery.look_alikes import compare, index, owner_of
from logo_keras.report.progress import progress

# Owner of the traps in the index.
TRAPS = "traps"
# What a person looks through at a glance.
PLACES = 10


@dataclass(frozen=True, eq=False)
class Copy:
    """What is looked for.

    Attributes:
        owner: str, of the original.
        alteration: str.
        picture: uint8 RGBA `[h, w, 4]`.
        trap: str, a label in the index: another mark in the colours of the copy.
    """

    owner: str
    alteration: str
    picture: np.ndarray
    trap: str


@dataclass(frozen=True)
class Case:
    """What is looked for, and where.

    Attributes:
        marks: dict from the label in the index, "OWNER/NUMBER", to uint8 RGBA, traps among them.
        copies: list of Copy.
    """

    marks: dict = field(default_factory=dict)
    copies: list = field(default_factory=list)


def define(flags):
    flags.string("marks", None, "The folder of the packages of marks.")
    flags.integer("indexed", 3000, "Marks in the index, beside the traps; those of all held-out brands are always in it.", 1)
    flags.integer("queries", 100, "Brands of which a mark is altered, at most as many as are held out.", 1)
    flags.integer("seed", 0, "Draws queries, copies, traps and the marks of the index.", 0)
    # As large as what the embeddings here read.
    define_others(flags, 128)


def main(flags, files):
    held_out, rest = (Marks(flags.marks, split).drawings for split in ("validation", "train"))
    # Names of brands in free fonts are text; what is looked for is drawn.
    words = [drawing for drawing in rest if drawing.mark.is_wordmark]
    held_out, rest = ([drawing for drawing in drawings if not drawing.mark.is_wordmark] for drawings in (held_out, rest))
    case = chosen(held_out, rest, words, flags.queries, flags.indexed, flags.seed)
    marks = len(case.copies) // len(ALTERATIONS)
    lines = Table("embedding", "copies", "mean rank", f"among the first {PLACES}, %", "a trap before the original, %")
    for name, gallery in galleries(flags, files):
        ranks, trapped = measure(gallery, case)
        for copies, places in ranks.items():
            shares = (percent(hits, marks) for hits in (places <= PLACES, trapped[copies]))
            lines.add(name, copies, f"{places.mean():.1f}", *shares)
    brands = {*map(owner_of, case.marks)} - {TRAPS}
    facts = [
        f"Commit: {head()}",
        f"{marks} marks, each of another brand held out of training, as many copies of each kind",
        f"Index: {len(case.marks) - len(case.copies):,} marks of {len(brands):,} brands, and {len(case.copies)} traps",
        "In brackets: 95 % over marks, bootstrap.",
    ]
    keep("look-alikes", lines, title="Look-alike search on altered copies", facts=facts)


def galleries(flags, files):
    """Yields the name of each row and an empty gallery."""
    for name, embed, size in others(flags):
        yield name, lk.Gallery(embed=embed, image_size=size)
    for path in map(Path, files):
        model = path if path.suffix == ".keras" else Embedder(path, num_threads=os.cpu_count())
        yield path.name, lk.Gallery(model)


def chosen(held_out, rest, words, queries, indexed, seed):
    """Draws what is looked for and where: Case.

    Args:
        held_out: sequence of Drawing, whose brands are asked for.
        rest: sequence of Drawing, of other brands.
        words: sequence of Drawing, what is written beside marks.
        queries: int, brands.
        indexed: int, marks.
        seed: int.
    """
    rng = np.random.default_rng(seed)
    words = [picture(words[number]) for number in rng.permutation(len(words))[:queries]]
    strangers = [rest[number] for number in rng.permutation(len(rest))[: max(0, indexed - len(held_out))]]
    case, numbers = Case(), {}
    for drawing in (*held_out, *strangers):
        # By number: a brand may be called what no folder can be.
        owner = numbers.setdefault(drawing.mark.brand, str(len(numbers)))
        case.marks[f"{owner}/{len(case.marks)}"] = picture(drawing)
    several = {label: has_colours(mark) for label, mark in case.marks.items()}
    brands = list(dict.fromkeys(numbers[drawing.mark.brand] for drawing in held_out))
    for brand in rng.permutation(len(brands))[:queries]:
        own = [label for label in several if owner_of(label) == brands[brand]]
        original = own[rng.integers(len(own))]
        strange = [label for label, has in several.items() if has == several[original] and owner_of(label) != brands[brand]]
        for name, alter in ALTERATIONS.items():
            copy = alter(case.marks[original], rng, words[rng.integers(len(words))])
            painted = (in_the_colours_of(case.marks[strange[place]], copy) for place in rng.permutation(len(strange)))
            trap = f"{TRAPS}/{len(case.copies)}"
            case.marks[trap] = next(filter(shows_something, painted))
            case.copies.append(Copy(brands[brand], name, copy, trap))
    return case


def measure(gallery, case):
    """Indexes the marks and looks for every copy.

    Args:
        gallery: Gallery without marks; gets them.
        case: Case.

    Returns:
        dict from each alteration, and "all", to the ranks, int `[q]`; and another to whether the trap came first, bool `[q]`.
    """
    with tempfile.TemporaryDirectory() as folder:
        for label, mark in case.marks.items():
            write(Path(folder, f"{label}.png"), cv2.imencode(".png", cv2.cvtColor(mark, cv2.COLOR_RGBA2BGRA))[1].tobytes())
        index(gallery, folder)
    places = {label: place for place, label in enumerate(gallery.labels)}
    owners = np.array([owner_of(label) for label in gallery.labels])
    ranks, trapped = ({name: [] for name in (*ALTERATIONS, "all")} for _ in range(2))
    for copy in progress(case.copies, "looking for copies", len(case.copies)):
        best = compare(gallery, copy.picture)[0].max(axis=1)
        own = best[owners == copy.owner].max()
        before = best > own
        for name in (copy.alteration, "all"):
            ranks[name].append(1 + int(before[owners != TRAPS].sum()))
            trapped[name].append(bool(before[places[copy.trap]]))
    return tuple({name: np.array(values) for name, values in found.items()} for found in (ranks, trapped))


def percent(hits, marks):
    """The share of hits, bool `[q]`, those of each mark side by side, with its interval over marks."""
    shares = hits.reshape(marks, -1).mean(axis=1)
    return shown([100 * value for value in (shares.mean(), *interval(shares))])


if __name__ == "__main__":
    run(__doc__, main, define, required=("marks",))
