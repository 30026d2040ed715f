"""The demo's report: its pictures, charts and tables, which the template puts into words."""

import json

import numpy as np

from logo_keras.demo.findings import environment
from logo_keras.image import draw
from logo_keras.report import charts
from logo_keras.report.page import percent, render

_NAMES = {
    "synthetic": "synthetic photos",
    "toplogo10": "photos of TopLogo-10",
    "flickrlogos27": "photos of FlickrLogos-27",
    "folder": "photos",
}
_STAGES = {
    "photographs": "making or opening the photos",
    "pace": "finding out how many epochs fit",
    "train_drna": "training DRNA-Net, with validation and saving",
    "train_drna_steps": "of which steps of training",
    "train_plain": "training the plain classifier, with validation and saving",
    "train_plain_steps": "of which steps of training",
    "test": "testing both",
    "export": "exporting and comparing with Keras",
    "run_file": "running the file on the test photos",
    "total": "all until this report",
}
_LOOKS = {"crop": "closer (crop)", "drop": "with the most telling part hidden (drop)"}
# Photos in the overview.
_OVERVIEW = 8


def compose(found, overview):
    """Writes the report.

    Args:
        found: Findings.
        overview: uint8 RGB `[H, W, 3]`, as the function `overview` draws it.

    Returns:
        bytes, an HTML document.
    """
    name = _NAMES[found.photographs.name]
    return render(
        "demo.html",
        title=f"DRNA-Net on {name}",
        found=found,
        name=name,
        lengths=[_length(found.drna), _length(found.plain)],
        second_looks=lambda views: " and ".join(_LOOKS[view] for view in views if view in _LOOKS),
        share=_share(found),
        unequal=found.plain_share not in (1, None),
        facts=_facts(found),
        overview=overview,
        figures=_figures(found),
        by_size=_by_size(found),
        accuracy=_accuracy(found),
        losses=_losses(found.drna.history),
        answers=[_answers(found, "Wrong", False), _answers(found, "Right", True)],
        mistakes=_mistakes(found.drna_test),
        times=[(title, f"{found.seconds[stage]:.0f} s") for stage, title in _STAGES.items() if stage in found.seconds],
        versions=environment(),
        settings=json.dumps(found.to_dict()["settings"], indent=1, ensure_ascii=False),
    )


def overview(found, recognizer):
    """A contact sheet of test photos drawn at random, with what the exported file says: uint8 RGB `[H, W, 3]`."""
    test, places = found.photographs.test, found.places()
    pictures = []
    for number in _drawn(np.arange(len(found.drna_test.paths)), _OVERVIEW, found.config.seed):
        place = places[found.drna_test.paths[number]]
        photo = test.photograph(place)
        truth = test.class_names[test.labels[place]]
        pictures.append(draw.draw_recognition(photo, recognizer.recognize(photo), truth, test.boxes[place], side=400))
    return draw.contact_sheet(pictures, columns=4, cell=300)


def _facts(found):
    """The large figures: list of `(figure, what it is)`."""
    test = found.drna_test
    facts = [
        (percent(test.top1), f"right at once (top-1), DRNA-Net, {len(test.paths)} test photos"),
        (percent(found.plain_test.top1), f"plain classifier, trained {_share(found)}"),
        (percent(found.file_test.top1), "the exported file, run without TensorFlow"),
    ]
    if test.region_hit_rate is not None:
        facts.append((percent(test.region_hit_rate), "of best regions hold a logo's centre"))
        facts.append((percent(test.region_hit_rate_chance), "of them would by chance"))
    return [*facts, (f"{found.verification.milliseconds:.3g} ms", "per photo with the file, on one core")]


def _figures(found):
    """Shares of the test photos: rows of `(name, share, interval)`."""
    test, ends = found.drna_test, found.intervals()
    rows = [
        ("Top-1, DRNA-Net", test.top1, ends["top1"]),
        ("Top-1, plain classifier", found.plain_test.top1, ends["plain_top1"]),
        ("Top-1, exported file", found.file_test.top1, ends["tflite_top1"]),
        ("Top-5, DRNA-Net", test.top5, ends["top5"]),
        *((f"Top-1, only its {head} classifier", share, None) for head, share in test.head_top1.items()),
        ("Logo's centre in the best region", test.region_hit_rate, ends["region_hit_rate"]),
        ("in one of the regions", test.region_hit_rate_any, ends["region_hit_rate_any"]),
        ("in the best region of another photo (chance)", test.region_hit_rate_chance, None),
        ("Part of the photo that the best region covers", test.region_area, None),
    ]
    return [
        (name, percent(share), f"{percent(ends[0])} to {percent(ends[1])}" if ends else "")
        for name, share, ends in rows
        if share is not None
    ]


def _by_size(found):
    """Top-1 of three groups of equally many photos, from small to large logos; nothing where few have known boxes."""
    sides = found.logo_sides
    if len(sides) < 3:
        return []
    plain = dict(zip(found.plain_test.paths, found.plain_test.correct, strict=True))
    rows = []
    for name, group in zip(("small", "medium", "large"), np.array_split(sorted(sides, key=sides.get), 3), strict=True):
        both = (found.drna_test.correct[group], [plain[found.drna_test.paths[number]] for number in group])
        span = f"{100 * sides[group[0]]:.0f} to {100 * sides[group[-1]]:.0f} %"
        rows.append([name, span, len(group), *(percent(np.mean(right)) for right in both)])
    return rows


def _accuracy(found):
    score = "top1" if found.photographs.validation is None else "val_top1"
    runs = {"DRNA-Net": found.drna, "plain classifier": found.plain}
    lines = {name: (run.ends, [row[score] for row in run.history]) for name, run in runs.items()}
    return charts.curves(lines, "seconds of training", "top-1", (0, 1))


def _losses(history):
    names = [name for name in history[0] if name.endswith("_loss") and not name.startswith("val_")]
    epochs = [row["epoch"] for row in history]
    lines = {name.removesuffix("_loss"): (epochs, [row[name] for row in history]) for name in names}
    return charts.curves(lines, "epoch", "loss")


def _answers(found, name, right):
    """Answers drawn at random: the name, how many there are, and list of `(picture, caption)`."""
    numbers = np.flatnonzero(found.drna_test.correct == right)
    return name, len(numbers), [_answer(found, n) for n in _drawn(numbers, found.config.pictures, found.config.seed)]


def _answer(found, number):
    """One test photo with what the network saw of it, and the answer."""
    test, model = found.drna_test, found.drna.model
    dataset, place = found.photographs.test, found.places()[test.paths[number]]
    photo = dataset.photograph(place)
    image, _ = dataset.sample(place, model.image_size)
    seen = {name: np.asarray(value)[0] for name, value in model(image[None], training=False, all_regions=True).items()}
    scale = np.tile(np.array(photo.shape[:2], np.float32) / model.image_size, 2)
    shown = {}
    if "augmentation_maps" in seen:
        views = (*model.views, *model.auxiliary_views)
        shown["crop_boxes"] = seen["crop_boxes"] * scale if "crop" in views else None
        shown["maps"] = seen["augmentation_maps"] if "drop" in views else None
        shown["drop_threshold"] = model.drop_threshold
    picture = draw.draw_regions(photo, seen["region_boxes"][: model.num_regions] * scale, **shown)
    best = np.argsort(-test.probabilities[number], kind="stable")[:3]
    answers = ", ".join(f"{test.class_names[n]} {percent(test.probabilities[number, n])}" for n in best)
    return picture, f"It shows {test.class_names[test.labels[number]]}. Answer: {answers}."


def _mistakes(test):
    """The most frequent ones: rows of brand, taken for, times."""
    wrong = [(true, taken, times) for true, taken, times in test.confusion_counts.tolist() if true != taken]
    worst = sorted(wrong, key=lambda mistake: -mistake[2])[:8]
    return [(test.class_names[true], test.class_names[taken], times) for true, taken, times in worst]


def _drawn(numbers, count, seed):
    """At most `count` of the numbers, drawn at random, in order."""
    return sorted(np.random.default_rng(seed).choice(numbers, min(count, len(numbers)), replace=False).tolist())


def _share(found):
    """How long the plain classifier was trained, in words."""
    known = {1: "for the same time", 0.5: "for half the time", None: "for another time, so that the two do not compare"}
    return known.get(found.plain_share) or f"for {found.plain_share:.0%} of the time"


def _length(trained):
    """How long a model was trained, in words."""
    seconds, epochs = trained.seconds, trained.config.epochs
    time = f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.1f} minutes"
    return f"{time}, {epochs} epoch{'s' if epochs > 1 else ''}"
