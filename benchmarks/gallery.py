"""How long a gallery takes beyond its network: to open, to answer one query, to draw artwork, on one core.

.venv/bin/python benchmarks/gallery.py [--quick]

Vectors of 256 random numbers: 2,341 brands with 50 references each, and a million references of 20,000 brands. Each gallery is
written, opened and asked with its vectors mapped from the file, the page cache warm. Prints a table and keeps it in
benchmarks/results/gallery.md; --quick prints it alone, with a tenth of the references.
"""

import os

# Before numpy loads its linear algebra.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from result import Table, keep, run, turns

from logo_keras.gallery import gallery_file, search
from logo_keras.gallery.embedders import unit
from logo_keras.gallery.pictures import Pictures
from logo_keras.gallery.table import Table as References
from logo_keras.image import svg

DIMENSIONS, BACKGROUNDS = 256, 64
# Brands and references.
SETS = ((2341, 117_050), (20_000, 1_000_000))
ROUNDS, WARM = 20, 2
MARK = b'<svg viewBox="0 0 100 100"><circle cx="50" cy="50" r="40" fill="#d00"/><path d="M30 30h40v9H30z" fill="#fff"/></svg>'


def define(flags):
    flags.boolean("quick", False, "A tenth of the references, and no page.")


def main(flags, arguments):
    lines = Table("brands", "references", "opened, s", "one query, ms", "of 90 % within, ms", "8 queries, ms")
    for brands, count in SETS:
        if flags.quick:
            brands, count = brands // 10, count // 10
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.gallery"
            written(path, brands, count)
            start = time.perf_counter()
            table, _, _, backgrounds, _ = gallery_file.read(path)
            opened = time.perf_counter() - start
            rng = np.random.default_rng(1)
            queries = [unit(rng.normal(size=(8, DIMENSIONS)).astype(np.float32)) for _ in range(ROUNDS + WARM)]
            starts = table.starts

            def ask(turn, many, table=table, starts=starts, queries=queries, backgrounds=backgrounds):
                asked = queries[turn][:many]
                found = search.similarities(table.vectors, starts, asked, backgrounds)
                label = int(found[:, 0].argmax())
                rows = table.rows_of(table.labels[label])
                return table.reference(rows.start + int(np.argmax(table.vectors[rows] @ asked[0])))

            times = turns({1: lambda turn: ask(turn, 1), 8: lambda turn: ask(turn, 8)}, ROUNDS, WARM)
            one, eight = times[1], statistics.median(times[8])
            lines.add(
                f"{brands:,}",
                f"{count:,}",
                f"{opened:.2f}",
                f"{statistics.median(one):.1f}",
                f"{np.quantile(one, 0.9):.1f}",
                f"{eight:.1f}",
            )
    drawn = turns({"svg": lambda turn: svg.draw(MARK, 512)}, ROUNDS, WARM)["svg"]
    artwork = f"Drawing an SVG of 512 px in its own process: {statistics.median(drawn):.0f} ms."
    if flags.quick:
        print(f"\n{artwork}")
    else:
        keep("gallery", lines, artwork, facts=["one thread; vectors of 256 float32, mapped, page cache warm; medians"])


def written(path, brands, count):
    """Writes a gallery of random vectors, without pictures."""
    rng = np.random.default_rng(0)
    vectors = unit(rng.normal(size=(count, DIMENSIONS)).astype(np.float32))
    owners = np.sort(np.arange(count) % brands).astype(np.int32)
    columns = {name: [name] * count for name in ("kind", "drawn", "source", "file")}
    columns |= {"digest": [f"{number:032x}" for number in range(count)], "box": [None] * count}
    table = References([f"brand {number}" for number in range(brands)], owners, vectors, columns, [Pictures(None, None)] * count)
    gallery_file.write(path, table, {}, vectors[:8], unit(rng.normal(size=(BACKGROUNDS, DIMENSIONS)).astype(np.float32)))


if __name__ == "__main__":
    run(__doc__, main, define)
