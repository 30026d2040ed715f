"""What a model file says of itself."""

import dataclasses
import json
import zipfile
import zlib

import pytest

from logo_keras.edge.model_file import Metadata, UnusableModel, append, read

FLATBUFFER = b"\x1c\x00\x00\x00TFL3" + bytes(range(256)) * 10
METADATA = Metadata(("Adidas", "H&M", "Löwenbräu"), 96, "stretch", "DRNANet", "fused", "0.1.0")
FITTED = {"validation": 40, "negatives": 12, "unreadable": 1, "temperature": 1.5, "threshold": 0.31, "true_accepts": 0.95}
FITTED |= {"false_accepts": None, "fitted_on": "AAECAwQFBgc=", "date": "2026-12-01T03:00:00+00:00"}
CALIBRATED = dataclasses.replace(METADATA, threshold=0.31, temperature=1.5, calibration=FITTED)


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(FLATBUFFER)
    return path


def test_json_and_back_is_the_same():
    assert Metadata.from_json(METADATA.to_json()) == METADATA


def test_file_and_back_is_the_same(model_file):
    append(model_file, METADATA)
    assert read(model_file) == METADATA


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_a_model_card_comes_back(suffix, request):
    path = request.getfixturevalue("onnx_file" if suffix == ".onnx" else "model_file")
    said = dataclasses.replace(METADATA, card={"training": {"seed": 7}, "drawings": ["by Łukasz"]})
    append(path, said)
    assert read(path) == said and read(path).card["drawings"] == ["by Łukasz"]


def test_a_file_without_a_model_card_has_no_entry_of_it():
    assert "card" not in METADATA.to_dict()


def test_a_model_card_that_is_no_dict_is_refused():
    with pytest.raises(ValueError, match=r"card must be a dict, got \['a'\]"):
        dataclasses.replace(METADATA, card=["a"])


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_threshold_temperature_and_calibration_come_back(suffix, request):
    path = request.getfixturevalue("onnx_file" if suffix == ".onnx" else "model_file")
    append(path, CALIBRATED)
    assert read(path) == CALIBRATED
    assert (read(path).threshold, read(path).temperature, read(path).calibration["true_accepts"]) == (0.31, 1.5, 0.95)


def test_a_file_that_is_not_calibrated_has_no_entries_of_that():
    assert not {"threshold", "temperature", "calibration"} & set(METADATA.to_dict())
    assert (METADATA.threshold, METADATA.temperature, METADATA.calibration) == (None, 1.0, None)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("threshold", [0, 1, -0.1, 2, float("nan"), float("inf"), True, "0.5", [0.5], 10**400]),
        ("temperature", [0, -1, float("nan"), float("inf"), True, "1", None, 10**400]),
        ("calibration", [[], "fitted", 1, {"validation": -1}, {"negatives": 1.5}, {"unreadable": True}, {"threshold": 2}]),
        ("calibration", [{"temperature": 0}, {"temperature": float("nan")}, {"true_accepts": 1.1}, {"false_accepts": "0"}]),
        (
            "calibration",
            [{"date": 2026}, {"date": "x" * 65}, {"fitted_on": 7}, {"fitted_on": "AAAA"}, {"fitted_on": "no base64"}],
        ),
        ("calibration", [{"fitted_on": "A" * 2**24}, {"temperature": 10**400}]),
    ],
)
def test_what_no_calibration_says_is_refused_and_named(name, values):
    for value in values:
        # As a hostile file has it: JSON knows NaN and numbers of any length.
        entries = CALIBRATED.to_dict() | {name: value}
        with pytest.raises(ValueError, match=next(iter(value)) if value and isinstance(value, dict) else name) as caught:
            Metadata.from_json(json.dumps(entries))
        assert len(str(caught.value)) < 1000


def test_what_a_later_version_says_of_a_calibration_is_passed_over():
    entries = CALIBRATED.to_dict() | {"calibration": {"threshold": None, "curve": [1, 2]}}
    assert Metadata.from_json(json.dumps(entries)).calibration["curve"] == [1, 2]


def test_an_embedder_is_not_calibrated():
    with pytest.raises(ValueError, match="of what names brands"):
        dataclasses.replace(CALIBRATED, class_names=(), dimensions=3, threshold=None)
    # Its threshold is one of differences of cosines.
    assert Metadata((), 96, "stretch", "LogoEmbedder", None, "0.1.0", dimensions=3, threshold=-0.5).threshold == -0.5


def test_the_model_before_the_metadata_is_untouched(model_file):
    append(model_file, METADATA)
    assert model_file.read_bytes().startswith(FLATBUFFER)


def test_labels_are_a_text_file_that_any_zip_tool_reads(model_file):
    append(model_file, METADATA)
    with zipfile.ZipFile(model_file) as archive:
        assert archive.testzip() is None
        assert archive.read("labels.txt").decode() == "Adidas\nH&M\nLöwenbräu\n"


def test_a_line_break_in_a_class_name_does_not_shift_the_labels(model_file):
    append(model_file, dataclasses.replace(METADATA, class_names=("a\nb", "c")))
    with zipfile.ZipFile(model_file) as archive:
        assert archive.read("labels.txt") == b"a b\nc\n"
    assert read(model_file).class_names == ("a\nb", "c")


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_a_class_name_that_is_no_utf_8_comes_back(suffix, request, tmp_path):
    path = request.getfixturevalue("onnx_file" if suffix == ".onnx" else "model_file")
    # As a folder of this name gives it on a system of bytes.
    named = dataclasses.replace(METADATA, class_names=("Löwenbräu", b"caf\xe9".decode(errors="surrogateescape")))
    append(path, named)
    assert read(path) == named
    assert named.labels() == "Löwenbräu\ncaf\\udce9\n"


def test_the_same_metadata_give_the_same_bytes_at_another_time(model_file, tmp_path, monkeypatch):
    other = tmp_path / "other.tflite"
    other.write_bytes(FLATBUFFER)
    append(model_file, METADATA)
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    append(other, METADATA)
    assert other.read_bytes() == model_file.read_bytes()


def test_metadata_are_appended_once(model_file):
    append(model_file, METADATA)
    with pytest.raises(ValueError, match="model.tflite: already carries metadata"):
        append(model_file, METADATA)


@pytest.mark.parametrize("cut", [1, 100, len(FLATBUFFER) // 2])
def test_a_file_that_was_cut_short_is_named(model_file, cut):
    append(model_file, METADATA)
    model_file.write_bytes(model_file.read_bytes()[:-cut])
    with pytest.raises(ValueError, match="model.tflite: no metadata .* cut short"):
        read(model_file)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "empty"), (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a TFLite file"), (FLATBUFFER, "no metadata")],
)
def test_a_file_without_metadata_is_named(tmp_path, content, complaint):
    path = tmp_path / "some.tflite"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"some.tflite: .*{complaint}"):
        read(path)


def test_a_damaged_entry_is_named(model_file):
    append(model_file, METADATA)
    data = model_file.read_bytes()
    model_file.write_bytes(data.replace(b'"image_size": 96', b'"image_size": 97'))
    with pytest.raises(ValueError, match="model.tflite: .* metadata"):
        read(model_file)


def test_metadata_of_another_zip_are_not_taken_for_ours(model_file):
    with zipfile.ZipFile(model_file, "a") as archive:
        archive.writestr("labels.txt", "a\nb\n")
    with pytest.raises(ValueError, match="no metadata of logo_keras"):
        read(model_file)


def test_entries_of_a_later_version_are_passed_over():
    text = METADATA.to_json().replace('"version"', '"colour": 1.5,\n  "version"')
    assert Metadata.from_json(text) == METADATA


@pytest.mark.parametrize("text", ["[]", "{}", '{"class_names": ["a"]}', "no json"])
def test_incomplete_json_is_refused(text):
    with pytest.raises(ValueError):
        Metadata.from_json(text)


@pytest.mark.parametrize(
    "change",
    [
        {"class_names": ()},
        {"class_names": (1, 2)},
        {"image_size": 0},
        {"image_size": "96"},
        {"image_size": True},
        {"preprocessing": ["stretch"]},
        {"model": None},
        {"decision": 3},
        {"version": {}},
    ],
)
def test_bad_values_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        dataclasses.replace(METADATA, **change)


def test_the_checksum_of_the_model_travels_with_it(model_file):
    append(model_file, METADATA)
    with zipfile.ZipFile(model_file) as archive:
        assert archive.read("model.crc32").decode() == f"{zlib.crc32(FLATBUFFER):08x}\n"


@pytest.mark.parametrize("at", [8, 1000, len(FLATBUFFER) - 1])
def test_damage_in_the_model_is_found(model_file, at):
    append(model_file, METADATA)
    data = bytearray(model_file.read_bytes())
    data[at] ^= 16
    model_file.write_bytes(data)
    with pytest.raises(UnusableModel, match="model.tflite: damaged: .* by its checksum"):
        read(model_file)


def test_bytes_that_slipped_into_the_model_are_found(model_file):
    append(model_file, METADATA)
    data = model_file.read_bytes()
    model_file.write_bytes(data[:100] + b"\r" + data[100:])
    with pytest.raises(UnusableModel, match="damaged"):
        read(model_file)


def test_an_error_has_the_name_and_the_reason(model_file):
    with pytest.raises(UnusableModel) as caught:
        read(model_file)
    assert caught.value.name == str(model_file) and caught.value.reason.startswith("no metadata of logo_keras")


@pytest.fixture
def onnx_file(tmp_path):
    pytest.importorskip("onnx")
    from edge_files import protobuf

    path = tmp_path / "model.onnx"
    path.write_bytes(protobuf())
    return path


def test_an_onnx_file_carries_the_same(onnx_file):
    append(onnx_file, METADATA)
    assert read(onnx_file) == METADATA
    with pytest.raises(UnusableModel, match="model.onnx: already carries metadata"):
        append(onnx_file, METADATA)


def test_the_onnx_package_reads_what_was_appended(onnx_file):
    import onnx

    before = onnx.load(onnx_file)
    append(onnx_file, METADATA)
    model = onnx.load(onnx_file)
    onnx.checker.check_model(model)
    assert model.graph == before.graph
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert Metadata.from_json(properties["logo_keras.json"]) == METADATA
    assert json.loads(properties["class_names"]) == list(METADATA.class_names) and properties["preprocessing"] == "stretch"


def test_what_the_onnx_package_wrote_is_read(onnx_file):
    import onnx

    model = onnx.load(onnx_file)
    model.metadata_props.add(key="logo_keras.json", value=METADATA.to_json())
    onnx.save(model, onnx_file)
    assert read(onnx_file) == METADATA


def test_an_onnx_file_that_a_tool_rewrote_is_read(onnx_file):
    import onnx

    append(onnx_file, METADATA)
    model = onnx.load(onnx_file)
    model.graph.name = "shrunk"
    model.producer_name = "tool"
    onnx.save(model, onnx_file)
    assert read(onnx_file) == METADATA


def test_damage_in_an_onnx_file_is_found(onnx_file):
    append(onnx_file, METADATA)
    data = bytearray(onnx_file.read_bytes())
    data[data.index(b"colours")] ^= 1
    onnx_file.write_bytes(data)
    with pytest.raises(UnusableModel, match="model.onnx: damaged: .* by its checksum"):
        read(onnx_file)
