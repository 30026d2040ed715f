"""torchvision's official ImageNet weights: found on this machine, or downloaded and checked."""

import dataclasses
import difflib
import os
import sys
from pathlib import Path

from logo_keras.download import download
from logo_keras.errors import UserError
from logo_keras.files import sha256

ADDRESS = "https://download.pytorch.org/models"


@dataclasses.dataclass(frozen=True)
class OfficialFile:
    """A file of torchvision.

    Attributes:
        file: str, its name, which ends in the first digits of its SHA-256.
        weights: str, torchvision's name for the weights.
    """

    file: str
    weights: str

    @property
    def digits(self):
        """The first digits of the file's SHA-256."""
        return Path(self.file).stem.rpartition("-")[2]


OFFICIAL = {
    "alexnet": OfficialFile("alexnet-owt-7be5be79.pth", "AlexNet_Weights.IMAGENET1K_V1"),
    "googlenet": OfficialFile("googlenet-1378be20.pth", "GoogLeNet_Weights.IMAGENET1K_V1"),
    "vgg16": OfficialFile("vgg16-397923af.pth", "VGG16_Weights.IMAGENET1K_V1"),
    "resnet50": OfficialFile("resnet50-0676ba61.pth", "ResNet50_Weights.IMAGENET1K_V1"),
    "resnet152": OfficialFile("resnet152-394f9c45.pth", "ResNet152_Weights.IMAGENET1K_V1"),
}


def cache():
    """The folder where files are kept: `$LOGO_KERAS_CACHE`, or `~/.cache/logo_keras`."""
    return Path(os.environ.get("LOGO_KERAS_CACHE") or Path.home() / ".cache" / "logo_keras").expanduser()


def official_file(name, address=ADDRESS):
    """The official weights of a network as a file.

    A file in the cache (`cache()`) or in PyTorch's own (`hub/checkpoints` in `$TORCH_HOME`, or in `~/.cache/torch`) is taken when
    its SHA-256 fits its name, which is checked every time, 0.3 s per 100 MB. Otherwise the file is downloaded
    (`logo_keras.download`).

    Args:
        name: str, a key of `OFFICIAL`.
        address: str, the folder on the web.

    Returns:
        Path.

    Raises:
        ValueError: if there is no official file of that name.
        OSError: if the file cannot be downloaded, or something else came; says which file to put where.
    """
    if name not in OFFICIAL:
        near = difflib.get_close_matches(str(name), OFFICIAL, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UserError(f"there are official weights of {', '.join(OFFICIAL)}, got {name!r}.{hint}")
    wanted = OFFICIAL[name]
    path = cache() / wanted.file
    torch_home = Path(os.environ.get("TORCH_HOME") or Path.home() / ".cache" / "torch").expanduser()
    for candidate in (path, torch_home / "hub" / "checkpoints" / wanted.file):
        if candidate.is_file():
            if sha256(candidate).startswith(wanted.digits):
                return candidate
            print(f"{candidate} is damaged (its SHA-256 does not begin with {wanted.digits}) and not used.", file=sys.stderr)
    url = f"{address}/{wanted.file}"
    try:
        return download(url, path, sha256=wanted.digits).path
    except OSError as error:
        raise ConnectionError(
            f"the ImageNet weights of {name} could not be downloaded ({error}). Fetch {url} on a machine that can "
            f"and put it into the folder {path.parent} (LOGO_KERAS_CACHE names another), or start with weights=None."
        ) from error
