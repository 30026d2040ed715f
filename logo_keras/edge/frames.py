"""Frames of a camera, of a video, or of a program that has its own."""

import os
import threading

from logo_keras.errors import UserError
from logo_keras.extras import cv2

# A camera may lose a frame, on a loose plug or a busy network: so many reads in a row may fail, with a pause after each, s.
_TRIES, _PAUSE = 10, 0.1
# Seconds without a frame after which a camera counts as dead. OpenCV's own limit for streams is 30 s.
_PATIENCE = 60
# Seconds that closing waits for a read to end.
_FAREWELL = 2


def frames(source):
    """Gives frame after frame.

    A live camera is read in a thread of its own, and of what came since the last frame only the newest is given: however
    long a frame is worked on, the next one shows the present. A video and an iterable are given frame by frame.

    Args:
        source: int, number of a camera; str with "://", address of a camera's stream; str or Path of a video; or an
            iterable of uint8 BGR `[H, W, 3]`.

    Yields:
        uint8 BGR `[H, W, 3]`, until the video ends. The camera is let go when the generator is closed, or an error ends it;
        closing waits for the camera for 2 s at most.

    Raises:
        OSError: naming the source, if it cannot be opened; or if it is a camera that gave no frame ten times in a row, or for
            a minute.
        ValueError: if it is none of these.
    """
    if isinstance(source, (int, str, os.PathLike)) and not isinstance(source, bool):
        live = isinstance(source, int) or "://" in os.fspath(source)
        capture = cv2.VideoCapture(source if isinstance(source, int) else os.fspath(source))
        if not capture.isOpened():
            capture.release()
            raise OSError(f"the {'camera' if live else 'video'} {source} cannot be opened.")
        yield from _newest(capture, source) if live else _all(capture)
    elif hasattr(source, "__iter__"):
        yield from source
    else:
        raise UserError(f"source must be a camera's number, a video or an iterable of frames, got {type(source).__name__}.")


def _all(capture):
    try:
        while (frame := capture.read()[1]) is not None:
            yield frame
    finally:
        capture.release()


def _newest(capture, source):
    camera = _Camera(capture)
    camera.start()
    try:
        while True:
            yield camera.newest(source)
    finally:
        camera.stopped.set()
        camera.join(_FAREWELL)


class _Camera(threading.Thread):
    """Reads a camera all the time, keeps the newest frame, and lets the camera go.

    It releases the capture itself, since that must not happen while the capture is read; where a read never returns, the
    thread stays behind.

    Attributes:
        stopped: Event, to be set when no more frames are wanted.
    """

    def __init__(self, capture):
        super().__init__(name="newest frame", daemon=True)
        self.stopped = threading.Event()
        self._capture = capture
        self._changed, self._frame, self._error, self._ended = threading.Condition(), None, None, False

    def run(self):
        failed = 0
        try:
            while failed < _TRIES and not self.stopped.is_set():
                frame = self._capture.read()[1]
                if frame is None:
                    failed += 1
                    self.stopped.wait(_PAUSE)
                    continue
                failed = 0
                with self._changed:
                    self._frame = frame
                    self._changed.notify()
        # Not to be lost with the thread: whoever asks for the next frame gets it.
        except Exception as error:
            self._error = error
        finally:
            self._capture.release()
            with self._changed:
                self._ended = True
                self._changed.notify()

    def newest(self, source):
        """Waits for a frame that was not given yet.

        Raises:
            OSError: naming the source, if none comes.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._ended, _PATIENCE)
            frame, self._frame = self._frame, None
        if frame is not None:
            return frame
        reason = f" ({self._error})" if self._error else ""
        said = f"gives no more pictures{reason}" if self._ended else f"gave no picture for {_PATIENCE} s"
        raise OSError(f"the camera {source} {said}: check its plug or its address.") from self._error
