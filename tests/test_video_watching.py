"""Watching a video: what is kept of it, its page, and Ctrl-C."""

import re

import cv2
import numpy as np
import pytest
import videos
from test_report import Checked

from logo_keras.report.html import data_uri
from logo_keras.video import Sighting, Video, watch
from logo_keras.video.page import COLUMNS, bars, page
from logo_keras.video.timeline import Appearance

BOX = (8, 16, 24, 48)
HOSTILE = "<script>\"&'"


def see(frame):
    """A brand of the upper left from dark frames, surer in lighter ones; another one, of no place, from the lightest."""
    level = float(frame.mean())
    found = [Sighting("Acme", level / 255, BOX)] if level < 120 else []
    return found + ([Sighting(HOSTILE, 0.5, None)] if level > 200 else [])


def watched(path, levels, every=0.1, **options):
    return watch(Video(videos.write(path, [videos.grey(level) for level in levels])), see, every, **options)


def decoded(picture):
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


@pytest.fixture
def timeline(tmp_path):
    return watched(tmp_path / "v.avi", [20, 60, 40, 150, 230, 230, 30, 150], notes=["first of all"])


def test_each_frame_is_looked_at_once(timeline):
    found, _ = timeline
    assert [each.start for each in found.looks] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert (found.seconds, found.every, found.complete, found.size) == (0.8, 0.1, True, (48, 64))
    assert found.notes == ("first of all",)
    acme, other = found.brands
    assert (acme.label, acme.seconds, other.label, other.seconds) == ("Acme", 0.4, HOSTILE, 0.2)
    assert [(each.start, each.end, each.best) for each in acme.appearances] == [(0.0, 0.3, 0.1), (0.6, 0.7, 0.6)]
    assert acme.share_while_seen == pytest.approx(16 * 32 / (48 * 64))


def test_of_each_appearance_the_surest_frame_is_kept_with_its_box(timeline):
    found, pictures = timeline
    assert set(pictures) == {("Acme", 0.0), ("Acme", 0.6), (HOSTILE, 0.4)}
    first = decoded(pictures["Acme", 0.0])
    assert first.shape == (48, 64, 3) and first[40, 60].mean() == pytest.approx(60, abs=6)
    # Orange around the box, within the accuracy of a JPEG.
    assert first[6, 20:44, 0].mean() > first[6, 20:44, 2].mean() + 60
    assert np.ptp(decoded(pictures[HOSTILE, 0.4])) < 12


def test_large_frames_become_small_pictures(tmp_path):
    frame = np.full((480, 720, 3), 50, np.uint8)
    _, pictures = watch(Video(videos.write(tmp_path / "v.avi", [frame])), lambda frame: [Sighting("Acme", 1, (0, 0, 90, 90))])
    assert decoded(pictures["Acme", 0.0]).shape == (213, 320, 3)


def test_of_many_appearances_the_longest_have_pictures(tmp_path, monkeypatch):
    # 20 of one frame, and the second of two.
    levels = [150, *[30, 150], 30, 30, 150, *[30, 150] * 18]
    found, pictures = watched(tmp_path / "v.avi", levels)
    assert len(found.brands[0].appearances) == 20 and len(pictures) == 12
    assert ("Acme", 0.3) in pictures and ("Acme", 0.1) in pictures
    text = page(found, pictures).decode()
    assert "20 appearances; pictures of the longest 12." in text and text.count("<img") == 12
    monkeypatch.setattr("logo_keras.video.page._PICTURES", 5)
    assert page(found, pictures).decode().count("<img") == 5


def test_ctrl_c_ends_early_and_keeps_what_was_seen(tmp_path):
    frames = iter(range(3))

    def seeing(frame):
        if next(frames) == 2:
            raise KeyboardInterrupt
        return see(frame)

    path = videos.write(tmp_path / "v.avi", [videos.grey(30)] * 40)
    found, pictures = watch(Video(path), seeing, 1.0)
    assert not found.complete and len(found.looks) == 2 and list(pictures) == [("Acme", 0.0)]
    assert found.notes == ("stopped by hand after 0:02 of 0:04: what follows is of that part alone.",)
    assert found.brands[0].seconds == found.seconds == 2.0 and found.brands[0].share_of_time == 1

    def at_once(frame):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(Video(path), at_once)


def test_the_page_is_complete_in_itself_and_names_are_text(timeline):
    text = page(*timeline).decode()
    checked = Checked(text)
    assert "script" not in checked.tags and all(address.startswith("data:") for address in checked.addresses)
    words = " ".join("".join(checked.words).split())
    for said in ("Brands in v.avi", "First of all", HOSTILE, "2 appearances", "50.0 %", "unknown", "0.4 s"):
        assert said in words, said
    assert text.count("<img") == 3 and 'aria-label="when Acme is seen"' in text
    assert re.findall(r'<rect x="(\d+)" width="(\d+)"', text) == [("0", "375"), ("750", "125"), ("500", "250")]
    assert data_uri(timeline[1]["Acme", 0.6]) in text


def test_the_page_says_that_nothing_was_recognized(tmp_path):
    found, pictures = watched(tmp_path / "v.avi", [150, 150])
    assert found.brands == () and pictures == {}
    assert "No brand was recognized in any of these frames." in page(found, pictures).decode()


def test_a_bar_is_no_longer_than_its_columns():
    def seen(start, end):
        return Appearance(start, end, start, 0.5, None)

    assert bars([seen(0, 1), seen(5, 10)], 10) == [(0, 100), (500, 500)]
    # Too short for a column, and the last one.
    assert bars([seen(100, 100.01), seen(9999.99, 10000)], 10000) == [(10, 1), (999, 1)]
    # Ten thousand in a thousand columns.
    assert bars([seen(i, i + 0.5) for i in range(10000)], 10000) == [(0, COLUMNS)]
