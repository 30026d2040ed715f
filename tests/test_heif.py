"""HEIC photographs, which iPhones write, are read where pillow-heif is installed, and named where it is not."""

import io
import struct
import sys

import numpy as np
import pytest
from photographs import scene
from PIL import Image

from logo_keras.datasets import sizes
from logo_keras.image import containers, preprocessing, transparency
from logo_keras.image.preprocessing import UnreadablePhotograph, check, decode, glance

pillow_heif = pytest.importorskip("pillow_heif")
pillow_heif.register_heif_opener()


def encoded(*photos, orientation=1, **options):
    """The bytes of a HEIC file of pictures, RGB, RGBA or grey, with an orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    first, *others = map(Image.fromarray, photos)
    file = io.BytesIO()
    first.save(file, "HEIF", quality=95, exif=exif.tobytes(), save_all=bool(others), append_images=others, **options)
    return file.getvalue()


PHOTO = scene(40, 60)
HEIC = encoded(PHOTO)


def off(photo, expected):
    return np.abs(photo.astype(int) - expected).mean()


def test_a_heic_photograph_is_read(tmp_path):
    assert containers.inspect(HEIC) == ("HEIC", 40, 60)
    assert off(decode(HEIC), PHOTO) < 6
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(HEIC)
    check(path)
    photo, size = glance(path, 10)
    np.testing.assert_array_equal(photo, decode(HEIC))
    assert size == (40, 60)


def test_a_recognizer_reads_it(tmp_path):
    path = tmp_path / "photo.heic"
    path.write_bytes(HEIC)
    np.testing.assert_array_equal(preprocessing.prepare(path, 32), preprocessing.prepare(decode(HEIC), 32))


@pytest.mark.parametrize("turned", range(1, 9))
def test_it_is_upright_and_its_size_is_known_without_decoding(turned):
    data = encoded(PHOTO, orientation=turned)
    upright = {1: PHOTO, 2: PHOTO[:, ::-1], 3: PHOTO[::-1, ::-1], 4: PHOTO[::-1], 5: PHOTO.transpose(1, 0, 2)}
    upright |= {6: np.rot90(PHOTO, -1), 7: PHOTO[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(PHOTO, 1)}
    assert off(decode(data), upright[turned]) < 6
    assert containers.inspect(data) == ("HEIC", *upright[turned].shape[:2])
    assert sizes.upright_size(data) == upright[turned].shape[:2]


def test_of_several_pictures_the_main_one_is_taken():
    others = (scene(80, 100, 1), scene(20, 30, 2))
    assert off(decode(encoded(PHOTO, *others)), PHOTO) < 6
    data = encoded(PHOTO, *others, primary_index=1)
    assert containers.inspect(data) == ("HEIC", 80, 100)
    assert off(decode(data), others[0]) < 6


def test_what_is_transparent_stands_on_white():
    alpha = np.where(np.arange(60) < 30, 0, 255) * np.ones((40, 1))
    data = encoded(np.dstack([PHOTO // 2, alpha]).astype(np.uint8))
    assert transparency.has_alpha(data) and not transparency.has_alpha(HEIC)
    photo = decode(data)
    np.testing.assert_array_equal(photo[:, :28], 255)
    assert off(photo[:, 32:], PHOTO[:, 32:] // 2) < 8


def test_grey_and_ten_bits_become_rgb_of_eight():
    grey = decode(encoded(PHOTO[..., 0]))
    assert grey.shape == (40, 60, 3) and off(grey[..., 1], PHOTO[..., 0]) < 6
    file = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (60, 40), (PHOTO.astype(np.uint16) * 257).tobytes()).save(file, quality=95)
    assert off(decode(file.getvalue()), PHOTO) < 6


def test_the_limits_count_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(pillow_heif.HeifImageFile, "load", lambda *_: pytest.fail("decoded"))
    with pytest.raises(UnreadablePhotograph, match="too large: 60 x 40 px, at most 2,399 px"):
        decode(HEIC, max_pixels=2399)
    # The sides of what is stored, and of the part of it that is shown.
    at, shown = HEIC.index(b"ispe") + 8, HEIC.index(b"clap") + 4
    huge = HEIC[:at] + struct.pack(">II", 60_000, 60_000) + HEIC[at + 8 :]
    with pytest.raises(UnreadablePhotograph, match="too large: 60000 x 60000 px"):
        decode(huge)
    whole = huge[:shown] + struct.pack(">4I", 60_000, 1, 60_000, 1) + huge[shown + 16 :]
    with pytest.raises(UnreadablePhotograph, match="too large: 60000 x 60000 px"):
        decode(whole)


def test_a_picture_beside_the_main_one_is_bounded():
    data = encoded(PHOTO, scene(80, 100))
    at = data.rindex(b"ispe") + 8
    with pytest.raises(UnreadablePhotograph, match="too large: 60000 x 60000 px"):
        decode(data[:at] + struct.pack(">II", 60_000, 60_000) + data[at + 8 :])


def test_a_cut_or_damaged_file_is_unreadable_or_read_and_raises_nothing_else(tmp_path):
    for share in (0.01, 0.2, 0.5, 0.9, 0.99):
        with pytest.raises(UnreadablePhotograph, match="truncated|corrupt|not an image"):
            decode(HEIC[: int(len(HEIC) * share)])
    rng = np.random.default_rng(0)
    for _ in range(150):
        data = bytearray(HEIC)
        for place in rng.choice(len(HEIC), 4, replace=False):
            data[place] ^= 1 << int(rng.integers(8))
        try:
            assert decode(bytes(data), max_pixels=10**6).shape[2] == 3
        except UnreadablePhotograph as error:
            assert error.reason


def test_without_pillow_heif_the_reason_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(HEIC)
    for function in (preprocessing.read, check):
        with pytest.raises(UnreadablePhotograph, match=r"IMG_0001.HEIC: .*pip install 'logo_keras\[heic\]'"):
            function(path)
