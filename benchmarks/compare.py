"""Results of benchmarks/accuracy.py on the same photos, side against side: the difference in top-1 and its 95 % interval.

.venv/bin/python benchmarks/compare.py FIRST.json SECOND.json

Results whose names differ in the seed alone are one side. Sides are compared two by two, the first with the second, the third
with the fourth, each seed with the same seed; a last row has all of these runs together:

    benchmarks/compare.py --name toplogo10-weights results/accuracy-toplogo10-{plain,nts,drna}{,-imagenet}-seed{0,1}.json

The bootstrap draws photos and, where there are several, runs: what another choice of test photos and another seed would do to
the difference. Two or three runs tell little of what other seeds do; one tells nothing of it.
"""

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
from result import Table, keep, run

from logo_keras.errors import UserError
from logo_keras.evaluation import bootstrap, paired


def define(flags):
    flags.string("name", None, "Keep the table in benchmarks/results/compare-NAME.md, too.")


def main(flags, paths):
    lines = table(paths)
    if flags.name:
        keep(f"compare-{flags.name}", lines, facts=["95 % over photos and runs, paired, bootstrap."])


def table(paths):
    """The comparison of results, as a Markdown table."""
    sides = {}
    for path in map(Path, paths):
        name, seed = re.fullmatch(r"(?:accuracy-)?(.*?)(?:-seed(\d+))?", path.stem).groups()
        sides.setdefault((path.parent, name), {})[seed] = _rows(json.loads(path.read_text())["answers"])
    if not sides or len(sides) % 2:
        raise UserError(
            f"name results of two sides, or of four, six, ..., got {len(sides)}, as in: "
            "benchmarks/compare.py results/accuracy-x-seed0.json results/accuracy-y-seed0.json"
        )
    lines = Table("first", "second", "runs", "photos", "top-1 of both, %", "difference in points", "95 % interval")
    pairs, compared = list(sides.items()), []
    for ((_, first), ours), ((_, second), theirs) in zip(pairs[::2], pairs[1::2], strict=True):
        if ours.keys() != theirs.keys():
            seeds, others = (", ".join(sorted(seed or "none" for seed in side)) for side in (ours, theirs))
            raise UserError(f"{first} has the seeds {seeds}, {second} has {others}: both must have the same.")
        runs = [_compared(ours[seed], theirs[seed]) for seed in ours]
        lines.add(first, second, *_cells(runs))
        compared += runs
    if len(pairs) > 2:
        lines.add("all", "", *_cells(compared))
    return lines


def _compared(first, second):
    """By sample, whether the first result is right and whether the second is: dict to two bool."""
    found, times = {}, Counter()
    for ours, theirs in paired(*([row[:3] for row in side] for side in (first, second))):
        path, box, brand, guess = first[ours]
        sample = path, tuple(box or ()), brand
        times[sample] += 1
        found[*sample, times[sample]] = guess == brand, second[theirs][3] == brand
    return found


def _cells(runs):
    """Runs, photos, both top-1, their difference and its interval, of what `_compared` gave for each run."""
    samples = dict.fromkeys(sample for each in runs for sample in each)
    # A photo that one of the runs could not read was not asked there.
    right = np.array([[each.get(sample, (np.nan, np.nan)) for sample in samples] for each in runs], float)
    # Each run with the one of the same seed, so the pairs are drawn together.
    compared = bootstrap(right[..., 0] - right[..., 1], photos=[path for path, *_ in samples])
    top1 = " and ".join(f"{100 * np.nanmean(right[..., side]):.1f}" for side in (0, 1))
    low, high = (f"{100 * end:+.1f}" for end in compared.interval)
    return len(runs), len(samples), top1, f"{100 * compared.difference:+.1f}", f"{low} to {high}"


def _rows(answers):
    """Rows of path, box, brand and guess, in order; older files have a photograph's brand and guess by its path."""
    rows = [[path, None, *pair] for path, pair in answers.items()] if isinstance(answers, dict) else answers
    return sorted(rows, key=lambda row: (row[0], row[1] or []))


if __name__ == "__main__":
    run(__doc__, main, define)
