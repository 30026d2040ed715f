"""The references as columns: which of other brands are like new ones, also where few numbers tell that most are not."""

import numpy as np
import pytest

import logo_keras as lk
from logo_keras.errors import UserError
from logo_keras.gallery import table as tables
from logo_keras.gallery.distinct import SAME
from logo_keras.gallery.embedders import unit
from logo_keras.gallery.pictures import Pictures

DIMENSIONS = 32


class Twins:
    """An embedding of two px alone: the level of the first makes nearly the whole vector, that of the second a little.

    Two levels each, of 128 pairs, have cosines from 0.9988 to 0.9996, on either side of what counts as the same.
    """

    image_size = 8

    def __init__(self):
        rng = np.random.default_rng(0)
        self._vectors = unit(np.repeat(rng.normal(size=(128, DIMENSIONS)), 2, axis=0).astype(np.float32))
        away = unit(rng.normal(size=(256, DIMENSIONS)).astype(np.float32))
        self._vectors = unit(self._vectors + away * np.linspace(0.02, 0.035, 256, dtype=np.float32)[:, None])
        # So that no two references are equally near.
        self._little = unit(rng.normal(size=(256, DIMENSIONS)).astype(np.float32)) * np.float32(0.005)

    def __call__(self, images):
        return self._vectors[images[:, 0, 0, 0]] + self._little[images[:, 0, 1, 0]]


def by_all(self, label, queries, least):
    """As `nearest_other`, by the cosines of all references."""
    others = np.array([self.labels[brand] != label for brand in self.brands], bool)
    cosines = np.where(others[:, None], self.vectors @ queries.T, -1)
    cosines = np.concatenate([cosines, np.full((1, len(queries)), -1)])
    best, rows = cosines.max(0), cosines.argmax(0)
    found = np.where(best >= least, best, -1)
    return found, [None if one < 0 else self.labels[self.brands[row]] for one, row in zip(found, rows, strict=True)]


def crop(level, number):
    """A picture that no other has, in which `Twins` sees a level."""
    picture = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
    picture[0, 0] = level
    return picture


def outcomes(seed, count=150):
    """What a gallery says of brands that are added one after the other, some of which have the mark of another."""
    made, rng, said = lk.Gallery(embed=Twins()), np.random.default_rng(seed), []
    for number in range(count):
        label = f"brand {number if rng.random() < 0.8 else rng.integers(max(1, number))}"
        given = [crop(level, (number, place)) for place, level in enumerate(rng.integers(0, 256, rng.integers(1, 4)))]
        given = [(picture, None) if rng.random() < 0.3 else picture for picture in given]
        if rng.random() < 0.1:
            made._table.vectors  # noqa: B018 - puts what waits in its place
        try:
            said.append(made.add(label, given))
        except UserError as error:
            said.append(str(error))
    return said


@pytest.mark.parametrize("seed", range(3))
def test_brands_are_taken_and_refused_as_by_comparing_with_all_references(seed, monkeypatch):
    monkeypatch.setattr(tables, "_BLOCK", 16)
    found = outcomes(seed)
    assert 20 < sum(isinstance(each, str) for each in found) < 130
    monkeypatch.setattr(tables.Table, "nearest_other", by_all)
    assert found == outcomes(seed)


@pytest.mark.parametrize("dimensions", [2, 7, 8, 60])
def test_no_cosine_is_larger_than_the_product_of_the_bounds(dimensions):
    rng = np.random.default_rng(dimensions)
    vectors = unit(rng.normal(size=(400, dimensions)).astype(np.float32))
    bounds = tables._bounds(vectors)
    assert bounds.shape == (min(8, dimensions + 1), 400)
    assert (vectors @ vectors.T <= bounds.T @ bounds + tables._ROUNDED).all()


def appended(table, label, vector):
    """Adds a reference that is known by its number."""
    known = dict(digest=str(len(table)), kind="artwork", drawn="as it is", source="a", box=None, file="b")
    table.append(label, vector, known, Pictures(None, None))


@pytest.mark.parametrize("label", ["a", "b", "new"])
@pytest.mark.parametrize("least", [-1, 0.3, SAME])
def test_the_nearest_of_other_brands_is_found_among_all_references(label, least, monkeypatch):
    monkeypatch.setattr(tables, "_BLOCK", 3)
    rng = np.random.default_rng(1)
    vectors = unit(rng.normal(size=(20, DIMENSIONS)).astype(np.float32))
    # Some nearly the same.
    vectors[14:] = unit(vectors[:6] + np.float32(0.001) * rng.normal(size=(6, DIMENSIONS)).astype(np.float32))
    made = tables.Table.empty(DIMENSIONS)
    for number, vector in enumerate(vectors):
        appended(made, "abc"[number % 3], vector)
        if number == 11:
            assert len(made.vectors) == 12
    found, labels = made.nearest_other(label, vectors[:5], least)
    assert made._waiting and [len(each) for each in made.nearest_other(label, vectors[:0], least)] == [0, 0]
    cosines, owners = by_all(made, label, vectors[:5], least)
    assert found == pytest.approx(cosines, abs=1e-6) and labels == owners


def test_without_other_brands_none_is_nearest():
    made, vector = tables.Table.empty(4), np.eye(4, dtype=np.float32)[:1]
    for _ in range(2):
        found, labels = made.nearest_other("a", vector, -1)
        assert found == [-1] and labels == [None]
        appended(made, "a", vector[0])


def test_the_nearest_reference_of_a_brand_is_found_before_it_is_in_its_place():
    made, vectors = tables.Table.empty(4), np.eye(4, dtype=np.float32)
    for number, label in enumerate("abab"):
        appended(made, label, vectors[number])
        if number == 1:
            assert len(made.vectors) == 2
    for label, number in (("a", 0), ("b", 1), ("a", 2), ("b", 3)):
        assert made.nearest(label, vectors[number]).digest == str(number)
    assert made._waiting
