"""The catalogue of marks: one name for all marks of a brand, and no mark that an embedding will be judged on."""

import fnmatch

import pytest
from marks import RING, small_package

from logo_keras.datasets.marks import catalogue, packages
from logo_keras.datasets.marks.catalogue import Mark, brand_of, is_left_out
from logo_keras.datasets.synthetic import artwork

pytest.importorskip("simplepycons")

P = packages.PACKAGES


@pytest.mark.parametrize(
    "package, names",
    [
        ("logos", ["active-campaign", "active-campaign-icon", "active-campaign-dark"]),
        ("devicon", ["git", "git-wordmark", "git-original", "git-plain-wordmark", "git-line"]),
        ("vscode-icons", ["file-type-rust", "file-type-light-rust", "file-type-rust-official"]),
        ("fa6-brands", ["behance", "square-behance"]),
        ("cib", ["amazon-pay", "cc-amazon-pay"]),
        ("skill-icons", ["kotlin-dark", "kotlin-light"]),
        ("token-branded", ["arbitrum", "arbitrum-background"]),
    ],
)
def test_variants_of_a_brand_have_one_name(package, names):
    assert len({brand_of(P[package], name) for name in names}) == 1


def test_a_brand_has_one_name_in_all_packages():
    assert brand_of(P["simplepycons"], "vuedotjs") == brand_of(P["devicon"], "vuejs-wordmark") == "vuejs"
    assert brand_of(P["simplepycons"], "dotnet") == "dotnet"
    assert brand_of(P["logos"], "500px") == brand_of(P["cib"], "500px") == "500px"


def test_different_brands_stay_different():
    assert brand_of(P["cib"], "creative-commons-by") != brand_of(P["cib"], "creative-commons-sa")
    assert brand_of(P["logos"], "line") != ""


def test_a_ticker_is_no_name_of_another_brand():
    assert brand_of(P["cryptocurrency-color"], "ada") == "ada token" != brand_of(P["simplepycons"], "ada")
    assert brand_of(P["token-branded"], "ada-background") == "ada token"
    assert brand_of(P["token-branded"], "tether") == brand_of(P["simplepycons"], "tether")


@pytest.mark.parametrize("name", ["folder-type-docker", "folder-type-docker-opened", "default-file"])
def test_pictures_of_folders_show_no_brand(name):
    assert brand_of(P["vscode-icons"], name) is None


def left_out(package, name):
    return is_left_out(Mark(brand_of(P[package], name), package, name))


@pytest.mark.parametrize(
    "package, name",
    [
        ("logos", "nike"),
        ("logos", "apple-app-store"),
        ("logos", "google-cloud"),
        ("fa6-brands", "cc-visa"),
        ("fa6-brands", "square-facebook"),
        ("vscode-icons", "file-type-light-docker"),
        ("token-branded", "base-background"),
        ("cryptocurrency-color", "tnt"),
        ("simplepycons", "volkswagen"),
        ("simplepycons", "handm"),
        ("simplepycons", "uniqlo_ja"),
        ("simplepycons", "suzuki"),
        ("simplepycons", "polestar"),
        ("bxl", "tux"),
        ("vscode-icons", "file-type-cuda"),
    ],
)
def test_a_left_out_brand_is_left_out_under_each_of_its_names(package, name):
    assert left_out(package, name)


@pytest.mark.parametrize("name", ["minio", "upstash", "basecamp", "linear", "hpcc", "figma", "seatgeek"])
def test_a_short_left_out_brand_takes_no_longer_names_with_it(name):
    assert not left_out("logos", name)


def test_all_brands_and_distractors_of_the_synthetic_set_are_left_out():
    names = [*artwork.BRANDS.values(), *artwork.TRAIN_DISTRACTORS, *artwork.OTHER_DISTRACTORS]
    assert len(names) >= 120
    assert not [name for name in names if not left_out("simplepycons", name)]


def test_the_sets_that_embeddings_are_judged_on_are_left_out():
    exact, _ = catalogue.left_out_brands()
    # One of each part of the list, and names that are spelled in several ways.
    assert {"vodafone", "tsingtao", "hellyhansen", "michaelkors", "umbro", "koenigsegg", "marlboro", "cocacola"} <= exact
    assert not [name for name in exact if not name.isalnum() or name != name.lower()]


def test_no_mark_of_the_catalogue_breaks_the_rule(tmp_path):
    # Every left-out brand under its own name, with something behind it and as a drawing of a package, among others.
    exact, beginnings = catalogue.left_out_brands()
    icons = dict.fromkeys([*exact, *(f"{name}-icon" for name in exact), *(f"{name}-pay" for name in beginnings)], RING)
    wanted = {**small_package(tmp_path, icons | {"figma": RING, "minio": RING}), "simplepycons": P["simplepycons"]}
    kept, dropped = catalogue.marks(tmp_path, wanted)
    assert {mark.name for mark in kept if mark.package == "small"} == {"figma", "minio"}
    assert len(kept) > 3000 and len(dropped) > len(icons) - 2
    patterns = catalogue.left_out_patterns()
    for mark in kept:
        for name in (mark.brand, "".join(filter(str.isalnum, mark.name))):
            assert name not in exact
            assert not any(name.startswith(brand) for brand in exact if len(brand) > 4), mark
        assert not any(fnmatch.fnmatchcase(f"{mark.package}/{mark.name}", pattern) for pattern in patterns), mark


def test_every_line_of_the_single_marks_names_a_package():
    for pattern in catalogue.left_out_patterns():
        package, _, name = pattern.partition("/")
        assert (package in P or package == "*") and name.strip("*"), pattern
