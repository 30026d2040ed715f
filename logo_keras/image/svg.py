"""SVG, drawn by resvg in a process of its own: an SVG is a program, and may come from anybody."""

import json
import math
import os
import re
import subprocess
import sys
from itertools import islice
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from logo_keras.arguments import whole
from logo_keras.errors import UserError
from logo_keras.extras import require
from logo_keras.image import containers
from logo_keras.image.preprocessing import UnreadablePhoto, decode_with_alpha, file_bytes

# The largest of the 14,000 free marks that the embedding learns from has 1.6 MB, nearly all of them less than 20 kB.
MAX_BYTES = 8 * 2**20
# s of processor time and bytes of memory that drawing may take: a mark takes 10 to 80 ms and 20 MiB (2 cores, November 2026).
SECONDS, MEMORY = 10, 2**30
# s by the clock, on a machine that does much else.
_WAIT = 60
# Both far above what drawing programs write, and below what makes a parser recurse too deep or a process take minutes.
_DEEPEST, _ELEMENTS = 200, 200_000
# Illustrator declares the addresses of its name spaces as entities, each shorter than this.
_ENTITY = 256
# What a file may grow to, in characters, by its entities.
_GROWN = 2 * MAX_BYTES
_TOO_GROWN = f"its entities make more than {_GROWN:,} characters of it"
# How gzip begins. Source: RFC 1952, 2.3.1.
_GZIP = b"\x1f\x8b"
# A mark that is narrower shows nothing at the size of a reference.
_NARROWEST = 64
# px, height times width, of what a process that was tricked could send.
_MOST_PIXELS = 2**24

# What draws nothing, or only with scripts, sound, another program or text in a box.
_LEFT_OUT = frozenset(
    "script handler listener foreignobject iframe object embed audio video canvas animate animatecolor animatemotion "
    "animatetransform set mpath discard metadata title desc".split()
)
_PICTURE = re.compile(r"data:image/(png|jpe?g|gif|webp);base64,[\w+/=\s]*", re.ASCII)
# Of CSS and of attributes: what is fetched from elsewhere. `url(#name)` stays. What follows runs outside of the limited process,
# so that no text may make it look at the same characters again and again: what spaces matched is never given back (`*+`).
_FETCHED = re.compile(r"""@import[^;]*;?|url\(\s*+(?!['"]?\s*#)[^)]*(?:\)|\Z)""", re.IGNORECASE)
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_LENGTH = re.compile(rf"\s*+({_NUMBER})\s*+(px|pt|pc|mm|cm|in|em|ex|q)?\s*+", re.IGNORECASE)
# px of a unit. Source: CSS Values 4, 6; em and ex by the 16 px that browsers begin with.
_UNITS = {"": 1, "px": 1, "pt": 4 / 3, "pc": 16, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96, "em": 16, "ex": 8, "q": 96 / 101.6}

# What the process runs: limits first, then the drawing. It exits with 3 where resvg says what is wrong.
_CHILD = """
import json, sys
sys.path[:], width, seconds, memory = json.loads(sys.argv[1])
import resvg_py
try:
    import resource
except ImportError:
    resource = None  # Windows: the clock alone.
for name, most in (("RLIMIT_CPU", seconds), ("RLIMIT_AS", memory), ("RLIMIT_CORE", 0)):
    try:
        resource.setrlimit(getattr(resource, name), (most, most))
    except (AttributeError, ValueError, OSError):
        pass  # macOS has no limit on memory.
try:
    png = resvg_py.svg_to_bytes(svg_string=sys.stdin.buffer.read().decode(), width=width, skip_system_fonts=True)
except ValueError as error:
    sys.stderr.write(str(error))
    sys.exit(3)
sys.stdout.buffer.write(bytes(png))
"""


def is_svg(data):
    """Whether the bytes of a file look like an SVG: text in whose first kilobytes an `svg` element begins."""
    # A byte order mark, UTF-16 and comments may come first.
    return re.search(rb"<(\w+:)?svg[\s>/]", bytes(data[: 2**16]).replace(b"\0", b"")) is not None


def read(path, side):
    """Draws an SVG file, as `draw` does.

    Args:
        path: str or path.
        side: int, px.

    Returns:
        uint8 RGBA `[h, w, 4]`.

    Raises:
        UnreadablePhoto: if the file cannot be read or drawn.
    """
    return draw(file_bytes(path, MAX_BYTES), side, path)


def draw(data, side, name="SVG"):
    """Draws an SVG.

    It is drawn from a clean copy, in a process of its own that may take 10 s and 1 GiB (Windows knows no such limit on memory).
    Scripts, animations, foreign objects and all links to files and addresses are left out of the copy; pictures that
    lie in the SVG itself as PNG, JPEG, GIF or WebP are kept. No font of this machine is used, since the same file must give the
    same mark everywhere: an SVG with text is refused.

    Args:
        data: bytes of the file.
        side: int, px, longer side of the drawing.
        name: str or path, names the file in errors.

    Returns:
        uint8 RGBA `[h, w, 4]`.

    Raises:
        UnreadablePhoto: with the reason, if it is no SVG, compressed, too large, has entities inside entities, text, a size
            without area, draws nothing, or takes too long or too much memory to draw; it is a ValueError too.
    """
    whole("side", side, 1)
    if data[: len(_GZIP)] == _GZIP:
        raise UnreadablePhoto(name, "compressed SVG: unpack it first (gzip -dc FILE.svgz > FILE.svg)")
    if len(data) > MAX_BYTES:
        raise UnreadablePhoto(name, f"too large: {len(data):,} bytes, at most {MAX_BYTES:,} are read of an SVG")
    try:
        png = _drawn(_Copy(side).of(data), side)
        _, height, width = containers.inspect(png)
        if height * width > _MOST_PIXELS:
            raise UserError(f"its drawing is {width} x {height} px: give the svg element a viewBox")
        picture = decode_with_alpha(png, name)
    except UnreadablePhoto:
        raise
    except ValueError as error:
        raise UnreadablePhoto(name, error) from None
    # Without alpha the PNG is opaque all over, which resvg never writes.
    if picture.shape[2] != 4 or not picture[..., 3].any():
        raise UnreadablePhoto(name, "draws nothing: no shape in it is visible")
    return picture


class _Copy:
    """A copy of an SVG without what is not drawn or not safe.

    Args:
        side: int, px, longer side that the copy asks for.
    """

    def __init__(self, side):
        self._side, self._written, self._size = side, [], 0
        self._open, self._elements = [], 0
        # How many open elements are left out, and the text of an open `style`.
        self._inside, self._style = 0, None

    def of(self, data):
        """The copy of a file: bytes. Raises ValueError with the reason where there is none."""
        # Before it is parsed: an attribute is whole in memory before it can be looked at. UTF-16 has zeros between its letters.
        plain = bytes(data).replace(b"\0", b"")
        if b"<!ENTITY" in plain and plain.count(b"&") > _GROWN // _ENTITY:
            raise UserError(_TOO_GROWN)
        parser = expat.ParserCreate()
        # Not the defaults that it declares: a long one would be made anew for each element.
        parser.specified_attributes = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler, parser.EntityDeclHandler = self._text, _check_entity
        parser.buffer_text = True
        try:
            parser.Parse(data, True)
        # LookupError: an encoding that Python does not know.
        except (expat.ExpatError, LookupError) as error:
            raise UserError(f"not an SVG, or damaged: {error}") from None
        return "".join(self._written).encode()

    def _start(self, name, attributes):
        local = _local(name)
        self._elements += 1
        if not self._open and local != "svg":
            raise UserError(f"not an SVG: it begins with the element {name}")
        if len(self._open) >= _DEEPEST or self._elements > _ELEMENTS:
            raise UserError(f"more than {_ELEMENTS:,} elements, or elements more than {_DEEPEST} deep")
        first = not self._open
        self._open.append(local)
        if self._inside or local in _LEFT_OUT:
            self._inside += 1
            return
        kept = {key: _FETCHED.sub("none", value) for key, value in attributes.items() if _is_safe(key, value)}
        if first:
            # resvg draws nothing without its name space, and files written by hand lack it.
            kept |= {"xmlns" if ":" not in name else f"xmlns:{name.partition(':')[0]}": "http://www.w3.org/2000/svg"}
            kept = _sized(kept, self._side)
        self._style = [] if local == "style" else None
        self._write(f"<{name}" + "".join(f" {key}={quoteattr(value)}" for key, value in kept.items()) + ">")

    def _end(self, name):
        self._open.pop()
        if self._inside:
            self._inside -= 1
            return
        if self._style is not None:
            self._write(escape(_FETCHED.sub("none", "".join(self._style))))
            self._style = None
        self._write(f"</{name}>")

    def _text(self, text):
        if self._inside:
            return
        if self._style is not None:
            self._style.append(text)
            return
        if text.strip() and "text" in self._open:
            raise UserError("has text, which looks different with every font: turn it into paths (Inkscape: Object to Path)")
        self._write(escape(text))

    def _write(self, text):
        self._size += len(text)
        # Attributes with many references to an entity grow.
        if self._size > _GROWN:
            raise UserError(_TOO_GROWN)
        self._written.append(text)


def _local(name):
    return name.rpartition(":")[2].lower()


def _is_safe(key, value):
    """Whether an attribute is kept: no script, and no link but to a part of the SVG or to a picture in it."""
    local = _local(key)
    if local in ("href", "src"):
        return value.strip().startswith("#") or _PICTURE.fullmatch(value.strip()) is not None
    return not local.startswith("on") and key.lower() != "xml:base"


def _check_entity(name, is_parameter, value, base, system, public, notation):
    """Refuses entities that ask for files or grow; those of drawing programs are short texts."""
    if value is None or is_parameter:
        raise UserError(f"its entity {name} lies in another file, and no other file is read")
    if "&" in value or "<" in value or "%" in value or len(value) > _ENTITY:
        raise UserError(f"its entity {name} is made of others or longer than {_ENTITY} characters: save it without entities")


def _sized(attributes, side):
    """The attributes of the outermost element, with the size in which it is to be drawn.

    Raises:
        ValueError: if its size has no area or is very narrow.
    """
    stated = [attributes.get("width"), attributes.get("height")]
    box = attributes.get("viewBox")
    # One more than there should be is enough to see.
    numbers = [found[0] for found in islice(re.finditer(_NUMBER, box or ""), 5)]
    lengths = [None if each is None else _pixels(each) for each in stated]
    if len(numbers) == 4:
        width, height = map(float, numbers[2:])
    elif None not in lengths:
        width, height = lengths
        attributes |= {"viewBox": f"0 0 {width:g} {height:g}"}
    else:
        # Neither is stated: resvg takes what the shapes cover.
        return {key: value for key, value in attributes.items() if key not in ("viewBox", "width", "height")}
    # A viewBox with a width of 0 is not drawn, whatever its viewBox.
    sides = [width, height, *(length for length in lengths if length is not None)]
    if not all(map(math.isfinite, sides)) or min(sides) <= 0:
        raise UserError(f"its size is {width:g} x {height:g}")
    if max(width, height) > _NARROWEST * min(width, height):
        raise UserError(f"its size is {width:g} x {height:g}, more than {_NARROWEST} times as long as wide")
    scale = side / max(width, height)
    return attributes | {"width": f"{max(1, round(width * scale))}", "height": f"{max(1, round(height * scale))}"}


def _pixels(length):
    """A length in px, or None where it is a share of something else, or none at all."""
    found = _LENGTH.fullmatch(length)
    return float(found[1]) * _UNITS[(found[2] or "").lower()] if found else None


def _drawn(copy, side):
    """The PNG that the process draws of a copy: bytes. Raises ValueError with the reason where it draws none."""
    # Found here, so that what is missing is named.
    require("resvg_py", None)
    width = side if b"viewBox=" not in copy.partition(b">")[0] else None
    said = json.dumps([sys.path, width, SECONDS, MEMORY])
    # No user's settings, no site: 25 ms instead of 50. Relative paths lead nowhere.
    command = [sys.executable, "-I", "-S", "-c", _CHILD, said]
    try:
        ran = subprocess.run(command, input=copy, capture_output=True, timeout=_WAIT, cwd=os.path.abspath(os.sep))
    except subprocess.TimeoutExpired:
        raise UserError(f"it takes longer than {_WAIT} s to draw") from None
    if ran.returncode == 0 and ran.stdout:
        return ran.stdout
    why = " ".join(ran.stderr.decode(errors="replace").split())
    if ran.returncode == 3:
        raise UserError(f"not an SVG that can be drawn: {why}")
    raise UserError(f"it takes more than {SECONDS} s or {MEMORY >> 20:,} MiB to draw{': ' * bool(why)}{why[-200:]}")
