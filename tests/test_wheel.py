"""The wheel holds the package, export/ included, and works in an environment that has nothing else."""

import json
import shutil
import subprocess
import sys
import venv
import zipfile
from configparser import ConfigParser
from email.parser import Parser

import cv2
import numpy as np
import pytest

import logo_keras

# Everything that pyproject.toml names; a build writes into its folder, so it gets one of its own.
SOURCES = ("logo_keras", "export", "pyproject.toml", "setup.py", "README.md", "LICENSE", "CHANGELOG.md")

MAKE_MODEL = """
import sys
import logo_keras as lk
lk.Classifier(class_names=["acme", "globex", "initech"], image_size=64, weights=None).save(sys.argv[1])
"""

RECOGNIZE = """
import importlib.util, json, sys
from logo_keras.edge import Recognizer
result = Recognizer(sys.argv[1]).recognize(sys.argv[2], top=3)
json.dump({
    "labels": result.labels,
    "probabilities": [float(p) for p in result.probabilities],
    "boxes": list(result.region_boxes.shape),
    "loaded": sorted({"tensorflow", "keras"} & set(sys.modules)),
    "installed": [name for name in ("tensorflow", "keras", "pytest") if importlib.util.find_spec(name)],
}, sys.stdout)
"""


def run(*command, cwd):
    process = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=900)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """The wheel, built from the sdist, which was built from the sources."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        if (root / name).is_dir():
            shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(root / name, folder)
    dist = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", dist, cwd=folder)
    assert list(dist.glob("logo_keras-*.tar.gz"))
    return next(dist.glob("logo_keras-*.whl"))


def test_wheel_holds_every_module(wheel, root):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".py")}
    package = {str(path.relative_to(root)) for path in (root / "logo_keras").rglob("*.py")}
    export = {f"logo_keras/export/{path.relative_to(root / 'export')}" for path in (root / "export").rglob("*.py")}
    assert export
    assert inside == package | export


def test_wheel_holds_templates_and_tables(wheel, root):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith((".html", ".toml", "_out.txt", "_marks.txt"))}
    files = {str(path.relative_to(root)) for kind in ("html", "toml", "txt") for path in (root / "logo_keras").rglob(f"*.{kind}")}
    assert inside == files and "logo_keras/datasets/about.toml" in files


def test_wheel_holds_the_models_that_come_with_it(wheel, root):
    kinds = (".tflite", ".safetensors")
    files = {str(path.relative_to(root)) for path in (root / "logo_keras").rglob("*") if path.suffix in kinds}
    with zipfile.ZipFile(wheel) as archive:
        assert {name for name in archive.namelist() if name.endswith(kinds)} == files
        # All or none, as they are released.
        assert all(archive.read(name) == (root / name).read_bytes() for name in files) and len(files) in (0, 3)


def test_wheel_names_its_console_scripts(wheel):
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"logo_keras-{logo_keras.__version__}.dist-info/entry_points.txt").decode()
        inside = set(archive.namelist())
    parser = ConfigParser()
    parser.read_string(text)
    scripts = dict(parser["console_scripts"])
    exports = {f"logo-export-{name}" for name in ("all", "onnx", "saved-model", "tensorrt", "tflite")}
    names = ("train", "calibrate", "evaluate", "compare", "predict", "gallery", "search", "data", "import", "describe")
    assert set(scripts) == exports | {f"logo-{name}" for name in names}
    assert {f"{target.partition(':')[0].replace('.', '/')}.py" for target in scripts.values()} <= inside


def test_wheel_asks_for_no_tensorflow_unless_an_extra_does(wheel):
    with zipfile.ZipFile(wheel) as archive:
        facts = Parser().parsestr(archive.read(f"logo_keras-{logo_keras.__version__}.dist-info/METADATA").decode())
        assert any(name.endswith("/LICENSE") for name in archive.namelist())
    base = {line.split(">")[0] for line in facts.get_all("Requires-Dist") if "extra ==" not in line}
    assert base == {"numpy", "opencv-python-headless", "absl-py", "ai-edge-litert", "resvg-py"}
    extras = {"train", "gpu", "zoo", "onnx", "export", "tensorrt-rtx", "heic", "parquet", "report", "tensorboard", "demo", "dev"}
    assert set(facts.get_all("Provides-Extra")) == extras
    assert facts["License-Expression"] == "Apache-2.0"


@pytest.fixture(scope="module")
def device(wheel, root, tmp_path_factory):
    """The folder of programs of an environment that has the wheel and its base dependencies and nothing else."""
    folder = tmp_path_factory.mktemp("device")
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    lock = root / "requirements" / "base.txt"
    run(programs / "python", "-m", "pip", "install", "--quiet", "--constraint", lock, wheel, cwd=folder)
    return programs


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    for number in range(3):
        coarse = rng.integers(0, 256, (6, 9, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(coarse, (90, 60), interpolation=cv2.INTER_CUBIC))
    return folder


@pytest.fixture(scope="module")
def exported(photographs, tmp_path_factory):
    """A plain classifier that was exported by the command, here, where TensorFlow is."""
    folder = tmp_path_factory.mktemp("exported")
    run(sys.executable, "-c", MAKE_MODEL, folder / "model.keras", cwd=folder)
    flags = ["--model", folder / "model.keras", "--out", folder / "model.tflite", "--photos", photographs]
    run(sys.executable, "-m", "logo_keras.export.tflite", *flags, cwd=folder)
    return folder / "model.tflite"


@pytest.mark.slow
def test_a_console_script_of_the_wheel_explains_itself(device, tmp_path):
    process = subprocess.run([device / "logo-predict", "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert process.returncode == 0 and "--model" in process.stdout
    assert "Traceback" not in process.stderr


@pytest.mark.slow
def test_the_edge_runtime_of_the_wheel_recognizes_without_tensorflow(device, exported, photographs, tmp_path):
    result = json.loads(run(device / "python", "-c", RECOGNIZE, exported, photographs / "0.png", cwd=tmp_path))
    assert result["installed"] == [] and result["loaded"] == []
    assert set(result["labels"]) == {"acme", "globex", "initech"}
    assert sum(result["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert result["boxes"] == [0, 4]


@pytest.mark.slow
def test_a_command_that_needs_an_extra_names_it(device, tmp_path):
    process = subprocess.run(
        [device / "logo-export-tflite", "--model", "model.keras", "--out", "model.tflite"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode != 0
    assert "pip install 'logo_keras[" in process.stderr
