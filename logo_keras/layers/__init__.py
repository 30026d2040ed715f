"""The sub-networks of DRNA-Net and NTS-Net as Keras layers."""

from logo_keras.layers.augmentation import Augmentation
from logo_keras.layers.controls import CentreScores, GridScores, RandomScores
from logo_keras.layers.fused_classifier import FusedClassifier
from logo_keras.layers.navigator import Navigator
from logo_keras.layers.teacher import Teacher

__all__ = ["Augmentation", "CentreScores", "FusedClassifier", "GridScores", "Navigator", "RandomScores", "Teacher"]
