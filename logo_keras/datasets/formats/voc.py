"""Photographs with boxes as Pascal VOC has them: an XML file a photograph."""

import itertools
import os
import re

from logo_keras.datasets.annotations import Photograph, annotated
from logo_keras.datasets.classes import NONE, ordered
from logo_keras.datasets.formats.voc_file import KINDS, find_files, key_of, photograph_of, read_annotations, swapped_note
from logo_keras.datasets.paths import Finder, spellings
from logo_keras.datasets.problems import Problems
from logo_keras.datasets.splits import find_split
from logo_keras.datasets.textfile import contents, read_lines
from logo_keras.datasets.tree import Skipped, find_folder

LISTS, PHOTOGRAPHS = "ImageSets", ("JPEGImages", "images")
# A name in quotes, and maybe a flag.
_QUOTED = re.compile(r"([\"'])(.+)\1[\s,;]*(-1|0|1)?")
_FLAGGED = re.compile(r"(.+?)[\s,;]+(-1|0|1)")


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
    read = read_annotations(list(files.values()))
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
    return _names(home, find_files(home, Skipped())[0])


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
    """Keys of the annotations of a split, and of the photographs beside them that have none."""
    for place in _lists(home) if split is not None else ():
        names = [name[:-4] for name in os.listdir(place) if name.endswith(".txt")] if os.path.isdir(place) else []
        if (found := find_split(split, names)) is not None:
            return _listed(os.path.join(place, f"{found}.txt"), files, photographs)
    chosen, only = list(files), _only_folder(files)
    if split is not None:
        found = find_split(split, {key.partition("/")[0] for key in files if "/" in key})
        chosen = [key for key in files if key.startswith(f"{found}/")]
    if not chosen:
        # An archive often unpacks into a folder of its own.
        inside = {key.removeprefix(f"{only}/").partition("/")[0] for key in files if key.count("/") > 1}
        chosen = [key for key in files if key.startswith(f"{only}/{find_split(split, inside)}/")]
    if not chosen:
        names = ", ".join(sorted(_names(home, files))) or "photographs: leave it out"
        raise FileNotFoundError(f"{home} has no split {split!r}, only {names}.")
    folders = {os.path.dirname(key) for key in chosen}
    return chosen, [key for key in photographs if key not in files and os.path.dirname(key) in folders]


def _lists(home):
    return [os.path.join(home, LISTS, "Main"), os.path.join(home, LISTS)]


def _names(home, files):
    """The splits that there are: lists, and the first folders of the annotations."""
    listed = {name[:-4] for place in _lists(home) if os.path.isdir(place) for name in os.listdir(place) if name.endswith(".txt")}
    inside = [key.removeprefix(f"{_only_folder(files)}/") for key in files]
    return listed | {key.partition("/")[0] for key in (*files, *inside) if "/" in key}


def _only_folder(keys):
    """The folder that all annotations lie in, "" if there are several."""
    tops = {key.partition("/")[0] if "/" in key else "" for key in keys}
    return tops.pop() if len(tops) == 1 else ""


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
