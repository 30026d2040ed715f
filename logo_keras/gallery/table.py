"""The references of a gallery as columns, those of a brand side by side."""

import threading
from dataclasses import dataclass

import numpy as np

from logo_keras.datasets.classes import composed
from logo_keras.errors import UserError

# What is known of every reference beside its brand, its vector and its pictures.
COLUMNS = ("digest", "kind", "drawn", "source", "box", "file")
# Rows for which there is room at first: those of a few brands.
_ROOM = 64
# Numbers of a vector by which most that are unlike it are told at once: 7 and the length of the others. Of 200,000 references 4
# find those of a cosine of 0.999 in 0.3 ms, by all 256 numbers in 38 ms (November 2026, one core); 16 numbers take 0.9 ms.
_BOUNDED = 8
# References that are compared at a time: what comes of it stays in a core's cache.
_BLOCK = 8192
# By how much the product of bounds may lie below a cosine, since both are rounded: float32, numbers up to 1.
_ROUNDED = 1e-5


@dataclass(frozen=True)
class Reference:
    """One picture of a brand.

    Attributes:
        label: str, the brand.
        digest: str, 32 hexadecimal digits of its crop: what tells it from others.
        kind: str, "artwork" or "photo".
        drawn: str, how artwork was drawn, for instance "black on light"; "as it is" for what is opaque, and for photos.
        source: str, the name of the file that it comes from.
        box: None, or four floats `(y0, x0, y1, x1)`, px, where the logo was in the photo.
        file: str, 32 hexadecimal digits of the px of the picture that it comes from.
    """

    label: str
    digest: str
    kind: str
    drawn: str
    source: str
    box: tuple | None
    file: str


class Table:
    """References in the order of their brands, and of one brand as they came.

    What is appended waits until the table is read, so that adding many brands one by one copies the vectors once. Several
    threads may read a table at a time, while none changes it.

    Args:
        labels: list of str, the brands, in the order in which they came.
        brands: int32 `[n]`, ascending, the place of each reference's brand in `labels`; every brand has one.
        vectors: float32 `[n, D]`, of length 1; may be mapped from a file.
        columns: dict from each of `COLUMNS` to a list of n values.
        pictures: list of n, what `logo_keras.gallery.pictures` makes pictures of.
    """

    def __init__(self, labels, brands, vectors, columns, pictures):
        self.labels, self._brands, self._vectors = list(labels), brands, vectors
        self._columns, self._pictures = columns, pictures
        # Rows to come: dicts of columns and pictures; the places of their brands and their vectors, in arrays that have room.
        self._waiting = []
        self._places, self._rows, self._row_bounds = self._room(0)
        # Of `vectors`, when they are first asked for.
        self._bounds = None
        # Whoever reads first puts what waits in its place.
        self._lock = threading.RLock()
        self._numbers = {label: number for number, label in enumerate(self.labels)}
        self._owners = None

    @classmethod
    def empty(cls, dimensions):
        """A table without references."""
        return cls([], np.zeros(0, np.int32), np.zeros((0, dimensions), np.float32), {name: [] for name in COLUMNS}, [])

    def __len__(self):
        with self._lock:
            return len(self._brands) + len(self._waiting)

    def __contains__(self, label):
        return label in self._numbers

    @property
    def dimensions(self):
        """int D."""
        return self._vectors.shape[1]

    @property
    def brands(self):
        """int32 `[n]`, ascending: the place of each reference's brand in `labels`."""
        self._settle()
        return self._brands

    @property
    def vectors(self):
        """float32 `[n, D]`, of length 1."""
        self._settle()
        return self._vectors

    @property
    def columns(self):
        """dict from each of `COLUMNS` to a list of n values."""
        self._settle()
        return self._columns

    @property
    def pictures(self):
        """list of n pictures."""
        self._settle()
        return self._pictures

    @property
    def starts(self):
        """int `[B]`, the row in which the references of each brand begin."""
        return np.searchsorted(self.brands, np.arange(len(self.labels)))

    def rows_of(self, label):
        """The rows of a brand's references: slice."""
        low, high = np.searchsorted(self.brands, (self._numbers[label], self._numbers[label] + 1))
        return slice(int(low), int(high))

    def reference(self, row):
        """What is known of a reference: Reference."""
        return _reference(self.labels[self.brands[row]], {name: self.columns[name][row] for name in COLUMNS})

    def owners(self, digest):
        """The brands that have a reference with this crop: tuple of str."""
        with self._lock:
            if self._owners is None:
                found = {}
                for each, number in zip(self.columns["digest"], self.brands.tolist(), strict=True):
                    found[each] = (*found.get(each, ()), number)
                self._owners = found
        return tuple(self.labels[number] for number in self._owners.get(digest, ()))

    def row(self, digest):
        """The row of a reference: int.

        Raises:
            ValueError: if there is none.
        """
        return self.columns["digest"].index(digest)

    def nearest(self, label, query):
        """The reference of a brand that is most like a query, float32 `[D]`: Reference. It does not wait, as `nearest_other`."""
        with self._lock:
            number, count = self._numbers[label], len(self._waiting)
            low, high = np.searchsorted(self._brands, (number, number + 1))
            waiting = np.flatnonzero(self._places[:count] == number)
            best = int(np.argmax(np.concatenate([self._vectors[low:high], self._rows[waiting]]) @ query))
            if best < high - low:
                known = {name: values[low + best] for name, values in self._columns.items()}
            else:
                known, _ = self._waiting[waiting[best - (high - low)]]
            return _reference(label, known)

    def nearest_other(self, label, queries, least):
        """The reference of another brand that is most like each query, where one is like it enough.

        It does not wait for what was appended to be put in its place, so that every new reference can be compared with all. The
        product of their bounds tells of most that they are unlike; of the others the cosine is computed.

        Args:
            label: str, the brand that does not count; it may be new.
            queries: float32 `[q, D]`, of length 1.
            least: float, the cosine from which on two are alike enough.

        Returns:
            float32 `[q]`, the cosine, -1 where no other brand reaches `least`; and list of q labels, None there.
        """
        if self._bounds is None:
            self._bounds = _bounds(self._vectors)
        count, own, asked = len(self._waiting), self._numbers.get(label, -1), _bounds(queries).T
        cosines, numbers = np.full(len(queries), -1, np.float32), np.full(len(queries), -1)
        for brands, vectors, bounds in (
            (self._brands, self._vectors, self._bounds),
            (self._places[:count], self._rows[:count], self._row_bounds[:, :count]),
        ):
            for first in range(0, len(brands), _BLOCK):
                rows = first + np.flatnonzero((asked @ bounds[:, first : first + _BLOCK]).max(0, initial=-1) >= least - _ROUNDED)
                rows = rows[brands[rows] != own]
                if len(rows):
                    found = vectors[rows] @ queries.T
                    places = found.argmax(0)
                    best = found[places, np.arange(len(queries))]
                    better = (best > cosines) & (best >= least)
                    numbers, cosines = np.where(better, brands[rows[places]], numbers), np.where(better, best, cosines)
        return cosines, [None if number < 0 else self.labels[number] for number in numbers]

    def append(self, label, vector, known, picture):
        """Adds a reference of a new brand or of one that is there.

        Args:
            label: str.
            vector: float32 `[D]`, of length 1.
            known: dict of `COLUMNS`; its digest must be new to the brand.
            picture: as in `pictures`.
        """
        # First, since it reads the table.
        owners = self.owners(known["digest"])
        number = self._numbers.setdefault(label, len(self.labels))
        if number == len(self.labels):
            self.labels.append(label)
        at = len(self._waiting)
        if at == len(self._rows):
            # Twice as many, so that each is copied about once.
            places, rows, bounds = self._room(2 * at or _ROOM)
            places[:at], rows[:at], bounds[:, :at] = self._places, self._rows, self._row_bounds
            self._places, self._rows, self._row_bounds = places, rows, bounds
        self._places[at], self._rows[at], self._row_bounds[:, at] = number, vector, _bounds(vector[None])[:, 0]
        self._waiting.append((known, picture))
        self._owners[known["digest"]] = (*(self._numbers[owner] for owner in owners), number)

    def without(self, rows):
        """A table without some references; brands that have no other are gone.

        Args:
            rows: bool `[n]`, True for those that go.
        """
        return self._taking(np.flatnonzero(~rows), self.brands, self.labels)

    def renamed(self, old, new):
        """A table in which a brand has another name, which may be that of another brand: then they become one."""
        labels = [new if label == old else label for label in self.labels]
        if new not in self._numbers:
            return Table(labels, self.brands, self.vectors, self.columns, self.pictures)
        brands = np.where(self.brands == self._numbers[old], np.int32(self._numbers[new]), self.brands)
        return self._taking(np.arange(len(self)), brands, self.labels)

    def with_vectors(self, vectors):
        """The same references with other vectors."""
        return Table(self.labels, self.brands, vectors, self.columns, self.pictures)

    def with_pictures(self, pictures):
        """The same references with their pictures elsewhere."""
        return Table(self.labels, self.brands, self.vectors, self.columns, pictures)

    def _taking(self, rows, brands, labels):
        """A table of some rows, with brands that may be in any order."""
        numbers, brands = np.unique(brands[rows], return_inverse=True)
        order = np.argsort(brands, kind="stable")
        rows = rows[order]
        columns = {name: [values[row] for row in rows] for name, values in self.columns.items()}
        pictures = [self.pictures[row] for row in rows]
        kept = [labels[number] for number in numbers]
        return Table(kept, brands[order].astype(np.int32), self.vectors[rows], columns, pictures)

    def _settle(self):
        """Puts what waits in its place: all of it, or, where there is no memory for that, nothing."""
        with self._lock:
            if not self._waiting:
                return
            known, pictures = zip(*self._waiting, strict=True)
            count = len(known)
            brands = np.concatenate([self._brands, self._places[:count]])
            order = np.argsort(brands, kind="stable")
            rows = order.tolist()
            vectors = np.concatenate([self._vectors, self._rows[:count]])[order]
            columns = {name: [*values, *(row[name] for row in known)] for name, values in self._columns.items()}
            columns = {name: [values[row] for row in rows] for name, values in columns.items()}
            pictures = [*self._pictures, *pictures]
            pictures = [pictures[row] for row in rows]
            self._brands, self._vectors, self._columns, self._pictures = brands[order], vectors, columns, pictures
            self._places, self._rows, self._row_bounds = self._room(0)
            self._bounds = None
            # Last: until now nobody finds that nothing waits.
            self._waiting = []

    def _room(self, count):
        """Places for so many rows to come: int32 `[count]`, float32 `[count, D]` and what `_bounds` makes of these."""
        rows = np.zeros((count, self._vectors.shape[1]), np.float32)
        return np.zeros(count, np.int32), rows, _bounds(rows)


def _reference(label, known):
    return Reference(label, **known | {"box": None if known["box"] is None else tuple(known["box"])})


def _bounds(vectors):
    """What bounds the cosines of vectors: no two have a larger one than the product of theirs.

    Source: the Cauchy-Schwarz inequality, for the numbers of which only the length is kept.

    Args:
        vectors: float32 `[n, D]`.

    Returns:
        float32 `[b, n]`, b at most 8.
    """
    first, rest = vectors[:, : _BOUNDED - 1], vectors[:, _BOUNDED - 1 :]
    return np.vstack([first.T, np.sqrt(np.einsum("nd,nd->n", rest, rest))])


def label_of(name):
    """A brand's name in the form in which names are compared.

    Args:
        name: str.

    Returns:
        str.

    Raises:
        ValueError: if it is no name.
    """
    if not isinstance(name, str) or not name.strip():
        raise UserError(f"a label must be a name, got {name!r}.")
    return composed(name)
