"""The paper: its sub-networks as Keras layers, and the models that they make. Keras is imported with the first of them."""

from logo_keras.extras import lazily

# Public name: the module that has it.
_HOMES = {
    "Augmentation": "augmentation",
    "BoxHead": "box_head",
    "CentreScores": "controls",
    "Classifier": "classifier",
    "CosineHead": "cosine_head",
    "DRNANet": "drna_net",
    "FeaturePyramid": "pyramid",
    "FusedClassifier": "fused_classifier",
    "GeneralisedMean": "pooling",
    "GridScores": "controls",
    "LogoDetector": "detector",
    "LogoEmbedder": "embedder",
    "NTSNet": "nts_net",
    "Navigator": "navigator",
    "PAPER": "paper",
    "RandomScores": "controls",
    "Teacher": "teacher",
    "load": "loading",
    "load_torch_weights": "importing",
}

__all__ = list(_HOMES)
__getattr__, __dir__ = lazily(__name__, _HOMES)
