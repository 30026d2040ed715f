"""The packages of marks: pinned, fetched by npm once, refused where they are something else, and read within bounds."""

import dataclasses
import json
import os
import subprocess
import sys
import tarfile

import pytest
from marks import BARS, CROSS, RING, package_file, small_package

from logo_keras.datasets.marks import packages
from logo_keras.errors import FileError, UserError

pytest.importorskip("simplepycons")


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """An npm that packs `came.tgz` and counts its calls, as the only program there is: the folder in which it lies."""
    folder = tmp_path / "npm"
    folder.mkdir()
    program = folder / "npm"
    program.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, shutil, sys\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        "with open(folder / 'calls', 'a') as file:\n"
        "    print(*sys.argv[1:], file=file)\n"
        "if not (folder / 'came.tgz').exists():\n"
        "    sys.exit('npm error 404 Not Found')\n"
        "shutil.copy(folder / 'came.tgz', 'p-1.0.0.tgz')\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def pinned(npm, icons):
    """A package whose file the npm of the fixture brings."""
    integrity = package_file(npm / "came.tgz", icons)
    return packages.Package("small", "1.0.0", "CC0-1.0", "nobody", "https://example.org", "colour", integrity)


def test_every_package_is_pinned_and_names_a_free_licence():
    assert len(packages.PACKAGES) == 10
    for name, package in packages.PACKAGES.items():
        assert package.name == name
        assert package.licence in ("CC0-1.0", "MIT", "CC-BY-4.0")
        assert package.kind in ("one colour", "colour", "token")
        assert package.integrity.startswith("sha512-") and len(package.integrity) == 95 or name == "simplepycons"


def test_every_font_is_pinned_and_names_a_free_licence():
    assert len(packages.FONTS) == 51 and not packages.FONTS.keys() & packages.PACKAGES.keys()
    for name, font in packages.FONTS.items():
        assert (font.name, font.kind, font.wanted) == (name, "words", f"@fontsource/{name}@{font.version}")
        assert font.licence in ("OFL-1.1", "Apache-2.0") and font.weights
        assert font.integrity.startswith("sha512-") and len(font.integrity) == 95


@pytest.mark.slow
def test_the_fonts_have_the_files_and_licences_that_the_list_says(tmp_path):
    if subprocess.run(["npm", "ping"], capture_output=True, cwd=tmp_path).returncode:
        pytest.skip("npm reaches no registry")
    for name, path in packages.fetch(tmp_path, packages=packages.FONTS).items():
        font = packages.FONTS[name]
        with tarfile.open(path) as tar:
            about, files = json.load(tar.extractfile("package/package.json")), tar.getnames()
        assert (about["version"], about["license"]) == (font.version, font.licence)
        assert {f"package/files/{name}-latin-{weight}-normal.woff" for weight in font.weights} <= set(files)
    assert len(packages.icons(tmp_path, packages.FONTS["pacifico"])) > 30


def test_a_package_is_fetched_once_by_its_pin(npm, tmp_path):
    package, said = pinned(npm, {"ring": RING}), []
    for _ in range(2):
        kept = packages.fetch(tmp_path / "root", said.append, {"small": package})
    assert kept["small"].read_bytes() == (npm / "came.tgz").read_bytes()
    assert said == ["fetching @iconify-json/small@1.0.0"]
    assert (npm / "calls").read_text().split()[:2] == ["pack", "@iconify-json/small@1.0.0"]
    assert [path.name for path in kept["small"].parent.iterdir()] == ["small-1.0.0.tgz"]


def test_a_damaged_package_is_fetched_again(npm, tmp_path):
    package = pinned(npm, {"ring": RING})
    kept = packages.fetch(tmp_path, None, {"small": package})["small"]
    kept.write_bytes(b"half")
    packages.fetch(tmp_path, None, {"small": package})
    assert kept.read_bytes() == (npm / "came.tgz").read_bytes()


def test_another_package_under_the_same_name_is_refused_and_not_kept(npm, tmp_path):
    package = dataclasses.replace(pinned(npm, {"ring": RING}), integrity="sha512-other")
    with pytest.raises(FileError, match="small@1.0.0.*another SHA-512.*wanted sha512-other"):
        packages.fetch(tmp_path / "root", None, {"small": package})
    assert not list((tmp_path / "root").rglob("*.tgz"))


def test_what_npm_says_is_passed_on(npm, tmp_path):
    package = pinned(npm, {"ring": RING})
    (npm / "came.tgz").unlink()
    with pytest.raises(ConnectionError, match="npm pack @iconify-json/small@1.0.0 brought no package: 404 Not Found"):
        packages.fetch(tmp_path, None, {"small": package})


def test_a_missing_npm_is_named_with_what_brings_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="npm fetches @iconify-json/logos@1.2.19.*Node.js"):
        packages.fetch(tmp_path, None, {"logos": packages.PACKAGES["logos"]})


def test_another_version_of_simplepycons_is_refused(tmp_path):
    package = dataclasses.replace(packages.PACKAGES["simplepycons"], version="1!1.0.0")
    with pytest.raises(UserError, match=r"is installed: pip install 'simplepycons==1!1\.0\.0'"):
        packages.fetch(tmp_path, None, {"simplepycons": package})


def test_icons_have_their_sizes_and_hidden_ones_and_aliases_are_left_out(tmp_path):
    icons = {"ring": RING, "bars": {"body": BARS, "width": 30, "left": -3}, "gone": {"body": CROSS, "hidden": True}}
    package = small_package(tmp_path, icons, aliases={"circle": {"parent": "ring"}})["small"]
    found = packages.icons(tmp_path, package)
    assert list(found) == ["ring", "bars"]
    assert 'viewBox="0 0 24 24"' in found["ring"].svg and found["ring"].color is None
    assert 'viewBox="-3 0 30 24"' in found["bars"].svg and BARS in found["bars"].svg


def test_simplepycons_gives_the_colour_of_the_brand(tmp_path):
    found = packages.icons(tmp_path, packages.PACKAGES["simplepycons"])
    assert found["spotify"].color == (30, 215, 96)
    assert found["spotify"].svg.startswith("<svg")


def test_a_package_that_is_not_there_says_how_to_fetch_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="logos-1.2.19.tgz is missing.*fetch"):
        packages.icons(tmp_path, packages.PACKAGES["logos"])


@pytest.mark.parametrize("data", [b"", b"no archive", b'{"icons": {}}'])
def test_a_damaged_file_is_named(tmp_path, data):
    package = small_package(tmp_path, {"ring": RING})["small"]
    packages.place(tmp_path, package).write_bytes(data)
    with pytest.raises(FileError, match="small-1.0.0.tgz: it is damaged"):
        packages.icons(tmp_path, package)


@pytest.mark.parametrize("icons", [[], {"ring": []}, {"ring": {}}, {"ring": {"body": RING, "width": "wide"}}])
def test_an_index_of_another_shape_is_refused(tmp_path, icons):
    package = small_package(tmp_path, {})["small"]
    path = packages.place(tmp_path, package)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "icons.json").write_text(json.dumps({"icons": icons}))
    with tarfile.open(path, "w:gz") as tar:
        tar.add(tmp_path / "package" / "icons.json", "package/icons.json")
    with pytest.raises(FileError, match="it is damaged"):
        packages.icons(tmp_path, package)


def test_an_index_or_an_icon_without_end_is_refused(tmp_path, monkeypatch):
    package = small_package(tmp_path, {"ring": RING})["small"]
    monkeypatch.setattr(packages, "MAX_SVG", 10)
    with pytest.raises(FileError, match="the icon 'ring' has more than 10 characters"):
        packages.icons(tmp_path, package)
    monkeypatch.setattr(packages, "MAX_FILE", 10)
    with pytest.raises(FileError, match="no plain file of at most 10 bytes"):
        packages.icons(tmp_path, package)


@pytest.mark.slow
def test_the_packages_say_of_themselves_what_the_table_says(tmp_path):
    if subprocess.run(["npm", "ping"], capture_output=True, cwd=tmp_path).returncode:
        pytest.skip("npm reaches no registry")
    for name, path in packages.fetch(tmp_path, packages=packages.PACKAGES).items():
        package = packages.PACKAGES[name]
        with tarfile.open(path) as tar:
            about, info = (json.load(tar.extractfile(f"package/{file}.json")) for file in ("package", "info"))
        assert (about["version"], about["license"], info["license"]["spdx"]) == (package.version, *[package.licence] * 2)
        assert package.author.startswith(info["author"]["name"])
        assert info["author"]["url"].startswith(package.address) or os.path.dirname(package.address) in info["author"]["url"]
