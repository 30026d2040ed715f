"""Videos: their frames with times, and which brands are seen when, how long and how large. Without TensorFlow or Keras."""

from logo_keras.video.reader import UnreadableVideo, Video
from logo_keras.video.timeline import Sighting, Timeline, sightings
from logo_keras.video.watching import watch

__all__ = ["Sighting", "Timeline", "UnreadableVideo", "Video", "sightings", "watch"]
