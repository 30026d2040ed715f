"""The demo's report in words and pictures."""

import json

import numpy as np

from logo_keras.demo.findings import environment
from logo_keras.extras import cv2
from logo_keras.image import draw
from logo_keras.report import charts
from logo_keras.report import page as report

_NAMES = {
    "synthetic": "synthetic photographs",
    "toplogo10": "photographs of TopLogo-10",
    "flickrlogos27": "photographs of FlickrLogos-27",
    "folder": "photographs",
}
_STAGES = {
    "photographs": "making or opening the photographs",
    "pace": "finding out how many epochs fit",
    "train_drna": "training DRNA-Net, with validation and saving",
    "train_drna_steps": "of which steps of training",
    "train_plain": "training the plain classifier, with validation and saving",
    "train_plain_steps": "of which steps of training",
    "test": "testing both",
    "export": "exporting and comparing with Keras",
    "run_file": "running the file on the test photographs",
    "total": "all until this report",
}
# Photographs in the overview.
_OVERVIEW = 8


def compose(found, recognizer):
    """Writes the report.

    Args:
        found: Findings.
        recognizer: edge Recognizer of the exported file.

    Returns:
        str, an HTML document.
    """
    return report.page(
        f"DRNA-Net on {_NAMES[found.photographs.name]}",
        *_summary(found),
        report.picture(overview(found, recognizer), _OVERVIEW_CAPTION),
        *_caveats(found),
        *_figures(found),
        *_learning(found),
        *_answers(found),
        *_confusions(found),
        *_file(found),
        *_rest(found),
    )


_OVERVIEW_CAPTION = (
    "Test photographs drawn at random, as the exported file answers: its regions (1 is the best), where the logo is known "
    "to be (white), the three likeliest brands. Green is right, red is wrong."
)


def overview(found, recognizer):
    """A contact sheet of test photographs drawn at random, with what the exported file says: uint8 RGB `[H, W, 3]`."""
    test, places = found.photographs.test, found.places()
    pictures = []
    for number in _drawn(np.arange(len(found.drna_test.paths)), _OVERVIEW, found.config.seed):
        place = places[found.drna_test.paths[number]]
        photo = test.photograph(place)
        truth = test.class_names[test.labels[place]]
        pictures.append(draw.draw_recognition(photo, recognizer.recognize(photo), truth, test.boxes[place], side=400))
    return draw.contact_sheet(pictures, columns=4, cell=300)


def write_overview(found, recognizer, path):
    """Writes the contact sheet as a JPEG."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(overview(found, recognizer), cv2.COLOR_RGB2BGR))
    path.write_bytes(data.tobytes())


def _summary(found):
    test, sets = found.drna_test, found.photographs
    facts = [
        (_percent(test.top1), f"right at once (top-1), DRNA-Net, {len(test.paths)} test photographs"),
        (_percent(found.plain_test.top1), f"plain classifier, trained {_same_time(found)}"),
        (_percent(found.file_test.top1), "the exported file, run without TensorFlow"),
    ]
    if test.region_hit_rate is not None:
        facts.append((_percent(test.region_hit_rate), "of best regions hold a logo's centre"))
        facts.append((_percent(test.region_hit_rate_chance), "of them would by chance"))
    facts.append((f"{found.verification.milliseconds:.3g} ms", "per photograph with the file, on one core"))
    return (
        report.paragraph(
            f"DRNA-Net was trained on {len(sets.training.readable())} {_NAMES[sets.name]} of {len(test.class_names)} brands "
            f"({_length(found.drna)}), starting from a network that knows ImageNet. It was then asked about {len(test.paths)} "
            f"photographs that it had never seen (split: {sets.split}). "
            f"DRNA-Net looks at the whole photograph and at regions that it picks because a logo may be there. "
            f"{_second_look(found.drna.model)}A plain classifier, which sees the photograph "
            f"as a whole, was trained {_same_time(found)} ({_length(found.plain)}). "
            "DRNA-Net was exported to a TFLite file, and the file was run on the test photographs without TensorFlow."
        ),
        report.cards(facts),
    )


def _second_look(model):
    """What DRNA-Net does with the crops and drops of its regions; a sentence and a blank, or nothing."""
    names = {"crop": "closer (crop)", "drop": "with the most telling part hidden (drop)"}
    deciding, learning = ([names[v] for v in views if v in names] for views in (model.views, model.auxiliary_views))
    says = f"It looks at each region again: {' and '.join(deciding)}. " if deciding else ""
    return says + (f"In training it also sees each region {' and '.join(learning)}. " if learning else "")


def _same_time(found):
    return "for the same time" if found.config.plain_epochs is None else "for another time, so that the two do not compare"


def _caveats(found):
    low, high = found.comparison.interval
    settled = "the interval excludes 0" if low > 0 or high < 0 else "the interval holds 0: no difference is established"
    says = [
        "One training run with one seed. Another seed moves top-1 by points; the intervals here count the photographs alone.",
        f"DRNA-Net minus plain, on the same photographs: {100 * found.comparison.difference:+.1f} points, 95 % interval "
        f"{100 * low:+.1f} to {100 * high:+.1f} ({settled}).",
        "Every photograph gets some brand of the list, also one without a logo.",
    ]
    if found.photographs.name == "synthetic":
        says.insert(
            0,
            "These photographs are synthetic: brand marks put into real photographs by a program. They show that every part "
            "works together; they are no evidence of how well the network does on real photographs.",
        )
    if found.drna_test.region_hit_rate is not None:
        says.append(
            f"A large region finds every logo. The best region covers {_percent(found.drna_test.region_area)} of a photograph on "
            "average, so its hit rate means something only beside chance: the same regions dealt to other photographs."
        )
    else:
        says.append("Where the logos are is not known of these test photographs, so nothing says how often regions find them.")
    return report.heading("What the figures do not say"), report.points(says)


def _figures(found):
    test, ends = found.drna_test, found.intervals()
    rows = [
        ["Top-1, DRNA-Net", test.top1, ends["top1"]],
        ["Top-1, plain classifier", found.plain_test.top1, ends["plain_top1"]],
        ["Top-1, exported file", found.file_test.top1, ends["tflite_top1"]],
        ["Top-5, DRNA-Net", test.top5, ends["top5"]],
        *[[f"Top-1, its {head} classifier alone", float((c == test.labels).mean()), None] for head, c in test.heads.items()],
        ["Logo's centre in the best region", test.region_hit_rate, ends["region_hit_rate"]],
        ["in one of the regions", test.region_hit_rate_any, ends["region_hit_rate_any"]],
        ["in the best region of another photograph (chance)", test.region_hit_rate_chance, None],
        ["Photograph that the best region covers", test.region_area, None],
    ]
    shown = [[name, _percent(share), _span(interval)] for name, share, interval in rows if share is not None]
    parts = [report.heading("Figures"), report.table(["share of the test photographs", "", "95 % interval"], shown)]
    sides = found.logo_sides()
    if len(sides) >= 3:
        parts.append(_by_size(found, sides))
    return parts


def _by_size(found, sides):
    """Top-1 of three groups of equally many photographs, from small to large logos."""
    plain = dict(zip(found.plain_test.paths, found.plain_test.correct, strict=True))
    order = sorted(sides, key=sides.get)
    rows = []
    for name, group in zip(("small", "middling", "large"), np.array_split(order, 3), strict=True):
        right = [bool(found.drna_test.correct[number]) for number in group]
        plainly = [bool(plain[found.drna_test.paths[number]]) for number in group]
        span = f"{100 * sides[group[0]]:.0f} to {100 * sides[group[-1]]:.0f} %"
        rows.append([name, span, len(group), _percent(np.mean(right)), _percent(np.mean(plainly))])
    header = ["logos", "side", "photographs", "DRNA-Net", "plain"]
    return report.table(header, rows, "Top-1 by the side of the largest logo, in shares of the photograph's.")


def _learning(found):
    score = "val_top1" if found.photographs.validation is not None else "top1"
    runs = {"DRNA-Net": found.drna, "plain classifier": found.plain}
    accuracy = {name: (run.ends, [row[score] for row in run.history]) for name, run in runs.items()}
    where = "on validation photographs" if score == "val_top1" else "on the training photographs, while they are learnt"
    history = found.drna.history
    losses = {
        name.removesuffix("_loss"): ([row["epoch"] for row in history], [row[name] for row in history])
        for name in history[0]
        if name.endswith("_loss") and not name.startswith("val_")
    }
    return (
        report.heading("Learning"),
        report.chart(charts.curves(accuracy, "seconds of training", "top-1", (0, 1)), f"Top-1 {where}, a point an epoch."),
        report.chart(charts.curves(losses, "epoch", "loss"), "DRNA-Net's losses on the training photographs."),
    )


def _answers(found):
    test, count = found.drna_test, found.config.pictures
    numbers = np.arange(len(test.paths))
    wrong = _drawn(numbers[~test.correct], count, found.config.seed)
    right = _drawn(numbers[test.correct], count, found.config.seed)
    how = (
        "Left the photograph with its regions; beside it a row a region: the region as the network sees it, with the crop's "
        "box in white; the crop; the drop, whose grey part is hidden. All drawn at random from the wrong and from the "
        "right answers, none chosen by hand."
    )
    parts = [report.heading("Photographs, regions, crops and drops"), report.paragraph(how)]
    groups = (("Wrong", wrong, int((~test.correct).sum())), ("Right", right, int(test.correct.sum())))
    for name, chosen, total in groups:
        parts.append(report.paragraph(f"{name}: {len(chosen)} of {total}.", faint=True))
        parts += [_answer(found, number) for number in chosen]
    return parts


def _answer(found, number):
    """One test photograph with what the network saw of it."""
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
    answers = ", ".join(f"{test.class_names[n]} {_percent(test.probabilities[number, n])}" for n in best)
    return report.picture(picture, f"It shows {test.class_names[test.labels[number]]}. Answer: {answers}.")


def _confusions(found):
    matrix, names = found.drna_test.confusion, found.drna_test.class_names
    wrong = matrix * (1 - np.eye(len(names), dtype=matrix.dtype))
    pairs = [divmod(int(place), len(names)) for place in np.argsort(-wrong, axis=None, kind="stable")[:8]]
    rows = [[names[row], names[column], int(wrong[row, column])] for row, column in pairs if wrong[row, column]]
    parts = [
        report.heading("What was taken for what"),
        report.chart(charts.confusion(matrix, names), "A row a true brand, a column an answer.", shrinks=False),
    ]
    if rows:
        parts.append(report.table(["brand", "taken for", "times"], rows, "The most frequent mistakes."))
    return parts


def _file(found):
    verification = found.verification
    rows = [
        ["model.keras (can go on training)", f"{found.sizes['model.keras'] / 1e6:.1f} MB"],
        ["model.tflite (float32)", f"{found.sizes['model.tflite'] / 1e6:.1f} MB"],
        ["time of a photograph with ai-edge-litert, one thread", f"{verification.milliseconds:.1f} ms"],
        ["the same with Keras, all cores", f"{found.keras_milliseconds:.1f} ms"],
        ["largest difference of a probability from Keras", f"{verification.max_abs_diff:.1e}"],
        ["photographs excused, because values that compete all but meet", verification.tied],
        ["the same brand first as in Keras", _percent(verification.top1_agreement)],
    ]
    note = "Medians, one photograph at a time, without reading and decoding it."
    return report.heading("The exported file"), report.table(["", ""], rows, note)


def _rest(found):
    seconds = [[title, f"{found.seconds[name]:.0f} s"] for name, title in _STAGES.items() if name in found.seconds]
    parts = [report.heading("Time"), report.table(["stage", ""], seconds)]
    if found.unreadable:
        parts += [
            report.heading("Photographs that could not be read"),
            report.paragraph(f"{len(found.unreadable)} were left out, named here with the reason."),
            report.points([f"{path}: {reason}" for path, reason in found.unreadable.items()]),
        ]
    settings = json.dumps(found.to_dict()["settings"], indent=1, ensure_ascii=False)
    return [
        *parts,
        report.heading("Settings and versions"),
        report.table(["", ""], list(environment().items())),
        report.folded("All settings", report.code(settings)),
    ]


def _drawn(numbers, count, seed):
    """At most `count` of the numbers, drawn at random, in order."""
    numbers = np.asarray(numbers)
    return sorted(np.random.default_rng(seed).choice(numbers, min(count, len(numbers)), replace=False).tolist())


def _percent(share):
    # A no-break space: on a phone the sign would slip into the next line.
    return "unknown" if share is None else f"{100 * share:.1f}\u00a0%"


def _span(interval):
    return "" if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %".replace(" ", "\u00a0")


def _length(trained):
    """How long a model was trained, in words."""
    seconds, epochs = trained.seconds, trained.config.epochs
    time = f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.1f} minutes"
    return f"{time}, {epochs} epoch{'s' if epochs > 1 else ''}"
