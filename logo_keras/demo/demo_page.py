"""The demo's report: the pictures and charts, which the template joins to words and figures."""

import json

import numpy as np

from logo_keras.image import draw
from logo_keras.report import charts
from logo_keras.report.html import percent, render

# Photos in the overview, and at most so many right and so many wrong answers.
_OVERVIEW, _ANSWERS = 8, 9


def compose(found, figures, overview, matches):
    """Writes the report.

    Args:
        found: Findings.
        figures: dict, `found.to_dict()`.
        overview: uint8 RGB `[H, W, 3]`, as the function `overview` draws it.
        matches: likewise, of the function `matches`; None without a gallery.

    Returns:
        bytes, an HTML document.
    """
    return render(
        "demo.html",
        found=found,
        figures=figures,
        overview=overview,
        matches=matches,
        by_size=_by_size(found),
        accuracy=_accuracy(found),
        losses=_losses(found.drna.history),
        answers={"Wrong": _answers(found, False), "Right": _answers(found, True)},
        mistakes=_mistakes(found.drna_test),
        settings=json.dumps(figures["settings"], indent=1, ensure_ascii=False),
    )


def overview(found, recognizer):
    """A contact sheet of test photos drawn at random, with what the exported file says: uint8 RGB `[H, W, 3]`."""
    tested, pictures = found.tested, []
    for number in _drawn(np.arange(len(tested)), _OVERVIEW, found.config.seed):
        photo, truth = tested.photograph(number), tested.class_names[tested.labels[number]]
        pictures.append(draw.draw_recognition(photo, recognizer.recognize(photo), truth, tested.boxes[number], side=400))
    return draw.contact_sheet(pictures, columns=4, cell=300)


def matches(found, seed):
    """A contact sheet of what the gallery finds in photos drawn at random: uint8 RGB `[H, W, 3]`.

    Half of them show brands that it has, where it was asked about others too.

    Args:
        found: Untrained.
        seed: int.
    """
    own = np.array([found.brand(number) is not None for number in range(len(found.asked))])
    known = _drawn(np.flatnonzero(own), _OVERVIEW // 2 if (~own).any() else _OVERVIEW, seed)
    pictures = []
    for number in known + _drawn(np.flatnonzero(~own), _OVERVIEW - len(known), seed):
        photo = found.asked.photograph(number)
        best = found.gallery.recognize(photo, top=1)[:1]
        crops = [found.gallery.crop(match.reference) for match in best]
        right = (best[0].label if best else None) == found.brand(number)
        pictures.append(draw.draw_matches(photo, best, crops, found.asked.boxes[number], right, side=300))
    return draw.contact_sheet(pictures, columns=4, cell=300)


def _by_size(found):
    """Top-1 of three groups of equally many photos, from small to large logos; nothing where few have known boxes."""
    sides, rows = found.logo_sides, []
    if len(sides) < 3:
        return rows
    for name, group in zip(("small", "medium", "large"), np.array_split(sorted(sides, key=sides.get), 3), strict=True):
        span = f"{100 * sides[group[0]]:.0f} to {100 * sides[group[-1]]:.0f} %"
        shares = (percent(np.mean(test.correct[group])) for test in (found.drna_test, found.plain_test))
        rows.append([name, span, len(group), *shares])
    return rows


def _accuracy(found):
    score = "top1" if found.photos.validation is None else "val_top1"
    lines = {
        name: (np.cumsum([row["seconds"] for row in run.history]), [row[score] for row in run.history])
        for name, run in {"DRNA-Net": found.drna, "plain classifier": found.plain}.items()
    }
    return charts.curves(lines, "seconds of training", "top-1", (0, 1))


def _losses(history):
    names = [name for name in history[0] if name.endswith("_loss") and not name.startswith("val_")]
    epochs = [row["epoch"] for row in history]
    lines = {name.removesuffix("_loss"): (epochs, [row[name] for row in history]) for name in names}
    return charts.curves(lines, "epoch", "loss")


def _answers(found, right):
    """Answers drawn at random: list of `(picture, caption)`, of what the network saw of each photo."""
    tested, test, model = found.tested, found.drna_test, found.drna.model
    numbers = _drawn(np.flatnonzero(test.correct == right), _ANSWERS, found.config.seed)
    if not numbers:
        return []
    images = np.stack([tested.sample(number, model.image_size)[0] for number in numbers])
    outputs = {name: np.asarray(value) for name, value in model(images, training=False, all_regions=True).items()}
    views, answers = (*model.views, *model.auxiliary_views), []
    for row, number in enumerate(numbers):
        photo = tested.photograph(number)
        scale = np.tile(np.float32(photo.shape[:2]) / model.image_size, 2)
        picture = draw.draw_regions(
            photo,
            outputs["region_boxes"][row, : model.num_regions] * scale,
            crop_boxes=outputs["crop_boxes"][row] * scale if "crop" in views else None,
            maps=outputs["augmentation_maps"][row] if "drop" in views else None,
            drop_threshold=model.drop_threshold,
        )
        best = np.argsort(-test.probabilities[number], kind="stable")[:3]
        named = ", ".join(f"{test.class_names[n]} {percent(test.probabilities[number, n])}" for n in best)
        answers.append((picture, f"It shows {test.class_names[test.labels[number]]}. Answer: {named}."))
    return answers


def _mistakes(test):
    """The most frequent ones: rows of brand, taken for, times."""
    wrong = [(test.class_names[true], test.class_names[taken], n) for true, taken, n in test.confusion_counts if true != taken]
    return sorted(wrong, key=lambda mistake: -mistake[2])[:8]


def _drawn(numbers, count, seed):
    """At most `count` of the numbers, drawn at random, in order."""
    return sorted(np.random.default_rng(seed).choice(numbers, min(count, len(numbers)), replace=False).tolist())
