"""Photos with boxes as Pascal VOC has them: an XML file a photo."""

import itertools
import math
import os
import re
from dataclasses import dataclass
from xml.parsers import expat

from logo_keras.datasets.annotations import Photograph, annotated, as_number, stated_size
from logo_keras.datasets.checking import read_all
from logo_keras.datasets.classes import NONE, composed, ordered
from logo_keras.datasets.paths import Finder, spellings
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.splits import find_split
from logo_keras.datasets.textfile import contents, read_lines
from logo_keras.datasets.tree import OTHER, SUFFIXES, Skipped, find_folder, is_photograph, walk
from logo_keras.errors import UserError

LISTS, PHOTOGRAPHS = "ImageSets", ("JPEGImages", "images")
# A name in quotes, and maybe a flag.
_QUOTED = re.compile(r"([\"'])(.+)\1[\s,;]*(-1|0|1)?")
_FLAGGED = re.compile(r"(.+?)[\s,;]+(-1|0|1)")
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


def load(root, split=None, cut=None):
    """Opens photographs with boxes in the format of Pascal VOC.

    Either `Annotations/*.xml` with the photographs in `JPEGImages/` and the splits in `ImageSets/Main/SPLIT.txt`, in the root
    or in a folder of it; or XML files beside the photographs, in any folders, of which the first ones may be splits (as
    Roboflow writes them).

    An annotation belongs to the photograph of its own name, else to the one that its `filename` says, whatever machine wrote
    it (`logo_keras.datasets.paths.Finder`). A line of a list is a name, which may hold spaces, else a name and a flag -1, 0 or
    1; quotes around the name are left out. Classes are the names of all objects of all splits in the order of
    `logo_keras.datasets.classes.ordered`; "none" is no class.

    Boxes are kept as written, `difficult` ones too: VOC itself counts px from 1, most tools that write this format count from
    0, and no file says which. Corners that stand the wrong way round are exchanged, and `notes` says how many. Boxes of
    photographs that EXIF turns are turned with them where `size` is that of the photograph as it is stored
    (`logo_keras.datasets.annotations`). A photograph whose annotation has no object shows no brand of the set; one without
    annotation is left out.

    Args:
        root: str or path.
        split: str, or None for all photographs with a brand.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset with boxes, in the order of the list, else of the names. Photographs without a brand have label -1; split=None
        leaves them out.

    Raises:
        FileNotFoundError: if the root or the split is missing, or there are no annotations.
        ValueError: if annotations cannot be read (the error names files and lines, all or the first ten), or `cut` where there
            are no boxes.
    """
    root = os.path.abspath(root)
    if not os.path.isdir(root):
        raise FileNotFoundError(f"there is no folder {root}.")
    home = _home(root)
    skipped = Skipped()
    files, photographs = find_files(home, skipped)
    if not files:
        raise FileNotFoundError(f"{root} must hold Annotations/*.xml, or XML files beside the photographs; {contents(root)}.")
    read = read_all(read_annotation, files.values(), "reading annotations")
    chosen, bare = _chosen(home, split, files, photographs)
    finder = Finder([home], lambda: itertools.chain(*photographs.values()), lambda _: False)
    records, used = [], set()
    for key in chosen:
        annotation = read[files[key]]
        path = photograph_of(key, annotation.filename, photographs) or finder.find(annotation.filename or f"{key}.jpg")
        path = path or _missing(files[key], annotation.filename)
        used.add(path)
        boxes = [each for each in annotation.boxes if each[0] != NONE]
        if boxes or split is not None:
            records.append(Photograph(path, None if boxes else NONE, tuple(boxes), annotation.size))
    notes = swapped_note(read[files[key]] for key in chosen)
    # Those that a `filename` says have another name than their annotation.
    if count := sum(used.isdisjoint(photographs[key]) for key in bare):
        notes.append(f"photographs without an annotation, left out: {count}")
    remarks = [*finder.notes("the annotations", len(used & {*itertools.chain(*photographs.values())})), *skipped.notes()]
    names = ordered(name for annotation in read.values() for name, _ in annotation.boxes)
    return annotated(records, names, cut, remarks, root=root, split_name=split, notes=notes, skipped=skipped.paths)


def split_names(root):
    """What `load` takes as `split`: set of str."""
    home = _home(os.path.abspath(root))
    return {*_lists(home), *_folders(find_files(home, Skipped())[0])}


def _home(root):
    """The folder that holds the lists, in the root or a folder of it; without lists the root."""
    try:
        return str(find_folder(root, [LISTS], "Pascal VOC"))
    except FileNotFoundError:
        return root


def _missing(file, filename):
    """Where the photograph of an annotation should be: it is for `check` to say that it is missing."""
    folder = os.path.dirname(file)
    if os.path.basename(folder).lower() in KINDS:
        beside = [os.path.join(os.path.dirname(folder), name) for name in PHOTOGRAPHS]
        folder = next(filter(os.path.isdir, beside), folder)
    said = filename.replace("\\", "/").rpartition("/")[2]
    return os.path.join(folder, said if said.strip(".") else f"{os.path.splitext(os.path.basename(file))[0]}.jpg")


def _chosen(home, split, files, photographs):
    """Keys of the annotations of a split, and of the photos beside them that have none."""
    chosen = list(files)
    if split is not None:
        lists, folders = _lists(home), _folders(files)
        if (found := find_split(split, lists)) is not None:
            return _listed(lists[found], files, photographs)
        if (found := find_split(split, folders)) is None:
            names = ", ".join(sorted({*lists, *folders})) or "photographs: leave it out"
            raise FileNotFoundError(f"{home} has no split {split!r}, only {names}.")
        chosen = list(folders[found])
    beside = {os.path.dirname(key) for key in chosen}
    return chosen, [key for key in photographs if key not in files and os.path.dirname(key) in beside]


def _lists(home):
    """Split to its list."""
    places = filter(os.path.isdir, (os.path.join(home, LISTS), os.path.join(home, LISTS, "Main")))
    return {name[:-4]: os.path.join(place, name) for place in places for name in os.listdir(place) if name.endswith(".txt")}


def _folders(files):
    """Split to the keys of its annotations: the first folders, and if there is only one, those in it: an archive's own."""
    found, tops = {}, {key.partition("/")[0] if "/" in key else "" for key in files}
    for key in files:
        top, _, rest = key.partition("/")
        if rest:
            found.setdefault(top, {})[key] = None
        if len(tops) == 1 and "/" in rest:
            found.setdefault(rest.partition("/")[0], {})[key] = None
    return found


def _listed(file, files, photographs):
    """As `_chosen`, from lines `name` or, where a list is of one class, `name flag`: the flag is -1 where it is absent."""
    chosen, bare, problems = {}, {}, Problems()
    for number, line in read_lines(file):
        # The whole line first: a name may end with a space and a number.
        readings = list(_readings(line.strip()))
        known, flag = next(
            ((known, flag) for name, flag in readings if (known := _known(name, files, photographs)) is not None),
            (None, readings[-1][1]),
        )
        if flag == "-1":
            continue
        if known is None:
            problems.add(f"{file}:{number}: there is no annotation of {readings[-1][0]!r}.")
        elif known in files:
            chosen[known] = None
        else:
            bare[known] = None
    problems.check()
    return list(chosen), list(bare)


def _readings(line):
    """Pairs of a name and a flag, None where there is none, that a line may mean."""
    yield line, None
    for pattern in (_QUOTED, _FLAGGED):
        if found := pattern.fullmatch(line):
            *_, name, flag = found.groups()
            yield name, flag


def _known(name, files, photographs):
    """The key of a named annotation or photograph, or None."""
    for written in spellings(name):
        key = key_of(written)
        for each in (key, key.rpartition("/")[2]):
            if each in files or each in photographs:
                return each
    return None


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
        raise UserError(f"{path}: an annotation has at most {MAX_BYTES} bytes, this file has more.")
    reader = _Reader()
    try:
        reader.read(_utf8(data))
    except expat.ExpatError as error:
        raise UserError(f"{path}:{error.lineno}: not XML ({expat.ErrorString(error.code)}).") from None
    except ValueError as error:
        raise UserError(f"{path}:{reader.line}: {error}.") from None
    boxes, swapped, problems = [], 0, Problems()
    for line, found in reader.objects:
        with problems.collecting():
            name = composed(found.get("name", "").strip())
            if not name:
                raise UserError(f"{path}:{line}: an object without a name.")
            sides = {side: found.get(f"bndbox/{side}", "") for side in _SIDES}
            y0, x0, y1, x1 = map(as_number, sides.values())
            if not all(map(math.isfinite, (y0, x0, y1, x1))):
                raise UserError(f"{path}:{line}: expected numbers in the bndbox of {name!r}, got {sides}.")
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
            raise UserError(f"expected a Pascal VOC file, which starts with <annotation>, got <{tag[:40]}>")
        if len(self._tags) == _MAX_DEPTH:
            raise UserError(f"expected at most {_MAX_DEPTH} tags inside each other")
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
        raise UserError(f"expected no entities, got {name[:40]!r}")


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
