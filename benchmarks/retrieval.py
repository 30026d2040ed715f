"""Embeddings on crops of real sets, of brands that no embedding here was trained on: retrieval, few shots, artwork alone, and
what galleries that are not calibrated say of marks of other brands.

.venv/bin/python benchmarks/retrieval.py --toplogo10 FOLDER --flickrlogos27 FOLDER [--marks FOLDER] [FILE ...]

A file is a row: an embedder as .keras, .tflite or .onnx, or with --foreign any .onnx that gives a vector of an image. The first
row is what the ImageNet features of EfficientNet-Lite0 give, the mean of its last map. A crop is the square around the largest
box of a photo's brand, 1.25 times its longer side: all 700 photos of TopLogo-10, and the training photos of FlickrLogos-27. Of
artwork a reference stands on white and one on black; --marks names the folder where logo-train --recipe logo_embedder keeps the
packages of marks, without which those of simplepycons are taken alone.

A gallery has half of the brands of a set, drawn 30 times, and is asked about all other crops of all brands.

Every run is a line of results/retrieval.jsonl, and results/retrieval.md counts them: who looks often finds something by chance.
"""

import datetime
import json
from pathlib import Path

import numpy as np
from embeddings import SIDE, define_others, others
from result import RESULTS, Table, command_line, keep, run, shown

from logo_keras import datasets
from logo_keras.datasets.marks import catalogue, drawings, packages
from logo_keras.errors import UserError
from logo_keras.evaluation.retrieval import few_shot_hits, from_artwork, interval, retrieve
from logo_keras.export.release import head
from logo_keras.extras import cv2
from logo_keras.files import write
from logo_keras.gallery import calibration, search
from logo_keras.image.preprocessing import fit
from logo_keras.image.surroundings import CONTEXT, square

LOG = RESULTS / "retrieval.jsonl"
# The parts with boxes of brands.
SETS = {"toplogo10": None, "flickrlogos27": "train"}
# Brands that are called otherwise than their marks.
ALIASES = {"adidas0": "adidas", "hh": "hellyhansen", "mk": "michaelkors"}
SHOTS = (1, 5)
# Galleries of half of the brands.
GALLERIES = 30
# A one-colour mark that differs by less from its ground, in grey levels, turns black or white, as in training.
STANDS_OUT = 60


def define(flags):
    for name in SETS:
        flags.string(name, None, f"The folder of {name}; one of the sets must be given.")
    flags.string("marks", None, "The folder of the packages of marks.")
    define_others(flags)


def main(flags, files):
    roots = {name: flags[name].value for name in SETS if flags[name].value}
    if not roots:
        raise UserError("--toplogo10 or --flickrlogos27 must be given.")
    rows = dict(embedders(flags, files))
    figures, lines = {}, []
    for name, root in roots.items():
        crops, labels, brands = squares(datasets.load(name, root, split=SETS[name]))
        art, of_art = artwork(brands, flags.marks)
        drawn = len(set(of_art.tolist()))
        lines.append(f"\n{name}: {len(crops)} crops of {len(brands)} brands, artwork of {drawn} ({len(art)} drawings)\n")
        galleries = Table("embedding", "references", "threshold", "right name", "wrong name", "marks of other brands with a name")
        table = Table("embedding", "R@1", "mAP", *(f"{shots}-shot" for shots in SHOTS), f"artwork alone, {drawn} brands")
        for row, embed in rows.items():
            vectors, of_drawings = embed(crops), embed(art) if len(art) else None
            found = measure(vectors, labels, of_drawings, of_art)
            table.add(row, *(shown(each) for each in found.values()))
            named = uncalibrated(vectors, labels, of_drawings, of_art, getattr(embed, "__self__", None))
            for (references, rule), each in named.items():
                galleries.add(row, references, rule, *(f"{share:.1f}" for share in each))
            found["uncalibrated"] = {f"{references}, {rule}": each for (references, rule), each in named.items()}
            figures.setdefault(name, {})[row] = found
        lines += ["\n".join(table), f"\n{name}: galleries that are not calibrated, percent of the crops\n", "\n".join(galleries)]
    count = record(LOG, figures)
    facts = [f"Commit: {head()}", f"Runs of this script so far: {count}", "In brackets: 95 % over draws and images, bootstrap."]
    keep("retrieval", *lines, facts=facts)


def embedders(flags, files):
    """Yields the name of each row and a function from uint8 `[n, SIDE, SIDE, 3]` to embeddings `[n, D]`."""
    for name, embed, _ in others(flags):
        yield name, embed
    for path in map(Path, files):
        yield path.name, opened(path)


def opened(path):
    """An embedder of this package."""
    if path.suffix == ".keras":
        import logo_keras as lk

        model = lk.load(path)
        if not hasattr(model, "embed"):
            raise UserError(f"{path} holds a {type(model).__name__}, wanted a LogoEmbedder.")
        return model.embed
    from logo_keras.edge import Embedder

    return Embedder(path).embed


def squares(dataset):
    """The square around the largest box of each photo: uint8 `[n, SIDE, SIDE, 3]`, labels int `[n]`, and the brands' names."""
    crops, labels = [], []
    for number, boxes in enumerate(dataset.boxes):
        if len(boxes):
            largest = boxes[np.argmax(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))]
            crops.append(fit(square(dataset.photograph(number), largest), SIDE))
            labels.append(dataset.labels[number])
    return np.stack(crops), np.array(labels), dataset.class_names


def artwork(brands, root=None):
    """The drawings of brands, each on white and on black: uint8 `[r, SIDE, SIDE, 3]` and the places of their brands `[r]`."""
    names = {ALIASES.get(brand, "".join(filter(str.isalnum, brand.lower()))): place for place, brand in enumerate(brands)}
    known = {name: package for name, package in packages.PACKAGES.items() if root or not package.integrity}
    drawn, places = [np.zeros((0, SIDE, SIDE, 3), np.uint8)], []
    for mark in (each for part in catalogue.marks(root, known) for each in part):
        if mark.brand in names:
            pixels, color = drawings.draw(packages.icons(root, known[mark.package])[mark.name].svg, mark.color)
            if pixels is not None:
                drawn.append(np.stack([on_ground(pixels, color, ground) for ground in (255, 0)]))
                places += [names[mark.brand]] * 2
    return np.concatenate(drawn), np.array(places, np.int64)


def on_ground(pixels, color, ground):
    """A drawing in the middle of a square, with as much context as a crop has: uint8 `[SIDE, SIDE, 3]`."""
    if pixels.ndim == 2:
        color = np.float32((0, 0, 0) if color is None else color)
        # ITU-R BT.601: how bright a colour is.
        if abs(color @ np.float32((0.299, 0.587, 0.114)) - ground) < STANDS_OUT:
            color = np.full(3, 255 - ground, np.float32)
        pixels = np.dstack([pixels[..., None] / 255 * color, pixels])
    pixels = pixels.astype(np.float32)
    picture = pixels[..., :3] + (1 - pixels[..., 3:] / 255) * ground
    side = round(CONTEXT * max(picture.shape[:2]))
    whole = np.full((side, side, 3), ground, np.float32)
    top, left = ((side - length) // 2 for length in picture.shape[:2])
    whole[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return cv2.resize(np.clip(np.round(whole), 0, 255).astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)


def measure(embeddings, labels, art, of_art):
    """Figures by name: a mean and its interval in percent, None where there is no artwork."""
    found = retrieve(embeddings, labels)
    hits = {"R@1": found.hits, "mAP": found.precisions}
    hits |= {f"{shots}-shot": few_shot_hits(embeddings, labels, shots) for shots in SHOTS}
    hits["artwork"] = None if art is None else from_artwork(embeddings, labels, art, of_art)
    return {
        name: None if each is None else [round(100 * float(value), 2) for value in (np.nanmean(each), *interval(each))]
        for name, each in hits.items()
    }


def uncalibrated(vectors, labels, art, of_art, model):
    """What galleries of half of the brands say of crops before they are calibrated.

    Args:
        vectors: float32 `[n, D]`, of crops; labels: int `[n]`, their brands.
        art: float32 `[r, D]`, of drawings, or None; of_art: int `[r]`, their brands.
        model: what embedded them, with `background_vectors` and, maybe, `threshold`; anything else gives no figures.

    Returns:
        dict from references and threshold, two str, to three shares in percent: of the gallery's own marks those that get their
        name and those that get another, and of marks of other brands those that get a name.
    """
    if getattr(model, "background_vectors", None) is None:
        return {}
    known = {"0": lambda similarities: similarities >= 0}
    if (limit := getattr(model, "threshold", None)) is not None:
        known[f"{limit:.3f} of the file"] = lambda similarities: calibration.apart(similarities) >= limit
    found = {}
    for shots in (*SHOTS, *(["artwork"] if art is not None else [])):
        for draw in range(GALLERIES):
            rng, asked = np.random.default_rng([0, draw]), np.ones(len(labels), bool)
            brands = np.unique(of_art if shots == "artwork" else labels)
            brands = np.sort(rng.permutation(brands)[: max(1, len(brands) // 2)])
            if shots == "artwork":
                parts = [art[of_art == brand] for brand in brands]
            else:
                chosen = [rng.permutation(np.flatnonzero(labels == brand))[:shots] for brand in brands]
                asked[np.concatenate(chosen)] = False
                parts = [vectors[rows] for rows in chosen]
            starts, queries, truth = np.cumsum([0, *map(len, parts)])[:-1], vectors[asked], labels[asked]
            similarities = search.similarities(np.concatenate(parts), starts, queries, model.background_vectors)
            own, right = np.isin(truth, brands), brands[similarities.argmax(0)] == truth
            for rule, admits in known.items():
                named = admits(similarities).any(0)
                shares = (named & right)[own].mean(), (named & ~right)[own].mean(), named[~own].mean()
                found.setdefault((str(shots), rule), []).append(shares)
    return {key: [round(100 * float(share), 2) for share in np.mean(each, axis=0)] for key, each in found.items()}


def record(log, figures):
    """Adds a run to a log: returns how many there are now."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    lines.append(json.dumps({"date": now, "commit": head(), "command": command_line(), "figures": figures}))
    write(log, ("\n".join(lines) + "\n").encode())
    return len(lines)


if __name__ == "__main__":
    run(__doc__, main, define)
