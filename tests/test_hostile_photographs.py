"""Hundreds of odd, damaged and malicious files: each is read as Pillow reads it, or reported; none stops the others."""

import json
import os
import re
import subprocess
import sys
import warnings

import hostile
import numpy as np
import pytest
from PIL import Image, ImageOps

import logo_keras as lk
from logo_keras.image.preprocessing import MAX_PIXELS, UnreadablePhoto, check, prepare, read

# Small, so that the bound on the memory is near what small files take.
PIXELS = 2_000_000
# Five of every kind.
COUNT = 5 * len(hostile.KINDS)
# Reads lists of files, each list in a process of its own, since a decoder that crashes or hangs takes its process with it.
CHILD = """
import json, os, sys
import PIL.ImageOps
from logo_keras.image.preprocessing import UnreadablePhoto, read
def peak():
    try:
        with open("/proc/self/status") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except OSError:
        return None
def work(paths):
    read(first)
    before, said = peak(), []
    for path in paths:
        try:
            said.append(["read", read(path, max_pixels=int(sys.argv[1])).shape])
        except UnreadablePhoto as error:
            assert error.name == path, error.name
            said.append(["unreadable", error.reason])
    return [said, before, peak()]
first, *lists = json.load(sys.stdin)
for paths in lists:
    if hasattr(os, "fork"):
        # The child has imported everything, and its peak is its own.
        child = os.fork()
        if child:
            assert os.waitpid(child, 0)[1] == 0
            continue
    print(json.dumps(work(paths)), flush=True)
    if hasattr(os, "fork"):
        os._exit(0)
"""


def read_apart(lists, max_pixels, first):
    """Of each list of paths: what was said of each, and the memory in bytes before and at the peak (None: not told)."""
    first.write_bytes(hostile.png(8, 8))
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD, str(max_pixels)],
        input=json.dumps([str(first), *([str(path) for path in paths] for paths in lists)]),
        capture_output=True,
        text=True,
        errors="replace",
        env=os.environ | {"OPENCV_LOG_LEVEL": "SILENT"},
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return [json.loads(line) for line in finished.stdout.splitlines()]


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return hostile.write(tmp_path_factory.mktemp("hostile") / "photographs", COUNT)


@pytest.fixture(scope="module")
def outcomes(cases, tmp_path_factory):
    return read_apart([[case.path for case in cases]], PIXELS, tmp_path_factory.mktemp("first") / "first.png")[0]


def on_ground(rgba):
    """uint8 RGB: on white, or on grey where what is visible is nearly white."""
    colours, alpha = rgba[..., :3].astype(int), rgba[..., 3:].astype(int)
    ground = 128 if (colours * [299, 587, 114] * alpha).sum() > 224_000 * alpha.sum() else 255
    return (colours * alpha + ground * (255 - alpha) + 127) // 255


def by_pillow(path):
    """uint8 RGB as Pillow reads it, or None."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            image = ImageOps.exif_transpose(image)
            if image.has_transparency_data:
                return on_ground(np.asarray(image.convert("RGBA")))
            return np.asarray(image.convert("RGB"))
    # Pillow has no one error for damaged files.
    except Exception:
        return None


def test_there_are_files_of_every_kind_and_name(cases):
    assert len({case.path for case in cases}) == COUNT
    assert {case.kind for case in cases} == set(hostile.KINDS)
    assert [case.path for case in cases] == sorted(case.path for case in cases)
    assert max(len(os.fsencode(os.path.basename(case.path))) for case in cases) == 255
    assert any("标" in case.path for case in cases) and any("😀" in case.path for case in cases)


def test_the_seed_decides_what_is_made(cases, tmp_path):
    again, other = hostile.write(tmp_path / "again", 160), hostile.write(tmp_path / "other", 160, seed=1)

    def files(some):
        return [(os.path.basename(case.path), case.made.data) for case in some if not callable(case.made.data)]

    assert files(again) == files(cases[:160]) != files(other)


def test_every_file_is_read_or_reported_with_its_reason(cases, outcomes):
    for case, (outcome, detail) in zip(cases, outcomes[0], strict=True):
        if case.made.expected != hostile.EITHER:
            assert outcome == case.made.expected, (case.kind, case.path, detail)
        if outcome == "unreadable":
            assert re.search(case.made.reason, detail), (case.kind, detail)


def test_what_is_read_is_what_pillow_reads(cases, outcomes):
    compared = 0
    for case, (outcome, shape) in zip(cases, outcomes[0], strict=True):
        if outcome == "unreadable":
            continue
        truth = by_pillow(case.path) if case.made.truth is None else case.made.truth
        if truth is None:
            # Pillow is the stricter one of the two with damaged files only.
            assert case.made.expected == hostile.EITHER, (case.kind, case.path)
            continue
        assert tuple(shape) == truth.shape, (case.kind, case.path)
        if case.made.expected == hostile.READ:
            difference = np.abs(read(case.path).astype(int) - truth).max()
            assert difference <= case.made.bound, (case.kind, case.path, difference)
            compared += 1
    assert compared > COUNT * 9 / 20


def test_check_says_what_read_says(cases, outcomes):
    for case, (outcome, detail) in zip(cases, outcomes[0], strict=True):
        try:
            check(case.path, max_pixels=PIXELS)
            assert outcome == "read", (case.kind, detail)
        except UnreadablePhoto as error:
            assert error.reason == detail, case.kind


def test_no_file_takes_more_memory_than_the_bound(cases, outcomes):
    _, before, peak = outcomes
    if peak is None:
        pytest.skip("the system does not tell the memory that a process had at its peak")
    largest = max(len(case.made.data) for case in cases if not callable(case.made.data))
    # 20 bytes a px beside the file, and what the decoders take for themselves: tables, and a text of 8 MB at a time.
    assert peak - before < 20 * PIXELS + 2 * largest + 32 * 2**20


def test_decoding_takes_at_most_20_bytes_a_pixel(tmp_path):
    side, kinds = 2000, [*hostile.FORMATS, "PNG alpha", "WEBP alpha", "TIFF alpha"]
    for name in kinds:
        kind, _, alpha = name.partition(" ")
        flat = Image.new("CMYK" if kind == "JPEG" else "RGB", (side, side), "orange")
        if alpha:
            flat.putalpha(100)
        # The most that each takes: a progressive JPEG keeps all its coefficients, and turning is done in a copy.
        options = {"JPEG": dict(progressive=True, subsampling=0), "TIFF": dict(compression="tiff_lzw"), "AVIF": dict(speed=10)}
        if kind not in ("GIF", "BMP"):
            exif = Image.Exif()
            exif[0x0112] = 6
            options.setdefault(kind, {})["exif"] = exif
        flat.save(tmp_path / name, kind, **options.get(kind, {}))
    found = read_apart([[tmp_path / name] for name in kinds], MAX_PIXELS, tmp_path / "first.png")
    for name, ([(outcome, _)], before, peak) in zip(kinds, found, strict=True):
        assert outcome == "read", name
        if peak is None:
            pytest.skip("the system does not tell the memory that a process had at its peak")
        assert peak - before < 20 * side * side + (tmp_path / name).stat().st_size + 8 * 2**20, name


def test_a_data_set_names_every_unreadable_file_and_keeps_the_others_in_place(tmp_path):
    pytest.importorskip("tensorflow")
    cases = [
        (label, case)
        for label, brand in enumerate(("Ärger & Söhne", "可口可乐"))
        for case in hostile.write(tmp_path / brand, len(hostile.KINDS), seed=label)
    ]
    readable, unreadable = [], {}
    for label, case in cases:
        try:
            readable.append((case.path, label, prepare(case.path, 32)))
        except UnreadablePhoto as error:
            unreadable[case.path] = error.reason
    assert len(readable) > 125 and len(unreadable) > 75

    dataset = lk.datasets.load("folder", tmp_path)
    assert list(dataset.paths) == [case.path for _, case in cases]
    assert dataset.check() == unreadable
    assert list(dataset.readable().paths) == [path for path, _, _ in readable]
    batches = list(dataset.batches(8, 32))
    images = np.concatenate([np.asarray(images) for images, _ in batches])
    np.testing.assert_array_equal(
        np.concatenate([np.asarray(labels) for _, labels in batches]), [label for _, label, _ in readable]
    )
    np.testing.assert_allclose(images, [image for _, _, image in readable], atol=0.51)
