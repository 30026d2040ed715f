"""The report of an evaluation: a folder with evaluation.json and report.html, the page that shows it."""

import contextlib
import datetime
import os
from pathlib import Path

import numpy as np

from logo_keras.errors import UserError
from logo_keras.evaluation import document, doubts, pictures
from logo_keras.extras import MissingExtra, versions
from logo_keras.files import mark, replacing, saying_when_full
from logo_keras.report import evaluation_charts as charts
from logo_keras.report.html import counted, percent, render

JSON, PAGE = document.FILE, "report.html"
# Rows of the page's tables: of brands, all of them up to here, else the worst alone; of root categories, mistakes and photos that
# could not be read.
_ALL, _WORST, _CATEGORIES, _MISTAKES, _UNREADABLE = 300, 20, 50, 20, 100
_REGIONS = {
    "model": "the model's",
    "any_anchor": "the best of all its anchors",
    "random_anchors": "random anchors",
    "centre_square": "a square in the middle",
    "largest_anchor": "its largest anchor",
    "other_images": "those of other photos",
}
_SCORES = {
    "probability": "highest probability",
    "logit": "highest logit",
    "energy": "energy",
    "cosine": "cosine to the nearest class mean",
    "mahalanobis": "Mahalanobis distance to the nearest class mean",
}


def write_report(folder, found, dataset=None, negatives=None, overwrite=False, say=print):
    """Writes an evaluation and its page; both appear when both are complete.

    Args:
        folder: str or path, made where it is missing. Other files in it stay.
        found: Evaluation.
        dataset: Dataset that was evaluated, for pictures; None for none.
        negatives: Dataset of the photos without a brand that `found.none` is of, for pictures; or None.
        overwrite: bool, whether to replace the report of another model or other photos.
        say: function that takes a line of text: what is left out where jinja2 or matplotlib is not installed.

    Returns:
        Path of `report.html`, or of `evaluation.json` where the page is left out.

    Raises:
        ValueError: if the folder holds what must not be replaced.
        OSError: if it cannot be written, for instance because the disk is full; what was there is as it was.
    """
    folder = Path(folder)
    check_folder(folder, found.model, found.data, found.class_names, overwrite)
    made = dated(found)
    try:
        page = render("evaluation.html", **_values(found, made, dataset, negatives))
    except MissingExtra as error:
        say(f"note: {PAGE} is left out: {error}")
        page = None
    mark(folder)
    with saying_when_full(folder, "what was there is as it was."), contextlib.ExitStack() as files:
        # Both are written before one of them gets its name.
        document.write(files.enter_context(replacing(folder / JSON)), made)
        if page is not None:
            files.enter_context(replacing(folder / PAGE)).write_bytes(page)
    if page is None:
        # That of another model or of other photos.
        (folder / PAGE).unlink(missing_ok=True)
    return folder / (JSON if page is None else PAGE)


def check_folder(folder, model, data, class_names, overwrite=False):
    """Refuses to replace the report of another model or of other photos, and a folder that cannot be written.

    Args:
        folder: Path; it may be missing.
        model, data, class_names: what the new report will say, as in an Evaluation.
        overwrite: bool, whether anything may be replaced.

    Raises:
        ValueError: naming what the folder holds.
        NotADirectoryError: if it, or what it is to lie in, is a file.
        PermissionError: if it may not be written.
    """
    folder = Path(folder)
    there = next((each for each in (folder, *folder.parents) if each.exists()), Path())
    if not there.is_dir():
        raise NotADirectoryError(f"{there} is a file; the report needs a folder.")
    if not os.access(there, os.W_OK):
        raise PermissionError(f"{there} may not be written: choose another folder for the report.")
    ways = "choose another folder, or replace it with --overwrite (overwrite=True)"
    if overwrite:
        return
    if not (folder / JSON).exists():
        if (folder / PAGE).exists():
            raise UserError(f"{folder / PAGE} is there without an {JSON}, so that nothing says what it is of: {ways}.")
        return
    try:
        old = document.load(folder)
        before = {"model": {**old.get("model", {})}, "data": {**old.get("data", {})}, "class_names": list(old["class_names"])}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder / JSON} cannot be read as an evaluation ({error}): {ways}.") from error
    differ = []
    if before["model"].get("sha256") != model.get("sha256") or before["class_names"] != list(class_names):
        differ.append(f"another model ({before['model'].get('name') or before['model'].get('architecture') or 'unknown'})")
    if before["data"] != data:
        said = ", ".join(f"{name} {value}" for name, value in before["data"].items() if value is not None)
        differ.append(f"other photos ({said or 'unknown'})")
    if differ:
        raise UserError(f"{folder} holds the evaluation of {' and of '.join(differ)}: {ways}.")


def dated(found):
    """An evaluation for JSON, with the packages that made it and the date: dict."""
    return found.to_dict() | {"packages": versions(), "date": datetime.date.today().isoformat()}


def _values(found, made, dataset, negatives):
    """What the page shows."""
    figures, data = made["figures"], found.data
    cut = data.get("cut") is not None or found.boxes is not None
    what = "boxes" if cut else "photos"
    names, kind = found.class_names, data.get("kind")
    model = found.model.get("name") or found.model.get("architecture") or "a model"
    place = " of ".join(filter(None, (data.get("split"), kind))) or "a data set"
    temperature = found.model.get("temperature") or 1.0
    tempered = temperature != 1 or bool(found.model.get("calibration"))
    confused, mistakes = _confused(found, dataset)
    asked = sum(row["samples"] > 0 for row in made["classes"])
    brands, worst_left_out = _brands(made["classes"], what)
    categories = [(row["name"], row) for row in made["categories"]]
    unreadable = list(made["unreadable"].items())
    return {
        "title": f"{model} on {place}",
        "subject": f"{counted(len(found.paths), what)} of {counted(asked, 'brands')}; the model knows {len(names):,}.",
        "cards": _cards(figures, what, found.threshold),
        "doubts": doubts.doubts(found),
        "what": what,
        "cut": cut,
        "overall": [
            ("Top-1", figures["top1"]),
            ("Top-5", figures["top5"]),
            *((f"Top-1, only its {name} classifier", row) for name, row in figures["heads"].items()),
        ],
        "categories": categories[:_CATEGORIES],
        "brands": brands,
        "left_out": {
            "categories": _more(len(categories), _CATEGORIES),
            "worst": worst_left_out,
            "unreadable": f", the first {_UNREADABLE} named here" if len(unreadable) > _UNREADABLE else "",
        },
        "confused": confused,
        "mistakes": mistakes,
        "calibration": figures["calibration"],
        "tempered": tempered,
        "temperature": temperature,
        "reliability": charts.reliability(
            figures["calibration"]["bins"], figures["calibration"]["bins_before"] if temperature != 1 else None
        ),
        "bins": [
            [f"{row['low']:.2f} to {row['high']:.2f}", row["samples"], percent(row["confidence"]), percent(row["accuracy"])]
            for row in figures["calibration"]["bins"]
        ],
        "coverage": charts.coverage(
            figures["coverage"], found.threshold, (figures["known"]["share"], figures["right_of_known"]["share"])
        ),
        "threshold": found.threshold,
        "known": figures["known"],
        "right_of_known": figures["right_of_known"],
        "others": _none(found, negatives),
        "by_size": _grouped(figures["by_logo_size"], lambda edge: f"{100 * edge:g}", "\N{NO-BREAK SPACE}%"),
        "by_count": _grouped(figures["by_training_images"], str, below=1),
        "localisation": _localisation(found),
        "localisation_missing": "The model has no regions, or no boxes of these photos are known.",
        "failures": _failures(found, dataset),
        "unreadable": unreadable[:_UNREADABLE],
        "json": JSON,
        "settings": _settings(found, made),
    }


def _cards(figures, what, threshold):
    def card(share, text):
        return percent(share["share"]), f"{text} (95\N{NO-BREAK SPACE}% interval {' to '.join(map(percent, share['interval']))})"

    cards = [card(figures["top1"], f"of the {what} right at once (top-1)")]
    cards.append(card(figures["top5"], "right among the five likeliest (top-5)"))
    if threshold is not None:
        cards.append((percent(figures["known"]["share"]), f"of the {what} get a brand; the others count as unknown"))
    cards.append((percent(figures["calibration"]["error"]), "calibration error: how far its probabilities lie from the truth"))
    return cards


def _brands(classes, what):
    """What the page has of brands, and how many of the worst it leaves out."""
    asked = [row for row in classes if row["samples"]]
    worst = sorted((row for row in asked if row["right"] < row["samples"]), key=lambda row: (row["share"], -row["samples"]))
    said = f"Always right: {len(asked) - len(worst):,} of {counted(len(asked), 'brands')} with {what} here."
    # Not twice the same.
    every = [(row["name"], row) for row in asked] if len(worst[:_WORST]) < len(asked) <= _ALL else []
    found = {
        "said": said,
        "worst": [(row["name"], row) for row in worst[:_WORST]],
        "all": every,
        "many": len(asked) if len(asked) > _ALL else 0,
    }
    return found, _more(len(worst), _WORST)


def _more(count, shown):
    return f" {count - shown:,} more are in {JSON}." if count > shown else ""


def _confused(found, dataset):
    """The pairs that are confused most often, with pictures, and the next ones as rows."""
    pairs = sorted(((n, truth, chosen) for truth, chosen, n in found.confusion_counts.tolist() if truth != chosen), key=_mostly)
    names, shown = found.class_names, []
    for count, truth, chosen in pairs[: pictures.PAIRS]:
        title = f"{names[truth]}, taken for {names[chosen]}: {counted(count, 'times')}"
        shown.append({"title": title, "pictures": pictures.of_pair(found, dataset, truth, chosen)})
    return shown, [(names[truth], names[chosen], n) for n, truth, chosen in pairs[pictures.PAIRS : pictures.PAIRS + _MISTAKES]]


def _mostly(pair):
    return -pair[0], pair[1:]


def _failures(found, dataset):
    wrong = np.flatnonzero(~found.correct)
    surest = wrong[np.argsort(-found.confidences[wrong], kind="stable")]
    return pictures.of_samples(found, dataset, surest[: pictures.FAILURES])


def _grouped(rows, said, unit="", below=0):
    """A chart of groups from one edge to the next, or None; of whole numbers the next one less `below` is their last."""
    if not rows:
        return None
    names = []
    for row in rows:
        low, high = said(row["low"]), row["high"] and said(row["high"] - below)
        names.append((f"from {low}" if high is None else f"up to {high}" if not row["low"] else f"{low} to {high}") + unit)
    return charts.shares(names, rows)


def _localisation(found):
    told = found.localisation
    if told is None:
        return None
    rows = [[said, *map(percent, told["figures"][name].values())] for name, said in _REGIONS.items() if name in told["figures"]]
    missing = "" if "any_anchor" in told["figures"] else " Anchors are not in an exported file: their rows are left out."
    said = f"{counted(told['samples'], 'photos')} with {counted(told['logos'], 'logos')}, {told['regions']} regions each."
    return {"said": said + missing, "rows": rows}


def _none(found, negatives):
    none = found.none
    if none is None:
        return None
    said = f"{counted(none['negatives'], 'photos')} that show no brand of the list"
    said += f" ({none['source']})" if none["source"] else ""
    said += f", against {counted(none['known'], 'photos')} that show one."
    for count, kind in ((none["negatives_left_out"], "without a brand"), (none["known_left_out"], "with one")):
        if count:
            said += f" Left out, since they fitted temperature and threshold: {counted(count, 'photos')} {kind}."
    rows = [
        [
            _SCORES.get(name, name),
            percent(row["auroc"]),
            " to ".join(map(percent, row["interval"])),
            percent(row["false_accepts"]["share"]),
            " to ".join(map(percent, row["false_accepts"]["interval"])),
        ]
        for name, row in (none["scores"] or {}).items()
    ]
    return {"said": said, "rows": rows, "at_threshold": none["at_threshold"], "pictures": pictures.of_negatives(found, negatives)}


def _settings(found, made):
    model, data = made["model"], made["data"]
    rows = {"model": model.get("name"), "SHA-256": model.get("sha256"), "architecture": model.get("architecture")}
    rows |= {"image": f"{found.image_size} px", "temperature": model.get("temperature"), "threshold": model.get("threshold")}
    calibration = model.get("calibration") or {}
    if calibration:
        rows["calibrated"] = ", ".join(
            f"{name} {calibration[name]}" for name in ("validation", "negatives", "date") if name in calibration
        )
    rows |= {"data": data.get("kind"), "folder": data.get("root") and os.path.basename(os.path.normpath(data["root"]))}
    rows |= {name: data.get(name) for name in ("split", "cut", "held_out")}
    rows |= made["packages"] | {"date": made["date"]}
    return [(name, value) for name, value in rows.items() if value is not None]
