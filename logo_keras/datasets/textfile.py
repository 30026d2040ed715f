"""Text files that people and other programs wrote: their text, their lines, and what lies beside one that is missing."""

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


def decode(data, path):
    """Decodes text: by its byte order mark, else as UTF-8, else as Windows-1252, which old Windows programs write.

    Args:
        data: bytes.
        path: str or path, for errors.

    Returns:
        str, as in `read_text`.

    Raises:
        ValueError: if it is not text; the error names the file and the line.
    """
    encoding = next((encoding for mark, encoding in _MARKS.items() if data.startswith(mark)), "utf-8")
    at = data.find(b"\0")
    if encoding.startswith("utf-8") and at >= 0:
        raise UserError(f"{path}:{_line(data, at)}: not text, it holds bytes of value zero. Save it as UTF-8.")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise UserError(f"{path}:{_line(data, error.start)}: not text in {encoding.upper()} ({error.reason}).") from None
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            # Five bytes mean nothing in Windows-1252; in Latin-1 all mean something.
            text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


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


def contents(folder, most=8):
    """What a folder holds, for error messages.

    Args:
        folder: str or path.
        most: int, names to show.

    Returns:
        str.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return f"there is no folder {folder}"
    names = sorted(os.listdir(folder))
    if not names:
        return f"{folder} is empty"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{folder} holds {', '.join(names[:most])}{more}"


def _line(data, at):
    return data[:at].count(b"\n") + 1
