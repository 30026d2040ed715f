"""The paper: its sub-networks as Keras layers, and the models that they make."""

from logo_keras.network.augmentation import Augmentation
from logo_keras.network.classifier import Classifier
from logo_keras.network.controls import CentreScores, GridScores, RandomScores
from logo_keras.network.drna_net import DRNANet
from logo_keras.network.fused_classifier import FusedClassifier
from logo_keras.network.importing import load_torch_weights
from logo_keras.network.loading import load
from logo_keras.network.navigator import Navigator
from logo_keras.network.nts_net import NTSNet
from logo_keras.network.paper import PAPER
from logo_keras.network.teacher import Teacher

__all__ = [
    "Augmentation",
    "CentreScores",
    "Classifier",
    "DRNANet",
    "FusedClassifier",
    "GridScores",
    "NTSNet",
    "Navigator",
    "PAPER",
    "RandomScores",
    "Teacher",
    "load",
    "load_torch_weights",
]
