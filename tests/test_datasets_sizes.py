"""Orientations that files state, found in their first bytes wherever they stand."""

import struct
import zlib

import pytest
from photographs import encode, scene, with_orientation

from logo_keras.datasets.sizes import read_stored, upright_box


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff(orientation):
    return b"MM\x00*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def stored(path, data):
    path.write_bytes(data)
    return read_stored([str(path)]).get(str(path))


@pytest.mark.parametrize("orientation", range(2, 9))
def test_the_orientation_of_a_jpeg_and_its_size_as_stored(tmp_path, orientation):
    assert stored(tmp_path / "a.jpg", with_orientation(encode(scene(40, 60)), orientation)) == (orientation, 40, 60)


def test_a_jpeg_whose_exif_data_come_late(tmp_path):
    jpeg = with_orientation(encode(scene(40, 60)), 6)
    comments = (b"\xff\xfe\xff\xff" + bytes(65533)) * 3
    assert stored(tmp_path / "a.jpg", jpeg[:2] + comments + jpeg[2:]) == (6, 40, 60)


@pytest.mark.parametrize("size", [(40, 60), (400, 600)])
def test_a_png_whose_exif_data_stand_before_and_behind_its_picture(tmp_path, size):
    png = encode(scene(*size) ^ 1, ".png")
    exif = chunk(b"eXIf", tiff(8))
    assert stored(tmp_path / "a.png", png[:33] + exif + png[33:]) == (8, *size)
    assert stored(tmp_path / "b.png", png[:-12] + exif + png[-12:]) == (8, *size)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_upright_photographs_have_their_size(tmp_path, suffix):
    photo = encode(scene(40, 60), suffix)
    assert stored(tmp_path / "a", photo) == (1, 40, 60)
    for damaged in (0, 1, 9) if suffix == ".jpg" else ():
        assert stored(tmp_path / "b.jpg", with_orientation(photo, damaged)) == (1, 40, 60)


def test_photographs_that_cannot_be_read_are_not_named(tmp_path):
    jpeg = with_orientation(encode(scene(40, 60)), 6)
    for data in (jpeg[:40], b"", b"<html>", encode(scene())[:20], b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\0\0" * 9):
        assert stored(tmp_path / "a.jpg", data) is None
    assert read_stored([str(tmp_path / "gone.jpg"), str(tmp_path)]) == {}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_a_box_keeps_its_sides(orientation):
    y0, x0, y1, x1 = upright_box((8, 40, 24, 80), orientation, 64, 96)
    assert sorted((y1 - y0, x1 - x0)) == [16, 40] and (y1 - y0 == 40) == (orientation >= 5)
    assert upright_box((0, 0, 64, 96), orientation, 64, 96) == ((0, 0, 96, 64) if orientation >= 5 else (0, 0, 64, 96))
