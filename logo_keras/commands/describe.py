"""Prints what model files are: architecture, backbone, where the weights came from, data, recipe, figures,
package versions and date. Reads .keras files (from logo-train, logo-import) and exported .tflite and
.onnx files; Keras is not needed.

For instance:
  logo-describe run/model.keras
"""

from logo_keras.commands.command import Command
from logo_keras.errors import UserError
from logo_keras.weights.model_card import describe

USAGE = "logo-describe FILE ..."


def _work(values, arguments):
    if not arguments:
        raise UserError("name at least one .keras, .tflite or .onnx file.")
    for path in arguments:
        describe(path)


COMMAND = Command(USAGE, __doc__, lambda flags: None, _work)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
