"""logo-import: a .keras file from a checkpoint that was trained in PyTorch."""

from pathlib import Path

from logo_keras.commands.command import Command, no_arguments
from logo_keras.datasets.classes import composed
from logo_keras.datasets.textfile import read_lines
from logo_keras.errors import UserError
from logo_keras.extras import naming_extras
from logo_keras.training.config import MODELS

USAGE = "logo-import --checkpoint FILE --out FILE.keras [--model plain|nts|drna] [--backbone NAME]"
DESCRIPTION = """Puts weights that were trained in PyTorch into a model of this package. PyTorch is not needed, and nothing in the
checkpoint is run.

A whole checkpoint of the public NTS-Net:
  logo-import --checkpoint 100.ckpt --out nts.keras --labels brands.txt
A classifier in torchvision's or timm's names, as a classifier or as the backbone of a network to train:
  logo-import --checkpoint resnet50-0676ba61.pth --backbone resnet50 --out imagenet.keras
  logo-import --checkpoint resnet50-0676ba61.pth --backbone resnet50 --model drna --labels brands.txt --out start.keras"""


def define(flags):
    """Defines the flags."""
    flags.string("checkpoint", None, "A .pth, .pt, .ckpt or .safetensors file.")
    flags.string("out", None, "The .keras file to write.")
    flags.enum(
        "model",
        None,
        list(MODELS),
        "What to make: plain, nts or drna. By default nts from a whole NTS-Net and plain from a classifier.",
    )
    flags.string("backbone", None, "The backbone's name; resnet50 by default for a whole NTS-Net. A classifier needs it.")
    flags.string("labels", None, "A text file with a class name a line, in the checkpoint's order.")
    flags.integer("classes", None, "The number of classes, which are then called 0, 1, ... By default the checkpoint's.")
    flags.string("head", None, "original: the fully connected layers of AlexNet or VGG-16; pool: pooled features (plain).")
    flags.integer("image_size", None, "Side of the model's input in px.")
    flags.integer("num_proposals", None, "M, regions that the teacher judges (nts, drna).")
    flags.integer("num_regions", None, "K, regions that are fused; by default the checkpoint's, if it is a whole NTS-Net.")
    flags.string(
        "preprocessing",
        None,
        "stretch: the whole photograph. paper: its middle, as NTS-Net's public code tests; the default for a whole NTS-Net.",
    )
    flags.boolean("heads", True, "Take the classifiers too; --noheads takes backbone and navigator alone.")


def _work(values, arguments):
    no_arguments(arguments)
    if Path(values.out).suffix != ".keras":
        raise UserError(f"--out must end in .keras, got {values.out}.")
    with naming_extras():
        from logo_keras import network
        from logo_keras.network import importing
        from logo_keras.weights.reading import read_checkpoint
    entries = read_checkpoint(values.checkpoint, strict=False)
    whole = importing.is_nts_net(entries)
    kind = values.model or ("nts" if whole else "plain")
    names = ("backbone", "head", "image_size", "num_proposals", "num_regions", "preprocessing")
    options = {name: values[name].value for name in names if values[name].value is not None}
    if whole:
        options = importing.nts_net_options(entries, kind) | options
    elif "backbone" not in options:
        raise UserError("--backbone must be given: the checkpoint is a classifier, and its entries do not say of which network.")
    if values.labels:
        options["class_names"] = [composed(line.strip()) for _, line in read_lines(values.labels)]
    else:
        options["num_classes"] = values.classes or importing.number_of_classes(entries)
    if kind == "plain":
        options = {name: option for name, option in options.items() if name not in ("num_proposals", "num_regions")}
    elif "head" in options:
        raise UserError(f"--model {kind} knows no --head: region networks take pooled features.")
    model = getattr(network, MODELS[kind])(weights=None, **options)
    source = importing.source_name(values.checkpoint)
    print(importing.load_entries(model, entries, source, values.heads))
    Path(values.out).parent.mkdir(parents=True, exist_ok=True)
    model.save(values.out)
    print(f"The model: {values.out}")


COMMAND = Command(USAGE, DESCRIPTION, define, _work, required=("checkpoint", "out"))
main, run = COMMAND.main, COMMAND.run

if __name__ == "__main__":
    run()
