"""The packages that hold the marks: which versions, fetched by the client of their registry, and the icons in them."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import tomllib
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path

from logo_keras.datasets.marks import words
from logo_keras.errors import FileError, UserError
from logo_keras.extras import require
from logo_keras.files import lock, replacing

# Bytes of a file in a package: the largest icons.json, of token-branded 1.2.45, has 11 MB.
MAX_FILE = 64 * 2**20
# Bytes of one SVG: the longest, in logos 1.2.19, has 0.7 MB.
MAX_SVG = 2 * 2**20
# Seconds for one package; the largest has 4 MB.
_PATIENCE = 300
# The kind of package that is a font.
WORDS = "words"
# Where an icon of iconify says no size: https://iconify.design/docs/types/iconify-json.html
_SIDE = 16


@dataclass(frozen=True)
class Package:
    """A package of marks, in one version.

    Attributes:
        name: str, short.
        version: str.
        licence: str, SPDX, of the drawings.
        author: str.
        address: str, where the drawings come from.
        kind: str, "one colour", "colour", "token" (colour; marks of currencies, most of them named by their ticker), or "words"
            (a font, in which names of brands are set).
        integrity: str, SHA-512 of the npm package, as npm writes it; empty for the one from PyPI.
        weights: tuple of int, of a font.
    """

    name: str
    version: str
    licence: str
    author: str
    address: str
    kind: str
    integrity: str = ""
    weights: tuple = ()

    @property
    def wanted(self):
        """str, what the package's client is asked for."""
        scope = "@fontsource" if self.weights else "@iconify-json"
        return f"{scope}/{self.name}@{self.version}" if self.integrity else f"{self.name}=={self.version}"


@dataclass(frozen=True)
class Icon:
    """A drawing.

    Attributes:
        svg: str, the SVG file.
        color: tuple of 3 ints 0..255, RGB, the brand's colour where the drawing has one colour and its package names it; or None.
    """

    svg: str
    color: tuple | None = None


# Licences and authors as package.json and info.json of these versions state them; of simplepycons: MIT, and its drawings, those
# of Simple Icons, CC0-1.0.
PACKAGES = {
    package.name: package
    for package in (
        Package(
            "simplepycons",
            "1!16.35.0",
            "CC0-1.0",
            "Simple Icons",
            "https://github.com/simple-icons/simple-icons",
            "one colour",
        ),
        Package(
            "logos",
            "1.2.19",
            "CC0-1.0",
            "Gil Barbara",
            "https://github.com/gilbarbara/logos",
            "colour",
            "sha512-ICjDNu2RW4xMk+0YAHyrTj/pW2BHgywcYyvf9DS16upalmSUbg+WqkEYJRim8iVOuVylyo9FFjzWLzACFhj8oA==",
        ),
        Package(
            "token-branded",
            "1.2.45",
            "MIT",
            "0xa3k5",
            "https://github.com/0xa3k5/web3icons",
            "token",
            "sha512-yXsSH7oefq9AIch2h+a23ZK/3PcLDjejKh034VqnXyOWlCk4lEv0/Y4FQpEg0/GG7So2k6P2R4JQYyoW49olOg==",
        ),
        Package(
            "vscode-icons",
            "1.2.97",
            "MIT",
            "Roberto Huertas",
            "https://github.com/vscode-icons/vscode-icons",
            "colour",
            "sha512-nkqeEluYLK3JGXQqmQKHJHdrHYL/r09yz1RZLRl0qDoBdIlW2JQmTRDxc86lzwcmfIyTXib8CBDWEsBj5xVfWQ==",
        ),
        Package(
            "devicon",
            "1.2.68",
            "MIT",
            "konpa",
            "https://github.com/devicons/devicon",
            "colour",
            "sha512-4RNlCSNCSgDEOVMHkBOxgik9agJcVRcfXwAZcwMdIolWx/lvXHzo2kqcqTqQGviZuBbnv3L1lyd+CowyZE+I3g==",
        ),
        Package(
            "cib",
            "1.2.3",
            "CC0-1.0",
            "creativeLabs Łukasz Holeczek",
            "https://github.com/coreui/coreui-icons",
            "one colour",
            "sha512-MMvRXVTHt82z3bYN19JDAjv/X8OBNC/1B3I334SV/1nyhdPeeyvJZVoI1cGuNqYznBjMnWxKPtIhhiVgGQ1CzQ==",
        ),
        Package(
            "cryptocurrency-color",
            "1.2.4",
            "CC0-1.0",
            "Christopher Downer",
            "https://github.com/atomiclabs/cryptocurrency-icons",
            "token",
            "sha512-8vjIfTAAMg0zo3/CdVWV7YjViY1L/q4TFfjROmqRPCRPhM6iVecW4TzMFS8hxm48S2Ge69SNM1yC8FmHT+jfHw==",
        ),
        Package(
            "bxl",
            "1.2.4",
            "MIT",
            "Boxicons",
            "https://github.com/box-icons/boxicons-core",
            "one colour",
            "sha512-R6gVQSxB1+XeVClK7KdACnk1SfP8xiAu6LHuKZmp6Ro5zwMQbpe9vFBv30F6eHMDL8lZ7eXuac5SRJ9C8DKehQ==",
        ),
        Package(
            "skill-icons",
            "1.2.4",
            "MIT",
            "tandpfun",
            "https://github.com/tandpfun/skill-icons",
            "colour",
            "sha512-S6iRKHGlGCb/zfx3Isv1TBe5PunbDE5FEwJcaXji60+yRZMrcFFtYEI1xivKqaGKXyVZ508yjGDItsehQdJmSg==",
        ),
        Package(
            "fa6-brands",
            "1.2.6",
            "CC-BY-4.0",
            "Dave Gandy, Fonticons, Inc.",
            "https://github.com/FortAwesome/Font-Awesome",
            "one colour",
            "sha512-twL3X4KWcxAhbc1vz/mIDsVr+CAItk1/EIfxKUVQtpv6O4eydk5KNYqTZWdvJNHGInUgd6vKg21aWfVgb5DXEg==",
        ),
    )
}


def _fonts():
    """The fonts of `fonts.toml`: dict from name to Package."""
    listed = tomllib.loads(resources.files(__package__).joinpath("fonts.toml").read_text(encoding="utf-8"))
    version, address = listed.pop("version"), "https://github.com/fontsource/font-files"
    return {
        name: Package(name, version, font["licence"], "", address, WORDS, font["integrity"], tuple(font["weights"]))
        for name, font in listed.items()
    }


FONTS = _fonts()
EVERYTHING = PACKAGES | FONTS


def fetch(root, report=None, packages=EVERYTHING):
    """Fetches the packages that are not kept yet, by `npm pack`; simplepycons must be installed.

    A package is kept as `root/packages/NAME-VERSION.tgz`, under that name only when it is complete and has the SHA-512 of
    its pin. One that is damaged is fetched again.

    Args:
        root: str or path of a folder, made where it is missing.
        report: function that takes a line of text, called for each package that is fetched; None says nothing.
        packages: dict from name to Package.

    Returns:
        dict, name of the package to Path, of those from npm.

    Raises:
        UserError: if npm is not installed, or another version of simplepycons is.
        FileError: if what came is not the package.
        OSError: if npm cannot fetch it, with what npm said, or it cannot be written.
        ImportError: naming the extra, if simplepycons or filelock is not installed.
    """
    kept = {}
    for package in packages.values():
        if package.integrity:
            kept[package.name] = _fetch(Path(root), package, report)
        else:
            _check_installed(package)
    return kept


def icons(root, package):
    """The icons of a package.

    Aliases, and icons that the package hides since their brand is gone or has a newer one, are left out.

    Args:
        root: str or path of the folder that `fetch` filled.
        package: Package.

    Returns:
        dict, name to Icon, in the order of the package.

    Raises:
        FileNotFoundError: if it is not there, saying how to fetch it.
        FileError: if the file is damaged.
        ImportError: naming the extra, if simplepycons or, for a font, fonttools is not installed.
    """
    if not package.integrity:
        return _of_simplepycons(package)
    path = place(root, package)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; logo_keras.datasets.marks.packages.fetch({str(root)!r}) fetches it.")
    try:
        if package.kind == WORDS:
            return _of_font(path, package)
        content = json.loads(_member(path, "icons.json"))
        sizes = {key: content[key] for key in ("left", "top", "width", "height") if key in content}
        shown = ((name, sizes | icon) for name, icon in content["icons"].items() if not icon.get("hidden"))
        return {name: Icon(_svg(path, name, icon)) for name, icon in shown}
    except FileError:
        raise
    except (tarfile.TarError, OSError, EOFError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise FileError(path, f"it is damaged ({error}); remove it, and it is fetched again.") from error


def _member(path, name):
    """A file in a package: bytes."""
    with tarfile.open(path, "r:gz") as tar:
        member = tar.getmember(f"package/{name}")
        if not member.isreg() or member.size > MAX_FILE:
            raise FileError(path, f"its {name} is no plain file of at most {MAX_FILE} bytes.")
        return tar.extractfile(member).read(MAX_FILE)


def place(root, package):
    """Path of the kept file of a package from npm."""
    return Path(root) / "packages" / f"{package.name}-{package.version}.tgz"


def _svg(path, name, icon):
    if len(icon["body"]) > MAX_SVG:
        raise FileError(path, f"the icon {name!r} has more than {MAX_SVG} characters.")
    box = [float(icon.get(key, usual)) for key, usual in (("left", 0), ("top", 0), ("width", _SIDE), ("height", _SIDE))]
    head = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return '<svg {} viewBox="{:g} {:g} {:g} {:g}">{}</svg>'.format(head, *box, icon["body"])


def _of_simplepycons(package):
    _check_installed(package)
    drawn = require(package.name, "export").all_icons
    found = {}
    for name in sorted(drawn.names()):
        color = drawn[name].primary_color.lstrip("#")
        found[name] = Icon(drawn[name].raw_svg.strip(), tuple(int(color[i : i + 2], 16) for i in (0, 2, 4)))
    return found


def _of_font(path, package):
    """Titles of brands, each set in one of the fonts: those of this one, under the title's letters."""
    drawn = require("simplepycons", "export").all_icons
    titles = words.legible(drawn[name].title for name in sorted(drawn.names()))
    fonts, found = {}, {}
    for title in titles:
        if words.font_of(title, FONTS) == package.name:
            how = words.setting(title, package.weights)
            if how.weight not in fonts:
                fonts[how.weight] = words.Font(_member(path, f"files/{package.name}-latin-{how.weight}-normal.woff"))
            if (svg := fonts[how.weight].svg(how)) is not None:
                found["-".join(re.findall("[a-z0-9]+", title.lower()))] = Icon(svg)
    return found


def _check_installed(package):
    require(package.name, "export")
    version = metadata.version(package.name)
    if version != package.version:
        install = f"pip install '{package.wanted}'"
        raise UserError(f"the marks are those of {package.name} {package.version}, and {version} is installed: {install}")


def _fetch(root, package, report):
    path = place(root, package)
    path.parent.mkdir(parents=True, exist_ok=True)
    with lock(path.with_name(f"{path.name}.lock"), lambda: None):
        if path.is_file() and _integrity(path) == package.integrity:
            return path
        if report is not None:
            report(f"fetching {package.wanted}")
        with replacing(path) as partial, tempfile.TemporaryDirectory(dir=path.parent, prefix=".npm-") as folder:
            came = _npm_pack(package, folder)
            if _integrity(came) != package.integrity:
                reason = f"what npm brought has another SHA-512 ({_integrity(came)}), wanted {package.integrity}; it is removed."
                raise FileError(package.wanted, reason)
            shutil.move(came, partial)
    return path


def _npm_pack(package, folder):
    """Lets npm bring a package: Path of the file."""
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(
            f"npm fetches {package.wanted}, and it is not installed: it comes with Node.js (apt-get install npm, brew install "
            "node, or https://nodejs.org)."
        )
    command = [npm, "pack", package.wanted, "--ignore-scripts", "--loglevel=error"]
    try:
        # In that folder, so that no package.json of the caller's folder has a say.
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE, errors="replace")
    except subprocess.TimeoutExpired as error:
        raise ConnectionError(f"npm did not bring {package.wanted} within {_PATIENCE} s; try again.") from error
    found = list(Path(folder).glob("*.tgz"))
    if done.returncode or len(found) != 1:
        said = " ".join(re.sub(r"npm (error|ERR!)", "", done.stderr or done.stdout).split())[-500:]
        raise ConnectionError(f"npm pack {package.wanted} brought no package: {said or 'it said nothing'}")
    return found[0]


def _integrity(path):
    with open(path, "rb") as file:
        return "sha512-" + base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode("ascii")
