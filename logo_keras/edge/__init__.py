"""Runs exported TFLite and ONNX files with numpy, OpenCV and one inference engine: no TensorFlow, no Keras."""

from logo_keras.edge.detector import Detector
from logo_keras.edge.embedder import Embedder
from logo_keras.edge.model_file import UnusableModel
from logo_keras.edge.recognizer import Recognizer

__all__ = ["Detector", "Embedder", "Recognizer", "UnusableModel"]
