"""Photos with boxes as Pascal VOC has them: an XML file a photo."""

import codecs
import os
import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from xml.etree.ElementTree import TreeBuilder
from xml.parsers import expat

from logo_keras.datasets.annotations import Photograph, annotated, as_numbers, stated_size
from logo_keras.datasets.checking import read_all
from logo_keras.datasets.classes import NONE, composed, ordered
from logo_keras.datasets.formats import home_of, named_split
from logo_keras.datasets.paths import Finder, spellings
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.textfile import contents, decode, read_bytes, read_lines, texts_in
from logo_keras.datasets.tree import OTHER, SUFFIXES, Skipped, is_photograph, walk
from logo_keras.errors import UserError

LISTS, PHOTOGRAPHS = "ImageSets", ("JPEGImages", "images")
# A line of a list: a name, maybe in quotes, and maybe a flag.
_LINE = re.compile(r"([\"']?)(.+?)\1(?:[\s,;]+(-1|0|1)?)?")
# Bytes of one file: ten thousand boxes take two million.
MAX_BYTES = 16 * 2**20
# Folders that hold only annotations or only photos, in lower case.
KINDS = ("annotations", "annots", "labels", "xml", "xmls", "jpegimages", "images", "imgs")
# Texts that lie beside annotations and photos.
_BESIDE = (".xml", ".txt", ".json", ".csv", ".yaml", ".yml", ".md", ".html", ".py")
# Tags inside tags; VOC's own files have four levels.
_MAX_DEPTH = 64
_SIDES = ("ymin", "xmin", "ymax", "xmax")
# Encodings that annotation tools declare. Not every codec of Python: some are no encodings of text, some are slow.
_DECLARED = re.compile(
    rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']((?:iso|latin|cp\d|windows|gb|big5|shift|euc|koi8|mac|utf)[\w.:-]{0,40})[\"']",
    re.IGNORECASE,
)


def load(root, split=None, cut=None):
    """Opens photos with boxes in the format of Pascal VOC.

    Either `Annotations/*.xml` with the photos in `JPEGImages/` and the splits in `ImageSets/Main/SPLIT.txt`, in the root
    or in a folder of it; or XML files beside the photos, in any folders, of which the first ones may be splits (as
    Roboflow writes them).

    An annotation belongs to the photo of its own name, else to the one that its `filename` says, whatever machine wrote
    it (`logo_keras.datasets.paths.Finder`). A line of a list is a name, which may hold spaces, else a name and a flag -1, 0 or
    1; quotes around the name are left out. Classes are the names of all objects of all splits in the order of
    `logo_keras.datasets.classes.ordered`; "none" is no class.

    Boxes are kept as written, `difficult` ones too: VOC itself counts px from 1, most tools that write this format count from
    0, and no file says which. Corners that stand the wrong way round are exchanged, and `notes` says how many. Boxes of
    photos that EXIF turns are turned with them where `size` is that of the photo as it is stored
    (`logo_keras.datasets.annotations`). A photo whose annotation has no object shows no brand of the set; one without
    annotation is left out.

    Args:
        root: str or path.
        split: str, or None for all photos with a brand.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset with boxes, in the order of the list, else of the names. Photos without a brand have label -1; split=None
        leaves them out.

    Raises:
        FileNotFoundError: if the root or the split is missing, or there are no annotations.
        ValueError: if annotations cannot be read (the error names files and lines, all or the first ten), or `cut` where there
            are no boxes.
    """
    root = os.path.abspath(root)
    if not os.path.isdir(root):
        raise FileNotFoundError(f"there is no folder {root}.")
    home = home_of(root, [LISTS], "Pascal VOC")
    skipped = Skipped()
    files, photographs = find_files(home, skipped)
    if not files:
        raise FileNotFoundError(f"{root} must hold Annotations/*.xml, or XML files beside the photographs; {contents(root)}.")
    read = read_all(read_annotation, files.values(), "reading annotations")
    chosen, bare = _chosen(home, split, files, photographs)
    finder = Finder([home], lambda: chain(*photographs.values()), lambda _: False)
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
    remarks = [*finder.notes("the annotations", len(used & {*chain(*photographs.values())})), *skipped.notes()]
    names = ordered(name for annotation in read.values() for name, _ in annotation.boxes)
    return annotated(records, names, cut, remarks, root=root, split_name=split, notes=notes, skipped=skipped.paths)


def split_names(root):
    """What `load` takes as `split`: set of str."""
    home = home_of(os.path.abspath(root), [LISTS], "Pascal VOC")
    return {*_lists(home), *_folders(find_files(home, Skipped())[0])}


def _missing(file, filename):
    """Where the photo of an annotation should be: it is for `check` to say that it is missing."""
    folder = os.path.dirname(file)
    if os.path.basename(folder).lower() in KINDS:
        beside = [os.path.join(os.path.dirname(folder), name) for name in PHOTOGRAPHS]
        folder = next(filter(os.path.isdir, beside), folder)
    said = filename.replace("\\", "/").rpartition("/")[2]
    return os.path.join(folder, said if said.strip(".") else f"{os.path.splitext(os.path.basename(file))[0]}.jpg")


def _chosen(home, split, files, photographs):
    """Keys of the annotations of a split, and of the photos beside them that have none."""
    chosen = files
    if split is not None:
        lists, folders = _lists(home), _folders(files)
        found = named_split(split, folders | lists, home)
        if found in lists:
            return _listed(lists[found], files, photographs)
        chosen = folders[found]
    beside = {os.path.dirname(key) for key in chosen}
    return list(chosen), [key for key in photographs if key not in files and os.path.dirname(key) in beside]


def _lists(home):
    """Split to its list."""
    places = filter(os.path.isdir, (os.path.join(home, LISTS), os.path.join(home, LISTS, "Main")))
    return {Path(file).stem: file for place in places for file in texts_in(place, ".txt")}


def _folders(files):
    """Split to the keys of its annotations: the first folders, and if there is only one, those in it: an archive's own."""
    above = {key: key.split("/")[:-1] for key in files}
    depth = 2 if len({tuple(folders[:1]) for folders in above.values()}) == 1 else 1
    found = {}
    for key, folders in above.items():
        for name in folders[:depth]:
            found.setdefault(name, {})[key] = None
    return found


def _listed(file, files, photographs):
    """As `_chosen`, from lines `name` or, where a list is of one class, `name flag`: the flag is -1 where it is absent."""
    chosen, bare, problems = {}, {}, Problems()
    for number, line in read_lines(file):
        line = line.strip()
        _, name, flag = _LINE.fullmatch(line).groups()
        # The whole line first: a name may end with a space and a number.
        known = _known(line, files, photographs)
        if known is None and flag == "-1":
            continue
        known = known or _known(name, files, photographs)
        if known is None:
            problems.add(f"{file}:{number}: there is no annotation of {name!r}.")
        else:
            (chosen if known in files else bare)[known] = None
    problems.check()
    return list(chosen), list(bare)


def _known(name, files, photographs):
    """The key of a named annotation or photo, or None."""
    keys = map(key_of, spellings(name))
    known = (each for key in keys for each in (key, key.rpartition("/")[2]) if each in files or each in photographs)
    return next(known, None)


@dataclass(frozen=True)
class Annotation:
    """What a file says of one photo.

    Attributes:
        filename: str, the photo's name as written, or "".
        boxes: tuple of `(name, (y0, x0, y1, x1))`, px as written.
        swapped: int, boxes whose corners stood the wrong way round.
        size: tuple of 2 floats, height and width, px, of the photo as stated, or None.
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
    data = read_bytes(path, MAX_BYTES, "an annotation")
    declared = _DECLARED.match(data)
    for mark, start in ((codecs.BOM_UTF16_LE, b"<\0"), (codecs.BOM_UTF16_BE, b"\0<")):
        data = mark + data if data.startswith(start) else data
    tree = _tree(decode(data, path, declared.group(1).decode() if declared else "utf-8"), path)
    boxes, swapped, problems = [], 0, Problems()
    for element in tree.findall("object"):
        where = f"{path}:{element.get('line')}"
        with problems.collecting():
            name = composed(element.findtext("name", "").strip())
            if not name:
                raise UserError(f"{where}: an object without a name.")
            sides = {side: element.findtext(f"bndbox/{side}", "") for side in _SIDES}
            box = as_numbers(sides.values())
            if box is None:
                raise UserError(f"{where}: expected numbers in the bndbox of {name!r}, got {sides}.")
            y0, x0, y1, x1 = box
            swapped += y0 > y1 or x0 > x1
            boxes.append((name, (min(y0, y1), min(x0, x1), max(y0, y1), max(x0, x1))))
    problems.check()
    size = stated_size(tree.findtext("size/height"), tree.findtext("size/width"))
    return Annotation(tree.findtext("filename", "").strip(), tuple(boxes), swapped, size)


def _tree(text, path):
    """The elements of a file, tags in lower case. The attribute `line` of each is where it starts."""
    builder, parser, inside = TreeBuilder(), expat.ParserCreate(), []

    def refuse(expected):
        raise UserError(f"{path}:{parser.CurrentLineNumber}: expected {expected}.")

    def start(tag, _):
        tag = tag.lower()
        if not inside and tag not in ("annotation", "annotations"):
            refuse(f"a Pascal VOC file, which starts with <annotation>, got <{tag[:40]}>")
        if len(inside) == _MAX_DEPTH:
            refuse(f"at most {_MAX_DEPTH} tags inside each other")
        inside.append(tag)
        builder.start(tag, {"line": parser.CurrentLineNumber})

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: builder.end(inside.pop())
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = lambda name, *_: refuse(f"no entities, got {name[:40]!r}")
    try:
        # In one piece: expat before 2.6 needs quadratic time for a long token that comes in many.
        parser.Parse(text.lstrip(), True)
    except expat.ExpatError as error:
        raise UserError(f"{path}:{error.lineno}: not XML ({expat.ErrorString(error.code)}).") from None
    return builder.close()


def find_files(folder, skipped):
    """Finds annotations and photos in a folder and in those inside it, without hidden ones.

    Args:
        folder: str.
        skipped: Skipped, that gets what is left out.

    Returns:
        annotations: dict from the key of a file to its path, sorted by key.
        photographs: dict from keys to lists of paths.
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
                # By its stem too, where it has a suffix that is none of a photo's.
                for key in dict.fromkeys((key_of(os.path.join(inside, name)), key_of(os.path.join(inside, stem)))):
                    photographs.setdefault(key, []).append(path)
            elif suffix.lower() not in _BESIDE:
                skipped.add(path, OTHER)
    return dict(sorted(annotations.items())), photographs


def key_of(path):
    """What an annotation and its photo have in common.

    Args:
        path: str, of one of them inside the root; of an annotation without its suffix.

    Returns:
        str, the path with `/` between folders, without the suffix of a photo, and without the folders that hold one of
        the two kinds: `train/a` of `train/Annotations/a` and `train/JPEGImages/a.jpg`.
    """
    *folders, name = path.replace("\\", "/").split("/")
    stem, suffix = os.path.splitext(name)
    folders = [each for each in folders if each != "." and each.lower() not in KINDS]
    return composed("/".join([*folders, stem if suffix.lower() in SUFFIXES else name]))


def photograph_of(key, filename, photographs):
    """Finds the photo of an annotation: the one of its own name, else the one that `filename` says.

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
