"""The gallery: brands known by a few pictures each, recognized without training."""

import os

import numpy as np

from logo_keras.datasets.checking import in_threads
from logo_keras.datasets.classes import composed, listed
from logo_keras.errors import UserError
from logo_keras.gallery import artwork, calibration, evaluation, gallery_file, parquet, places, search
from logo_keras.gallery.distinct import added, distinct
from logo_keras.gallery.embedders import embedder
from logo_keras.gallery.gallery_file import UnusableGallery
from logo_keras.gallery.match import Brand
from logo_keras.gallery.pictures import crop_of, pictures
from logo_keras.gallery.table import Reference, Table, label_of
from logo_keras.image.surroundings import squares

# Crops that wait in memory while others are embedded.
_WAITING = 64


class Gallery:
    """Recognizes brands by pictures of their marks: artwork, or boxes in photos. Nothing is trained.

    With a detector, as the one that comes with the package, `lk.LogoDetector`, `lk.edge.Detector` or a file of one, whole photos
    are searched. A gallery may be asked by several threads at a time, while none changes it.

    What counts is the similarity: the cosine to the best reference minus the best cosine to a background, of the embedding, in
    photos that are searched of the detector; the bare cosine where there are no backgrounds. A brand is known from its threshold
    on, which `calibrate` fits. Before that it is that of the embedding, or detector, where it has one, and half of the similarity
    of the likeliest other brand is taken off first; else 0, or none without backgrounds: then all photos get the likeliest brand.

    Args:
        model: path of a `.keras`, `.tflite` or `.onnx` file of an embedding or a detector, or an opened one; None for the
            embedding that comes with the package, with its detector, which is opened when a photo is searched; or for `embed`.
        embed: function from uint8 RGB `[n, S, S, 3]` to float `[n, D]`, instead of a model. Its attributes `image_size`,
            `preprocessing`, `background_vectors`, `threshold`, `identity`, `detect` and `region_size` count where it has them.
        image_size: int S, px, for such a function; 128 by default.

    Attributes:
        threshold: float, of brands that have none of their own; or None, then all are known. May be set.
        rule: str, where it comes from: "calibrated", "embedding", "backgrounds"; or None.
        calibration: Calibration, the last one; or None.

    Raises:
        FileNotFoundError: if there is no such model.
        ValueError: if the model is no embedding, or an argument does not fit.
        ImportError: naming the extra that opens the model.
    """

    def __init__(self, model=None, embed=None, image_size=None):
        self._embedder = embedder(model, embed, image_size)
        self._states = {}  # Of the files that were opened and written.
        self._begin(Table.empty(self._embedder.dimensions), self._embedder.background_vectors, self._embedder.threshold)

    def _begin(self, table, background_vectors, threshold=None):
        self._table, self._backgrounds = table, background_vectors
        self._own_thresholds, self._calibrated_on, self.calibration = {}, frozenset(), None
        self.rule, self.threshold = calibration.before(threshold, background_vectors is not None)
        self._given = self.threshold
        # Of a gallery whose embedding is not at hand: what its file says of it.
        self._said = None

    def __repr__(self):
        name = self._embedder.name if self._embedder else self._said["name"]
        fitted = "" if self.rule == calibration.CALIBRATED else "not "
        return f"Gallery({len(self.labels)} brands, {len(self._table)} references, embedding {name}, {fitted}calibrated)"

    def __contains__(self, label):
        return isinstance(label, str) and composed(label) in self._table

    @property
    def labels(self):
        """The brands, in the order in which they came: tuple of str."""
        return tuple(self._table.labels)

    def add(self, label, references, shared=False):
        """Adds references to a brand, new or known. All of them, or none where one cannot be used.

        Args:
            label: str, the brand.
            references: artwork: path of an SVG or image file, its bytes, or uint8 RGB or RGBA `[H, W, 3 or 4]`; a photo with
                the box of a logo, `(photo, (y0, x0, y1, x1))` in px, None as the box of a photo that shows nothing else; path
                of a folder of artwork, searched to the bottom; or a list of these. Artwork becomes up to four references: on
                light and dark, in its colours and in one.
            shared: bool, whether a picture may be that of several brands, as a search for look-alikes wants it. Otherwise
                drawings in one colour that another brand has too are passed over.

        Returns:
            tuple of Reference, those that are new. What the brand has already is passed over.

        Raises:
            UnreadablePhoto: naming the file, if one cannot be read, drawn, or shows nothing; it is a ValueError too.
            ValueError: if the label is no name, nothing was given, or another brand has the same mark and `shared` is False.
        """
        label, model = label_of(label), self._model()
        new = {}
        for crop in artwork.crops(references):
            digest = artwork.digest(crop.image.tobytes())
            if label not in self._table.owners(digest):
                new.setdefault(digest, crop)
        made = [pictures(crop.image, crop.kind) for crop in new.values()]
        vectors = model.embed([seen for _, seen in made])
        kept = [True] * len(new) if shared else distinct(self._table, label, new.values(), new, vectors)
        taken = []
        for (digest, crop), (picture, _), vector, keep in zip(new.items(), made, vectors, kept, strict=True):
            if keep:
                known = dict(digest=digest, kind=crop.kind, drawn=crop.drawn, source=crop.source, box=crop.box, file=crop.file)
                self._table.append(label, vector, known, picture)
                taken.append(Reference(label, **known))
        if taken:
            # It was fitted to the references before.
            self._own_thresholds.pop(label, None)
        return tuple(taken)

    def recognize(self, photo, top=3, boxes=None, close=False):
        """Names the brands that a photo, or each box in it, shows.

        Without boxes a detector finds the places. Without a detector the photo as a whole is one mark.

        Args:
            photo: path or bytes of a photo or SVG, or uint8 RGB or RGBA `[H, W, 3 or 4]`.
            top: int, most brands a box, or a place.
            boxes: float `[n, 4]`, `(y0, x0, y1, x1)` px of the upright photo, the logos; or None.
            close: bool, whether small places that a detector finds are looked at once more in all px of the photo; calibrate and
                evaluate alike.

        Returns:
            tuple of Match, best first; empty where nothing is known.

        Raises:
            UnreadablePhoto: if the photo cannot be read; it is a ValueError too.
            ValueError: if the gallery has no references, `top` is below 1, or a box is none.
        """
        return places.recognize(self, photo, top, boxes, close)

    def embed(self, photo, boxes=None):
        """Embeds a photo as a whole, or each box in it: the square around it, 1.25 times its longer side.

        A whole photo that is no square becomes one by its outermost px going on, so that a mark keeps its shape.

        Args:
            photo, boxes: as for `recognize`.

        Returns:
            float32 `[n, D]`, of length 1; n is 1 for a whole photo.

        Raises:
            UnreadablePhoto, ValueError: as `recognize`.
        """
        return self.embed_squares(squares(artwork.photo_of(photo)[0], boxes))

    def remove(self, label, reference=None):
        """Removes a brand, or one of its references; with the last one the brand is gone.

        Args:
            label: str.
            reference: Reference, or its digest; None for all.

        Raises:
            ValueError: if there is no such brand or reference.
        """
        label = self._known(label)
        rows = np.zeros(len(self._table), bool)
        rows[self._table.rows_of(label)] = True
        if reference is not None:
            rows &= np.array(self._table.columns["digest"]) == getattr(reference, "digest", reference)
            if not rows.any():
                raise UserError(f"{label!r} has no reference {getattr(reference, 'digest', reference)!r}.")
        self._table = self._table.without(rows)
        # It was fitted to the references before.
        self._own_thresholds.pop(label, None)

    def rename(self, old, new):
        """Gives a brand another name.

        Raises:
            ValueError: if there is no such brand, or the new name is that of another.
        """
        old, new = self._known(old), label_of(new)
        if new == old:
            return
        if new in self._table:
            raise UserError(f"there is a brand {new!r} already: merge({old!r}, {new!r}) makes them one.")
        self._table = self._table.renamed(old, new)
        if old in self._own_thresholds:
            self._own_thresholds[new] = self._own_thresholds.pop(old)

    def merge(self, other, into=None):
        """Makes two brands one; or takes over the brands of another gallery.

        Args:
            other: str, a brand, whose references then belong to `into`; or a Gallery of the same embedding, whose references are
                added. Thresholds of brands that got new references are dropped.
            into: str, the brand that stays; for a brand only.

        Raises:
            ValueError: if there is no such brand, the galleries have different embeddings, or a picture would belong to two
                brands.
        """
        if isinstance(other, Gallery):
            if into is not None:
                raise UserError("into belongs to a brand; a gallery's brands keep their names.")
            self._take(other)
            return
        if into is None:
            raise UserError(f"merge({other!r}, into) needs the brand that it becomes part of.")
        other, into = self._known(other), self._known(into)
        if other != into:
            self._table = self._table.renamed(other, into)
            for label in (other, into):
                self._own_thresholds.pop(label, None)

    def list(self):
        """The brands, in the order in which they came: tuple of Brand."""
        counts = np.bincount(self._table.brands, minlength=len(self.labels)).tolist()
        own, threshold = self._own_thresholds, self.threshold
        return tuple(Brand(label, n, own.get(label, threshold)) for label, n in zip(self.labels, counts, strict=True))

    def references(self, label):
        """The references of a brand, in the order in which they came: tuple of Reference.

        Raises:
            ValueError: if there is no such brand.
        """
        rows = self._table.rows_of(self._known(label))
        return tuple(map(self._table.reference, range(rows.start, rows.stop)))

    def crop(self, reference):
        """The picture of a reference as it was kept.

        Args:
            reference: Reference, or its digest.

        Returns:
            uint8 RGB `[s, s, 3]`.

        Raises:
            ValueError: if there is no such reference, or its picture was not kept.
        """
        digest = getattr(reference, "digest", reference)
        if not self._table.owners(digest):
            raise UserError(f"there is no reference {digest!r} in the gallery.")
        return crop_of(self._table.pictures[self._table.row(digest)], f"reference {digest}")

    def limits(self, searched=False):
        """The threshold of each brand, in the order of `labels`: float32 `[B]`, -inf where none is set.

        Args:
            searched: bool, whether a detector found the places.
        """
        detectors = self.detectors_threshold if searched else None
        return calibration.limits(self.labels, self.threshold if detectors is None else detectors, self._own_thresholds)

    def similarities(self, queries, searched=False):
        """How alike the brands are to queries.

        Args:
            queries: float32 `[q, D]`, of length 1, as `embed` gives them.
            searched: bool, whether a detector found the places: then its background vectors count.

        Returns:
            float32 `[B, q]`, a row each of `labels`.
        """
        detectors = self._model().searched_backgrounds if searched else None
        backgrounds = self._backgrounds if detectors is None else detectors
        return search.similarities(self._table.vectors, self._table.starts, queries, backgrounds)

    def standings(self, similarities):
        """What is compared with `limits`: float32 `[B, q]`. Of similarities as `similarities` gives them, by `rule`."""
        return calibration.apart(similarities) if self.rule == calibration.EMBEDDING else similarities

    def nearest_reference(self, label, query):
        """The reference of a brand that is most like a query, float32 `[D]`: Reference."""
        return self._table.nearest(label, query)

    def embed_squares(self, squares):
        """Embeds what `embed` cuts out of photos.

        Args:
            squares: list of uint8 RGB `[s, s, 3]`.

        Returns:
            float32 `[n, D]`, of length 1.
        """
        return self._model().embed(squares)

    @property
    def searches(self):
        """bool, whether a detector finds the places in photos of which no boxes are given."""
        return self._model().detects

    @property
    def detectors_threshold(self):
        """float, of the detector, where it counts instead of `threshold` in photos that are searched; else None."""
        counts = self.searches and self.rule == calibration.EMBEDDING and self.threshold == self._given
        return self._model().searched_threshold if counts else None

    def look(self, photo, boxes=None, close=False):
        """Where the gallery looks in a photo, and what it sees there: `logo_keras.gallery.places.Places`.

        Args:
            photo: uint8 RGB `[H, W, 3]`, upright.
            boxes, close: as for `recognize`.
        """
        return places.look(self._model(), photo, boxes, close)

    def files(self):
        """Digests of the files from which references come, and of the photos that calibrated: two sets of str."""
        return {*self._table.columns["file"]}, {*self._calibrated_on}

    def calibrate(self, negatives, false_accepts=0.01, close=False):
        """Fits the thresholds to photos that show none of the brands, best such as the gallery will meet.

        Every brand gets its own with 100 photos or more, otherwise all get the same. The gallery remembers these photos, so that
        `evaluate` never scores them. Each is looked at as `recognize` does: of all its places the likeliest counts.

        Args:
            negatives: path of a folder, searched to the bottom; or a list of photos, paths, bytes or uint8 RGB `[H, W, 3]`, or of
                `(photo, box)`.
            false_accepts: float in (0, 1), the share of such photos that may be taken for a brand.
            close: bool, as for `recognize`.

        Returns:
            Calibration.

        Raises:
            ValueError: if the gallery has no references, no photo can be read, or a photo is a reference.
        """
        found, own_thresholds, files = calibration.calibrate(self, negatives, false_accepts, close)
        self.calibration, self.rule, self._own_thresholds = found, calibration.CALIBRATED, own_thresholds
        self.threshold = self._given = found.threshold
        self._calibrated_on |= files
        return found

    def evaluate(self, dataset, whole=False, close=False):
        """How well the gallery names the brands of a data set.

        A sample is the logo in its boxes, of several the likeliest; without boxes it is what `recognize` says of the photo.
        Brands are compared by name. Photos that calibrated the gallery, and those from which a reference comes, are left out.

        Args:
            dataset: Dataset. Label -1, and brands that the gallery does not have, are right where nothing is known.
            whole: bool, whether the boxes are left aside.
            close: bool, as for `recognize`.

        Returns:
            GalleryEvaluation.

        Raises:
            ValueError: if no sample is left, or the gallery has none of its brands.
        """
        return evaluation.evaluate(self, dataset, whole, close)

    def reembed(self, model=None, embed=None, image_size=None):
        """Embeds all references anew with another embedding, from the crops that were kept. Thresholds are dropped.

        Args:
            model, embed, image_size: as for `Gallery`.

        Raises:
            ValueError: if the crop of a reference was not kept or is damaged; the gallery is as it was then.
        """
        new = embedder(model, embed, image_size)
        table, vectors = self._table, np.zeros((len(self._table), new.dimensions), np.float32)
        batch = []
        for row, crop in in_threads(self._kept_crop, range(len(table)), "embedding anew", _WAITING):
            batch.append(crop)
            if len(batch) == _WAITING or row == len(table) - 1:
                vectors[row + 1 - len(batch) : row + 1] = new.embed(batch)
                batch = []
        self._embedder, calibrated_on = new, self._calibrated_on
        self._begin(table.with_vectors(vectors), new.background_vectors, new.threshold)
        self._calibrated_on = calibrated_on

    def save(self, path, replace=True):
        """Writes the gallery: all of the file, or nothing and the old one stays.

        Args:
            path: str or Path; the usual suffix is `.gallery`.
            replace: bool, False refuses a file that is neither the one that was opened nor one that this gallery wrote.

        Raises:
            ValueError: if another process has changed the file since this gallery opened or wrote it.
            UnusableGallery: saying whose it is, if a picture in the file that was opened is damaged; it is a ValueError too.
            OSError: if it cannot be written.
        """
        model = self._embedder
        said = self._said or dict(identity=model.identity, name=model.name, image_size=model.image_size)
        about = {"embedding": {name: said[name] for name in ("identity", "name", "image_size")}}
        fitted = self.rule, self.threshold, self._own_thresholds, self.calibration, self._calibrated_on
        about |= calibration.to_json(*fitted, self.threshold != self._given)
        probe, place = said["probe"] if self._said else model.probe, os.path.abspath(path)
        known = self._states.get(place, gallery_file.ANY if replace else None)
        self._states[place] = gallery_file.write(path, self._table, about, probe, self._backgrounds, known)

    @classmethod
    def load(cls, path, model=None, embed=None, image_size=None):
        """Opens a gallery that was saved. Its vectors are mapped, its pictures read when they are asked for.

        Args:
            path: str or Path.
            model, embed, image_size: as for `Gallery`: the embedding with which it was made, in any format. Without any of them
                the gallery can be listed, changed and embedded anew, and the embedding that comes with the package is opened when
                something is to be embedded.

        Returns:
            Gallery.

        Raises:
            UnusableGallery: naming the file and what to do, if it is damaged, no gallery, or was made with another embedding; it
                is a ValueError too.
            OSError: if it cannot be read.
        """
        table, about, probe, backgrounds, state = gallery_file.read(path)
        gallery = cls.__new__(cls)
        gallery._states = {os.path.abspath(path): state}
        gallery._begin(table, backgrounds)
        try:
            gallery._said = {name: about["embedding"][name] for name in ("identity", "name", "image_size")}
            gallery._said |= {"probe": probe, "path": path}
            gallery.rule, gallery.threshold, own, gallery.calibration, *others = calibration.from_json(about)
            gallery._calibrated_on, by_hand = others
            gallery._given = None if by_hand else gallery.threshold
            gallery._own_thresholds = {label: value for label, value in own.items() if label in table}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnusableGallery(path, f"damaged ({error!r}); copy it again, or take an older copy.") from error
        gallery._embedder = None if model is None and embed is None else gallery._agreeing(embedder(model, embed, image_size))
        return gallery

    def to_parquet(self, path):
        """Writes the references as a Parquet file, a row each, with their vectors and pictures (extra `[parquet]`).

        Args:
            path: str or Path.

        Raises:
            ImportError: naming the extra.
            OSError: if it cannot be written.
        """
        parquet.write(path, self._table)

    @classmethod
    def from_parquet(cls, path, model=None, embed=None, image_size=None):
        """Makes a gallery of a Parquet file that `to_parquet` wrote, or of another with a label and a vector in each row.

        Args:
            path: str or Path. Columns: `label`, `vector`; those that `to_parquet` writes where there are any.
            model, embed, image_size: as for `Gallery`, the embedding that gave the vectors.

        Returns:
            Gallery. Thresholds are as in a new one.

        Raises:
            ValueError: if a column is missing, or the vectors do not fit the embedding.
            ImportError: naming the extra.
        """
        gallery = cls(model, embed, image_size)
        gallery._table = parquet.read(path, gallery._embedder.dimensions)
        return gallery

    def _model(self):
        """The embedding. Raises ValueError where it is not at hand."""
        if self._embedder is None:
            try:
                self._embedder = self._agreeing(embedder())
            except UnusableGallery:
                raise
            except UserError as error:
                raise UserError(f"the gallery was made with {self._said['name']}, which was not given. {error}") from None
        return self._embedder

    def _agreeing(self, model):
        """An embedding with which the gallery was made. Raises UnusableGallery for another."""
        if not model.agrees(self._said["identity"], self._said["probe"]):
            raise gallery_file.of_another(self._said["path"], self._said["name"], model.name)
        return model

    def _known(self, label):
        label = label_of(label)
        if label not in self._table:
            raise UserError(f"there is no brand {label!r} in the gallery, which has {listed(self.labels) or 'none'}.")
        return label

    def _kept_crop(self, row):
        known = self._table.reference(row)
        with gallery_file.naming_its_brand(self._table, row):
            return crop_of(self._table.pictures[row], f"a reference of {known.label!r} ({known.source})")

    def _take(self, other):
        """Adds the references of another gallery."""
        mine, theirs = self._model(), other._embedder or other._model()
        if not mine.agrees(theirs.identity, theirs.probe):
            raise UserError(f"the galleries have different embeddings, {mine.name} and {theirs.name}: reembed one of them.")
        table = other._table
        for row in added(self._table, table):
            known, label = {name: values[row] for name, values in table.columns.items()}, table.labels[table.brands[row]]
            self._table.append(label, table.vectors[row], known, table.pictures[row])
            self._own_thresholds.pop(label, None)
