"""What the edge runtime says of photographs, as JSON: run under emulation and outside of it, and compared.

python answers.py FILE.tflite PHOTOGRAPH ...          prints the answers
python answers.py --compare HERE.json THERE.json      prints a table, and fails where they differ
"""

import json
import platform
import sys
import time

# Probabilities of float32 arithmetic in another order; the regions are the same anchors.
LARGEST_DIFFERENCE, LARGEST_SHIFT = 1e-4, 1e-2


def answer(file, photographs):
    """The answers to photographs, with what ran them and the seconds of the first and of a further one."""
    start = time.perf_counter()
    import cv2
    import numpy as np

    from logo_keras.edge import Recognizer

    recognizer = Recognizer(file)
    answers, ends = [], []
    for path in photographs:
        answers.append(recognizer.recognize(path, top=len(recognizer.class_names)).to_dict())
        ends.append(time.perf_counter())
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "first answer, s": round(ends[0] - start, 2),
        "further answer, s": round(min(after - before for before, after in zip(ends, ends[1:], strict=False)), 2),
        "answers": answers,
    }


def compare(here, there):
    """Prints both runs side by side and how far their answers lie apart; returns whether they agree."""
    pairs = list(zip(here.pop("answers"), there.pop("answers"), strict=True))
    print("| | here | emulated |\n|---|---|---|")
    for name, value in here.items():
        print(f"| {name} | {value} | {there[name]} |")
    alike, difference, shift = 0, 0.0, 0.0
    for one, other in pairs:
        alike += one["labels"][0] == other["labels"][0]
        given = [dict(zip(each["labels"], each["probabilities"], strict=True)) for each in (one, other)]
        difference = max(difference, *(abs(given[0][label] - given[1][label]) for label in given[0]))
        for box, place in zip(one["region_boxes"], other["region_boxes"], strict=True):
            shift = max(shift, *(abs(x - y) for x, y in zip(box, place, strict=True)))
    print(f"\n{alike} of {len(pairs)} photographs have the same likeliest class; probabilities differ by at most")
    bounds = f"(bound {LARGEST_DIFFERENCE:.0e})", f"(bound {LARGEST_SHIFT:.0e})"
    print(f"{difference:.1e} {bounds[0]}, region boxes by at most {shift:.1e} px {bounds[1]}.")
    return alike == len(pairs) and difference <= LARGEST_DIFFERENCE and shift <= LARGEST_SHIFT


if __name__ == "__main__":
    if sys.argv[1:2] == ["--compare"]:
        loaded = []
        for path in sys.argv[2:4]:
            with open(path, encoding="utf-8") as file:
                loaded.append(json.load(file))
        sys.exit(not compare(*loaded))
    print(json.dumps(answer(sys.argv[1], sys.argv[2:])))
