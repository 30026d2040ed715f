"""Text files of users: any encoding that Windows programs write, any line ends."""

import codecs

import pytest

from logo_keras.datasets.textfile import read_lines, read_text


@pytest.mark.parametrize(
    "data",
    [
        "görtz\r\nzara\r\n".encode(),
        codecs.BOM_UTF8 + "görtz\r\nzara".encode(),
        codecs.BOM_UTF16_LE + "görtz\nzara\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "görtz\r\nzara\n".encode("utf-16-be"),
        codecs.BOM_UTF32_LE + "görtz\rzara".encode("utf-32-le"),
        "görtz\r\nzara\r\n".encode("cp1252"),
        # 0x81 means nothing in Windows-1252.
        "görtz\nzara\n\n".encode("latin-1"),
    ],
)
def test_text_is_the_same_whatever_program_saved_it(tmp_path, data):
    (tmp_path / "a.txt").write_bytes(data)
    assert [line for _, line in read_lines(tmp_path / "a.txt")] == ["görtz", "zara"]
    assert "\r" not in read_text(tmp_path / "a.txt")


def test_blank_lines_are_left_out_and_numbers_stay(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a\r\n \r\nb\x81\x0cc\n")
    assert read_lines(tmp_path / "a.txt") == [(1, "a"), (3, "b\x81\x0cc")]


def test_what_is_no_text_is_refused_with_its_line(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a\nb\0\n")
    with pytest.raises(ValueError, match=r"a\.txt:2: not text, it holds bytes of value zero"):
        read_text(tmp_path / "a.txt")
    (tmp_path / "a.txt").write_bytes(codecs.BOM_UTF16_LE + b"a\0\n\0b")
    with pytest.raises(ValueError, match=r"a\.txt:2: not text in UTF-16"):
        read_text(tmp_path / "a.txt")


def test_a_missing_file_is_answered_with_what_there_is(tmp_path):
    (tmp_path / "b.txt").write_text("")
    with pytest.raises(FileNotFoundError, match=r"a\.txt is missing; .* holds b\.txt\."):
        read_text(tmp_path / "a.txt")
