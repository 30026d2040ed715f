"""How far the ported networks are from the reference values, on recipe weights that go through the importer.

    python benchmarks/parity.py                        the zoo and NTS-Net on TensorFlow
    KERAS_BACKEND=jax python benchmarks/parity.py      NTS-Net on JAX

Writes results/parity-BACKEND.md.
"""

import sys
from pathlib import Path

import keras
import numpy as np
from result import keep

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import recipe_weights
import reference_network

import logo_keras as lk
from logo_keras.commands.command import Command


def apart(found, expected, relative=False):
    """The largest difference; `relative` to each expected value."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    return float(np.max(np.abs(found - expected) / (np.abs(expected) if relative else 1)))


def zoo():
    """Rows of torchvision's classifiers: largest difference of a logit in units of the largest logit."""
    rows = ["| network | entries | largest logit | difference / largest logit | bound |", "|---|---|---|---|---|"]
    for name in recipe_weights.ZOO:
        entries, expected = recipe_weights.zoo(name)
        model = lk.Classifier(num_classes=1000, backbone=name, head="original", weights=None)
        lk.load_torch_weights(model, entries)
        logits = model(recipe_weights.zoo_pixels(model), training=False)["whole_logits"]
        largest = float(np.abs(expected).max())
        rows.append(f"| {name} | {len(entries)} | {largest:.1f} | {apart(logits, expected) / largest:.1e} | 1e-5 |")
        print(rows[-1], flush=True)
        keras.backend.clear_session()
    return rows


def nts_net():
    """Rows of the whole public NTS-Net, forward and backward."""
    model, _ = reference_network.build()
    reference = reference_network.REFERENCE
    rows = ["| quantity | evaluation mode | bound | batch statistics | bound |", "|---|---|---|---|---|"]
    found = {mode: reference_network.run(model, mode == "train") for mode in ("eval", "train")}

    def row(title, key, bounds, relative=False, part=slice(None)):
        values = [apart(found[mode][key][part], reference[f"{mode}_{key}"][part], relative) for mode in ("eval", "train")]
        rows.append(f"| {title} | {values[0]:.1e} | {bounds[0]} | {values[1]:.1e} | {bounds[1]} |")

    same = [np.array_equal(found[mode]["region_index"], reference[f"{mode}_top_index"]) for mode in ("eval", "train")]
    rows.append(f"| picks | {'equal' if same[0] else 'different'} | equal | {'equal' if same[1] else 'different'} | equal |")
    for kind in ("whole", "fused", "region"):
        row(f"{kind} logits", f"{kind}_logits", ("1e-4", "2e-3"))
    row("losses, relative", "losses", ("1e-4", "5e-4"), relative=True)
    row("gradient norm of the first convolution, relative", "grad_norms", ("1e-3", "2e-2"), True, slice(0, 1))
    row("other gradient norms, relative", "grad_norms", ("1e-3", "2e-3"), True, slice(1, None))
    for title, key, bound in (("running mean", "running_mean", "5e-5"), ("running variance", "running_var", "5e-4")):
        rows.append(
            f"| {title} after two updates | - | - | {apart(found['train'][key], reference[f'train_{key}']):.1e} | {bound} |"
        )
    print("\n".join(rows))
    return rows


def main(flags, arguments):
    backend = keras.backend.backend()
    tables = [zoo(), nts_net()] if backend == "tensorflow" else [nts_net()]
    command = "python benchmarks/parity.py" if backend == "tensorflow" else f"KERAS_BACKEND={backend} python benchmarks/parity.py"
    keep(f"parity-{backend}", command, *tables, title=f"parity on {backend}")


if __name__ == "__main__":
    Command("benchmarks/parity.py", __doc__, lambda flags: None, main).run()
