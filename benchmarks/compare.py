"""Two results of benchmarks/accuracy.py on the same photographs: the difference in top-1 and its 95 % interval.

.venv/bin/python benchmarks/compare.py benchmarks/results/accuracy-toplogo10-{nts,plain}-seed0.json

Paired bootstrap over the photographs: what another choice of test photographs would do; what another seed would do to the
training is not in it.
"""

import json
from pathlib import Path

import numpy as np

from logo_keras.commands.command import Command
from logo_keras.errors import UserError
from logo_keras.evaluation import paired

RESAMPLES = 10_000


def main(first, second):
    answers = [_rows(json.loads(Path(path).read_text())["answers"]) for path in (first, second)]
    common = paired(*([row[:3] for row in side] for side in answers))
    right = [np.array([brand == guess for *_, brand, guess in side], float) for side in answers]
    difference = right[0][common[:, 0]] - right[1][common[:, 1]]
    places = np.random.default_rng(0).integers(0, len(common), (RESAMPLES, len(common)))
    low, high = np.quantile(difference[places].mean(axis=1), (0.025, 0.975))
    names = (Path(path).stem.removeprefix("accuracy-") for path in (first, second))
    print("| first | second | photographs | difference in top-1, points | 95 % interval |\n|---|---|---|---|---|")
    print(f"| {' | '.join(names)} | {len(common)} | {100 * difference.mean():+.1f} | {100 * low:+.1f} to {100 * high:+.1f} |")


def _work(flags, arguments):
    if len(arguments) != 2:
        raise UserError("name two results, as in: benchmarks/compare.py results/accuracy-x.json results/accuracy-y.json")
    main(*arguments)


def _rows(answers):
    """Rows of path, box, brand and guess, in order; older files have a photograph's brand and guess by its path."""
    rows = [[path, None, *pair] for path, pair in answers.items()] if isinstance(answers, dict) else answers
    return sorted(rows, key=lambda row: (row[0], row[1] or []))


if __name__ == "__main__":
    Command("benchmarks/compare.py FIRST.json SECOND.json", __doc__, lambda flags: None, _work).run()
