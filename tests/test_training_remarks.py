"""What a run is told of its photos before it begins."""

import numpy as np
import pytest

from logo_keras.datasets import Dataset
from logo_keras.training.remarks import remarks, spread


def photos(**counts):
    """A Dataset with so many photos of each class; nothing reads them."""
    labels = [place for place, count in enumerate(counts.values()) for _ in range(count)]
    return Dataset([f"/{number}.jpg" for number in range(len(labels))], labels, list(counts))


def test_an_ordinary_set_needs_no_remark():
    assert remarks(photos(acme=5, globex=9), photos(acme=1, globex=1)) == []


def test_the_spread_is_of_the_classes_that_have_photos():
    assert spread([0, 0, 0, 2, 3, 3, -1]) == (1, 2.0, 3)
    assert spread(np.array([-1])) == (0, 0.0, 0)


@pytest.mark.parametrize(
    ("training", "validation", "words"),
    [
        (dict(acme=5, globex=0, initech=4), None, "of 1 brand ('globex') there is no photo to learn from"),
        (dict(acme=5, globex=1, initech=4), None, "of 1 brand ('globex') there is a single photo"),
        (dict(acme=1, globex=2, initech=1), None, "4 photos of 3 brands are hardly enough"),
        (dict(acme=1, globex=1, initech=0), None, "gallery names brands from a photo"),
        (dict(acme=62, globex=2), None, "'globex' has 2 of the photos and 'acme' 62: "),
        (dict(acme=4, globex=0), dict(acme=2, globex=3), "3 validation photos show 1 brand ('globex')"),
        (dict(acme=4, globex=4), dict(acme=2, globex=0), "all validation photos show 'acme'"),
    ],
)
def test_what_is_odd_is_said(training, validation, words):
    said = remarks(photos(**training), validation and photos(**validation))
    assert any(words in remark for remark in said), said


def test_balancing_is_suggested_to_those_who_do_not_do_it():
    uneven = photos(acme=62, globex=2)
    assert "--balance 0.5" in remarks(uneven)[0] and remarks(uneven, balance=0.5) == []
    # Thirty times as many are not more than thirty times as many.
    assert remarks(photos(acme=60, globex=2)) == []
