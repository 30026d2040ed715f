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
        self._places, self._rows = self._room(0)
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
        known = {name: self.columns[name][row] for name in COLUMNS}
        known["box"] = None if known["box"] is None else tuple(known["box"])
        return Reference(self.labels[self.brands[row]], **known)

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
        """The reference of a brand that is most like a query, float32 `[D]`: Reference."""
        rows = self.rows_of(label)
        return self.reference(rows.start + int(np.argmax(self.vectors[rows] @ query)))

    def nearest_other(self, label, queries):
        """The reference of another brand that is most like each query.

        It does not wait for what was appended to be put in its place, so that every new reference can be compared with all.

        Args:
            label: str, the brand that does not count; it may be new.
            queries: float32 `[q, D]`, of length 1.

        Returns:
            float32 `[q]`, the cosine, -1 where there is no other brand; and list of q labels, None there.
        """
        count, own = len(self._waiting), self._numbers.get(label, -1)
        cosines, numbers = np.full(len(queries), -1, np.float32), np.full(len(queries), -1)
        for brands, vectors in ((self._brands, self._vectors), (self._places[:count], self._rows[:count])):
            if not (brands != own).any():
                continue
            found = np.where(brands[:, None] == own, np.float32(-1), vectors @ queries.T)
            rows = found.argmax(0)
            best = found[rows, np.arange(len(queries))]
            numbers, cosines = np.where(best > cosines, brands[rows], numbers), np.maximum(cosines, best)
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
            places, rows = self._room(2 * at or _ROOM)
            places[:at], rows[:at] = self._places, self._rows
            self._places, self._rows = places, rows
        self._places[at], self._rows[at] = number, vector
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
            self._places, self._rows = self._room(0)
            # Last: until now nobody finds that nothing waits.
            self._waiting = []

    def _room(self, count):
        """Places for so many rows to come: int32 `[count]` and float32 `[count, D]`."""
        return np.zeros(count, np.int32), np.zeros((count, self._vectors.shape[1]), np.float32)


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
