"""Photographs with boxes as Pascal VOC has them: an XML file a photograph."""

import os

from logo_keras.datasets.annotations import NONE, Photograph, annotated
from logo_keras.datasets.formats.voc_file import KINDS, find_files, key_of, photograph_of, read_annotations, swapped_note
from logo_keras.datasets.textfile import contents, find_folder, read_lines

LISTS, PHOTOGRAPHS = "ImageSets", ("JPEGImages", "images")


def load(root, split=None, cut=None):
    """Opens photographs with boxes in the format of Pascal VOC.

    Either `Annotations/*.xml` with the photographs in `JPEGImages/` and the splits in `ImageSets/Main/SPLIT.txt`, in the root
    or in a folder of it; or XML files beside the photographs, in any folders, of which the first ones may be splits (as
    Roboflow writes them).

    An annotation belongs to the photograph of its own name, else to the one that its `filename` says. Classes are the
    names of all objects of all splits, sorted; "none" is no class. Boxes are kept as written, `difficult` ones too: VOC
    itself counts px from 1, most tools that write this format count from 0, and no file says which. Corners that stand the
    wrong way round are exchanged, and `notes` says how many. A photograph whose annotation has no object shows no brand of
    the set; one without annotation is left out.

    Args:
        root: str or path.
        split: str, or None for all photographs with a brand.
        cut: as in `logo_keras.datasets.load`.

    Returns:
        Dataset with boxes, in the order of the list, else of the names. Photographs without a brand have label -1; split=None
        leaves them out.

    Raises:
        FileNotFoundError: if the root or the split is missing, or there are no annotations.
        ValueError: if an annotation cannot be read (the error names file and line), or `cut` where there are no boxes.
    """
    root = os.path.abspath(root)
    if not os.path.isdir(root):
        raise FileNotFoundError(f"there is no folder {root}.")
    home = _home(root)
    files, photographs = find_files(home)
    if not files:
        raise FileNotFoundError(f"{root} must hold Annotations/*.xml, or XML files beside the photographs; {contents(root)}.")
    read = read_annotations(list(files.values()))
    chosen, bare = _chosen(home, split, files, photographs)
    records, used = [], set()
    for key in chosen:
        annotation = read[files[key]]
        path = photograph_of(key, annotation.filename, photographs) or _missing(files[key], annotation.filename)
        used.add(path)
        boxes = [each for each in annotation.boxes if each[0] != NONE]
        if boxes or split is not None:
            records.append(Photograph(path, None if boxes else NONE, boxes))
    notes = swapped_note(read[files[key]] for key in chosen)
    # Those that a `filename` says have another name than their annotation.
    if count := sum(used.isdisjoint(photographs[key]) for key in bare):
        notes.append(f"photographs without an annotation, left out: {count}")
    names = sorted({name for annotation in read.values() for name, _ in annotation.boxes} - {NONE})
    return annotated(records, names, cut, root=root, split_name=split, notes=notes)


def split_names(root):
    """What `load` takes as `split`: set of str."""
    home = _home(os.path.abspath(root))
    return _names(home, find_files(home)[0])


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
        if os.path.isfile(os.path.join(place, f"{split}.txt")):
            return _listed(os.path.join(place, f"{split}.txt"), files, photographs)
    chosen = [key for key in files if split is None or key.startswith(f"{split}/")]
    # An archive often unpacks into a folder of its own.
    chosen = chosen or [key for key in files if key.startswith(f"{_only_folder(files)}/{split}/")]
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
    chosen, bare = {}, []
    for number, line in read_lines(file):
        name = line.strip()
        words = name.rsplit(None, 1)
        if words[-1] in ("-1", "0", "1") and len(words) == 2:
            name = words[0]
            if words[1] == "-1":
                continue
        key = key_of(name)
        known = next((each for each in (key, key.rpartition("/")[2]) if each in files or each in photographs), None)
        if known is None:
            raise ValueError(f"{file}:{number}: there is no annotation of {name!r}.")
        if known in files:
            chosen[known] = None
        else:
            bare.append(known)
    return list(chosen), bare
