"""Names of classes: the form in which they are compared, and their order."""

import unicodedata

# A brand of this name means that a photo shows none of the set's: label -1, never a class.
NONE = "none"
# Names that an error lists.
_NAMED = 10


def composed(name):
    """A name in the Unicode form NFC, in which the same letters are the same string.

    macOS writes the names of folders in another form, so that one brand would become two classes that look alike.

    Args:
        name: str.

    Returns:
        str.
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def ordered(names):
    """The order of classes wherever no file states one, so that it is the same in every format.

    Args:
        names: iterable of str. `NONE` among them is left out.

    Returns:
        List of str, each once, in the form of `composed`: by number if all are whole numbers, else by code point.
    """
    names = {composed(name) for name in names} - {NONE}
    numeric = all(name.isascii() and name.isdigit() for name in names)
    return sorted(names, key=lambda name: (int(name), name)) if numeric else sorted(names)


def listed(names):
    """Names for an error or a note, the first ones of many.

    Args:
        names: sequence of str.

    Returns:
        str.
    """
    return ", ".join(map(repr, names[:_NAMED])) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def matching(name, names):
    """Finds a name among others, whatever their Unicode forms.

    Args:
        name: str.
        names: iterable of str.

    Returns:
        str, as it stands in `names`, or None.
    """
    return next((each for each in names if composed(each) == composed(name)), None)
