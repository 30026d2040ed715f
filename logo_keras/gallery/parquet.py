"""Galleries as Parquet, which databases read: a row a reference. DuckDB (extra `[parquet]`) writes and reads it."""

import os
from pathlib import Path

import numpy as np

from logo_keras.errors import FileError, UserError
from logo_keras.extras import require
from logo_keras.files import replacing
from logo_keras.gallery.artwork import ARTWORK, digest
from logo_keras.gallery.embedders import unit
from logo_keras.gallery.pictures import Pictures
from logo_keras.gallery.table import COLUMNS, Table, label_of

# Column: its type in the file. `vector` has D numbers in each row; those of a box are y0, x0, y1, x1, px.
TYPES = {
    "label": "VARCHAR",
    "vector": "FLOAT[]",
    **dict.fromkeys(("digest", "kind", "drawn", "source"), "VARCHAR"),
    "box": "DOUBLE[]",
    "file": "VARCHAR",
    "crop": "BLOB",
    "thumbnail": "BLOB",
}
# Rows that are in memory as Python's values at a time.
_ROWS = 2**14


def write(path, table):
    """Writes references: all of the file, or nothing and the old one stays.

    Args:
        path: str or Path.
        table: Table.

    Raises:
        ImportError: naming the extra, if DuckDB is not installed.
        OSError: if it cannot be written.
    """
    duckdb = require("duckdb", "parquet")
    with replacing(path) as temporary, duckdb.connect() as database:
        database.execute(f"CREATE TABLE refs ({', '.join(f'{name} {kind}' for name, kind in TYPES.items())})")
        for first in range(0, len(table), _ROWS):
            rows = range(first, min(first + _ROWS, len(table)))
            columns = {name: table.columns[name][rows.start : rows.stop] for name in COLUMNS}
            columns |= {"label": [table.labels[number] for number in table.brands[rows.start : rows.stop]]}
            columns |= {"vector": [*np.asarray(table.vectors[rows.start : rows.stop])]}
            columns |= {name: [getattr(table.pictures[row], name) for row in rows] for name in ("crop", "thumbnail")}
            # DuckDB reads a dict of arrays as a table.
            part = {name: _objects(columns[name]) for name in TYPES}
            database.register("part", part)
            database.execute(f"INSERT INTO refs SELECT {', '.join(f'{name}::{kind}' for name, kind in TYPES.items())} FROM part")
            database.unregister("part")
        database.execute(f"COPY refs TO {_quoted(temporary)} (FORMAT parquet, COMPRESSION zstd)")


def read(path, dimensions):
    """Reads references.

    Args:
        path: str or Path.
        dimensions: int D, of the embedding.

    Returns:
        Table. What the file does not say of a reference is made up: vectors that are equal are one reference.

    Raises:
        FileError: naming the file, if it is no Parquet file, lacks a column, or its vectors do not fit.
        ImportError: naming the extra, if DuckDB is not installed.
        OSError: if there is no such file.
    """
    duckdb, path = require("duckdb", "parquet"), Path(path)
    with open(path, "rb"):
        pass
    table = Table.empty(dimensions)
    try:
        with duckdb.connect() as database:
            source = f"read_parquet({_quoted(path)})"
            there = [name for name, *_ in database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
            if missing := [name for name in ("label", "vector") if name not in there]:
                raise FileError(path, f"no column {' and no column '.join(missing)}; it has {', '.join(there)}.")
            asked = [f"{name}::{kind} AS {name}" for name, kind in TYPES.items() if name in there]
            rows = database.execute(f"SELECT {', '.join(asked)} FROM {source}")
            while found := rows.fetchmany(_ROWS):
                names = [name for name in TYPES if name in there]
                for row in found:
                    _append(table, path, dict(zip(names, row, strict=True)))
    except duckdb.Error as error:
        raise FileError(path, f"cannot be read as a Parquet file of references: {error}") from error
    if not len(table):
        raise FileError(path, "it has no references.")
    return table


def _append(table, path, row):
    """Adds a row to a table."""
    dimensions = table.dimensions
    try:
        label = label_of(row["label"])
    except UserError as error:
        raise FileError(path, error) from None
    vector = np.array(row["vector"] if row["vector"] is not None else [], np.float32)
    if vector.shape != (dimensions,) or not np.isfinite(vector).all() or not vector.any():
        raise FileError(path, f"a vector of {label!r} is none of {dimensions} finite numbers: it comes from another embedding.")
    known = {name: row.get(name) for name in COLUMNS}
    known["digest"] = known["digest"] or digest(vector.tobytes())
    for name, otherwise in (("kind", ARTWORK), ("drawn", "as it is"), ("source", path.name), ("file", known["digest"])):
        known[name] = known[name] or otherwise
    owners = table.owners(known["digest"])
    if owners and label not in owners:
        raise FileError(path, f"{known['source']} is a reference of {owners[0]!r} and of {label!r}.")
    if not owners:
        table.append(label, unit(vector[None])[0], known, Pictures(row.get("crop"), row.get("thumbnail")))


def _objects(values):
    made = np.empty(len(values), object)
    made[:] = values
    return made


def _quoted(path):
    return "'" + os.fspath(path).replace("'", "''") + "'"
