"""Which marks there are: the brand that each shows, and those that no training may see."""

import fnmatch
import functools
import re
from dataclasses import dataclass
from importlib import resources

from logo_keras.datasets.marks.packages import EVERYTHING, FONTS, WORDS, icons
from logo_keras.datasets.synthetic import artwork

# What packages put before and behind a brand's name for one of its drawings.
_BEFORE = re.compile(r"(file-type-|light-|square-|cc-)")
_BEHIND = re.compile(
    r"-(icon|logo|logomark|original|wordmark|plain|line|background|dark|light|alt|square|official|mono|color|old|opened|20\d\d)$"
)
# Not brands: pictures of folders and of files without a type.
_NO_BRAND = re.compile(r"(folder-|default-)")
# What simplepycons writes for the dot of a domain: vuedotjs.
_DOT = re.compile(r"(?<=.)dot(?=[a-z]{2,3}$)")
# Letters of the longest ticker that is a class of its own: tickers are the names of other brands too (ada, sol, near).
_TICKER = 4
# Left-out brands with more letters also stand for the names that begin with them; shorter ones begin too many others (minio).
_EXACT = 4


@dataclass(frozen=True)
class Mark:
    """A mark of a brand.

    Attributes:
        brand: str, lower case letters and digits, the same for all marks of a brand; of a ticker with " token" behind, of a
            wordmark with " in " and its font.
        package: str, a name in `packages.PACKAGES`.
        name: str, its name there.
        color: tuple of 3 ints 0..255, RGB, the brand's colour where the mark is drawn in one colour that is known; or None.
    """

    brand: str
    package: str
    name: str
    color: tuple | None = None

    @property
    def path(self):
        """str, package/name."""
        return f"{self.package}/{self.name}"

    @property
    def is_wordmark(self):
        """bool, whether it is a name that is set in a font."""
        return self.package in FONTS


def marks(root, packages=EVERYTHING):
    """The marks of packages that `packages.fetch` brought.

    Args:
        root: str or path of the folder that it filled.
        packages: dict from name to Package.

    Returns:
        kept: tuple of Mark, those to learn from, in the order of packages and names.
        left_out: tuple of Mark, those of left-out brands.

    Raises:
        FileNotFoundError, FileError, ImportError: as `packages.icons` does.
    """
    kept, left_out = [], []
    for package in packages.values():
        for name, icon in icons(root, package).items():
            if (brand := brand_of(package, name)) is not None:
                mark = Mark(brand, package.name, name, icon.color)
                (left_out if is_left_out(mark) else kept).append(mark)
    return tuple(kept), tuple(left_out)


def brand_of(package, name):
    """The brand that a mark shows.

    Args:
        package: Package.
        name: str, the mark's name in it.

    Returns:
        str as in `Mark.brand`, or None for pictures that show no brand.
    """
    if package.name == "vscode-icons" and _NO_BRAND.match(name):
        return None
    plain = name.lower()
    while (shorter := _BEHIND.sub("", _BEFORE.sub("", plain, count=1) if _BEFORE.match(plain) else plain)) != plain:
        plain = shorter
    if not package.integrity:
        plain = _DOT.sub("", plain)
    letters = _letters(plain)
    if package.kind == WORDS:
        # Looks like none of the brand's other marks.
        return f"{letters} in {package.name}"
    return f"{letters} token" if package.kind == "token" and len(letters) <= _TICKER else letters


def is_left_out(mark):
    """Whether no training may see a mark, by the rule of `left_out.txt` or as one of `left_out_marks.txt`: bool."""
    if is_left_out_name(mark.brand.removesuffix(" token")) or is_left_out_name(_letters(mark.name), mark.package in FONTS):
        return True
    return any(fnmatch.fnmatchcase(mark.path, pattern) for pattern in left_out_patterns())


def is_left_out_name(name, word=False):
    """Whether the rule of `left_out.txt` leaves out a name.

    Args:
        name: str, lower case letters and digits.
        word: bool, whether it is set as a wordmark, of which every part is read.

    Returns:
        bool.
    """
    exact, beginnings = left_out_brands()
    return name in exact or name.startswith(beginnings) or word and any(each in name for each in beginnings)


def left_out_patterns():
    """The lines of `left_out_marks.txt`: tuple of str, package/name, with `*` for anything."""
    return _lines("left_out_marks.txt")


@functools.cache
def left_out_brands():
    """The brands that no training may see.

    Returns:
        names: frozenset of str, lower case letters and digits.
        beginnings: tuple of str, those of them that also stand for longer names.
    """
    drawn = (*artwork.BRANDS, *artwork.BRANDS.values(), *artwork.TRAIN_DISTRACTORS, *artwork.OTHER_DISTRACTORS)
    names = frozenset({_letters(name) for name in drawn} | set(_lines("left_out.txt")))
    return names, tuple(sorted(name for name in names if len(name) > _EXACT))


@functools.cache
def _lines(name):
    """The lines of a list of this folder, without comments: tuple of str."""
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _letters(name):
    return "".join(filter(str.isalnum, name.lower()))
