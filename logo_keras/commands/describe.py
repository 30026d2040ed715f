"""logo-describe: what a model file says of itself."""

import sys

from logo_keras.commands import _flags
from logo_keras.weights.model_card import describe

USAGE = "logo-describe FILE ..."
DESCRIPTION = """Prints what model files are: architecture, backbone, where the weights came from, data, recipe, figures,
package versions and date. Reads .keras files (from logo-train, logo-import) and exported .tflite and
.onnx files; Keras is not needed.

For instance:
  logo-describe run/model.keras"""


def main(argv):
    """Runs the command; returns its exit code."""
    return _flags.command(argv, USAGE, DESCRIPTION, lambda values: None, _work)


def run():
    """The console script."""
    sys.exit(main(sys.argv))


def _work(values, arguments):
    if not arguments:
        raise ValueError("name at least one .keras, .tflite or .onnx file.")
    for path in arguments:
        describe(path)


if __name__ == "__main__":
    run()
