"""Frames of a camera, of a video, or of a program that has its own."""

import os
import threading

from logo_keras.extras import cv2


def frames(source):
    """Gives frame after frame.

    A live camera is read in a thread of its own, and of what came since the last frame only the newest is given: however
    long a frame is worked on, the next one shows the present. A video and an iterable are given frame by frame.

    Args:
        source: int, number of a camera; str with "://", address of a camera's stream; str or Path of a video; or an
            iterable of uint8 BGR `[H, W, 3]`.

    Yields:
        uint8 BGR `[H, W, 3]`, until the video ends, or the camera gives no more. The camera is let go at the end, or when
        the generator is closed.

    Raises:
        OSError: naming the source, if it cannot be opened.
        ValueError: if it is none of these.
    """
    if isinstance(source, (int, str, os.PathLike)) and not isinstance(source, bool):
        live = isinstance(source, int) or "://" in os.fspath(source)
        capture = cv2.VideoCapture(source if isinstance(source, int) else os.fspath(source))
        try:
            if not capture.isOpened():
                kind = "camera" if live else "video"
                raise OSError(f"the {kind} {source} cannot be opened.")
            yield from _newest(capture) if live else _all(capture)
        finally:
            capture.release()
    elif hasattr(source, "__iter__"):
        yield from source
    else:
        raise ValueError(f"source must be a camera's number, a video or an iterable of frames, got {type(source).__name__}.")


def _all(capture):
    while (frame := capture.read()[1]) is not None:
        yield frame


def _newest(capture):
    waiting, state = threading.Condition(), {"frame": None, "ended": False}
    stopped = threading.Event()

    def keep_reading():
        try:
            for frame in _all(capture):
                with waiting:
                    state["frame"] = frame
                    waiting.notify()
                if stopped.is_set():
                    return
        finally:
            with waiting:
                state["ended"] = True
                waiting.notify()

    reader = threading.Thread(target=keep_reading, name="newest frame", daemon=True)
    reader.start()
    try:
        while True:
            with waiting:
                waiting.wait_for(lambda: state["frame"] is not None or state["ended"])
                frame, state["frame"] = state["frame"], None
            if frame is None:
                return
            yield frame
    finally:
        stopped.set()
        # A capture must not be released while it is read.
        reader.join()
