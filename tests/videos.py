"""Small videos that tests write."""

import re
import struct

import cv2
import numpy as np
import pytest

SIZE = (48, 64)


def grey(level):
    """A frame of one grey: uint8 RGB `[48, 64, 3]`."""
    return np.full((*SIZE, 3), level, np.uint8)


def write(path, frames, rate=10, codec="MJPG"):
    """Writes RGB frames of one size as a video, the container from the suffix; returns the path."""
    height, width = frames[0].shape[:2] if len(frames) else SIZE
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), rate, (width, height))
    if not writer.isOpened():
        pytest.skip(f"this OpenCV writes no {codec}")
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def retimed(path, times):
    """Changes the times of the frames of an .mkv of Motion JPEG of up to 32 s, ms; returns the path."""
    data = bytearray(path.read_bytes())
    # The number of the track, the time, flags, and then the JPEG. Source: RFC 9559, 10.2.
    blocks = [found.start() + 1 for found in re.finditer(rb"\x81..[\x00\x80]\xff\xd8\xff", data, re.DOTALL)]
    for at, time in zip(blocks, times, strict=True):
        struct.pack_into(">h", data, at, time)
    path.write_bytes(data)
    return path


def turned(path):
    """Says in an .mp4 that its frames are to be turned by a quarter, clockwise; returns the path."""
    data = bytearray(path.read_bytes())
    # The matrix of the track header. Source: ISO/IEC 14496-12, 8.3.2.
    at = data.index(b"tkhd") + 44
    assert struct.unpack_from(">9I", data, at) == (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    struct.pack_into(">9i", data, at, 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path
