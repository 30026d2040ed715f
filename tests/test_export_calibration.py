"""What int8 is calibrated on, and that no file is compared on the same photos."""

import json
import shutil

import keras
import numpy as np
import photographs as files
import pytest
from tiny import tiny_backbone

import logo_keras as lk
from logo_keras.export import all as every
from logo_keras.export import tensorrt, tflite
from logo_keras.export.artifact import report_path
from logo_keras.export.check import reference, verification
from logo_keras.export.check.photos import chosen
from logo_keras.export.check.reference import Reference, digests
from logo_keras.image import preprocessing

pytestmark = pytest.mark.usefixtures("hardly_timed")
BRANDS = ("acme", "globex", "initech", "umbrella")


def folder_of(root, each):
    """A folder of `each` photos of four brands."""
    for number, brand in enumerate(BRANDS):
        for seed in range(each):
            files.write(root / brand / f"{seed}.png", seed=100 * number + seed)
    return root


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """64 photos, 16 a brand."""
    return folder_of(tmp_path_factory.mktemp("photos"), 16)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return lk.Classifier(class_names=BRANDS, backbone=tiny_backbone(), image_size=64)


@pytest.fixture
def any_answer(monkeypatch):
    """An untrained network changes its mind easily; what is tested here is not how well int8 does."""
    monkeypatch.setitem(verification.BOUNDS, "int8", verification.Bound(agreement=0.1))


def brands_of(paths):
    return [path.parent.name for path in paths]


def test_of_64_photos_half_are_set_aside_some_of_every_brand(photos):
    with chosen(photos, calibrated=True) as dealt:
        assert len(dealt.calibration) == len(dealt.compared) == 32
        assert not set(dealt.calibration) & set(dealt.compared)
        assert set(brands_of(dealt.calibration)) == set(brands_of(dealt.compared)) == set(BRANDS)
        assert dealt.origin == "dealt from those given"
    with chosen(photos, calibrated=True) as again:
        assert again == dealt


def test_without_int8_all_photos_are_compared(photos):
    with chosen(photos) as all_of_them:
        assert len(all_of_them.compared) == 64 and not len(all_of_them.calibration)


def test_copies_of_a_photo_lie_on_one_side(photos, tmp_path):
    root = shutil.copytree(photos, tmp_path / "copied")
    for path in sorted(root.glob("*/1*.png")):
        shutil.copy(path, path.with_name(f"copy-{path.name}"))
    with chosen(root, calibrated=True) as dealt:
        sides = [{path.read_bytes() for path in side} for side in (dealt.calibration, dealt.compared)]
    assert sum(map(len, sides)) == 64 and not sides[0] & sides[1]


def test_the_limit_is_of_those_compared(photos):
    with chosen(photos, limit=10, calibrated=True) as dealt:
        assert len(dealt.compared) == 10 and len(dealt.calibration) == 32


def test_fewer_than_64_photos_are_all_compared_and_synthetic_ones_calibrate(tmp_path):
    root = folder_of(tmp_path, 15)
    with chosen(root, calibrated=True) as dealt:
        assert len(dealt.compared) == 60 and len(dealt.calibration) == 64
        assert all(root not in path.parents for path in dealt.calibration)
        assert dealt.origin == "drawn by this package"


def test_without_photos_two_synthetic_sets_are_drawn():
    with chosen(calibrated=True) as dealt:
        assert len(dealt.compared) == len(dealt.calibration) == 64
        assert not {path.read_bytes() for path in dealt.compared} & {path.read_bytes() for path in dealt.calibration}


def test_without_calibration_no_photo_is_hashed(model, photos, monkeypatch):
    monkeypatch.setattr(reference, "digests", lambda images: pytest.fail("hashed") if len(images) else [])
    assert len(Reference(model, sorted(photos.glob("acme/*")))) == 16


def test_photos_given_for_calibration_are_not_compared_under_another_name_either(model, photos, tmp_path):
    shown = files.write(tmp_path / "elsewhere.png", seed=3)  # the photo acme/3.png
    apart = Reference(model, sorted(photos.glob("acme/*")), calibration=[shown])
    assert len(apart.calibration) == 1 and len(apart) == 15
    assert not set(digests(apart.calibration)) & set(digests(apart.images))
    with pytest.raises(ValueError, match="each of the 1 photos to compare on was also used for calibration"):
        Reference(model, [photos / "acme" / "3.png"], calibration=[shown])


def test_an_unreadable_photo_for_calibration_is_named(model, photos, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"broken")
    with pytest.raises(ValueError, match="none of the 1 photographs can be read .*broken.png"):
        Reference(model, sorted(photos.glob("acme/*")), calibration=[tmp_path / "broken.png"])


def test_the_file_says_what_it_was_calibrated_on(model, photos, tmp_path, any_answer):
    out = tmp_path / "int8.tflite"
    report = tflite.export(model, out, photos, precision="int8")
    assert report.photographs == 32 and report.calibration == "32 photos dealt from those given"
    assert "calibrated on other photos       32 photos dealt from those given" in str(report)
    facts = json.loads(report_path(out).read_text())
    assert facts["figures"]["calibration"] == report.calibration
    every_one = [preprocessing.prepare(path, 64).astype(np.uint8) for path in photos.glob("*/*")]
    assert len(facts["calibrated_on"]) == 32 and set(facts["calibrated_on"]) < set(digests(every_one))


def test_a_file_without_int8_needs_no_calibration(model, photos, tmp_path):
    report = tflite.export(model, tmp_path / "float.tflite", photos)
    assert report.photographs == 64 and report.calibration is None
    assert "calibrated_on" not in json.loads(report_path(tmp_path / "float.tflite").read_text())


def test_an_int8_file_is_checked_again_on_photos_it_was_not_calibrated_on(model, photos, tmp_path, any_answer):
    formats = ["tflite", "tflite_int8"]
    _, exact, int8 = every.export_all(model, tmp_path, photos, formats=formats, say=lambda line: None)
    assert exact.report.photographs == int8.report.photographs == 32
    assert int8.note == "calibrated on 32 photos dealt from those given" and not exact.note
    rows = every.check_all(tmp_path, model, photos, say=lambda line: None)[1:]
    assert [row.report.photographs for row in rows] == [32, 32]
    given = every.export_all(
        model, tmp_path / "given", photos / "acme", formats=formats[1:], calibration=photos / "globex", say=lambda line: None
    )
    assert given[1].note == "calibrated on 16 photos given for calibration" and given[1].report.photographs == 16


def test_tensorrt_int8_is_calibrated_on_other_photos_too(model, photos, tmp_path, monkeypatch):
    seen = {}

    def stop(model, names, count, precision, images):
        seen["images"] = images
        raise ValueError("far enough")

    monkeypatch.setattr(tensorrt, "typed_onnx", stop)
    monkeypatch.setattr(tensorrt.tensorrt_engine, "library", lambda runtime: None)
    monkeypatch.setattr(tensorrt.tensorrt_engine, "capabilities", lambda *arguments: ())
    monkeypatch.setattr(tensorrt.tensorrt_engine, "check_cache", lambda *arguments: None)
    with pytest.raises(ValueError, match="far enough"):
        tensorrt.export(model, tmp_path / "m.engine", photos, precision="int8")
    assert len(seen["images"]) == 32
