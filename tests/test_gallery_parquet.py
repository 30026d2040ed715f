"""Galleries as Parquet, and as a table in a database that finds the nearest references by itself."""

import galleries
import numpy as np
import pytest
from galleries import SHAPES, WithBackgrounds, gallery, photo

import logo_keras as lk

duckdb = pytest.importorskip("duckdb", reason="needs duckdb, of the extra [parquet]")


@pytest.fixture(scope="module")
def made():
    found = gallery()
    found.add("Acme", [photo("Acme")])
    return found


@pytest.fixture
def path(made, tmp_path):
    made.to_parquet(tmp_path / "it's.parquet")
    return tmp_path / "it's.parquet"


def write(path, query):
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def test_what_was_written_comes_back(made, path):
    again = lk.Gallery.from_parquet(path, embed=WithBackgrounds())
    assert again.list() == made.list()
    for label in SHAPES:
        assert again.references(label) == made.references(label)
    assert again._table.vectors == pytest.approx(made._table.vectors, abs=1e-6)
    reference = again.references("Acme")[-1]
    assert (again.crop(reference) == made.crop(reference)).all()
    scene, box = photo("Globex", seed=2)
    assert again.recognize(scene, boxes=[box])[0].label == made.recognize(scene, boxes=[box])[0].label


def test_duckdb_finds_the_brands_that_the_gallery_finds(made, path):
    """Embed here, search there: the whole of what a database needs."""
    database = duckdb.connect()
    quoted = str(path).replace("'", "''")
    database.execute(
        f"CREATE TABLE marks AS SELECT label, vector::FLOAT[{galleries.DIMENSIONS}] AS vector, thumbnail FROM '{quoted}'"
    )
    for label in SHAPES:
        scene, box = photo(label, seed=5)
        vector = made.embed(scene, [box])[0]
        found = database.execute(
            "SELECT label, max(array_cosine_similarity(vector, ?::FLOAT[48])) AS cosine FROM marks GROUP BY label "
            "ORDER BY cosine DESC",
            [vector.tolist()],
        ).fetchall()
        background = (WithBackgrounds().background_vectors @ vector).max()
        ours = made.similarities(vector[None])[:, 0] + background
        assert [name for name, _ in found] == [made.labels[number] for number in np.argsort(-ours)]
        assert [cosine for _, cosine in found] == pytest.approx(np.sort(ours)[::-1].tolist(), abs=1e-5)
    assert database.execute("SELECT thumbnail FROM marks LIMIT 1").fetchone()[0].startswith(b"\xff\xd8")


def test_a_table_of_labels_and_vectors_is_enough(tmp_path):
    rows = "SELECT 'brand ' || i AS label, list_transform(range(48), lambda x: sin(i * x + 1)) AS vector FROM range(5) t(i)"
    made = lk.Gallery.from_parquet(write(tmp_path / "a.parquet", rows), embed=WithBackgrounds())
    assert made.labels == tuple(f"brand {number}" for number in range(5))
    assert np.linalg.norm(made._table.vectors, axis=1) == pytest.approx(1, abs=1e-6)
    with pytest.raises(ValueError, match="was not kept"):
        made.crop(made.references("brand 1")[0])
    with pytest.raises(ValueError, match="the crop of a reference of 'brand 0' .a.parquet. was not kept"):
        made.reembed(embed=WithBackgrounds())


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ("SELECT 'a' AS label", "no column vector; it has label"),
        ("SELECT 'a' AS name, [1.0] AS vector", "no column label"),
        ("SELECT 'a' AS label, [1.0, 2.0] AS vector", "none of 48 finite numbers"),
        ("SELECT 'a' AS label, range(48) AS vector WHERE false", "no references"),
        ("SELECT NULL AS label, range(48) AS vector", "a label must be a name, got None"),
        ("SELECT ' ' AS label, range(48) AS vector", "a label must be a name, got ' '"),
        ("SELECT i::VARCHAR AS label, range(48) AS vector FROM range(2) t(i)", "is a reference of '0' and of '1'"),
        ("SELECT 'a' AS label, ['x'] AS vector", "cannot be read as a Parquet file"),
    ],
)
def test_what_is_no_table_of_references_is_named(tmp_path, rows, complaint):
    with pytest.raises(ValueError, match=complaint) as caught:
        lk.Gallery.from_parquet(write(tmp_path / "a.parquet", rows), embed=WithBackgrounds())
    assert str(caught.value).startswith(str(tmp_path / "a.parquet"))


def test_other_files_are_named(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"no table")
    with pytest.raises(ValueError, match="a.parquet: cannot be read as a Parquet file"):
        lk.Gallery.from_parquet(tmp_path / "a.parquet", embed=WithBackgrounds())
    with pytest.raises(FileNotFoundError):
        lk.Gallery.from_parquet(tmp_path / "b.parquet", embed=WithBackgrounds())
