"""A video, read frame by frame: what is shown at regular times, whatever its frame rate is and its container says."""

import math
import os
import stat
from pathlib import Path

from logo_keras.arguments import positive
from logo_keras.errors import FileError
from logo_keras.extras import cv2
from logo_keras.image import containers
from logo_keras.image.preprocessing import MAX_PIXELS

# How the names of videos end. With a timeline any other name is taken too.
SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg"),
    *(".wmv", ".flv", ".ogv", ".3gp", ".vob", ".mxf"),
)
# Frames a second where a container has none that can be true: some say 0, others the ticks of their clock, 1,000 or 90,000.
_RATE, _HIGHEST_RATE = 25, 500
# s. A picture may stand for minutes where only changes are stored, as of slides; recordings that were cut jump by hours.
_LONGEST = 600
# A damaged frame ends one read of OpenCV's, not the video: so many in a row are its end (checked with OpenCV 5.0).
_TRIES = 100
# s. Times are fractions of ticks of a container's clock; a frame that comes so much late is on time.
_TOLERANCE = 0.0005
# Part of the length that is promised of which a cut-off file lacks more; containers round, and estimate.
_MISSING = 0.05


class UnreadableVideo(FileError):
    """A file that cannot be read as a video, by its name and the reason."""


class Video:
    """A video file.

    Args:
        path: str or path.

    Attributes:
        path: str.
        promised: float, s, the length that the file claims; None where it claims none.
        seconds: float, s, where what has been read ends.

    Raises:
        UnreadableVideo: if it is empty, a photo, no regular file, damaged or of a codec that OpenCV does not know, or its frames
            are larger than photos may be.
        OSError: if there is no such file, or it cannot be opened.
    """

    def __init__(self, path):
        self.path = os.fspath(path)
        _check(self.path)
        # FFmpeg would write to stderr what is said here in a line: AV_LOG_QUIET. OpenCV reads it with the first video.
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        self._capture = cv2.VideoCapture(self.path)
        # Phones store how they were held beside the frames.
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        self._check_opened()
        rate, count = (self._capture.get(which) for which in (cv2.CAP_PROP_FPS, cv2.CAP_PROP_FRAME_COUNT))
        sensible = 0 < rate <= _HIGHEST_RATE
        self.promised = count / rate if sensible and count > 0 else None
        self._clock = Clock(rate if sensible else _RATE)
        self._damaged = 0

    @property
    def seconds(self):
        return self._clock.end

    def _check_opened(self):
        if not self._capture.isOpened():
            raise UnreadableVideo(self.path, "no video, damaged, or of a format that OpenCV does not read")
        width, height = (self._capture.get(which) for which in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > MAX_PIXELS:
            self._capture.release()
            raise UnreadableVideo(self.path, f"frames of {width:.0f} x {height:.0f} px; at most {MAX_PIXELS:,} px are decoded")

    def frames(self, every=1.0):
        """Gives what is shown at regular times, from the beginning on; to be called once.

        A frame that is shown for longer than `every` is given once, for the first of its times.

        Args:
            every: float, s.

        Yields:
            float, s since the first frame, and uint8 RGB `[H, W, 3]`, upright. No more than two frames are in the memory.

        Raises:
            UnreadableVideo: if not one frame can be decoded.
            ValueError: if `every` is no number above 0.
        """
        positive("every", every)
        due, shown = 0, None
        try:
            while (frame := self._next()) is not None:
                until, due = due, max(due, math.ceil((self._clock.now - _TOLERANCE) / every))
                # What was shown until now was shown at a time that was asked for.
                if shown is not None and until < due:
                    yield _time(until * every), cv2.cvtColor(shown, cv2.COLOR_BGR2RGB)
                shown = frame
            if shown is None:
                raise UnreadableVideo(self.path, "holds no frame that can be decoded: empty, cut off, or of an unknown codec")
            if due * every < self.seconds - _TOLERANCE:
                yield _time(due * every), cv2.cvtColor(shown, cv2.COLOR_BGR2RGB)
        finally:
            self._capture.release()

    def _next(self):
        """The next frame that can be decoded, uint8 BGR `[H, W, 3]`; or None."""
        for failed in range(_TRIES):
            if self._capture.grab() and (frame := self._capture.retrieve()[1]) is not None:
                self._damaged += failed > 0
                self._clock.tick(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
                return frame
        return None

    def notes(self, complete=True):
        """What a report must say of the video itself, once its frames have been given: list of str.

        Args:
            complete: bool, whether it was read to its end.
        """
        notes = []
        if complete and self.promised and self.seconds < (1 - _MISSING) * self.promised - 1:
            notes.append(
                f"the video ends after {clock(self.seconds)}, though its file says {clock(self.promised)}: it may be cut off or "
                "damaged."
            )
        if self._damaged:
            places = "1 place" if self._damaged == 1 else f"{self._damaged} places"
            notes.append(f"in {places} frames could not be decoded and were passed over.")
        if self._clock.jumps:
            jumps = "1 jump" if self._clock.jumps == 1 else f"{self._clock.jumps} jumps"
            notes.append(f"{jumps} in the video's own times, of more than {_LONGEST // 60} minutes or backwards, were left out.")
        return notes


class Clock:
    """The times of frames, which go on whatever the container says.

    Args:
        rate: float, frames a second where it says nothing that can be true.

    Attributes:
        now: float, s since the first frame, of the frame that came last; None before the first.
        end: float, s, until when that is shown: as long as the one before it.
        jumps: int, how often what the container said was not taken.
    """

    def __init__(self, rate):
        self._usual = self._step = 1 / rate
        self.now, self.jumps, self._said = None, 0, 0.0

    @property
    def end(self):
        return 0.0 if self.now is None else self.now + self._step

    def tick(self, said):
        """Takes the time of the next frame, as the container says it: float, s."""
        if self.now is None:
            self.now, self._said = 0.0, said if math.isfinite(said) else 0.0
            return
        step = said - self._said
        if not 0 < step <= _LONGEST:
            # Where a container has no times at all, each is 0.
            self.jumps += step != 0
            step = self._usual
        self._said = said if math.isfinite(said) else self._said + step
        self._step = step
        self.now += step


def looks_like_one(path):
    """Whether a name ends as those of videos do: bool."""
    return Path(path).suffix.lower() in SUFFIXES


def clock(seconds):
    """A time in a video for people: "0:09", "12:30", "1:02:03"."""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _time(seconds):
    # 3 times 0.1 is 0.3.
    return round(seconds, 6)


def _check(path):
    # Before it is opened: opening a pipe waits for its other end.
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise UnreadableVideo(path, "no regular file")
    try:
        path.encode()
    except UnicodeEncodeError:
        # OpenCV 5.0 ends the process.
        raise UnreadableVideo(path, "its name is no Unicode: rename it") from None
    with open(path, "rb") as file:
        # As many bytes as the longest beginning that tells a format.
        start = file.read(128)
    if not start:
        raise UnreadableVideo(path, "the file is empty")
    if (kind := containers.kind(start)) is not None:
        raise UnreadableVideo(path, f"a photo ({kind}), no video")
