"""Figures of a timeline, by hand: seconds, appearances, shares of the picture."""

import json

import numpy as np
import pytest

from logo_keras.gallery import Match
from logo_keras.video.timeline import Appearance, Look, Sighting, Timeline, covered, ends, exposures, sightings

SIZE = (100, 200)
LEFT, RIGHT, HALF = (0, 0, 50, 100), (0, 100, 50, 200), (0, 0, 100, 100)


def look(start, *sightings):
    return Look(start, SIZE, tuple(Sighting(*each) for each in sightings))


def test_the_box_of_a_whole_frame_is_no_place():
    matches = [Match("Acme", 0.5, (0.0, 0.0, 100.0, 200.0), None), Match("Acme", 0.4, tuple(np.float32(LEFT)), None)]
    whole, part = sightings(matches, SIZE)
    assert whole == Sighting("Acme", 0.5, None) and part == Sighting("Acme", 0.4, LEFT)
    assert {type(corner) for corner in part.box} == {float}


@pytest.mark.parametrize(
    ("boxes", "share"),
    [
        ([LEFT], 0.25),
        ([LEFT, RIGHT], 0.5),
        # One in the other, overlapping ones, the same twice, three.
        ([HALF, LEFT], 0.5),
        ([(0, 0, 50, 100), (0, 50, 50, 150)], 0.375),
        ([LEFT, LEFT], 0.25),
        ([(0, 0, 20, 200), (0, 0, 100, 20), (80, 0, 100, 200)], 0.2 + 0.2 + 0.06),
        # What lies outside does not count.
        ([(-50, -100, 50, 100)], 0.25),
        ([(-9, -9, 0, 0)], 0.0),
        ([(0.5, 0, 1.0, 200)], 0.005),
    ],
)
def test_what_boxes_cover_counts_once(boxes, share):
    assert covered(boxes, SIZE) == pytest.approx(share)


def test_a_brand_is_counted_frame_by_frame_and_run_by_run():
    looks = [
        look(0.0, ("Acme", 0.5, LEFT)),
        look(1.0, ("Acme", 0.7, LEFT), ("Acme", 0.6, RIGHT)),
        look(2.0),
        look(3.0, ("Acme", 0.4, HALF), ("Globex", 0.3, RIGHT)),
    ]
    acme, globex = exposures(looks, 3.5)
    assert (acme.label, acme.seconds, acme.share_of_time) == ("Acme", 2.5, pytest.approx(2.5 / 3.5))
    assert acme.appearances == (Appearance(0.0, 2.0, 1.0, 0.7, 0.375), Appearance(3.0, 3.5, 3.0, 0.4, 0.5))
    # 1 s of a quarter, 1 s of a half, half a second of a half.
    assert acme.share_while_seen == pytest.approx(1.0 / 2.5) and acme.share_of_picture == pytest.approx(1.0 / 3.5)
    assert (globex.seconds, globex.share_while_seen, len(globex.appearances)) == (0.5, 0.25, 1)


def test_a_frame_that_stands_for_longer_counts_for_longer():
    (acme,) = exposures([look(0.0, ("Acme", 0.5, LEFT)), look(9.0, ("Acme", 0.5, HALF))], 10.0)
    assert acme.seconds == 10.0 and acme.share_while_seen == pytest.approx((9 * 0.25 + 0.5) / 10)


def test_frames_of_which_no_place_is_known_count_for_the_time_alone():
    looks = [look(0.0, ("Acme", 0.9, None)), look(1.0, ("Acme", 0.5, LEFT)), look(2.0, ("Globex", 0.5, None))]
    acme, globex = exposures(looks, 4.0)
    assert (acme.seconds, acme.share_while_seen, acme.share_of_picture) == (2.0, 0.25, 0.0625)
    assert (globex.seconds, globex.share_while_seen, globex.share_of_picture) == (2.0, None, None)
    assert globex.appearances[0].share is None


def test_the_longest_seen_come_first_and_of_equal_ones_names_decide():
    looks = [look(0.0, ("b", 0.5, LEFT), ("a", 0.4, RIGHT)), look(1.0, ("c", 0.5, LEFT)), look(2.0, ("c", 0.5, LEFT))]
    assert [each.label for each in exposures(looks, 3.0)] == ["c", "a", "b"]


def test_nothing_seen_is_no_brand():
    assert exposures([look(0.0), look(1.0)], 2.0) == ()
    assert ends([look(0.0), look(1.0)], 2.5) == [1.0, 2.5]


def test_a_timeline_is_json():
    looks = (look(0.0, ("Acme", 0.5, LEFT)), look(1.0))
    made = Timeline("v.mp4", 1.5, 1.0, True, SIZE, ("a note",), exposures(looks, 1.5), looks)
    said = json.loads(json.dumps(made.to_dict()))
    assert said["frames"] == [
        {"start": 0.0, "end": 1.0, "matches": [{"label": "Acme", "similarity": 0.5, "box": [0, 0, 50, 100]}]},
        {"start": 1.0, "end": 1.5, "matches": []},
    ]
    (brand,) = said.pop("brands")
    assert brand["appearances"] == [{"start": 0.0, "end": 1.0, "best": 0.0, "similarity": 0.5, "share": 0.25}]
    assert set(brand) == {"label", "seconds", "share_of_time", "share_while_seen", "share_of_picture", "appearances"}
    del said["frames"]
    assert said == {"video": "v.mp4", "seconds": 1.5, "every": 1.0, "complete": True, "size": [100, 200], "notes": ["a note"]}
