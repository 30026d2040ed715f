"""The weights that come with the package: those of the logo embedding's backbone, named `"logos"`."""

from pathlib import Path

import numpy as np

from logo_keras.errors import UserError
from logo_keras.weights.entries import read_checkpoint
from logo_keras.weights.layers import load_layers, read_layers
from logo_keras.weights.safetensors_file import read_safetensors_card, safetensors_bytes

SHIPPED = Path(__file__).with_name("logos.safetensors")
# The backbones that have such weights.
BACKBONES = ("efficientnet_lite0",)


def load_logos(network, path=None):
    """Loads the weights of a file that `logos_bytes` made into a network.

    Args:
        network: keras.Model of a backbone of `BACKBONES`.
        path: str or Path; None takes the file that comes with the package.

    Returns:
        str, where the weights come from, in words.

    Raises:
        FileNotFoundError: if the file is not there.
        ImportError: if safetensors is not installed.
        ValueError: naming the file, if it is damaged, or holds the weights of another network.
    """
    path = Path(SHIPPED if path is None else path)
    if not path.is_file():
        raise FileNotFoundError(
            f'{path}, which comes with the package, is missing: install logo_keras again, or start with weights="imagenet".'
        )
    card, entries = read_safetensors_card(path), read_checkpoint(path)
    try:
        load_layers(network, _names(network), entries)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return f"logos: the embedding that comes with logo_keras, trained at commit {card.get('training', {}).get('commit')}"


def logos_bytes(network, card):
    """A `.safetensors` file of a network's weights in float16, entries named by its layers.

    Args:
        network: keras.Model.
        card: dict for JSON, the model card.

    Returns:
        bytes.

    Raises:
        ImportError: if safetensors is not installed.
        ValueError: naming the entry, if float16 cannot hold a number.
    """
    with np.errstate(over="ignore"):  # What float16 cannot hold becomes infinite, and is refused below.
        entries = {name: array.astype(np.float16) for name, array in read_layers(network, _names(network)).items()}
    wrong = [name for name, array in entries.items() if not np.isfinite(array).all()]
    if wrong:
        raise UserError(f"float16 cannot hold the numbers of {wrong[0]}.")
    return safetensors_bytes(entries, card)


def _names(network):
    """The layers that have weights: dict from a layer's name to that of its entries, which is the same."""
    return {layer.name: layer.name for layer in network.layers if layer.weights}
