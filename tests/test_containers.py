"""Image files say their size before they are decoded, and whether they are complete."""

import struct
import zlib

import numpy as np
import pytest
from photographs import encode, flat_jpeg, scene

from logo_keras import containers

JPEG, PNG = encode(scene()), encode(scene(), ".png")


@pytest.mark.parametrize(
    ("suffix", "name"),
    [(".jpg", "JPEG"), (".png", "PNG"), (".webp", "WebP"), (".gif", "GIF"), (".bmp", "BMP"), (".tiff", "TIFF")],
)
def test_format_and_size_are_read_from_the_header(suffix, name):
    assert containers.inspect(encode(scene(40, 60), suffix)) == (name, 40, 60)


def test_sizes_of_the_three_kinds_of_webp_agree():
    riff = struct.Struct("<4sI4s4sI")
    lossy = riff.pack(b"RIFF", 22, b"WEBP", b"VP8 ", 10) + b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 300, 200)
    lossless = riff.pack(b"RIFF", 17, b"WEBP", b"VP8L", 5) + b"\x2f" + struct.pack("<I", 299 | 199 << 14)
    extended = riff.pack(b"RIFF", 22, b"WEBP", b"VP8X", 10) + b"\0\0\0\0" + struct.pack("<HBHB", 299, 0, 199, 0)
    assert {containers.inspect(data) for data in (lossy, lossless, extended)} == {("WebP", 200, 300)}


def test_avif_takes_the_largest_picture_it_holds():
    def sized(width, height):
        return b"\0\0\0\x14ispe\0\0\0\0" + struct.pack(">II", width, height)

    data = b"\0\0\0\x20ftypavif\0\0\0\0" + sized(16, 16) + sized(300, 200)
    assert containers.inspect(data) == ("AVIF", 200, 300)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.99])
@pytest.mark.parametrize("data", [JPEG, PNG, encode(scene(), ".webp")], ids=["jpeg", "png", "webp"])
def test_a_cut_off_file_is_called_truncated(data, share):
    with pytest.raises(ValueError, match="^truncated: "):
        containers.inspect(data[: int(len(data) * share)])


def test_bytes_after_the_end_of_a_jpeg_are_allowed():
    assert containers.inspect(JPEG + b"appended by a telephone\xff")[0] == "JPEG"


def test_a_jpeg_in_a_jpeg_does_not_end_the_outer_one():
    # An EXIF thumbnail has an end-of-image marker of its own.
    thumbnail = b"\xff\xe1" + struct.pack(">H", len(JPEG) + 2) + JPEG
    outer = JPEG[:2] + thumbnail + JPEG[2:]
    assert containers.inspect(outer) == ("JPEG", 40, 60)
    with pytest.raises(ValueError, match="truncated"):
        containers.inspect(outer[:-2])


def test_a_foreign_marker_inside_the_scan_is_corrupt():
    scan = JPEG.index(b"\xff\xda") + 40
    with pytest.raises(ValueError, match="marker 0xC0 inside the JPEG's scan"):
        containers.inspect(JPEG[:scan] + b"\xff\xc0" + JPEG[scan + 2 :])


def test_a_restart_marker_where_none_is_due_is_corrupt():
    with pytest.raises(ValueError, match="restart markers out of order"):
        containers.inspect(JPEG[:-2] + b"\xff\xd0" + JPEG[-2:])


def test_a_jpeg_without_a_scan_is_corrupt():
    with pytest.raises(ValueError, match="holds no picture"):
        containers.inspect(JPEG[: JPEG.index(b"\xff\xda")] + b"\xff\xd9")


def test_one_flipped_bit_in_a_png_is_corrupt():
    broken = bytearray(PNG)
    broken[len(PNG) // 2] ^= 1
    with pytest.raises(ValueError, match="wrong checksum in the PNG's chunk IDAT"):
        containers.inspect(bytes(broken))


def test_a_header_of_no_size_is_corrupt():
    header = b"IHDR" + struct.pack(">IIBBBBB", 0, 5, 8, 2, 0, 0, 0)
    end = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + end
    with pytest.raises(ValueError, match="its PNG header says 0 x 5 px"):
        containers.inspect(png)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"<html>404 Not Found</html>", "not an image of a known format"),
        (bytes(1000), "not an image of a known format"),
        (b"\xff\xd8\xff", "truncated"),
        (b"GIF89a\x01", "truncated: the GIF header"),
        (b"II*\x00\xff\xff\x00\x00", "truncated: the TIFF header"),
        (b"RIFF\x04\x00\x00\x00WEBP", "the WebP holds no picture"),
    ],
)
def test_what_is_no_image_is_said(data, reason):
    with pytest.raises(ValueError, match=reason):
        containers.inspect(data)


def test_random_bytes_behind_a_signature_raise_nothing_but_value_errors():
    rng = np.random.default_rng(0)
    starts = [b"\xff\xd8\xff", PNG[:8], b"RIFF\x10\0\0\0WEBPVP8 ", b"GIF89a", b"II*\0", b"MM\0*", b"\0\0\0\x20ftypavif"]
    starts.append(b"BM" + bytes(12) + b"\x28\0\0\0")
    for start in starts:
        for length in range(0, 200, 7):
            try:
                containers.inspect(start + rng.bytes(length))
            except ValueError as error:
                assert str(error)


def test_a_jpeg_written_by_hand_is_complete():
    assert containers.inspect(flat_jpeg(200, 50, 90)) == ("JPEG", 8, 8)
