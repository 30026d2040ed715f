"""How far the ported networks are from the reference values, on recipe weights that go through the importer.

.venv/bin/python benchmarks/parity.py

On TensorFlow the zoo and NTS-Net; with KERAS_BACKEND=jax in front of the command, NTS-Net on JAX.

Writes results/parity-BACKEND.md.
"""

import sys
from pathlib import Path

import keras
import numpy as np
from result import Table, keep, run

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import recipe_weights
import reference_network

import logo_keras as lk


def apart(found, expected, relative=False):
    """The largest difference; `relative` to each expected value."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    return float(np.max(np.abs(found - expected) / (np.abs(expected) if relative else 1)))


def zoo():
    """Rows of torchvision's classifiers: largest difference of a logit in units of the largest logit."""
    lines = Table("network", "entries", "largest logit", "difference / largest logit", "bound")
    for name in recipe_weights.ZOO:
        entries, expected = recipe_weights.zoo(name)
        model = lk.Classifier(num_classes=1000, backbone=name, head="original", weights=None)
        lk.load_torch_weights(model, entries)
        logits = model(recipe_weights.zoo_pixels(model), training=False)["whole_logits"]
        largest = float(np.abs(expected).max())
        lines.add(name, len(entries), f"{largest:.1f}", f"{apart(logits, expected) / largest:.1e}", "1e-5")
        keras.backend.clear_session()
    return lines


def nts_net():
    """Rows of the whole public NTS-Net, forward and backward."""
    model, _ = reference_network.build()
    reference = reference_network.REFERENCE
    lines = Table("quantity", "evaluation mode", "bound", "batch statistics", "bound")
    found = {mode: reference_network.run(model, mode == "train") for mode in ("eval", "train")}

    def row(title, key, bounds, relative=False, part=slice(None)):
        values = [apart(found[mode][key][part], reference[f"{mode}_{key}"][part], relative) for mode in ("eval", "train")]
        lines.add(title, f"{values[0]:.1e}", bounds[0], f"{values[1]:.1e}", bounds[1])

    same = [np.array_equal(found[mode]["region_index"], reference[f"{mode}_top_index"]) for mode in ("eval", "train")]
    lines.add("picks", *("equal" if each else "different" for each in (same[0], True, same[1], True)))
    for kind in ("whole", "fused", "region"):
        row(f"{kind} logits", f"{kind}_logits", ("1e-4", "2e-3"))
    row("losses, relative", "losses", ("1e-4", "5e-4"), relative=True)
    row("gradient norm of the first convolution, relative", "grad_norms", ("1e-3", "2e-2"), True, slice(0, 1))
    row("other gradient norms, relative", "grad_norms", ("1e-3", "2e-3"), True, slice(1, None))
    for title, key, bound in (("running mean", "running_mean", "5e-5"), ("running variance", "running_var", "5e-4")):
        lines.add(f"{title} after two updates", "-", "-", f"{apart(found['train'][key], reference[f'train_{key}']):.1e}", bound)
    return lines


def main(flags, arguments):
    backend = keras.backend.backend()
    tables = [zoo(), nts_net()] if backend == "tensorflow" else [nts_net()]
    keep(f"parity-{backend}", *tables, title=f"parity on {backend}")


if __name__ == "__main__":
    run(__doc__, main)
