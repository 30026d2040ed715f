"""Charts of a run, of the ranking and of embeddings: what they show, and what they refuse."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

import logo_keras as lk
from logo_keras.evaluation.ranking import Ranking
from logo_keras.report import lettering
from logo_keras.visualize import embeddings

ROWS = [
    {"epoch": 1, "loss": 2.0, "top1": 0.3, "val_loss": 2.1, "val_top1": 0.2, "seconds": 3.0, "learning_rate": 0.01},
    {"epoch": 2, "loss": 1.0, "top1": 0.6, "val_top1": 0.5},
]


@pytest.fixture
def figures(monkeypatch):
    """The figures that were drawn."""
    drawn, pixels = [], lettering.pixels
    monkeypatch.setattr(lettering, "pixels", lambda figure: drawn.append(figure) or pixels(figure))
    return drawn


def lines(figure: Figure):
    return {line.get_label(): line.get_xydata().tolist() for axes in figure.axes for line in axes.lines}


def test_curves_are_drawn_of_rows_of_a_history_and_of_a_file_alike(figures, tmp_path):
    columns = {name: [row.get(name, np.nan) for row in ROWS] for name in ROWS[0] if name != "epoch"}
    (tmp_path / "history.csv").write_text(
        "epoch,loss,top1,val_loss,val_top1,seconds\n1,2.0,0.3,2.1,0.2,3.0\n2,1.0,0.6,,0.5,\n", encoding="utf-8"
    )
    for history in (ROWS, SimpleNamespace(history=columns, epoch=[0, 1]), tmp_path / "history.csv"):
        picture = lk.visualize.curves(history)
        assert picture.shape[1] == 800
        assert lines(figures[-1]) == {
            "loss": [[1, 2], [2, 1]],
            "loss, validation": [[1, 2.1]],
            "top1": [[1, 0.3], [2, 0.6]],
            "top1, validation": [[1, 0.2], [2, 0.5]],
        }


def test_training_and_validation_differ_in_more_than_colour(figures):
    lk.visualize.curves(ROWS)
    train, validation = figures[0].axes[0].lines
    assert train.get_linestyle() != validation.get_linestyle() and train.get_marker() != validation.get_marker()


@pytest.mark.parametrize("history", [[], [{"epoch": 1, "seconds": 2.0}], [{"epoch": 1, "top1": np.nan}]])
def test_a_history_without_figures_is_refused(history):
    with pytest.raises(ValueError, match="nothing to draw"):
        lk.visualize.curves(history)


def test_the_ranking_writes_its_correlation_with_the_interval(figures):
    scores = np.float32([[3, 2, 1], [5, 4, 3], [1, 1, 1]])
    confidences = np.float32([[0.9, 0.5, 0.1], [0.2, 0.4, 0.3], [0.5, 0.2, 0.1]])
    found = Ranking(scores, confidences)
    lk.visualize.ranking(found, None)
    title = figures[0].axes[0].get_title(loc="left")
    # 1 and -0.5; the third has no ranking.
    assert "rank correlation 0.25 (-1.00 to 1.00), 2 photos" in title and "all being equal: 1 photos" in title
    assert len(figures[0].axes[0].collections) == 3


def test_an_embedding_map_numbers_every_brand_at_its_mean_and_gives_each_its_look(figures):
    labels = np.repeat(np.arange(30), 4)
    points = np.stack([labels % 6, labels // 6], axis=1) + np.tile([-0.1, 0.1, -0.1, 0.1], 30)[:, None]
    names = ["東京 株式会社", "long " * 20, *(f"brand {number}" for number in range(28))]
    picture = lk.visualize.embedding_map(points, labels, names)
    axes = figures[0].axes[0]
    assert picture.shape[1] == 800
    assert [text.get_text() for text in axes.texts] == [str(number + 1) for number in range(30)]
    looks = {(tuple(dots.get_facecolor()[0]), dots.get_paths()[0].vertices.tobytes()) for dots in axes.collections[1:]}
    assert len(looks) == 30


def test_numbers_of_brands_with_one_mean_stand_apart():
    found = embeddings._apart([np.zeros(2)] * 20)
    assert tuple(found[0]) == (0, 0)
    apart = [(np.abs(a - b) > (35, 29)).any() for place, a in enumerate(found) for b in found[:place]]
    assert all(apart)


def test_the_map_is_that_of_the_two_largest_variances():
    values = np.random.default_rng(0).normal(size=(50, 5)) * (0.1, 4, 0.1, 9, 0.1)
    points, share = embeddings.principal(values)
    variances = np.linalg.eigvalsh(np.cov(values.T))[::-1]
    np.testing.assert_allclose(np.cov(points.T), np.diag(variances[:2]), atol=1e-9)
    assert share == pytest.approx(variances[:2].sum() / variances.sum())


def test_of_thousands_of_brands_those_with_the_most_photos_are_named(figures):
    labels = np.concatenate([np.arange(2341), np.repeat(2000, 5), [-1]])
    lk.visualize.embedding_map(np.random.default_rng(0).normal(size=(len(labels), 4)), labels, [f"b{n}" for n in range(2341)])
    texts = [text.get_text() for text in figures[0].texts]
    assert any(text.endswith(" b2000") for text in texts) and any("60 of 2,341 brands" in text for text in texts)


def test_a_map_needs_numbers_and_as_many_labels():
    for values, labels, said in (
        (np.zeros((3, 4)), [0, 1], "as many|labels"),
        (np.zeros((1, 4)), [0], "at least 2"),
        (np.full((2, 4), np.nan), [0, 0], "not finite"),
        (np.eye(2), [0, 3], "places in class_names"),
    ):
        with pytest.raises(ValueError, match=said):
            lk.visualize.embedding_map(values, labels, ["a"])
    assert lk.visualize.embedding_map(np.zeros((3, 4)), [0, 0, 0], ["one"]).shape[1] == 800
