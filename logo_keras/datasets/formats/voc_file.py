"""Annotation files of Pascal VOC: found in folders, read, and paired with their photographs."""

import math
import os
import re
from dataclasses import dataclass
from xml.parsers import expat

from logo_keras.datasets.checking import in_threads
from logo_keras.datasets.classes import composed
from logo_keras.datasets.formats.coco_file import stated_size
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.tree import OTHER, SUFFIXES, is_photograph, walk

# Bytes of one file: ten thousand boxes take two million.
MAX_BYTES = 16 * 2**20
# Folders that hold annotations alone or photographs alone, in lower case.
KINDS = ("annotations", "annots", "labels", "xml", "xmls", "jpegimages", "images", "imgs")
# Texts that lie beside annotations and photographs.
_BESIDE = (".xml", ".txt", ".json", ".csv", ".yaml", ".yml", ".md", ".html", ".py")
# Tags inside tags; VOC's own files have four levels.
_MAX_DEPTH = 64
_SIDES = ("ymin", "xmin", "ymax", "xmax")
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_.:-]{1,40})[\"']")
# What annotation tools declare beside UTF-8. Not every codec of Python: some are no encodings of text, some are slow.
_ENCODINGS = re.compile(r"iso|latin|cp\d|windows|gb|big5|shift|euc|koi8|mac|utf")


@dataclass(frozen=True)
class Annotation:
    """What a file says of one photograph.

    Attributes:
        filename: str, the photograph's name as written, or "".
        boxes: tuple of `(name, (y0, x0, y1, x1))`, px as written.
        swapped: int, boxes whose corners stood the wrong way round.
        size: tuple of 2 floats, height and width, px, of the photograph as stated, or None.
    """

    filename: str
    boxes: tuple
    swapped: int
    size: tuple | None = None


def read_annotations(files):
    """Reads many files in several threads.

    Args:
        files: list of str.

    Returns:
        dict, path of the file to Annotation.

    Raises:
        ValueError: as `read_annotation`, for all files, or the first ten problems in them.
    """
    problems, read = Problems(), {}

    def attempt(file):
        try:
            return read_annotation(file)
        except ValueError as error:
            return error

    for file, found in in_threads(attempt, files, "reading annotations"):
        with problems.collecting():
            if isinstance(found, ValueError):
                raise found
            read[file] = found
    problems.check()
    return read


def read_annotation(path):
    """Reads a file.

    Of an `object` its `name` and `bndbox` count, whether it is `difficult` or not; those of its parts do not. UTF-8 goes
    before the encoding that the file declares, since tools declare wrong ones. A file with entities is refused: a few
    lines of them can fill any memory.

    Args:
        path: str.

    Returns:
        Annotation. Where a corner is the other one's, the two are exchanged.

    Raises:
        OSError: if it cannot be opened.
        ValueError: if it is no such file; the error names file and lines.
    """
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path}: an annotation has at most {MAX_BYTES} bytes, this file has more.")
    reader = _Reader()
    try:
        reader.read(_utf8(data))
    except expat.ExpatError as error:
        raise ValueError(f"{path}:{error.lineno}: not XML ({expat.ErrorString(error.code)}).") from None
    except ValueError as error:
        raise ValueError(f"{path}:{reader.line}: {error}.") from None
    boxes, swapped, problems = [], 0, Problems()
    for line, found in reader.objects:
        with problems.collecting():
            name = composed(found.get("name", "").strip())
            if not name:
                raise ValueError(f"{path}:{line}: an object without a name.")
            sides = {side: found.get(f"bndbox/{side}", "") for side in _SIDES}
            y0, x0, y1, x1 = map(_number, sides.values())
            if not all(map(math.isfinite, (y0, x0, y1, x1))):
                raise ValueError(f"{path}:{line}: expected numbers in the bndbox of {name!r}, got {sides}.")
            swapped += y0 > y1 or x0 > x1
            boxes.append((name, (min(y0, y1), min(x0, x1), max(y0, y1), max(x0, x1))))
    problems.check()
    size = stated_size(reader.size.get("height"), reader.size.get("width"))
    return Annotation(reader.filename.strip(), tuple(boxes), swapped, size)


def find_files(folder, skipped):
    """Finds annotations and photographs in a folder and in those inside it, without hidden ones.

    Args:
        folder: str.
        skipped: Skipped, that gets what is left out.

    Returns:
        annotations: dict from the key of a file to its path, sorted by key.
        photographs: dict from keys to lists of paths, in the order of `SUFFIXES`.
    """
    annotations, photographs = {}, {}
    for place, files in walk(folder, skipped):
        inside = os.path.relpath(place, folder)
        for name in files:
            stem, suffix = os.path.splitext(name)
            path = os.path.join(place, name)
            # A named pipe would be waited for.
            if suffix.lower() == ".xml" and os.path.isfile(path):
                annotations[key_of(os.path.join(inside, stem))] = path
            elif is_photograph(path):
                # By its stem too, where it has a suffix that is none of a photograph's.
                for key in dict.fromkeys((key_of(os.path.join(inside, name)), key_of(os.path.join(inside, stem)))):
                    photographs.setdefault(key, []).append(path)
            elif suffix.lower() not in _BESIDE:
                skipped.add(path, OTHER)
    for paths in photographs.values():
        paths.sort(key=_rank)
    return dict(sorted(annotations.items())), photographs


def key_of(path):
    """What an annotation and its photograph have in common.

    Args:
        path: str, of one of them inside the root; of an annotation without its suffix.

    Returns:
        str, the path with `/` between folders, without the suffix of a photograph, and without the folders that hold one of
        the two kinds: `train/a` of `train/Annotations/a` and `train/JPEGImages/a.jpg`.
    """
    *folders, name = path.replace("\\", "/").split("/")
    stem, suffix = os.path.splitext(name)
    folders = [each for each in folders if each != "." and each.lower() not in KINDS]
    return composed("/".join([*folders, stem if suffix.lower() in SUFFIXES else name]))


def photograph_of(key, filename, photographs):
    """Finds the photograph of an annotation: the one of its own name, else the one that `filename` says.

    The own name goes first, since whoever renames files seldom changes what stands in them.

    Args:
        key: str, of the annotation.
        filename: str, as written in it; folders in it do not count.
        photographs: dict, as `find_files` gives it.

    Returns:
        str, or None if neither is there.
    """
    said = filename.replace("\\", "/").rpartition("/")[2]
    found = photographs.get(key) or photographs.get(key_of(os.path.join(os.path.dirname(key), said))) or ()
    return next((path for path in found if os.path.basename(path) == said), found[0] if found else None)


def swapped_note(annotations):
    """What the report must say of boxes whose corners were exchanged: a list of one sentence, or an empty one."""
    count = sum(annotation.swapped for annotation in annotations)
    return [f"boxes whose corners stood the wrong way round, put right: {count}"] if count else []


def _rank(path):
    suffix = os.path.splitext(path)[1].lower()
    return SUFFIXES.index(suffix) if suffix in SUFFIXES else len(SUFFIXES)


class _Reader:
    """Collects the file name, the size and the objects while expat reads."""

    def __init__(self):
        self.filename, self.size, self.objects = "", {}, []
        self._tags, self._text = [], []
        # Not the encoding that the file declares: what it gets is UTF-8.
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append
        self._parser.EntityDeclHandler = self._entity

    @property
    def line(self):
        return self._parser.CurrentLineNumber

    def read(self, data):
        # One piece: expat before 2.6 needs quadratic time for a long token that comes in many.
        self._parser.Parse(data.removeprefix(b"\xef\xbb\xbf").lstrip(), True)

    def _start(self, tag, _):
        tag = tag.lower()
        if not self._tags and tag not in ("annotation", "annotations"):
            raise ValueError(f"expected a Pascal VOC file, which starts with <annotation>, got <{tag[:40]}>")
        if len(self._tags) == _MAX_DEPTH:
            raise ValueError(f"expected at most {_MAX_DEPTH} tags inside each other")
        self._tags.append(tag)
        self._text.clear()
        if self._tags[1:] == ["object"]:
            self.objects.append((self.line, {}))

    def _end(self, _):
        where = self._tags[1:]
        if where == ["filename"]:
            self.filename = "".join(self._text)
        elif where[:1] == ["size"] and len(where) == 2:
            self.size[where[1]] = "".join(self._text)
        elif where[:1] == ["object"] and len(where) > 1:
            self.objects[-1][1].setdefault("/".join(where[1:]), "".join(self._text))
        self._tags.pop()
        self._text.clear()

    def _entity(self, name, *_):
        raise ValueError(f"expected no entities, got {name[:40]!r}")


def _number(text):
    try:
        return float(text)
    except ValueError:
        return math.nan


def _utf8(data):
    """XML as UTF-8, whatever its encoding."""
    try:
        # UTF-16 of plain letters would pass, but for its zeros.
        if b"\0" not in data[:4]:
            data.decode("utf-8")
            return data
    except UnicodeDecodeError:
        pass
    declared = _DECLARED.match(data)
    named = declared.group(1).decode("ascii").lower() if declared else ""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        named = "utf-16"
    elif b"\0" in data[:4]:
        named = "utf-16-le" if data[:1] == b"<" else "utf-16-be"
    for encoding in filter(_ENCODINGS.match, (named, "cp1252")):
        try:
            return data.decode(encoding).encode("utf-8")
        except (LookupError, UnicodeError):
            pass
    return data.decode("latin-1").encode("utf-8")
