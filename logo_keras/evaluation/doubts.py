"""When the figures of an evaluation are to be distrusted."""

# Photos of a brand below which a share moves by ten points with each of them; photos below which an interval is 20 points wide
# (Wilson, at 50 %).
_FEW_OF_BRAND, _FEW = 10, 100


def doubts(found):
    """What a reader must know before believing the figures.

    Args:
        found: Evaluation.

    Returns:
        list of str, sentences; never empty.
    """
    model, data, total, brands = found.model, found.data, len(found.paths), len(found.class_names)
    learnt, said = model.get("trained_on") or {}, []
    if learnt.get("kind") and learnt["kind"] == data.get("kind") and data.get("held_out") is None:
        # Of one's own photos the card may not name the part that is meant for training.
        if data.get("split") is not None and data["split"] == (learnt.get("split") or "train"):
            said.append("These are the photos that the model learnt from (its card says so): it may know them by heart.")
        elif data.get("split") is None:
            said.append("No split was named, so that photos that the model learnt from may be among these.")
    elif not learnt:
        said.append("The model does not say what it learnt from: photos that it has seen may be among these.")
    if found.fitted:
        said.append(
            f"Temperature and threshold were fitted on {found.fitted} of these photos: calibration and what the threshold keeps "
            "look better than they are."
        )
    if data.get("kind") == "synthetic":
        said.append("The photos are drawn by a program: they show that everything works, not how well it does on real photos.")
    if total < _FEW:
        said.append(f"There are {total} of them, so few that chance alone may move a share by ten points: read the intervals.")
    few = int(((found.photographs_per_class > 0) & (found.photographs_per_class < _FEW_OF_BRAND)).sum())
    if few:
        said.append(f"{few:,} of the {brands:,} brands have fewer than {_FEW_OF_BRAND}: the share of one of these says little.")
    none = int((found.photographs_per_class == 0).sum())
    if none:
        said.append(f"{none:,} of the {brands:,} brands were not asked about at all.")
    if model.get("calibration") is None:
        said.append(
            "The model was not calibrated (logo-calibrate): it may be too sure or too modest, and has no threshold of its own."
        )
    if len(set(found.paths)) < total:
        said.append("Several boxes are of one photo and not independent, so that the intervals are somewhat too narrow.")
    if found.unreadable:
        said.append(f"{len(found.unreadable)} photos could not be read and were left out.")
    if brands == 1:
        said.append("The model knows one brand alone, so that it cannot be wrong.")
    said.append("One training run was evaluated: another seed moves top-1 by points, which no interval here counts.")
    return said
