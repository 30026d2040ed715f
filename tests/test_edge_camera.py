"""Frames from a camera, a video and a program, recognised one after the other."""

import threading
import time

import cv2
import numpy as np
import pytest
from edge_files import write

from logo_keras.edge import Recognizer, frames


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory):
    return Recognizer(write(tmp_path_factory.mktemp("edge") / "colours.tflite"))


def coloured(*bgr):
    return np.full((48, 64, 3), bgr, np.uint8)


BLUE, GREEN, RED = coloured(200, 20, 20), coloured(20, 200, 20), coloured(20, 20, 200)


class Camera:
    """What OpenCV's capture does: a frame, numbered by its first px, every 2 ms."""

    def __init__(self, source, count=200):
        self.source, self.count, self.given, self.let_go = source, count, 0, threading.Event()

    def isOpened(self):
        return True

    def read(self):
        assert not self.let_go.is_set(), "read after release"
        time.sleep(0.002)
        if self.given == self.count:
            return False, None
        self.given += 1
        frame = BLUE.copy()
        frame[0, 0, 0] = self.given
        return True, frame

    def release(self):
        self.let_go.set()


@pytest.fixture
def cameras(monkeypatch):
    """The cameras that were opened."""
    monkeypatch.setattr(frames, "_PAUSE", 0.005)
    opened = []
    monkeypatch.setattr(cv2, "VideoCapture", lambda source: opened.append(Camera(source)) or opened[-1])
    return opened


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "colours.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no Motion JPEG")
    for frame in (BLUE, GREEN, RED):
        writer.write(frame)
    writer.release()
    return path


def test_frames_of_a_program_are_recognised_in_order(recognizer):
    seen = list(recognizer.frames([BLUE, GREEN, RED], top=1))
    assert [answer.labels for _, answer in seen] == [("blue",), ("green",), ("red",)]
    assert seen[1][0] is GREEN


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_video_is_recognised_frame_by_frame(recognizer, video, kind):
    assert [answer.labels[0] for _, answer in recognizer.frames(kind(video))] == ["blue", "green", "red"]


@pytest.mark.parametrize("source", [0, "rtsp://camera/stream"])
def test_of_a_live_camera_the_newest_frame_is_taken(cameras, source):
    numbers = []
    with pytest.raises(OSError, match=f"the camera {source} gives no more pictures"):
        for frame in frames.frames(source):
            numbers.append(int(frame[0, 0, 0]))
            behind = cameras[0].given - numbers[-1]
            # It may have given one more between the two lines.
            assert behind <= 2
            time.sleep(0.03)
    assert cameras[0].source == source
    assert numbers == sorted(set(numbers)) and len(numbers) < 60
    # The last frame is not lost.
    assert numbers[-1] == 200


def test_a_camera_is_let_go_when_the_caller_stops(recognizer, cameras):
    shown = recognizer.frames(0)
    assert next(shown)[1].labels[0] == "blue"
    shown.close()
    assert cameras[0].let_go.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "newest frame"]


def test_a_camera_that_gives_nothing_is_named_and_let_go(cameras, monkeypatch):
    monkeypatch.setattr(Camera, "read", lambda self: (False, None))
    with pytest.raises(OSError, match="the camera 0 gives no more pictures"):
        next(frames.frames(0))
    assert cameras[0].let_go.is_set()


def test_a_read_that_fails_now_and_then_does_not_end_a_camera(cameras, monkeypatch):
    whole, calls = Camera.read, []

    def loose(self):
        calls.append(0)
        return whole(self) if len(calls) % 10 == 0 else (False, None)

    monkeypatch.setattr(Camera, "read", loose)
    shown = frames.frames(0)
    numbers = [int(next(shown)[0, 0, 0]) for _ in range(5)]
    assert numbers == sorted(set(numbers))
    shown.close()


def test_what_a_camera_raises_in_its_thread_is_told(cameras, monkeypatch):
    def fail(self):
        raise cv2.error("unplugged")

    monkeypatch.setattr(Camera, "read", fail)
    with pytest.raises(OSError, match=r"the camera 0 gives no more pictures \(unplugged\)"):
        next(frames.frames(0))
    assert cameras[0].let_go.is_set()


def test_closing_does_not_wait_for_a_read_that_never_ends(cameras, monkeypatch):
    let_read, whole = threading.Event(), Camera.read

    def blocked(self):
        if self.given:
            let_read.wait()
        return whole(self)

    monkeypatch.setattr(Camera, "read", blocked)
    monkeypatch.setattr(frames, "_FAREWELL", 0.05)
    shown = frames.frames(0)
    next(shown)
    closing = threading.Thread(target=shown.close, daemon=True)
    closing.start()
    closing.join(30)
    assert not closing.is_alive()
    # Not while it is read, but as soon as the read ends.
    assert not cameras[0].let_go.is_set()
    let_read.set()
    assert cameras[0].let_go.wait(30)


def test_a_camera_that_hangs_is_given_up(cameras, monkeypatch):
    let_read = threading.Event()
    monkeypatch.setattr(Camera, "read", lambda self: let_read.wait() and (False, None))
    monkeypatch.setattr(frames, "_PATIENCE", 0.05)
    monkeypatch.setattr(frames, "_FAREWELL", 0.05)
    with pytest.raises(OSError, match="the camera rtsp://a gave no picture for 0.05 s"):
        next(frames.frames("rtsp://a"))
    let_read.set()


def test_a_video_ends_without_an_error_and_is_let_go(cameras):
    assert len(list(frames.frames("some.avi"))) == 200
    assert cameras[0].let_go.is_set()


def test_a_video_that_cannot_be_opened_is_named(recognizer, tmp_path):
    with pytest.raises(OSError, match="the video .*nothing.avi cannot be opened"):
        next(recognizer.frames(tmp_path / "nothing.avi"))


@pytest.mark.parametrize("source", [None, True, 1.5])
def test_a_source_of_another_kind_is_refused(recognizer, source):
    with pytest.raises(ValueError, match="source must be a camera's number, a video or an iterable"):
        next(recognizer.frames(source))
