"""Brands known by a few pictures each, recognized without training, TensorFlow or Keras: the gallery and its file."""

from logo_keras.gallery.calibration import Calibration
from logo_keras.gallery.embedders import Embedder
from logo_keras.gallery.evaluation import GalleryEvaluation
from logo_keras.gallery.gallery import Gallery
from logo_keras.gallery.gallery_file import UnusableGallery
from logo_keras.gallery.match import Brand, Match
from logo_keras.gallery.table import Reference

__all__ = ["Brand", "Calibration", "Embedder", "Gallery", "GalleryEvaluation", "Match", "Reference", "UnusableGallery"]
