"""The models: the plain classifier, NTS-Net and DRNA-Net."""

from logo_keras.models.classifier import Classifier
from logo_keras.models.drna_net import DRNANet
from logo_keras.models.importing import load_torch_weights
from logo_keras.models.loading import load
from logo_keras.models.nts_net import NTSNet

__all__ = ["Classifier", "DRNANet", "NTSNet", "load", "load_torch_weights"]
