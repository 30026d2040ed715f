"""How long it takes to open the largest data sets, and how much memory: made-up trees as large as the real ones and larger.

.venv/bin/python benchmarks/loaders.py

Prints a table and keeps it in benchmarks/results/loaders.md. The photographs are empty files, or only named in lists: opening a
data set reads none. Each is opened in a process of its own; memory is the highest resident size of that process, with Python and
the packages that opening needs (first row). CPU seconds depend less on what else the machine does. For Linux: the folder for
temporary files (TMPDIR) needs 2 million inodes for two minutes.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from result import Table, keep, run

# WebLogo-2M as it is given out (Su et al. 2017), and a list as long; Logo-2K+ (Wang et al. 2020).
WEBLOGO2M, WEBLOGO2M_BRANDS, PARTS = 1_867_177, 194, 20
LOGO2K = {"train": 116_958, "test": 50_182}
LOGO2K_BRANDS, CATEGORIES = 2_341, 10
# Counts, seconds, CPU seconds and MiB of one call, in a fresh process. On Linux ru_maxrss is in KiB.
MEASURE = """
import resource, sys, time
from logo_keras.datasets import Dataset, load
start, used = time.perf_counter(), time.process_time()
dataset = load(*sys.argv[1:]) if sys.argv[1:] else ()
seconds, used = time.perf_counter() - start, time.process_time() - used
classes = len(dataset.class_names) if len(dataset) else 0
print(len(dataset), classes, seconds, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def make_weblogo2m(root):
    """Folders of empty files, a brand each, as the parts unpack side by side."""
    for number in range(WEBLOGO2M_BRANDS):
        folder = root / f"part_{number * PARTS // WEBLOGO2M_BRANDS + 1}" / f"brand{number:03}"
        folder.mkdir(parents=True)
        count = (WEBLOGO2M * (number + 1)) // WEBLOGO2M_BRANDS - (WEBLOGO2M * number) // WEBLOGO2M_BRANDS
        for photograph in range(count):
            # Not open and close, which are two calls of the system.
            os.mknod(folder / f"{number:06}{photograph:012}.jpg")


def make_logo2k(root, counts):
    """The two lists, the photographs of a brand one after another."""
    root.mkdir()
    before = 0
    for split, count in counts.items():
        with open(root / f"{split}_images_root.txt", "w") as file:
            for number in range(count):
                brand = number * LOGO2K_BRANDS // count
                file.write(f"Category{brand % CATEGORIES}/A brand's name {brand}/{before + number}.jpg\n")
        before += count


def measure(*arguments):
    """Opens a data set in a fresh process: photographs, classes, seconds, CPU seconds, MiB."""
    command = [sys.executable, "-c", MEASURE, *map(str, arguments)]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return int(words[0]), int(words[1]), *map(float, words[2:])


def main(flags, arguments):
    lines = Table("data set", "photographs", "classes", "seconds", "CPU seconds", "peak memory, MiB")

    def add(name, *arguments):
        photographs, classes, seconds, used, memory = measure(*arguments)
        lines.add(name, f"{photographs:,}", f"{classes:,}", f"{seconds:.1f}", f"{used:.1f}", f"{memory:.0f}")

    add("none, packages imported")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_logo2k(root / "logo2k", LOGO2K)
        add("logo2k, lists as long as the real ones", "logo2k", root / "logo2k")
        many = {"train": WEBLOGO2M - 500_000, "test": 500_000}
        make_logo2k(root / "long", many)
        add("logo2k, lists as long as WebLogo-2M", "logo2k", root / "long")
        make_weblogo2m(root / "weblogo2m")
        add("weblogo2m, folders just made", "weblogo2m", root / "weblogo2m")
    keep("loaders", lines)


if __name__ == "__main__":
    run(__doc__, main)
