"""All results of benchmarks/accuracy.py as one table, the one in the README.

.venv/bin/python benchmarks/summary.py
"""

import json

from result import RESULTS, Table, run

MODELS = {"plain": "Classifier", "nts": "NTSNet", "drna": "DRNANet"}


def model(config):
    """The class of the model; older results have its short name."""
    return MODELS.get(config["model"], config["model"])


def name(config):
    """The model, and what was chosen at random in its place where navigation was off."""
    navigation = config["arguments"].get("navigation", "navigator")
    return model(config) + ("" if navigation == "navigator" else f", {navigation} regions")


def main(flags, arguments):
    heads = "data set", "model", "weights", "seed", "training", "top-1", "95 % interval", "TFLite file: top-1, MB"
    lines = Table(*heads, "logo in best region (by chance)")
    rows = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("accuracy-*.json"))]
    for row in sorted(rows, key=lambda row: (row["data"], list(MODELS.values()).index(model(row["config"])))):
        low, high = row["top1_interval"]
        hits = "-"
        if row.get("region_hit_rate") is not None:
            hits = f"{row['region_hit_rate']:.1%} ({row['region_hit_rate_chance']:.1%})"
        cells = [
            f"{row['data']}, {row['split']}",
            name(row["config"]),
            row["config"]["arguments"]["weights"],
            row["config"]["seed"],
            f"{row['epochs']} epochs",
            f"{row['top1']:.1%}",
            f"{low:.1%} to {high:.1%}",
            f"{row['tflite_top1']:.1%}, {row['tflite_bytes'] / 1e6:.1f}",
            hits,
        ]
        lines.add(*cells)


if __name__ == "__main__":
    run(__doc__, main)
