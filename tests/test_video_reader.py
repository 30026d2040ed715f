"""Frames of a video and their times: regular ones, irregular ones, none at all; turned, damaged, cut off, no videos."""

import os

import numpy as np
import photographs
import pytest
import videos

from logo_keras.video import UnreadableVideo, Video
from logo_keras.video.reader import Clock, clock, looks_like_one


def levels(video, every):
    """What is given: dict from time to grey level, to the nearest ten."""
    return {time: int(round(frame.mean(), -1)) for time, frame in video.frames(every)}


@pytest.mark.parametrize(("name", "codec"), [("v.avi", "MJPG"), ("v.mkv", "MJPG"), ("v.mp4", "mp4v")])
def test_the_frame_that_is_shown_at_each_time_is_given(tmp_path, name, codec):
    video = Video(videos.write(tmp_path / name, [videos.grey(10 * i) for i in range(25)], codec=codec))
    assert video.promised == 2.5
    assert levels(video, 0.5) == {0.0: 0, 0.5: 50, 1.0: 100, 1.5: 150, 2.0: 200}
    assert video.seconds == pytest.approx(2.5) and video.notes() == []


def test_a_frame_that_is_shown_longer_than_asked_is_given_once(tmp_path):
    path = videos.write(tmp_path / "v.avi", [videos.grey(0), videos.grey(100), videos.grey(200)])
    assert levels(Video(path), 0.03) == {0.0: 0, 0.12: 100, 0.21: 200}


def test_slides_stay_until_the_next_one(tmp_path):
    path = videos.write(tmp_path / "v.mkv", [videos.grey(30 * i) for i in range(6)])
    video = Video(videos.retimed(path, [0, 400, 8300, 8500, 8700, 9100]))
    # What was there at 1 s came at 0.4 s.
    assert levels(video, 1.0) == {0.0: 0, 1.0: 30, 9.0: 120}
    assert video.seconds == pytest.approx(9.5)


def test_frames_are_turned_as_the_file_says(tmp_path):
    frame = videos.grey(20)
    frame[:, :16] = 220
    ((_, plain),) = Video(videos.write(tmp_path / "v.mp4", [frame], codec="mp4v")).frames()
    ((_, turned),) = Video(videos.turned(tmp_path / "v.mp4")).frames()
    assert plain.shape == (48, 64, 3) and turned.shape == (64, 48, 3)
    # What was left is above.
    np.testing.assert_allclose(turned, np.rot90(plain, -1), atol=3)


def test_colours_are_red_green_blue(tmp_path):
    ((_, frame),) = Video(videos.write(tmp_path / "v.avi", [np.full((48, 64, 3), (220, 120, 20), np.uint8)])).frames()
    np.testing.assert_allclose(frame.mean(axis=(0, 1)), (220, 120, 20), atol=4)


def test_damaged_frames_are_passed_over_and_told(tmp_path):
    path = videos.write(tmp_path / "v.avi", [photographs.scene(48, 64, i) for i in range(30)])
    data = bytearray(path.read_bytes())
    # In the middle of a frame, and its end with it.
    at = data.index(b"\xff\xd8\xff", len(data) // 2)
    data[at : at + 900] = bytes(900)
    path.write_bytes(data)
    video = Video(path)
    times = [time for time, _ in video.frames(0.1)]
    assert 20 < len(times) < 30 and times[-1] > 2.5
    assert video.notes() == ["in 1 place frames could not be decoded and were passed over."]


def test_a_video_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path):
    path = videos.write(tmp_path / "v.mkv", [videos.grey(4 * i) for i in range(60)])
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    video = Video(path)
    assert 3 <= len(list(video.frames(1.0))) <= 4
    assert video.promised == 6.0 and 2 < video.seconds < 4
    (note,) = video.notes()
    assert "its file says 0:06: it may be cut off" in note
    assert video.notes(complete=False) == []


def test_a_single_frame_is_shown_for_as_long_as_its_rate_says(tmp_path):
    video = Video(videos.write(tmp_path / "v.avi", [videos.grey(90)]))
    assert levels(video, 1.0) == {0.0: 90} and video.seconds == 0.1


@pytest.mark.parametrize(
    ("said", "times", "jumps"),
    [
        # A container without times; one that goes back where two were joined; one that leaps by hours; one with none for a frame.
        ([0, 0, 0, 0], [0, 0.1, 0.2, 0.3], 0),
        ([0, 0.2, 0.4, 0.0, 0.2], [0, 0.2, 0.4, 0.5, 0.7], 1),
        ([5, 5.2, 9000, 9000.2], [0, 0.2, 0.3, 0.5], 1),
        ([0, float("nan"), 0.2], [0, 0.1, 0.2], 1),
        ([-0.08, 0.02, 0.12], [0, 0.1, 0.2], 0),
        # Slides.
        ([0, 1, 300], [0, 1, 300], 0),
    ],
)
def test_time_goes_on_whatever_a_container_says(said, times, jumps):
    watch, found = Clock(rate=10), []
    for each in said:
        watch.tick(each)
        found.append(watch.now)
    np.testing.assert_allclose(found, times, atol=1e-9)
    assert watch.jumps == jumps and watch.end > found[-1]


def test_jumps_are_told(tmp_path):
    path = videos.write(tmp_path / "v.mkv", [videos.grey(0)] * 3)
    video = Video(videos.retimed(path, [1000, 900, 1000]))
    list(video.frames())
    assert any(note.startswith("1 jump in the video's own times") for note in video.notes())


def test_what_is_no_video_is_named_with_the_reason(tmp_path):
    whole = videos.write(tmp_path / "whole.mp4", [videos.grey(9)] * 9, codec="mp4v").read_bytes()
    for name, data, reason in (
        ("empty.mp4", b"", "the file is empty"),
        ("text.mp4", b"hello\n" * 99, "no video, damaged"),
        ("photo.mp4", photographs.encode(videos.grey(9)), "a photo (JPEG), no video"),
        ("cut.mp4", whole[: len(whole) // 2], "no video, damaged"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnreadableVideo, match=f"{name}: ") as error:
            Video(tmp_path / name)
        assert reason in error.value.reason
    with pytest.raises(UnreadableVideo, match="no regular file"):
        Video(tmp_path)
    with pytest.raises(FileNotFoundError, match="missing.mp4"):
        Video(tmp_path / "missing.mp4")


def test_a_video_without_frames_is_named(tmp_path):
    video = Video(videos.write(tmp_path / "v.avi", []))
    with pytest.raises(UnreadableVideo, match="v.avi: holds no frame that can be decoded"):
        next(video.frames())


@pytest.mark.skipif(os.name != "posix", reason="such names are Linux's")
def test_a_name_that_is_no_unicode_is_refused_and_ends_no_process(tmp_path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/v\xff.avi")
    try:
        videos.write(tmp_path / "v.avi", [videos.grey(9)]).rename(path)
    except OSError:
        pytest.skip("this file system takes no such name")
    with pytest.raises(UnreadableVideo, match="rename it"):
        Video(path)


def test_frames_that_are_too_large_are_refused(tmp_path, monkeypatch):
    path = videos.write(tmp_path / "v.avi", [videos.grey(9)])
    monkeypatch.setattr("logo_keras.video.reader.MAX_PIXELS", 48 * 64 - 1)
    with pytest.raises(UnreadableVideo, match="frames of 64 x 48 px; at most 3,071 px"):
        Video(path)


@pytest.mark.parametrize("every", [0, -1, float("nan"), float("inf"), "1"])
def test_every_is_a_number_above_0(tmp_path, every):
    video = Video(videos.write(tmp_path / "v.avi", [videos.grey(9)]))
    with pytest.raises(ValueError, match="every must be a number above 0"):
        next(video.frames(every))


def test_times_and_names_for_people():
    assert [clock(each) for each in (0, 9.9, 750, 3723)] == ["0:00", "0:09", "12:30", "1:02:03"]
    assert looks_like_one("a/Match.MP4") and not looks_like_one("mp4.jpg")
