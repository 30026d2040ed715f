"""Image files say their size before they are decoded, and whether they are complete."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hostile import chunk, jpeg, png, segment, tiff
from photographs import encode, flat_jpeg, scene
from PIL import Image, features

from logo_keras.image import containers
from logo_keras.image.preprocessing import decode

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


def pictures(*sizes):
    return b"\0\0\0\x20ftypavif\0\0\0\0" + b"".join(b"\0\0\0\x14ispe\0\0\0\0" + struct.pack(">II", *size) for size in sizes)


def test_the_largest_picture_of_an_avif_counts_where_it_is_large():
    assert containers.largest_picture("AVIF", pictures((16, 16), (60_000, 50_000))) == (50_000, 60_000)
    assert containers.largest_picture("AVIF", pictures((16, 16), (4096, 4096))) is None
    assert containers.largest_picture("JPEG", pictures((60_000, 50_000))) is None


def test_an_avif_of_endless_pictures_is_corrupt():
    with pytest.raises(ValueError, match="more than 1000 pictures"):
        containers.largest_picture("AVIF", pictures(*[(16, 16)] * 1001))


@pytest.mark.skipif(not features.check("avif"), reason="needs a Pillow that writes AVIF")
def test_an_avif_with_a_huge_picture_beside_its_own_is_too_large():
    file = io.BytesIO()
    Image.fromarray(scene()).save(file, "AVIF", speed=10)
    assert decode(file.getvalue()).shape == (40, 60, 3)
    # Behind the end, where no decoder looks.
    with pytest.raises(ValueError, match="too large: 60000 x 60000 px"):
        decode(file.getvalue() + pictures((60_000, 60_000))[16:])


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


def with_restarts(number):
    """A JPEG with a restart marker behind every block, 8 x 8 px, its scan longer than what is looked through at once."""
    done, data = cv2.imencode(".jpg", np.random.default_rng(0).integers(0, 256, (8, 8 * number), np.uint8), RESTARTS)
    assert done and len(data) > 2**16
    return data.tobytes()


RESTARTS = [cv2.IMWRITE_JPEG_RST_INTERVAL, 1, cv2.IMWRITE_JPEG_QUALITY, 100]


def test_restart_markers_are_counted_through_a_long_scan():
    data = with_restarts(2000)
    assert containers.inspect(data) == ("JPEG", 8, 16_000)
    for share in (0.2, 0.5, 0.9):
        at = next(at for at in range(int(len(data) * share), len(data)) if data[at] == 0xFF and 0xD0 <= data[at + 1] <= 0xD7)
        with pytest.raises(ValueError, match="restart markers out of order"):
            containers.inspect(data[: at + 1] + bytes([0xD0 + (data[at + 1] + 1) % 8]) + data[at + 2 :])


def test_the_end_of_a_scan_is_found_wherever_it_lies():
    # On both sides of the border between two parts, and in the middle of it.
    start = jpeg(8, 8, (0, 63, b"")).index(b"\xff\xda") + 10
    for length in range(2**16 - 3, 2**16 + 4):
        data = jpeg(8, 8, (0, 63, bytes(length)))
        assert len(data) == start + length + 2
        assert containers.inspect(data) == ("JPEG", 8, 8)
        assert containers.inspect(data[:-2] + b"\xff" * 5 + data[-1:])[0] == "JPEG"
        with pytest.raises(ValueError, match="truncated"):
            containers.inspect(data[:-1])


def test_a_second_frame_header_is_corrupt():
    # A decoder would make room for the first, a look at the second would find it small.
    data = jpeg(60_000, 60_000, (0, 63, bytes(9)))
    frame = data[data.index(b"\xff\xc0") :][:13]
    small = frame[:5] + b"\0\x08\0\x08" + frame[9:]
    with pytest.raises(ValueError, match="two frame headers"):
        containers.inspect(data.replace(frame, frame + small))


@pytest.mark.parametrize(("side", "scans"), [(64, 500), (9000, 49)])
def test_the_scans_of_a_jpeg_are_bounded_by_its_size(side, scans):
    empty = [(1, 63, b"")]
    assert containers.inspect(jpeg(side, side, *empty * scans, frame=0xC2)) == ("JPEG", side, side)
    with pytest.raises(ValueError, match=f"goes over its {side} x {side} px in {scans + 1} scans or more"):
        containers.inspect(jpeg(side, side, *empty * (scans + 1), frame=0xC2))


def test_a_jpeg_of_endless_segments_is_corrupt_and_fill_bytes_are_none():
    many = segment(0xFE) * 10_000
    with pytest.raises(ValueError, match="more than 10000 segments"):
        containers.inspect(JPEG[:2] + many + JPEG[2:])
    assert containers.inspect(JPEG[:2] + many[: len(many) // 2] + JPEG[2:])[0] == "JPEG"
    assert containers.inspect(JPEG[:2] + b"\xff" * 10**6 + JPEG[2:])[0] == "JPEG"
    with pytest.raises(ValueError, match="truncated"):
        containers.inspect(JPEG[:2] + b"\xff" * 10**6)


def test_a_png_begins_with_its_one_header():
    header = png(9, 9)[8:33]
    for data in (png(9, 9, chunks=header), PNG[:8] + chunk(b"tEXt", b"a\0b") + PNG[8:]):
        with pytest.raises(ValueError, match="does not begin with its one IHDR"):
            containers.inspect(data)


def test_a_png_holds_no_more_data_than_its_picture_needs():
    for depth, colour in ((1, 0), (8, 2), (16, 6)):
        # Data that cannot be compressed is longer than the picture.
        noise = zlib.compress(np.random.default_rng(0).bytes(700 * 700 * 8))
        raw = (700 * depth * {0: 1, 2: 3, 6: 4}[colour] // 8 + 1) * 700
        assert containers.inspect(png(700, 700, data=noise[:raw], depth=depth, colour=colour)) == ("PNG", 700, 700)
        with pytest.raises(ValueError, match="more data than its picture needs"):
            containers.inspect(png(700, 700, data=bytes(raw * 9 // 8 + 2**21), depth=depth, colour=colour))


def test_compressed_text_in_a_png_is_bounded_and_other_text_is_not():
    keyword, body = b"XML:com.adobe.xmp\0", bytes(2**20)
    plain, packed = keyword + b"\0\0\0\0" + body, keyword + b"\1\0\0\0" + body
    assert containers.inspect(png(9, 9, chunk(b"iTXt", plain) + chunk(b"tEXt", keyword + body)))[0] == "PNG"
    for text in (chunk(b"iTXt", packed), chunk(b"zTXt", keyword + b"\0" + body)):
        with pytest.raises(ValueError, match="more than 1048576 bytes of compressed text"):
            containers.inspect(png(9, 9, text))


def test_a_png_of_endless_chunks_is_corrupt():
    with pytest.raises(ValueError, match="more than 100000 chunks"):
        containers.inspect(png(9, 9, chunk(b"teSt", b"") * 100_000))


def test_a_tile_much_larger_than_its_picture_is_corrupt():
    assert containers.inspect(tiff(8, 9, _322=4096, _323=4096)) == ("TIFF", 8, 9)
    with pytest.raises(ValueError, match="tiles of 4096 x 4112 px in a TIFF of 9 x 8 px"):
        containers.inspect(tiff(8, 9, _322=4096, _323=4112))


def test_only_the_announcement_of_an_animation_is_taken_out_of_a_png():
    text, announced, frame = chunk(b"tEXt", b"a\0acTL"), chunk(b"acTL", bytes(8)), chunk(b"fcTL", bytes(26))
    assert containers.still_png(png(9, 9, text + announced + frame)) == png(9, 9, text + frame)
    assert containers.still_png(png(9, 9, text)) == png(9, 9, text)


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
        (b"GIF89a\x01", "truncated: the GIF decoder"),
        (b"II*\x00\xff\xff\x00\x00", "truncated: the TIFF decoder"),
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
