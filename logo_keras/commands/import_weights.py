"""Puts weights that were trained in PyTorch into a model of this package. PyTorch is not needed, and nothing in the
checkpoint is run.

A whole checkpoint of the public NTS-Net:
  logo-import --checkpoint 100.ckpt --out nts.keras --labels brands.txt
A classifier in torchvision's or timm's names, as a classifier or as the backbone of a network to train:
  logo-import --checkpoint resnet50-0676ba61.pth --backbone resnet50 --out imagenet.keras
  logo-import --checkpoint resnet50-0676ba61.pth --backbone resnet50 --model drna --labels brands.txt --out start.keras

Of a whole NTS-Net, backbone, preprocessing (the paper's) and --num_regions are by default what the checkpoint was trained
with.
"""

from pathlib import Path

from logo_keras.commands.command import Command, no_arguments
from logo_keras.commands.model_arguments import define_model_arguments, given_model_arguments
from logo_keras.datasets.classes import composed
from logo_keras.datasets.textfile import read_lines
from logo_keras.errors import UserError
from logo_keras.extras import naming_extras
from logo_keras.training import DEFAULTS
from logo_keras.training.constructors import model_arguments

USAGE = "logo-import --checkpoint FILE --out FILE.keras [--model plain|nts|drna] [--backbone NAME]"
# Those of which a checkpoint says something, or that it hangs on.
_ARGUMENTS = ("backbone", "head", "image_size", "num_proposals", "num_regions", "preprocessing")


def define(flags):
    """Defines the flags."""
    flags.string("checkpoint", None, "A .pth, .pt, .ckpt or .safetensors file.")
    flags.string("out", None, "The .keras file to write.")
    flags.enum(
        "model",
        None,
        [name for name in DEFAULTS if DEFAULTS[name].model not in ("LogoEmbedder", "LogoDetector")],
        "What to make: plain, nts or drna. By default nts from a whole NTS-Net and plain from a classifier.",
    )
    flags.string("labels", None, "A text file with a class name a line, in the checkpoint's order.")
    flags.integer("classes", None, "The number of classes, which are then called 0, 1, ... By default the checkpoint's.")
    define_model_arguments(flags, _ARGUMENTS)
    flags.boolean("heads", True, "Take the classifiers too; --noheads takes backbone and navigator alone.")


def _work(values, arguments):
    no_arguments(arguments)
    if Path(values.out).suffix != ".keras":
        raise UserError(f"--out must end in .keras, got {values.out}.")
    with naming_extras():
        from logo_keras import network
        from logo_keras.network import importing
        from logo_keras.weights.entries import read_checkpoint
    entries = read_checkpoint(values.checkpoint, strict=False)
    whole = importing.is_nts_net(entries)
    config = DEFAULTS[values.model or ("nts" if whole else "plain")]
    options = given_model_arguments(values, _ARGUMENTS)
    if whole:
        options = importing.nts_net_options(entries, config.model) | options
        options["whole_size"] = options["image_size"]
    elif "backbone" not in options:
        raise UserError("--backbone must be given: the checkpoint is a classifier, and its entries do not say of which network.")
    if values.labels:
        options["class_names"] = [composed(line.strip()) for _, line in read_lines(values.labels)]
    else:
        options["num_classes"] = values.classes or importing.number_of_classes(entries)
    known = model_arguments(config.model)
    if "head" in options and "head" not in known:
        raise UserError(f"--model {config.short_name} knows no --head: region networks take pooled features.")
    options = {name: option for name, option in options.items() if name in (*known, "class_names", "num_classes")}
    model = getattr(network, config.model)(**options | {"weights": None})
    source = importing.source_name(values.checkpoint)
    print(importing.load_entries(model, entries, source, values.heads))
    Path(values.out).parent.mkdir(parents=True, exist_ok=True)
    model.save(values.out)
    print(f"The model: {values.out}")


COMMAND = Command(USAGE, __doc__, define, _work, required=("checkpoint", "out"))
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
