"""Runs exported TFLite and ONNX files with numpy, OpenCV and one inference engine: no TensorFlow, no Keras."""

from logo_keras.edge.recognizer import Recognizer
from logo_keras.metadata import UnusableModel

__all__ = ["Recognizer", "UnusableModel"]
