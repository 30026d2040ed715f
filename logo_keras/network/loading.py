"""Opens model files of this package."""

from pathlib import Path

import keras

from logo_keras.edge import model_file
from logo_keras.errors import UserError
from logo_keras.keras_settings import own_settings
from logo_keras.network.classifier import Classifier
from logo_keras.network.detector import LogoDetector
from logo_keras.network.drna_net import DRNANet
from logo_keras.network.embedder import LogoEmbedder
from logo_keras.network.nts_net import NTSNet
from logo_keras.weights import model_card

# Imported so that Keras knows the classes that a file may hold.
_CLASSES = (Classifier, NTSNet, DRNANet, LogoEmbedder, LogoDetector)


def load(path):
    """Loads a model that was saved as a `.keras` file, compiled as it was.

    Args:
        path: str or Path.

    Returns:
        Classifier, NTSNet, DRNANet, LogoEmbedder or LogoDetector.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: naming the file, if it is no `.keras` file or holds no model of this package.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist.")
    model_card.check(path)
    try:
        with own_settings():
            model = keras.saving.load_model(path)
    # Of what Keras meets inside a whole zip: weights that HDF5 does not read, a configuration that makes no layers.
    except (*model_file.DAMAGED_ZIP, AttributeError, RecursionError, TypeError) as error:
        raise UserError(f"{path} is not a model file of logo_keras, or it is damaged: {error}") from error
    if not isinstance(model, _CLASSES):
        raise UserError(f"{path} holds a {type(model).__name__}, not a model of logo_keras.")
    return model
