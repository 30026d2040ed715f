"""Which packages run here: for reports, and for the files that models leave."""

from importlib import metadata

# Distributions that a figure or a file may depend on.
PACKAGES = (
    "logo_keras",
    "tensorflow",
    "keras",
    "numpy",
    "opencv-python-headless",
    "opencv-python",
    "ai-edge-litert",
    "ai-edge-quantizer",
    "onnx",
    "onnxruntime",
    "tf2onnx",
    "tensorrt",
    "tensorrt-rtx",
    "openvino",
)


def versions(names=PACKAGES):
    """dict from the name of each of these distributions that is installed to its version."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
