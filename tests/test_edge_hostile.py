"""Files that are damaged, cut short, of another kind, or made to do harm: an error that names them, never a crash."""

import json
import random
import subprocess
import sys
import zipfile

import pytest
from edge_files import METADATA, SIZE, flatbuffer, protobuf, write

from logo_keras import edge
from logo_keras.edge import Recognizer, UnusableModel, model_file

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(params=[".tflite", ".onnx"])
def path(request, tmp_path):
    return write(tmp_path / f"colours{request.param}")


@pytest.fixture
def no_engine(monkeypatch):
    """Fails a test in which a file reaches an engine."""

    def refuse(path, num_threads):
        raise AssertionError(f"{path} reached the engine")

    monkeypatch.setattr(edge.runner, "ENGINES", dict.fromkeys(edge.runner.ENGINES, refuse))


def refused(path, complaint):
    with pytest.raises(UnusableModel) as caught:
        Recognizer(path)
    assert str(caught.value).startswith(f"{path}: ") and complaint in str(caught.value)
    assert caught.value.name == str(path) and caught.value.reason
    return str(caught.value)


def model_bytes(path):
    return len((protobuf if path.suffix == ".onnx" else flatbuffer)())


def test_a_flipped_bit_anywhere_in_the_model_is_found_before_an_engine_sees_it(path, no_engine):
    data = path.read_bytes()
    for at in range(8, model_bytes(path), 7):
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        path.write_bytes(flipped)
        with pytest.raises(UnusableModel, match="damaged|cut short|not an ONNX file"):
            Recognizer(path)


def test_a_flipped_bit_in_the_metadata_is_found_or_harmless(path):
    data = path.read_bytes()
    for at in range(model_bytes(path), len(data), 3):
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        path.write_bytes(flipped)
        try:
            found = model_file.read(path)
        except UnusableModel:
            continue
        assert found == METADATA


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_named(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    said = refused(path, "empty" if share == 0 else "")
    assert "again" in said or "Write one from a .keras file" in said


@pytest.mark.parametrize("start", [b"", b"\x1c\x00\x00\x00TFL3", b"\x08\x08\x12\x07pytorch", b"PK\x03\x04"])
def test_noise_is_named_whatever_it_begins_with(path, start):
    path.write_bytes(start + random.Random(0).randbytes(20_000))
    refused(path, "")


def test_files_under_the_name_of_the_other_kind_are_named(tmp_path):
    for kind, other in ((".tflite", ".onnx"), (".onnx", ".tflite")):
        renamed = write(tmp_path / f"colours{kind}").rename(tmp_path / f"renamed{other}")
        refused(renamed, "not a" if other == ".tflite" else "not an ONNX file")


@pytest.mark.parametrize("name", ["model", "model.keras", "model.tflite.zip", "model.pb"])
def test_another_suffix_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(flatbuffer())
    refused(tmp_path / name, "ends with .tflite or .onnx")


def test_a_missing_file_and_a_folder_are_os_errors_that_name_them(path):
    path.unlink()
    with pytest.raises(FileNotFoundError, match=path.name):
        Recognizer(path)
    path.mkdir()
    with pytest.raises(OSError, match=path.name):
        Recognizer(path)


def test_a_file_without_metadata_is_named(path):
    write(path, said=None)
    refused(path, "no metadata of logo_keras")


def test_a_file_of_before_the_checksum_is_still_read(tmp_path):
    tflite = write(tmp_path / "old.tflite", said=None)
    with zipfile.ZipFile(tflite, "a") as archive:
        archive.writestr(model_file.METADATA_NAME, METADATA.to_json())
    protocol = write(tmp_path / "old.onnx", said=None)
    model_file.append_onnx_properties(protocol, {model_file.METADATA_NAME: METADATA.to_json()})
    for path in (tflite, protocol):
        assert Recognizer(path).metadata == METADATA


@pytest.mark.parametrize("said", [b"[" * 100_000, b"9" * 10_000, b'"\xff"', b"null", json.dumps({"class_names": 3}).encode()])
def test_metadata_that_are_none_are_named(tmp_path, said):
    path = write(tmp_path / "colours.tflite", said=None)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(model_file.METADATA_NAME, said)
    refused(path, "damaged metadata")


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = write(tmp_path / "colours.tflite", said=None)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(model_file.METADATA_NAME, b" " * 2**26 + METADATA.to_json().encode())
    assert path.stat().st_size < 100_000
    refused(path, "would be 67,109")


def test_a_zip_that_lies_about_its_sizes_is_named(tmp_path):
    path = write(tmp_path / "colours.tflite", said=None)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(model_file.METADATA_NAME, b" " * 2**22 + METADATA.to_json().encode())
    data = bytearray(path.read_bytes())
    # The unpacked size in the central directory.
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    refused(path, "")


def test_an_encrypted_zip_is_named(tmp_path):
    path = write(tmp_path / "colours.tflite")
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(data)
    refused(path, "cannot be unpacked")


def elsewhere(place):
    """An ONNX model of which one tensor lies in another file: a weight, a constant of a node, or one in a branch."""
    from onnx import helper

    model = onnx.ModelProto.FromString(protobuf())
    tensor = onnx.TensorProto(name="outside", data_type=onnx.TensorProto.FLOAT, dims=[1])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../etc/passwd")
    if place == "weight":
        model.graph.initializer.append(tensor)
    else:
        node = helper.make_node("Constant", [], ["outside"], value=tensor)
        if place == "branch":
            branch = helper.make_graph([node], "branch", [], [])
            node = helper.make_node("If", ["outside"], ["other"], then_branch=branch, else_branch=branch)
        model.graph.node.append(node)
    return model.SerializeToString()


@pytest.mark.parametrize("place", ["weight", "constant", "branch"])
def test_weights_in_other_files_are_not_opened(tmp_path, place):
    path = tmp_path / "outside.onnx"
    path.write_bytes(elsewhere(place))
    model_file.append(path, METADATA)
    refused(path, "keeps weights in other files")


def test_graphs_inside_graphs_without_end_are_refused(tmp_path):
    node = b""
    for _ in range(300):
        # GraphProto.node holds NodeProto.attribute holds AttributeProto.g.
        for number in (6, 5, 1):
            size, length = len(node), bytearray()
            while size >= 0x80:
                length.append(size & 0x7F | 0x80)
                size >>= 7
            node = bytes([number << 3 | 2]) + bytes(length) + bytes([size]) + node
    path = write(tmp_path / "deep.onnx", said=None)
    path.write_bytes(path.read_bytes() + b"\x3a" + (b"%c%c" % (len(node) & 0x7F | 0x80, len(node) >> 7)) + node)
    model_file.append(path, METADATA)
    refused(path, "graphs inside graphs")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"outputs": ("mean", "region_boxes")}, "but no probabilities"),
        ({"channels": 1}, "where its metadata say"),
    ],
)
def test_a_network_of_another_kind_is_named(tmp_path, options, complaint):
    refused(write(tmp_path / "other.tflite", **options), complaint)


def test_an_onnx_file_without_probabilities_is_named(tmp_path):
    refused(write(tmp_path / "other.onnx", outputs=("mean",)), "gives mean, but no probabilities")


def test_uint8_input_of_other_steps_is_refused(tmp_path):
    refused(write(tmp_path / "steps.tflite", dtype="uint8", scale=0.5), "in steps of 0.5 from 0")


def test_forged_files_do_not_end_the_process(path):
    # With a checksum that fits, so that every one of them reaches the engine.
    code = (
        "import random, sys, pathlib, numpy as np\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from edge_files import METADATA, SIZE, flatbuffer, protobuf\n"
        "from logo_keras.edge import Recognizer, UnusableModel, model_file\n"
        "path, chance, counts = pathlib.Path(sys.argv[1]), random.Random(0), [0, 0]\n"
        "data = protobuf() if path.suffix == '.onnx' else flatbuffer()\n"
        "for _ in range(150):\n"
        "    forged = bytearray(data)\n"
        "    forged[chance.randrange(8, len(data))] ^= 1 << chance.randrange(8)\n"
        "    path.write_bytes(forged)\n"
        "    try:\n"
        "        model_file.append(path, METADATA)\n"
        "        Recognizer(path, num_threads=1).infer(np.zeros((1, SIZE, SIZE, 3)))\n"
        "        counts[0] += 1\n"
        "    except UnusableModel:\n"
        "        counts[1] += 1\n"
        "print(*counts)\n"
    )
    arguments = [sys.executable, "-c", code, path, __file__.rpartition("/")[0]]
    process = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    assert process.returncode == 0, process.stderr[-2000:]
    ran, unusable = map(int, process.stdout.split()[-2:])
    assert ran + unusable == 150 and ran > 5 and unusable > 50


def test_a_file_that_fails_while_it_runs_is_named(path, monkeypatch):
    recognizer = Recognizer(path)

    def fail(images):
        raise RuntimeError("out of tensors")

    monkeypatch.setattr(recognizer._engine, "run", fail)
    with pytest.raises(UnusableModel, match=f"{path.name}: .* failed .out of tensors.: export the model again"):
        recognizer.infer([[[[0, 0, 0]] * SIZE] * SIZE])
