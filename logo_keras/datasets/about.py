"""What is known of the public data sets, as about.toml says it: who made them, their licences, where to get them."""

import difflib
import tomllib
from dataclasses import dataclass
from importlib import resources

from logo_keras.errors import UserError


@dataclass(frozen=True)
class Download:
    """A file that a data set is given out as.

    Attributes:
        url: str. With `{number}` in it the set is given out in parts, numbered from 1; how many there are is found out by asking
            until the server knows no more.
        path: str, the file's name in the folder of the set, with `{number}` where the address has it.
    """

    url: str
    path: str


@dataclass(frozen=True)
class About:
    """A public data set.

    Attributes:
        name: str, what `logo_keras.datasets.load` calls it.
        title: str, what its authors call it.
        citation: str, the paper that its authors ask to cite.
        licence: str, what its authors say of rights; "not stated" where nothing is known.
        address: str, the page that gives it out.
        downloads: tuple of Download, the files that can be fetched without a form or a cloud drive.
        instructions: str, what to put where by hand; empty where `downloads` are all there is.
        photographs: int, how many there are as given out, or None.
        brands: int, or None.
        remark: str, where figures disagree or an address is doubtful.
        by_hand: tuple of str, names of files that have to be put into the folder by hand, where they are known. An archive among
            them is not needed when the set has been unpacked.
        folder: str, the folder inside the archive in which the set lies, where it is known.
    """

    name: str
    title: str
    citation: str
    licence: str
    address: str
    downloads: tuple[Download, ...] = ()
    instructions: str = ""
    photographs: int | None = None
    brands: int | None = None
    remark: str = ""
    by_hand: tuple[str, ...] = ()
    folder: str = ""


def _read():
    """Reads about.toml: dict, name to About."""
    sets = tomllib.loads((resources.files(__package__) / "about.toml").read_text(encoding="utf-8"))
    for entries in sets.values():
        entries["downloads"] = tuple(Download(**file) for file in entries.get("downloads", ()))
        entries["by_hand"] = tuple(entries.get("by_hand", ()))
    return {name: About(name, **entries) for name, entries in sets.items()}


ABOUT = _read()

_INSTEAD = (
    "Use Logo-2K+ instead (logo2k), which is larger and public, or LogoDet-3K, which the format voc reads: "
    "https://github.com/Wangjing1551/LogoDet-3K-Dataset"
)
# name -> why it cannot be had, and what to use instead.
NOT_PUBLIC = {
    "logo405": "Logo-405 (Hou et al. 2017, Complexity) has not been published by its authors as a download. " + _INSTEAD,
    "pl2k": "PL2K (Fehérvári and Appalaraju 2019, arXiv:1811.08009) is Amazon's and has not been published. " + _INSTEAD,
}


def about(name):
    """Finds a public data set by its name; `-`, `_`, `+`, spaces and letter case do not matter.

    Args:
        name: str, for instance "logo2k".

    Returns:
        About.

    Raises:
        ValueError: if the set is not public (saying what to use instead), or the name is not known.
    """
    refuse_if_not_public(name)
    plain = _plain(name)
    for each in ABOUT.values():
        if plain in (_plain(each.name), _plain(each.title)):
            return each
    near = difflib.get_close_matches(str(name), [*ABOUT, *NOT_PUBLIC], 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UserError(f"the public data sets are {', '.join(ABOUT)}, got {name!r}.{hint}")


def refuse_if_not_public(name):
    """Raises a ValueError that says what to use instead, if a set is not public; however the name is written."""
    if _plain(name) in NOT_PUBLIC:
        raise UserError(NOT_PUBLIC[_plain(name)])


def _plain(name):
    return "".join(letter for letter in str(name).casefold() if letter.isalnum())
