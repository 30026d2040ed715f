"""benchmarks/look_alikes.py: its altered copies, its traps, and how it counts."""

import importlib

import galleries
import marks
import numpy as np
import pytest
from conftest import ROOT

import logo_keras as lk

COPIES = 8


@pytest.fixture(scope="module")
def benchmark():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")
        yield importlib.import_module("look_alikes")


@pytest.fixture(scope="module")
def altered(benchmark):
    return importlib.import_module("altered")


@pytest.fixture(params=[False, True], ids=["one colour", "two colours"])
def mark(request, altered):
    return altered.picture(marks.drawing("acme", colored=request.param))


@pytest.fixture
def word(altered):
    return altered.picture(marks.drawing("letters", color=None))[:40]


def rng():
    return np.random.default_rng(3)


def overlap(one, other):
    """Of the px that either covers, the share that both do."""
    one, other = one[..., 3] >= 128, other[..., 3] >= 128
    return (one & other).sum() / (one | other).sum()


def test_every_copy_shows_something_and_the_same_numbers_give_it_again(altered, mark, word):
    for name, alter in altered.ALTERATIONS.items():
        copy = alter(mark, rng(), word)
        assert copy.dtype == np.uint8 and copy.shape[2] == 4 and altered.shows_something(copy), name
        assert (copy.shape != mark.shape or (copy != mark).any()) and (copy == alter(mark, rng(), word)).all(), name


def test_other_colours_leave_the_shape(altered, mark, word):
    for alter in (altered.recoloured, altered.inverted, altered.grey):
        copy = alter(mark, rng(), word)
        assert (copy[..., 3] == mark[..., 3]).all() and altered.has_colours(copy) == altered.has_colours(mark)
    assert (altered.inverted(altered.inverted(mark, None, None), None, None) == mark).all()
    assert np.ptp(altered.grey(mark, None, None)[..., :3], axis=2).max() == 0


def test_a_mark_in_several_colours_keeps_what_is_dark_and_what_is_light(altered, word):
    mark = altered.picture(marks.drawing("acme", colored=True))
    before, after = (altered.luminance(each[..., :3]) for each in (mark, altered.recoloured(mark, rng(), word)))
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.99


def test_a_redrawn_stroke_is_thicker_or_thinner_and_nearly_where_it_was(altered, word):
    mark = altered.picture(marks.drawing("acme"))
    areas = []
    for seed in range(8):
        copy = altered.redrawn(mark, np.random.default_rng(seed), word)
        margin = (len(copy) - len(mark)) // 2
        inside = copy[margin : margin + 160, margin : margin + 160]
        areas.append(copy[..., 3].sum() / mark[..., 3].sum())
        assert 0.3 < overlap(inside, mark) < 0.98
    # Never less than half is left.
    assert 0.45 < min(areas) < 0.9 and max(areas) > 1.1


def test_a_turned_mark_keeps_its_size(altered, mark, word):
    copy = altered.turned(mark, rng(), word)
    assert copy.shape[0] == copy.shape[1] == np.ceil(160 * np.sqrt(2))
    assert copy[..., 3].mean() * copy[..., 3].size == pytest.approx(mark[..., 3].mean() * 160**2, rel=0.01)


def test_text_stands_beside_or_below_the_whole_mark(altered, mark, word):
    shapes = set()
    for seed in range(8):
        copy = altered.beside(mark, np.random.default_rng(seed), word)
        assert (copy[:160, :160] == mark).all()
        rest = copy.copy()
        rest[:160, :160] = 0
        assert (rest[..., 3] > 128).any()
        shapes.add(copy.shape[0] > copy.shape[1])
    assert shapes == {True, False}


def test_a_trap_has_the_shape_of_one_mark_and_the_colours_of_another(altered):
    trap, mark = (altered.picture(marks.drawing(brand, colored=True)) for brand in ("globex", "acme"))
    colours = altered.recoloured(mark, rng(), None)
    painted = altered.in_the_colours_of(trap, colours)
    assert (painted[..., 3] == trap[..., 3]).all() and overlap(painted, trap) == 1
    assert {*map(tuple, painted.reshape(-1, 4))} <= {*map(tuple, colours.reshape(-1, 4))}
    assert altered.has_colours(painted)
    one = altered.in_the_colours_of(
        altered.picture(marks.drawing("globex")), altered.picture(marks.drawing("acme", (9, 90, 200)))
    )
    assert one[80, 10].tolist() == [9, 90, 200, 255]


def case(benchmark, **changes):
    held_out = [marks.drawing(brand, colored=colored) for brand in ("acme", "globex", "initech") for colored in (False, True)]
    rest = [marks.drawing(f"other {'x' * number}", colored=number % 2 == 0) for number in range(12)]
    words = [marks.drawing("word", color=None)]
    return benchmark.chosen(held_out, rest, words, **{"queries": 2, "indexed": 10, "seed": 0} | changes)


def test_as_many_marks_are_indexed_as_wanted_and_all_that_are_held_out(benchmark):
    made = case(benchmark)
    traps = [label for label in made.marks if benchmark.owner_of(label) == benchmark.TRAPS]
    assert len(made.copies) == len(traps) == 2 * COPIES and len(made.marks) == 10 + len(traps)
    assert {copy.trap for copy in made.copies} == {*traps}
    assert {benchmark.owner_of(label) for label in list(made.marks)[:6]} == {"0", "1", "2"}
    assert len(case(benchmark, indexed=1, queries=9).copies) == 3 * COPIES
    again = case(benchmark)
    assert all((one.picture == other.picture).all() for one, other in zip(made.copies, again.copies, strict=True))


def test_ranks_count_the_marks_of_others_before_the_original_and_no_traps(benchmark, monkeypatch):
    similarities = {"0/0": (0.5, 0.1), "1/1": (0.6, 0.7), "1/2": (0.2, 0.9), "2/3": (0.5, 0.5), "traps/0": (0.8, 0.0)}

    class Indexed:
        labels = tuple(similarities)

    monkeypatch.setattr(benchmark, "index", lambda gallery, folder: None)
    monkeypatch.setattr(benchmark, "compare", lambda gallery, mark: (np.array([*similarities.values()]), None))
    mark = np.zeros((8, 8, 4), np.uint8)
    copies = [benchmark.Copy(owner, "grey", mark, "traps/0") for owner in ("0", "1", "2")]
    ranks, trapped = benchmark.measure(Indexed(), benchmark.Case(dict.fromkeys(similarities, mark), copies))
    # Both marks of brand 1 stand before the others, of which neither stands before the other.
    assert ranks["grey"].tolist() == ranks["all"].tolist() == [3, 1, 3]
    assert trapped["grey"].tolist() == [True, False, True]
    assert len(ranks["rotated"]) == 0


def test_copies_of_a_few_marks_are_found(benchmark):
    ranks, trapped = benchmark.measure(lk.Gallery(embed=galleries.embed, image_size=galleries.SIZE), case(benchmark))
    assert list(ranks) == list(trapped) == [*importlib.import_module("altered").ALTERATIONS, "all"]
    assert all(len(ranks[name]) == 2 for name in ranks if name != "all") and len(ranks["all"]) == 2 * COPIES
    # What differs in colour alone is the same drawing in black; a thumbnail's colours tell as much.
    assert (ranks["inverted"] == 1).all() and not trapped["inverted"].any()


def test_copies_of_one_mark_count_as_one_in_an_interval(benchmark):
    hits = np.repeat([True, False] * 8, COPIES)
    assert benchmark.percent(hits, 16) == benchmark.percent(hits[::COPIES], 16) == "50.0 (25.0 to 75.0)"
