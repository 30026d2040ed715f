"""What is said of the public data sets."""

import re

import pytest

from logo_keras.datasets.about import ABOUT, NOT_PUBLIC, About, about


def test_every_set_says_who_made_it_and_where_it_is():
    for name, each in ABOUT.items():
        assert isinstance(each, About) and each.name == name
        assert each.title and each.licence and re.search(r"(19|20)\d\d", each.citation)
        assert re.match(r"https?://", each.address)


def test_what_a_person_must_do_is_said_where_nothing_can_be_fetched():
    assert all(each.downloads or each.instructions for each in ABOUT.values())
    assert all(each.instructions for each in ABOUT.values() if each.by_hand)


def test_files_have_web_addresses_and_plain_names():
    for file in (file for each in ABOUT.values() for file in each.downloads):
        assert re.match(r"https?://[^ ]+$", file.url) and re.fullmatch(r"[\w{}.]+", file.path)
        assert ("{number}" in file.url) == ("{number}" in file.path)


@pytest.mark.parametrize("name", ["logo2k", "Logo-2K+", "LOGO 2K"])
def test_a_set_is_found_however_its_name_is_written(name):
    assert about(name) is ABOUT["logo2k"]


@pytest.mark.parametrize("name", [*NOT_PUBLIC, "Logo-405", "PL2K"])
def test_sets_that_are_not_public_are_refused_with_what_to_use_instead(name):
    with pytest.raises(ValueError, match="not been published.*Logo-2K\\+.*LogoDet-3K"):
        about(name)


def test_an_unknown_name_lists_the_known_ones_and_the_nearest():
    with pytest.raises(ValueError, match="logo2k, belgalogos.*got 'flickrlogo27'.*Did you mean 'flickrlogos27'"):
        about("flickrlogo27")
