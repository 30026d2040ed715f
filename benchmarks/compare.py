"""Two results of benchmarks/accuracy.py on the same photos: the difference in top-1 and its 95 % interval.

.venv/bin/python benchmarks/compare.py FIRST.json SECOND.json

Paired bootstrap over the photographs: what another choice of test photographs would do; what another seed would do to the
training is not in it.
"""

import json
from pathlib import Path

import numpy as np
from result import Table, run

from logo_keras.errors import UserError
from logo_keras.evaluation import bootstrap, paired


def main(first, second):
    answers = [_rows(json.loads(Path(path).read_text())["answers"]) for path in (first, second)]
    common = paired(*([row[:3] for row in side] for side in answers))
    right = [np.array([brand == guess for *_, brand, guess in side], float) for side in answers]
    found = bootstrap(right[0][common[:, 0]] - right[1][common[:, 1]])
    low, high = found.interval
    names = (Path(path).stem.removeprefix("accuracy-") for path in (first, second))
    lines = Table("first", "second", "photos", "difference in top-1, points", "95 % interval")
    lines.add(*names, found.photographs, f"{100 * found.difference:+.1f}", f"{100 * low:+.1f} to {100 * high:+.1f}")


def _work(flags, arguments):
    if len(arguments) != 2:
        raise UserError("name two results, as in: benchmarks/compare.py results/accuracy-x.json results/accuracy-y.json")
    main(*arguments)


def _rows(answers):
    """Rows of path, box, brand and guess, in order; older files have a photograph's brand and guess by its path."""
    rows = [[path, None, *pair] for path, pair in answers.items()] if isinstance(answers, dict) else answers
    return sorted(rows, key=lambda row: (row[0], row[1] or []))


if __name__ == "__main__":
    run(__doc__, _work)
