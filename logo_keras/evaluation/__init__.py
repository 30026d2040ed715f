"""What a model is worth: its answers to photos of a data set, compared with the truth and with other models."""

from logo_keras.evaluation import calibration, novelty, retrieval
from logo_keras.evaluation.calibration import calibrate
from logo_keras.evaluation.embedding import embed
from logo_keras.evaluation.intervals import wilson_interval
from logo_keras.evaluation.metrics import Comparison, Evaluation, bootstrap, compare, evaluate, paired, read
from logo_keras.evaluation.ranking import rank_regions

__all__ = [
    "Comparison",
    "Evaluation",
    "bootstrap",
    "calibrate",
    "calibration",
    "compare",
    "embed",
    "evaluate",
    "novelty",
    "paired",
    "rank_regions",
    "read",
    "retrieval",
    "wilson_interval",
]
