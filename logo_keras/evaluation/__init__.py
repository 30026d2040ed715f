"""What a model is worth: its answers to photos of a data set, compared with the truth and with other models."""

from logo_keras.evaluation import calibration, novelty, retrieval
from logo_keras.evaluation.calibration import calibrate
from logo_keras.evaluation.comparison import Comparison, bootstrap, compare, paired
from logo_keras.evaluation.embedding import embed
from logo_keras.evaluation.intervals import wilson_interval
from logo_keras.evaluation.metrics import Evaluation, evaluate, read
from logo_keras.evaluation.ranking import rank_regions
from logo_keras.evaluation.verdict import Verdict, judge

__all__ = [
    "Comparison",
    "Evaluation",
    "Verdict",
    "bootstrap",
    "calibrate",
    "calibration",
    "compare",
    "embed",
    "evaluate",
    "judge",
    "novelty",
    "paired",
    "rank_regions",
    "read",
    "retrieval",
    "wilson_interval",
]
