"""Lines of the text files that data sets come with."""

import codecs
from pathlib import Path


def read_lines(path):
    """Reads a text file: UTF-8, or UTF-16 with a byte order mark, any line ends.

    Args:
        path: Path.

    Returns:
        List of `(number, line)`, numbered from 1, without line ends; blank lines are left out.

    Raises:
        FileNotFoundError: if there is no such file; the error says what the folder holds instead.
        ValueError: if it is no text; the error names file and line.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path} is missing; {contents(path.parent)}.") from None
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}:{number}: not text in UTF-8 ({error.reason}).") from None
    # Not splitlines(): a form feed or a Unicode separator in a file name is no line end.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def contents(folder, most=8):
    """What a folder holds, for error messages.

    Args:
        folder: Path.
        most: int, names to show.

    Returns:
        str.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return f"there is no folder {folder}"
    names = sorted(entry.name for entry in folder.iterdir())
    if not names:
        return f"{folder} is empty"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{folder} holds {', '.join(names[:most])}{more}"
