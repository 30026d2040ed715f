"""Prints what model files are: architecture, backbone, where the weights came from, data, recipe, figures,
package versions and date. Reads .keras files (from logo-train, logo-import), exported .tflite and .onnx
files, and the weights that come with the package (.safetensors, needs the extra [train]); Keras is not
needed. Without FILE it describes the embedding of logos that comes with the package.

For instance:
  logo-describe run/model.keras
"""

from logo_keras.commands.command import Command
from logo_keras.gallery.embedders import shipped
from logo_keras.weights.model_card import describe

USAGE = "logo-describe [FILE ...]"


def _work(values, arguments):
    for path in arguments or [shipped()]:
        describe(path)


COMMAND = Command(USAGE, __doc__, lambda flags: None, _work)
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
