"""Text files that people and other programs wrote: their text, lines and tables, and what lies beside one that is missing."""

import codecs
import os
from pathlib import Path

from logo_keras.errors import UserError

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    # Before UTF-16, whose mark it begins with.
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Bytes of a file in which `head` looks.
_HEAD = 2**16
# Names that `contents` gives.
_NAMED = 8


def read_text(path):
    """Reads a text file as `decode` does.

    Args:
        path: str or path.

    Returns:
        str, with `\\n` at the ends of lines and without a byte order mark.

    Raises:
        FileNotFoundError: if there is no such file; the error says what the folder holds instead.
        ValueError: if it is not text; the error names the file and the line.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise FileNotFoundError(f"{path} is missing; {contents(path.parent)}.") from None
    return decode(data, path)


def read_bytes(path, most, what):
    """Reads a file that should be small.

    Args:
        path: str or path.
        most: int, the bytes that it may have.
        what: str, what it should be, for the error.

    Returns:
        bytes.

    Raises:
        OSError: if it cannot be opened.
        ValueError: if it is larger.
    """
    with open(path, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise UserError(f"{path}: {what} has at most {most} bytes, this file has more.")
    return data


def decode(data, path, declared="utf-8"):
    """Decodes text.

    The byte order mark decides. Without one the text is UTF-8, else in the declared encoding, else in Windows-1252, which old
    Windows programs write.

    Args:
        data: bytes.
        path: str or path, for errors.
        declared: str, the encoding that the file says it has.

    Returns:
        str, as in `read_text`.

    Raises:
        ValueError: if it is not text; the error names the file and the line.
    """
    marked = [encoding for mark, encoding in _MARKS.items() if data.startswith(mark)]
    # Five bytes mean nothing in Windows-1252; in Latin-1 all mean something.
    for encoding in marked[:1] or ("utf-8", declared, "cp1252", "latin-1"):
        try:
            text = data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
            break
        except (UnicodeDecodeError, LookupError) as error:
            reason = error
    else:
        line = data.count(b"\n", 0, reason.start) + 1
        raise UserError(f"{path}:{line}: not text in {encoding.upper()} ({reason.reason}).")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UserError(f"{path}:{line}: not text, it holds bytes of value zero. Save it as UTF-8.")
    return text


def read_lines(path):
    """Reads the lines of a text file.

    Args:
        path: str or path.

    Returns:
        List of `(number, line)`, numbered from 1, without line ends; blank lines are left out.

    Raises:
        FileNotFoundError: if there is no such file; the error says what the folder holds instead.
        ValueError: if it is not text; the error names the file and the line.
    """
    # Not splitlines(): a form feed or a Unicode separator in a file name is no line end.
    return [(number, line) for number, line in enumerate(read_text(path).split("\n"), 1) if line.strip()]


def parsed_lines(path, parse, expected):
    """Reads every line of a text file with a function.

    Args:
        path: str or path.
        parse: function of a line; a ValueError says that it is another one.
        expected: str, what lines hold, for errors.

    Returns:
        List of `(number, parsed)`, as `read_lines`.

    Raises:
        FileNotFoundError: as `read_lines`.
        ValueError: for the first line that `parse` refuses; the error names file and line.
    """
    found = []
    for number, line in read_lines(path):
        try:
            found.append((number, parse(line)))
        except ValueError:
            raise UserError(f"{path}:{number}: expected {expected}, got {line.strip()!r}.") from None
    return found


def head(path):
    """The beginning of a text file whose encoding does not matter: str, in which ASCII letters are right."""
    with open(path, "rb") as file:
        # Without the mark and the zeros of UTF-16.
        return file.read(_HEAD).replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe").decode("latin-1")


def columns_of(header):
    """The columns of a table with a header.

    Args:
        header: str, the first line.

    Returns:
        mark: str, what stands between cells: the one of comma, semicolon and tab that the header has most of.
        columns: dict, name in lower case to place; of equal names the first counts.
    """
    mark = max(",;\t", key=header.count)
    names = [name.strip().strip("\"'").lower() for name in header.split(mark)]
    return mark, {name: names.index(name) for name in names}


def texts_in(folder, *suffixes):
    """The text files of a folder, without hidden ones.

    Args:
        folder: str.
        *suffixes: str, how their names end, in any letter case.

    Returns:
        List of str, paths, sorted.
    """
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if entry.name.lower().endswith(suffixes) and not entry.name.startswith(".")]
        return sorted(entry.path for entry in found if entry.is_file())


def contents(folder):
    """What a folder holds, for error messages.

    Args:
        folder: str or path.

    Returns:
        str.
    """
    if not os.path.isdir(folder):
        return f"there is no folder {folder}"
    names = sorted(os.listdir(folder))
    if not names:
        return f"{folder} is empty"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{folder} holds {', '.join(names[:_NAMED])}{more}"
